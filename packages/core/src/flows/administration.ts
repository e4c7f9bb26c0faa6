import type { InclusionProof } from '../audit/audit-proof.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import { makeLookupCode } from '../factors/lookup-code.ts';
import type { AuditQuery, AuditRecord } from '../store/store.ts';
import { demandAccountProof } from './account-authority.ts';
import {
  type AuditExamination,
  type AuditPage,
  examineAudit,
  examineEvent,
  type PatientReport,
  patientReport,
} from './audit-examination.ts';
import { type AuditExport, type AuditExportOptions, beginExport, demandExportProof } from './audit-export.ts';
import type { AuditSeals } from './audit-seals.ts';
import type { Authorizer } from './authorize.ts';
import type { WorkspaceSettingsInput } from './effective-settings.ts';
import { ENROLMENT_CODE, enrolmentCodeRow } from './enrolment-code.ts';
import { isFactorRowIntact } from './factor-rows.ts';
import { eventOf, type Services, type SessionPrincipal } from './services.ts';
import {
  SettingsAdministration,
  type SettingsChange,
  type SettingsDecision,
  type SettingsOutcome,
  type SettingsView,
} from './settings-administration.ts';
import type { SettingsPreview } from './settings-preview.ts';

/** One of a user's factors, as an administrator sees it: nothing secret. */
export interface UserFactor {
  readonly factor: string;
  readonly label: string;
  readonly enrolledAt: Date;
  /** `disabled`: too many failures in a row. `altered`: the row is not as we wrote it, and counts for nothing until it is reset. */
  readonly state: 'usable' | 'disabled' | 'altered';
  /** Counts for less than its kind, because a weaker proof enrolled it. */
  readonly capped: boolean;
}

/** What administrators of a workspace can do. Every method asserts that the principal is one. */
export class Administration {
  readonly #services: Services;
  readonly #authorizer: Authorizer;
  readonly #seals: AuditSeals;
  readonly #settings: SettingsAdministration;

  constructor(services: Services, authorizer: Authorizer, seals: AuditSeals) {
    this.#services = services;
    this.#authorizer = authorizer;
    this.#seals = seals;
    this.#settings = new SettingsAdministration(services, authorizer);
  }

  /** Whether this principal is an administrator here, by the host's word. Never while acting as somebody else. */
  isAdministrator(principal: SessionPrincipal): boolean {
    const person = principal.kind === undefined || principal.kind === 'person';
    const himself = principal.actor === undefined || principal.actor.userId === principal.userId;
    return person && himself && this.#services.configuration.isAdministrator(principal) === true;
  }

  /** The settings of the principal's workspace. Throws `settings_unknown` where the row was altered by other means than ours. */
  async settings(principal: SessionPrincipal): Promise<SettingsView> {
    await this.assertAdministrator(principal);
    return await this.#settings.view(principal);
  }

  /**
   * Saves a workspace's settings whole, or, where the settings in force want a second administrator and the change loosens them,
   * keeps it as a proposal (`saved: false`). Needs a fresh proof; effective on every node within a second; the other
   * administrators are told. Throws `input_invalid` (every field at fault in `details.extra.problems`), `settings_conflict` (both
   * versions in `details.extra`), `StepUpRequiredError`.
   */
  async changeSettings(
    principal: SessionPrincipal,
    version: number,
    input: WorkspaceSettingsInput,
  ): Promise<SettingsOutcome> {
    await this.assertAdministrator(principal);
    return await this.#settings.change(principal, version, input);
  }

  /**
   * Approves or rejects what another administrator proposed, or withdraws one's own proposal. Needs a fresh proof. Throws
   * `settings_proposal_unknown`, `second_administrator_required`, `settings_conflict` where other settings were saved since it was
   * made, `StepUpRequiredError`.
   */
  async decideSettings(principal: SessionPrincipal, decision: SettingsDecision): Promise<SettingsOutcome> {
    await this.assertAdministrator(principal);
    return await this.#settings.decide(principal, decision);
  }

  /** Who would have been asked in the last seven days, by the audit log. Saves nothing. Throws `input_invalid`. */
  async previewSettings(principal: SessionPrincipal, input: WorkspaceSettingsInput): Promise<SettingsPreview> {
    await this.assertAdministrator(principal);
    return await this.#settings.preview(principal, input);
  }

