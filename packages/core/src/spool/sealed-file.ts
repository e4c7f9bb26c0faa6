import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Keyring } from '../keys/keyring.ts';
import { spoolFault, syncFolder } from './spool-folder.ts';

const ownerOf = (name: string) => ({ workspaceId: '', userId: '', id: `spool file ${name}` });

/** Replaces a sealed file of the spool's folder; a crash leaves the old or the new one whole. Rejects with `spool_unavailable`. */
export async function writeSealedFile(folder: string, name: string, keyring: Keyring, text: string): Promise<void> {
  const path = join(folder, name);
  try {
    const handle = await open(`${path}.new`, 'w', 0o600);
    try {
      await handle.writeFile(await keyring.seal(text, ownerOf(name)));
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await rename(`${path}.new`, path);
    await syncFolder(folder);
  } catch (error) {
    throw spoolFault(error);
  }
}

/** Null where there is none, or one that this keyring did not seal: what was known is unknown. */
export async function readSealedFile(folder: string, name: string, keyring: Keyring): Promise<string | null> {
  try {
    return await keyring.open(await readFile(join(folder, name), 'utf8'), ownerOf(name));
  } catch {
    return null;
  }
}
