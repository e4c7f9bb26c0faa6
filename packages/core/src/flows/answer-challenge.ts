import { randomToken } from '../configuration/sources.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { AnswerInvitation, Factor, FactorAnswer } from '../factors/factor.ts';
import type { EnrolledFactor } from '../policy/decide.ts';
import { ACCOUNT_SUBJECT, type Proof } from '../policy/proof.ts';
import type { EffectiveSettings } from '../policy/settings.ts';
import { type Strength, satisfiesStrength } from '../policy/strength.ts';
import type { OpenChallenge } from '../session-state/open-challenge.ts';
import type { SessionReading } from '../session-state/session-state.ts';
import type { Authorizer } from './authorize.ts';
import { beginCeremony } from './ceremonies.ts';
import { enrolledFactors } from './factor-rows.ts';
import { digest, eventOf, factorOwner, type Services, type SessionPrincipal } from './services.ts';
import { type Verified, verifyFactor } from './verify-factor.ts';

/** A challenge that was passed. */
export interface ChallengePassed {
  readonly challenge: OpenChallenge;
  /** The binding cookie's new value; null for bearer callers, who have none. */
  readonly binding: string | null;
  readonly verifiedAt: number;
  /** The moment the proof ends for what was asked, in milliseconds. */
  readonly endsAt: number;
  /** What is left of a factor that is used up (recovery codes); null for others. */
  readonly remaining: number | null;
}

/** The open challenge of this session with this id. Throws `challenge_unknown`, also where it is another session's. */
export async function findChallenge(
  services: Services,
  principal: SessionPrincipal,
  id: string,
): Promise<OpenChallenge> {
  const challenge = await services.state.challenge(principal.key, id, services.configuration.clock.now());
  if (challenge === null) throw new CountersignError('challenge_unknown');
  return challenge;
}

/**
 * Answers a challenge. In this order: the code is consumed and the event is on the chain, in one commit; only then the proof
 * goes into session state, if the session, its epochs and the challenge are still what they were. A crash in between costs one
 * more code and grants nothing.
 *
 * Throws `challenge_unknown`, `factor_not_accepted`, `code_malformed`, `code_incorrect`, `code_already_used`,
 * `attempts_delayed`, `factor_locked`, `factor_disabled`, `session_ended`, and what the store throws.
 */
export async function answerChallenge(
  services: Services,
  authorizer: Authorizer,
  principal: SessionPrincipal,
  challengeId: string,
  factorId: string,
  answer: FactorAnswer,
): Promise<ChallengePassed> {
  const { configuration, state, live } = services;
  const reading = await authorizer.reading(principal, []);
  if (reading.endedAt !== null) throw new CountersignError('session_ended');
  const challenge = await findChallenge(services, principal, challengeId);
  const settings = await live.load(principal.workspaceId);
  if (settings === 'unknown') throw new CountersignError('settings_unknown');
  const factor = await acceptedFactor(services, principal, reading, challenge, factorId);
  const event = challengeEvent(challenge, factor.id);

  const verified = await verifyFactor(services, principal, reading.number, factor, answer, {
    event,
    purpose: challenge.id,
    askedAt: challenge.createdAt,
    demanded: demandedOf(challenge, factor),
    // What was signed, by its digest: the content itself has no place on the log.
    ...(challenge.summary === null ? {} : { details: { approved: challenge.operation ?? '' } }),
    voided: () => state.voidChallenge(principal.key, challenge.id),
  });

  // Revoked while the code was being checked: the proof would be gone with the next request, and nobody should be told otherwise.
  if (!live.isCurrent(principal.key.workspaceId, principal.key.userId, reading.epochs))
    throw new CountersignError('challenge_unknown');
  const verifiedAt = configuration.clock.now();
  const binding = principal.binding === 'bearer' ? null : randomToken(configuration.random, 256);
  const proofs = proofsOf(principal, reading, challenge, factor, verified.strength, settings, verifiedAt);
  const granted = await state.grant(
    principal.key,
    reading.number,
    reading.epochs,
    {
      proofs,
      presented: principal.binding,
      binding: binding === null ? 'bearer' : digest(binding),
      oldBindingSeconds: configuration.oldBindingSeconds,
      challengeId,
    },
    verifiedAt,
  );
  // Signed out, revoked or locked out while the code was being checked.
  if (!granted) throw new CountersignError('challenge_unknown');
  tellOfUse(services, principal, factor, verified);
  const endsAt = verifiedAt + secondsOf(challenge, settings) * 1000;
  return { challenge, binding, verifiedAt, endsAt, remaining: verified.remaining };
}

