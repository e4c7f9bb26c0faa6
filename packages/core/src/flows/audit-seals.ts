import type { ConsistencyProof, InclusionProof } from '../audit/audit-proof.ts';
import { parseCheckpoint } from '../audit/checkpoint.ts';
import { CheckpointDelivery } from '../audit/checkpoint-delivery.ts';
import type { CheckpointKeys } from '../audit/checkpoint-keys.ts';
import type { CheckpointSinkState } from '../audit/checkpoint-sink.ts';
import { proveConsistency, proveInclusion } from '../audit/prove.ts';
import { Sealer } from '../audit/sealer.ts';
import { SinkHealth } from '../audit/sink-health.ts';
import type { AuditWriter } from '../audit/writer.ts';
import type { Configuration } from '../configuration/configuration.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { SealRow, SealStore } from '../store/seal-store.ts';
import type { Store } from '../store/store.ts';
import type { Duty } from './duties.ts';

/** A database that is away for less than this is no failure of sealing; milliseconds. */
const AWAY_MILLISECONDS = 5_000;
/** How long the end of the process waits for deliveries that are under way; milliseconds. */
const LAST_DELIVERY_MILLISECONDS = 2_000;

/** Seals of the audit log: checkpoints, proofs from them, and how far the sinks are. `countersign.seals`. */
export class AuditSeals {
  readonly #seals: SealStore;
  readonly #keys: CheckpointKeys;

  constructor(seals: SealStore, keys: CheckpointKeys) {
    this.#seals = seals;
    this.#keys = keys;
  }

  /** The newest checkpoint, a signed note; null: nothing is sealed yet. */
  async checkpoint(): Promise<string | null> {
    return (await this.#seals.newest())?.checkpoint ?? null;
  }

  /** What checks the checkpoints of this log, as `vkey`s (C2SP signed-note): the one that signs now is the first. */
  async vkeys(): Promise<readonly string[]> {
    const newest = await this.#seals.newest();
    const origin = newest === null ? null : parseCheckpoint(newest.checkpoint).origin;
    return this.#keys.verifiers(this.#keys.originAfter(origin)).map(({ vkey }) => vkey);
  }

  /**
   * That this event is in the log, for whoever has the `vkey`. Null: not sealed yet, which lasts a second. Throws `not_found`
   * where there is no such event, `audit_proof_invalid` where a part of the tree is missing.
   */
  inclusionProof(eventId: string): Promise<InclusionProof | null> {
    return proveInclusion(this.#seals, eventId);
  }

  /**
   * That the log of today begins with all that this checkpoint covered. Says nothing of who signed it: `verifyProof` does. Throws
   * `checkpoint_invalid`, `audit_proof_invalid` where the log is smaller, or what is needed was moved to an archive.
   */
  consistencyProof(checkpoint: string): Promise<ConsistencyProof> {
    return proveConsistency(this.#seals, checkpoint);
  }
}

/** Seals, and brings the checkpoints to the sinks: work of the process that leads. */
export class SealingDuty implements Duty {
  readonly name = 'sealing';
  readonly #sealer: Sealer;
  readonly #deliveries: readonly CheckpointDelivery[];
  readonly #audit: AuditWriter;
  readonly #configuration: Configuration;
  /** Why sealing fails, as it was told; null: it does not. */
  #failure: string | null = null;
  #soundAt: number;

  constructor(configuration: Configuration, store: Store, audit: AuditWriter) {
    const { audit: options, checkpointKeys, clock } = configuration;
    this.#configuration = configuration;
    this.#audit = audit;
    this.#sealer = new Sealer({ seals: store.seals, keys: checkpointKeys, clock });
    this.#soundAt = clock.elapsed();
    this.#deliveries = options.checkpointSinks.map(
      (sink) =>
        new CheckpointDelivery({
          sink,
          clock,
          leastSeconds: options.checkpointSeconds,
          health: new SinkHealth(sink.name, 'checkpoints', audit),
        }),
    );
  }

  /** Of this process: where another one leads, its sinks are `unused`. */
  get sinks(): readonly CheckpointSinkState[] {
    return this.#deliveries.map(({ state }) => state);
  }

  async run(): Promise<void> {
    try {
      const newest = await this.#sealer.run();
      this.#soundAt = this.#configuration.clock.elapsed();
      this.#failure = null;
      if (newest !== null) this.#offer(newest);
    } catch (error) {
      this.#tellFailure(CountersignError.is(error) ? error.code : 'internal');
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#deliveries.map((delivery) => delivery.close(LAST_DELIVERY_MILLISECONDS)));
  }

  #offer({ checkpoint, size, at }: SealRow): void {
    for (const delivery of this.#deliveries) delivery.offer(checkpoint, { size, at: new Date(at) });
  }

  /** On a change of state only. What nobody could write down while it lasts is no failure of sealing either. */
  #tellFailure(reason: string): void {
    const isAway = ['store_unavailable', 'store_wait_exceeded', 'store_closed'].includes(reason);
    if (isAway && this.#configuration.clock.elapsed() - this.#soundAt < AWAY_MILLISECONDS) return;
    if (reason === this.#failure) return;
    this.#failure = reason;
    const told = this.#audit.appendBehind({
      code: 'AUDIT_SEALING_FAILED',
      outcome: 'failure',
      workspaceId: null,
      userId: null,
      reason,
    });
    // Where the queue is full the event is refused, and what it tells of is the least of it.
    void told?.catch(() => {});
  }
}
