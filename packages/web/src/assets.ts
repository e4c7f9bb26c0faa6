import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A file that pages load. */
export interface Asset {
  readonly body: Uint8Array;
  readonly contentType: string;
  /** SHA-256 of the body, base64url. */
  readonly hash: string;
  /** A strong entity tag, quotes included. */
  readonly etag: string;
}

export interface Assets {
  /** By file name: `countersign.css`, `countersign.js`, `step-up.js`, `passkey.js`, `emergency.js`. */
  readonly files: ReadonlyMap<string, Asset>;
  /** Changes when any file does; goes into `Shell.assetsVersion`, so that files can be served as `immutable`. */
  readonly version: string;
}

const folders = {
  'countersign.css': { folder: '../assets', contentType: 'text/css; charset=utf-8' },
  'countersign.js': { folder: '../dist/browser', contentType: 'text/javascript; charset=utf-8' },
  'step-up.js': { folder: '../dist/browser', contentType: 'text/javascript; charset=utf-8' },
  'passkey.js': { folder: '../dist/browser', contentType: 'text/javascript; charset=utf-8' },
  'emergency.js': { folder: '../dist/browser', contentType: 'text/javascript; charset=utf-8' },
} as const;

/** Reads the assets that ship with this package; the scripts are those that the build has bundled. Call it once at start-up; it throws where the installation is not whole. */
export function loadAssets(): Assets {
  const files = new Map<string, Asset>();
  for (const [name, { folder, contentType }] of Object.entries(folders)) {
    const body = readFileSync(new URL(`${folder}/${name}`, import.meta.url));
    const hash = createHash('sha256').update(body).digest('base64url');
    files.set(name, Object.freeze({ body, contentType, hash, etag: `"${hash}"` }));
  }
  const all = createHash('sha256').update([...files.values()].map((file) => file.hash).join('\n'));
  return Object.freeze({ files, version: all.digest('base64url').slice(0, 16) });
}
