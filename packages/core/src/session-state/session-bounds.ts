import type { GraceTerms } from '../policy/settings.ts';

/** What one session keeps at most, whatever keeps it; the oldest makes room. */
export const sessionBounds = Object.freeze({
  challenges: 32,
  oneShots: 64,
  ceremonies: 16,
  /** Tries of a factor without a delay. */
  freeFailures: 3,
  longestDelaySeconds: 300,
});

/** Milliseconds to wait after so many tries without success: 0 for the first, then 1, 2, 4 … seconds. */
export function delayAfter(failures: number): number {
  const { freeFailures, longestDelaySeconds } = sessionBounds;
  return failures < freeFailures ? 0 : Math.min(longestDelaySeconds, 2 ** (failures - freeFailures)) * 1000;
}

/** Milliseconds after which a proof earned under these terms answers no demand any more. */
export function proofLife(terms: GraceTerms): number {
  return Math.max(terms.defaultSeconds, terms.accountSeconds, ...Object.values(terms.byCategory)) * 1000;
}
