/**
 * How paths as this server sees them become paths as browsers see them. Both follow from configuration alone: no header of a
 * request (Host, X-Forwarded-*) has a say.
 */
export class PublicPaths {
  readonly origin: string;
  /** The public address's path, without a slash at the end: `` or `/clinic`. */
  readonly base: string;
  readonly #mount: string | null;

  /** @param mount the path under which the server sees its own URLs; null: taken as `base` where a URL begins with it, else as empty (a proxy that strips it). */
  constructor(publicUrl: URL, mount: string | null) {
    this.origin = publicUrl.origin;
    this.base = publicUrl.pathname === '/' ? '' : publicUrl.pathname;
    this.#mount = mount;
  }

  /** A path of ours (`/step-up/…`), as browsers must ask for it. */
  of(path: string): string {
    return `${this.base}${path}`;
  }

  /** A URL this server saw, as the browser asked for it. */
  fromSeen(url: string): string {
    const mount = this.#mount ?? (startsWithPath(url, this.base) ? this.base : '');
    return `${this.base}${startsWithPath(url, mount) ? url.slice(mount.length) : url}`;
  }

  /**
   * A path to send a browser back to: on our own origin and below our own base, or null. Refused are other origins in every
   * spelling (`//evil`, `/\evil`, `https:evil`), control characters, and what is longer than 2,000 characters.
   */
  returnPath(path: unknown): string | null {
    if (typeof path !== 'string' || path.length > 2000 || !path.startsWith('/')) return null;
    // Browsers drop tabs and line ends from URLs before they read them.
    if (/[\p{Cc} \\]/u.test(path) || path.startsWith('//')) return null;
    const url = URL.canParse(path, this.origin) ? new URL(path, this.origin) : null;
    if (url === null || url.origin !== this.origin || !startsWithPath(url.pathname, this.base)) return null;
    // Dot segments are resolved by now; what is left could still begin with two slashes.
    return url.pathname.startsWith('//') ? null : `${url.pathname}${url.search}`;
  }
}

/** Whether a URL lies at or below a path, at a segment's border. */
function startsWithPath(url: string, path: string): boolean {
  if (!url.startsWith(path)) return false;
  const next = url.charAt(path.length);
  return path === '' || next === '' || next === '/' || next === '?' || next === '#';
}
