import type { Clock, IdSource } from '../configuration/sources.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { AuditConnection, Store, StoreTransaction, StreamHead } from '../store/store.ts';
import { CHAIN_START, chainHash, normaliseEvent } from './canonical.ts';
import { headsText } from './details.ts';
import type { AuditEventInput, AuditRecord } from './event.ts';

/** What a writer needs. A host gets its writer from `countersign.audit`. */
export interface AuditWriterOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Events that may wait. Beyond it `append` rejects with `audit_backlog`; beyond half of it batched events wait too. Default 10,000. */
  readonly queueLimit?: number;
  /** Events in one commit at most. Default 1,000. */
  readonly batchLimit?: number;
  /** Told of what is committed, at once. Must neither throw nor wait. */
  readonly listener?: AuditListener | undefined;
}

/** Who is told of what a writer commits. */
export interface AuditListener {
  /** A stream begins; the one before is at its end, which may hold records of a commit that nobody has confirmed. */
  opened(stream: string): void;
  /** The next records of the stream. */
  committed(records: readonly AuditRecord[]): void;
}

/**
 * How long events that nobody waits for gather, in milliseconds, unless an awaited one takes them along. A commit of many costs
 * little more than a commit of one; a crash can lose what was gathered.
 */
const GATHER_MILLISECONDS = 100;

/** A unit of work of the writer: events that wait for a commit, or a transaction of its own. */
interface Job {
  /** Already identified and timed; chained when written. Of a transaction: what its work has made. */
  events: readonly PendingEvent[];
  /** Nobody waits for it: kept while the database is away. */
  readonly behind: boolean;
  /** Written, perhaps: to be looked up before it is written again. */
  unsure: boolean;
  readonly work: ((transaction: StoreTransaction) => Promise<readonly PendingEvent[]>) | null;
  resolve(): void;
  reject(error: unknown): void;
}

/** Its place and hash are put in when it is written; the members are there before, since V8 copies what only changes much faster than what grows. */
type PendingEvent = AuditRecord;

/**
 * Writes one stream of audit events. Events that arrive while a commit is under way share the next one (group commit: where
 * somebody waits there is no timer, the next batch goes as soon as the previous one is back). The chain's head moves only on commit.
 *
 * Where the outcome of a commit is unknown the stream is closed, its lock awaited (so that the old connection is gone for
 * certain), the events are read back by id, and a new stream is opened that records the old one's head.
 */
export class AuditWriter {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #ids: IdSource;
  readonly #queueLimit: number;
  readonly #batchLimit: number;
  readonly #listener: AuditListener | null;
  /** So many jobs do not gather any longer. */
  readonly #gatherLimit: number;
  #connection: AuditConnection | null = null;
  #stream: string | null = null;
  /** The stream whose last commit has an unknown outcome, until another one is open. */
  #lost: string | null = null;
  #index = 0;
  #head: Uint8Array = CHAIN_START;
  #queue: Job[] = [];
  /** Those in the queue that somebody waits for. */
  #awaited = 0;
  #waiting = 0;
  #running: Promise<void> | null = null;
  #gathering: NodeJS.Timeout | null = null;
  /** What is in the queue has gathered long enough. */
  #overdue = false;
  #closed = false;
  #closing: Promise<void> | null = null;

