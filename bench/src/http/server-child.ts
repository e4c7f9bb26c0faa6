import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import autocannon from 'autocannon';
import type { FromServer, Mark } from './server-process.ts';
import { VISIT_PATH } from './visits.ts';

const CONNECTIONS = 32;
/** Left out at both ends of a turn: connections are being opened, or closed. */
const EDGE_MILLISECONDS = 100;

/** What one turn of load showed. */
export interface Turn {
  /** Per second. */
  readonly requests: number;
  /** Microseconds for one request. */
  readonly cpu: number;
}

/** A variant's server in a process of its own, seen from the parent. */
export class ServerChild {
  readonly #process: ChildProcess;
  readonly #url: string;
  readonly #cookie: string;

  private constructor(child: ChildProcess, url: string, cookie: string) {
    this.#process = child;
    this.#url = url;
    this.#cookie = cookie;
  }

  static async start(variant: string, databaseUrl: string, execArgv: readonly string[] = []): Promise<ServerChild> {
    const child = fork(new URL('./server-process.js', import.meta.url), [variant, databaseUrl], {
      env: { ...process.env, NODE_ENV: 'production' },
      execArgv: [...execArgv],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-5000);
    });
    const ended = once(child, 'exit').then(() => {
      throw new Error(`${variant} did not start:\n${said}`);
    });
    ended.catch(() => {});
    const message = await Promise.race([heard(child), ended]);
    if (!('ready' in message)) throw new Error(`${variant} did not say that it is ready.`);
    return new ServerChild(child, message.ready.url, message.ready.cookie);
  }

  /** Loads it for so many seconds. */
  async turn(seconds: number): Promise<Turn> {
    const load = autocannon({
      url: `${this.#url}${VISIT_PATH}`,
      connections: CONNECTIONS,
      duration: seconds + (2 * EDGE_MILLISECONDS) / 1000,
      sampleInt: 50,
      ...(this.#cookie === '' ? {} : { headers: { cookie: this.#cookie } }),
    });
    const rest = stayAwake();
    await new Promise((resolve) => setTimeout(resolve, EDGE_MILLISECONDS));
    const begin = await this.#mark();
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    const end = await this.#mark();
    rest();
    const { errors, non2xx, timeouts } = await load;
    if (errors + non2xx + timeouts > 0) throw new Error(`${this.#url}: ${non2xx} refusals, ${errors} errors.`);
    const requests = end.requests - begin.requests;
    return { requests: (requests * 1000) / (end.time - begin.time), cpu: (end.cpu - begin.cpu) / requests };
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.disconnect();
    await ended;
  }

  async #mark(): Promise<Mark> {
    this.#process.send('mark');
    const message = await heard(this.#process);
    if (!('mark' in message)) throw new Error('The server did not answer.');
    return message.mark;
  }
}

/**
 * Keeps this process, which makes the load, from ever sleeping. Else the sender of a response pays for waking it: in a virtual
 * machine more than for the response itself, and the slower a server is, the more often it would pay.
 */
function stayAwake(): () => void {
  let awake = true;
  const turn = () => {
    if (awake) setImmediate(turn);
  };
  turn();
  return () => {
    awake = false;
  };
}

async function heard(child: ChildProcess): Promise<FromServer> {
  const [message] = (await once(child, 'message')) as [FromServer];
  return message;
}
