import type { Clock } from '../configuration/sources.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { SealRange, SealRow, SealStore, StreamRange } from '../store/seal-store.ts';
import { checkpointText, verifyCheckpoint } from './checkpoint.ts';
import type { CheckpointKeys } from './checkpoint-keys.ts';
import { HASH_BYTES, leafHash, MerkleFrontier, type TreeNode } from './merkle.ts';

/** Records in one seal at most: their hashes are held in memory, and its commit is one of many rows. */
const MOST_LEAVES = 16_384;
/** Streams in one seal at most: each is a row. */
const MOST_RANGES = 512;
/** How long one turn goes on while there is more; milliseconds. Other duties wait for it. */
const TURN_MILLISECONDS = 500;
/** Between two looks at every stream there is; milliseconds. A stream that is not in the register is found by it. */
const SWEEP_MILLISECONDS = 60_000;
/** Roots of subtrees of 2^8, 2^16, … leaves are kept. */
const LEVEL_STEP = 8;

/**
 * Puts what is committed into the tree and signs its root. What is known of the tree is read from the newest seal each time, and
 * believed only if a key of this log has signed it, so that a row that was changed is not carried on under a new signature.
 */
export class Sealer {
  readonly #seals: SealStore;
  readonly #keys: CheckpointKeys;
  readonly #clock: Clock;
  /** The newest seal that this process has made or met. */
  #known: SealRow | null = null;
  #sweptAt: number | null = null;

  constructor(options: { readonly seals: SealStore; readonly keys: CheckpointKeys; readonly clock: Clock }) {
    this.#seals = options.seals;
    this.#keys = options.keys;
    this.#clock = options.clock;
  }

  /**
   * Seals what is committed, at most for half a second. Resolves with the newest seal there is. Rejects with
   * `audit_sealing_refused`, and with what the store rejects with.
   */
  async run(): Promise<SealRow | null> {
    const begin = this.#clock.elapsed();
    const sweeps = this.#sweptAt === null || begin - this.#sweptAt >= SWEEP_MILLISECONDS;
    let waiting = await this.#seals.unsealed(sweeps);
    if (sweeps) this.#sweptAt = begin;
    if (waiting.length === 0) this.#known ??= await this.#newest();
    while (waiting.length > 0) {
      const chosen = share(waiting);
      this.#known = await this.#seal(chosen);
      if (this.#clock.elapsed() - begin >= TURN_MILLISECONDS) break;
      waiting = rest(waiting, chosen);
    }
    return this.#known;
  }

  async #seal(chosen: readonly StreamRange[]): Promise<SealRow> {
    const newest = await this.#newest();
    const hashes = await this.#seals.hashes(chosen);
    const frontier = newest === null ? new MerkleFrontier() : MerkleFrontier.from(newest.size, newest.frontier);
    const number = newest === null ? 0 : newest.number + 1;
    const nodes: TreeNode[] = [];
    const ranges = chosen.map(({ stream, from, until }, place): SealRange => {
      const leaves = hashes[place] ?? new Uint8Array(0);
      const start = frontier.size;
      // Committed records do not go away by themselves, and a hash of another length is none.
      if (leaves.length !== (until - from) * HASH_BYTES) throw refused('Records that were committed are missing.');
      for (let at = 0; at < leaves.length; at += HASH_BYTES) {
        frontier.append(leafHash(leaves.subarray(at, at + HASH_BYTES)), (level, index, hash) => {
          if (level % LEVEL_STEP === 0) nodes.push({ level, index, hash });
        });
      }
      return { stream, from, until, seal: number, start, head: leaves.subarray(leaves.length - HASH_BYTES) };
    });
    const root = frontier.root();
    const previous = newest === null ? null : originOf(newest.checkpoint);
    const origin = this.#keys.originAfter(previous);
    const text = checkpointText({ origin, size: frontier.size, root, extensions: [] });
    const checkpoint = this.#keys.signer(previous).sign(text);
    const seal = { number, size: frontier.size, root, frontier: frontier.bytes, checkpoint, at: this.#clock.now() };
    if (!(await this.#seals.append(seal, ranges, nodes)))
      throw refused('Another process has sealed them, or they do not follow on what is sealed.');
    return seal;
  }

  /** Throws `audit_sealing_refused` where it is not as a sealer left it. */
  async #newest(): Promise<SealRow | null> {
    const newest = await this.#seals.newest();
    const known = this.#known;
    if (known !== null && (newest === null || newest.number < known.number))
      throw refused('The newest seal is older than one that was there before.');
    if (
      newest === null ||
      (known?.number === newest.number && known.checkpoint === newest.checkpoint && same(known, newest))
    )
      return newest;
    const checkpoint = verifyCheckpoint(newest.checkpoint, this.#keys.verifiers(originOf(newest.checkpoint)));
    if (checkpoint === null) throw refused('No key that is known here has signed the newest seal.');
    const root = MerkleFrontier.from(newest.size, newest.frontier).root();
    if (checkpoint.size !== newest.size || Buffer.compare(checkpoint.root, root) !== 0)
      throw refused('The newest seal is not what was signed.');
    return newest;
  }
}

const same = (one: SealRow, other: SealRow): boolean =>
  one.size === other.size && Buffer.compare(one.frontier, other.frontier) === 0;

const originOf = (checkpoint: string): string => checkpoint.slice(0, checkpoint.indexOf('\n'));

const refused = (detail: string) => new CountersignError('audit_sealing_refused', { detail });

/** As much of each stream as fits one seal; where not all does, no stream takes the room of another. */
function share(waiting: readonly StreamRange[]): readonly StreamRange[] {
  const smallest = [...waiting].sort((one, other) => lengthOf(one) - lengthOf(other)).slice(0, MOST_RANGES);
  let room = MOST_LEAVES;
  const chosen = smallest.map((range, place) => {
    const count = Math.min(lengthOf(range), Math.ceil(room / (smallest.length - place)));
    room -= count;
    return { ...range, until: range.from + count };
  });
  return chosen.filter((range) => lengthOf(range) > 0).sort((one, other) => (one.stream < other.stream ? -1 : 1));
}

function rest(waiting: readonly StreamRange[], chosen: readonly StreamRange[]): readonly StreamRange[] {
  const sealed = new Map(chosen.map(({ stream, until }) => [stream, until]));
  return waiting
    .map((range) => ({ ...range, from: sealed.get(range.stream) ?? range.from }))
    .filter((range) => lengthOf(range) > 0);
}

const lengthOf = ({ from, until }: StreamRange): number => until - from;
