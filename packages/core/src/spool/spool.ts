import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CHAIN_START, chainHash, normaliseEvent } from '../audit/canonical.ts';
import { headsText } from '../audit/details.ts';
import type { AuditEventInput, AuditRecord } from '../audit/event.ts';
import type { Clock, IdSource } from '../configuration/sources.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { StreamHead } from '../store/store.ts';
import { lockFolder } from './folder-lock.ts';
import { encodeFrame } from './frame.ts';
import { readSpoolFile, type SpoolContent } from './read-spool-file.ts';
import { type SpoolEntry, type SpoolRow, sealContent } from './spool-entry.ts';
import { SpoolFile } from './spool-file.ts';
import {
  isMissing,
  makeFolder,
  removeFile,
  type SpoolFileName,
  spoolFault,
  spoolFile,
  spoolFiles,
  syncFolder,
} from './spool-folder.ts';

/** What a spool needs. */
export interface SpoolOptions {
  /** On a volume that outlives the process, for this process alone. */
  readonly folder: string;
  /** How much may wait for the database. Beyond it `append` rejects with `spool_unavailable`. */
  readonly mostBytes: number;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** The last records of other streams, which the opening record of a new one names. */
  readonly heads: () => readonly StreamHead[];
}

/** Entries in one flush at most. */
const BATCH = 200;
/** Entries that may wait for a flush. */
const QUEUE = 10_000;

interface Waiting {
  readonly events: readonly AuditEventInput[];
  readonly rows: readonly SpoolRow[];
  resolve(records: readonly AuditRecord[]): void;
  reject(error: unknown): void;
}

/** The file that is being written. */
interface Current {
  readonly file: SpoolFile;
  readonly name: SpoolFileName;
  readonly drainedId: string;
  frames: number;
  head: StreamHead | null;
}

