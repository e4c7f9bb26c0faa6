import type { Facts } from '../../src/policy/decide.ts';
import type { Principal } from '../../src/policy/principal.ts';
import type { Proof } from '../../src/policy/proof.ts';
import type { Requirement } from '../../src/policy/requirement.ts';
import type { CategoryPolicy, EffectiveSettings, GraceTerms } from '../../src/policy/settings.ts';

/** The instant the policy tests stand at. */
export const NOW = Date.parse('2026-03-02T09:00:00.000Z');
export const seconds = (count: number): number => count * 1000;

export function categoryPolicy(id: string, changes: Partial<CategoryPolicy> = {}): CategoryPolicy {
  return {
    id,
    name: `Category ${id}`,
    graceSeconds: 900,
    strength: 'any',
    scope: 'patient',
    actions: null,
    accessAudit: 'batched',
    ...changes,
  };
}

export const ketamine: CategoryPolicy = categoryPolicy('5');

export function graceTerms(
  defaultSeconds = 900,
  byCategory: Record<string, number> = {},
  accountSeconds = 300,
): GraceTerms {
  return { defaultSeconds, byCategory, accountSeconds };
}

/** Actions that ask for each operation. */
export function reauthenticating(...actions: readonly string[]): EffectiveSettings['reauthentication'] {
  return new Map(actions.map((action) => [action, { withinSeconds: 0, strength: 'any' }]));
}

export function settingsOf(
  categories: readonly CategoryPolicy[] = [ketamine],
  changes: Partial<EffectiveSettings> = {},
): EffectiveSettings {
  return {
    workspaceId: 'clinic',
    version: 1,
    enabled: true,
    categories: new Map(categories.map((category) => [category.id, category])),
    grace: graceTerms(900, Object.fromEntries(categories.map(({ id, graceSeconds }) => [id, graceSeconds]))),
    reauthentication: reauthenticating('export', 'delete', 'payment'),
    signingStrength: 'multi-factor',
    exemptions: [],
    enrolment: { roles: new Set(['clinician']), until: 'sensitive-only' },
    emergencyAccess: { enabled: true, roles: null, windowSeconds: 3600 },
    oneShotSeconds: 120,
    limits: {},
    roleLimits: new Map(),
    ...changes,
  };
}

export function principalOf(changes: Partial<Principal> = {}): Principal {
  return {
    userId: 'ana',
    workspaceId: 'clinic',
    roles: ['clinician'],
    displayName: 'Dr Ana',
    signedInAt: new Date(NOW - seconds(3600)),
    sessionKey: 'host-session',
    ...changes,
  };
}

export function proofOf(changes: Partial<Proof> = {}): Proof {
  return {
    workspaceId: 'clinic',
    userId: 'ana',
    sessionNumber: 'session-1',
    patientId: 'p1',
    scope: null,
    factor: 'totp',
    strength: 'any',
    verifiedAt: NOW - seconds(60),
    terms: graceTerms(),
    ...changes,
  };
}

export function requirementOf(changes: Partial<Requirement> = {}): Requirement {
  return {
    workspaceId: 'clinic',
    action: 'view',
    subjects: [{ patientId: 'p1', categories: [ketamine] }],
    ...changes,
  };
}

/** Ana views a record in the sensitive category 5 of patient p1, has an authenticator app, and proved nothing yet. */
export function factsOf(changes: Partial<Facts> = {}): Facts {
  return {
    principal: principalOf(),
    session: { number: 'session-1', ended: false, lastActivityAt: NOW - seconds(10), proofs: [] },
    requirement: requirementOf(),
    settings: settingsOf(),
    factors: [{ factor: 'totp', strength: 'any', usable: true }],
    now: NOW,
    ...changes,
  };
}

/** The same, with these proofs in the session. */
export function withProofs(proofs: readonly Proof[], changes: Partial<Facts> = {}): Facts {
  const facts = factsOf(changes);
  return { ...facts, session: { ...facts.session, proofs } };
}
