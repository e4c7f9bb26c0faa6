import type { EmergencyGrant } from '@countersign/core';
import { format } from '../strings/format.ts';
import { Accesses, type AccessRow } from './emergency-accesses.tsx';
import { EmergencyFacts } from './emergency-facts.tsx';
import { FieldMessage } from './field-message.tsx';
import { Form } from './form.tsx';
import { instantFormatter } from './format-instant.ts';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { Notice } from './notice.tsx';
import { useShell } from './shell.ts';
import { TextArea } from './text-area.tsx';

export interface ReviewPageProps {
  readonly grant: EmergencyGrant;
  readonly patientLabel?: string | undefined;
  readonly accesses: readonly AccessRow[];
  /** It is the administrator's own: somebody else has to review it. */
  readonly own: boolean;
  readonly reviewAction: string;
  readonly endAction: string;
  /** Absent where there is nothing to tell a patient. */
  readonly recordHref?: string | undefined;
  readonly queueHref: string;
  readonly earlierHref?: string | undefined;
  readonly notice?: 'reviewed' | 'ended' | undefined;
  /** What was typed and refused, and why. */
  readonly refused?:
    | {
        readonly outcome: string;
        readonly note: string;
        readonly field: 'outcome' | 'note' | null;
        readonly text: string;
      }
    | undefined;
}

/** One emergency access before its reviewer: what was said, what was opened, and the sign-off. */
export function ReviewPage(props: ReviewPageProps) {
  const { strings } = useShell();
  const { reviews, emergency } = strings;
  const { detail: text } = reviews;
  const { grant, notice, refused } = props;
  return (
    <Layout
      title={format(text.title, { user: grant.userId })}
      page="reviews"
      width="wide"
      error={refused !== undefined}
    >
      {notice !== undefined && (
        <Notice kind="success">
          <p>{text.notices[notice]}</p>
        </Notice>
      )}
      {refused?.field === null && (
        <Notice kind="error">
          <p>{refused.text}</p>
        </Notice>
      )}
      <p class="cs-actions">
        <Link href={props.queueHref}>{reviews.back}</Link>
        <Link href={props.recordHref}>{text.record}</Link>
      </p>
      <div class="cs-reading cs-about">
        <p>
          <span class="cs-badge">{emergency.statuses[grant.status]}</span> {grant.overdue && <Overdue grant={grant} />}
        </p>
        <EmergencyFacts grant={grant} patientLabel={props.patientLabel} person earlierHref={props.earlierHref} />
      </div>
      {grant.status === 'open' && (
        <Form action={props.endAction}>
          <button class="cs-button cs-button-secondary" type="submit">
            {text.endNow}
          </button>
        </Form>
      )}
      <Accesses heading={text.heading} none={text.none} rows={props.accesses} />
      <Reviewing {...props} />
    </Layout>
  );
}

function Overdue({ grant }: { readonly grant: EmergencyGrant }) {
  const { lang, strings, timeZone } = useShell();
  const date = instantFormatter(lang, timeZone)(grant.reviewDueAt);
  return <span class="cs-badge cs-badge-refused">{format(strings.reviews.overdue, { date })}</span>;
}

/** The form where it can be reviewed; what came of it where it was; else why not. */
function Reviewing({ grant, own, reviewAction, refused }: ReviewPageProps) {
  const { detail: text } = useShell().strings.reviews;
  const { review } = grant;
  const body = () => {
    const latest = review === null ? null : <Latest review={review} />;
    if (review?.outcome === 'signed-off') return latest;
    if (own) return <p>{text.own}</p>;
    if (grant.status !== 'ended') return <p>{text.notYet}</p>;
    return (
      <>
        {latest}
        <ReviewForm action={reviewAction} refused={refused} />
      </>
    );
  };
  return (
    <section class="cs-section cs-reading" aria-labelledby="cs-review">
      <h2 id="cs-review">{text.reviewHeading}</h2>
      {body()}
    </section>
  );
}

/** The latest word. One that was escalated still waits to be signed off. */
function Latest({ review }: { readonly review: NonNullable<EmergencyGrant['review']> }) {
  const { lang, strings, timeZone } = useShell();
  const { detail: text } = strings.reviews;
  const date = instantFormatter(lang, timeZone)(review.at);
  return (
    <div class="cs-flag">
      <p>{format(text.reviewedBy, { outcome: text.reviewedAs[review.outcome], user: review.by, date })}</p>
      <p class="cs-resend-text">{review.note}</p>
    </div>
  );
}

function ReviewForm({ action, refused }: { readonly action: string; readonly refused: ReviewPageProps['refused'] }) {
  const { strings } = useShell();
  const { detail: text } = strings.reviews;
  const wrongOutcome = refused?.field === 'outcome';
  const wrongNote = refused?.field === 'note';
  return (
    <Form action={action}>
      <fieldset class={wrongOutcome ? 'cs-field cs-choices cs-field-wrong' : 'cs-field cs-choices'}>
        <legend class="cs-label">{text.outcome}</legend>
        {wrongOutcome && <FieldMessage id="cs-outcome" text={refused.text} />}
        {(['signed-off', 'escalated'] as const).map((outcome) => (
          <div class="cs-choice" key={outcome}>
            <input
              id={`cs-outcome-${outcome}`}
              type="radio"
              name="outcome"
              value={outcome}
              checked={refused?.outcome === outcome}
              aria-describedby={wrongOutcome ? 'cs-outcome-error' : undefined}
            />
            <label for={`cs-outcome-${outcome}`}>{text.outcomes[outcome]}</label>
          </div>
        ))}
      </fieldset>
      <TextArea
        id="cs-note"
        name="note"
        label={text.note}
        hint={text.noteHint}
        value={refused?.note}
        focus={wrongNote}
        error={wrongNote ? <FieldMessage id="cs-note" text={refused.text} /> : undefined}
      />
      <button class="cs-button" type="submit">
        {text.submit}
      </button>
    </Form>
  );
}
