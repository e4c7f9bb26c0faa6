import type { EmergencyGrant } from '@countersign/core';
import { format, formatWait } from '../strings/format.ts';
import { EmergencyFacts } from './emergency-facts.tsx';
import { Form } from './form.tsx';
import { instantFormatter } from './format-instant.ts';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { Notice } from './notice.tsx';
import { useShell } from './shell.ts';

export interface EmergencyGrantPageProps {
  readonly grant: EmergencyGrant;
  readonly patientLabel?: string | undefined;
  readonly secondsLeft: number;
  readonly endAction: string;
  /** Where to go on: the record that was wanted, or the person's factors. Absent: it is not known. */
  readonly continueHref?: string | undefined;
  readonly homeHref: string;
  /** This page again. */
  readonly hereHref: string;
  /** The form, for another one like it. */
  readonly againHref?: string | undefined;
}

/** The person's own emergency access, whatever became of it. */
export function EmergencyGrantPage(props: EmergencyGrantPageProps) {
  const { grant } = props;
  switch (grant.status) {
    case 'open':
      return <OpenGrant {...props} />;
    case 'waiting':
      return <WaitingGrant {...props} />;
    default:
      return <PastGrant {...props} />;
  }
}

function OpenGrant({ grant, patientLabel, secondsLeft, ...props }: EmergencyGrantPageProps) {
  const { lang, strings, timeZone } = useShell();
  const { emergency, links } = strings;
  const { open: text } = emergency;
  const date = instantFormatter(lang, timeZone)(grant.endsAt);
  return (
    <Layout title={text.title}>
      <p class="cs-time-left">{format(text.left, { time: formatWait(secondsLeft, lang), date })}</p>
      <p class="cs-actions">
        <Link href={props.continueHref ?? props.homeHref} look="primary">
          {props.continueHref === undefined
            ? links.home
            : grant.purpose === 'administrative'
              ? text.recovery
              : text.continue}
        </Link>
      </p>
      <EmergencyFacts grant={grant} patientLabel={patientLabel} />
      <Form action={props.endAction} class="cs-form cs-offer">
        <p>{text.endText}</p>
        <button class="cs-button cs-button-secondary" type="submit">
          {text.end}
        </button>
      </Form>
    </Layout>
  );
}

/** Nothing refreshes by itself: the person looks again when they want to. */
function WaitingGrant({ grant, patientLabel, ...props }: EmergencyGrantPageProps) {
  const { waiting: text } = useShell().strings.emergency;
  return (
    <Layout title={text.title}>
      <Notice kind="info">
        <p>{text.text}</p>
      </Notice>
      <p class="cs-actions">
        <Link href={props.hereHref} look="primary">
          {text.check}
        </Link>
      </p>
      <EmergencyFacts grant={grant} patientLabel={patientLabel} />
      <Form action={props.endAction} class="cs-form cs-offer">
        <button class="cs-button cs-button-secondary" type="submit">
          {text.withdraw}
        </button>
      </Form>
    </Layout>
  );
}

function PastGrant({ grant, patientLabel, ...props }: EmergencyGrantPageProps) {
  const { emergency, links } = useShell().strings;
  const { ended, declined } = emergency;
  const wasDeclined = grant.status === 'declined';
  return (
    <Layout title={wasDeclined ? declined.title : ended.title}>
      <p>{wasDeclined ? declined.text : ended.text[grant.endedBy ?? 'time']}</p>
      <p class="cs-actions">
        <Link href={props.continueHref ?? props.homeHref} look="primary">
          {links.home}
        </Link>
        <Link href={props.againHref} look="secondary">
          {ended.again}
        </Link>
      </p>
      <EmergencyFacts grant={grant} patientLabel={patientLabel} />
    </Layout>
  );
}
