import type { EmergencyPurpose } from '@countersign/core';
import { format, formatPeriod, textFor } from '../strings/format.ts';
import { type FactRow, Facts } from './facts.tsx';
import { FieldMessage } from './field-message.tsx';
import { Form } from './form.tsx';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { Notice } from './notice.tsx';
import { useShell } from './shell.ts';
import { TextArea } from './text-area.tsx';
import { TextField } from './text-field.tsx';

/** The fields of the form, by the name that they are posted under. */
export type EmergencyField = 'reason' | 'purposeOfUse' | 'recipient' | 'facility' | 'nature';

/** The particulars of an emergency that a host may ask for (42 CFR 2.51(c)). */
export const emergencyParticulars = ['recipient', 'facility', 'nature'] as const;

export interface EmergencyPageProps {
  readonly formAction: string;
  readonly purpose: EmergencyPurpose;
  readonly patientId: string | null;
  /** A label the host chose to show in place of the id. */
  readonly patientLabel?: string | undefined;
  readonly windowSeconds: number;
  readonly purposesOfUse: readonly string[];
  readonly fields: Readonly<Record<(typeof emergencyParticulars)[number], 'required' | 'optional' | null>>;
  readonly needsApproval: boolean;
  /** What was typed and refused. */
  readonly values?: Readonly<Partial<Record<EmergencyField, string>>> | undefined;
  /** What is wrong, in the page's words, by field. */
  readonly errors?: ReadonlyMap<EmergencyField, string> | undefined;
  /** A refusal that is of no field. */
  readonly problem?: string | undefined;
  readonly returnTo?: string | undefined;
  /** What was posted and refused, sealed: it is shown again once access is open. */
  readonly draft?: string | undefined;
  readonly cancelHref: string;
}

/** The way in: what will happen, why, and one button that says what it does. */
export function EmergencyPage(props: EmergencyPageProps) {
  const { lang, strings } = useShell();
  const { emergency: text } = strings;
  const { purpose, needsApproval, values = {}, errors = new Map() } = props;
  const time = formatPeriod(props.windowSeconds, lang);
  const errorOf = (field: EmergencyField) => errors.get(field);
  const [firstWrong] = errors.keys();
  const about: FactRow[] =
    props.patientId === null ? [] : [[strings.challenge.patient, props.patientLabel ?? props.patientId]];
  return (
    <Layout title={text.title} error={errors.size > 0 || props.problem !== undefined}>
      {props.problem !== undefined && (
        <Notice kind="error">
          <p>{props.problem}</p>
        </Notice>
      )}
      <p>{text.lead[purpose]}</p>
      {about.length > 0 && <Facts rows={about} />}
      <section class="cs-what" aria-labelledby="cs-what">
        <h2 id="cs-what">{text.what.heading}</h2>
        <ul>
          <li>{format(text.what[purpose], { time })}</li>
          <li>{text.what.told}</li>
        </ul>
      </section>
      {needsApproval && (
        <Notice kind="info">
          <p>{text.what.approval}</p>
        </Notice>
      )}
      <Form action={props.formAction}>
        <Hidden name="purpose" value={purpose} />
        <Hidden name="patient" value={props.patientId ?? undefined} />
        <Hidden name="returnTo" value={props.returnTo} />
        <Hidden name="draft" value={props.draft} />
        <TextArea
          id="cs-reason"
          name="reason"
          label={text.reason}
          hint={text.reasonHint}
          rows={2}
          value={values.reason}
          focus={firstWrong === undefined || firstWrong === 'reason'}
          error={errorOf('reason') && <FieldMessage id="cs-reason" text={errorOf('reason') ?? ''} />}
        />
        <PurposesOfUse
          all={props.purposesOfUse}
          chosen={values.purposeOfUse ?? props.purposesOfUse[0] ?? ''}
          error={errorOf('purposeOfUse')}
        />
        {emergencyParticulars.map((field) => {
          const asked = props.fields[field];
          if (asked === null) return null;
          const id = `cs-${field}`;
          const label = text.fields[field];
          const error = errorOf(field);
          return (
            <TextField
              key={field}
              id={id}
              name={field}
              label={asked === 'optional' ? format(text.optional, { label }) : label}
              optional={asked === 'optional'}
              value={values[field]}
              focus={firstWrong === field}
              error={error === undefined ? undefined : <FieldMessage id={id} text={error} />}
            />
          );
        })}
        <button class="cs-button cs-button-wide" type="submit">
          {needsApproval ? text.submit.approval : format(text.submit[purpose], { time })}
        </button>
      </Form>
      <p class="cs-aside">
        <Link href={props.cancelHref}>{text.cancel}</Link>
      </p>
    </Layout>
  );
}

function Hidden({ name, value }: { readonly name: string; readonly value: string | undefined }) {
  return value === undefined ? null : <input type="hidden" name={name} value={value} />;
}

interface PurposesProps {
  readonly all: readonly string[];
  readonly chosen: string;
  readonly error: string | undefined;
}

/** One of the configured codes of HL7 v3-ActReason. A single one is no question. */
function PurposesOfUse({ all, chosen, error }: PurposesProps) {
  const { emergency: text } = useShell().strings;
  if (all.length === 1) return <Hidden name="purposeOfUse" value={all[0]} />;
  return (
    <fieldset class={error === undefined ? 'cs-field cs-choices' : 'cs-field cs-choices cs-field-wrong'}>
      <legend class="cs-label">{text.purposeOfUse}</legend>
      {error !== undefined && <FieldMessage id="cs-purpose" text={error} />}
      {all.map((code) => (
        <div class="cs-choice" key={code}>
          <input
            id={`cs-purpose-${code}`}
            type="radio"
            name="purposeOfUse"
            value={code}
            checked={code === chosen}
            aria-describedby={error === undefined ? undefined : 'cs-purpose-error'}
          />
          <label for={`cs-purpose-${code}`}>{textFor(text.purposesOfUse, code, code)}</label>
        </div>
      ))}
    </fieldset>
  );
}
