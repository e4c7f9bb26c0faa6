import type { StreamHead } from '../store/store.ts';

/** The `details` of an event as a value; null where there are none, or none that can be read. */
export function parseDetails(details: string | null): unknown {
  try {
    return details === null ? null : JSON.parse(details);
  } catch {
    return null;
  }
}

/** The `details` of a stream's opening record: the last records of the others, as `[stream, index, hash in hex]`. */
export function headsText(heads: readonly StreamHead[]): string {
  return JSON.stringify(heads.map((head) => [head.stream, head.index, Buffer.from(head.hash).toString('hex')]));
}
