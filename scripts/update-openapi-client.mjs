// Rewrites the types of the typed client from the OpenAPI document that is built. Read the difference before you commit it.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const tap = createRequire(import.meta.url)
  .resolve('tap/package.json')
  .replace(/package\.json$/, 'dist/esm/run.mjs');
const { status } = spawnSync(process.execPath, [tap, 'test/repository/openapi.test.ts'], {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  stdio: 'inherit',
  env: { ...process.env, COUNTERSIGN_UPDATE_OPENAPI_CLIENT: '1' },
});
process.exit(status ?? 1);
