import type { AuditRecord } from './event.ts';

/** Records kept at most, of all streams together. */
const MOST_RECORDS = 10_000;
/** The same by the length of what is long in them, in UTF-16 units. */
const MOST_TEXT = 8_000_000;

/** One stream as far as this process has seen it committed. */
export interface CommittedStream {
  readonly stream: string;
  /** Of the last record that is known to be committed; -1: none. */
  readonly last: number;
  /** Nothing more is written to it; what its last commit left is in the table only. */
  readonly ended: boolean;
}

interface Kept {
  last: number;
  ended: boolean;
  /** The newest committed records, dense, up to `last`. */
  recent: AuditRecord[];
}

/**
 * The newest committed records of this process's streams, for those who send them on: bounded, shared by all of them. Whoever comes
 * too late finds the older ones in the table.
 */
export class CommittedStreams {
  readonly #streams = new Map<string, Kept>();
  #records = 0;
  #text = 0;

  /** A new stream has begun; the earlier ones of this process are at their end. */
  opened(stream: string): void {
    for (const kept of this.#streams.values()) kept.ended = true;
    this.#streams.set(stream, { last: -1, ended: false, recent: [] });
  }

  /** A stream that came into the table whole, up to this index: its records are found there. */
  drained(stream: string, last: number): void {
    if (!this.#streams.has(stream)) this.#streams.set(stream, { last, ended: true, recent: [] });
  }

  /** The next records of a stream, in order. */
  committed(records: readonly AuditRecord[]): void {
    for (const record of records) {
      const kept = this.#streams.get(record.stream);
      if (kept === undefined) continue;
      kept.last = record.index;
      kept.recent.push(record);
      this.#records += 1;
      this.#text += textOf(record);
    }
    this.#makeRoom();
  }

  /** In the order in which they were opened. */
  *streams(): Generator<CommittedStream> {
    for (const [stream, { last, ended }] of this.#streams) yield { stream, last, ended };
  }

  /** Records from this index on, at most so many; null where they are not kept any more. */
  recent(stream: string, from: number, most: number): readonly AuditRecord[] | null {
    const kept = this.#streams.get(stream);
    if (kept === undefined) return null;
    const first = kept.last - kept.recent.length + 1;
    return from < first || from > kept.last ? null : kept.recent.slice(from - first, from - first + most);
  }

  /** Everybody has what comes before this index. */
  forgetBefore(stream: string, index: number): void {
    const kept = this.#streams.get(stream);
    if (kept !== undefined) this.#drop(kept, index - (kept.last - kept.recent.length + 1));
  }

  forget(stream: string): void {
    const kept = this.#streams.get(stream);
    if (kept === undefined) return;
    this.#drop(kept, kept.recent.length);
    this.#streams.delete(stream);
  }

  #makeRoom(): void {
    for (const kept of this.#streams.values()) {
      if (this.#records <= MOST_RECORDS && this.#text <= MOST_TEXT) return;
      // Half at once: taking one at a time from the front would move all the others each time.
      while (kept.recent.length > 0 && (this.#records > MOST_RECORDS / 2 || this.#text > MOST_TEXT / 2)) {
        this.#drop(kept, Math.ceil(kept.recent.length / 4));
      }
    }
  }

  #drop(kept: Kept, count: number): void {
    if (count <= 0) return;
    const dropped = kept.recent.splice(0, count);
    this.#records -= dropped.length;
    for (const record of dropped) this.#text -= textOf(record);
  }
}

const textOf = (record: AuditRecord): number => (record.details?.length ?? 0) + (record.reason?.length ?? 0);
