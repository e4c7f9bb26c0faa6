import { type ComponentChild, h } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { type Shell, ShellContext } from './shell.ts';

/**
 * A whole document. `page` is one of our page components with its props, such as `h(ChallengePage, props)`.
 *
 * It holds no inline script or style, so it stands under `default-src 'none'; script-src 'self'; style-src 'self';
 * img-src 'self' data:; form-action 'self'`.
 */
export function renderPage(page: ComponentChild, shell: Shell): string {
  const value = { ...shell, lang: languageTag(shell.lang) };
  return `<!doctype html>${renderToString(h(ShellContext.Provider, { value, children: page }))}`;
}

/** A tag that `Intl` and browsers understand; English for anything else, since a bad header must not cost the page. */
function languageTag(lang: string): string {
  try {
    return Intl.getCanonicalLocales(lang)[0] ?? 'en';
  } catch {
    return 'en';
  }
}
