import type { Configuration } from '../configuration/configuration.ts';
import type { Facts } from '../policy/decide.ts';
import { asksForTreatment, type ExemptionFacts, exemptionFor } from '../policy/exemption.ts';
import type { EffectiveSettings } from '../policy/settings.ts';
import type { SessionPrincipal } from './services.ts';

/** The facts with the exemption that applies without asking anybody. Most workspaces have none, and pay nothing. */
export function exempted(
  configuration: Configuration,
  principal: SessionPrincipal,
  facts: Facts,
  settings: EffectiveSettings,
): Facts {
  if (settings.exemptions.length === 0 && principal.kind !== 'service') return facts;
  const about = exemptionFacts(configuration, principal, facts, settings);
  return { ...facts, servicesNamed: about.service !== null, exemption: exemptionFor(about) };
}

/** Whether the host is to be asked, and could change the answer. */
export function isTreatmentAsked(
  configuration: Configuration,
  principal: SessionPrincipal,
  facts: Facts,
  settings: EffectiveSettings,
): boolean {
  if (settings.exemptions.length === 0 || configuration.treatmentRelationship === undefined) return false;
  return asksForTreatment(exemptionFacts(configuration, principal, facts, settings));
}

/** The facts with the exemption by the host's word. One that fails, or says anything but true, exempts nobody. */
export async function withTreatment(
  configuration: Configuration,
  principal: SessionPrincipal,
  facts: Facts,
  settings: EffectiveSettings,
): Promise<Facts> {
  const { treatmentRelationship } = configuration;
  const { action, subjects } = facts.requirement;
  const answers = subjects.map(async ({ patientId }) => {
    try {
      return (await treatmentRelationship?.(principal, { patientId, action })) === true;
    } catch {
      return false;
    }
  });
  const treating = (await Promise.all(answers)).every((answer) => answer);
  const exemption = exemptionFor({ ...exemptionFacts(configuration, principal, facts, settings), treating });
  return { ...facts, exemption };
}

function exemptionFacts(
  configuration: Configuration,
  principal: SessionPrincipal,
  facts: Facts,
  settings: EffectiveSettings,
): ExemptionFacts {
  const service =
    principal.kind === 'service'
      ? (configuration.services.find(
          ({ userId, workspaceId }) =>
            userId === principal.userId && (workspaceId === null || workspaceId === principal.workspaceId),
        ) ?? null)
      : null;
  return { principal, requirement: facts.requirement, settings, service, treating: 'unasked' };
}
