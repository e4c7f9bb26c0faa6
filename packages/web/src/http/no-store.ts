import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import { NO_STORE } from './web-reply.ts';

const NAME = 'cache-control';

/**
 * Makes `Cache-Control: no-store` the last word on a response, whatever a handler sets, also through `writeHead`,
 * `reply.hijack()` or raw writes, and whatever a middleware sets that waits for the headers to be written. Fields that speak
 * over it to some caches are dropped: targeted ones such as `CDN-Cache-Control` (RFC 9213), `Surrogate-Control`, and nginx's
 * `X-Accel-Expires`.
 */
export function enforceNoStore(response: ServerResponse<IncomingMessage> | Http2ServerResponse): void {
  if (response.headersSent) return;
  for (const name of response.getHeaderNames()) if (saysWhatToKeep(name)) response.removeHeader(name);
  response.setHeader(NAME, NO_STORE);
  // From here on nobody else sets, adds to or removes one of these fields. Plain assignments and calls: once per request,
  // Reflect and lists of arguments would cost as much as the decision.
  const { setHeader, appendHeader, removeHeader, writeHead } = response as ServerResponse;
  const guarded = response as ServerResponse;
  guarded.setHeader = function (name, value) {
    return saysWhatToKeep(name) ? this : setHeader.call(this, name, value);
  };
  guarded.appendHeader = function (name, value) {
    return saysWhatToKeep(name) ? this : appendHeader.call(this, name, value);
  };
  guarded.removeHeader = function (name) {
    if (!saysWhatToKeep(name)) removeHeader.call(this, name);
  };
  guarded.writeHead = function (this: ServerResponse, ...given: unknown[]) {
    // Headers may stand second or third, with or without something in the other place.
    for (let at = 0; at < given.length; at += 1) {
      const part = given[at];
      if (typeof part === 'object' && part !== null) given[at] = withoutThese(part);
    }
    return writeHead.apply(this, given as Parameters<typeof writeHead>);
  };
}

/** Headers given to `writeHead`: an object, or a flat list of names and values. Copied only where one of them is ours to set. */
function withoutThese(headers: object): OutgoingHttpHeaders | unknown[] {
  if (!Array.isArray(headers)) {
    if (!Object.keys(headers).some(saysWhatToKeep)) return headers as OutgoingHttpHeaders;
    return Object.fromEntries(Object.entries(headers).filter(([name]) => !saysWhatToKeep(name)));
  }
  if (Array.isArray(headers[0])) return headers.filter((pair) => !saysWhatToKeep(pair[0]));
  return headers.filter((_, at) => !saysWhatToKeep(headers[at - (at % 2)]));
}

const fields = /cache-control$|^surrogate-control$|^x-accel-expires$/i;

const saysWhatToKeep = (name: unknown): boolean => typeof name === 'string' && fields.test(name);
