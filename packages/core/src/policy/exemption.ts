import type { Exemption } from './decide.ts';
import type { Principal } from './principal.ts';
import type { Requirement } from './requirement.ts';
import type { CategoryPolicy, EffectiveSettings, ExemptionRule } from './settings.ts';

/** A service or queue that the configuration names: what it may see and edit without a person. */
export interface ServiceRule {
  readonly userId: string;
  readonly workspaceId: string | null;
  readonly categories: ReadonlySet<string> | null;
  readonly actions: ReadonlySet<string>;
}

/** What exemptions stand on. */
export interface ExemptionFacts {
  readonly principal: Principal;
  readonly requirement: Requirement;
  readonly settings: EffectiveSettings;
  /** The rule that names this principal, where it is no person. */
  readonly service: ServiceRule | null;
  /** By the host's word: whether the principal treats every patient asked about. `unasked` until somebody asked. */
  readonly treating: boolean | 'unasked';
}

/**
 * The exemption that answers every category asked about, or null. Nobody who acts as somebody else is exempt: it is not their own
 * role or relationship.
 */
export function exemptionFor(facts: ExemptionFacts): Exemption | null {
  const { principal, requirement, settings, service } = facts;
  const touched = requirement.subjects.flatMap((subject) => subject.categories);
  if (service !== null) {
    const covered = service.actions.has(requirement.action) && covers(service.categories, touched);
    return covered ? { kind: 'service', detail: service.userId } : null;
  }
  if (principal.kind !== undefined && principal.kind !== 'person') return null;
  if (principal.actor !== undefined && principal.actor.userId !== principal.userId) return null;
  for (const rule of settings.exemptions) {
    if (covers(rule.categories, touched) && fits(rule, facts))
      return { kind: rule.kind, detail: rule.value ?? 'treating' };
  }
  return null;
}

/** Whether asking the host about a treatment relationship could change the answer. */
export function asksForTreatment({ principal, requirement, settings }: ExemptionFacts): boolean {
  const touched = requirement.subjects.flatMap((subject) => subject.categories);
  const person = principal.kind === undefined || principal.kind === 'person';
  const own = principal.actor === undefined || principal.actor.userId === principal.userId;
  return (
    person &&
    own &&
    touched.length > 0 &&
    (requirement.action === 'view' || requirement.action === 'edit') &&
    settings.exemptions.some((rule) => rule.kind === 'treatment-relationship' && covers(rule.categories, touched))
  );
}

function fits(rule: ExemptionRule, { principal, treating }: ExemptionFacts): boolean {
  if (rule.kind === 'role') return rule.value !== null && principal.roles.includes(rule.value);
  if (rule.kind === 'provider') return rule.value === principal.userId;
  return treating === true;
}

const covers = (categories: ReadonlySet<string> | null, touched: readonly CategoryPolicy[]): boolean =>
  categories === null || touched.every((category) => categories.has(category.id));
