import { connect, createServer, type Socket } from 'node:net';
import t from 'tap';

/**
 * - `pass`: a plain wire.
 * - `deaf`: takes everything in and delivers nothing, as a network that drops packets.
 * - `cut-after-commit`: delivers COMMIT, waits for the server to have done it, and cuts the client off before it hears.
 * - `dead-after-commit`: the same, and deaf from then on.
 * - `cut-before-commit`: cuts the client off in place of delivering COMMIT.
 */
export type WireMode = 'pass' | 'deaf' | 'cut-after-commit' | 'dead-after-commit' | 'cut-before-commit';

export interface FaultyWire {
  readonly url: string;
  mode: WireMode;
}

/** A wire to a database that fails on demand. Cut at the end of the test file. */
export async function faultyWire(target: string): Promise<FaultyWire> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const wire = { url: '', mode: 'pass' as WireMode };
  const server = createServer((client) => {
    const database = connect(Number(port), hostname);
    let cutting = false;
    let name: string | null = null;
    const end = () => {
      client.destroy();
      database.destroy();
    };
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.on('error', end).on('close', end);
    }
    client.on('data', (data) => {
      if (wire.mode === 'deaf') return;
      // After its first time the driver sends it by the name under which it was parsed.
      name = /P[\s\S]{4}([^\0]+)\0commit\0/.exec(data.toString('latin1'))?.[1] ?? name;
      const isCommit = data.includes('commit\0') || (name !== null && data.includes(`\0${name}\0`));
      if (isCommit && wire.mode === 'cut-before-commit') return end();
      cutting ||= isCommit && wire.mode.endsWith('after-commit');
      database.write(data);
    });
    database.on('data', (data) => {
      if (wire.mode === 'deaf') return;
      // CommandComplete with its tag.
      if (cutting && data.includes('COMMIT\0')) {
        if (wire.mode === 'dead-after-commit') wire.mode = 'deaf';
        return end();
      }
      client.write(data);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The wire has no port.');
  const reached = new URL(target);
  reached.port = String(address.port);
  wire.url = reached.href;
  return wire;
}
