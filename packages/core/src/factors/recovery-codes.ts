import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { CountersignError } from '../errors/countersign-error.ts';
import type { Factor } from './factor.ts';
import { makeLookupCode, normalizedLookupCode } from './lookup-code.ts';

/** What an enrolment of {@link recoveryCodes} shows, once. */
export interface RecoveryCodesInvitation extends Readonly<Record<string, unknown>> {
  /** `XXXX-XXXX-XXXX-XXXX`, ten of them. */
  readonly codes: readonly string[];
}

/** Options of {@link recoveryCodes}. */
export interface RecoveryCodesOptions {
  /** True: they replace a lost factor, and answer no step-up for a record. Default false. */
  readonly accountOnly?: boolean;
}

/** The kind, as it is stored. */
export const RECOVERY_CODES = 'recovery-codes';
const CODES = 10;
const ALL_USED = 2 ** CODES - 1;
/** Of HMAC-SHA-256: as long as its output. */
const PEPPER_BYTES = 32;

const secretSchema = z.object({ pepper: z.string(), hashes: z.array(z.string()).length(CODES) });
type Secret = z.output<typeof secretSchema>;

/**
 * Ten codes on paper, each good once, for when the device is lost (NIST SP 800-63B-4 §3.1.2, §4.2.1). Kept as keyed hashes (ASVS
 * 6.5.2), so they are shown at their making and never again. The counter is a bit for each used code, and only ever gains bits.
 */
export function recoveryCodes(options: RecoveryCodesOptions = {}): Factor {
  const { accountOnly = false } = options ?? {};
  if (typeof accountOnly !== 'boolean') {
    throw new CountersignError('configuration_invalid', {
      field: 'recoveryCodes.accountOnly',
      detail: 'recoveryCodes.accountOnly is neither true nor false.',
      cure: 'Use true where recovery codes may only replace a lost factor.',
    });
  }
  return Object.freeze({
    id: RECOVERY_CODES,
    strength: 'any',
    isRecovery: true,
    accountOnly,
    confirmedAtOnce: true,
    invite({ random }) {
      const codes = new Set<string>();
      while (codes.size < CODES) codes.add(makeLookupCode(random));
      const pepper = Buffer.from(random(PEPPER_BYTES)).toString('base64url');
      const hashes = [...codes].map((code) => hashOf(pepper, normalizedLookupCode(code) ?? '').toString('base64url'));
      const invitation: RecoveryCodesInvitation = { codes: [...codes] };
      return { secret: JSON.stringify({ pepper, hashes } satisfies Secret), invitation };
    },
    invitation: () => null,
    remaining: (_secret, counter) => left(counter),
    isUsedUp: (counter) => left(counter) === 0,
    isWellFormed: (answer) => normalizedLookupCode(answer.code) !== null,
    check(answer, { secret, counter }) {
      const code = normalizedLookupCode(answer.code);
      if (code === null) return { result: 'incorrect' };
      const { pepper, hashes } = secretSchema.parse(JSON.parse(secret));
      const bit = bitOf(hashOf(pepper, code), hashes);
      if (bit === 0) return { result: 'incorrect' };
      const used = usedBits(counter);
      // Waiting makes a used code no better, so it is simply wrong; the log tells the two apart.
      if ((used & bit) !== 0) return { result: 'incorrect', reason: 'already-used' };
      return { result: 'correct', counter: used | bit, remaining: left(used | bit) };
    },
  } satisfies Factor);
}

const hashOf = (pepper: string, code: string): Buffer =>
  createHmac('sha256', Buffer.from(pepper, 'base64url')).update(code).digest();

/** The bit of the code that fits, 0 where none does. Every hash is compared, so that time says nothing of which. */
function bitOf(given: Buffer, hashes: readonly string[]): number {
  let bit = 0;
  for (const [index, hash] of hashes.entries()) {
    const kept = Buffer.from(hash, 'base64url');
    if (kept.length === given.length && timingSafeEqual(kept, given)) bit |= 2 ** index;
  }
  return bit;
}

const usedBits = (counter: number): number => Math.max(0, counter) & ALL_USED;

function left(counter: number): number {
  let count = CODES;
  for (let used = usedBits(counter); used !== 0; used &= used - 1) count -= 1;
  return count;
}