  constructor(options: AuditWriterOptions) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#ids = options.ids;
    this.#queueLimit = options.queueLimit ?? 10_000;
    this.#batchLimit = options.batchLimit ?? 1000;
    this.#listener = options.listener ?? null;
    this.#gatherLimit = Math.min(this.#batchLimit, this.#queueLimit / 2) / 4;
  }

  /** The stream in use; null before the first write and after a failure. */
  get stream(): string | null {
    return this.#stream;
  }

  /** The last committed record of the stream in use; null where there is none. */
  get head(): StreamHead | null {
    return this.#stream === null || this.#index === 0
      ? null
      : { stream: this.#stream, index: this.#index - 1, hash: this.#head };
  }

  /** Settles once the events are committed. Rejects with `audit_backlog`, `store_unavailable`, `store_wait_exceeded` or `store_closed`. */
  append(events: readonly AuditEventInput[]): Promise<void> {
    return this.#enqueue(
      events.map((event) => this.#pending(event)),
      null,
    );
  }

  /** The same for an event that may be on the log already, under this id, from a process that did not live to know it. */
  appendOnce(id: string, event: AuditEventInput): Promise<void> {
    return this.#enqueue([{ ...this.#pending(event), id }], null, true);
  }

  /**
   * Writes behind the caller's back: undefined while there is room, else a promise to wait for (back-pressure).
   * Kept while the database is away. A crash can lose what was not yet committed: events gather for up to 100 ms, or until 250
   * have (by default), or until an awaited one takes them along.
   */
  appendBehind(event: AuditEventInput): Promise<void> | undefined {
    if (this.#closed) return undefined;
    if ((this.#waiting + 1) * 2 > this.#queueLimit) return this.append([event]);
    // Rejected only where the database refuses this very event, and nobody is left to tell.
    const events = [this.#pending(event)];
    this.#add({ events, work: null, behind: true, unsure: false, resolve: ignore, reject: ignore });
    return undefined;
  }

  /** Runs `work` between two batches on the writer's own connection; its rows and its events commit together or not at all. */
  async transact<T>(
    work: (
      transaction: StoreTransaction,
    ) => Promise<{ readonly value: T; readonly events: readonly AuditEventInput[] }>,
  ): Promise<T> {
    let value: { readonly held: T } | null = null;
    await this.#enqueue([], async (transaction) => {
      const done = await work(transaction);
      value = { held: done.value };
      return done.events.map((event) => this.#pending(event));
    });
    if (value === null) throw new CountersignError('internal');
    return (value as { readonly held: T }).held;
  }

  /** Opens the stream now instead of at the first event, so that a database that is away shows at start-up. */
  async open(events: readonly AuditEventInput[] = []): Promise<void> {
    await this.append(events);
  }

  /** Waits for what is queued, writes the stream's last record, and gives the connection back. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    const used = this.#stream !== null || this.#queue.length > 0 || this.#running !== null;
    const last = used ? this.append([systemEvent('AUDIT_STREAM_CLOSED', null)]).catch(() => {}) : null;
    // From here on nothing comes behind the last record.
    this.#closed = true;
    await last;
    await this.#running;
    clearTimeout(this.#gathering ?? undefined);
    await this.#connection?.close().catch(() => {});
    this.#connection = null;
  }

  #pending(event: AuditEventInput): PendingEvent {
    const placeless = { stream: '', index: 0, hash: CHAIN_START };
    return Object.assign(normaliseEvent(event), { id: this.#ids(), at: this.#clock.now() }, placeless);
  }

  #enqueue(events: readonly PendingEvent[], work: Job['work'], unsure = false): Promise<void> {
    if (this.#closed) return Promise.reject(new CountersignError('store_closed'));
    if (this.#waiting + Math.max(1, events.length) > this.#queueLimit) {
      return Promise.reject(new CountersignError('audit_backlog', { retryAfterSeconds: 1 }));
    }
    return new Promise<void>((resolve, reject) => this.#add({ events, work, behind: false, unsure, resolve, reject }));
  }

  #add(job: Job): void {
    this.#waiting += weightOf(job);
    this.#queue.push(job);
    if (!job.behind) this.#awaited += 1;
    if (this.#running !== null) return;
    if (this.#isDue) this.#running = this.#run();
    else this.#gather();
  }

  /** Whether the queue has what must not gather any longer. */
  get #isDue(): boolean {
    const { length } = this.#queue;
    return this.#awaited > 0 || length >= this.#gatherLimit || (this.#overdue && length > 0);
  }

  #gather(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = null;
      this.#overdue = true;
      if (this.#isDue) this.#running ??= this.#run();
    }, GATHER_MILLISECONDS).unref();
  }

  async #run(): Promise<void> {
    while (this.#isDue) {
      // Everything that arrives in the same turn of the event loop shares a commit, also what follows on the one before.
      await new Promise<void>((resolve) => setImmediate(resolve));
      const jobs = this.#takeJobs();
      if (this.#queue.length === 0) this.#overdue = false;
      try {
        const connection = await this.#connected();
        const missing = await this.#withoutWritten(connection, jobs);
        await this.#write(connection, missing);
        for (const job of missing) this.#succeed(job);
      } catch (error) {
        await this.#settleFailure(jobs, error);
        // With the database away, what nobody waits for gathers on, and is tried again with the next that is due.
        if (this.#connection === null) this.#overdue = false;
        if (this.#connection === null && this.#queue.every((job) => job.behind)) break;
      }
    }
    this.#running = null;
    if (this.#queue.length > 0) this.#gather();
  }

  #succeed(job: Job): void {
    this.#waiting -= weightOf(job);
    job.resolve();
  }

  #fail(job: Job, error: unknown): void {
    this.#waiting -= weightOf(job);
    job.reject(error);
  }

  /** A transaction alone, or as many waiting events as fit one commit. */
  #takeJobs(): Job[] {
    let count = 0;
    let jobs = 0;
    for (const job of this.#queue) {
      if (job.work !== null && jobs > 0) break;
      if (jobs > 0 && count + job.events.length > this.#batchLimit) break;
      jobs += 1;
      count += job.events.length;
      if (job.work !== null) break;
    }
    const taken = this.#queue.splice(0, jobs);
    for (const job of taken) if (!job.behind) this.#awaited -= 1;
    return taken;
  }

  /** Resolves what an earlier try has written after all; returns the rest. */
  async #withoutWritten(connection: AuditConnection, jobs: readonly Job[]): Promise<readonly Job[]> {
    if (!jobs.some((job) => job.unsure)) return jobs;
    const written = await connection.written(jobs.flatMap((job) => job.events.map((event) => event.id)));
    return jobs.filter((job) => {
      if (!isWritten(job, written)) return true;
      this.#succeed(job);
      return false;
    });
  }

  async #write(connection: AuditConnection, jobs: readonly Job[]): Promise<void> {
    const [first] = jobs;
    if (first?.work != null) {
      const { work } = first;
      const chained = await connection.transact(async (transaction) => {
        first.events = await work(transaction);
        const chain = this.#chain(first.events);
        return { value: chain, records: chain.records };
      });
      this.#move(chained);
      return;
    }
    const chained = this.#chain(jobs.flatMap((job) => job.events));
    if (chained.records.length > 0) await connection.append(chained.records);
    this.#move(chained);
  }

  /** Puts events behind the head, without moving it. */
  #chain(events: readonly PendingEvent[]): { readonly records: readonly AuditRecord[]; readonly head: Uint8Array } {
    if (this.#stream === null) throw new CountersignError('store_unavailable');
    const stream = this.#stream;
    let head = this.#head;
    const records = events.map((event, offset): AuditRecord => {
      const record = { ...event, stream, index: this.#index + offset };
      head = chainHash(head, record);
      record.hash = head;
      return record;
    });
    return { records, head };
  }

  #move(chained: { readonly records: readonly AuditRecord[]; readonly head: Uint8Array }): void {
    this.#head = chained.head;
    this.#index += chained.records.length;
    this.#listener?.committed(chained.records);
  }

  async #settleFailure(jobs: readonly Job[], error: unknown): Promise<void> {
    if (!isOutcomeUnknown(error)) {
      // The database said no: nothing was written. In a shared batch each gets another try on its own, so that one bad event harms no other.
      if (jobs.length > 1) {
        for (const job of jobs) await this.#retryAlone(job);
      } else {
        for (const job of jobs) this.#fail(job, error);
      }
      return;
    }
    this.#lost = this.#stream ?? this.#lost;
    await this.#connection?.close().catch(() => {});
    this.#connection = null;
    this.#stream = null;
    for (const job of jobs) job.unsure = true;
    try {
      const connection = await this.#connected();
      const missing = await this.#withoutWritten(connection, jobs);
      for (const job of missing) job.unsure = false;
      this.#giveUp(missing, error);
    } catch {
      this.#giveUp(jobs, error);
    }
  }

  /** Tells those who wait; keeps, in front and in order, what nobody waits for. */
  #giveUp(jobs: readonly Job[], error: unknown): void {
    for (const job of jobs) if (!job.behind) this.#fail(job, error);
    this.#queue.unshift(...jobs.filter((job) => job.behind));
  }

  async #retryAlone(job: Job): Promise<void> {
    try {
      await this.#write(await this.#connected(), [job]);
      this.#succeed(job);
    } catch (error) {
      await this.#settleFailure([job], error);
    }
  }

  /** The connection with an open stream; opens one, and writes its opening record with the heads of the others. */
  async #connected(): Promise<AuditConnection> {
    if (this.#connection !== null) return this.#connection;
    const connection = await this.#store.openAuditConnection();
    try {
      const stream = this.#ids();
      const heads = await connection.openStream(stream, this.#lost);
      this.#stream = stream;
      this.#listener?.opened(stream);
      this.#index = 0;
      this.#head = CHAIN_START;
      const opening = this.#chain([this.#pending(systemEvent('AUDIT_STREAM_OPENED', headsText(heads)))]);
      await connection.append(opening.records);
      this.#move(opening);
      this.#lost = null;
      this.#connection = connection;
      return connection;
    } catch (error) {
      this.#stream = null;
      await connection.close().catch(() => {});
      throw error;
    }
  }
}

const ignore = (): void => {};

const weightOf = (job: Job): number => (job.work === null ? Math.max(1, job.events.length) : 1);

/** A transaction that made no event cannot be looked up, and counts as not written. */
const isWritten = (job: Job, written: ReadonlySet<string>): boolean =>
  (job.work === null || job.events.length > 0) && job.events.every((event) => written.has(event.id));

const isOutcomeUnknown = (error: unknown): boolean =>
  CountersignError.is(error) && (error.code === 'store_unavailable' || error.code === 'store_wait_exceeded');

const systemEvent = (code: AuditEventInput['code'], details: string | null): AuditEventInput => ({
  code,
  outcome: 'success',
  workspaceId: null,
  userId: null,
  details,
});
