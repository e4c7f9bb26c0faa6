import type { ErrorCode } from '@countersign/core';
import { format, formatCount, formatWait, textFor } from '../strings/format.ts';
import type { Strings } from '../strings/strings.ts';
import { useShell } from './shell.ts';

/** Why the last answer was refused. */
export interface FactorError {
  readonly code: ErrorCode;
  /** The factor that was tried; its form is the one in front. Absent: the first. */
  readonly factor?: string;
  /** Seconds until another try can succeed; for `code_already_used` until the app's next code. */
  readonly retryAfterSeconds?: number;
  /** Tries left before the factor locks; shown only when given. */
  readonly attemptsLeft?: number;
}

/** The message of an error code, in the page's words. */
export function errorText(strings: Strings, code: string): string {
  return textFor(strings.errors, code, strings.errors.internal);
}

export interface FactorErrorTextProps {
  readonly id: string;
  readonly error: FactorError;
  /** In place of the code's own message, where a kind of factor has a better one. */
  readonly text?: string | undefined;
}

/**
 * The message beside a code field. The waiting time stands outside the alert: the script counts it down, and a screen reader
 * should not hear every second.
 */
export function FactorErrorText({ id, error, text }: FactorErrorTextProps) {
  const { lang, strings } = useShell();
  const { challenge, common } = strings;
  const seconds = error.retryAfterSeconds;
  const used = error.code === 'code_already_used';
  const waiting = used ? challenge.nextCodeIn : challenge.tryAgainIn;
  return (
    <div class="cs-error" id={id}>
      <p class="cs-error-text" role="alert">
        <span class="cs-hidden">{common.errorLabel} </span>
        {text ?? errorText(strings, error.code)}
        {error.attemptsLeft !== undefined && ` ${formatCount(challenge.attemptsLeft, error.attemptsLeft, lang)}`}
      </p>
      {seconds !== undefined && seconds > 0 && (
        <p
          class="cs-wait"
          data-cs-countdown={Math.ceil(seconds)}
          data-cs-waiting={waiting}
          data-cs-over={used ? challenge.nextCodeNow : challenge.tryAgainNow}
        >
          {format(waiting, { time: formatWait(seconds, lang) })}
        </p>
      )}
    </div>
  );
}
