import type { Factor, FactorAnswer, FactorCheck, FactorUser, Strength } from '@countersign/core';
import { satisfiesStrength } from '@countersign/core';
import { authorizationCodeGrant, buildAuthorizationUrl, calculatePKCECodeChallenge } from 'openid-client';
import { z } from 'zod';
import { judgeClaims, strongestOf } from './judge-claims.ts';
import { Provider, refusalReason } from './provider.ts';
import { type OidcRecheckOptions, type ResolvedRecheckOptions, resolveRecheckOptions } from './recheck-options.ts';

/** What is kept in session state until the provider sends the person back. */
const stateSchema = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  redirectUri: z.string(),
  acr: z.array(z.string()),
  beganAt: z.number(),
});

/** 256 bits; RFC 7636 §4.1 asks as much of a verifier. */
const RANDOM_BYTES = 32;
/** Room for codes of several kilobytes, as some providers have them. */
const LONGEST_CALLBACK = 8192;

/**
 * A factor that is answered at an OpenID Connect provider: the person authenticates there anew (`prompt=login`, `max_age`), and
 * comes back with an ID token that is this user's, not older than the step-up, and of the strength that was asked.
 *
 * Authorization code with PKCE (S256), `state` and `nonce`; a callback counts once, in the session that began it. Nothing the
 * provider says is kept, and the proof has the time of our own clock. Throws `configuration_invalid`; its use
 * `identity_provider_unavailable`, with which every other factor goes on working.
 */
export function oidcRecheck(options: OidcRecheckOptions): Factor {
  const resolved = resolveRecheckOptions(options);
  const { acr, amr } = resolved.strengths;
  const provider = new Provider(resolved);
  return Object.freeze({
    id: resolved.id,
    strength: strongestOf([...Object.values(acr), ...Object.values(amr)]),
    answeredBy: 'ceremony',
    isAvailable: async (user) =>
      resolved.isAvailable === undefined
        ? (await subjectOf(resolved, user)) !== null
        : (await resolved.isAvailable(user)) === true,
    async begin({ random, now, user, demanded, callbackUrl }) {
      const configuration = await provider.configuration(now);
      const token = () => Buffer.from(random(RANDOM_BYTES)).toString('base64url');
      const kept = {
        state: token(),
        nonce: token(),
        verifier: token(),
        redirectUri: resolved.redirectUri ?? callbackUrl.href,
        acr: acrFor(resolved, demanded),
        beganAt: now,
      } satisfies z.output<typeof stateSchema>;
      const address = buildAuthorizationUrl(configuration, {
        ...(await resolved.parametersFor?.(user)),
        response_type: 'code',
        scope: resolved.scope,
        redirect_uri: kept.redirectUri,
        state: kept.state,
        nonce: kept.nonce,
        code_challenge: await calculatePKCECodeChallenge(kept.verifier),
        code_challenge_method: 'S256',
        max_age: String(resolved.maxAgeSeconds),
        ...(resolved.maxAgeSeconds === 0 ? { prompt: 'login' } : {}),
        ...(kept.acr.length === 0 ? {} : { acr_values: kept.acr.join(' ') }),
      });
      return { invitation: { redirectTo: address.href }, ceremony: kept.state, state: JSON.stringify(kept) };
    },
    ceremonyOf: (answer) => parametersOf(answer)?.get('state') ?? null,
    isWellFormed: (answer) => parametersOf(answer) !== null,
    async check(answer, { state }, { now, user }): Promise<FactorCheck> {
      const parameters = parametersOf(answer);
      if (parameters === null || state === null) return incorrect('malformed');
      const kept = stateSchema.parse(JSON.parse(state));
      const configuration = await provider.configuration(now);
      // At the address that was asked for, whatever way the request took to us (RFC 6749 §4.1.3).
      const currentUrl = new URL(kept.redirectUri);
      currentUrl.search = parameters.toString();
      let claims: Awaited<ReturnType<typeof authorizationCodeGrant>>;
      try {
        claims = await authorizationCodeGrant(configuration, currentUrl, {
          expectedState: kept.state,
          expectedNonce: kept.nonce,
          pkceCodeVerifier: kept.verifier,
          idTokenExpected: true,
        });
      } catch (error) {
        return incorrect(refusalReason(error));
      }
      const token = claims.claims();
      if (token === undefined) return incorrect('no-id-token');
      if (!(await isUser(resolved, token, user))) return incorrect('wrong-subject');
      const judged = judgeClaims(token, kept, now, resolved);
      if ('reason' in judged) return incorrect(judged.reason);
      return { result: 'correct', counter: 0, strength: judged.strength };
    },
  } satisfies Factor);
}

const incorrect = (reason: string): FactorCheck => ({ result: 'incorrect', reason });

/** Only what is strong enough, where the values say so: a provider is free to choose among those it is asked for. */
function acrFor({ acrValues, strengths }: ResolvedRecheckOptions, demanded: Strength): string[] {
  const enough = acrValues.filter((value) => satisfiesStrength(strengths.acr[value] ?? 'any', demanded));
  return enough.length > 0 ? enough : acrValues;
}

/** The parameters of a callback; null where it is none of ours: too long, without `state`, or with something twice (RFC 6749 §3.1). */
function parametersOf({ callbackUrl }: FactorAnswer): URLSearchParams | null {
  if (typeof callbackUrl !== 'string' || callbackUrl.length > LONGEST_CALLBACK) return null;
  const begin = callbackUrl.indexOf('?');
  if (begin === -1) return null;
  const parameters = new URLSearchParams(callbackUrl.slice(begin + 1).replace(/#.*$/s, ''));
  const names = [...parameters.keys()];
  if (new Set(names).size !== names.length) return null;
  if (!/^[A-Za-z0-9_-]{43}$/.test(parameters.get('state') ?? '')) return null;
  return parameters.has('code') !== parameters.has('error') ? parameters : null;
}

async function subjectOf({ subjectOf: find }: ResolvedRecheckOptions, user: FactorUser): Promise<string | null> {
  const subject = await find?.(user);
  return typeof subject === 'string' && subject !== '' ? subject : null;
}

/** Whose ID token it is. The issuer was compared by the library. */
async function isUser(
  options: ResolvedRecheckOptions,
  claims: Readonly<Record<string, unknown>> & { readonly iss: string; readonly sub: string },
  user: FactorUser,
): Promise<boolean> {
  if (options.matches !== undefined) return (await options.matches(claims, user)) === true;
  return claims.sub === (await subjectOf(options, user));
}
