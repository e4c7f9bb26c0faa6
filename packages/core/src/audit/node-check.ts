import type { SealStore } from '../store/seal-store.ts';

const LEVEL_STEP = 8;
/** Subtrees that are compared by one query. */
const PAGE = 512;

/** Compares the subtrees that are stored for proofs with those that are recomputed. */
export class NodeCheck {
  readonly #seals: Pick<SealStore, 'nodes'>;
  /** By level: index of the first that was not compared yet, and their hashes. */
  readonly #levels = new Map<number, { first: number; hashes: Uint8Array[] }>();

  constructor(seals: Pick<SealStore, 'nodes'>) {
    this.#seals = seals;
  }

  /** To be told of every subtree that is complete. */
  readonly completed = (level: number, index: number, hash: Uint8Array): void => {
    if (level % LEVEL_STEP !== 0) return;
    const waiting = this.#levels.get(level);
    if (waiting === undefined) this.#levels.set(level, { first: index, hashes: [hash] });
    else waiting.hashes.push(hash);
  };

  /** Compares where enough has come together. A sentence where they differ. */
  async advance(): Promise<string | null> {
    for (const [level, { hashes }] of this.#levels) {
      const fault = hashes.length >= PAGE ? await this.#compare(level) : null;
      if (fault !== null) return fault;
    }
    return null;
  }

  async finish(): Promise<string | null> {
    for (const level of this.#levels.keys()) {
      const fault = await this.#compare(level);
      if (fault !== null) return fault;
    }
    return null;
  }

  async #compare(level: number): Promise<string | null> {
    const waiting = this.#levels.get(level);
    if (waiting === undefined) return null;
    const { first, hashes } = waiting;
    this.#levels.set(level, { first: first + hashes.length, hashes: [] });
    for (let at = 0; at < hashes.length; at += PAGE) {
      const page = hashes.slice(at, at + PAGE);
      const stored = await this.#seals.nodes(level, first + at, first + at + page.length);
      const fits = page.every((hash, place) => {
        const node = stored[place];
        return node?.index === first + at + place && Buffer.compare(node.hash, hash) === 0;
      });
      if (!fits || stored.length !== page.length)
        return `A stored subtree of level ${level} is not that of the events.`;
    }
    return null;
  }
}
