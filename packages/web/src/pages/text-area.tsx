import type { ComponentChildren } from 'preact';
import { errorIdOf } from './text-field.tsx';

export interface TextAreaProps {
  readonly id: string;
  readonly name: string;
  readonly label: string;
  readonly hint?: string | undefined;
  /** The message beside the field, with the id that the field refers to. */
  readonly error?: ComponentChildren;
  readonly value?: string | undefined;
  readonly focus?: boolean;
  readonly rows?: number;
}

/** Several lines of text, with their label, hint and error. */
export function TextArea({ id, name, label, hint, error, value = '', focus = false, rows = 3 }: TextAreaProps) {
  const wrong = error !== undefined && error !== null && error !== false;
  const described = [wrong ? errorIdOf(id) : '', hint === undefined ? '' : `${id}-hint`].filter((one) => one !== '');
  return (
    <div class={wrong ? 'cs-field cs-field-wrong' : 'cs-field'}>
      <label class="cs-label" for={id}>
        {label}
      </label>
      {hint !== undefined && (
        <p class="cs-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {wrong && error}
      <textarea
        class="cs-input cs-text-area"
        id={id}
        name={name}
        rows={rows}
        maxlength={2000}
        required
        aria-describedby={described.length === 0 ? undefined : described.join(' ')}
        aria-invalid={wrong ? true : undefined}
        autofocus={focus}
      >
        {/* HTML drops the first line end of a text area. */}
        {value.startsWith('\n') ? `\n${value}` : value}
      </textarea>
    </div>
  );
}
