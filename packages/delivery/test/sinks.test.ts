/** What leaves the host: events and checkpoints by syslog over TLS, pino, files, object lock and webhooks. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer as createPlainServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import type { AuditRecord } from '@countersign/core';
import pino from 'pino';
import t from 'tap';
import { fileCheckpoints } from '../src/file-checkpoints.ts';
import { objectLockCheckpoints } from '../src/object-lock-checkpoints.ts';
import { pinoSink } from '../src/pino-sink.ts';
import { syslogSink } from '../src/syslog-sink.ts';
import { webhookCheckpoints } from '../src/webhook-checkpoints.ts';
import { loopbackServer } from './loopback-server.ts';
import { selfSigned } from './self-signed.ts';

const AT = new Date(Date.UTC(2026, 2, 2, 9, 0, 0, 5));
const checkpoint = 'ehr.example.org/audit\n42\nq83v\n\n— ehr.example.org/audit AbCd\n';
const about = { size: 42, at: AT };

const event = (change: Partial<AuditRecord> = {}): AuditRecord => ({
  code: 'ACCESS_ALLOWED',
  outcome: 'success',
  workspaceId: 'clinic',
  userId: 'carol',
  actorId: null,
  session: null,
  patientId: null,
  categories: null,
  action: null,
  method: null,
  route: null,
  factor: null,
  reason: null,
  challengeId: null,
  emergencyAccessId: null,
  ip: null,
  userAgent: null,
  requestId: null,
  details: null,
  id: '0190b8f0-0000-7000-8000-000000000001',
  at: AT.getTime(),
  stream: '0190b8f0-0000-7000-8000-00000000000a',
  index: 7,
  hash: new Uint8Array(32).fill(171),
  ...change,
});
const hostile = 'a"b]c\\d\n<13>1 2026-01-01T00:00:00Z x y 1 FORGED - \u0000\u2028\u202e\u001b[31m \ud800 é 🏥';

/** Reads RFC 5425 frames, strictly: anything else between them fails. */
class Frames {
  readonly messages: string[] = [];
  #rest = Buffer.alloc(0);

