import type { ComponentChildren } from 'preact';

export interface FieldProps {
  readonly id: string;
  readonly name: string;
  readonly label: string;
  readonly hint?: string | undefined;
  /** The message beside the field, with the id that the field refers to. */
  readonly error?: ComponentChildren;
}

/** The id under which a field's error stands. */
export const errorIdOf = (id: string): string => `${id}-error`;

/** The attributes of what is typed into that refer to the field's hint and error. */
export function describedBy({ id, hint, error }: FieldProps) {
  const wrong = isWrong(error);
  const described = [wrong ? errorIdOf(id) : '', hint === undefined ? '' : `${id}-hint`].filter((one) => one !== '');
  return {
    'aria-describedby': described.length === 0 ? undefined : described.join(' '),
    'aria-invalid': wrong ? true : undefined,
  };
}

/** What stands around something that is typed into: label, hint and error. */
export function Field({ id, label, hint, error, children }: FieldProps & { readonly children: ComponentChildren }) {
  const wrong = isWrong(error);
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
      {children}
    </div>
  );
}

const isWrong = (error: ComponentChildren): boolean => error !== undefined && error !== null && error !== false;
