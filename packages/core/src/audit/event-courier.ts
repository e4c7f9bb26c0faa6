import type { Store } from '../store/store.ts';
import type { CommittedStreams } from './committed-streams.ts';
import type { AuditRecord } from './event.ts';
import type { EventSink } from './event-sink.ts';
import { type SinkHealth, sinkFaultOf } from './sink-health.ts';

/** Waits. Rejects where the signal is raised meanwhile. */
export type ShippingPause = (milliseconds: number, signal: AbortSignal) => Promise<unknown>;

export interface EventCourierOptions {
  readonly sink: EventSink;
  readonly committed: CommittedStreams;
  readonly store: Pick<Store, 'auditStream'>;
  readonly health: SinkHealth;
  readonly pause: ShippingPause;
  /** Raised at the end. */
  readonly signal: AbortSignal;
  /** Its places have moved. */
  onDelivered(): void;
}

/** Events in one call of a sink at most. */
const MOST_EVENTS = 500;
/** How long a sink may take for one call; milliseconds. */
const CALL_MILLISECONDS = 30_000;
/** Between a failure and the next try; doubles from the first to the second. Milliseconds. */
const RETRY_MILLISECONDS = [1000, 60_000] as const;

/** Takes events to one sink. */
export class EventCourier {
  readonly #options: EventCourierOptions;
  /** By stream, the index that comes next. */
  readonly #next = new Map<string, number>();
  readonly #done = new Set<string>();
  #running: Promise<void> | null = null;
  #retryMilliseconds: number = RETRY_MILLISECONDS[0];
  /** Ends the pause after a failure. */
  readonly #hurry = new AbortController();
  #last = false;
  /** Since the failure: delivered late, and not to be found any more. */
  #late = 0;
  #missing = 0;

  constructor(options: EventCourierOptions) {
    this.#options = options;
  }

  next(stream: string): number {
    return this.#next.get(stream) ?? 0;
  }

  isDone(stream: string): boolean {
    return this.#done.has(stream);
  }

  wake(): void {
    if (this.#running !== null || this.#options.signal.aborted) return;
    this.#running = this.#run().finally(() => {
      this.#running = null;
      // What was committed while the last look was under way.
      if (!this.#last && this.#waiting() > 0) this.wake();
    });
  }

  /** Tries what waits once more, without delay. */
  async lastTry(): Promise<void> {
    this.#last = true;
    this.#hurry.abort();
    await this.#running;
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    // Not within the commit that wakes it: what a sink does before its first await must not hold up the writer.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (!this.#options.signal.aborted) {
      try {
        const batch = await this.#batch();
        if (batch === null) return;
        await this.#deliver(batch.events);
        this.#delivered(batch.stream, batch.events);
      } catch (error) {
        if (!(error instanceof TableUnread))
          this.#options.health.failed(error instanceof NoAnswer ? 'no-answer' : sinkFaultOf(error));
        if (this.#last || !(await this.#waitForNextTry())) return;
      }
    }
  }

  /** What comes next; null: nothing. */
  async #batch(): Promise<{ readonly stream: string; readonly events: readonly AuditRecord[] } | null> {
    for (const { stream, last, ended } of [...this.#options.committed.streams()]) {
      if (this.#done.has(stream)) continue;
      const from = this.next(stream);
      if (from > last && !ended) continue;
      const kept = this.#options.committed.recent(stream, from, MOST_EVENTS);
      if (kept !== null) return { stream, events: kept };
      if (from <= last && !ended) this.#options.health.failed('behind');
      const read = await this.#read(stream, from);
      const [first] = read;
      const found = first?.index ?? Math.max(from, last + 1);
      if (found > from) this.#options.health.failed('missing');
      this.#missing += found - from;
      this.#next.set(stream, found);
      if (first !== undefined) return { stream, events: read };
      if (ended) this.#done.add(stream);
    }
    this.#options.onDelivered();
    this.#recovered();
    return null;
  }

  async #read(stream: string, from: number): Promise<readonly AuditRecord[]> {
    const records: AuditRecord[] = [];
    try {
      for await (const record of this.#options.store.auditStream(stream, from)) {
        if (records.push(record) === MOST_EVENTS) break;
      }
    } catch {
      // The database's fault, not the sink's.
      throw new TableUnread();
    }
    return records;
  }

  async #deliver(events: readonly AuditRecord[]): Promise<void> {
    const done = new AbortController();
    const late = this.#options.pause(CALL_MILLISECONDS, done.signal).then(() => {
      throw new NoAnswer();
    });
    // Aborted as soon as the call is done.
    late.catch(() => {});
    try {
      await Promise.race([this.#options.sink.deliver(events), late]);
    } finally {
      done.abort();
    }
  }

  #delivered(stream: string, events: readonly AuditRecord[]): void {
    const last = events.at(-1);
    if (last !== undefined) this.#next.set(stream, last.index + 1);
    this.#retryMilliseconds = RETRY_MILLISECONDS[0];
    if (this.#options.health.failing) this.#late += events.length;
    this.#options.onDelivered();
    if (this.#waiting() <= MOST_EVENTS) this.#recovered();
  }

  /** It has caught up, or nearly so: under steady load something always waits. */
  #recovered(): void {
    if (!this.#options.health.failing) return;
    this.#options.health.succeeded({ late: this.#late, missing: this.#missing });
    this.#late = 0;
    this.#missing = 0;
  }

  #waiting(): number {
    let count = 0;
    for (const { stream, last } of this.#options.committed.streams()) {
      if (!this.#done.has(stream)) count += Math.max(0, last + 1 - this.next(stream));
    }
    return count;
  }

  /** False where there is none. */
  async #waitForNextTry(): Promise<boolean> {
    const milliseconds = this.#retryMilliseconds;
    this.#retryMilliseconds = Math.min(milliseconds * 2, RETRY_MILLISECONDS[1]);
    await this.#options
      .pause(milliseconds, AbortSignal.any([this.#options.signal, this.#hurry.signal]))
      .catch(() => {});
    return !this.#options.signal.aborted;
  }
}

class NoAnswer extends Error {}
class TableUnread extends Error {}
