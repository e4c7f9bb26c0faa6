import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import t from 'tap';
import { until } from './until.ts';

/** The machine's Redis. */
export const redisUrl = process.env.COUNTERSIGN_TEST_REDIS_URL ?? 'redis://127.0.0.1:6379';

/** True where every service that tests can use must be there, so that none is left out unnoticed. */
const required = process.env.COUNTERSIGN_TEST_SERVICES === 'required';

/** False where Redis answers; otherwise why the tests of it are left out. Throws where it must be there. */
export async function withoutRedis(): Promise<string | false> {
  const client = createClient({ url: redisUrl, socket: { reconnectStrategy: false, connectTimeout: 2000 } });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.ping();
    await client.close();
    return false;
  } catch {
    client.destroy();
    if (required) throw new Error('COUNTERSIGN_TEST_SERVICES=required, and no Redis answers.');
    return 'no Redis answers at 127.0.0.1:6379';
  }
}

export interface RedisServer {
  readonly url: string;
  /** Kills it; what it held is gone. */
  kill(): Promise<void>;
  /** Stops it answering, its connections open; `resume` lets it go on. */
  pause(): void;
  resume(): void;
  start(): Promise<void>;
}

/**
 * A Redis of a test's own, which it may kill, or why there is none. `cluster`: one node that has all slots, and refuses what
 * touches two of them as any cluster does.
 */
export async function startRedis({ cluster = false } = {}): Promise<RedisServer | { readonly missing: string }> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'countersign-redis-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  let child: ChildProcess | null = null;
  const server: RedisServer = {
    url: `redis://127.0.0.1:${port}`,
    async kill() {
      const running = child;
      child = null;
      if (running === null) return;
      const ended = once(running, 'exit');
      running.kill('SIGKILL');
      await ended;
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async start() {
      const options = [
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--save',
        '',
        '--appendonly',
        'no',
        '--dir',
        folder,
      ];
      if (cluster) options.push('--cluster-enabled', 'yes');
      const started = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'ignore'] });
      child = started;
      await new Promise<void>((resolve, reject) => {
        started.once('error', reject);
        started.once('exit', () => reject(new Error('redis-server ended.')));
        started.stdout?.on('data', (text: Buffer) => {
          if (String(text).includes('Ready to accept connections')) resolve();
        });
      });
    },
  };
  try {
    await server.start();
  } catch (error) {
    if (required || !(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    return { missing: 'this machine has no redis-server' };
  }
  t.teardown(() => server.kill());
  if (cluster) await takeAllSlots(server.url);
  return server;
}

async function takeAllSlots(url: string): Promise<void> {
  const client = createClient({ url, commandOptions: { timeout: 60_000 } });
  client.on('error', () => {});
  await client.connect();
  await client.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', '0', '16383']);
  await until(async () => String(await client.sendCommand(['CLUSTER', 'INFO'])).includes('cluster_state:ok'));
  client.destroy();
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
