import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import type { Clock } from '@countersign/core';

const PORT = 123;
const WAIT_MILLISECONDS = 2000;
/** Seconds from 1900, where NTP counts from, to 1970. */
const EPOCH = 2_208_988_800;

/** What an NTP server answered. */
export interface TimeAnswer {
  /** Its clock less ours, in milliseconds. */
  readonly offset: number;
  /** At most this far from the truth, in milliseconds: half of the way there and back. */
  readonly uncertainty: number;
}

/**
 * Asks an NTP server once, as a client of SNTP (RFC 4330). Null where none answers within two seconds, or the answer is of no use:
 * not to what was asked, of a server that is itself not synchronised, or a refusal (stratum 0).
 */
export async function askTime(server: string, clock: Clock): Promise<TimeAnswer | null> {
  const { host, port } = addressOf(server);
  const packet = Buffer.alloc(48);
  // No warning of a leap second, version 4, mode 3: a client.
  packet[0] = 0b00_100_011;
  // In place of our time, which the server only gives back: nobody who does not see the question can answer it.
  const nonce = randomBytes(8);
  nonce.copy(packet, 40);

  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    return await new Promise<TimeAnswer | null>((resolve) => {
      const timer = setTimeout(() => resolve(null), WAIT_MILLISECONDS);
      const done = (answer: TimeAnswer | null) => {
        clearTimeout(timer);
        resolve(answer);
      };
      socket.once('error', () => done(null));
      socket.on('message', (answer) => {
        const arrived = clock.elapsed();
        if (answer.length < 48 || !answer.subarray(24, 32).equals(nonce)) return;
        done(read(answer, sentAt, sent, arrived));
      });
      let sentAt = 0;
      let sent = 0;
      // Connected: nobody else is heard, and a port where nobody listens says so at once.
      socket.connect(port, host, () => {
        sentAt = clock.now();
        sent = clock.elapsed();
        socket.send(packet, (error) => {
          if (error) done(null);
        });
      });
    });
  } finally {
    socket.close();
  }
}

function read(answer: Buffer, sentAt: number, sent: number, arrived: number): TimeAnswer | null {
  const first = answer.readUInt8(0);
  const stratum = answer.readUInt8(1);
  if (first >> 6 === 3 || (first & 7) !== 4 || stratum === 0 || stratum > 15) return null;
  const received = instantAt(answer, 32);
  const transmitted = instantAt(answer, 40);
  const way = Math.max(0, arrived - sent - (transmitted - received));
  return { offset: (received + transmitted) / 2 - (sentAt + (arrived - sent) / 2), uncertainty: way / 2 };
}

/** Milliseconds since 1970, of a timestamp of NTP: seconds and their fraction. From 2036 on the seconds begin anew at 0. */
function instantAt(answer: Buffer, offset: number): number {
  const seconds = answer.readUInt32BE(offset);
  const era = seconds < 0x8000_0000 ? 2 ** 32 : 0;
  return (seconds + era - EPOCH + answer.readUInt32BE(offset + 4) / 2 ** 32) * 1000;
}

/** `host`, `host:port` or `[v6]:port`. */
function addressOf(server: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(server) ?? [];
  return { host: bracketed ?? plain ?? server, port: port === undefined ? PORT : Number(port) };
}
