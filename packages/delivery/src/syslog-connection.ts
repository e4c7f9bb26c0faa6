import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls, type SecureContextOptions } from 'node:tls';

/** Where the log server is. */
export interface SyslogServer {
  readonly host: string;
  readonly port: number;
  /** Null: without TLS, on this machine alone. */
  readonly tls: (Pick<SecureContextOptions, 'ca' | 'cert' | 'key'> & { readonly servername?: string }) | null;
  readonly timeoutSeconds: number;
}

/** One connection, made when it is needed and anew after it was lost. Its socket keeps no process alive. */
export class SyslogConnection {
  readonly #server: SyslogServer;
  #socket: Socket | null = null;
  #connecting: Promise<Socket> | null = null;
  #closed = false;

  constructor(server: SyslogServer) {
    this.#server = server;
  }

  /**
   * Resolves once everything was handed to the operating system on a connection that still stands. Syslog has no answers: what was
   * on its way when the connection broke may be lost, and a break is often noticed by the next write only.
   */
  async write(bytes: Buffer): Promise<void> {
    if (this.#closed) throw new Error('syslog: closed');
    const socket = await this.#connected();
    await this.#bounded(
      new Promise<void>((resolve, reject) => {
        const lost = () => reject(new Error('syslog: the connection was lost'));
        socket.once('close', lost);
        socket.write(bytes, (error) => {
          socket.off('close', lost);
          if (error) reject(new Error(`syslog: ${codeOf(error)}`));
          else resolve();
        });
      }),
      socket,
    );
  }

  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
    this.#socket = null;
  }

  async #connected(): Promise<Socket> {
    if (this.#socket !== null && !this.#socket.destroyed && this.#socket.writable) return this.#socket;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null;
    });
    return await this.#connecting;
  }

  async #connect(): Promise<Socket> {
    const { host, port, tls } = this.#server;
    const socket =
      tls === null
        ? connectPlain({ host, port })
        : connectTls({ host, port, minVersion: 'TLSv1.2', servername: host, ...tls, rejectUnauthorized: true });
    // Without a listener an error would end the process.
    socket.on('error', () => {});
    // The server says nothing; what it sends is let go of, so that its end is noticed.
    socket.resume();
    socket.setKeepAlive(true, 10_000);
    socket.setNoDelay(true);
    const ready = once(socket, tls === null ? 'connect' : 'secureConnect');
    try {
      await this.#bounded(ready, socket);
    } catch (error) {
      socket.destroy();
      throw new Error(`syslog: ${codeOf(error)}`);
    }
    if (this.#closed) {
      socket.destroy();
      throw new Error('syslog: closed');
    }
    socket.once('end', () => socket.destroy());
    socket.unref();
    this.#socket = socket;
    return socket;
  }

  async #bounded<T>(work: Promise<T>, socket: Socket): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        socket.destroy();
        reject(new Error('no answer in time'));
      }, this.#server.timeoutSeconds * 1000);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The code of a system or TLS error: messages repeat addresses and certificates. */
function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : null;
  if (typeof code === 'string' && /^[A-Z_\d]{3,60}$/.test(code)) return code;
  return error instanceof Error && /^(?:syslog: )?no answer in time$/.test(error.message)
    ? 'no answer in time'
    : 'failed';
}
