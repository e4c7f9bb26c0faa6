import type { ChainRecord, SealStore } from '../store/seal-store.ts';

/** Records held in memory at one time, over all streams. */
const MOST_HELD = 32_768;
const LEAST_PAGE = 256;
const MOST_PAGE = 8_192;

interface Reading {
  held: readonly ChainRecord[];
  at: number;
  /** Index after the last that was read; null: nothing was. */
  next: number | null;
  /** The page after that, asked for while this one is worked on. */
  ahead: Promise<readonly ChainRecord[]> | null;
}

/** Reads streams in order, in pages, several streams by turns. */
export class ChainReader {
  readonly #seals: Pick<SealStore, 'chain'>;
  readonly #streams = new Map<string, Reading>();

  constructor(seals: Pick<SealStore, 'chain'>) {
    this.#seals = seals;
  }

  /** The next records of a stream, whatever their indexes are; fewer than `count` only at its end. */
  async take(stream: string, count: number): Promise<readonly ChainRecord[]> {
    const taken = await this.peek(stream, count);
    const reading = this.#streams.get(stream);
    if (reading === undefined) return taken;
    reading.at += taken.length;
    // What was worked on is let go, and with it the page that it came in.
    if (reading.at === reading.held.length && reading.ahead === null)
      this.#streams.set(stream, { ...empty, next: reading.next });
    return taken;
  }

  /** The same, and the next call gives them again. */
  async peek(stream: string, count: number): Promise<readonly ChainRecord[]> {
    const reading = this.#streams.get(stream) ?? { ...empty };
    this.#streams.set(stream, reading);
    while (reading.held.length - reading.at < count) {
      const size = this.#pageSize();
      const page = await (reading.ahead ?? this.#seals.chain(stream, reading.next, null, size));
      reading.ahead = null;
      const last = page.at(-1);
      if (last === undefined) break;
      reading.held = [...reading.held.slice(reading.at), ...page];
      reading.at = 0;
      reading.next = indexOf(last) + 1;
      if (page.length < size) continue;
      reading.ahead = this.#seals.chain(stream, reading.next, null, size);
      // Awaited later, and until then nobody's.
      reading.ahead.catch(() => {});
    }
    return reading.held.slice(reading.at, reading.at + count);
  }

  #pageSize(): number {
    let active = 0;
    for (const reading of this.#streams.values()) if (reading.held.length > 0) active += 1;
    return Math.max(LEAST_PAGE, Math.min(MOST_PAGE, Math.floor(MOST_HELD / Math.max(1, active))));
  }
}

const empty: Readonly<Reading> = { held: [], at: 0, next: null, ahead: null };

/** The index that the canonical bytes have. */
export function indexOf({ bytes }: ChainRecord): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  // Two halves, the higher one signed: a BigInt takes several times as long.
  return view.getInt32(17) * 2 ** 32 + view.getUint32(21);
}
