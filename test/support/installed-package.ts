import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/** Where a dependency lies, and its version, also where its `exports` hide package.json. */
export function installedPackage(name: string): { readonly entry: string; readonly version: string } {
  const entry = require.resolve(name);
  for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (!existsSync(manifest)) continue;
    const found: { name?: string; version?: string } = JSON.parse(readFileSync(manifest, 'utf8'));
    if (found.name === name && found.version) return { entry, version: found.version };
  }
  throw new Error(`No package.json of ${name} above ${entry}.`);
}
