import { format } from '../strings/format.ts';
import { CodeField } from './code-field.tsx';
import type { FactorError } from './factor-error.tsx';
import { Form } from './form.tsx';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { useShell } from './shell.ts';

export interface EnrolmentPageProps {
  /** Where the confirming code is posted. */
  readonly formAction: string;
  /** Names the open enrolment in the form as `enrolmentId`, where there can be more than one. */
  readonly enrolmentId?: string;
  /** An `<svg>` element made by the `qrcode` library. Trusted: put into the page as it is, so it must never hold outside text. */
  readonly qrSvg: string;
  /** The secret in Base32; shown in groups of four. */
  readonly manualKey: string;
  readonly issuer: string;
  readonly account: string;
  /** The `otpauth://` address, for an app on this very device. */
  readonly otpauthHref?: string;
  readonly error?: FactorError | undefined;
  readonly cancelHref?: string | undefined;
}

/** Enrolment of an authenticator app: scan or type the key, then prove that the app has it. A wrong code keeps the same key. */
export function EnrolmentPage(props: EnrolmentPageProps) {
  const { enrolment } = useShell().strings;
  const { issuer, account, error } = props;
  return (
    <Layout title={enrolment.title} error={error !== undefined}>
      <p>{enrolment.intro}</p>
      <ol class="cs-steps">
        <li>
          <h2>{enrolment.scanHeading}</h2>
          <QrCode svg={props.qrSvg} label={format(enrolment.qrLabel, { issuer, account })} />
          <Link href={props.otpauthHref} look="secondary">
            {enrolment.openApp}
          </Link>
          <details class="cs-details">
            <summary>{enrolment.manualHeading}</summary>
            <ManualKey manualKey={props.manualKey} issuer={issuer} account={account} />
          </details>
        </li>
        <li>
          <h2>{enrolment.confirmHeading}</h2>
          <Form action={props.formAction}>
            {props.enrolmentId !== undefined && <input type="hidden" name="enrolmentId" value={props.enrolmentId} />}
            {/* In focus only after an error: on a phone the keyboard would hide the picture. */}
            <CodeField id="cs-enrolment-code" label={enrolment.codeLabel} error={error} focus={error !== undefined} />
            {error?.code === 'code_incorrect' && <p class="cs-hint">{enrolment.clockCure}</p>}
            <button class="cs-button" type="submit">
              {enrolment.submit}
            </button>
          </Form>
        </li>
      </ol>
      {props.cancelHref !== undefined && (
        <p class="cs-aside">
          <Link href={props.cancelHref}>{enrolment.cancel}</Link>
        </p>
      )}
    </Layout>
  );
}

function QrCode({ svg, label }: { readonly svg: string; readonly label: string }) {
  // The one place where markup goes in as it is: made by the qrcode library on the server, see `qrSvg`.
  return <div class="cs-qr" role="img" aria-label={label} dangerouslySetInnerHTML={{ __html: svg }} />;
}

function ManualKey({ manualKey, issuer, account }: { manualKey: string; issuer: string; account: string }) {
  const { common, enrolment } = useShell().strings;
  const groups = manualKey.replace(/\s/g, '').match(/.{1,4}/gu) ?? [];
  return (
    <dl class="cs-facts">
      <div>
        <dt>{enrolment.manualKey}</dt>
        <dd>
          <code class="cs-key" id="cs-manual-key">
            {groups.join(' ')}
          </code>
          <button
            class="cs-button cs-button-secondary cs-button-small"
            type="button"
            data-cs-copy="cs-manual-key"
            data-cs-copied={common.copied}
            hidden
          >
            {common.copy}
          </button>
          <span class="cs-hidden" role="status" data-cs-copy-status="" />
        </dd>
      </div>
      <div>
        <dt>{enrolment.issuer}</dt>
        <dd>{issuer}</dd>
      </div>
      <div>
        <dt>{enrolment.account}</dt>
        <dd>{account}</dd>
      </div>
      <div>
        <dt>{enrolment.manualType}</dt>
        <dd>{enrolment.manualTypeValue}</dd>
      </div>
    </dl>
  );
}
