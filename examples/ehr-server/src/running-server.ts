import { lookup } from 'node:dns/promises';
import { createServer, type RequestListener, type Server } from 'node:http';

export interface RunningServer {
  /** Resolves once nothing is listening any more. */
  close(): Promise<void>;
}

/** Listens on every address that `host` stands for, so that `localhost` is reached by IPv4 and by IPv6. */
export async function listen(listener: RequestListener, port: number, host: string): Promise<RunningServer> {
  const addresses = await lookup(host, { all: true });
  const servers: Server[] = [];
  const close = async () => {
    await Promise.all(servers.map(stop));
  };
  try {
    for (const { address } of addresses) {
      const server = createServer(listener);
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject).listen(port, address, () => resolve());
      }).catch((error: NodeJS.ErrnoException) => {
        // A machine may name an IPv6 address that it does not have.
        if (error.code !== 'EADDRNOTAVAIL' || addresses.length === 1) throw error;
      });
      if (server.listening) servers.push(server);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeIdleConnections();
  });
}
