import type { Configuration } from '../configuration/configuration.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import { isOneShot, type Requirement, touchedCategories } from '../policy/requirement.ts';
import type { EffectiveSettings } from '../policy/settings.ts';
import type { Demand } from './demand.ts';

/** What the workspace's settings make of a demand. Throws `patient_unresolved`, `resource_invalid`. */
export function demandedRequirement(
  configuration: Configuration,
  demand: Demand,
  settings: EffectiveSettings | 'unknown',
): Requirement {
  const { workspaceId, action } = demand;
  const subjects = demand.subjects.map(({ patientId, carried }) => {
    if (demand.account !== true) refuseUnclearPatient(patientId);
    if (carried !== null) refuseUnknown(configuration, carried);
    return {
      patientId,
      categories:
        settings === 'unknown' || demand.account === true
          ? []
          : touchedCategories(demand.guarded, carried, settings, action),
    };
  });
  const requirement: Requirement = {
    workspaceId,
    action,
    subjects,
    ...(demand.account === true ? { account: true } : {}),
    ...(demand.strength === undefined ? {} : { strength: demand.strength }),
    ...(demand.orFactors === undefined ? {} : { orFactors: demand.orFactors }),
    ...(demand.summary == null ? {} : { signing: true }),
  };
  if (settings === 'unknown' || demand.operation === undefined || !isOneShot(requirement, settings)) return requirement;
  return { ...requirement, operation: demand.operation() };
}

/** A misspelt category would otherwise be an ordinary one. */
function refuseUnknown({ categories, unknownCategories }: Configuration, carried: readonly string[]): void {
  if (unknownCategories === 'ordinary') return;
  for (const id of carried) {
    if (!categories.has(id)) {
      throw new CountersignError('resource_invalid', {
        field: 'categories',
        cure: "Declare every category a record can carry (sensitive: false for ordinary ones), or set unknownCategories: 'ordinary'.",
      });
    }
  }
}

/** An id with control characters could pass for the account's own subject, or break a line somewhere. */
export function refuseUnclearPatient(patientId: string): void {
  if (typeof patientId !== 'string' || patientId.length === 0 || patientId.length > 256 || /\p{Cc}/u.test(patientId)) {
    throw new CountersignError('patient_unresolved', { field: 'patientId' });
  }
}