/**
 * Begins to answer a challenge with a factor that takes that (a passkey, an identity provider): what the device or the other site
 * needs. Throws `challenge_unknown`, `factor_not_accepted`, `session_ended`.
 */
export async function beginAnswer(
  services: Services,
  authorizer: Authorizer,
  principal: SessionPrincipal,
  challengeId: string,
  factorId: string,
  callbackUrl: URL,
): Promise<AnswerInvitation> {
  const reading = await authorizer.reading(principal, []);
  if (reading.endedAt !== null) throw new CountersignError('session_ended');
  const challenge = await findChallenge(services, principal, challengeId);
  const factor = await acceptedFactor(services, principal, reading, challenge, factorId);
  return await beginCeremony(services, principal, factor, challenge.id, demandedOf(challenge, factor), callbackUrl);
}

/**
 * Answers a challenge by the token that a bearer caller sent with the request (RFC 9470), where a factor takes tokens and this one
 * was issued since. True where the proof is given; a token that was refused is on the log, and the challenge stays open.
 */
export async function answerByToken(
  services: Services,
  authorizer: Authorizer,
  principal: SessionPrincipal,
  challenge: OpenChallenge,
  token: string,
): Promise<boolean> {
  const factor = services.configuration.factors.find((candidate) => candidate.bearerOnly === true);
  const signIn = factor?.signInOf?.({ token }, challenge.createdAt) ?? null;
  if (principal.binding !== 'bearer' || factor === undefined || signIn === null) return false;
  // Tokens of one sign-in answer one challenge, also where the issuer's clock is ahead and others were opened meanwhile.
  const mark = { ...challenge, id: randomToken(services.configuration.random, 128) };
  const held = await services.state.openChallenge(
    principal.key,
    digest(JSON.stringify([factor.id, signIn])),
    () => mark,
    services.configuration.clock.now(),
  );
  if (held?.id !== mark.id) return false;
  try {
    await answerChallenge(services, authorizer, principal, challenge.id, factor.id, { token });
    return true;
  } catch (error) {
    if (CountersignError.is(error) && error.status < 500) return false;
    throw error;
  }
}

/** The factors that could answer this challenge, in the order of preference: what is strongest takes least. */
export async function answeringFactors(
  services: Services,
  principal: SessionPrincipal,
  challenge: OpenChallenge,
): Promise<readonly { readonly factor: string; readonly withPassword: boolean }[]> {
  const { factors } = services.configuration;
  const enrolled = (await enrolledFactors(services, principal)).filter((held) => held.usable && suits(held, challenge));
  return enrolled
    .map((held) => {
      const own = factors.find((factor) => factor.id === held.factor);
      const alone = own !== undefined && satisfiesStrength(own.strength, challenge.strength);
      return {
        ...held,
        recovery: own?.isRecovery === true,
        withPassword: !alone && !challenge.orFactors.includes(held.factor),
      };
    })
    .sort((one, other) => preference(one) - preference(other))
    .map(({ factor, withPassword }) => ({ factor, withPassword }));
}

/** What a challenge demands of a factor: nothing more of one that answers whatever its strength. */
const demandedOf = (challenge: OpenChallenge, factor: Factor): Strength =>
  challenge.orFactors.includes(factor.id) ? 'any' : challenge.strength;

