import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Strings } from '../strings/strings.ts';

/** A link back to the host or to one of our other pages, shown at the top of account and administrator pages. */
export interface NavigationLink {
  readonly page: 'home' | 'factors' | 'emergency' | 'users' | 'settings' | 'reviews' | 'audit';
  readonly href: string;
}

/** How a host's look is put over ours. All addresses must be paths of our own origin: the CSP allows no other. */
export interface Theme {
  /** A stylesheet loaded after ours; it sets the `--cs-…` properties listed at the top of `assets/countersign.css`. */
  readonly cssHref?: string;
  /** Shown at the top of every page and in its title. */
  readonly organisation?: string;
  readonly logoHref?: string;
}

/** What every page needs beside its own props. */
export interface Shell {
  /** BCP 47 tag of the page, such as `en` or `es-MX`; also the locale of dates, durations and lists. */
  readonly lang: string;
  readonly strings: Strings;
  /** IANA zone in which instants are shown. Default `UTC`. */
  readonly timeZone?: string;
  /** Prefix of the assets, without a slash at the end. */
  readonly assetsPath: string;
  /** Added to asset addresses as `?v=`, so that they can be cached for ever: `assets.version` of `loadAssets`. */
  readonly assetsVersion?: string;
  /** Goes into every POST form in our own field (`CSRF_FIELD`). */
  readonly csrfToken: string;
  /** A host's own CSRF field, put into every POST form beside ours. */
  readonly hostCsrf?: { readonly field: string; readonly token: string };
  readonly theme?: Theme;
  readonly navigation?: readonly NavigationLink[];
}

export const ShellContext = createContext<Shell | null>(null);

/** The shell of the page that is being rendered. */
export function useShell(): Shell {
  const shell = useContext(ShellContext);
  if (shell === null) throw new TypeError('A page was rendered outside renderPage.');
  return shell;
}
