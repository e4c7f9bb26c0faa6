import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckpointAbout, CheckpointSink } from '@countersign/core';
import { required } from './endpoint-url.ts';

/** Options of {@link fileCheckpoints}. */
export interface FileCheckpointsOptions {
  /** A folder of its own, on a disk that the database server's administrators cannot write to. Made where it is not there. */
  readonly folder: string;
  /** Default `file`. */
  readonly name?: string;
}

/**
 * Brings checkpoints to a folder: `checkpoint.txt` is the newest, put in place whole or not at all, and `checkpoints.log` has every one
 * after the other, an empty line behind each. Both are on the disk when it resolves. Give the log away from the host, or make it
 * append-only (`chattr +a`): a file that anyone can change proves nothing against them.
 */
export function fileCheckpoints(options: FileCheckpointsOptions): CheckpointSink {
  const folder = required(options.folder, 'fileCheckpoints.folder');
  const name = required(options.name ?? 'file', 'fileCheckpoints.name');
  return {
    name,
    async deliver(checkpoint: string, _about: CheckpointAbout) {
      await mkdir(folder, { recursive: true });
      // The history first: what is newest is in it.
      await written(join(folder, 'checkpoints.log'), 'a', `${checkpoint}\n`);
      const temporary = join(folder, `.checkpoint-${process.pid}`);
      await written(temporary, 'w', checkpoint);
      await rename(temporary, join(folder, 'checkpoint.txt'));
      await synced(folder);
    },
  };
}

async function written(path: string, flags: 'a' | 'w', text: string): Promise<void> {
  const file = await open(path, flags, 0o640);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A new name is on the disk once its folder is. Windows has no way to say so, and needs none. */
async function synced(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
