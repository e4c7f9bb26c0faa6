// A child process: one variant's server. Counts its own requests, so that requests, CPU and time are read in one place.
import type { AddressInfo } from 'node:net';
import { type VariantName, variants } from './variants.ts';

/** What the server has done since it started. */
export interface Mark {
  readonly requests: number;
  /** Microseconds of CPU, user and system, all threads. */
  readonly cpu: number;
  /** Milliseconds. */
  readonly time: number;
}

export type FromServer =
  | { readonly ready: { readonly url: string; readonly cookie: string } }
  | { readonly mark: Mark };

const [name, databaseUrl = ''] = process.argv.slice(2);
const { server, prepare } = await variants[name as VariantName](databaseUrl);
let requests = 0;
server.on('request', () => {
  requests += 1;
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const say = (message: FromServer) => process.send?.(message);
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  say({ mark: { requests, cpu: user + system, time: performance.now() } });
});
process.on('disconnect', () => process.exit());
say({ ready: { url, cookie: await prepare(url) } });
