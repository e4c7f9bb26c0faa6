import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import t from 'tap';

/**
 * What a transaction pooler does, in small: its clients share one session of the server, which goes to the next of them after each
 * transaction. Settings at the start of a session are ignored or, as a pooler does by default, refused (SQLSTATE 08P01).
 */
export async function startTransactionPooler(target: URL, { refuses }: { readonly refuses: boolean }): Promise<URL> {
  const waiting: Client[] = [];
  const sockets = new Set<Socket>();
  let holder: Client | null = null;
  const backend = connect(Number(target.port), target.hostname);
  const ready = new Promise<void>((resolve) => {
    backend.write(startup({ user: decodeURIComponent(target.username), database: target.pathname.slice(1) }));
    eachMessage(backend, false, (type, message) => {
      if (holder === null) {
        if (type === 'Z') resolve();
        return;
      }
      holder.socket.write(message);
      if (type === 'Z') {
        holder.open -= 1;
        // 'I': no transaction is open. The session goes to whoever waits.
        if (holder.open === 0 && message[5] === 0x49) next();
      }
    });
  });

  function next(): void {
    holder = waiting.shift() ?? null;
    if (holder !== null) send(holder);
  }

  function send(client: Client): void {
    for (const message of client.queue.splice(0)) {
      if (message[0] === 0x51 || message[0] === 0x53) client.open += 1;
      backend.write(message);
    }
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    const client: Client = { socket, queue: [], open: 0 };
    socket.on('error', () => {});
    eachMessage(socket, true, (type, message) => {
      if (type === 'startup') {
        if (refuses && message.includes('statement_timeout')) socket.end(refusal);
        else void ready.then(() => socket.write(welcome));
      } else if (type !== 'X') {
        client.queue.push(message);
        if (holder === client) send(client);
        else if (!waiting.includes(client)) waiting.push(client);
        if (holder === null) next();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    for (const socket of [...sockets, backend]) socket.destroy();
  });
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  return url;
}

interface Client {
  readonly socket: Socket;
  readonly queue: Buffer[];
  /** Queries and Syncs that are not answered yet. */
  open: number;
}

const message = (type: string, body: Buffer): Buffer => {
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
};

function startup(parameters: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(parameters).flat().join('\0');
  const body = Buffer.concat([Buffer.from([0, 3, 0, 0]), Buffer.from(`${pairs}\0\0`)]);
  return message(' ', body).subarray(1);
}

const refusal = message('E', Buffer.from('SFATAL\0C08P01\0Munsupported startup parameter: statement_timeout\0\0'));
const welcome = Buffer.concat([
  message('R', Buffer.alloc(4)),
  message('S', Buffer.from('client_encoding\0UTF8\0')),
  message('K', Buffer.alloc(8)),
  message('Z', Buffer.from('I')),
]);

/** A client's first message has no type, and a request for TLS before it is declined. */
function eachMessage(socket: Socket, isClient: boolean, take: (type: string, message: Buffer) => void): void {
  let held = Buffer.alloc(0);
  let started = !isClient;
  socket.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 5) {
      const length = started ? held.readUInt32BE(1) + 1 : held.readUInt32BE(0);
      if (held.length < length) return;
      const whole = held.subarray(0, length);
      held = held.subarray(length);
      if (started) take(String.fromCharCode(whole[0] ?? 0), whole);
      else if (length === 8) socket.write('N');
      else {
        started = true;
        take('startup', whole);
      }
    }
  });
}