  add(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (true) {
      const match = /^([1-9]\d*) /.exec(this.#rest.subarray(0, 12).toString('latin1'));
      if (match === null) {
        if (this.#rest.length >= 12) throw new Error('This is no frame.');
        return;
      }
      const start = match[0].length;
      const length = Number(match[1]);
      if (this.#rest.length < start + length) return;
      this.messages.push(new TextDecoder('utf-8', { fatal: true }).decode(this.#rest.subarray(start, start + length)));
      this.#rest = this.#rest.subarray(start + length);
    }
  }
}

/** RFC 5424, by its grammar: header, one structured data element, nothing behind it. */
function parsed(message: string) {
  const header =
    /^<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([\x21-\x7e]{1,255}) ([\x21-\x7e]{1,48}) (\d+) ([\x21-\x7e]{1,32}) \[([\x21-\x7e]{1,32}) /.exec(
      message,
    );
  if (header === null) throw new Error(`No header: ${message}`);
  const [whole, priority, timestamp, hostname, app, , id, sdId] = header;
  const values: Record<string, string> = {};
  const param = /([\x21\x23-\x3c\x3e-\x5c\x5e-\x7e]{1,32})="((?:[^"\\\]]|\\[\s\S])*)"( |\])/y;
  param.lastIndex = whole.length;
  for (let end = ''; end !== ']'; ) {
    const found = param.exec(message);
    if (found === null) throw new Error(`No structured data: ${message}`);
    values[found[1] ?? ''] = (found[2] ?? '').replace(/\\(["\\\]])/g, '$1');
    end = found[3] ?? '';
  }
  if (param.lastIndex !== message.length) throw new Error(`Something behind it: ${message}`);
  return { priority: Number(priority), timestamp, hostname, app, id, sdId, values };
}

async function receiver(options: { readonly cert: string; readonly key: string }) {
  const frames = new Frames();
  const sockets = new Set<TLSSocket>();
  let connections = 0;
  const server = createServer(options, (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => frames.add(chunk));
  });
  server.on('tlsClientError', () => {});
  const listen = (port = 0) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  await listen();
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  t.teardown(stop);
  return {
    port,
    messages: frames.messages,
    get connections() {
      return connections;
    },
    stop,
    start: () => listen(port),
    drop: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function until(holds: () => boolean): Promise<void> {
  for (let n = 0; !holds(); n++) {
    if (n > 500) throw new Error('It did not come true.');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const certificate = selfSigned();

t.test('syslog over TLS', async (t) => {
  const server = await receiver(certificate);
  const sink = syslogSink({
    host: 'localhost',
    port: server.port,
    tls: { ca: certificate.cert },
    hostname: 'ehr 1',
    timeoutSeconds: 2,
  });
  t.teardown(() => sink.close());

  t.test('each event is one message with every field, in order', async (t) => {
    await sink.events.deliver([
      event(),
      event({ index: 8, outcome: 'refused', code: 'ACCESS_DENIED', reason: 'missing' }),
    ]);
    await until(() => server.messages.length === 2);
    const [first, second] = server.messages.map(parsed);
    t.match(first, {
      priority: 13 * 8 + 5,
      timestamp: '2026-03-02T09:00:00.005Z',
      hostname: 'ehr_1',
      app: 'countersign',
      id: 'ACCESS_ALLOWED',
      sdId: 'countersign@32473',
    });
    t.strictSame(first?.values, {
      id: '0190b8f0-0000-7000-8000-000000000001',
      at: '2026-03-02T09:00:00.005Z',
      stream: '0190b8f0-0000-7000-8000-00000000000a',
      index: '7',
      hash: 'ab'.repeat(32),
      code: 'ACCESS_ALLOWED',
      outcome: 'success',
      workspaceId: 'clinic',
      userId: 'carol',
    });
    t.match(second, { priority: 13 * 8 + 4, id: 'ACCESS_DENIED', values: { reason: 'missing', index: '8' } });
    t.equal(server.connections, 1, 'one connection for all');
  });

  t.test('what came from outside cannot end a message, begin another or draw on a terminal', async (t) => {
    const before = server.messages.length;
    await sink.events.deliver([event({ reason: hostile, userAgent: hostile, userId: '7 <13>1 x' })]);
    await until(() => server.messages.length === before + 1);
    const message = server.messages.at(-1) ?? '';
    t.notMatch(message, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, 'no line break and no control character');
    const { values } = parsed(message);
    t.match(values.reason, /^a"b\]c\\d\\n<13>1 2026/);
    t.match(values.reason, 'é 🏥');
    t.equal(values.userId, '7 <13>1 x');
  });

  t.test('checkpoints go the same way', async (t) => {
    const before = server.messages.length;
    await sink.checkpoints.deliver(checkpoint, about);
    await until(() => server.messages.length === before + 1);
    const { id, values } = parsed(server.messages.at(-1) ?? '');
    t.equal(id, 'CHECKPOINT');
    t.equal(values.size, '42');
    t.equal(values.checkpoint?.replaceAll('\\n', '\n'), checkpoint);
  });

  t.test('a server that goes away is told to the caller, and connected to anew', async (t) => {
    server.drop();
    await server.stop();
    // A break is noticed by the first or the second write.
    const failures = [];
    for (let n = 0; n < 3; n++) {
      failures.push(
        await sink.events.deliver([event()]).then(
          () => null,
          (error: Error) => error,
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    t.match(failures.at(-1), { message: /^syslog: [A-Za-z_ ]+$/ });
    await server.start();
    const before = server.messages.length;
    await sink.events.deliver([event({ index: 99 })]);
    await until(() => server.messages.length > before);
    t.equal(parsed(server.messages.at(-1) ?? '').values.index, '99');
  });
});

t.test('syslog to a server that is not who it should be: nothing is sent', async (t) => {
  const server = await receiver(certificate);
  for (const tls of [{}, { ca: selfSigned().cert }, { ca: certificate.cert, servername: 'logs.example.org' }]) {
    const sink = syslogSink({ host: '127.0.0.1', port: server.port, tls, timeoutSeconds: 2 });
    await t.rejects(sink.events.deliver([event()]), { message: /^syslog: [A-Z_]+$/ });
    sink.close();
    await t.rejects(sink.events.deliver([event()]), { message: 'syslog: closed' });
  }
  t.strictSame(server.messages, []);
});

t.test('syslog to a server that says nothing during the handshake is given up', async (t) => {
  const sockets: Socket[] = [];
  const server = createPlainServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const sink = syslogSink({ host: '127.0.0.1', port, timeoutSeconds: 1 });
  await t.rejects(sink.events.deliver([event()]), { message: 'syslog: no answer in time' });
  sink.close();
});

t.test('syslog: options', async (t) => {
  const refused = (options: object, field: string) =>
    t.throws(() => syslogSink({ host: 'logs.example.org', ...options }), {
      code: 'configuration_invalid',
      details: { field },
    });
  refused({ host: '' }, 'syslogSink.host');
  refused({ port: 0 }, 'syslogSink.port');
  refused({ tls: false }, 'syslogSink.tls');
  refused({ enterpriseNumber: 1.5 }, 'syslogSink.enterpriseNumber');
  refused({ timeoutSeconds: 60 }, 'syslogSink.timeoutSeconds');
  t.doesNotThrow(() => syslogSink({ host: '127.0.0.1', tls: false }));
});

t.test('pino: a line for each event', async (t) => {
  const lines: string[] = [];
  const logger = pino({ timestamp: false, base: null }, { write: (line: string) => void lines.push(line) });
  await pinoSink({ logger }).deliver([event(), event({ outcome: 'failure', code: 'MFA_FAILURE', reason: hostile })]);
  t.equal(lines.length, 2);
  for (const line of lines) t.equal(line.trimEnd().split('\n').length, 1);
  const [first, second] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  t.match(first, { level: 30, msg: 'ACCESS_ALLOWED', audit: { userId: 'carol', index: '7', hash: 'ab'.repeat(32) } });
  t.match(second, { level: 40, msg: 'MFA_FAILURE' });

  const failing = { info() {}, warn() {}, flush: (done: (error?: Error) => void) => done(new Error('disk full')) };
  await t.rejects(pinoSink({ logger: failing }).deliver([event()]), { message: 'disk full' });
  const throwing = {
    info: () => {
      throw new Error('gone');
    },
    warn() {},
  };
  await t.rejects(pinoSink({ logger: throwing }).deliver([event()]), { message: 'gone' });
});

t.test('files: the newest whole, and all of them behind each other', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-checkpoints-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const sink = fileCheckpoints({ folder: join(folder, 'made', 'here') });
  await sink.deliver(checkpoint, about);
  await sink.deliver(checkpoint.replace('42', '43'), { ...about, size: 43 });
  const read = (name: string) => readFileSync(join(folder, 'made', 'here', name), 'utf8');
  t.equal(read('checkpoint.txt'), checkpoint.replace('42', '43'));
  t.equal(read('checkpoints.log'), `${checkpoint}\n${checkpoint.replace('42', '43')}\n`);
  // A folder that cannot be written to is a rejection, not a silence.
  const blocked = fileCheckpoints({ folder: join(folder, 'made', 'here', 'checkpoint.txt') });
  await t.rejects(blocked.deliver(checkpoint, about));
});

t.test('object lock: an object for each checkpoint, kept for years', async (t) => {
  const objects: unknown[] = [];
  const sink = objectLockCheckpoints({ put: async (object) => void objects.push(object), retainDays: 10 });
  await sink.deliver(checkpoint, about);
  t.strictSame(objects, [
    {
      key: 'countersign/checkpoints/00000000000000000042.txt',
      body: checkpoint,
      retainUntil: new Date('2026-03-12T09:00:00.005Z'),
    },
  ]);
  const failing = objectLockCheckpoints({ put: async () => Promise.reject(new Error('denied')) });
  await t.rejects(failing.deliver(checkpoint, about), { message: 'denied' });
  t.throws(() => objectLockCheckpoints({ put: 1 as never }), { code: 'configuration_invalid' });
  t.throws(() => objectLockCheckpoints({ put: async () => {}, retainDays: 0 }), { code: 'configuration_invalid' });
});

t.test('webhook: the checkpoint, signed; anything but 2xx is a failure', async (t) => {
  const server = await loopbackServer((response) => response.writeHead(200).end());
  const secret = Buffer.alloc(32, 1).toString('base64');
  const sink = webhookCheckpoints({ url: server.url, secret });
  await sink.deliver(checkpoint, about);
  t.strictSame(JSON.parse(server.requests[0]?.body ?? ''), {
    type: 'countersign.checkpoint',
    data: { size: 42, at: AT.toISOString(), checkpoint },
  });
  t.match(server.requests[0]?.headers['webhook-signature'], /^v1,[A-Za-z0-9+/]{43}=$/);
  for (const status of [302, 400, 500]) {
    server.behaviour.answer = (response) => response.writeHead(status, { location: '/x' }).end();
    await t.rejects(sink.deliver(checkpoint, about), { message: `HTTP: ${status}` });
  }
});
