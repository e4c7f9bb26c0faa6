import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';

export interface RunningEhr {
  readonly baseUrl: string;
  /** What the demonstration tells everybody. */
  accounts(): Promise<readonly { username: string; password: string; totpSecret: string | null; roles: string[] }[]>;
}

/** Runs the example EHR as `npm start` does, in a folder of its own, until the end of the test file. */
export async function startExampleEhr(adapter: 'fastify' | 'express'): Promise<RunningEhr> {
  const main = join(
    dirname(createRequire(import.meta.url).resolve('@countersign/example-ehr-server/package.json')),
    'dist/main.js',
  );
  const dataDir = await mkdtemp(join(tmpdir(), 'countersign-ehr-'));
  const port = await freePort();
  const { DATABASE_URL: _, ...env } = process.env;
  const server = spawn(process.execPath, [main], {
    env: { ...env, ADAPTER: adapter, PORT: String(port), DATA_DIR: dataDir, NODE_ENV: 'development' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  t.teardown(async () => {
    server.kill('SIGTERM');
    await ended;
    await rm(dataDir, { recursive: true, force: true });
  });
  const baseUrl = `http://localhost:${port}`;
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: server.stdout }).on('line', (line) => line.includes('is ready at') && resolve());
    server.once('exit', (code) => reject(new Error(`The example EHR ended with ${code}.`)));
  });
  return {
    baseUrl,
    async accounts() {
      return (await (await fetch(`${baseUrl}/demo/accounts.json`)).json()) as Awaited<
        ReturnType<RunningEhr['accounts']>
      >;
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, 'localhost', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('No port.')),
      );
    });
  });
}
