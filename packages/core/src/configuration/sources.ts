import { randomBytes, randomUUID } from 'node:crypto';

/** Time, injected: nothing in the logic reads a clock of its own. */
export interface Clock {
  /** Milliseconds since 1970 (wall clock). */
  now(): number;
  /** Milliseconds from an arbitrary start, never going back: for waiting and for how old a confirmation is. */
  elapsed(): number;
}

/** Cryptographically secure random bytes (ASVS 6.5.3). */
export type RandomSource = (bytes: number) => Uint8Array;

/** Unique ids for audit events and rows: UUIDs, best in the order of their time (version 7), so that indexes grow at one end. */
export type IdSource = () => string;

/** The system's clock. */
export const systemClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() };
export const systemRandom: RandomSource = (bytes) => randomBytes(bytes);

/**
 * UUIDs of version 7 (RFC 9562 §5.7): milliseconds, 12 bits that count within one of them (§6.2, method 1), 62 random bits. These
 * come from `randomUUID`, which asks the system for many at once; asking for each event's alone costs more than the event.
 */
export function timeOrderedIds(): IdSource {
  let time = 0;
  let count = 0;
  let prefix = '';
  return () => {
    const now = Date.now();
    // More than fit into a millisecond, or a clock set back: later than the last one all the same.
    if (now > time || count === 0xfff) {
      time = Math.max(now, time + 1);
      count = 0;
      const text = time.toString(16).padStart(12, '0');
      prefix = `${text.slice(0, 8)}-${text.slice(8)}-7`;
    } else {
      count += 1;
    }
    return `${prefix}${(count + 0x1000).toString(16).slice(1)}${randomUUID().slice(18)}`;
  };
}

/** A random value of so many bits (a multiple of 8), base64url. */
export function randomToken(random: RandomSource, bits: number): string {
  return Buffer.from(random(bits / 8)).toString('base64url');
}
