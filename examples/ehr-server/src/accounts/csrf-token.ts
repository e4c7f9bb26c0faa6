import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** The name of the hidden field on every form of the EHR's own. */
export const csrfField = 'csrf';

/** A token for the server file to keep in the session: 32 random bytes in base64url. */
export function createCsrfToken(): string {
  return randomBytes(32).toString('base64url');
}

/** Whether a posted body carries the session's token. No token in the session: no. Compared in constant time. */
export function carriesCsrfToken(body: unknown, expected: string | undefined): boolean {
  if (expected === undefined || typeof body !== 'object' || body === null || !(csrfField in body)) return false;
  const given: unknown = body[csrfField];
  return typeof given === 'string' && timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