  /** Who changed what and when, newest first. */
  async settingsChanges(principal: SessionPrincipal, limit = 20): Promise<readonly SettingsChange[]> {
    await this.assertAdministrator(principal);
    return await this.#settings.changes(principal, limit);
  }

  /** A user's confirmed factors; also one that was altered behind our back, so that it can be reset. */
  async userFactors(principal: SessionPrincipal, userId: string): Promise<readonly UserFactor[]> {
    await this.assertAdministrator(principal);
    const { configuration, store } = this.#services;
    const { attempts, clock, keyring } = configuration;
    const { workspaceId } = principal;
    const now = clock.now();
    const standing = await store.attempts(workspaceId, userId, attempts, now);
    return (await store.factors(workspaceId, userId)).flatMap((row) => {
      const { factor, label, confirmedAt, cap, capEndsAt } = row;
      if (confirmedAt === null || factor === ENROLMENT_CODE) return [];
      const usable = (standing.get(factor)?.consecutive ?? 0) < attempts.consecutive;
      const state = isFactorRowIntact(keyring, row) ? (usable ? 'usable' : 'disabled') : 'altered';
      const capped = cap !== null && (capEndsAt === null || now < capEndsAt);
      return [{ factor, label, enrolledAt: new Date(confirmedAt), state, capped } as const];
    });
  }

