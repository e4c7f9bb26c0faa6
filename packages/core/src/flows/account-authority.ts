import { CountersignError } from '../errors/countersign-error.ts';
import { StepUpRequiredError } from '../errors/step-up-required-error.ts';
import { isImpersonated } from '../policy/principal.ts';
import { ACCOUNT_SUBJECT, type Proof } from '../policy/proof.ts';
import { type Strength, strongest } from '../policy/strength.ts';
import type { Authorizer } from './authorize.ts';
import { refusalCode } from './demand.ts';
import { enrolledFactors } from './factor-rows.ts';
import type { Services, SessionPrincipal } from './services.ts';

const nothingGuarded: ReadonlySet<string> = new Set();

/** What a change of factors or settings, or an export of the audit log, asks. */
export interface AccountDemand {
  readonly action: 'factors' | 'settings' | 'audit-export';
  readonly returnTo: string | null;
  /** Whether a recovery code answers too, whatever the strongest factor is: where a lost one is replaced. */
  readonly orRecovery?: boolean;
}

/**
 * Demands a fresh proof of the strongest factor enrolled for what is no patient's record, whatever exemption or emergency
 * access there is (ASVS 7.5.1). Returns the proof; throws `StepUpRequiredError` with the challenge to answer.
 */
export async function demandAccountProof(
  services: Services,
  authorizer: Authorizer,
  principal: SessionPrincipal,
  { action, returnTo, orRecovery }: AccountDemand,
): Promise<Proof> {
  const { factors } = services.configuration;
  const recovery = new Set(factors.filter((factor) => factor.isRecovery === true).map((factor) => factor.id));
  const { decision, challenge } = await authorizer.authorize(principal, {
    workspaceId: principal.workspaceId,
    action,
    guarded: nothingGuarded,
    subjects: [{ patientId: ACCOUNT_SUBJECT, carried: null }],
    account: true,
    strength: await strongestEnrolled(services, principal),
    ...(orRecovery === true ? { orFactors: recovery } : {}),
    returnTo: () => returnTo,
  });
  if (decision.outcome !== 'allow') throw new StepUpRequiredError(refusalCode(decision), decision, challenge);
  if (decision.proof === null) throw new CountersignError('internal');
  return decision.proof;
}

/**
 * What the person can prove at most, without a password beside it: each factor by what it counts for now. One that failures have
 * disabled counts too, or guessing would be the way to be asked for less.
 */
async function strongestEnrolled(services: Services, principal: SessionPrincipal): Promise<Strength> {
  const enrolled = await enrolledFactors(services, principal);
  return enrolled
    .map((held) => (held.strength === 'multi-factor' ? 'any' : held.strength))
    .reduce<Strength>(strongest, 'any');
}

/** Impersonation lends access to records, never to somebody's factors, settings or audit log. */
export function refuseImpersonation(principal: SessionPrincipal): void {
  if (isImpersonated(principal)) {
    throw new CountersignError('person_required', { detail: 'This cannot be done while acting as somebody else.' });
  }
}
