import { CountersignError } from '@countersign/core';
import { createClient } from 'redis';
import type { Script } from './scripts.ts';

/**
 * A client of `redis` that the host has (`createClient`, `createCluster`, `createClientPool`), by what is used of it. Countersign
 * never connects and never closes it.
 */
export interface RedisClient {
  readonly get: (...args: never[]) => unknown;
  readonly set: (...args: never[]) => unknown;
  readonly hmGet: (...args: never[]) => unknown;
  readonly hGetAll: (...args: never[]) => unknown;
  readonly eval: (...args: never[]) => unknown;
  readonly evalSha: (...args: never[]) => unknown;
}

interface Keyed {
  readonly keys: string[];
  readonly arguments: string[];
}

/** The same, by how it is called. */
interface Commands {
  get(key: string): Promise<string | null>;
  set(key: string, value: string, options: { readonly PX: number }): Promise<unknown>;
  hmGet(key: string, fields: readonly string[]): Promise<(string | null)[]>;
  hGetAll(key: string): Promise<Record<string, string>>;
  eval(source: string, options: Keyed): Promise<unknown>;
  evalSha(sha: string, options: Keyed): Promise<unknown>;
}

/** Calls that wait for Redis at one time, beyond which further ones are refused at once: memory stays bounded. */
const MOST_WAITING = 10_000;

/** Redis, each call of which ends within `waitSeconds`, as `session_state_unavailable` where it fails. */
export class BoundedRedis {
  readonly #commands: Commands;
  readonly #waitMilliseconds: number;
  readonly #ready: () => Promise<unknown> | null;
  readonly #end: () => void;
  /** Whether replies come in the order of the calls: on one connection they do. */
  readonly #inOrder: boolean;
  #waiting = 0;
  /** Calls that were given up and may yet be answered. */
  #overdue = 0;
  #closed = false;

  constructor(target: RedisClient | string, waitSeconds: number) {
    this.#waitMilliseconds = waitSeconds * 1000;
    this.#inOrder = typeof target === 'string';
    if (typeof target === 'string') {
      const { client, connecting } = ownClient(target, waitSeconds);
      this.#commands = client as unknown as Commands;
      this.#ready = () => (client.isReady ? null : connecting);
      this.#end = () => client.destroy();
    } else {
      outliveErrors(target);
      this.#commands = target as unknown as Commands;
      this.#ready = () => null;
      this.#end = () => {};
    }
  }

  run<T>(work: (commands: Commands) => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(unavailable('The session state was closed.'));
    if (this.#waiting >= MOST_WAITING) {
      return Promise.reject(unavailable(`${MOST_WAITING} calls are waiting for Redis already.`));
    }
    // Behind a call that is not answered nothing else is: a page that asks for many things does not wait for each of them.
    if (this.#inOrder && this.#overdue > 0) return Promise.reject(unavailable('Redis does not answer right now.'));
    this.#waiting += 1;
    return new Promise((resolve, reject) => {
      const wait = this.#waitMilliseconds;
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        this.#overdue += 1;
        reject(unavailable(`Redis did not answer within ${wait / 1000} s.`));
      }, wait);
      // A call that was given up is counted until the client has let go of it.
      const settled = () => {
        clearTimeout(timer);
        this.#waiting -= 1;
        if (late) this.#overdue -= 1;
      };
      this.#started(work, () => late).then(
        (value) => {
          settled();
          resolve(value);
        },
        (error: unknown) => {
          settled();
          reject(faultOf(error));
        },
      );
    });
  }

  /** Runs a script by its digest; a server that does not know it (restarted, SCRIPT FLUSH, another node) gets it whole. */
  script(script: Script, keys: readonly string[], values: readonly (string | number)[]): Promise<readonly unknown[]> {
    const options = { keys: [...keys], arguments: values.map(String) };
    return this.run(async (commands) => {
      try {
        return (await commands.evalSha(script.sha, options)) as readonly unknown[];
      } catch (error) {
        // Redis tells its errors apart by the first word of the message, and by nothing else.
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
        return (await commands.eval(script.source, options)) as readonly unknown[];
      }
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#end();
  }

  async #started<T>(work: (commands: Commands) => Promise<T>, isLate: () => boolean): Promise<T> {
    const ready = this.#ready();
    if (ready !== null) await ready;
    // Nobody waits for it any more, and the caller has said that it was not done.
    if (isLate()) throw unavailable('The call was given up.');
    return await work(this.#commands);
  }
}

function ownClient(url: string, waitSeconds: number) {
  const client = createClient({
    url,
    name: 'countersign',
    // What is asked while Redis is away is refused at once, and is not done later when nobody waits for it any more.
    disableOfflineQueue: true,
    // Notices a peer that vanished without a word.
    pingInterval: 5000,
    socket: {
      connectTimeout: Math.ceil(waitSeconds * 1000),
      socketTimeout: 15_000,
      // Redis that is back should be noticed within a second.
      reconnectStrategy: (retries: number) => Math.min(50 * 2 ** Math.min(retries, 10), 1000),
    },
  });
  outliveErrors(client);
  // Only the first connection is waited for, so that a start does not begin with refusals.
  const connecting = client.connect();
  connecting.catch(() => {});
  return { client, connecting };
}

/** An `error` event that nobody listens to ends the process. Each call says itself that Redis is away. */
function outliveErrors(client: object): void {
  if (!('on' in client) || typeof client.on !== 'function') return;
  if ('listenerCount' in client && typeof client.listenerCount === 'function' && client.listenerCount('error') > 0)
    return;
  client.on('error', () => {});
}

function unavailable(detail: string, cause?: unknown): CountersignError {
  return new CountersignError('session_state_unavailable', { detail, cause, retryAfterSeconds: 1 });
}

/** The original is *not* kept as the cause: an error of a script can quote its arguments. */
function faultOf(error: unknown): CountersignError {
  if (CountersignError.is(error)) return error;
  const name = error instanceof Error ? error.name : typeof error;
  const word = error instanceof Error ? /^[A-Z]{2,20}(?= )/.exec(error.message)?.[0] : undefined;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : word;
  const cause = Object.assign(new Error(`The Redis client reported ${code ?? name}.`), { code: code ?? name });
  return unavailable('Redis cannot be reached right now.', cause);
}
