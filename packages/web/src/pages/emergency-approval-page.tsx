import type { EmergencyGrant } from '@countersign/core';
import { format, formatPeriod } from '../strings/format.ts';
import { EmergencyFacts } from './emergency-facts.tsx';
import { FieldMessage } from './field-message.tsx';
import { Form } from './form.tsx';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { useShell } from './shell.ts';
import { TextField } from './text-field.tsx';

export interface EmergencyApprovalPageProps {
  readonly grant: EmergencyGrant;
  readonly patientLabel?: string | undefined;
  readonly windowSeconds: number;
  readonly approveAction: string;
  readonly declineAction: string;
  readonly cancelHref: string;
  /** A note that was typed and refused. */
  readonly refusedNote?: string | undefined;
}

/** For the second person: what is asked, and two ways to answer. */
export function EmergencyApprovalPage(props: EmergencyApprovalPageProps) {
  const { lang, strings } = useShell();
  const { approval: text } = strings.emergency;
  const time = formatPeriod(props.windowSeconds, lang);
  const wrong = props.refusedNote !== undefined;
  return (
    <Layout title={text.title} error={wrong}>
      <EmergencyFacts grant={props.grant} patientLabel={props.patientLabel} person />
      <Form action={props.approveAction}>
        <p>{format(text.text, { time })}</p>
        <button class="cs-button" type="submit">
          {format(text.approve, { time })}
        </button>
      </Form>
      <details class="cs-details" open={wrong}>
        <summary>{text.decline}</summary>
        <Form action={props.declineAction}>
          <TextField
            id="cs-note"
            name="note"
            label={text.note}
            hint={text.noteHint}
            value={props.refusedNote}
            optional
            focus={wrong}
            error={wrong ? <FieldMessage id="cs-note" text={text.noteWrong} /> : undefined}
          />
          <button class="cs-button cs-button-secondary" type="submit">
            {text.declineSubmit}
          </button>
        </Form>
      </details>
      <p class="cs-aside">
        <Link href={props.cancelHref}>{strings.challenge.cancel}</Link>
      </p>
    </Layout>
  );
}