  /**
   * Removes a user's factor and its failures, so that it can be enrolled anew after a fresh sign-in. Needs a fresh proof and a
   * reason; never for oneself (`administrator_required`). Ends every proof of that user.
   */
  async resetFactor(
    principal: SessionPrincipal,
    target: { readonly userId: string; readonly factor: string; readonly reason: string },
    returnTo: string | null = null,
  ): Promise<void> {
    await this.assertAdministrator(principal);
    const { userId, factor, reason } = target;
    this.#assertOther(principal, userId);
    assertReason(reason);
    await demandAccountProof(this.#services, this.#authorizer, principal, { action: 'factors', returnTo });
    const { audit, configuration, live, notices, store } = this.#services;
    const { workspaceId } = principal;
    const rows = (await store.factors(workspaceId, userId)).filter((row) => row.factor === factor);
    const epoch = await audit.transact(async (transaction) => {
      for (const { id } of rows) await transaction.removeFactor({ workspaceId, id });
      await transaction.resetAttempts({ workspaceId, userId, factor });
      const raised = await transaction.raiseEpoch(workspaceId, userId);
      const event = { code: 'FACTOR_RESET', outcome: 'success', factor, reason } as const;
      // Filed under the user whose factor it is, with the administrator as the actor: both are found by their own name.
      return { value: raised, events: [eventOf(principal, null, { ...event, userId, actorId: principal.userId })] };
    });
    live.raise(workspaceId, userId, epoch);
    const at = configuration.clock.now();
    notices.tell({ kind: 'factor-reset', workspaceId, to: { userId }, factor, by: principal.userId, at });
  }

  /**
   * A one-time code with which a user enrols a first factor, or lets a capped one count in full. Shown once, to be handed over in
   * person; replaces an earlier one. Needs a fresh proof and a reason; never for oneself (`administrator_required`).
   */
  async issueEnrolmentCode(
    principal: SessionPrincipal,
    target: { readonly userId: string; readonly reason: string },
    returnTo: string | null = null,
  ): Promise<{ readonly code: string; readonly expiresAt: Date }> {
    await this.assertAdministrator(principal);
    const { userId, reason } = target;
    this.#assertOther(principal, userId);
    assertReason(reason);
    await demandAccountProof(this.#services, this.#authorizer, principal, { action: 'factors', returnTo });
    const { audit, configuration, notices } = this.#services;
    const { workspaceId } = principal;
    const code = makeLookupCode(configuration.random);
    const row = await enrolmentCodeRow(this.#services, { workspaceId, userId }, code);
    await audit.transact(async (transaction) => {
      await transaction.putFactor(row);
      await transaction.resetAttempts({ workspaceId, userId, factor: ENROLMENT_CODE });
      const event = { code: 'ENROLMENT_CODE_ISSUED', outcome: 'success', reason } as const;
      return {
        value: undefined,
        events: [eventOf(principal, null, { ...event, userId, actorId: principal.userId })],
      };
    });
    const at = configuration.clock.now();
    notices.tell({ kind: 'enrolment-code-issued', workspaceId, to: { userId }, by: principal.userId, at });
    return { code, expiresAt: new Date(row.createdAt + configuration.enrolment.codeSeconds * 1000) };
  }

  /** Events of the administrator's own workspace, newest first. */
  async auditEvents(
    principal: SessionPrincipal,
    query: Omit<AuditQuery, 'workspaceId'> = {},
  ): Promise<readonly AuditRecord[]> {
    await this.assertAdministrator(principal);
    return await this.#services.store.auditEvents({ ...query, workspaceId: principal.workspaceId });
  }

  /**
   * That an event of the administrator's own workspace is in the log, with the checkpoint that says so; null while it is not sealed.
   * Throws `not_found`.
   */
  async inclusionProof(principal: SessionPrincipal, eventId: string): Promise<InclusionProof | null> {
    await this.assertAdministrator(principal);
    const found = isUuid(eventId) ? await this.#services.store.seals.event(eventId) : null;
    if (found?.record.workspaceId !== principal.workspaceId) throw new CountersignError('not_found');
    return await this.#seals.inclusionProof(eventId);
  }

  /**
   * A page of the audit log of the administrator's own workspace, by any criteria and in any order. Throws `input_invalid`
   * (`cursor`), `audit_sort_too_wide`.
   */
  async searchAudit(principal: SessionPrincipal, asked: AuditExamination = {}): Promise<AuditPage> {
    await this.assertAdministrator(principal);
    return await examineAudit(this.#services, principal, asked);
  }

  /** One event of the administrator's own workspace. Throws `not_found`. */
  async auditEvent(principal: SessionPrincipal, id: string): Promise<AuditRecord> {
    await this.assertAdministrator(principal);
    return await examineEvent(this.#services, principal, id);
  }

  /** Who opened a patient's records, when and under which basis. That it was read is on the log (`AUDIT_EXAMINED`). */
  async patientReport(
    principal: SessionPrincipal,
    asked: { readonly patientId: string; readonly from?: number; readonly until?: number },
  ): Promise<PatientReport> {
    await this.assertAdministrator(principal);
    return await patientReport(this.#services, principal, asked);
  }

  /** Demands what {@link exportAudit} does, before anybody has chosen what to export. Throws `StepUpRequiredError`. */
  async assertExportProof(principal: SessionPrincipal, returnTo: string | null = null): Promise<void> {
    await this.assertAdministrator(principal);
    await demandExportProof(this.#services, this.#authorizer, principal, returnTo);
  }

  /**
   * Exports what a search finds, of the administrator's own workspace. Needs a fresh proof. `AUDIT_EXPORTED` is on the log before it
   * begins and when it ends, with its count. Throws `StepUpRequiredError`, `audit_sort_too_wide`.
   */
  async exportAudit(
    principal: SessionPrincipal,
    options: AuditExportOptions,
    returnTo: string | null = null,
  ): Promise<AuditExport> {
    await this.assertExportProof(principal, returnTo);
    return await beginExport(this.#services, principal, options);
  }

  /** Throws `administrator_required`, audited, where the principal is none. */
  async assertAdministrator(principal: SessionPrincipal): Promise<void> {
    if (this.isAdministrator(principal)) return;
    const event = {
      code: 'ACCESS_DENIED',
      outcome: 'refused',
      action: 'administer',
      reason: 'not-an-administrator',
    } as const;
    await this.#services.audit.append([eventOf(principal, null, event)]);
    throw new CountersignError('administrator_required');
  }

  #assertOther(principal: SessionPrincipal, userId: string): void {
    if (userId !== principal.userId) return;
    throw new CountersignError('administrator_required', {
      detail: 'Another administrator must do this for your own factors.',
    });
  }
}

const isUuid = (text: string): boolean => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

function assertReason(reason: string): void {
  if (reason.trim().length >= 10) return;
  throw new CountersignError('input_invalid', {
    field: 'reason',
    detail: 'reason: at least 10 characters are needed.',
  });
}
