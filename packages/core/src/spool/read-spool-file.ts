import { readFile } from 'node:fs/promises';
import { CHAIN_START, chainHash } from '../audit/canonical.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { StreamHead } from '../store/store.ts';
import { type Frame, readFrames } from './frame.ts';
import { type FrameContent, openContent, type SpoolEntry } from './spool-entry.ts';
import type { SpoolFileName } from './spool-folder.ts';

/** A file of the spool, read and checked. */
export interface SpoolContent {
  readonly stream: string;
  /** Null where not even the first frame can be read. */
  readonly drainedId: string | null;
  readonly entries: readonly SpoolEntry[];
  /** The last record; null where there is none. */
  readonly head: StreamHead | null;
  /** Where the good frames end. */
  readonly end: number;
  /** Bytes of a write that was cut off: nobody was told that it was done. */
  readonly torn: number;
  /** Whether something behind `entries` was altered or is missing. */
  readonly damaged: boolean;
}

/**
 * Reads a file up to where it ends or was damaged: checksums, seals and the chain. Rejects with `key_unknown` where it was sealed
 * under a key that is not configured any more, and as the file system does.
 */
export async function readSpoolFile(file: SpoolFileName, keyring: Keyring): Promise<SpoolContent> {
  const { frames, end, torn, damaged } = readFrames(await readFile(file.path));
  const entries: SpoolEntry[] = [];
  let drainedId: string | null = null;
  let head: StreamHead | null = null;
  for (const frame of frames) {
    const content = await opened(keyring, file.stream, frame);
    const next: StreamHead | null = content === null ? null : chained(content, file.stream, head);
    if (content === null || next === null)
      return { ...{ stream: file.stream, drainedId, entries, head, end }, torn: 0, damaged: true };
    drainedId ??= content.drainedId;
    entries.push(...content.entries);
    head = next;
  }
  return { stream: file.stream, drainedId, entries, head, end, torn, damaged: damaged || file.damaged };
}

async function opened(keyring: Keyring, stream: string, frame: Frame): Promise<FrameContent | null> {
  try {
    return await openContent(keyring, stream, frame.number, frame.body);
  } catch (error) {
    // A key can be brought back; what was altered cannot.
    if (CountersignError.is(error) && error.code === 'key_unknown') throw error;
    return null;
  }
}

/** The new head; null where the records do not follow on the old one. */
function chained(content: FrameContent, stream: string, before: StreamHead | null): StreamHead | null {
  let head = before;
  for (const record of content.entries.flatMap(({ records }) => records)) {
    const hash = chainHash(head?.hash ?? CHAIN_START, record);
    if (record.stream !== stream || record.index !== (head?.index ?? -1) + 1) return null;
    if (Buffer.compare(hash, record.hash) !== 0) return null;
    head = { stream, index: record.index, hash };
  }
  return head;
}
