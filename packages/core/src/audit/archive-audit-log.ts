import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../configuration/sources.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { Store } from '../store/store.ts';
import { archivedRecord, archivedSeal, archiveHeader } from './archived-log.ts';
import type { AuditWriter } from './writer.ts';

/** What is to be moved out, and where to. */
export interface AuditArchiving {
  /** Opened as the owner of the tables. */
  readonly store: Store;
  readonly audit: AuditWriter;
  readonly clock: Clock;
  /** Milliseconds: only seals all of whose records are older go, and none behind the first that is not. */
  readonly before: number;
  /** A file that is not there yet. */
  readonly file: string;
}

/** What was moved out. */
export interface ArchivedPart {
  readonly firstSeal: number;
  readonly lastSeal: number;
  readonly records: number;
  /** SHA-256 of the file, in hex. */
  readonly digest: string;
}

const SEAL_PAGE = 100;
const RECORD_PAGE = 1000;

/**
 * Moves sealed records into a file, and leaves their seals, so that all that is left, and proofs of it, stay verifiable. The file is on
 * disk before the log says so (`AUDIT_ARCHIVED`), and the log says so before a record goes. Null: nothing is old enough. Throws
 * `audit_archive_invalid` where records are missing: verify the log first.
 */
export async function archiveAuditLog(archiving: AuditArchiving): Promise<ArchivedPart | null> {
  const { store, audit, clock, before, file } = archiving;
  const lastSeal = await store.seals.lastSealBefore(before);
  if (lastSeal === null) return null;
  const firstSeal = ((await store.seals.archives()).at(-1)?.seal ?? -1) + 1;
  const { records, digest } = await write(store, file, firstSeal, lastSeal);
  const part = { firstSeal, lastSeal, records, digest: digest.toString('hex') };
  const event = { code: 'AUDIT_ARCHIVED', workspaceId: null, userId: null, details: JSON.stringify(part) } as const;
  await audit.append([{ ...event, outcome: 'success' }]);
  try {
    await store.seals.moveOut({ seal: lastSeal, digest, at: clock.now() }, records);
  } catch (error) {
    const reason = CountersignError.is(error) ? error.code : 'internal';
    await audit.append([{ ...event, outcome: 'failure', reason }]);
    throw error;
  }
  return part;
}

async function write(
  store: Store,
  file: string,
  firstSeal: number,
  lastSeal: number,
): Promise<{ readonly records: number; readonly digest: Buffer }> {
  // Never over another file: it may be the only copy of what was moved out before.
  const handle = await open(file, 'wx', 0o600);
  try {
    const hash = createHash('sha256');
    const put = async (text: string) => {
      hash.update(text);
      await handle.writeFile(text);
    };
    let records = 0;
    await put(archiveHeader(firstSeal, lastSeal));
    for (let from = firstSeal; from <= lastSeal; from += SEAL_PAGE) {
      const page = await store.seals.page(from, Math.min(SEAL_PAGE, lastSeal + 1 - from));
      for (const seal of page) {
        await put(archivedSeal(seal));
        for (const range of seal.ranges) {
          for (let at = range.from; at < range.until; at += RECORD_PAGE) {
            const part = { stream: range.stream, from: at, until: Math.min(range.until, at + RECORD_PAGE) };
            const found = await store.seals.records(part);
            if (found.length !== part.until - part.from)
              throw new CountersignError('audit_archive_invalid', { detail: 'Records that were sealed are missing.' });
            records += found.length;
            await put(found.map(archivedRecord).join(''));
          }
        }
      }
    }
    await handle.sync();
    await syncFolder(dirname(file));
    return { records, digest: hash.digest() };
  } finally {
    await handle.close();
  }
}

/** The file's name must outlive a crash as well. Where folders cannot be opened (Windows), the file alone has to do. */
async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | null = null;
  try {
    handle = await open(folder, 'r');
    await handle.sync();
  } catch {
    // Nothing more can be done here.
  } finally {
    await handle?.close();
  }
}
