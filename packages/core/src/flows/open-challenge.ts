import { randomToken } from '../configuration/sources.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { Challenge, Facts } from '../policy/decide.ts';
import type { OpenChallenge } from '../session-state/open-challenge.ts';
import type { Demand } from './demand.ts';
import { digest, type Services, type SessionPrincipal } from './services.ts';

/** Opens the challenge that a decision asks for; the same demand anew finds the one that is open. Throws `session_ended`. */
export async function openChallenge(
  services: Services,
  principal: SessionPrincipal,
  demand: Demand,
  facts: Facts,
  decision: Challenge,
): Promise<OpenChallenge> {
  const { configuration, state } = services;
  const { requirement, now } = facts;
  const { method, route } = principal.request;
  const returnTo = demand.returnTo?.() ?? null;
  const subjects = requirement.subjects.map((subject) => ({
    patientId: subject.patientId,
    categoryIds: subject.categories.map((category) => category.id),
  }));
  const operation = decision.oneShot ? (requirement.operation ?? null) : null;
  const account = requirement.account === true;
  const requirementKey = digest(
    JSON.stringify([
      requirement.action,
      subjects,
      operation,
      account,
      decision.strength,
      [...(requirement.orFactors ?? [])],
      returnTo,
    ]),
  );
  const create = (): OpenChallenge => ({
    id: randomToken(configuration.random, 128),
    createdAt: now,
    expiresAt: now + configuration.challengeSeconds * 1000,
    action: requirement.action,
    subjects,
    account,
    strength: decision.strength,
    orFactors: [...(requirement.orFactors ?? [])],
    operation,
    summary: demand.summary ?? null,
    reasons: decision.reasons,
    returnTo,
    method,
    route,
  });
  const challenge = await state.openChallenge(principal.key, requirementKey, create, now);
  // The session ended while we were deciding.
  if (challenge === null) throw new CountersignError('session_ended');
  return challenge;
}
