import { setTimeout as pauseFor } from 'node:timers/promises';
import type { Store } from '../store/store.ts';
import { CommittedStreams } from './committed-streams.ts';
import type { AuditRecord } from './event.ts';
import { EventCourier, type ShippingPause } from './event-courier.ts';
import type { EventSink } from './event-sink.ts';
import { SinkHealth } from './sink-health.ts';
import type { AuditWriter } from './writer.ts';

/** How long `close` waits for what is under way; milliseconds. */
const CLOSE_MILLISECONDS = 5000;

/**
 * Sends committed events to the host's sinks, each at its own pace: from memory while a sink keeps up, from the table where it does
 * not. The writer never waits for it. A place per sink and stream is remembered for the life of this process: a crash leaves out
 * what a sink has not taken by then (never from the table), and the gap shows in the indexes of the stream.
 */
export class EventShipping {
  readonly #committed = new CommittedStreams();
  readonly #sinks: readonly EventSink[];
  readonly #store: Pick<Store, 'auditStream'>;
  readonly #pause: ShippingPause;
  readonly #closing = new AbortController();
  #couriers: readonly EventCourier[] = [];

  constructor(
    sinks: readonly EventSink[],
    store: Pick<Store, 'auditStream'>,
    pause: ShippingPause = (milliseconds, signal) => pauseFor(milliseconds, undefined, { ref: false, signal }),
  ) {
    this.#sinks = sinks;
    this.#store = store;
    this.#pause = pause;
  }

  /** Begins to send. What the writer has committed before is sent too. */
  start(audit: Pick<AuditWriter, 'appendBehind'>): void {
    const { signal } = this.#closing;
    this.#couriers = this.#sinks.map((sink) => {
      const health = new SinkHealth(sink.name, 'events', audit);
      return new EventCourier({
        sink,
        committed: this.#committed,
        store: this.#store,
        health,
        pause: this.#pause,
        signal,
        onDelivered: () => this.#tidy(),
      });
    });
    for (const courier of this.#couriers) courier.wake();
  }

  /** The writer has begun a stream. */
  opened(stream: string): void {
    if (this.#sinks.length > 0) this.#committed.opened(stream);
  }

  /** The writer has committed these. */
  committed(records: readonly AuditRecord[]): void {
    if (this.#sinks.length === 0) return;
    this.#committed.committed(records);
    for (const courier of this.#couriers) courier.wake();
  }

  /** A spool's stream has come into the table. */
  drained(stream: string, last: number): void {
    if (this.#sinks.length === 0) return;
    this.#committed.drained(stream, last);
    for (const courier of this.#couriers) courier.wake();
  }

  /** Waits until the sinks have what was committed, for 5 s at most. */
  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const bound = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MILLISECONDS);
    });
    await Promise.race([Promise.all(this.#couriers.map((courier) => courier.lastTry())), bound]);
    clearTimeout(timer);
    this.#closing.abort();
  }

  #tidy(): void {
    for (const { stream } of [...this.#committed.streams()]) {
      if (this.#couriers.every((courier) => courier.isDone(stream))) this.#committed.forget(stream);
      else this.#committed.forgetBefore(stream, Math.min(...this.#couriers.map((courier) => courier.next(stream))));
    }
  }
}
