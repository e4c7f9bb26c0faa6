import { z } from 'zod';
import { parseDetails } from '../audit/details.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { AuditQuery, AuditRecord, SettingsRow } from '../store/store.ts';
import { demandAccountProof, refuseImpersonation } from './account-authority.ts';
import type { Authorizer } from './authorize.ts';
import { defaultSettings, parseStoredSettings, type WorkspaceSettings } from './effective-settings.ts';
import { SETTINGS_MAC, settingsMacValues } from './live-workspaces.ts';
import { eventOf, type Services, type SessionPrincipal } from './services.ts';

/** A workspace's settings as an administrator sees them. */
export interface SettingsView {
  /** Sent back with a change, so that two administrators do not overwrite each other. */
  readonly version: number;
  readonly settings: WorkspaceSettings;
  readonly changedAt: Date | null;
  readonly changedBy: string | null;
}

/** One change of settings, newest first in a list. */
export interface SettingsChange {
  /** The version it made. */
  readonly version: number;
  readonly at: Date;
  readonly userId: string | null;
  readonly before: WorkspaceSettings | null;
  readonly after: WorkspaceSettings;
}

/** What administrators of a workspace can do. Every method asserts that the principal is one. */
export class Administration {
  readonly #services: Services;
  readonly #authorizer: Authorizer;

  constructor(services: Services, authorizer: Authorizer) {
    this.#services = services;
    this.#authorizer = authorizer;
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
    const { configuration, live, store } = this.#services;
    // Judged as every request judges them: a row changed behind our back is shown to nobody as if it were in force.
    if ((await live.load(principal.workspaceId)) === 'unknown') throw new CountersignError('settings_unknown');
    const row = await store.settings(principal.workspaceId);
    if (row === null) return { version: 0, settings: defaultSettings(configuration), changedAt: null, changedBy: null };
    return {
      version: row.version,
      settings: parseStoredSettings(row.content),
      changedAt: new Date(row.changedAt),
      changedBy: row.changedBy,
    };
  }

  /**
   * Saves a workspace's settings whole. Needs a fresh proof; effective on every node within a second.
   * Throws `input_invalid` (every field at fault in `details.extra.problems`), `settings_conflict`, `StepUpRequiredError`.
   */
  async changeSettings(principal: SessionPrincipal, version: number, input: unknown): Promise<SettingsView> {
    await this.assertAdministrator(principal);
    refuseImpersonation(principal);
    const { configuration, audit, live } = this.#services;
    const settings = this.#validated(input);
    await demandAccountProof(this.#authorizer, principal, 'settings', null);
    const before = await this.settings(principal);
    if (before.version !== version) throw conflict(before);
    const row = this.#row(principal, version + 1, settings);
    const reading = await this.#authorizer.reading(principal, []);
    const saved = await audit.transact(async (transaction) => {
      if (!(await transaction.putSettings(row))) return { value: false, events: [] };
      const details = JSON.stringify({ version: row.version, before: before.settings, after: settings });
      const event = { code: 'SETTINGS_CHANGED', outcome: 'success', details } as const;
      return { value: true, events: [eventOf(principal, reading.number, event)] };
    });
    if (!saved) throw conflict(await this.settings(principal));
    live.settingsSaved(principal.workspaceId, row.version);
    await live.load(principal.workspaceId);
    return {
      version: row.version,
      settings,
      changedAt: new Date(configuration.clock.now()),
      changedBy: principal.userId,
    };
  }

  /** Who changed what and when, newest first. */
  async settingsChanges(principal: SessionPrincipal, limit = 20): Promise<readonly SettingsChange[]> {
    await this.assertAdministrator(principal);
    const { workspaceId } = principal;
    const events = await this.#services.store.auditEvents({ workspaceId, codes: ['SETTINGS_CHANGED'], limit });
    return events.flatMap((event) => {
      const parsed = changeSchema.safeParse(parseDetails(event.details));
      return parsed.success ? [{ at: new Date(event.at), userId: event.userId, ...parsed.data }] : [];
    });
  }

  /**
   * Removes a user's factor and its failures, so that it can be enrolled anew after a fresh sign-in. Needs a fresh proof and a
   * reason; never for oneself (`administrator_required`). Ends every proof of that user.
   */
  async resetFactor(
    principal: SessionPrincipal,
    target: { readonly userId: string; readonly factor: string; readonly reason: string },
  ): Promise<void> {
    await this.assertAdministrator(principal);
    const { userId, factor, reason } = target;
    if (userId === principal.userId) {
      throw new CountersignError('administrator_required', {
        detail: 'Another administrator must reset your own factors.',
      });
    }
    if (reason.trim().length < 10)
      throw new CountersignError('input_invalid', {
        field: 'reason',
        detail: 'reason: at least 10 characters are needed.',
      });
    await demandAccountProof(this.#authorizer, principal, 'factors', null);
    const { audit, live, store } = this.#services;
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
  }

  /** Events of the administrator's own workspace, newest first. */
  async auditEvents(
    principal: SessionPrincipal,
    query: Omit<AuditQuery, 'workspaceId'> = {},
  ): Promise<readonly AuditRecord[]> {
    await this.assertAdministrator(principal);
    return await this.#services.store.auditEvents({ ...query, workspaceId: principal.workspaceId });
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

  #validated(input: unknown): WorkspaceSettings {
    const { bounds, categories } = this.#services.configuration;
    const schema = z.strictObject({
      enabled: z.boolean('true or false is needed'),
      categories: z.array(z.string()).max(1000),
      graceSeconds: z
        .int('a whole number of seconds is needed')
        .min(bounds.leastGraceSeconds, `at least ${bounds.leastGraceSeconds} seconds are needed`)
        .max(bounds.mostGraceSeconds, `at most ${bounds.mostGraceSeconds} seconds are allowed`),
    });
    const parsed = schema.safeParse(input);
    const problems = parsed.success
      ? []
      : parsed.error.issues.map((issue) => ({ field: issue.path.join('.') || 'settings', problem: issue.message }));
    if (parsed.success) {
      for (const id of parsed.data.categories) {
        if (!categories.has(id))
          problems.push({ field: 'categories', problem: 'names a category that is not declared' });
      }
      if (problems.length === 0) {
        // In the catalogue's order, each once: the same choice is always the same text.
        return {
          ...parsed.data,
          categories: [...categories.keys()].filter((id) => parsed.data.categories.includes(id)),
        };
      }
    }
    const [first] = problems;
    throw new CountersignError('input_invalid', {
      ...(first === undefined ? {} : { field: first.field, detail: `${first.field}: ${first.problem}.` }),
      extra: { problems },
    });
  }

  #row(principal: SessionPrincipal, version: number, settings: WorkspaceSettings): SettingsRow {
    const { keyring, clock } = this.#services.configuration;
    const row = {
      workspaceId: principal.workspaceId,
      version,
      content: JSON.stringify(settings),
      changedAt: clock.now(),
      changedBy: principal.userId,
    };
    return { ...row, mac: keyring.mac(SETTINGS_MAC, settingsMacValues(row)) };
  }
}

const settingsSchema = z.object({ enabled: z.boolean(), categories: z.array(z.string()), graceSeconds: z.number() });
const changeSchema = z.object({ version: z.number(), before: settingsSchema.nullable(), after: settingsSchema });

const conflict = (current: SettingsView): CountersignError =>
  new CountersignError('settings_conflict', {
    extra: { current: { version: current.version, settings: current.settings } },
  });
