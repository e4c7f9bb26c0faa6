import { z } from 'zod';
import { parseDetails } from '../audit/details.ts';
import type { AuditEventInput } from '../audit/event.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { NoticeKind } from '../notices/notice.ts';
import type { EffectiveSettings } from '../policy/settings.ts';
import { isLoosening, type Loosening } from '../policy/settings-change.ts';
import type { StoreTransaction } from '../store/store.ts';
import { demandAccountProof, refuseImpersonation } from './account-authority.ts';
import type { Authorizer } from './authorize.ts';
import {
  defaultSettings,
  effectiveSettings,
  parseStoredSettings,
  settingsBounds,
  storedSettingsSchema,
  type WorkspaceSettings,
  type WorkspaceSettingsInput,
} from './effective-settings.ts';
import { eventOf, type Services, type SessionPrincipal } from './services.ts';
import { previewPeriod, type SettingsPreview } from './settings-preview.ts';
import { proposalRow, readProposal, type SettingsProposal, settingsRow } from './settings-rows.ts';
import { validateSettings } from './settings-validation.ts';

/** A workspace's settings as an administrator sees them. */
export interface SettingsView {
  /** Sent back with a change, so that two administrators do not overwrite each other. */
  readonly version: number;
  readonly settings: WorkspaceSettings;
  /** What they come to, together with what code declares. */
  readonly effective: EffectiveSettings;
  readonly changedAt: Date | null;
  readonly changedBy: string | null;
  /** What waits for a second administrator; null where nothing does. */
  readonly proposal: (SettingsProposal & { readonly loosening: readonly Loosening[] }) | null;
}

/** What became of a change. */
export interface SettingsOutcome extends SettingsView {
  /** False where it loosens, and waits for a second administrator as `proposal`. */
  readonly saved: boolean;
}

/** One change of settings, newest first in a list. */
export interface SettingsChange {
  /** The version it made. */
  readonly version: number;
  readonly at: Date;
  readonly userId: string | null;
  /** Who proposed it, where `userId` is the second administrator. */
  readonly proposedBy: string | null;
  readonly before: WorkspaceSettings | null;
  readonly after: WorkspaceSettings;
}

/** What is decided about a proposal: by another administrator, or `withdraw` by whoever made it. */
export interface SettingsDecision {
  readonly decision: 'approve' | 'reject' | 'withdraw';
  /** The proposal that was read. Absent: whichever waits. */
  readonly proposal?: string | undefined;
}

/** A workspace's settings: what is in force, changes, proposals. Callers have asserted that the principal is an administrator. */
export class SettingsAdministration {
  readonly #services: Services;
  readonly #authorizer: Authorizer;

  constructor(services: Services, authorizer: Authorizer) {
    this.#services = services;
    this.#authorizer = authorizer;
  }

  /** Throws `settings_unknown` where the row was altered by other means than ours. */
  async view(principal: SessionPrincipal): Promise<SettingsView> {
    const { workspaceId } = principal;
    const { configuration, live, store } = this.#services;
    // Judged as every request judges them: a row changed behind our back is shown to nobody as if it were in force.
    if ((await live.load(workspaceId)) === 'unknown') throw new CountersignError('settings_unknown');
    const row = await store.settings(workspaceId);
    const settings = row === null ? defaultSettings(configuration) : parseStoredSettings(row.content);
    const read = await readProposal(this.#services, workspaceId);
    const proposal = read === null || read === 'altered' ? null : read.proposal;
    const bounds = settingsBounds(configuration);
    return {
      version: row?.version ?? 0,
      settings,
      effective: effectiveSettings(configuration, workspaceId, row?.version ?? 0, settings),
      changedAt: row === null ? null : new Date(row.changedAt),
      changedBy: row?.changedBy ?? null,
      proposal: proposal && { ...proposal, loosening: isLoosening(settings, proposal.settings, bounds) },
    };
  }

  async change(principal: SessionPrincipal, version: number, input: WorkspaceSettingsInput): Promise<SettingsOutcome> {
    refuseImpersonation(principal);
    const { configuration } = this.#services;
    const settings = validateSettings(configuration, input);
    await this.#demandProof(principal);
    const before = await this.view(principal);
    if (before.version !== version) throw conflict(before, version, settings);
    const loosening = isLoosening(before.settings, settings, settingsBounds(configuration));
    if (before.settings.secondAdministrator && loosening.length > 0) {
      await this.#propose(principal, before, settings, loosening);
      this.#tell(principal, 'settings-proposed');
      return { ...(await this.view(principal)), saved: false };
    }
    const row = settingsRow(this.#services, principal.workspaceId, version + 1, settings, principal.userId);
    const saved = await this.#commit(principal, async (transaction, event) => {
      if (!(await transaction.putSettings(row))) return null;
      const details = JSON.stringify({ version: row.version, before: before.settings, after: settings });
      return [event({ code: 'SETTINGS_CHANGED', details })];
    });
    if (!saved) throw conflict(await this.view(principal), version, settings);
    return await this.#saved(principal, row.version);
  }

