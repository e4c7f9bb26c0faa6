import { hash } from 'node:crypto';

/** The root of the tree of no leaves: SHA-256 of nothing (RFC 9162 §2.1.1). */
export const EMPTY_ROOT: Uint8Array = hash('sha256', new Uint8Array(0), 'buffer');
/** Bytes of a hash. */
export const HASH_BYTES = 32;

/** The hash of a leaf: SHA-256 over 0x00 and its bytes (RFC 9162 §2.1.1). Here the bytes are the hash of an audit record. */
export function leafHash(leaf: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(1 + leaf.length);
  bytes[0] = 0;
  bytes.set(leaf, 1);
  return hash('sha256', bytes, 'buffer');
}

/** The hash over two subtrees: SHA-256 over 0x01 and both (RFC 9162 §2.1.1). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(1 + 2 * HASH_BYTES);
  bytes[0] = 1;
  bytes.set(left, 1);
  bytes.set(right, 1 + HASH_BYTES);
  return hash('sha256', bytes, 'buffer');
}

/** The root of a perfect subtree of 2^`level` leaves, the `index`-th of its level. */
export interface TreeNode {
  readonly level: number;
  readonly index: number;
  readonly hash: Uint8Array;
}

/**
 * The right-hand edge of a growing tree: the roots of the perfect subtrees that its size is made of, the largest first. All that
 * appending takes, and never more than 53 hashes.
 */
export class MerkleFrontier {
  #size: number;
  readonly #hashes: Uint8Array[];

  /** Throws `RangeError` where there are not as many hashes as the size has ones in binary. */
  constructor(size = 0, hashes: readonly Uint8Array[] = []) {
    if (!Number.isSafeInteger(size) || size < 0 || hashes.length !== onesOf(size))
      throw new RangeError('A frontier has one hash for each perfect subtree.');
    if (hashes.some((each) => each.length !== HASH_BYTES)) throw new RangeError('A hash of the tree has 32 bytes.');
    this.#size = size;
    this.#hashes = [...hashes];
  }

  /** From the bytes of {@link MerkleFrontier.bytes}. Throws `RangeError` where they are not those of this size. */
  static from(size: number, bytes: Uint8Array): MerkleFrontier {
    const hashes: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += HASH_BYTES) hashes.push(bytes.subarray(at, at + HASH_BYTES));
    return new MerkleFrontier(size, hashes);
  }

  get size(): number {
    return this.#size;
  }

  get hashes(): readonly Uint8Array[] {
    return this.#hashes;
  }

  /** The hashes one after the other. */
  get bytes(): Uint8Array {
    return Buffer.concat(this.#hashes);
  }

  /** Appends the hash of a leaf; tells of each perfect subtree that it completes, the smallest first. */
  append(leaf: Uint8Array, completed?: (level: number, index: number, hash: Uint8Array) => void): void {
    let root = leaf;
    let level = 0;
    let index = this.#size;
    while (index % 2 === 1) {
      const left = this.#hashes.pop();
      if (left === undefined) throw new RangeError('A frontier has one hash for each perfect subtree.');
      root = nodeHash(left, root);
      level += 1;
      index = (index - 1) / 2;
      completed?.(level, index, root);
    }
    this.#hashes.push(root);
    this.#size += 1;
  }

  /** The root of the tree (RFC 9162 §2.1.1). */
  root(): Uint8Array {
    let root: Uint8Array | null = null;
    for (let at = this.#hashes.length - 1; at >= 0; at -= 1) {
      const left = this.#hashes[at] as Uint8Array;
      root = root === null ? left : nodeHash(left, root);
    }
    return root ?? EMPTY_ROOT;
  }
}

/** Ones of a number in binary: the perfect subtrees of a tree of this size. */
function onesOf(size: number): number {
  let ones = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  return ones;
}

/** The largest power of two below `size`, which is at least 2. */
export function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}
