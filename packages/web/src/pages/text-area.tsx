import { describedBy, Field, type FieldProps } from './field.tsx';

export interface TextAreaProps extends FieldProps {
  readonly value?: string | undefined;
  readonly focus?: boolean;
  readonly rows?: number;
}

/** Several lines of text, with their label, hint and error. */
export function TextArea({ value = '', focus = false, rows = 3, ...field }: TextAreaProps) {
  return (
    <Field {...field}>
      <textarea
        class="cs-input cs-text-area"
        id={field.id}
        name={field.name}
        rows={rows}
        maxlength={2000}
        required
        {...describedBy(field)}
        autofocus={focus}
      >
        {/* HTML drops the first line end of a text area. */}
        {value.startsWith('\n') ? `\n${value}` : value}
      </textarea>
    </Field>
  );
}
