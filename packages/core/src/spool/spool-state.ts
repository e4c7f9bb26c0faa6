import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readFrames } from './frame.ts';
import { removeFile, spoolFiles } from './spool-folder.ts';

/** What lies in a spool, as it can be seen from outside and without a key. */
export interface SpoolState {
  /** Events that wait for the database. */
  readonly undrained: number;
  /** Of all files, those set aside as damaged included. */
  readonly bytes: number;
  /** When the oldest of them happened; null where none waits. */
  readonly oldest: Date | null;
  /** Files of which something in the middle is lost. */
  readonly damaged: number;
  /** Whether a file can be made there, written and brought to disk. */
  readonly writable: boolean;
}

/** As much as an emergency access with a handful of records takes. */
const PROBE_BYTES = 65_536;

/** Looks into a spool's folder, also while a process uses it. Never rejects for what it finds there. */
export async function spoolState(folder: string): Promise<SpoolState> {
  let undrained = 0;
  let bytes = 0;
  let oldest: number | null = null;
  let damaged = 0;
  for (const file of await spoolFiles(folder).catch(() => [])) {
    const content = await readFile(file.path).catch(() => null);
    // Drained in this very moment.
    if (content === null) continue;
    const reading = readFrames(content);
    bytes += content.length;
    if (file.damaged || reading.damaged) damaged += 1;
    if (file.damaged) continue;
    for (const { events, at } of reading.frames) {
      undrained += events;
      oldest = Math.min(oldest ?? at, at);
    }
  }
  return {
    undrained,
    bytes,
    oldest: oldest === null ? null : new Date(oldest),
    damaged,
    writable: await isWritable(folder),
  };
}

async function isWritable(folder: string): Promise<boolean> {
  const path = join(folder, `probe-${process.pid}`);
  try {
    if (!(await stat(folder)).isDirectory()) return false;
    const handle = await open(path, 'w', 0o600);
    try {
      await handle.writeFile(Buffer.alloc(PROBE_BYTES, 1));
      await handle.datasync();
    } finally {
      await handle.close();
    }
    return true;
  } catch {
    return false;
  } finally {
    await removeFile(folder, path).catch(() => {});
  }
}
