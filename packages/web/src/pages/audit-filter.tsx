import type { ComponentChildren } from 'preact';
import { textFor } from '../strings/format.ts';
import { Link } from './link.tsx';
import { safeHref } from './safe-href.ts';
import { useShell } from './shell.ts';

/** What is asked for, as it stands in the query; empty where not asked. */
export interface AuditFilterValues {
  /** `YYYY-MM-DD`, the first day shown. */
  readonly from: string;
  /** `YYYY-MM-DD`, the last day shown. */
  readonly until: string;
  readonly userId: string;
  readonly patientId: string;
  readonly code: string;
}

export interface AuditFilterErrors {
  readonly from?: 'not_a_date';
  readonly until?: 'not_a_date' | 'until_before_from';
}

export interface AuditFilterProps {
  /** A path without query: the form is a GET. */
  readonly formAction: string;
  readonly values: AuditFilterValues;
  readonly errors?: AuditFilterErrors | undefined;
  /** The event codes to choose from. */
  readonly codes: readonly string[];
}

/** The filter of the audit list: a GET form, so that a search can be kept and sent as an address. */
export function AuditFilter({ formAction, values, errors = {}, codes }: AuditFilterProps) {
  const text = useShell().strings.audit;
  const filtered = Object.values(values).some((value) => value !== '');
  return (
    <form class="cs-filter" method="get" action={safeHref(formAction)} novalidate aria-label={text.filter}>
      <DateField
        name="from"
        label={text.from}
        value={values.from}
        error={errors.from}
        focus={errors.from !== undefined}
      />
      <DateField
        name="until"
        label={text.until}
        value={values.until}
        error={errors.until}
        focus={errors.from === undefined && errors.until !== undefined}
      />
      <Field id="cs-filter-user" label={text.userId}>
        <input
          class="cs-input"
          id="cs-filter-user"
          name="userId"
          type="text"
          value={values.userId}
          spellcheck={false}
          autocapitalize="off"
        />
      </Field>
      <Field id="cs-filter-patient" label={text.patientId}>
        <input
          class="cs-input"
          id="cs-filter-patient"
          name="patientId"
          type="text"
          value={values.patientId}
          spellcheck={false}
          autocapitalize="off"
        />
      </Field>
      <Field id="cs-filter-code" label={text.code}>
        <select class="cs-input" id="cs-filter-code" name="code">
          <option value="">{text.anyCode}</option>
          {codes.map((code) => (
            <option key={code} value={code} selected={code === values.code}>
              {textFor(text.codes, code, code)}
            </option>
          ))}
        </select>
      </Field>
      <div class="cs-filter-actions">
        <button class="cs-button" type="submit">
          {text.apply}
        </button>
        {filtered && <Link href={formAction}>{text.clear}</Link>}
      </div>
    </form>
  );
}

function Field({
  id,
  label,
  children,
}: {
  readonly id: string;
  readonly label: string;
  readonly children: ComponentChildren;
}) {
  return (
    <div class="cs-field">
      <label class="cs-label" for={id}>
        {label}
      </label>
      {children}
    </div>
  );
}

interface DateFieldProps {
  readonly name: 'from' | 'until';
  readonly label: string;
  readonly value: string;
  readonly error: 'not_a_date' | 'until_before_from' | undefined;
  readonly focus: boolean;
}

function DateField({ name, label, value, error, focus }: DateFieldProps) {
  const { audit } = useShell().strings;
  const id = `cs-filter-${name}`;
  const attributes = {
    class: 'cs-input',
    id,
    name,
    value,
    'aria-invalid': error === undefined ? undefined : true,
    'aria-describedby': error === undefined ? undefined : `${id}-error`,
    autofocus: focus,
  };
  return (
    <Field id={id} label={label}>
      {error !== undefined && (
        <p class="cs-error cs-error-text" id={`${id}-error`} role="alert">
          {audit.errors[error]}
        </p>
      )}
      {/* Text that no date picker would take back is shown in a text field, so that it is not lost. */}
      {error === 'not_a_date' ? <input {...attributes} type="text" /> : <input {...attributes} type="date" />}
    </Field>
  );
}
