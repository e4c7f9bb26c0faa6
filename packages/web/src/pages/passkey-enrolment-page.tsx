import { type FactorError, FactorErrorText } from './factor-error.tsx';
import { Form } from './form.tsx';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { Notice } from './notice.tsx';
import { PasskeyStatus } from './passkey-form.tsx';
import { useShell } from './shell.ts';
import { TextField } from './text-field.tsx';

export interface PasskeyEnrolmentPageProps {
  readonly formAction: string;
  /** WebAuthn creation options (`PublicKeyCredentialCreationOptionsJSON`), as JSON. */
  readonly options: string;
  /** The name as it was typed. */
  readonly label?: string | undefined;
  readonly error?: FactorError | undefined;
  readonly cancelHref?: string | undefined;
}

/** Enrolment of a passkey: a name for it, and one click; the device asks for the rest. */
export function PasskeyEnrolmentPage(props: PasskeyEnrolmentPageProps) {
  const { passkey } = useShell().strings;
  const { error } = props;
  return (
    <Layout title={passkey.addTitle} error={error !== undefined}>
      <p>{passkey.addIntro}</p>
      <noscript>
        <Notice kind="info">
          <p>{passkey.addNeedsScript}</p>
        </Notice>
      </noscript>
      <div class="cs-when-script">
        <Form action={props.formAction} passkey={{ kind: 'enrol', options: props.options }}>
          <input type="hidden" name="response" value="" />
          {error !== undefined && (
            <FactorErrorText id="cs-passkey-error" error={error} text={passkey.errors.answer_refused_enrolment} />
          )}
          <TextField
            id="cs-passkey-label"
            name="label"
            label={passkey.nameLabel}
            hint={passkey.nameHint}
            value={props.label ?? ''}
            focus
            optional
          />
          <PasskeyStatus />
          <button class="cs-button" type="submit">
            {passkey.create}
          </button>
        </Form>
      </div>
      {props.cancelHref !== undefined && (
        <p class="cs-aside">
          <Link href={props.cancelHref}>{passkey.addCancel}</Link>
        </p>
      )}
    </Layout>
  );
}
