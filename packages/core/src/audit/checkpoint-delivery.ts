import type { Clock } from '../configuration/sources.ts';
import type { CheckpointAbout, CheckpointSink, CheckpointSinkState } from './checkpoint-sink.ts';
import { type SinkHealth, sinkFaultOf } from './sink-health.ts';

/** A delivery that lasts for longer than this counts as failing; milliseconds. */
const LONG_MILLISECONDS = 60_000;
/** Between two tries after a rejection; milliseconds. */
const RETRY_MILLISECONDS = 5_000;

interface Newest {
  readonly checkpoint: string;
  readonly about: CheckpointAbout;
}

/** Brings checkpoints to one sink: one at a time, the newest only, and behind everybody's back. */
export class CheckpointDelivery {
  readonly #sink: CheckpointSink;
  readonly #clock: Clock;
  readonly #leastMilliseconds: number;
  readonly #health: SinkHealth;
  #newest: Newest | null = null;
  #delivered: CheckpointAbout | null = null;
  /** When the oldest that was not brought there was signed. */
  #behindSince: Date | null = null;
  #begunAt: number | null = null;
  #notBefore = 0;
  #running: Promise<void> | null = null;

  constructor(options: {
    readonly sink: CheckpointSink;
    readonly clock: Clock;
    readonly leastSeconds: number;
    readonly health: SinkHealth;
  }) {
    this.#sink = options.sink;
    this.#clock = options.clock;
    this.#leastMilliseconds = options.leastSeconds * 1000;
    this.#health = options.health;
  }

  get state(): CheckpointSinkState {
    const behind = this.#behindSince;
    const state = this.#health.failing
      ? 'failing'
      : behind !== null
        ? 'behind'
        : this.#delivered === null
          ? 'unused'
          : 'current';
    const lagSeconds = behind === null ? 0 : Math.max(0, (this.#clock.now() - behind.getTime()) / 1000);
    return { name: this.#sink.name, state, delivered: this.#delivered, lagSeconds };
  }

  /** Called at each turn with the newest checkpoint there is. Never waits and never throws. */
  offer(checkpoint: string, about: CheckpointAbout): void {
    const size = this.#newest?.about.size ?? -1;
    if (about.size > size) {
      this.#newest = { checkpoint, about };
      this.#behindSince ??= about.at;
    }
    const now = this.#clock.elapsed();
    if (this.#begunAt !== null && now - this.#begunAt > LONG_MILLISECONDS) this.#health.failed('no-answer');
    if (this.#running !== null || this.#behindSince === null || now < this.#notBefore) return;
    this.#running = this.#deliver().finally(() => {
      this.#running = null;
    });
  }

  /** Waits for a delivery that is under way, at most so long. */
  async close(milliseconds: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const given = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, milliseconds);
    });
    await Promise.race([this.#running, given]);
    clearTimeout(timer);
  }

  async #deliver(): Promise<void> {
    const newest = this.#newest;
    if (newest === null) return;
    const begunAt = this.#clock.elapsed();
    this.#begunAt = begunAt;
    try {
      await this.#sink.deliver(newest.checkpoint, newest.about);
      this.#delivered = newest.about;
      this.#behindSince = this.#newest === newest ? null : (this.#newest?.about.at ?? null);
      this.#notBefore = begunAt + this.#leastMilliseconds;
      this.#health.succeeded();
    } catch (error) {
      this.#notBefore = this.#clock.elapsed() + Math.max(RETRY_MILLISECONDS, this.#leastMilliseconds);
      this.#health.failed(sinkFaultOf(error));
    } finally {
      this.#begunAt = null;
    }
  }
}
