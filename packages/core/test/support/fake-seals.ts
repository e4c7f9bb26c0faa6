import { canonicalBytes } from '../../src/audit/canonical.ts';
import type { TreeNode } from '../../src/audit/merkle.ts';
import type {
  ArchiveRow,
  ChainRecord,
  SealRange,
  SealRow,
  SealStore,
  SealWithRanges,
  StreamRange,
} from '../../src/store/seal-store.ts';
import type { AuditRecord } from '../../src/store/store.ts';

/** Seals in memory over records in memory, which a test may change behind our back. */
export class FakeSeals implements SealStore {
  readonly rows: SealRow[] = [];
  readonly ranged: SealRange[] = [];
  readonly tree: TreeNode[] = [];
  readonly archived: ArchiveRow[] = [];
  readonly #records: readonly AuditRecord[];

  constructor(records: readonly AuditRecord[]) {
    this.#records = records;
  }

  async newest(): Promise<SealRow | null> {
    return this.rows.reduce<SealRow | null>((last, row) => (row.number > (last?.number ?? -1) ? row : last), null);
  }

  async sealOf(size: number): Promise<SealRow | null> {
    return this.rows.find((row) => row.size >= size) ?? null;
  }

  async unsealed(): Promise<readonly StreamRange[]> {
    const streams = [...new Set(this.#records.map(({ stream }) => stream))];
    return streams
      .map((stream) => {
        const until = 1 + Math.max(...this.#of(stream).map(({ index }) => index));
        return { stream, from: this.#sealed(stream), until };
      })
      .filter(({ from, until }) => from < until);
  }

  async hashes(ranges: readonly StreamRange[]): Promise<readonly Uint8Array[]> {
    return ranges.map(({ stream, from, until }) =>
      Buffer.concat(
        this.#of(stream)
          .filter(({ index }) => index >= from && index < until)
          .map(({ hash }) => hash),
      ),
    );
  }

  async append(seal: SealRow, ranges: readonly SealRange[], nodes: readonly TreeNode[]): Promise<boolean> {
    if (this.rows.some(({ number }) => number === seal.number)) return false;
    if (ranges.some(({ stream, from }) => from !== this.#sealed(stream))) return false;
    this.rows.push(seal);
    this.ranged.push(...ranges);
    this.tree.push(...nodes);
    return true;
  }

  async page(from: number, limit: number): Promise<readonly SealWithRanges[]> {
    return this.rows
      .filter(({ number }) => number >= from)
      .sort((one, other) => one.number - other.number)
      .slice(0, limit)
      .map((row) => ({ ...row, ranges: this.ranged.filter(({ seal }) => seal === row.number) }));
  }

  async ranges(from: number, until: number): Promise<readonly SealRange[]> {
    return this.ranged.filter((range) => range.start < until && range.start + range.until - range.from > from);
  }

  async nodes(level: number, from: number, until: number): Promise<readonly TreeNode[]> {
    return this.tree.filter((node) => node.level === level && node.index >= from && node.index < until);
  }

  async event(id: string): Promise<{ readonly record: AuditRecord; readonly leafIndex: number | null } | null> {
    const record = this.#records.find((each) => each.id === id);
    if (record === undefined) return null;
    const range = this.ranged.find(
      ({ stream, from, until }) => stream === record.stream && from <= record.index && record.index < until,
    );
    return { record, leafIndex: range === undefined ? null : range.start + record.index - range.from };
  }

  async chain(
    stream: string,
    from: number | null,
    until: number | null,
    limit: number,
  ): Promise<readonly ChainRecord[]> {
    return this.#of(stream)
      .filter(({ index }) => index >= (from ?? -Infinity) && index < (until ?? Infinity))
      .slice(0, limit)
      .map((record) => ({ bytes: canonicalBytes(record), hash: record.hash }));
  }

  async archives(): Promise<readonly ArchiveRow[]> {
    return this.archived;
  }

  async records({ stream, from, until }: StreamRange): Promise<readonly AuditRecord[]> {
    return this.#of(stream).filter(({ index }) => index >= from && index < until);
  }

  async lastSealBefore(): Promise<number | null> {
    throw new Error('Nothing is moved out of memory.');
  }

  async moveOut(): Promise<void> {
    throw new Error('Nothing is moved out of memory.');
  }

  #of(stream: string): AuditRecord[] {
    return this.#records.filter((record) => record.stream === stream).sort((one, other) => one.index - other.index);
  }

  #sealed(stream: string): number {
    return Math.max(0, ...this.ranged.filter((range) => range.stream === stream).map(({ until }) => until));
  }
}
