import { hash } from 'node:crypto';
import type { ChainRecord } from '../store/seal-store.ts';
import { indexOf } from './chain-reader.ts';

/** What was done to the log, as far as it shows. */
export type DeviationKind = 'edited' | 'deleted' | 'reordered' | 'truncated' | 'recomputed' | 'forged-signature';

/** The first place where the log is not what it was. */
export interface AuditDeviation {
  readonly kind: DeviationKind;
  /** Null where it is the seals that deviate, or where any of several streams may. */
  readonly stream: string | null;
  /** Index in the stream: the first record that may be affected. */
  readonly index: number | null;
  /** Not included: it lies before this index. `index + 1` where the record itself is found out; null: unknown. */
  readonly until: number | null;
  /** The seal in which it shows; null behind the last one. */
  readonly seal: number | null;
  /** In a sentence. Nothing of the records. */
  readonly detail: string;
}

/** How many removed records in a row are looked for. */
const MOST_MOVED_UP = 64;

/** SHA-256 over the head and the record's bytes. */
export class ChainHasher {
  #scratch = Buffer.allocUnsafe(4096);

  hash(head: Uint8Array, bytes: Uint8Array): Uint8Array {
    const length = head.length + bytes.length;
    if (this.#scratch.length < length) this.#scratch = Buffer.allocUnsafe(2 * length);
    this.#scratch.set(head);
    this.#scratch.set(bytes, head.length);
    return hash('sha256', this.#scratch.subarray(0, length), 'buffer');
  }
}

/**
 * What was done where a record does not follow on the head: `records` are it and those behind it. Null: its content or a hash was
 * changed, and only the tree can tell which.
 */
export function movedKind(
  head: Uint8Array,
  index: number,
  records: readonly ChainRecord[],
): 'reordered' | 'deleted' | null {
  const hasher = new ChainHasher();
  const follows = (at: Uint8Array, record: ChainRecord, place: number) =>
    equal(hasher.hash(at, withIndex(record.bytes, place)), record.hash);
  if (records.slice(1).some((record) => follows(head, record, index))) return 'reordered';
  const [first, second] = records;
  if (first === undefined || second === undefined) return null;
  // Those behind a removed record were moved up: each still follows on the one before it, by the index that it had.
  for (let moved = 1; moved <= MOST_MOVED_UP; moved += 1) {
    if (follows(first.hash, second, indexOf(second) + moved)) return 'deleted';
  }
  return null;
}

function withIndex(bytes: Uint8Array, index: number): Uint8Array {
  const copy = Buffer.from(bytes);
  copy.writeBigInt64BE(BigInt(index), 17);
  return copy;
}

const equal = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;
