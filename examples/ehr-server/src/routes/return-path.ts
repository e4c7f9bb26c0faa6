/** The sign-in page, which leads back to `returnTo`. */
export const signInPath = (returnTo: string): string => `/sign-in?return=${encodeURIComponent(returnTo)}`;

/**
 * A path of this site that a person may be sent to, or `/`. Refuses other origins in each of their disguises (`//host`,
 * `/\host`, a tab or newline in between): what the URL parser makes of the value is what is judged and what is used.
 */
export function safeReturnPath(value: unknown): string {
  if (typeof value !== 'string' || !value.startsWith('/') || value.length > 2000) return '/';
  const here = 'http://here.invalid';
  const url = URL.canParse(value, here) ? new URL(value, here) : null;
  if (url === null || url.origin !== here || url.pathname.startsWith('//')) return '/';
  return `${url.pathname}${url.search}`;
}
