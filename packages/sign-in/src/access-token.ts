import { CountersignError, type Factor, type FactorUser, type Strength } from '@countersign/core';
import { createLocalJWKSet, createRemoteJWKSet, decodeJwt, errors, type JSONWebKeySet, jwtVerify } from 'jose';
import { z } from 'zod';

const optionsSchema = z.strictObject({
  /** The authorization server, exactly as tokens name it (`iss`). */
  issuer: z.url('the issuer’s address is needed'),
  /** What tokens for this API name as their audience (`aud`). */
  audience: z.string('an audience is needed').min(1, 'an audience is needed'),
  /** Where the issuer publishes its keys, or the keys themselves. */
  jwks: z.union(
    [
      z.instanceof(URL),
      z.custom<JSONWebKeySet>((value) => typeof value === 'object' && value !== null && 'keys' in value),
    ],
    'a URL, or a set of keys is needed',
  ),
  /** What an `acr` value proves. One that is not here proves nothing. */
  strengths: z.record(z.string(), z.enum(['any', 'multi-factor', 'phishing-resistant'])),
  /** A user's `sub` at the issuer. Default: the user id. */
  subjectOf: z
    .custom<(user: FactorUser) => string>((value) => typeof value === 'function', 'a function is needed')
    .optional(),
  /** By how much the issuer's clock may be off, in seconds. Default 5. */
  clockToleranceSeconds: z.int().min(0).max(30).default(5),
});

/** Options of {@link accessToken}. */
export type AccessTokenOptions = z.input<typeof optionsSchema>;

/** Signed by the issuer, never with a key that this API shares. */
const ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
];
/** Far more than any token that fits into a header. */
const LONGEST_TOKEN = 16_384;

/**
 * Step-up of bearer callers (RFC 9470): a new access token, for which the person has authenticated anew at the authorization
 * server, answers a challenge that we issued. Off unless it is among `factors`.
 *
 * The claims prove nothing by themselves: issuer, audience, signature and expiry must be right, `sub` must be this user,
 * `auth_time` not before the challenge was opened (and not in the future), and `acr` one of those in `strengths`. Then the token
 * mints one ordinary proof for the patient that was asked about, or one one-shot proof; our own clock stamps it.
 *
 * Throws `configuration_invalid`.
 */
export function accessToken(options: AccessTokenOptions): Factor {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `accessToken.${issue.path.join('.')}: ${issue.message}.`);
    throw new CountersignError('configuration_invalid', { detail: problems.join(' '), extra: { problems } });
  }
  const { issuer, audience, jwks, strengths, subjectOf, clockToleranceSeconds } = parsed.data;
  const keys = jwks instanceof URL ? createRemoteJWKSet(jwks) : createLocalJWKSet(jwks);
  const most = strongestOf(Object.values(strengths));

  return Object.freeze({
    id: 'access-token',
    strength: most,
    answeredBy: 'ceremony',
    bearerOnly: true,
    isAvailable: () => true,
    signInOf({ token }, askedAt) {
      try {
        const { auth_time: authTime } = decodeJwt(tokenOf(token) ?? '');
        return typeof authTime === 'number' && !isBefore(authTime, askedAt) ? String(authTime) : null;
      } catch {
        return null;
      }
    },
    isWellFormed: ({ token }) => tokenOf(token) !== null,
    async check(answer, _held, { user, now, askedAt }) {
      const token = tokenOf(answer.token);
      if (token === null) return { result: 'incorrect', reason: 'malformed' };
      const claims = await verified(token, new Date(now));
      if (typeof claims === 'string') return { result: 'incorrect', reason: claims };
      if (claims.sub !== (subjectOf?.(user) ?? user.userId)) return { result: 'incorrect', reason: 'wrong-subject' };
      const { auth_time: authTime, acr } = claims;
      if (typeof authTime !== 'number') return { result: 'incorrect', reason: 'no-auth-time' };
      if (authTime * 1000 > now + clockToleranceSeconds * 1000)
        return { result: 'incorrect', reason: 'auth-time-ahead' };
      if (isBefore(authTime, askedAt)) return { result: 'incorrect', reason: 'auth-time-before-challenge' };
      const strength = typeof acr === 'string' && Object.hasOwn(strengths, acr) ? strengths[acr] : undefined;
      if (strength === undefined) return { result: 'incorrect', reason: 'acr-unknown' };
      return { result: 'correct', counter: 0, strength };
    },
  } satisfies Factor);

  /** The claims of a token that the issuer has made for us, or why it is not one. */
  async function verified(token: string, currentDate: Date) {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: clockToleranceSeconds,
        currentDate,
        requiredClaims: ['sub', 'exp'],
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JWTExpired) return 'token-expired';
      if (error instanceof errors.JWTClaimValidationFailed) return `wrong-${error.claim}`;
      if (error instanceof errors.JOSEError) return 'token-not-verified';
      throw new CountersignError('identity_provider_unavailable', { cause: error });
    }
  }
}

/** Whole seconds, as tokens have them: one within the second that the challenge was opened in may be older than it. */
const isBefore = (authTime: number, askedAt: number): boolean => authTime * 1000 <= askedAt;

const tokenOf = (value: unknown): string | null =>
  typeof value === 'string' && value.length <= LONGEST_TOKEN && value.split('.').length === 3 ? value : null;

function strongestOf(strengths: readonly Strength[]): Strength {
  if (strengths.includes('phishing-resistant')) return 'phishing-resistant';
  return strengths.includes('multi-factor') ? 'multi-factor' : 'any';
}
