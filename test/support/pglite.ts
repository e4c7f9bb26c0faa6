import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite, type PGliteOptions } from '@electric-sql/pglite';
import t from 'tap';
import { installedPackage } from './installed-package.ts';

let dumping: Promise<void> | undefined;

/**
 * An empty in-memory PGlite, closed at the end of the test file. Loaded from a dump that the first call leaves in the
 * folder for temporary files, which takes a third of the time of creating one.
 */
export async function createPglite(options: PGliteOptions = {}): Promise<PGlite> {
  const empty = join(
    tmpdir(),
    `countersign-pglite-${process.getuid?.() ?? 'user'}-${installedPackage('@electric-sql/pglite').version}.tar.gz`,
  );
  if (!existsSync(empty)) {
    dumping ??= dumpEmpty(empty);
    await dumping;
  }
  const database = await PGlite.create({ ...options, loadDataDir: new Blob([await readFile(empty)]) });
  t.teardown(async () => {
    if (!database.closed) await database.close();
  });
  return database;
}

async function dumpEmpty(path: string): Promise<void> {
  const database = await PGlite.create();
  const dump = await database.dumpDataDir('gzip');
  await database.close();
  // Two test files may come here at once: whoever renames last leaves a whole file all the same.
  const partial = `${path}.${process.pid}`;
  await writeFile(partial, Buffer.from(await dump.arrayBuffer()));
  await rename(partial, path);
}
