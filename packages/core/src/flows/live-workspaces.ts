import type { AuditWriter } from '../audit/writer.ts';
import type { Configuration } from '../configuration/configuration.ts';
import type { EffectiveSettings } from '../policy/settings.ts';
import type { Epochs, SettingsRow, Store } from '../store/store.ts';
import { defaultSettings, effectiveSettings, parseStoredSettings } from './effective-settings.ts';
import type { LiveEmergencyAccess } from './live-emergency-access.ts';

interface Workspace {
  settings: EffectiveSettings | null;
  /** What they were read from; null: none was ever saved. */
  row: SettingsRow | null;
  /** The newest version heard of; settings below it are stale. */
  version: number;
  epoch: number;
  readonly users: Map<string, number>;
  readonly endedSignIns: Map<string, Set<number>>;
}

/** Users whose epoch is remembered, per workspace. The longest known makes room, and is read again on next sight. */
const USERS_PER_WORKSPACE = 100_000;
const WORKSPACES = 10_000;
/** Sign-ins that this process has ended, per user. */
const SIGN_INS_PER_USER = 100;

/** The purpose that a settings row's MAC is made for. */
export const SETTINGS_MAC = 'settings';

/** The values a settings row's MAC covers. */
export const settingsMacValues = (row: Omit<SettingsRow, 'mac'>): (string | number)[] => [
  row.workspaceId,
  row.version,
  row.content,
  row.changedAt,
  row.changedBy,
];

/**
 * Settings and revocation counters, in memory, kept current by the store's watch: what an allowed request needs without any I/O.
 * Where the database has not confirmed for `confirmationSeconds` that nothing changed, proofs count as absent.
 */
export class LiveWorkspaces {
  readonly #configuration: Configuration;
  readonly #store: Store;
  readonly #audit: AuditWriter;
  readonly #workspaces = new Map<string, Workspace>();
  readonly #loading = new Map<string, Promise<EffectiveSettings | 'unknown'>>();
  #confirmedAt = Number.NEGATIVE_INFINITY;
  #watch: { close(): Promise<void> } | null = null;

  constructor(configuration: Configuration, store: Store, audit: AuditWriter) {
    this.#configuration = configuration;
    this.#store = store;
    this.#audit = audit;
  }