/**
 * Audit events that wait for the database, on a disk of this machine. They are chained in a stream of the spool's own as they are
 * written, so that what is drained later is exactly this. A file is one stream; it is never written by a second process.
 *
 * Entries that arrive while a flush is under way share the next one. A promise of `append` settles once its entry is on disk.
 */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #unlock: () => Promise<void>;
  /** Waits to be drained, the oldest first; without the file that is being written. */
  #files: SpoolFileName[];
  /** Bytes in them, by path. */
  readonly #sizes: Map<string, number>;
  #current: Current | null = null;
  #last: StreamHead | null = null;
  #queue: Waiting[] = [];
  #running: Promise<void> | null = null;
  #closed = false;

  private constructor(
    options: SpoolOptions,
    unlock: () => Promise<void>,
    files: SpoolFileName[],
    sizes: Map<string, number>,
  ) {
    this.#options = options;
    this.#unlock = unlock;
    this.#files = files;
    this.#sizes = sizes;
  }

  /**
   * Takes the folder for this process. Throws `spool_folder_in_use`, `spool_unavailable` where it cannot be had or written to.
   */
  static async open(options: SpoolOptions): Promise<Spool> {
    const { folder } = options;
    let unlock: (() => Promise<void>) | null = null;
    try {
      await makeFolder(folder);
      // Inside, since the volume may be mounted by another machine too, where the folder has another name.
      unlock = await lockFolder(folder, { place: (path) => join(path, 'lock'), code: 'spool_folder_in_use' });
      const files = (await spoolFiles(folder)).filter(({ damaged }) => !damaged);
      const sizes = await Promise.all(files.map(async ({ path }) => [path, (await stat(path)).size] as const));
      return new Spool(options, unlock, files, new Map(sizes));
    } catch (error) {
      await unlock?.();
      throw spoolFault(error);
    }
  }

  /** Whether nothing waits to be drained. */
  get isEmpty(): boolean {
    return this.#files.length === 0 && this.#current === null && this.#running === null;
  }

  /**
   * Puts events, with the rows that belong to them, on disk. Resolves with the records as they will be in the database. Rejects
   * with `spool_unavailable` where the disk is full or fails, `audit_backlog` where too many wait; then nothing of it counts.
   */
  append(events: readonly AuditEventInput[], rows: readonly SpoolRow[] = []): Promise<readonly AuditRecord[]> {
    if (this.#closed) return Promise.reject(new CountersignError('spool_unavailable'));
    if (this.#queue.length >= QUEUE)
      return Promise.reject(new CountersignError('audit_backlog', { retryAfterSeconds: 1 }));
    return new Promise((resolve, reject) => {
      this.#queue.push({ events, rows, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Everything that waits, as it is on disk. What is appended from now on goes to a new file. Rejects with `key_unknown`. */
  async waiting(): Promise<readonly SpoolFileName[]> {
    await this.#running;
    await this.#leaveCurrent();
    return [...this.#files];
  }

  /** Reads one file of {@link waiting}; null where somebody has removed it. */
  async read(file: SpoolFileName): Promise<SpoolContent | null> {
    try {
      return await readSpoolFile(file, this.#options.keyring);
    } catch (error) {
      if (isMissing(error)) return null;
      throw spoolFault(error);
    }
  }

  /** It waits no more: it is gone. */
  forget(file: SpoolFileName): void {
    this.#sizes.delete(file.path);
    this.#files = this.#files.filter(({ path }) => path !== file.path);
  }

  /** The file is in the database, whole: it is removed. What was damaged is set aside instead, under a name that says so. */
  async retire(file: SpoolFileName, damaged: boolean): Promise<void> {
    const { folder } = this.#options;
    try {
      if (damaged) {
        await rename(file.path, `${file.path}.damaged`);
        await syncFolder(folder);
      } else {
        await removeFile(folder, file.path);
      }
      this.forget(file);
    } catch (error) {
      throw spoolFault(error);
    }
  }

  /** Waits for what is being written, and gives the folder back. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#running;
    await this.#leaveCurrent();
    // A volume that was taken away took the lock along.
    await this.#unlock().catch(() => {});
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      // Everything that arrives in the same turn of the event loop shares a flush.
      await new Promise<void>((resolve) => setImmediate(resolve));
      const batch = this.#queue.splice(0, BATCH);
      try {
        const entries = await this.#flush(batch);
        for (const [at, waiting] of batch.entries()) waiting.resolve(entries[at]?.records ?? []);
      } catch (error) {
        await this.#leaveCurrent();
        for (const waiting of batch) waiting.reject(spoolFault(error));
      }
    }
    this.#running = null;
  }

  async #flush(batch: readonly Waiting[]): Promise<readonly SpoolEntry[]> {
    this.#current ??= await this.#begin();
    const current = this.#current;
    const { clock, ids, keyring, mostBytes } = this.#options;
    let { head } = current;
    const chain = (event: AuditEventInput): AuditRecord => {
      const place = { id: ids(), at: clock.now(), stream: current.name.stream, index: (head?.index ?? -1) + 1 };
      const record = { ...normaliseEvent(event), ...place };
      const hash = chainHash(head?.hash ?? CHAIN_START, record);
      head = { stream: place.stream, index: place.index, hash };
      return { ...record, hash };
    };
    const opening = head === null ? [{ records: [chain(this.#opening())], rows: [] }] : [];
    const entries = batch.map(({ events, rows }): SpoolEntry => ({ records: events.map(chain), rows }));
    const all = [...opening, ...entries];
    const records = all.flatMap((entry) => entry.records);
    const content = { drainedId: current.drainedId, entries: all };
    const frame = encodeFrame({
      number: current.frames,
      events: records.length,
      at: records[0]?.at ?? clock.now(),
      body: await sealContent(keyring, current.name.stream, current.frames, content),
    });
    const waiting = [...this.#sizes.values()].reduce((sum, size) => sum + size, 0);
    if (waiting + current.file.bytes + frame.length > mostBytes) {
      throw new CountersignError('spool_unavailable', {
        detail: `The emergency spool holds as much as it may (${mostBytes} bytes).`,
        cure: 'Bring the database back, or raise emergencyAccess.spool.mostBytes.',
        retryAfterSeconds: 5,
      });
    }
    await current.file.append(frame);
    current.frames += 1;
    current.head = head;
    return entries;
  }

  /** A file, and with it a stream, of its own after every start, every fault and every draining. */
  async #begin(): Promise<Current> {
    const { folder, ids } = this.#options;
    const number = (this.#files.at(-1)?.number ?? 0) + 1;
    const stream = ids();
    const path = spoolFile(folder, number, stream);
    const file = await SpoolFile.create(path);
    return { file, name: { path, number, stream, damaged: false }, drainedId: ids(), frames: 0, head: null };
  }

  #opening(): AuditEventInput {
    const heads = [...this.#options.heads(), ...(this.#last === null ? [] : [this.#last])];
    return {
      code: 'AUDIT_STREAM_OPENED',
      outcome: 'success',
      workspaceId: null,
      userId: null,
      reason: 'spool',
      details: headsText(heads),
    };
  }

  /** What it holds stays for the draining; one in which nothing counts is removed. */
  async #leaveCurrent(): Promise<void> {
    const current = this.#current;
    this.#current = null;
    if (current === null) return;
    await current.file.close().catch(() => {});
    if (current.frames === 0) {
      await removeFile(this.#options.folder, current.name.path).catch(() => {});
      return;
    }
    this.#files.push(current.name);
    this.#sizes.set(current.name.path, current.file.bytes);
    this.#last = current.head;
  }
}