  async decide(principal: SessionPrincipal, { decision, proposal: id }: SettingsDecision): Promise<SettingsOutcome> {
    refuseImpersonation(principal);
    const { workspaceId, userId } = principal;
    const read = await readProposal(this.#services, workspaceId);
    if (read === 'altered') await this.#tampered(principal);
    if (read === null || read === 'altered' || (id !== undefined && id !== read.proposal.id))
      throw new CountersignError('settings_proposal_unknown');
    const { row, proposal } = read;
    if ((decision === 'withdraw') !== (proposal.proposedBy === userId)) await this.#refuseOwn(principal, decision);
    await this.#demandProof(principal);
    const about = { proposal: proposal.id, decision, proposedBy: proposal.proposedBy, baseVersion: row.baseVersion };
    if (decision !== 'approve') {
      const taken = await this.#commit(principal, async (transaction, event) => {
        if (!(await transaction.takeSettingsProposal(row))) return null;
        return [event({ code: 'SETTINGS_PROPOSAL_DECIDED', details: JSON.stringify(about) })];
      });
      if (!taken) throw new CountersignError('settings_proposal_unknown');
      this.#tell(principal, 'settings-proposal-decided');
      return { ...(await this.view(principal)), saved: false };
    }
    // By what code declares today: it may have been restarted with other bounds since.
    const settings = validateSettings(this.#services.configuration, proposal.settings);
    const before = await this.view(principal);
    const stale = () => conflict(before, row.baseVersion, settings);
    if (before.version !== row.baseVersion) throw stale();
    const next = settingsRow(this.#services, workspaceId, row.baseVersion + 1, settings, userId);
    const saved = await this.#commit(principal, async (transaction, event) => {
      if (!(await transaction.putSettings(next))) return null;
      // Thrown, so that the settings put a line above are taken back too.
      if (!(await transaction.takeSettingsProposal(row))) throw new CountersignError('settings_proposal_unknown');
      const change = { version: next.version, before: before.settings, after: settings, proposedBy: row.proposedBy };
      return [
        event({ code: 'SETTINGS_PROPOSAL_DECIDED', details: JSON.stringify({ ...about, version: next.version }) }),
        event({ code: 'SETTINGS_CHANGED', details: JSON.stringify(change) }),
      ];
    });
    if (!saved) throw stale();
    this.#tell(principal, 'settings-proposal-decided');
    return await this.#saved(principal, next.version);
  }

  async changes(principal: SessionPrincipal, limit: number): Promise<readonly SettingsChange[]> {
    const { workspaceId } = principal;
    const events = await this.#services.store.auditEvents({ workspaceId, codes: ['SETTINGS_CHANGED'], limit });
    return events.flatMap((event) => {
      const parsed = changeSchema.safeParse(parseDetails(event.details));
      return parsed.success ? [{ at: new Date(event.at), userId: event.userId, ...parsed.data }] : [];
    });
  }

  async preview(principal: SessionPrincipal, input: WorkspaceSettingsInput): Promise<SettingsPreview> {
    const { configuration } = this.#services;
    const { effective } = await this.view(principal);
    const proposed = validateSettings(configuration, input);
    const after = effectiveSettings(configuration, principal.workspaceId, effective.version + 1, proposed);
    return await previewPeriod(this.#services, principal.workspaceId, effective, after);
  }

  async #demandProof(principal: SessionPrincipal): Promise<void> {
    await demandAccountProof(this.#services, this.#authorizer, principal, { action: 'settings', returnTo: null });
  }

  /** In place of one that waits: that is decided by it. */
  async #propose(
    principal: SessionPrincipal,
    before: SettingsView,
    settings: WorkspaceSettings,
    loosening: readonly Loosening[],
  ): Promise<void> {
    const { workspaceId, userId } = principal;
    const earlier = before.proposal;
    const { row, id } = proposalRow(this.#services, workspaceId, before.version, settings, userId);
    await this.#commit(principal, async (transaction, event) => {
      await transaction.putSettingsProposal(row);
      const change = { baseVersion: row.baseVersion, before: before.settings, after: settings };
      const proposed = event({
        code: 'SETTINGS_PROPOSED',
        reason: [...new Set(loosening.map(({ kind }) => kind))].join(','),
        details: JSON.stringify({ proposal: id, ...change }),
      });
      if (earlier === null) return [proposed];
      const about = { proposal: earlier.id, decision: 'replace', proposedBy: earlier.proposedBy };
      return [event({ code: 'SETTINGS_PROPOSAL_DECIDED', details: JSON.stringify(about) }), proposed];
    });
  }

  /** Rows and their events in one commit; false, with nothing written, where the work found its row changed (null). */
  async #commit(
    principal: SessionPrincipal,
    work: (
      transaction: StoreTransaction,
      event: (members: Pick<AuditEventInput, 'code'> & Partial<AuditEventInput>) => AuditEventInput,
    ) => Promise<readonly AuditEventInput[] | null>,
  ): Promise<boolean> {
    const { number } = await this.#authorizer.reading(principal, []);
    return await this.#services.audit.transact(async (transaction) => {
      const events = await work(transaction, (members) =>
        eventOf(principal, number, { outcome: 'success', ...members }),
      );
      return { value: events !== null, events: events ?? [] };
    });
  }

  async #saved(principal: SessionPrincipal, version: number): Promise<SettingsOutcome> {
    const { live } = this.#services;
    live.settingsSaved(principal.workspaceId, version);
    this.#tell(principal, 'settings-changed');
    return { ...(await this.view(principal)), saved: true };
  }

  #tell({ workspaceId, userId }: SessionPrincipal, kind: NoticeKind): void {
    const { configuration, notices } = this.#services;
    const at = configuration.clock.now();
    notices.tell({ kind, workspaceId, to: { administratorsBut: userId }, by: userId, at });
  }

  async #tampered({ workspaceId }: SessionPrincipal): Promise<void> {
    const event = { code: 'SETTINGS_TAMPERED', outcome: 'failure', workspaceId, userId: null } as const;
    await this.#services.audit.append([{ ...event, reason: 'proposal altered' }]);
  }

  async #refuseOwn(principal: SessionPrincipal, decision: SettingsDecision['decision']): Promise<never> {
    const withdraw = decision === 'withdraw';
    const reason = withdraw ? 'anothers-proposal' : 'own-proposal';
    const event = { code: 'ACCESS_DENIED', outcome: 'refused', action: 'settings', reason } as const;
    await this.#services.audit.append([eventOf(principal, null, event)]);
    throw new CountersignError('second_administrator_required', {
      ...(withdraw ? { detail: 'Only whoever proposed this can withdraw it. Reject it instead.' } : {}),
    });
  }
}

const changeSchema = z.object({
  version: z.number(),
  before: storedSettingsSchema.nullable(),
  after: storedSettingsSchema,
  proposedBy: z.string().nullable().default(null),
});

const conflict = (current: SettingsView, version: number, settings: WorkspaceSettings): CountersignError =>
  new CountersignError('settings_conflict', {
    extra: {
      current: { version: current.version, settings: current.settings },
      yours: { version, settings },
    },
  });
