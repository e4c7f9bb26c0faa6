import type { AuditEventInput } from '../audit/event.ts';
import type { CountersignError } from '../errors/countersign-error.ts';
import type { Allow, Decision, Facts } from '../policy/decide.ts';
import type { AccessAudit, CategoryPolicy } from '../policy/settings.ts';
import type { OpenChallenge } from '../session-state/open-challenge.ts';
import { eventOf, type SessionPrincipal } from './services.ts';

/** The most careful choice among the categories touched; `batched` where the action alone asked. */
export function accessAudit(categories: readonly CategoryPolicy[]): AccessAudit {
  if (categories.some((category) => category.accessAudit === 'awaited')) return 'awaited';
  return categories.length > 0 && categories.every((category) => category.accessAudit === 'none') ? 'none' : 'batched';
}

/** An access that was allowed, once for every patient. */
export function accessEvents(principal: SessionPrincipal, facts: Facts, decision: Allow): AuditEventInput[] {
  const { signing, operation } = facts.requirement;
  return facts.requirement.subjects.map((subject) =>
    eventOf(principal, facts.session.number, {
      code: decision.basis === 'exemption' ? 'EXEMPTION_APPLIED' : 'ACCESS_ALLOWED',
      outcome: 'success',
      patientId: facts.requirement.account === true ? null : subject.patientId,
      categories: subject.categories.length === 0 ? null : subject.categories.map((category) => category.id).join(','),
      action: facts.requirement.action,
      factor: decision.proof?.factor ?? null,
      reason: decision.exemption === null ? decision.basis : `${decision.exemption.kind}: ${decision.exemption.detail}`,
      emergencyAccessId: decision.emergencyAccess?.id ?? null,
      // What was signed, by its digest, as on MFA_SUCCESS.
      details: signing === true ? JSON.stringify({ approved: operation ?? '' }) : null,
    }),
  );
}

/** A refusal because session state is away. */
export function blindEvents(principal: SessionPrincipal, facts: Facts, fault: CountersignError): AuditEventInput[] {
  return facts.requirement.subjects.map((subject) =>
    eventOf(principal, null, {
      code: 'ACCESS_DENIED',
      outcome: 'refused',
      patientId: facts.requirement.account === true ? null : subject.patientId,
      categories: subject.categories.length === 0 ? null : subject.categories.map((category) => category.id).join(','),
      action: facts.requirement.action,
      reason: fault.code,
    }),
  );
}

/** A refusal by the decision, with the challenge that was opened for it. */
export function refusalEvents(
  principal: SessionPrincipal,
  facts: Facts,
  decision: Decision,
  challenge: OpenChallenge | null,
): AuditEventInput[] {
  const code =
    decision.outcome === 'challenge'
      ? 'MFA_REQUIRED'
      : decision.outcome === 'locked'
        ? 'SESSION_LOCKED'
        : 'ACCESS_DENIED';
  return facts.requirement.subjects.map((subject) =>
    eventOf(principal, facts.session.number, {
      code,
      outcome: 'refused',
      patientId: facts.requirement.account === true ? null : subject.patientId,
      categories: subject.categories.length === 0 ? null : subject.categories.map((category) => category.id).join(','),
      action: facts.requirement.action,
      reason: reasonText(decision, subject.patientId),
      challengeId: challenge?.id ?? null,
    }),
  );
}

function reasonText(decision: Decision, patientId: string): string | null {
  if (decision.outcome === 'allow') return decision.basis;
  if (decision.outcome !== 'challenge') return decision.reason;
  const kinds = decision.reasons.filter((reason) => reason.patientId === patientId).map((reason) => reason.kind);
  return [...new Set(kinds)].join(',');
}
