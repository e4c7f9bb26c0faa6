import { hash } from 'node:crypto';

/**
 * A frame is what one flush of the spool wrote: head, body and nothing around it.
 *
 * | bytes | what |
 * | --- | --- |
 * | 4 | `c5 53 50 01`: never in a body, which is ASCII |
 * | 4 | number within the file, from 0 |
 * | 4 | events in it |
 * | 8 | when the first of them happened, milliseconds since 1970 |
 * | 4 | length of the body |
 * | 8 | first bytes of the SHA-256 of everything above and the body |
 * | … | body: a compact JWE |
 *
 * The next frame is written only after this one is on disk. A bad frame with a good one behind it was therefore damaged later; a bad
 * one with nothing behind it is what a crash left of a write that nobody was told of.
 */
const MAGIC = Buffer.from([0xc5, 0x53, 0x50, 0x01]);
const CHECKED = 24;
const HEAD = CHECKED + 8;

/** A frame, as far as it can be read without a key. */
export interface Frame {
  readonly number: number;
  readonly events: number;
  /** Milliseconds. */
  readonly at: number;
  readonly body: string;
}

/** What a file holds. */
export interface FrameReading {
  readonly frames: readonly Frame[];
  /** Where the good frames end. */
  readonly end: number;
  /** Bytes behind them that never became a frame: the tail of a write that was cut off. */
  readonly torn: number;
  /** Whether good frames follow on bad bytes: what was there is lost. */
  readonly damaged: boolean;
}

export function encodeFrame({ number, events, at, body }: Frame): Buffer {
  const bytes = Buffer.from(body, 'ascii');
  const frame = Buffer.alloc(HEAD + bytes.length);
  MAGIC.copy(frame);
  frame.writeUInt32BE(number, 4);
  frame.writeUInt32BE(events, 8);
  frame.writeBigUInt64BE(BigInt(at), 12);
  frame.writeUInt32BE(bytes.length, 20);
  bytes.copy(frame, HEAD);
  checksum(frame, 0, bytes.length).copy(frame, CHECKED);
  return frame;
}

/** Reads the frames from the start of a file, up to the first that is not whole. */
export function readFrames(file: Buffer): FrameReading {
  const frames: Frame[] = [];
  let end = 0;
  for (;;) {
    const frame = frameAt(file, end);
    if (frame === null || frame.number !== frames.length) break;
    frames.push(frame);
    end += HEAD + frame.body.length;
  }
  const damaged = hasFrameFrom(file, end);
  return { frames, end, torn: damaged ? 0 : file.length - end, damaged };
}

function hasFrameFrom(file: Buffer, from: number): boolean {
  for (let at = file.indexOf(MAGIC, from); at !== -1; at = file.indexOf(MAGIC, at + 1)) {
    if (frameAt(file, at) !== null) return true;
  }
  return false;
}

function frameAt(file: Buffer, start: number): Frame | null {
  if (start + HEAD > file.length || !file.subarray(start, start + MAGIC.length).equals(MAGIC)) return null;
  const length = file.readUInt32BE(start + 20);
  if (start + HEAD + length > file.length) return null;
  if (!file.subarray(start + CHECKED, start + HEAD).equals(checksum(file, start, length))) return null;
  return {
    number: file.readUInt32BE(start + 4),
    events: file.readUInt32BE(start + 8),
    at: Number(file.readBigUInt64BE(start + 12)),
    body: file.toString('ascii', start + HEAD, start + HEAD + length),
  };
}

function checksum(file: Buffer, start: number, length: number): Buffer {
  const checked = [file.subarray(start, start + CHECKED), file.subarray(start + HEAD, start + HEAD + length)];
  return hash('sha256', Buffer.concat(checked), 'buffer').subarray(0, 8);
}