  async start(emergency: LiveEmergencyAccess): Promise<void> {
    this.#watch = await this.#store.watch({
      emergencyChanged: (_workspaceId, id, steps) => emergency.changed(id, steps),
      epochRaised: (workspaceId, userId, epoch) => this.raise(workspaceId, userId, epoch),
      settingsChanged: (workspaceId, version) => this.settingsSaved(workspaceId, version),
      confirmed: () => {
        this.#confirmedAt = this.#configuration.clock.elapsed();
        emergency.readStale();
      },
    });
    this.#confirmedAt = this.#configuration.clock.elapsed();
  }

  async close(): Promise<void> {
    await this.#watch?.close();
    this.#watch = null;
  }

  /** Whether the database has confirmed recently that nothing was revoked. */
  get confirmed(): boolean {
    return this.#configuration.clock.elapsed() - this.#confirmedAt < this.#configuration.confirmationSeconds * 1000;
  }

  /** Those that are in use here. */
  get ids(): Iterable<string> {
    return this.#workspaces.keys();
  }

  /** Current settings, or null where they must be loaded first. */
  settings(workspaceId: string): EffectiveSettings | null {
    return this.#workspaces.get(workspaceId)?.settings ?? null;
  }

  /** Whether these epochs are the newest known; false also where the user's is not known here. */
  isCurrent(workspaceId: string, userId: string, epochs: Epochs): boolean {
    const workspace = this.#workspaces.get(workspaceId);
    return (
      workspace !== undefined && workspace.epoch === epochs.workspace && workspace.users.get(userId) === epochs.user
    );
  }

  /** This very sign-in was ended: also sessions of it under another key (copies of a stateless cookie) read their standing again. */
  endSignIn(workspaceId: string, userId: string, signedInAt: number): void {
    const { endedSignIns } = this.#workspace(workspaceId);
    const ended = endedSignIns.get(userId) ?? new Set();
    endedSignIns.set(userId, ended.add(signedInAt));
    if (ended.size > SIGN_INS_PER_USER) dropFirst(ended);
    if (endedSignIns.size > USERS_PER_WORKSPACE) dropFirst(endedSignIns);
  }

  hasSignInEnded(workspaceId: string, userId: string, signedInAt: number): boolean {
    return this.#workspaces.get(workspaceId)?.endedSignIns.get(userId)?.has(signedInAt) === true;
  }

  /** Takes over epochs read from the store. Never lowers one. */
  learn(workspaceId: string, userId: string, epochs: Epochs): void {
    this.raise(workspaceId, null, epochs.workspace);
    this.raise(workspaceId, userId, epochs.user);
  }

  /** A newer version is stored, here or by another process: what is in memory is stale. */
  settingsSaved(workspaceId: string, version: number): void {
    const workspace = this.#workspaces.get(workspaceId);
    if (workspace === undefined || version <= workspace.version) return;
    workspace.version = version;
    workspace.settings = null;
  }

  /** Loads settings; parallel callers share one read. Rejects where the store does; `unknown` where the row was tampered with. */
  async load(workspaceId: string): Promise<EffectiveSettings | 'unknown'> {
    const current = this.settings(workspaceId);
    if (current !== null) return current;
    let loading = this.#loading.get(workspaceId);
    if (loading === undefined) {
      loading = this.#read(workspaceId).finally(() => this.#loading.delete(workspaceId));
      this.#loading.set(workspaceId, loading);
    }
    return await loading;
  }

  async #read(workspaceId: string): Promise<EffectiveSettings | 'unknown'> {
    // Known from here on, so that a change that is told while we read is not forgotten.
    const heard = this.#workspace(workspaceId).version;
    // The event first: it commits together with the row, so the row read after it is at least as new.
    const [event] = await this.#store.auditEvents({ workspaceId, codes: ['SETTINGS_CHANGED'], limit: 1 });
    const row = await this.#store.settings(workspaceId);
    const least = Math.max(heard, versionIn(event?.details ?? null));
    const settings = this.#judge(workspaceId, row, least);
    if (settings === null) {
      await this.#audit.append([
        {
          code: 'SETTINGS_TAMPERED',
          outcome: 'failure',
          workspaceId,
          userId: null,
          reason: row === null ? 'missing' : 'altered',
        },
      ]);
      return 'unknown';
    }
    const workspace = this.#workspace(workspaceId);
    if (settings.version >= workspace.version) {
      workspace.version = settings.version;
      workspace.settings = settings;
      workspace.row = row;
    }
    return settings;
  }

  /** The rows of the settings that are in force, by workspace. */
  rows(): readonly (readonly [string, SettingsRow | null])[] {
    return [...this.#workspaces].filter(([, { settings }]) => settings !== null).map(([id, { row }]) => [id, row]);
  }

  /** Puts settings in force by a row that an earlier process kept, where the database cannot be asked. */
  restore(workspaceId: string, row: SettingsRow | null): void {
    const settings = this.#judge(workspaceId, row, 0);
    if (settings === null) return;
    Object.assign(this.#workspace(workspaceId), { settings, row, version: settings.version });
  }

  /** Everything is read anew on next sight: what stood in for the database may be older than it. Ended sign-ins stay ended. */
  forget(): void {
    for (const workspace of this.#workspaces.values()) {
      Object.assign(workspace, { settings: null, row: null, version: 0, epoch: 0 });
      workspace.users.clear();
    }
  }

  /** The settings of a row, or null where it was changed, rolled back or removed behind our back. */
  #judge(workspaceId: string, row: SettingsRow | null, leastVersion: number): EffectiveSettings | null {
    const { keyring } = this.#configuration;
    if (row === null) {
      return leastVersion > 0
        ? null
        : effectiveSettings(this.#configuration, workspaceId, 0, defaultSettings(this.#configuration));
    }
    if (row.version < leastVersion || row.workspaceId !== workspaceId) return null;
    if (!keyring.verifyMac(row.mac, SETTINGS_MAC, settingsMacValues(row))) return null;
    try {
      return effectiveSettings(this.#configuration, workspaceId, row.version, parseStoredSettings(row.content));
    } catch {
      return null;
    }
  }

  /** An epoch that was raised, here or by another process. Never lowers one. */
  raise(workspaceId: string, userId: string | null, epoch: number): void {
    const workspace = this.#workspace(workspaceId);
    if (userId === null) {
      workspace.epoch = Math.max(workspace.epoch, epoch);
      return;
    }
    // Also of a user not met yet: their standing may be on its way, read before this was raised.
    const { users } = workspace;
    users.set(userId, Math.max(users.get(userId) ?? 0, epoch));
    if (users.size > USERS_PER_WORKSPACE) dropFirst(users);
  }

  #workspace(workspaceId: string): Workspace {
    let workspace = this.#workspaces.get(workspaceId);
    if (workspace === undefined) {
      workspace = { settings: null, row: null, version: 0, epoch: 0, users: new Map(), endedSignIns: new Map() };
      this.#workspaces.set(workspaceId, workspace);
      if (this.#workspaces.size > WORKSPACES) dropFirst(this.#workspaces);
    }
    return workspace;
  }
}

function dropFirst<K>(entries: Map<K, unknown> | Set<K>): void {
  for (const key of entries.keys()) {
    entries.delete(key);
    return;
  }
}

function versionIn(details: string | null): number {
  try {
    const version: unknown = details === null ? 0 : JSON.parse(details).version;
    return typeof version === 'number' ? version : 0;
  } catch {
    return 0;
  }
}
