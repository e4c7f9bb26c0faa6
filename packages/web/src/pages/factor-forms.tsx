import type { FunctionComponent } from 'preact';
import { CodeField } from './code-field.tsx';
import type { FactorError } from './factor-error.tsx';
import { Form } from './form.tsx';
import { useShell } from './shell.ts';

export interface FactorFormProps {
  readonly formAction: string;
  readonly error?: FactorError | undefined;
  /** This form is the one in front: its first field takes the focus. */
  readonly focus: boolean;
}

/** Sent by the script when the sixth digit is in, once, and never while an error is shown: a wrong code must not loop. */
function TotpForm({ formAction, error, focus }: FactorFormProps) {
  const { totp } = useShell().strings;
  const autoSubmit = error === undefined;
  return (
    <Form action={formAction} autoSubmit={autoSubmit}>
      <CodeField id="cs-totp-code" label={totp.label} error={error} focus={focus} sentAtOnce={autoSubmit} />
      <button class="cs-button" type="submit">
        {totp.submit}
      </button>
    </Form>
  );
}

/** The form of each factor, by factor id. A factor that is not here cannot be answered on a page. */
export const factorForms: ReadonlyMap<string, FunctionComponent<FactorFormProps>> = new Map([['totp', TotpForm]]);
