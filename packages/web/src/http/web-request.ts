/** A request as the adapters hand it over: nothing of a framework in it. */
export interface WebRequest {
  readonly method: string;
  /** Path and query as the client sent them, mounts included. */
  readonly url: string;
  /** Names in lower case, as Node gives them. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly params: unknown;
  readonly query: unknown;
  /** As the host's parsers left it; undefined where none has run. */
  readonly body: unknown;
  /** As the framework says it, under the host's own proxy settings. */
  readonly ip: string | null;
  readonly requestId: string | null;
  /** The route's template. */
  readonly route: string | null;
  /** The framework's own request, for functions of the host that need its session: a CSRF token, a language. We do not look into it. */
  readonly native: unknown;
}

export type Headers = WebRequest['headers'];

/** One header's value; of one sent twice, null, since nobody can say which counts. */
export function headerOf(headers: Headers, name: string): string | null {
  const value = headers[name];
  return typeof value === 'string' ? value : null;
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** RFC 9110 §9.2.1. */
export const isSafeMethod = (method: string): boolean => SAFE.has(method);

/**
 * Whether a person's browser is navigating, and so wants a page. Browsers say so in fetch metadata (mode and destination together;
 * programs that send a mode alone are no browsers); else a preference for HTML does, which scripts do not send.
 */
export function wantsPage(headers: Headers): boolean {
  const mode = headerOf(headers, 'sec-fetch-mode');
  if (mode === 'navigate') return true;
  if (mode !== null && headers['sec-fetch-dest'] !== undefined) return false;
  if (headers['x-requested-with'] !== undefined) return false;
  const accept = headerOf(headers, 'accept') ?? '';
  return /\btext\/html\b|\bapplication\/xhtml\+xml\b/i.test(accept);
}

/** The media type of the content, in lower case and without parameters; null where none is named. */
export function mediaType(headers: Headers): string | null {
  const type = headerOf(headers, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  return type === undefined || type === '' ? null : type;
}

/** Whether the request announces content at all. */
export function hasContent(headers: Headers): boolean {
  const length = headerOf(headers, 'content-length');
  if (headers['transfer-encoding'] !== undefined || (length !== null && length !== '0')) return true;
  // HTTP/2 (RFC 9113 §8.2.2) knows no transfer coding: content without a length is announced by its type alone.
  return headers[':method'] !== undefined && length === null && headers['content-type'] !== undefined;
}
