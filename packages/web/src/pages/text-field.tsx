import { describedBy, Field, type FieldProps } from './field.tsx';

export interface TextFieldProps extends FieldProps {
  readonly value?: string | undefined;
  readonly type?: 'text' | 'password' | 'search';
  readonly autocomplete?: string;
  readonly focus?: boolean;
  readonly optional?: boolean;
  /** For codes of letters and digits: wide letters, nothing corrected. */
  readonly code?: boolean;
}

/** One line of text, with its label, hint and error. */
export function TextField(props: TextFieldProps) {
  const { code = false } = props;
  // Preact's types want each kind of field by itself.
  const type = (props.type ?? 'text') as 'text';
  return (
    <Field id={props.id} name={props.name} label={props.label} hint={props.hint} error={props.error}>
      <input
        class={code ? 'cs-input cs-code-text' : 'cs-input'}
        id={props.id}
        name={props.name}
        type={type}
        value={props.value}
        autocomplete={props.autocomplete ?? 'off'}
        autocapitalize="off"
        autocorrect={code ? 'off' : undefined}
        spellcheck={code ? false : undefined}
        enterkeyhint="done"
        required={props.optional !== true}
        {...describedBy(props)}
        autofocus={props.focus === true}
      />
    </Field>
  );
}
