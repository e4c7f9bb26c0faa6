import { CountersignError } from '../errors/countersign-error.ts';
import type { ArchiveRow, SealStore } from '../store/seal-store.ts';
import { HASH_BYTES, leafHash, MerkleFrontier, nodeHash, splitOf } from './merkle.ts';
import { consistencySubtrees, inclusionSubtrees } from './merkle-proof.ts';

/** Roots of subtrees of 2^8, 2^16, … leaves are stored. */
const LEVEL_STEP = 8;

/**
 * The tree as it lies in the store: hashes of its subtrees, each from at most some hundreds of leaves and stored nodes. Where events
 * were moved out, the frontier of the last seal that went with them stands for what is gone.
 */
export class StoredTree {
  readonly #seals: SealStore;
  readonly #size: number;
  /** Leaves that were moved out. */
  readonly #gone: number;
  /** Subtrees that are known without a look, by `from` and `until`. */
  readonly #known = new Map<string, Uint8Array>();

  private constructor(seals: SealStore, size: number, gone: number) {
    this.#seals = seals;
    this.#size = size;
    this.#gone = gone;
  }

  /** The tree at a size. */
  static async open(seals: SealStore, size: number, archives: readonly ArchiveRow[]): Promise<StoredTree> {
    const last = archives.at(-1);
    const tree = new StoredTree(seals, size, last?.size ?? 0);
    const seal = last === undefined ? null : await seals.sealOf(last.size);
    if (seal === null) return tree;
    let from = 0;
    for (const hash of MerkleFrontier.from(seal.size, seal.frontier).hashes) {
      const length = largestPart(seal.size - from);
      tree.#known.set(`${from} ${from + length}`, hash);
      from += length;
    }
    return tree;
  }

  /** Proof that the leaf is in the tree (RFC 9162 §2.1.3). */
  async inclusion(index: number): Promise<readonly Uint8Array[]> {
    return await this.#all(inclusionSubtrees(index, this.#size));
  }

  /** Proof that the tree begins with the one of `first` leaves (RFC 9162 §2.1.4). */
  async consistency(first: number): Promise<readonly Uint8Array[]> {
    return await this.#all(consistencySubtrees(first, this.#size));
  }

  async #all(subtrees: readonly (readonly [number, number])[]): Promise<readonly Uint8Array[]> {
    const hashes: Uint8Array[] = [];
    for (const [from, until] of subtrees) hashes.push(await this.#hash(from, until));
    return hashes;
  }

  async #hash(from: number, until: number): Promise<Uint8Array> {
    const known = this.#known.get(`${from} ${until}`);
    if (known !== undefined) return known;
    const length = until - from;
    const level = Math.log2(length);
    if (!Number.isInteger(level) || (from < this.#gone && this.#gone < until)) {
      const middle = from + splitOf(length);
      return nodeHash(await this.#hash(from, middle), await this.#hash(middle, until));
    }
    const step = Math.floor(level / LEVEL_STEP) * LEVEL_STEP;
    if (step > 0) {
      const part = 2 ** step;
      const nodes = await this.#seals.nodes(step, from / part, until / part);
      return rootOf(
        nodes.map(({ hash }) => hash),
        length / part,
      );
    }
    if (until <= this.#gone)
      throw new CountersignError('audit_proof_invalid', { detail: 'These events were moved to an archive.' });
    return rootOf(await this.#leaves(from, until), length);
  }

  async #leaves(from: number, until: number): Promise<readonly Uint8Array[]> {
    const ranges = await this.#seals.ranges(from, until);
    const wanted = ranges.map(({ stream, from: first, until: end, start }) => ({
      stream,
      from: Math.max(first, first + from - start),
      until: Math.min(end, first + until - start),
    }));
    const leaves: Uint8Array[] = [];
    for (const hashes of await this.#seals.hashes(wanted.filter((range) => range.from < range.until))) {
      for (let at = 0; at < hashes.length; at += HASH_BYTES)
        leaves.push(leafHash(hashes.subarray(at, at + HASH_BYTES)));
    }
    return leaves;
  }
}

/** The root of a perfect subtree over all its parts. */
function rootOf(parts: readonly Uint8Array[], count: number): Uint8Array {
  const frontier = new MerkleFrontier();
  for (const part of parts) frontier.append(part);
  if (frontier.size === count && frontier.size > 0) return frontier.root();
  throw new CountersignError('audit_proof_invalid', { detail: 'A part of the tree is missing in the database.' });
}

/** The largest power of two in it. */
const largestPart = (size: number): number => 2 ** Math.floor(Math.log2(size));
