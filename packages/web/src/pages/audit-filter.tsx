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
  readonly category: string;
  readonly code: string;
  readonly outcome: string;
  readonly emergencyAccessId: string;
  /** A field of an event; empty: the time. */
  readonly sort: string;
  /** `ascending`; empty: descending. */
  readonly order: string;
}

export interface AuditFilterErrors {
  readonly from?: 'not_a_date';
  readonly until?: 'not_a_date' | 'until_before_from';
  readonly sort?: 'too_wide';
}

export interface AuditFilterProps {
  /** A path without query: the form is a GET. */
  readonly formAction: string;
  readonly values: AuditFilterValues;
  readonly errors?: AuditFilterErrors | undefined;
  /** The event codes to choose from. */
  readonly codes: readonly string[];
  readonly categories: readonly { readonly id: string; readonly name: string }[];
  readonly outcomes: readonly string[];
  /** The fields of an event that it can be sorted by. */
  readonly sortFields: readonly string[];
}

/** Those of the filter that are folded away unless they are used. */
const folded = ['category', 'outcome', 'emergencyAccessId', 'sort', 'order'] as const;

/** The filter of the audit list: a GET form, so that a search can be kept and sent as an address. */
export function AuditFilter(props: AuditFilterProps) {
  const { formAction, values, errors = {} } = props;
  const text = useShell().strings.audit;
  const filtered = Object.values(values).some((value) => value !== '');
  return (
    <form class="cs-filter cs-no-print" method="get" action={safeHref(formAction)} novalidate aria-label={text.filter}>
      <PeriodFields values={values} errors={errors} />
      <TextInput name="userId" label={text.userId} value={values.userId} />
      <TextInput name="patientId" label={text.patientId} value={values.patientId} />
      <Choice
        name="code"
        label={text.code}
        value={values.code}
        any={text.anyCode}
        options={props.codes.map((code) => [code, textFor(text.codes, code, code)])}
      />
      <details
        class="cs-filter-more cs-details"
        open={folded.some((name) => values[name] !== '') || errors.sort !== undefined}
      >
        <summary>{text.more}</summary>
        <div class="cs-filter">
          <Choice
            name="category"
            label={text.category}
            value={values.category}
            any={text.anyCategory}
            options={props.categories.map(({ id, name }) => [id, name])}
          />
          <Choice
            name="outcome"
            label={text.outcome}
            value={values.outcome}
            any={text.anyOutcome}
            options={props.outcomes.map((outcome) => [outcome, textFor(text.outcomes, outcome, outcome)])}
          />
          <TextInput name="emergencyAccessId" label={text.emergencyAccessId} value={values.emergencyAccessId} />
          <Choice
            name="sort"
            label={text.sortBy}
            value={values.sort}
            any={text.fields.at}
            error={errors.sort === undefined ? undefined : text.errors[errors.sort]}
            options={props.sortFields
              .filter((field) => field !== 'at')
              .map((field) => [field, textFor(text.fields, field, field)])}
          />
          <Choice
            name="order"
            label={text.order}
            value={values.order}
            any={text.descending}
            options={[['ascending', text.ascending]]}
          />
        </div>
      </details>
      <div class="cs-filter-actions">
        <button class="cs-button" type="submit">
          {text.apply}
        </button>
        {filtered && <Link href={formAction}>{text.clear}</Link>}
      </div>
    </form>
  );
}

/** The two days of a period. */
export function PeriodFields({
  values,
  errors,
}: {
  readonly values: Pick<AuditFilterValues, 'from' | 'until'>;
  readonly errors: AuditFilterErrors;
}) {
  const text = useShell().strings.audit;
  const { from, until } = errors;
  return (
    <>
      <DateField name="from" label={text.from} value={values.from} error={from} focus={from !== undefined} />
      <DateField
        name="until"
        label={text.until}
        value={values.until}
        error={until}
        focus={from === undefined && until !== undefined}
      />
    </>
  );
}

/** One line of text that has to match exactly. */
export function TextInput({
  name,
  label,
  value,
  required = false,
}: {
  readonly name: 'userId' | 'patientId' | 'emergencyAccessId';
  readonly label: string;
  readonly value: string;
  readonly required?: boolean;
}) {
  const id = `cs-filter-${name}`;
  return (
    <Field id={id} label={label}>
      <input
        class="cs-input"
        id={id}
        name={name}
        type="text"
        value={value}
        spellcheck={false}
        autocapitalize="off"
        required={required}
      />
    </Field>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  /** What an empty value is called. */
  readonly any: string;
  readonly options: readonly (readonly [value: string, label: string])[];
  readonly error?: string | undefined;
}

function Choice({ name, label, value, any, options, error }: ChoiceProps) {
  const id = `cs-filter-${name}`;
  const known = value === '' || options.some(([option]) => option === value);
  return (
    <Field id={id} label={label} error={error}>
      <select
        class="cs-input"
        id={id}
        name={name}
        aria-invalid={error === undefined ? undefined : true}
        aria-describedby={error === undefined ? undefined : `${id}-error`}
        autofocus={error !== undefined}
      >
        <option value="">{any}</option>
        {/* One that is no longer declared is still what was asked for. */}
        {(known ? options : [...options, [value, value] as const]).map(([option, shown]) => (
          <option key={option} value={option} selected={option === value}>
            {shown}
          </option>
        ))}
      </select>
    </Field>
  );
}

interface FieldProps {
  readonly id: string;
  readonly label: string;
  readonly error?: string | undefined;
  readonly children: ComponentChildren;
}

function Field({ id, label, error, children }: FieldProps) {
  return (
    <div class="cs-field">
      <label class="cs-label" for={id}>
        {label}
      </label>
      {error !== undefined && (
        <p class="cs-error cs-error-text" id={`${id}-error`} role="alert">
          {error}
        </p>
      )}
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
    <Field id={id} label={label} error={error === undefined ? undefined : audit.errors[error]}>
      {/* Text that no date picker would take back is shown in a text field, so that it is not lost. */}
      {error === 'not_a_date' ? <input {...attributes} type="text" /> : <input {...attributes} type="date" />}
    </Field>
  );
}
