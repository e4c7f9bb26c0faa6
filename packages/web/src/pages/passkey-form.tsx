import { FactorErrorText } from './factor-error.tsx';
import type { FactorFormProps } from './factor-forms.tsx';
import { Form } from './form.tsx';
import { useShell } from './shell.ts';

/**
 * One click, or the Enter key: the script begins the answer, asks the device, fills `response` and sends the form. What the device
 * refuses is said in place. Hidden where no script runs, since nothing would come of it.
 */
export function PasskeyForm({ factor, error, focus, children }: FactorFormProps) {
  const { passkey } = useShell().strings;
  return (
    <div class="cs-when-script">
      <Form
        action={factor.formAction}
        passkey={{ kind: 'verify', begin: factor.begin?.href, challenge: factor.begin?.challengeId }}
      >
        {children}
        <input type="hidden" name="response" value="" />
        {error !== undefined && (
          <FactorErrorText id="cs-passkey-error" error={error} text={passkeyErrorText(error.code, passkey.errors)} />
        )}
        <PasskeyStatus />
        <button class="cs-button cs-button-wide" type="submit" autofocus={focus} aria-describedby="cs-passkey-hint">
          {passkey.confirm}
        </button>
        <p class="cs-hint" id="cs-passkey-hint">
          {passkey.hint}
        </p>
      </Form>
    </div>
  );
}

const passkeyErrorText = (code: string, texts: Readonly<Record<string, string>>): string | undefined =>
  Object.hasOwn(texts, code) ? texts[code] : undefined;

/** Where the script says what the device is doing, or why it did nothing. */
export function PasskeyStatus() {
  return <p class="cs-passkey-status" role="status" data-cs-passkey-status="" hidden />;
}
