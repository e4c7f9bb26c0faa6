import { CountersignError } from '../errors/countersign-error.ts';
import type { SealStore } from '../store/seal-store.ts';
import type { ConsistencyProof, InclusionProof } from './audit-proof.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { StoredTree } from './stored-tree.ts';

/**
 * That this event is in the log of the newest checkpoint. Null: not sealed yet. Throws `not_found` where there is no such event,
 * `audit_proof_invalid` where a part of the tree is missing.
 */
export async function proveInclusion(seals: SealStore, eventId: string): Promise<InclusionProof | null> {
  const found = await seals.event(eventId);
  if (found === null) throw new CountersignError('not_found');
  const newest = await seals.newest();
  const { record, leafIndex } = found;
  if (newest === null || leafIndex === null || leafIndex >= newest.size) return null;
  const tree = await StoredTree.open(seals, newest.size, await seals.archives());
  return {
    kind: 'inclusion',
    event: record,
    previous: record.index === 0 ? null : await hashBefore(seals, record.stream, record.index),
    leafIndex,
    treeSize: newest.size,
    hashes: await tree.inclusion(leafIndex),
    checkpoint: newest.checkpoint,
  };
}

/**
 * That the log of the newest checkpoint begins with all that this one covers. Throws `checkpoint_invalid`, `audit_proof_invalid` where
 * the log is smaller, or what is needed was moved to an archive.
 */
export async function proveConsistency(seals: SealStore, checkpoint: string): Promise<ConsistencyProof> {
  const first = parseCheckpoint(checkpoint);
  const newest = await seals.newest();
  if (newest === null || newest.size < first.size) {
    throw new CountersignError('audit_proof_invalid', {
      detail: 'The log has fewer events than the checkpoint covers.',
    });
  }
  const tree = await StoredTree.open(seals, newest.size, await seals.archives());
  const hashes = await tree.consistency(first.size);
  return { kind: 'consistency', first: checkpoint, hashes, checkpoint: newest.checkpoint };
}

/** Of the first record that an archive has left, the one before is only known by its hash. */
async function hashBefore(seals: SealStore, stream: string, index: number): Promise<Uint8Array> {
  const [hash] = await seals.hashes([{ stream, from: index - 1, until: index }]);
  if (hash !== undefined && hash.length > 0) return hash;
  for (const { heads } of [...(await seals.archives())].reverse()) {
    const [left, head] = (JSON.parse(heads) as Readonly<Record<string, readonly [number, string]>>)[stream] ?? [];
    if (left === index && head !== undefined) return Buffer.from(head, 'hex');
  }
  throw new CountersignError('audit_proof_invalid', { detail: 'The record before this one is missing.' });
}
