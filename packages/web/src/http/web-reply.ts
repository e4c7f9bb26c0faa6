import { CountersignError, errorCodes } from '@countersign/core';

/** A reply for an adapter to send. */
export interface WebReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Whole `Set-Cookie` values, to be added to the host's. */
  readonly cookies?: readonly string[];
  /** Pieces of text are sent as they are made, at the caller's pace; one who goes away ends the making. */
  readonly body: string | Uint8Array | AsyncIterable<string>;
}

/** Nothing of ours is ever kept by a cache (threat: back button, shared proxy). */
export const NO_STORE = 'no-store';

export const jsonReply = (status: number, body: unknown): WebReply => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': NO_STORE },
  body: JSON.stringify(body),
});

export const redirectReply = (location: string): WebReply => ({
  status: 303,
  headers: { location, 'cache-control': NO_STORE, 'referrer-policy': 'same-origin' },
  body: '',
});

/** A page that is a 429 says when to come back, as every 429 does. */
export function withRetryAfter(reply: WebReply, seconds: number | undefined): WebReply {
  if (reply.status !== 429 || seconds === undefined) return reply;
  return { ...reply, headers: { ...reply.headers, 'retry-after': String(seconds) } };
}

/** Members of a problem document (RFC 9457) besides those every one has. */
export type ProblemMembers = Readonly<Record<string, unknown>>;

/** An error as `application/problem+json`. Anything that is not ours becomes `internal`, and says nothing of its cause. */
export function problemReply(
  error: unknown,
  members: ProblemMembers = {},
  headers: Readonly<Record<string, string>> = {},
): WebReply {
  const known = CountersignError.is(error) ? error : new CountersignError('internal');
  const { field, cure, retryAfterSeconds, extra } = known.details;
  const body = {
    type: `urn:countersign:error:${known.code}`,
    title: errorCodes[known.code].message,
    status: known.status,
    code: known.code,
    detail: known.message,
    ...(field === undefined ? {} : { field }),
    ...(cure === undefined ? {} : { cure }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...extra,
    ...members,
  };
  return {
    status: known.status,
    headers: {
      'content-type': 'application/problem+json; charset=utf-8',
      'cache-control': NO_STORE,
      ...retryAfter(known),
      ...headers,
    },
    body: JSON.stringify(body),
  };
}

/** Every 429 and 503 says when to come back. */
export function retryAfter(error: CountersignError): Record<string, string> {
  const seconds = error.details.retryAfterSeconds ?? (error.status === 503 ? 5 : undefined);
  return seconds === undefined ? {} : { 'retry-after': String(seconds) };
}
