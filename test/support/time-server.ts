import { createSocket } from 'node:dgram';
import t from 'tap';

/** A time server (NTP) on this machine whose clock can be wrong, or which says that it does not know the time itself. */
export async function startTimeServer(): Promise<{
  readonly address: string;
  /** Milliseconds by which its clock is ahead. */
  ahead: number;
  /** 0: it refuses; 16: it is not synchronised. */
  stratum: number;
}> {
  const socket = createSocket('udp4');
  const server = { address: '', ahead: 0, stratum: 2 };
  socket.on('message', (question, from) => {
    const answer = Buffer.alloc(48);
    answer[0] = 0b00_100_100;
    answer[1] = server.stratum;
    question.copy(answer, 24, 40, 48);
    const seconds = (Date.now() + server.ahead) / 1000 + 2_208_988_800;
    for (const at of [32, 40]) {
      answer.writeUInt32BE(Math.floor(seconds), at);
      answer.writeUInt32BE(Math.floor((seconds % 1) * 2 ** 32), at + 4);
    }
    socket.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  server.address = `127.0.0.1:${socket.address().port}`;
  t.teardown(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  return server;
}
