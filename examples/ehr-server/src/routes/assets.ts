import { readFile } from 'node:fs/promises';
import type { Reply } from './reply.ts';

const types = { 'ehr.css': 'text/css; charset=utf-8', 'ehr.svg': 'image/svg+xml' } as const;
export type AssetName = keyof typeof types;
export const assetNames = Object.keys(types) as readonly AssetName[];

/** Reads the package's `assets` once; only the names above can ever be asked for. */
export async function loadAssets(): Promise<(name: AssetName) => Reply> {
  const folder = new URL('../../assets/', import.meta.url);
  const loaded = new Map<AssetName, Reply>();
  for (const name of assetNames) {
    const headers = {
      'content-type': types[name],
      'cache-control': 'public, max-age=300',
      'x-content-type-options': 'nosniff',
    };
    loaded.set(name, { status: 200, headers, body: await readFile(new URL(name, folder), 'utf8') });
  }
  return (name) => {
    const reply = loaded.get(name);
    if (reply === undefined) throw new RangeError(`There is no asset ${name}.`);
    return reply;
  };
}
