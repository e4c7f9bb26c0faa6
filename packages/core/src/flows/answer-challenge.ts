import { randomToken } from '../configuration/sources.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { Factor } from '../factors/factor.ts';
import { ACCOUNT_SUBJECT, type Proof } from '../policy/proof.ts';
import type { EffectiveSettings } from '../policy/settings.ts';
import { satisfiesStrength } from '../policy/strength.ts';
import type { OpenChallenge } from '../session-state/open-challenge.ts';
import type { SessionReading } from '../session-state/session-state.ts';
import type { Authorizer } from './authorize.ts';
import { readFactorRows } from './factor-rows.ts';
import { digest, eventOf, type Services, type SessionPrincipal } from './services.ts';
import { verifyFactor } from './verify-factor.ts';

/** A challenge that was passed. */
export interface ChallengePassed {
  readonly challenge: OpenChallenge;
  /** The binding cookie's new value; null for bearer callers, who have none. */
  readonly binding: string | null;
  readonly verifiedAt: number;
  /** The moment the proof ends for what was asked, in milliseconds. */
  readonly endsAt: number;
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
  answer: Readonly<Record<string, unknown>>,
): Promise<ChallengePassed> {
  const { configuration, state, live } = services;
  const reading = await authorizer.reading(principal, []);
  if (reading.endedAt !== null) throw new CountersignError('session_ended');
  const challenge = await findChallenge(services, principal, challengeId);
  const settings = await live.load(principal.workspaceId);
  if (settings === 'unknown') throw new CountersignError('settings_unknown');
  const factor = await acceptedFactor(services, principal, reading, challenge, factorId);
  const event = challengeEvent(challenge, factor.id);

  await verifyFactor(services, principal, reading.number, factor, answer, {
    event,
    voided: () => state.voidChallenge(principal.key, challenge.id),
  });

  const verifiedAt = configuration.clock.now();
  const binding = principal.binding === 'bearer' ? null : randomToken(configuration.random, 256);
  const proofs = proofsOf(principal, reading, challenge, factor, settings, verifiedAt);
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
  return { challenge, binding, verifiedAt, endsAt: verifiedAt + secondsOf(challenge, settings) * 1000 };
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
  const rows = await readFactorRows(services, principal);
  const enrolled = factor !== undefined && rows.some((row) => row.factor === factor.id && row.confirmedAt !== null);
  if (factor !== undefined && enrolled && satisfiesStrength(factor.strength, challenge.strength)) return factor;
  const reason = factor === undefined ? 'unknown-factor' : enrolled ? 'too-weak' : 'not-enrolled';
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
  settings: EffectiveSettings,
  verifiedAt: number,
): Proof[] {
  const proof = (patientId: string, scope: string | null): Proof => ({
    workspaceId: principal.workspaceId,
    userId: principal.userId,
    sessionNumber: reading.number,
    patientId,
    scope,
    factor: factor.id,
    strength: factor.strength,
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
