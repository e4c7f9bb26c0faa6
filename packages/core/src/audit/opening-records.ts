import type { ChainRecord } from '../store/seal-store.ts';
import { auditTextFields } from './event.ts';

const NULL_LENGTH = 0xffffffff;
const TEXTS_AT = 49;

/**
 * What streams have recorded, when they were opened, of the heads of others: where no seal reaches, the only witness of where a
 * stream ended.
 */
export class OpeningRecords {
  /** By stream and index: the hash that was recorded. */
  readonly #recorded = new Map<string, Map<number, string>>();
  /** Reads a stream's first record. */
  read({ bytes }: ChainRecord): void {
    const details = textAt(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
      auditTextFields.indexOf('details'),
    );
    for (const [stream, index, hash] of headsIn(details)) {
      const recorded = this.#recorded.get(stream) ?? new Map<number, string>();
      this.#recorded.set(stream, recorded.set(index, hash));
    }
  }

  /** Whether a record is the one that was recorded, where any was. */
  fits(stream: string, index: number, hash: Uint8Array): boolean {
    const recorded = this.#recorded.get(stream)?.get(index);
    return recorded === undefined || recorded === Buffer.from(hash).toString('hex');
  }

  /** The first stream that is shorter than was recorded. `ends`: length by stream. */
  shorter(ends: ReadonlyMap<string, number>): { readonly stream: string; readonly index: number } | null {
    for (const [stream, recorded] of this.#recorded) {
      const index = ends.get(stream) ?? 0;
      if (Math.max(...recorded.keys()) >= index) return { stream, index };
    }
    return null;
  }
}

function textAt(bytes: Buffer, field: number): string | null {
  let at = TEXTS_AT;
  for (let passed = 0; ; passed += 1) {
    const length = bytes.readUInt32BE(at);
    const end = at + 4 + (length === NULL_LENGTH ? 0 : length);
    if (passed === field) return length === NULL_LENGTH ? null : bytes.toString('utf8', at + 4, end);
    at = end;
  }
}

function headsIn(details: string | null): readonly (readonly [string, number, string])[] {
  try {
    const heads: unknown = JSON.parse(details ?? '[]');
    return Array.isArray(heads) ? heads.filter(isHead) : [];
  } catch {
    return [];
  }
}

const isHead = (head: unknown): head is readonly [string, number, string] =>
  Array.isArray(head) && typeof head[0] === 'string' && typeof head[1] === 'number' && typeof head[2] === 'string';
