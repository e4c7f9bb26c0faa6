// A real SMTP server on localhost that keeps what it is sent.
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import t from 'tap';

export interface ReceivedMail {
  readonly to: readonly string[];
  /** By lower-case name, decoded. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface MailServer {
  readonly port: number;
  readonly mails: ReceivedMail[];
  /** How often a sender has named a recipient. */
  tries: number;
  /** Answers the recipient is refused with, one after the other; afterwards all are accepted. */
  readonly refusals: number[];
  close(): Promise<void>;
}

/** Starts one, without TLS and without passwords unless `options` say otherwise. Closed at the end of the test file. */
export async function startMailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const mails: ReceivedMail[] = [];
  const refusals: number[] = [];
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    authOptional: true,
    logger: false,
    onRcptTo({ address }, _session, callback) {
      received.tries += 1;
      const responseCode = refusals.shift();
      if (responseCode === undefined) return callback();
      callback(Object.assign(new Error(`no <${address}> today`), { responseCode }));
    },
    onData(stream, session, callback) {
      let raw = '';
      stream.setEncoding('utf8');
      stream.on('data', (chunk: string) => {
        raw += chunk;
      });
      stream.on('end', () => {
        mails.push({ ...parsed(raw), to: session.envelope.rcptTo.map(({ address }) => address) });
        callback();
      });
    },
    ...options,
  });
  // A client that goes away in the middle of a handshake is what some tests are about.
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  let closed = false;
  const received: MailServer = {
    port: (server.server.address() as AddressInfo).port,
    mails,
    refusals,
    tries: 0,
    async close() {
      if (closed) return;
      closed = true;
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  t.teardown(() => received.close());
  return received;
}

function parsed(raw: string): { readonly headers: Readonly<Record<string, string>>; readonly text: string } {
  const [head = '', ...body] = raw.split('\r\n\r\n');
  const headers: Record<string, string> = {};
  for (const line of head.replace(/\r\n[ \t]+/g, ' ').split('\r\n')) {
    const [name = '', ...value] = line.split(':');
    headers[name.toLowerCase()] = decodedWords(value.join(':').trim());
  }
  const content = body.join('\r\n\r\n');
  const encoding = headers['content-transfer-encoding'];
  const bytes =
    encoding === 'quoted-printable'
      ? unquoted(content)
      : Buffer.from(content, encoding === 'base64' ? 'base64' : 'utf8');
  return { headers, text: bytes.toString('utf8').replaceAll('\r\n', '\n') };
}

/** Encoded words of headers (RFC 2047). */
function decodedWords(value: string): string {
  return value
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([qb])\?([^?]*)\?=/gi, (_word, kind: string, text: string) =>
      (kind.toLowerCase() === 'b' ? Buffer.from(text, 'base64') : unquoted(text.replaceAll('_', ' '))).toString('utf8'),
    );
}

function unquoted(text: string): Buffer {
  const unwrapped = text.replace(/=\r\n/g, '');
  const bytes = unwrapped.replace(/=([0-9A-F]{2})/gi, (_code, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1');
}
