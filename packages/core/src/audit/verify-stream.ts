import { CHAIN_START, chainHash } from './canonical.ts';
import type { AuditRecord } from './event.ts';

/** What a check of one stream found. */
export type StreamCheck =
  | { readonly intact: true; readonly records: number; readonly head: Uint8Array }
  | { readonly intact: false; readonly index: number; readonly fault: 'missing-or-reordered' | 'altered' };

/**
 * Checks one stream from its first record: indexes dense from 0, each hash as computed from the record before it.
 * Reports the first deviation. It sees edits, deletions inside the stream and reordering; the end cut off, or the whole stream
 * recomputed, only shows against a head that was kept elsewhere (`expectedHead`).
 */
export async function verifyStream(
  records: AsyncIterable<AuditRecord> | Iterable<AuditRecord>,
  expectedHead?: { readonly index: number; readonly hash: Uint8Array },
): Promise<StreamCheck> {
  let head = CHAIN_START;
  let index = 0;
  for await (const record of records) {
    if (record.index !== index) return { intact: false, index, fault: 'missing-or-reordered' };
    const hash = hashOf(head, record);
    if (hash === null || !equal(hash, record.hash)) return { intact: false, index, fault: 'altered' };
    if (expectedHead?.index === index && !equal(hash, expectedHead.hash)) {
      return { intact: false, index, fault: 'altered' };
    }
    head = hash;
    index += 1;
  }
  if (expectedHead !== undefined && expectedHead.index >= index) {
    return { intact: false, index, fault: 'missing-or-reordered' };
  }
  return { intact: true, records: index, head };
}

/** Null where an altered field has no canonical form at all, such as an instant before 1970. */
function hashOf(head: Uint8Array, record: AuditRecord): Uint8Array | null {
  try {
    return chainHash(head, record);
  } catch {
    return null;
  }
}

const equal = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;
