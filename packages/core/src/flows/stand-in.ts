import type { AuditEventInput } from '../audit/event.ts';
import type { AuditWriter } from '../audit/writer.ts';
import type { Configuration } from '../configuration/configuration.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { EmergencyPurpose } from '../policy/emergency.ts';
import type { Principal } from '../policy/principal.ts';
import { drainSpool } from '../spool/drain-spool.ts';
import { readSealedFile, writeSealedFile } from '../spool/sealed-file.ts';
import { Spool } from '../spool/spool.ts';
import type { SpoolEntry, SpoolRow } from '../spool/spool-entry.ts';
import type { StreamHead } from '../store/store.ts';
import { isUnreachable } from './is-unreachable.ts';
import { LastKnown } from './last-known.ts';
import type { LiveWorkspaces } from './live-workspaces.ts';
import type { Services } from './services.ts';
import { putSpooled, type SpooledEmergency, spooledEmergencies } from './spooled-rows.ts';

/** What a stand-in works with. */
export interface StandInOptions {
  readonly configuration: Configuration;
  readonly audit: AuditWriter;
  readonly live: LiveWorkspaces;
  readonly onDrained: (head: StreamHead) => void;
}

/** Between one look and the next; milliseconds. */
const LOOK_MILLISECONDS = 500;
/** Between one writing down of what is known and the next. */
const REMEMBER_MILLISECONDS = 5000;
const KNOWN_FILE = 'known';

/**
 * What stands in for the database while it is away, for emergency access alone: a spool on disk for events and rows, and what was
 * last known. From the first call that finds the database away until everything spooled is in it, emergency access goes this way.
 */
export class StandIn {
  readonly known: LastKnown;
  readonly #options: StandInOptions;
  readonly #spool: Spool;
  /** What has to be done first once the database is back; null: nothing. */
  #begin: (() => Promise<void>) | null = null;
  #away = false;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | null = null;
  #rememberedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  private constructor(options: StandInOptions, spool: Spool) {
    this.#options = options;
    this.#spool = spool;
    this.known = new LastKnown(options.configuration, options.live);
  }

  /** Null where no spool is configured. Throws `spool_folder_in_use`, `spool_unavailable`. */
  static async open(options: StandInOptions): Promise<StandIn | null> {
    const { emergencyAccess, keyring, clock, ids } = options.configuration;
    if (emergencyAccess?.spool === undefined) return null;
    const heads = () => (options.audit.head === null ? [] : [options.audit.head]);
    return new StandIn(options, await Spool.open({ ...emergencyAccess.spool, keyring, clock, ids, heads }));
  }

  /** Whether emergency access goes by what is here. */
  get isAway(): boolean {
    return this.#away;
  }

  /** A call found the database away. */
  lost(): void {
    this.#away = true;
  }

  /**
   * The start with the database away: what an earlier process left is taken over, and `begin` is tried until it succeeds. Returns
   * the emergency accesses in the spool: none where any of it was altered, since the end of one may have stood there.
   */
  async beginAlone(begin: () => Promise<void>): Promise<readonly SpooledEmergency[]> {
    await this.#restore(true);
    this.#begin = begin;
    this.lost();
    const entries: SpoolEntry[] = [];
    for (const file of await this.#spool.waiting()) {
      const content = await this.#spool.read(file);
      if (content === null || content.damaged) return [];
      entries.push(...content.entries);
    }
    return spooledEmergencies(entries);
  }

  /**
   * The start with the database there: what an earlier process spooled is brought into it. Rejects where the database went away, and
   * with `key_unknown`; what the database refuses stays on disk, and keeps nobody from starting.
   */
  async begin(): Promise<void> {
    if (!this.#away) await this.#restore(false);
    try {
      await this.drain();
    } catch (error) {
      if (isUnreachable(error) || (CountersignError.is(error) && error.code === 'key_unknown')) throw error;
    }
  }

  /** Looks after the spool from here on. Its timer keeps no process alive. `away` is called at each look while the database is away. */
  start(away: () => Promise<void>): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.#look(away).finally(() => {
        this.#looking = null;
        if (!this.#closed) this.start(away);
      });
    }, LOOK_MILLISECONDS).unref();
  }

  /** Puts events and rows on disk. Rejects with `spool_unavailable`, `audit_backlog`. */
  async append(events: readonly AuditEventInput[], rows: readonly SpoolRow[] = []): Promise<void> {
    await this.#spool.append(events, rows);
  }

  /** Brings what is spooled into the database. Rejects as the store does. */
  async drain(): Promise<void> {
    const { audit, configuration, onDrained } = this.#options;
    await drainSpool({ spool: this.#spool, store: configuration.store, audit, put: putSpooled, onDrained });
    if (this.#spool.isEmpty) this.#away = false;
  }

  /** Who may, as last known: found eligible within a day, and not said to be otherwise now. */
  async isEligible(
    principal: Principal,
    about: { readonly purpose: EmergencyPurpose; readonly patientId: string | null },
  ): Promise<boolean> {
    if (!this.known.wasEligible(principal)) return false;
    const { emergencyAccess } = this.#options.configuration;
    if (emergencyAccess?.roles?.some((role) => principal.roles.includes(role)) === true) return true;
    try {
      return (await emergencyAccess?.eligible?.(principal, about)) === true;
    } catch {
      // The host's own records are away as well.
      return emergencyAccess?.eligible !== undefined;
    }
  }

  /** Writes down what is known now. Rejects with `spool_unavailable`. */
  async remember(): Promise<void> {
    const { configuration } = this.#options;
    this.#rememberedAt = configuration.clock.elapsed();
    const folder = configuration.emergencyAccess?.spool?.folder ?? '';
    await writeSealedFile(folder, KNOWN_FILE, configuration.keyring, this.known.toText());
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#looking;
    if (this.known.hasChanged) await this.remember().catch(() => {});
    await this.#spool.close();
  }

  async #look(away: () => Promise<void>): Promise<void> {
    const { audit, configuration } = this.#options;
    const due = configuration.clock.elapsed() - this.#rememberedAt >= REMEMBER_MILLISECONDS;
    // What cannot be written down now is tried again; emergency access itself says that the disk fails.
    if (this.known.hasChanged && due) await this.remember().catch(() => {});
    if (!this.#away) return;
    await away().catch(() => {});
    try {
      await this.#begin?.();
      this.#begin = null;
      // It settles where the writer reaches the database.
      await audit.append([]);
      await this.drain();
    } catch {
      // Still away, or refusing: everything stays on disk, and `spoolState` tells of it.
    }
  }

  async #restore(alone: boolean): Promise<void> {
    const { emergencyAccess, keyring } = this.#options.configuration;
    const text = await readSealedFile(emergencyAccess?.spool?.folder ?? '', KNOWN_FILE, keyring);
    if (text === null) return;
    try {
      this.known.restore(text, alone);
    } catch {
      // Written by another release: what was known is unknown.
    }
  }
}

/**
 * Puts events of emergency access where they are safe: on the log, or where the database is away, on disk. Rejects as either does;
 * whatever waits for them must not go on then. One whose commit was not heard of can be on the log twice, under two ids.
 */
export async function recordSafely(
  { audit, standIn }: Pick<Services, 'audit' | 'standIn'>,
  events: readonly AuditEventInput[],
): Promise<void> {
  if (standIn === null) return await audit.append(events);
  if (!standIn.isAway) {
    try {
      return await audit.append(events);
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      standIn.lost();
    }
  }
  await standIn.append(events);
}
