import type { ComponentChildren } from 'preact';
import { format } from '../strings/format.ts';
import type { Strings } from '../strings/strings.ts';
import { controlId, type SettingsErrors, type SettingsFieldError } from './settings-values.ts';
import { useShell } from './shell.ts';

/** The words of a field's error. */
export function settingsErrorText(error: SettingsFieldError, strings: Strings): string {
  return format(strings.settings.errors[error.code], { min: error.least ?? 0, max: error.most ?? '' });
}

/** Whether anything below a path is wrong. */
export const isWrongBelow = (errors: SettingsErrors, path: string): boolean =>
  [...errors.keys()].some((key) => key === path || key.startsWith(`${path}.`));

/** The message beside a control. */
export function FieldError({ path, error }: { readonly path: string; readonly error: SettingsFieldError | undefined }) {
  const { strings } = useShell();
  if (error === undefined) return null;
  return (
    <p class="cs-error cs-error-text" id={`${controlId(path)}-error`}>
      <span class="cs-hidden">{strings.common.errorLabel} </span>
      {settingsErrorText(error, strings)}
    </p>
  );
}

interface ControlProps {
  /** The setting's path: finds its error, and names the control's id. */
  readonly path: string;
  readonly name: string;
  readonly label: string;
  readonly hint?: string | undefined;
  readonly errors: SettingsErrors;
}

const describedBy = (path: string, hint: unknown, wrong: boolean): string | undefined => {
  const id = controlId(path);
  const ids = [...(wrong ? [`${id}-error`] : []), ...(hint === undefined ? [] : [`${id}-hint`])];
  return ids.length === 0 ? undefined : ids.join(' ');
};

function Hint({ path, hint }: { readonly path: string; readonly hint: string | undefined }) {
  if (hint === undefined) return null;
  return (
    <p class="cs-hint" id={`${controlId(path)}-hint`}>
      {hint}
    </p>
  );
}

interface LineProps extends ControlProps {
  readonly value: string;
  readonly numeric?: boolean;
  readonly required?: boolean;
  /** Id of a `datalist`. */
  readonly list?: string | undefined;
}

/** One line of text. Not type=number: a browser throws away what it cannot read, and a turn of the wheel changes it. */
export function Line({ path, name, label, hint, errors, value, numeric = false, required = false, list }: LineProps) {
  const error = errors.get(path);
  const id = controlId(path);
  return (
    <div class={error === undefined ? 'cs-field' : 'cs-field cs-field-wrong'}>
      <label class="cs-label" for={id}>
        {label}
      </label>
      <Hint path={path} hint={hint} />
      <FieldError path={path} error={error} />
      <input
        class={numeric ? 'cs-input cs-input-short' : 'cs-input'}
        id={id}
        name={name}
        type="text"
        inputmode={numeric ? 'numeric' : undefined}
        value={value}
        required={required}
        list={list}
        aria-describedby={describedBy(path, hint, error !== undefined)}
        aria-invalid={error === undefined ? undefined : true}
      />
    </div>
  );
}

interface ChoiceOption {
  readonly value: string;
  readonly label: string;
}

interface SelectProps extends ControlProps {
  readonly value: string;
  readonly options: readonly ChoiceOption[];
}

/** One of a few. What was sent and is no option stays one, so that an error can be seen beside it. */
export function Select({ path, name, label, hint, errors, value, options }: SelectProps) {
  const error = errors.get(path);
  const id = controlId(path);
  const shown = options.some((option) => option.value === value) ? options : [...options, { value, label: value }];
  return (
    <div class={error === undefined ? 'cs-field' : 'cs-field cs-field-wrong'}>
      <label class="cs-label" for={id}>
        {label}
      </label>
      <Hint path={path} hint={hint} />
      <FieldError path={path} error={error} />
      <select
        class="cs-input"
        id={id}
        name={name}
        aria-describedby={describedBy(path, hint, error !== undefined)}
        aria-invalid={error === undefined ? undefined : true}
      >
        {shown.map((option) => (
          <option value={option.value} selected={option.value === value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}

interface ChecksProps extends ControlProps {
  readonly type?: 'checkbox' | 'radio';
  readonly options: readonly (ChoiceOption & { readonly extra?: ComponentChildren })[];
  readonly chosen: readonly string[];
  /** Below the boxes. */
  readonly children?: ComponentChildren;
}

/** Boxes or buttons under one legend. */
export function Checks(props: ChecksProps) {
  const { path, name, label, hint, errors, options, chosen, type = 'checkbox' } = props;
  const error = errors.get(path);
  const id = controlId(path);
  return (
    <fieldset
      class={error === undefined ? 'cs-field' : 'cs-field cs-field-wrong'}
      id={id}
      tabindex={-1}
      aria-describedby={describedBy(path, hint, error !== undefined)}
    >
      <legend class="cs-label">{label}</legend>
      <Hint path={path} hint={hint} />
      <FieldError path={path} error={error} />
      {options.map(({ value, label: text, extra }, index) => (
        <div class="cs-choice" key={value}>
          <input id={`${id}-${index}`} type={type} name={name} value={value} checked={chosen.includes(value)} />
          <label for={`${id}-${index}`}>
            <span class="cs-choice-name">{text}</span>
            {extra}
          </label>
        </div>
      ))}
      {props.children}
    </fieldset>
  );
}

interface SectionProps {
  readonly heading: string;
  readonly intro?: string | undefined;
  /** Whether it holds something out of the ordinary, or an error. */
  readonly open: boolean;
  /** Told to the server: this part of the form was there. */
  readonly name: string;
  readonly children: ComponentChildren;
}

/** A part of the form that opens where there is something to see. */
export function Section({ heading, intro, open, name, children }: SectionProps) {
  return (
    <details class="cs-details cs-settings-section" open={open}>
      <summary>
        <h2 class="cs-settings-heading">{heading}</h2>
      </summary>
      <input type="hidden" name="section" value={name} />
      {intro !== undefined && <p class="cs-hint">{intro}</p>}
      {children}
    </details>
  );
}
