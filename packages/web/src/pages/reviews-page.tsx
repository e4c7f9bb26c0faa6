import type { EmergencyGrant } from '@countersign/core';
import { format } from '../strings/format.ts';
import { DataTable } from './data-table.tsx';
import { instantFormatter } from './format-instant.ts';
import { Instant } from './instant.tsx';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import type { EmergencyEntry } from './own-emergency-page.tsx';
import { useShell } from './shell.ts';

export const reviewStates = ['to-review', 'open', 'reviewed'] as const;
export type ReviewState = (typeof reviewStates)[number];

export interface ReviewsPageProps {
  readonly state: ReviewState;
  /** Where each list is. */
  readonly hrefs: Readonly<Record<ReviewState, string>>;
  readonly entries: readonly EmergencyEntry[];
  readonly olderHref?: string | undefined;
}

/** The queue of reviews: what waits, overdue first; what is open now; what was reviewed. */
export function ReviewsPage({ state, hrefs, entries, olderHref }: ReviewsPageProps) {
  const { strings, timeZone } = useShell();
  const { reviews: text, emergency, challenge } = strings;
  return (
    <Layout title={text.title} page="reviews" width="wide">
      <p>{text.intro}</p>
      <nav class="cs-navigation" aria-label={text.title}>
        <ul>
          {reviewStates.map((one) => (
            <li key={one}>
              <Link href={hrefs[one]} current={one === state}>
                {text.states[one]}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      {entries.length === 0 ? (
        <p class="cs-empty">{text.empty[state]}</p>
      ) : (
        <DataTable
          caption={format(text.caption, { timeZone: timeZone ?? 'UTC' })}
          columns={[emergency.facts.person, text.opened, text.what, challenge.patient, emergency.reason, text.review]}
          rows={entries.map((entry) => ({ key: entry.grant.id, cells: cellsOf(entry, state) }))}
        />
      )}
      <p class="cs-actions">
        <Link href={olderHref} look="secondary">
          {text.older}
        </Link>
      </p>
    </Layout>
  );
}

function cellsOf({ grant, patientLabel, href }: EmergencyEntry, state: ReviewState) {
  return [
    <Link key="person" href={href}>
      {grant.userId}
    </Link>,
    <Opened key="opened" grant={grant} />,
    <What key="what" grant={grant} />,
    grant.patientId === null ? null : (patientLabel ?? grant.patientId),
    <span key="reason" class="cs-clamp">
      {grant.reason}
    </span>,
    state === 'open' ? null : <Review key="review" grant={grant} />,
  ];
}

function Opened({ grant }: { readonly grant: EmergencyGrant }) {
  const { lang, timeZone } = useShell();
  return <Instant at={grant.openedAt} text={instantFormatter(lang, timeZone)(grant.openedAt)} />;
}

function What({ grant }: { readonly grant: EmergencyGrant }) {
  const { emergency, reviews } = useShell().strings;
  return (
    <>
      {emergency.for[grant.purpose]}
      {grant.status !== 'ended' && (
        <>
          {' '}
          <span class="cs-badge">{emergency.statuses[grant.status]}</span>
        </>
      )}
      {grant.reopens !== null && (
        <>
          {' '}
          <span class="cs-badge cs-badge-refused">{reviews.reopened}</span>
        </>
      )}
    </>
  );
}

/** What became of the review, or until when it is due. */
function Review({ grant }: { readonly grant: EmergencyGrant }) {
  const { lang, strings, timeZone } = useShell();
  const { reviews: text } = strings;
  const written = instantFormatter(lang, timeZone);
  const outcome = grant.review?.outcome;
  if (outcome === 'signed-off') return <span class="cs-badge cs-badge-success">{text.detail.reviewedAs[outcome]}</span>;
  const date = written(grant.reviewDueAt);
  return (
    <>
      {grant.overdue ? (
        <span class="cs-badge cs-badge-refused">{format(text.overdue, { date })}</span>
      ) : (
        format(text.due, { date })
      )}{' '}
      {outcome === 'escalated' && <span class="cs-badge cs-badge-refused">{text.detail.reviewedAs[outcome]}</span>}
    </>
  );
}
