import { z } from 'zod';
import { CountersignError } from '../errors/countersign-error.ts';
import { chainHash } from './canonical.ts';
import { type NoteVerifier, verifyCheckpoint } from './checkpoint.ts';
import { type AuditRecord, auditTextFields } from './event.ts';
import { verifyConsistency, verifyInclusion } from './merkle-proof.ts';

/** That an event is in the log of which a checkpoint tells. */
export interface InclusionProof {
  readonly kind: 'inclusion';
  readonly event: AuditRecord;
  /** The hash of the record before it; null of the first of a stream. With it the event's own hash is recomputed. */
  readonly previous: Uint8Array | null;
  readonly leafIndex: number;
  readonly treeSize: number;
  /** RFC 9162 §2.1.3. */
  readonly hashes: readonly Uint8Array[];
  readonly checkpoint: string;
}

/** That the log of one checkpoint begins with all of an earlier one's. */
export interface ConsistencyProof {
  readonly kind: 'consistency';
  /** The earlier checkpoint. */
  readonly first: string;
  /** RFC 9162 §2.1.4. */
  readonly hashes: readonly Uint8Array[];
  readonly checkpoint: string;
}

const bytes = z
  .string()
  .regex(/^[A-Za-z0-9+/]{43}=$/)
  .transform((text): Uint8Array => Buffer.from(text, 'base64'));
const textField = z.string().nullable();
const record = z.strictObject({
  stream: z.string(),
  index: z.int().min(0),
  id: z.string(),
  at: z.int(),
  ...(Object.fromEntries(auditTextFields.map((field) => [field, textField])) as Record<
    (typeof auditTextFields)[number],
    typeof textField
  >),
  hash: bytes,
});
const proof = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('inclusion'),
    event: record,
    previous: bytes.nullable(),
    leafIndex: z.int().min(0),
    treeSize: z.int().min(1),
    hashes: z.array(bytes).max(64),
    checkpoint: z.string(),
  }),
  z.strictObject({
    kind: z.literal('consistency'),
    first: z.string(),
    hashes: z.array(bytes).max(128),
    checkpoint: z.string(),
  }),
]);

/** The record as JSON: its members, the hash in base64. */
export const recordJson = (event: AuditRecord): Readonly<Record<string, unknown>> => ({
  ...event,
  hash: Buffer.from(event.hash).toString('base64'),
});

/** A record from its JSON; null where it is none. */
export function parseRecord(json: unknown): AuditRecord | null {
  const parsed = record.safeParse(json);
  return parsed.success ? (parsed.data as AuditRecord) : null;
}

/** A proof as JSON text: hashes in base64. */
export function proofJson(value: InclusionProof | ConsistencyProof): string {
  const base64 = (hash: Uint8Array) => Buffer.from(hash).toString('base64');
  const shared = { hashes: value.hashes.map(base64), checkpoint: value.checkpoint };
  const own =
    value.kind === 'consistency'
      ? { kind: value.kind, first: value.first }
      : {
          kind: value.kind,
          event: recordJson(value.event),
          previous: value.previous === null ? null : base64(value.previous),
          leafIndex: value.leafIndex,
          treeSize: value.treeSize,
        };
  return `${JSON.stringify({ ...own, ...shared }, null, 2)}\n`;
}

/** Reads what {@link proofJson} wrote. Throws `audit_proof_invalid`. */
export function parseProof(text: string): InclusionProof | ConsistencyProof {
  let json: unknown = null;
  try {
    json = JSON.parse(text);
  } catch {
    // Told below, as every other form that is none.
  }
  const parsed = proof.safeParse(json);
  if (!parsed.success) throw new CountersignError('audit_proof_invalid');
  return parsed.data as InclusionProof | ConsistencyProof;
}

/**
 * Checks a proof with nothing but the keys: the event's hash from its content, the way from it to the root, and who signed the
 * root. False where any of it does not hold. Throws `checkpoint_invalid` where what is given as a checkpoint is none.
 */
export function verifyProof(value: InclusionProof | ConsistencyProof, verifiers: readonly NoteVerifier[]): boolean {
  const newest = verifyCheckpoint(value.checkpoint, verifiers);
  if (newest === null) return false;
  if (value.kind === 'consistency') {
    const first = verifyCheckpoint(value.first, verifiers);
    return first !== null && first.origin === newest.origin && verifyConsistency(first, newest, value.hashes);
  }
  const { event, previous, leafIndex, treeSize, hashes } = value;
  if (treeSize !== newest.size || (previous === null) !== (event.index === 0)) return false;
  return isHashOf(event, previous) && verifyInclusion(event.hash, leafIndex, treeSize, hashes, newest.root);
}

/** Whether the record's hash is that of its content behind the record before it. */
function isHashOf(event: AuditRecord, previous: Uint8Array | null): boolean {
  try {
    return Buffer.compare(chainHash(previous ?? new Uint8Array(32), event), event.hash) === 0;
  } catch {
    return false;
  }
}
