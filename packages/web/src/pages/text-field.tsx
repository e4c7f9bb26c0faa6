import type { ComponentChildren } from 'preact';

export interface TextFieldProps {
  readonly id: string;
  readonly name: string;
  readonly label: string;
  readonly hint?: string | undefined;
  /** The message beside the field, with the id that the field refers to. */
  readonly error?: ComponentChildren;
  readonly value?: string | undefined;
  readonly type?: 'text' | 'password' | 'search';
  readonly autocomplete?: string;
  readonly focus?: boolean;
  readonly optional?: boolean;
  /** For codes of letters and digits: wide letters, nothing corrected. */
  readonly code?: boolean;
}

/** The id under which a field's error stands. */
export const errorIdOf = (id: string): string => `${id}-error`;

/** One line of text, with its label, hint and error. */
export function TextField(props: TextFieldProps) {
  const { id, hint, error, code = false } = props;
  // Preact's types want each kind of field by itself.
  const type = (props.type ?? 'text') as 'text';
  const wrong = error !== undefined && error !== null && error !== false;
  const described = [wrong ? errorIdOf(id) : '', hint === undefined ? '' : `${id}-hint`].filter((one) => one !== '');
  return (
    <div class={wrong ? 'cs-field cs-field-wrong' : 'cs-field'}>
      <label class="cs-label" for={id}>
        {props.label}
      </label>
      {hint !== undefined && (
        <p class="cs-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {wrong && error}
      <input
        class={code ? 'cs-input cs-code-text' : 'cs-input'}
        id={id}
        name={props.name}
        type={type}
        value={props.value}
        autocomplete={props.autocomplete ?? 'off'}
        autocapitalize="off"
        autocorrect={code ? 'off' : undefined}
        spellcheck={code ? false : undefined}
        enterkeyhint="done"
        required={props.optional !== true}
        aria-describedby={described.length === 0 ? undefined : described.join(' ')}
        aria-invalid={wrong ? true : undefined}
        autofocus={props.focus === true}
      />
    </div>
  );
}
