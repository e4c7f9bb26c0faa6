import { leafHash, nodeHash, splitOf } from './merkle.ts';

/** Whatever knows the hashes of the tree: the root of the subtree over the leaves from `from`, and before `until`. */
export type SubtreeHash = (from: number, until: number) => Promise<Uint8Array>;

/** The subtrees whose roots prove that a leaf is in a tree of this size, in the order of RFC 9162 §2.1.3.1. */
export function inclusionSubtrees(index: number, size: number): readonly (readonly [number, number])[] {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size)
    throw new RangeError('A leaf has an index below the size of its tree.');
  const path: (readonly [number, number])[] = [];
  let from = 0;
  let until = size;
  while (until - from > 1) {
    const middle = from + splitOf(until - from);
    if (index < middle) {
      path.unshift([middle, until]);
      until = middle;
    } else {
      path.unshift([from, middle]);
      from = middle;
    }
  }
  return path;
}

/** The subtrees whose roots prove that a tree of `size` leaves begins with one of `first`, in the order of RFC 9162 §2.1.4.1. */
export function consistencySubtrees(first: number, size: number): readonly (readonly [number, number])[] {
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(size) || first < 0 || first > size)
    throw new RangeError('Consistency is proved of a smaller tree with a larger one.');
  // Nothing is to be shown: a tree of no leaves begins every tree, and each begins itself.
  if (first === 0 || first === size) return [];
  const path: (readonly [number, number])[] = [];
  let from = 0;
  let until = size;
  let whole = true;
  while (first !== until) {
    const middle = from + splitOf(until - from);
    if (first <= middle) {
      path.unshift([middle, until]);
      until = middle;
    } else {
      path.unshift([from, middle]);
      from = middle;
      whole = false;
    }
  }
  // The verifier knows the smaller tree's root, and needs the hash of its last perfect part only where that is not all of it.
  if (!whole) path.unshift([from, until]);
  return path;
}

/** Whether a leaf (the hash of an audit record) is the `index`-th of the tree with this size and root (RFC 9162 §2.1.3.2). */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  hashes: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) return false;
  let node = index;
  let last = size - 1;
  let hash = leafHash(leaf);
  for (const sibling of hashes) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && equal(hash, root);
}

/** Whether the tree with the second size and root begins with all of the first (RFC 9162 §2.1.4.2). */
export function verifyConsistency(
  first: { readonly size: number; readonly root: Uint8Array },
  second: { readonly size: number; readonly root: Uint8Array },
  hashes: readonly Uint8Array[],
): boolean {
  if (!Number.isSafeInteger(first.size) || !Number.isSafeInteger(second.size)) return false;
  if (first.size < 0 || first.size > second.size) return false;
  if (first.size === second.size) return hashes.length === 0 && equal(first.root, second.root);
  if (first.size === 0) return hashes.length === 0;
  const isPower = Number.isInteger(Math.log2(first.size)) && 2 ** Math.log2(first.size) === first.size;
  const [start, ...rest] = isPower ? [first.root, ...hashes] : hashes;
  if (start === undefined) return false;
  let node = first.size - 1;
  let last = second.size - 1;
  while (node % 2 === 1) {
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  let old = start;
  let fresh = start;
  for (const sibling of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      old = nodeHash(sibling, old);
      fresh = nodeHash(sibling, fresh);
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      fresh = nodeHash(fresh, sibling);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && equal(old, first.root) && equal(fresh, second.root);
}

const equal = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;
