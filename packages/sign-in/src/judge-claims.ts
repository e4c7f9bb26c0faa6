import type { Strength } from '@countersign/core';
import { z } from 'zod';
import type { ResolvedRecheckOptions } from './recheck-options.ts';

/** What was asked of the provider, and when. */
export interface Asked {
  /** Values of `acr`; empty where none was asked for. */
  readonly acr: readonly string[];
  /** Our clock, milliseconds. */
  readonly beganAt: number;
}

const claimsSchema = z.looseObject({
  auth_time: z.number().optional(),
  acr: z.string().optional(),
  amr: z.array(z.string()).optional(),
});

/**
 * Whether the claims of a valid ID token say that the person has authenticated for this very step-up, and how strongly. Returns
 * the reason where they do not. That a token is fresh says nothing: a provider may issue one from a sign-in of yesterday.
 */
export function judgeClaims(
  claims: unknown,
  asked: Asked,
  now: number,
  options: Pick<ResolvedRecheckOptions, 'maxAgeSeconds' | 'skewSeconds' | 'strengths'>,
): { readonly strength: Strength } | { readonly reason: string } {
  const parsed = claimsSchema.safeParse(claims);
  if (!parsed.success) return { reason: 'claims-malformed' };
  const { auth_time: authTime, acr, amr = [] } = parsed.data;
  // OpenID Connect Core 1.0 §3.1.2.1: a provider that was given max_age must answer with auth_time.
  if (authTime === undefined) return { reason: 'no-auth-time' };
  // In whole seconds, as tokens have them.
  const earliest = Math.floor(asked.beganAt / 1000) - options.maxAgeSeconds - options.skewSeconds;
  // Written so that what is no number (NaN) refuses.
  if (!(authTime >= earliest)) return { reason: 'auth-time-stale' };
  if (!(authTime <= now / 1000 + options.skewSeconds)) return { reason: 'auth-time-ahead' };
  if (asked.acr.length > 0) {
    if (acr === undefined) return { reason: 'no-acr' };
    if (!asked.acr.includes(acr)) return { reason: 'acr-not-asked' };
  }
  const proved = [...(acr === undefined ? [] : [strengthIn(options.strengths.acr, acr)])];
  for (const method of amr) proved.push(strengthIn(options.strengths.amr, method));
  return { strength: strongestOf(proved) };
}

const strengthIn = (known: Readonly<Record<string, Strength>>, value: string): Strength =>
  Object.hasOwn(known, value) ? (known[value] ?? 'any') : 'any';

export function strongestOf(strengths: readonly Strength[]): Strength {
  if (strengths.includes('phishing-resistant')) return 'phishing-resistant';
  return strengths.includes('multi-factor') ? 'multi-factor' : 'any';
}
