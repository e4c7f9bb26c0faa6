import type { EmergencyGrant } from '@countersign/core';
import { format, formatWait } from '../strings/format.ts';
import { instantFormatter } from './format-instant.ts';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { Notice } from './notice.tsx';
import { useShell } from './shell.ts';

/** What the page before did, as the page that follows says it. */
export type EmergencyNotice = 'ended' | 'approved' | 'declined' | 'gone';

/** One emergency access in a list. */
export interface EmergencyEntry {
  readonly grant: EmergencyGrant;
  readonly patientLabel?: string | undefined;
  readonly href: string;
  readonly secondsLeft: number;
}

export interface OwnEmergencyPageProps {
  readonly own: readonly EmergencyEntry[];
  readonly toApprove: readonly EmergencyEntry[];
  /** The form for the recovery of the person's own factors; absent where it is not available. */
  readonly recoveryHref?: string | undefined;
  readonly notice?: EmergencyNotice | undefined;
}

/** A person's emergency access: open, waiting, and what waits for their approval. */
export function OwnEmergencyPage({ own, toApprove, recoveryHref, notice }: OwnEmergencyPageProps) {
  const { emergency } = useShell().strings;
  const { own: text, approval } = emergency;
  return (
    <Layout title={text.title} page="emergency" error={notice === 'gone'}>
      {notice !== undefined && (
        <Notice kind={notice === 'gone' ? 'error' : 'success'}>
          <p>{notice === 'ended' ? text.notice : approval[notice]}</p>
        </Notice>
      )}
      {toApprove.length > 0 && <Entries id="cs-approve" heading={text.toApprove} entries={toApprove} asked />}
      {own.length === 0 ? (
        <p>{text.none}</p>
      ) : (
        <Entries id="cs-own" heading={text.heading} entries={own} asked={false} />
      )}
      <p class="cs-hint">{text.intro}</p>
      <p class="cs-aside">
        <Link href={recoveryHref}>{text.recovery}</Link>
      </p>
    </Layout>
  );
}

interface EntriesProps {
  readonly id: string;
  readonly heading: string;
  readonly entries: readonly EmergencyEntry[];
  /** They are somebody else's, and wait for this person. */
  readonly asked: boolean;
}

function Entries({ id, heading, entries, asked }: EntriesProps) {
  const { lang, strings, timeZone } = useShell();
  const { emergency, challenge } = strings;
  const written = instantFormatter(lang, timeZone);
  return (
    <section class="cs-section" aria-labelledby={id}>
      <h2 id={id}>{heading}</h2>
      <ul class="cs-cards">
        {entries.map(({ grant, patientLabel, href, secondsLeft }) => (
          <li class="cs-card" key={grant.id}>
            <div class="cs-card-head">
              <h3>
                {grant.patientId === null
                  ? emergency.for[grant.purpose]
                  : `${challenge.patient}: ${patientLabel ?? grant.patientId}`}
              </h3>
              <span class="cs-badge">{emergency.statuses[grant.status]}</span>
            </div>
            <ul class="cs-inline-facts">
              {asked && (
                <li>
                  {emergency.facts.person}: {grant.userId}
                </li>
              )}
              <li>
                {grant.status === 'open'
                  ? format(emergency.open.left, {
                      time: formatWait(secondsLeft, lang),
                      date: written(grant.endsAt),
                    })
                  : `${emergency.facts.asked}: ${written(grant.openedAt)}`}
              </li>
            </ul>
            <p>
              <Link href={href} look={asked ? 'primary' : 'plain'}>
                {asked ? emergency.own.decide : emergency.own.see}
              </Link>
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}
