import type { WorkspaceSettings } from '@countersign/core';
import { CSRF_FIELD } from '../http/same-site.ts';
import { formatCount } from '../strings/format.ts';
import type { Strings } from '../strings/strings.ts';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { Notice } from './notice.tsx';
import { safeHref } from './safe-href.ts';
import { SettingsDifferences } from './settings-history.tsx';
import type { SettingsCatalogue } from './settings-values.ts';
import { settingsDifference } from './settings-words.ts';
import { useShell } from './shell.ts';

/** What would be sent again: a form as it was, or JSON that only a script can send. */
export type Resendable =
  | { readonly kind: 'form'; readonly fields: readonly (readonly [name: string, value: string])[] }
  | { readonly kind: 'json'; readonly method: string; readonly type: string; readonly text: string };

export interface ResendPageProps {
  /** The address that the form was posted to: own path and query. */
  readonly action: string;
  readonly content: Resendable;
  /**
   * What came before: a success, a confirmation that ended unanswered (sending asks again), emergency access that is open or waits
   * for its approval, or neither is known.
   */
  readonly after: 'confirmed' | 'ended' | 'emergency' | 'waiting' | 'kept';
  /** Where it is the form of our settings page: what it would change. */
  readonly settings?: {
    readonly before: WorkspaceSettings;
    readonly after: WorkspaceSettings;
    readonly catalogue: SettingsCatalogue;
  };
  /** Recovery codes that are left, where one was used: said here, since no page comes in between. */
  readonly remaining?: number;
  readonly cancelHref?: string | undefined;
}

/** Names under which forms carry what is nobody's business to read over a shoulder. */
const SECRET = /passw|passphrase|secret|(?:^|[^a-z])pin(?:$|[^a-z])|one-?time|otp/i;
/** Tokens against forged requests, by the names that frameworks give them: no content, and not shown. */
const TOKEN = /csrf|xsrf|authenticity_?token|requestverificationtoken/i;
/** Beyond it a text scrolls inside its own box. */
const SHORT = { characters: 600, lines: 8 } as const;

/** “This will be sent”: everything, in full, and a button. Nothing on this page is sent by itself. */
export function ResendPage({ action, content, after, settings, remaining, cancelHref }: ResendPageProps) {
  const { lang, strings } = useShell();
  const { resend } = strings;
  return (
    <Layout title={titleOf(after, resend)}>
      <Notice kind="info">
        <p>{after === 'ended' || after === 'waiting' ? resend[after] : resend.notSent}</p>
        {remaining !== undefined && <p>{formatCount(resend.codesLeft, remaining, lang)}</p>}
      </Notice>
      {content.kind === 'form' ? (
        <FormAgain action={action} fields={content.fields} settings={settings} />
      ) : (
        <JsonAgain action={action} content={content} />
      )}
      <p class="cs-aside">
        <Link href={cancelHref}>{resend.cancel}</Link>
      </p>
    </Layout>
  );
}

function titleOf(after: ResendPageProps['after'], { title, emergencyTitle, askedTitle }: Strings['resend']): string {
  if (after === 'confirmed') return title;
  return after === 'emergency' ? emergencyTitle : askedTitle;
}

function FormAgain({
  action,
  fields,
  settings,
}: {
  readonly action: string;
  readonly fields: Extract<Resendable, { kind: 'form' }>['fields'];
  readonly settings: ResendPageProps['settings'];
}) {
  const shell = useShell();
  const { csrfToken, hostCsrf, strings } = shell;
  const { resend } = strings;
  const shown = fields.filter(([name]) => name !== CSRF_FIELD && name !== hostCsrf?.field && !TOKEN.test(name));
  const tokenOf = (name: string): string | undefined =>
    name === CSRF_FIELD ? csrfToken : name === hostCsrf?.field ? hostCsrf.token : undefined;
  return (
    <>
      <h2 class="cs-subheading" id="cs-resend">
        {resend.heading}
      </h2>
      {settings !== undefined ? (
        <SettingsDifferences changes={settingsDifference(settings.before, settings.after, settings.catalogue, shell)} />
      ) : shown.length === 0 ? (
        <p>{resend.nothing}</p>
      ) : (
        <dl class="cs-resend" aria-labelledby="cs-resend">
          {shown.map(([name, value]) => (
            <div>
              <dt>{name}</dt>
              <dd>
                <Value name={name} value={value} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      <form class="cs-form" method="post" action={safeHref(action)} data-cs-once="">
        {fields.map(([name, value]) => (
          <input type="hidden" name={name} value={tokenOf(name) ?? value} />
        ))}
        <button class="cs-button" type="submit">
          {resend.send}
        </button>
      </form>
    </>
  );
}

function Value({ name, value }: { readonly name: string; readonly value: string }) {
  const { resend } = useShell().strings;
  if (value === '') return <span class="cs-muted">{resend.empty}</span>;
  if (SECRET.test(name)) return <span class="cs-muted">{resend.withheld}</span>;
  const short = value.length <= SHORT.characters && value.split(/\r\n?|\n/).length <= SHORT.lines;
  if (short) return <div class="cs-resend-text">{value}</div>;
  // What scrolls must be reachable by keyboard (WCAG 2.1.1).
  return (
    <section class="cs-resend-text cs-resend-long" aria-label={name} tabindex={0}>
      {value}
    </section>
  );
}

/** No form can send JSON: the script does, on a click. Without it, the text is there to be copied. */
function JsonAgain({
  action,
  content,
}: {
  readonly action: string;
  readonly content: Extract<Resendable, { kind: 'json' }>;
}) {
  const { resend } = useShell().strings;
  return (
    <form
      class="cs-form"
      action={safeHref(action)}
      data-cs-json=""
      data-cs-method={content.method}
      data-cs-type={content.type}
      data-cs-sent={resend.jsonSent}
      data-cs-refused={resend.jsonRefused}
    >
      <div class="cs-field">
        <label class="cs-label" for="cs-resend-json">
          {resend.heading}
        </label>
        <p class="cs-hint" id="cs-resend-hint" data-cs-json-hint="">
          {resend.jsonByHand}
        </p>
        <textarea class="cs-input cs-resend-json" id="cs-resend-json" readonly rows={12} spellcheck={false}>
          {content.text}
        </textarea>
      </div>
      <p role="status" data-cs-json-status="" />
      <button class="cs-button" type="submit" hidden data-cs-json-send="">
        {resend.send}
      </button>
    </form>
  );
}
