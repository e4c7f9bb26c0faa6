// Runs the tests with one PostgreSQL server for all of them, and closes with their number.
// Arguments go to tap: `node scripts/test.mjs packages/core/test/grace.test.ts`.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startEmbeddedServer } from '../test/support/embedded-server.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const tap = createRequire(import.meta.url)
  .resolve('tap/package.json')
  .replace(/package\.json$/, 'dist/esm/run.mjs');

const env = { ...process.env };
const server = env.COUNTERSIGN_TEST_POSTGRES_URL
  ? null
  : await startEmbeddedServer({ settings: { fsync: 'off', full_page_writes: 'off' } });
if (server) env.COUNTERSIGN_TEST_POSTGRES_URL = server.url;

const run = spawn(process.execPath, [tap, ...process.argv.slice(2), '--reporter=tap'], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'inherit'],
  env,
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => run.kill(signal));

// Everything goes to .tap/out.tap; what is printed is a line per file, and before it what failed in it.
mkdirSync(new URL('../.tap/', import.meta.url), { recursive: true });
const log = createWriteStream(new URL('../.tap/out.tap', import.meta.url));
const ended = new Promise((resolve) => run.once('exit', (code, signal) => resolve(code ?? signal)));
let total = '';
let inFailure = false;
for await (const line of createInterface({ input: run.stdout })) {
  log.write(`${line}\n`);
  if (/^# \{ total: .*\}$/.test(line)) total = line;
  const result = line.match(/^( *)(not )?ok \d+ (?!.*# (?:SKIP|TODO)\b)/i);
  const isGroup = / # time=[\d.]+ms$/.test(line);
  if (result) inFailure = Boolean(result[2]) && !isGroup;
  else if (/^ *(\.\.\.$|ok |# Subtest)/.test(line)) inFailure = false;
  if (inFailure || (result && (result[1] === '' || result[2]))) console.log(line);
}
const code = await ended;
log.end();
await server?.close();

const count = (kind) => Number(total.match(new RegExp(`\\b${kind}: (\\d+)`))?.[1] ?? 0);
const nothingRan = count('pass') + count('fail') === 0;
if (nothingRan) console.error('No test ran.');
console.log(`${count('pass')} passed, ${count('fail')} failed, ${count('skip') + count('todo')} skipped`);
process.exitCode = nothingRan || code !== 0 ? 1 : 0;
