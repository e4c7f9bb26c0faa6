import { CountersignError } from '@countersign/core';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/;

/** Whether it is this machine itself, to which nothing travels. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host);

/** The address of a service: https, or plain http on this machine. `where` names the option. */
export function endpointUrl(value: unknown, where: string): URL {
  if (typeof value !== 'string' || !URL.canParse(value))
    throw refusal(where, 'is no URL', 'Write it whole, from https on.');
  const url = new URL(value);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    throw refusal(where, 'is not https', 'Plain http is accepted on this machine only: it would travel readable.');
  if (url.username !== '' || url.password !== '' || url.hash !== '')
    throw refusal(where, 'has a user, a password or a fragment', 'Give secrets by the options made for them.');
  return url;
}

/** A text that must be there. */
export function required(value: unknown, where: string): string {
  if (typeof value === 'string' && value !== '' && !/\p{Cc}/u.test(value)) return value;
  throw refusal(where, 'is missing, or has control characters', 'Give it as text.');
}

/** Seconds, whole, within bounds. */
export function secondsWithin(value: number | undefined, byDefault: number, most: number, where: string): number {
  const seconds = value ?? byDefault;
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= most) return seconds;
  throw refusal(where, `is no whole number from 1 to ${most}`, 'Leave it out, or correct it.');
}

/** `configuration_invalid`, naming the option. */
export const refusal = (field: string, problem: string, cure: string): CountersignError =>
  new CountersignError('configuration_invalid', { field, detail: `${field} ${problem}.`, cure });
