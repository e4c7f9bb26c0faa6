import { CountersignError, type Keyring, type SessionPrincipal } from '@countersign/core';
import { type Headers, headerOf, mediaType } from './web-request.ts';

/** The form field our own token travels in. Not `_csrf`: that name is the host's. */
export const CSRF_FIELD = '_countersign';
const PURPOSE = 'csrf';

const values = (principal: SessionPrincipal): (string | number)[] => [
  principal.workspaceId,
  principal.userId,
  // Not the session's id: it may be rotated while a form is open, and a form must survive that.
  principal.signedInAt.getTime(),
];

/** The token of this principal's forms: a MAC over who is signed in and since when. */
export const csrfToken = (keyring: Keyring, principal: SessionPrincipal): string =>
  keyring.mac(PURPOSE, values(principal));

/**
 * Refuses a state-changing request of another site with `cross_site_refused`. What browsers say about themselves must not
 * speak against it (`Sec-Fetch-Site`, `Origin`); forms must carry our token; anything else must be JSON, which no cross-site
 * form can send, or a DELETE without content that a browser says is our own page's. Bearer callers are let through: nothing of
 * theirs is sent by a browser on its own.
 */
export function assertSameSite(
  keyring: Keyring,
  origin: string,
  headers: Headers,
  body: unknown,
  principal: SessionPrincipal,
): void {
  if (principal.binding === 'bearer') return;
  if (isForeign(origin, headers)) throw new CountersignError('cross_site_refused');
  if (mediaType(headers) === 'application/json') return;
  if (mediaType(headers) === null && isOwn(origin, headers)) return;
  const token: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, CSRF_FIELD) : undefined;
  if (typeof token !== 'string' || !keyring.verifyMac(token, PURPOSE, values(principal))) {
    throw new CountersignError('cross_site_refused', { cure: 'Open the page again, and send its form.' });
  }
}

/** Whether a browser says that a request comes from a page of this origin. */
const isOwn = (origin: string, headers: Headers): boolean =>
  headerOf(headers, 'origin') === origin || headerOf(headers, 'sec-fetch-site') === 'same-origin';

/** Whether a browser says so, and nothing it says speaks against it. Silence is no answer. */
export const isSameOrigin = (origin: string, headers: Headers): boolean =>
  isOwn(origin, headers) && !isForeign(origin, headers);

/** Whether a browser says that a request comes from elsewhere. Same-site but cross-origin (a sister subdomain) is elsewhere. */
export function isForeign(origin: string, headers: Headers): boolean {
  const site = headerOf(headers, 'sec-fetch-site');
  if (site !== null && site !== 'same-origin' && site !== 'none') return true;
  const said = headerOf(headers, 'origin');
  return said !== null && said !== origin;
}
