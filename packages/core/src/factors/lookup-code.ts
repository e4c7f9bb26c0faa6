import type { RandomSource } from '../configuration/sources.ts';

/** Without letters that are taken for others (Crockford's base32). */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** 16 characters of 5 bits: 80 bits (NIST SP 800-63B-4 §3.1.2.2 asks 64 of a look-up secret that is rate-limited). */
const CHARACTERS = 16;

/** A new code for typing from paper, in groups of four: `7K2M-…`. */
export function makeLookupCode(random: RandomSource): string {
  // 256 is a multiple of 32: every letter is as likely as any other.
  const letters = [...random(CHARACTERS)].map((byte) => ALPHABET[byte % ALPHABET.length] ?? '0').join('');
  return letters.replace(/(.{4})(?=.)/g, '$1-');
}

/** What was typed, as it was shown: also in lower case, with other spaces, or with O for 0 and I or L for 1. Null: no code. */
export function normalizedLookupCode(typed: unknown): string | null {
  if (typeof typed !== 'string' || typed.length > 64) return null;
  const letters = typed.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
  return /^[0-9A-HJKMNP-TV-Z]{16}$/.test(letters) ? letters : null;
}