const preference = (held: {
  readonly strength: Strength;
  readonly recovery: boolean;
  readonly withPassword: boolean;
}) =>
  (held.recovery ? 4 : 0) +
  (satisfiesStrength(held.strength, 'phishing-resistant') ? 0 : 1) +
  (held.withPassword ? 1 : 0);

const suits = (held: EnrolledFactor, challenge: OpenChallenge): boolean =>
  (held.accountOnly !== true || challenge.account) &&
  (satisfiesStrength(held.strength, challenge.strength) || challenge.orFactors.includes(held.factor));

/** A recovery code that was used: its owner is told, since it may have been somebody else. */
function tellOfUse(services: Services, principal: SessionPrincipal, factor: Factor, { remaining }: Verified): void {
  if (remaining === null) return;
  const { workspaceId, userId } = factorOwner(principal);
  const at = services.configuration.clock.now();
  services.notices.tell({ kind: 'recovery-code-used', workspaceId, to: { userId }, factor: factor.id, remaining, at });
}

/** The event of an answer to a challenge, about the first patient it names (each has its own MFA_REQUIRED). */
function challengeEvent(challenge: OpenChallenge, factor: string) {
  const categories = [...new Set(challenge.subjects.flatMap((subject) => subject.categoryIds))];
  return {
    patientId: challenge.account ? null : (challenge.subjects[0]?.patientId ?? null),
    categories: categories.length === 0 ? null : categories.join(','),
    action: challenge.action,
    factor,
    challengeId: challenge.id,
    method: challenge.method,
    route: challenge.route,
  };
}

async function acceptedFactor(
  services: Services,
  principal: SessionPrincipal,
  reading: SessionReading,
  challenge: OpenChallenge,
  factorId: string,
): Promise<Factor> {
  const factor = services.configuration.factors.find((candidate) => candidate.id === factorId);
  const held = (await enrolledFactors(services, principal)).find((enrolled) => enrolled.factor === factorId);
  if (factor !== undefined && held !== undefined && suits(held, challenge)) return factor;
  const reason = factor === undefined ? 'unknown-factor' : held === undefined ? 'not-enrolled' : 'too-weak';
  const event = { ...challengeEvent(challenge, factor?.id ?? 'unknown'), reason };
  await services.audit.append([
    eventOf(principal, reading.number, { code: 'MFA_FAILURE', outcome: 'failure', ...event }),
  ]);
  throw new CountersignError('factor_not_accepted', { extra: { reason } });
}

function proofsOf(
  principal: SessionPrincipal,
  reading: SessionReading,
  challenge: OpenChallenge,
  factor: Factor,
  strength: Strength,
  settings: EffectiveSettings,
  verifiedAt: number,
): Proof[] {
  const proof = (patientId: string, scope: string | null): Proof => ({
    workspaceId: principal.workspaceId,
    userId: principal.key.userId,
    sessionNumber: reading.number,
    patientId,
    scope,
    factor: factor.id,
    strength,
    verifiedAt,
    terms: settings.grace,
    ...(challenge.operation === null ? {} : { operation: challenge.operation }),
  });
  return challenge.subjects.flatMap(({ patientId, categoryIds }) => {
    const scoped = categoryIds.filter((id) => settings.categories.get(id)?.scope === 'category');
    if (challenge.operation !== null) return [proof(patientId, null)];
    return [proof(patientId, null), ...scoped.map((id) => proof(patientId, id))];
  });
}

/** How long the proof answers what was asked: the shortest of the categories' grace periods. */
function secondsOf(challenge: OpenChallenge, settings: EffectiveSettings): number {
  if (challenge.operation !== null) return settings.oneShotSeconds;
  if (challenge.subjects.some((subject) => subject.patientId === ACCOUNT_SUBJECT)) return settings.grace.accountSeconds;
  const seconds = challenge.reasons.map((reason) => reason.graceSeconds);
  return Math.min(settings.grace.defaultSeconds, ...seconds);
}
