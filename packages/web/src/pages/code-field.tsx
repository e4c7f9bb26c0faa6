import { type FactorError, FactorErrorText } from './factor-error.tsx';
import { useShell } from './shell.ts';

export interface CodeFieldProps {
  readonly id: string;
  readonly label: string;
  readonly error?: FactorError | undefined;
  /** In place of the error code's own message. */
  readonly errorText?: string | undefined;
  /** Where the person should be: on load, and again after an error, without losing place. */
  readonly focus?: boolean;
  /** WCAG 3.2.2: says that the form goes off by itself. Hidden until the script, which does it, is there. */
  readonly sentAtOnce?: boolean;
}

/**
 * A six-digit code, named `code`. A text field, not `type=number`, without `maxlength` or `pattern`: `123 456` pasted from an
 * app must arrive whole; the server takes the spaces out. Empty after an error, since a code is never good twice.
 */
export function CodeField({ id, label, error, errorText, focus = false, sentAtOnce = false }: CodeFieldProps) {
  const { totp } = useShell().strings;
  const hintId = `${id}-hint`;
  const errorId = `${id}-error`;
  return (
    <div class={error === undefined ? 'cs-field' : 'cs-field cs-field-wrong'}>
      <label class="cs-label" for={id}>
        {label}
      </label>
      <p class="cs-hint" id={hintId}>
        {totp.hint}
        {sentAtOnce && (
          <span data-cs-autosubmit-hint="" hidden>
            {' '}
            {totp.sentAtOnce}
          </span>
        )}
      </p>
      {error !== undefined && <FactorErrorText id={errorId} error={error} text={errorText} />}
      <input
        class="cs-input cs-code"
        id={id}
        name="code"
        type="text"
        inputmode="numeric"
        autocomplete="one-time-code"
        autocapitalize="off"
        autocorrect="off"
        spellcheck={false}
        enterkeyhint="done"
        required
        aria-describedby={error === undefined ? hintId : `${errorId} ${hintId}`}
        aria-invalid={error === undefined ? undefined : true}
        autofocus={focus}
        data-cs-code=""
      />
    </div>
  );
}
