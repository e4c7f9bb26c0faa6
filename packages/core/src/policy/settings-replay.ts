import { decide, type Facts, type SessionFacts } from './decide.ts';
import { asksForTreatment, type ExemptionFacts, exemptionFor } from './exemption.ts';
import type { Principal } from './principal.ts';
import type { Proof } from './proof.ts';
import { isOneShot, type Requirement } from './requirement.ts';
import type { CategoryPolicy, EffectiveSettings } from './settings.ts';
import { type Strength, strongest } from './strength.ts';

/** One access as the log tells it: who, when, in which session, to whose records of which categories. */
export interface LoggedAccess {
  readonly id: string;
  /** Milliseconds. */
  readonly at: number;
  /** As whom it was made; under impersonation not the person who is asked. */
  readonly userId: string;
  readonly actorId: string | null;
  readonly session: string;
  readonly action: string;
  readonly subjects: readonly { readonly patientId: string; readonly categoryIds: readonly string[] }[];
  /** The person had no factor that could answer. */
  readonly unanswerable: boolean;
}

/** What a log tells about people besides their accesses, by user id. */
export interface LoggedPeople {
  /** Roles they were seen to be exempt by. */
  readonly roles: ReadonlyMap<string, ReadonlySet<string>>;
  /** Patients they were seen to treat. */
  readonly treating: ReadonlyMap<string, ReadonlySet<string>>;
}

/** How often somebody would have been asked. */
export interface ReplayedAccess {
  readonly access: LoggedAccess;
  /** `refused`: they would have been asked, and had nothing to answer with. */
  readonly result: 'allowed' | 'asked' | 'refused';
  /** The categories that asked; empty where the action alone did. */
  readonly categoryIds: readonly string[];
  /** What was asked of the factor. */
  readonly strength: Strength;
}

/**
 * What `decide` would have said to each access, oldest first, had these settings been in force. Whoever would have been asked is taken
 * to have answered at that moment, strongly enough.
 */
export function replayAccesses(
  accesses: readonly LoggedAccess[],
  people: LoggedPeople,
  settings: EffectiveSettings,
): ReplayedAccess[] {
  const proofs = new Map<string, Proof[]>();
  return accesses.map((access) => {
    const { decision, requirement } = judge(access, people, settings, proofs);
    const asked = decision.outcome === 'challenge';
    const strength = asked ? decision.strength : 'any';
    const ids = asked ? decision.reasons.flatMap(({ categoryId }) => (categoryId === null ? [] : [categoryId])) : [];
    const categoryIds = [...new Set(ids)];
    if (!asked) return { access, result: 'allowed', categoryIds, strength };
    if (access.unanswerable) return { access, result: 'refused', categoryIds, strength };
    if (!isOneShot(requirement, settings)) answer(access, requirement, settings, strength, proofs);
    return { access, result: 'asked', categoryIds, strength };
  });
}

function judge(
  access: LoggedAccess,
  people: LoggedPeople,
  settings: EffectiveSettings,
  proofs: ReadonlyMap<string, readonly Proof[]>,
) {
  const { userId, actorId, action, at, subjects } = access;
  const principal: Principal = {
    userId,
    workspaceId: settings.workspaceId,
    roles: [...(people.roles.get(userId) ?? [])],
    displayName: userId,
    // When people signed in is not on the log: limits of sessions are left out of it.
    signedInAt: new Date(at),
    sessionKey: access.session,
    ...(actorId === null ? {} : { actor: { userId: actorId, displayName: actorId } }),
  };
  const requirement: Requirement = {
    workspaceId: settings.workspaceId,
    action,
    operation: access.id,
    subjects: subjects.map(({ patientId, categoryIds }) => ({
      patientId,
      categories: categoryIds
        .map((id) => settings.categories.get(id))
        .filter((category) => category !== undefined)
        .filter((category: CategoryPolicy) => category.actions === null || category.actions.has(action)),
    })),
  };
  const treats = people.treating.get(userId);
  const about: ExemptionFacts = { principal, requirement, settings, service: null, treating: 'unasked' };
  const treating = asksForTreatment(about) && subjects.every(({ patientId }) => treats?.has(patientId) === true);
  const session: SessionFacts = {
    number: access.session,
    ended: false,
    lastActivityAt: at,
    proofs: subjects.flatMap(({ patientId }) => proofs.get(keyOf(access, patientId)) ?? []),
  };
  const exemption = exemptionFor({ ...about, treating });
  const facts: Facts = { principal, session, requirement, settings, exemption, factors: 'not-loaded', now: at };
  return { decision: decide(facts), requirement };
}

/** The proofs that a success gives: for each patient, and for each category that wants one of its own. */
function answer(
  access: LoggedAccess,
  requirement: Requirement,
  settings: EffectiveSettings,
  strength: Strength,
  proofs: Map<string, Proof[]>,
): void {
  for (const { patientId, categories } of requirement.subjects) {
    const key = keyOf(access, patientId);
    const scopes = [null, ...categories.filter(({ scope }) => scope === 'category').map(({ id }) => id)];
    const made = scopes.map(
      (scope): Proof => ({
        workspaceId: settings.workspaceId,
        userId: access.actorId ?? access.userId,
        sessionNumber: access.session,
        patientId,
        scope,
        factor: '',
        strength,
        verifiedAt: access.at,
        terms: settings.grace,
      }),
    );
    // A newer proof of the same scope stands in for an older one, unless that was stronger.
    const kept = (proofs.get(key) ?? []).filter(
      (had) => !made.some(({ scope }) => scope === had.scope) || strongest(had.strength, strength) !== strength,
    );
    proofs.set(key, [...kept, ...made].slice(-20));
  }
}

const keyOf = (access: LoggedAccess, patientId: string): string =>
  JSON.stringify([access.session, access.actorId ?? access.userId, access.userId, patientId]);
