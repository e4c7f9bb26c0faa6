import { CountersignError } from '@countersign/core';
import { type PostReply, post } from './post.ts';

/** Statuses that another try may change: slow down, credentials and addresses that somebody will mend. */
const PASSING: ReadonlySet<number> = new Set([401, 403, 404, 408, 409, 421, 425, 429]);

/**
 * Posts an SMS. Rejects with `sms_refused` where the answer says that it will never be sent, `sms_unavailable` otherwise. Neither
 * repeats a number, a text or a secret: `describe` says what may be told of an answer.
 */
export async function postSms(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  timeoutSeconds: number,
  describe: (reply: PostReply) => string = () => '',
): Promise<void> {
  let reply: PostReply;
  try {
    reply = await post(url, headers, body, timeoutSeconds);
  } catch (cause) {
    throw new CountersignError('sms_unavailable', { cause });
  }
  const { status } = reply;
  if (status >= 200 && status < 300) return;
  const isFinal = status >= 400 && status < 500 && !PASSING.has(status);
  const cause = new Error(`HTTP: ${`${status} ${describe(reply)}`.trim()}`);
  throw new CountersignError(isFinal ? 'sms_refused' : 'sms_unavailable', { cause });
}

/** What an SMS can be sent to; spaces, points, brackets and hyphens, as people write numbers, left out. */
export function phoneNumber(value: unknown): string {
  const number = typeof value === 'string' ? value.replace(/[ .()-]/g, '') : '';
  if (/^\+?[0-9]{3,15}$/.test(number)) return number;
  throw new CountersignError('sms_refused', { cause: new Error('The number is not of the form of one.') });
}
