import { parseCookie, stringifySetCookie } from 'cookie';
import type { Headers } from './web-request.ts';

/**
 * Our own cookie: a random value, made and rotated at each success. A proof counts only with it and the host's session.
 * On HTTPS it is a `__Host-` cookie (RFC 6265bis §4.1.3.2): no other host can plant it.
 */
export class BindingCookie {
  readonly name: string;
  readonly #secure: boolean;

  constructor(publicUrl: URL) {
    this.#secure = publicUrl.protocol === 'https:';
    this.name = this.#secure ? '__Host-countersign' : 'countersign';
  }

  /** The cookie's value; null where none came, or one that we never made. */
  read(headers: Headers): string | null {
    const { cookie } = headers;
    if (typeof cookie !== 'string' || !cookie.includes(this.name)) return null;
    const value = parseCookie(cookie)[this.name];
    return value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value) ? value : null;
  }

  /** A session cookie: it goes with the browser, and means nothing without the host's session. */
  set(value: string): string {
    return stringifySetCookie({
      name: this.name,
      value,
      path: '/',
      httpOnly: true,
      sameSite: 'lax',
      secure: this.#secure,
    });
  }

  clear(): string {
    return stringifySetCookie({
      name: this.name,
      value: '',
      path: '/',
      httpOnly: true,
      sameSite: 'lax',
      secure: this.#secure,
      maxAge: 0,
    });
  }
}
