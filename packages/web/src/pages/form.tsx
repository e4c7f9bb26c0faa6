import type { ComponentChildren } from 'preact';
import { CSRF_FIELD } from '../http/same-site.ts';
import { safeHref } from './safe-href.ts';
import { useShell } from './shell.ts';

export interface FormProps {
  readonly action: string;
  readonly children: ComponentChildren;
  readonly class?: string;
  /** The script may send the form once by itself, when its code field first holds six digits. */
  readonly autoSubmit?: boolean;
}

/**
 * A POST form with our CSRF field and the host's. `novalidate`: the server says what is wrong, in our words and the page's
 * language. The script lets it be sent once, so that a double click does not use a code up.
 */
export function Form({ action, children, class: className = 'cs-form', autoSubmit = false }: FormProps) {
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
    >
      {hostCsrf !== undefined && <input type="hidden" name={hostCsrf.field} value={hostCsrf.token} />}
      <input type="hidden" name={CSRF_FIELD} value={csrfToken} />
      {children}
    </form>
  );
}
