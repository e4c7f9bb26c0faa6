import type { Proof } from './proof.ts';
import type { CategoryPolicy, EffectiveSettings } from './settings.ts';

/**
 * The bound of a proof for one category, in seconds: the shorter of what was in force when it was earned and what is now.
 * A fixed window from the moment of verification; it never slides.
 */
export function graceSecondsFor(proof: Proof, category: CategoryPolicy): number {
  const then = proof.terms.byCategory[category.id] ?? proof.terms.defaultSeconds;
  return Math.min(then, category.graceSeconds);
}

/** `verifiedAt <= now < verifiedAt + seconds`. A proof from the future (the clock was set back) is not within. */
export function isWithin(verifiedAt: number, seconds: number, now: number): boolean {
  return verifiedAt <= now && now < verifiedAt + seconds * 1000;
}

/** Seconds, rounded down, for which a proof still answers the workspace's categories by default; 0 when it is over. */
export function secondsLeft(proof: Proof, settings: EffectiveSettings, now: number): number {
  const seconds = Math.min(proof.terms.defaultSeconds, settings.grace.defaultSeconds);
  return isWithin(proof.verifiedAt, seconds, now) ? Math.floor((proof.verifiedAt + seconds * 1000 - now) / 1000) : 0;
}
