import { CountersignError } from '../errors/countersign-error.ts';
import { StepUpRequiredError } from '../errors/step-up-required-error.ts';
import { ACCOUNT_SUBJECT } from '../policy/proof.ts';
import { type Authorizer, refusalCode } from './authorize.ts';
import type { SessionPrincipal } from './services.ts';

const nothingGuarded: ReadonlySet<string> = new Set();

/**
 * Demands a fresh proof for a change of factors or settings, whatever exemption or emergency access there is.
 * Throws `StepUpRequiredError` with the challenge to answer.
 */
export async function demandAccountProof(
  authorizer: Authorizer,
  principal: SessionPrincipal,
  action: string,
  returnTo: string | null,
): Promise<void> {
  const { decision, challenge } = await authorizer.authorize(principal, {
    workspaceId: principal.workspaceId,
    action,
    guarded: nothingGuarded,
    subjects: [{ patientId: ACCOUNT_SUBJECT, carried: null }],
    account: true,
    returnTo: () => returnTo,
  });
  if (decision.outcome !== 'allow') throw new StepUpRequiredError(refusalCode(decision), decision, challenge);
}

/** Impersonation lends access to records, never to somebody's factors, settings or audit log. */
export function refuseImpersonation(principal: SessionPrincipal): void {
  if (principal.actor !== undefined && principal.actor.userId !== principal.userId) {
    throw new CountersignError('person_required', { detail: 'This cannot be done while acting as somebody else.' });
  }
}
