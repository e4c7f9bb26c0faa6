import { mkdir, open, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CountersignError } from '../errors/countersign-error.ts';

/** A file of the spool: `<number>-<stream>.spool`. */
export interface SpoolFileName {
  readonly path: string;
  /** In the order in which they were begun. */
  readonly number: number;
  /** UUID of the stream whose records it holds. */
  readonly stream: string;
  /** Set aside: bytes in its middle were altered. */
  readonly damaged: boolean;
}

const FILE = /^(\d{8})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.spool(\.damaged)?$/;

export const spoolFile = (folder: string, number: number, stream: string): string =>
  join(folder, `${String(number).padStart(8, '0')}-${stream}.spool`);

/** The files there are, the oldest first. */
export async function spoolFiles(folder: string): Promise<readonly SpoolFileName[]> {
  const found: SpoolFileName[] = [];
  for (const name of await readdir(folder)) {
    const [, number, stream, damaged] = FILE.exec(name) ?? [];
    if (number === undefined || stream === undefined) continue;
    found.push({ path: join(folder, name), number: Number(number), stream, damaged: damaged !== undefined });
  }
  return found.sort((one, other) => one.number - other.number);
}

/** Makes the folder where it is missing; its parent must be there, since a volume that is not mounted must not pass for one that is. */
export async function makeFolder(folder: string): Promise<void> {
  const isThere = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isThere) await mkdir(folder, { mode: 0o700 });
}

/** Has the folder's own entries on disk: a file that was made or removed. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows knows no handle of a folder, and has nothing to do here.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function removeFile(folder: string, path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
  });
  await syncFolder(folder);
}

/** A fault of the file system as one of ours: the name of the fault, and nothing of what was written. */
export function spoolFault(error: unknown): CountersignError {
  if (CountersignError.is(error)) return error;
  const errno = errnoOf(error);
  return new CountersignError('spool_unavailable', {
    detail: `The emergency spool cannot be written to (${errno}).`,
    cure: cures[errno] ?? 'Look after the volume that emergencyAccess.spool.folder is on.',
    retryAfterSeconds: 5,
    cause: error,
  });
}

const cures: Readonly<Record<string, string>> = {
  ENOSPC: 'Its disk is full: make room.',
  EDQUOT: 'Its disk quota is used up: raise it.',
  EROFS: 'Its disk is mounted read-only.',
  EACCES: 'The process may not write there.',
  ENOENT: 'Its folder is not there: is the volume mounted?',
};

/** Whether a file is not there. */
export const isMissing = (error: unknown): boolean => errnoOf(error) === 'ENOENT';

const errnoOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
