import type { ComponentChildren } from 'preact';
import { CSRF_FIELD } from '../http/same-site.ts';
import { safeHref } from './safe-href.ts';
import { useShell } from './shell.ts';

/** A form whose `response` the script gets from an authenticator. */
export interface PasskeyCeremony {
  readonly kind: 'verify' | 'enrol';
  /** `verify`: where it is begun by JSON, and for which challenge. */
  readonly begin?: string | undefined;
  readonly challenge?: string | undefined;
  /** `enrol`: WebAuthn creation options, as JSON. */
  readonly options?: string | undefined;
}

export interface FormProps {
  readonly action: string;
  readonly children: ComponentChildren;
  readonly class?: string;
  /** The script may send the form once by itself, when its code field first holds six digits. */
  readonly autoSubmit?: boolean;
  readonly passkey?: PasskeyCeremony;
}

/**
 * A POST form with our CSRF field and the host's. `novalidate`: the server says what is wrong, in our words and the page's
 * language. The script lets it be sent once, so that a double click does not use a code up.
 */
export function Form({ action, children, class: className = 'cs-form', autoSubmit = false, passkey }: FormProps) {
  const { csrfToken, hostCsrf } = useShell();
  return (
    <form
      class={className}
      method="post"
      action={safeHref(action)}
      autocomplete="off"
      novalidate
      data-cs-once=""
      data-cs-autosubmit={autoSubmit ? '' : undefined}
      {...usePasskeyData(passkey)}
    >
      {hostCsrf !== undefined && <input type="hidden" name={hostCsrf.field} value={hostCsrf.token} />}
      <input type="hidden" name={CSRF_FIELD} value={csrfToken} />
      {children}
    </form>
  );
}

/** What the script needs of a passkey form: no inline script may tell it. */
function usePasskeyData(
  ceremony: PasskeyCeremony | undefined,
): Readonly<Record<`data-cs-${string}`, string | undefined>> {
  const { browser, passkey } = useShell().strings;
  if (ceremony === undefined) return {};
  const problems = browser.passkeyProblems;
  return {
    'data-cs-passkey': ceremony.kind,
    'data-cs-begin': safeHref(ceremony.begin),
    'data-cs-challenge': ceremony.challenge,
    'data-cs-options': ceremony.options,
    'data-cs-text-waiting': passkey.waiting,
    'data-cs-text-cancelled': ceremony.kind === 'verify' ? passkey.cancelled : passkey.cancelledEnrolment,
    'data-cs-text-already-added': problems['already-added'],
    'data-cs-text-unsuitable': problems.unsuitable,
    'data-cs-text-unsupported': problems.unsupported,
    'data-cs-text-insecure': problems.insecure,
    'data-cs-text-failed': problems.failed,
  };
}
