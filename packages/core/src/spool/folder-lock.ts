import { readFile, realpath, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import lockfile from 'proper-lockfile';
import { CountersignError } from '../errors/countersign-error.ts';

/** A holder on another machine is taken for dead when its file was not touched for this long. */
const STALE_SECONDS = 60;

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process started, milliseconds: tells it from a later process with the same number (in containers, always 1). */
  readonly startedAt: number;
}

/** How a folder is locked. */
export interface FolderLock {
  /** The lock's file, from the folder's own path without links: beside it, or inside where the folder is a volume that others mount too. */
  readonly place: (folder: string) => string;
  /** What is thrown where another process holds it. */
  readonly code: 'store_folder_in_use' | 'spool_folder_in_use';
}

/**
 * Takes a folder for this process and returns how to give it back.
 *
 * The lock names its process, so that it is free the moment that process is dead. A lock that lives by its age alone would be
 * lost by a process that is merely busy: an embedded database computes on the main thread, for seconds at a time.
 *
 * @throws CountersignError `lock.code`
 */
export async function lockFolder(folder: string, lock: FolderLock): Promise<() => Promise<void>> {
  const file = lock.place(await realpath(folder));
  const self: Holder = { pid: process.pid, host: hostname(), startedAt: Math.round(performance.timeOrigin) };
  await guarded(file, async () => {
    const holder = await readHolder(file);
    if (holder !== null && (await isAlive(holder, self, file))) {
      throw new CountersignError(lock.code, {
        detail: `The folder is open in process ${holder.pid} on ${holder.host}.`,
        cure: `Stop that process, or use another folder: each process needs one of its own. If there is no such process, delete ${file}.`,
      });
    }
    await writeFile(file, JSON.stringify(self));
  });

  const heartbeat = setInterval(
    () => {
      const now = new Date();
      utimes(file, now, now).catch(() => {});
    },
    (STALE_SECONDS / 6) * 1000,
  );
  heartbeat.unref();

  return async () => {
    clearInterval(heartbeat);
    await guarded(file, async () => {
      const holder = await readHolder(file);
      if (holder !== null && isSame(holder, self)) await rm(file, { force: true });
    });
  };
}

/** One process at a time looks at the file and changes it: two that find a dead holder must not both take its place. */
async function guarded(file: string, work: () => Promise<void>): Promise<void> {
  const release = await lockfile.lock(file, {
    realpath: false,
    lockfilePath: `${file}.guard`,
    retries: { retries: 60, factor: 1, minTimeout: 50, maxTimeout: 250 },
    // Held for milliseconds; should it be taken away meanwhile, the holder's file decides all the same.
    onCompromised: () => {},
  });
  try {
    await work();
  } finally {
    await release().catch(() => {});
  }
}

/** Null where there is no file, or one that was cut off while it was written. */
async function readHolder(file: string): Promise<Holder | null> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isHolder(value) ? value : null;
  } catch {
    return null;
  }
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, host, startedAt } = value as Partial<Record<keyof Holder, unknown>>;
  return typeof pid === 'number' && typeof host === 'string' && typeof startedAt === 'number';
}

const isSame = (one: Holder, other: Holder): boolean =>
  one.pid === other.pid && one.host === other.host && one.startedAt === other.startedAt;

async function isAlive(holder: Holder, self: Holder, file: string): Promise<boolean> {
  if (holder.host !== self.host) {
    const { mtimeMs } = await stat(file);
    const age = performance.timeOrigin + performance.now() - mtimeMs;
    return age < STALE_SECONDS * 1000;
  }
  if (holder.pid === self.pid) return isSame(holder, self);
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (error) {
    // EPERM: alive, and somebody else's.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
