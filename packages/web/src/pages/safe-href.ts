/**
 * The address if a page may link to it: a path of our own origin, a query, a fragment, `http(s):` or `otpauth:`. Anything else
 * (`javascript:`, `//host`, `/\host`, or control characters that browsers drop) is left out of the page.
 */
export function safeHref(href: string | undefined): string | undefined {
  if (href === undefined || href === '') return undefined;
  for (const character of href) {
    if (character <= ' ' || character === '\\' || character === '\u007f') return undefined;
  }
  if (href.startsWith('//')) return undefined;
  return /^([/?#]|https?:\/\/|otpauth:\/\/)/i.test(href) ? href : undefined;
}
