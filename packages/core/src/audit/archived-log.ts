import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { CountersignError } from '../errors/countersign-error.ts';
import type { ChainRecord, SealRange, SealWithRanges } from '../store/seal-store.ts';
import { parseRecord, recordJson } from './audit-proof.ts';
import { canonicalBytes } from './canonical.ts';
import type { AuditRecord } from './event.ts';

/** Seals and records that were moved out of the database, in the order of the tree. */
export interface ArchivedLog {
  readonly firstSeal: number;
  readonly lastSeal: number;
  /** Each seal, with the records of its ranges: to be read in order, part by part, and before the next seal. */
  seals(): AsyncIterable<{
    readonly seal: SealWithRanges;
    records(range: SealRange): Promise<readonly ChainRecord[]>;
  }>;
}

const bytes = z.base64().transform((text): Uint8Array => Buffer.from(text, 'base64'));
const count = z.int().min(0);
const header = z.strictObject({ kind: z.literal('archive'), format: z.literal(1), firstSeal: count, lastSeal: count });
const sealLine = z.strictObject({
  kind: z.literal('seal'),
  number: count,
  size: count,
  root: bytes,
  frontier: bytes,
  checkpoint: z.string(),
  at: z.int(),
  ranges: z.array(
    z.strictObject({ stream: z.string(), from: count, until: count, seal: count, start: count, head: bytes }),
  ),
});

/** Opens a file that `countersign audit archive` wrote. Throws `audit_archive_invalid`. */
export async function openArchivedLog(file: string): Promise<ArchivedLog> {
  const lines = linesOf(file);
  const parsed = header.safeParse(await nextLine(lines));
  await lines.return?.();
  if (!parsed.success) throw new CountersignError('audit_archive_invalid');
  const { firstSeal, lastSeal } = parsed.data;
  return { firstSeal, lastSeal, seals: () => sealsOf(file) };
}

async function* sealsOf(file: string): ReturnType<ArchivedLog['seals']> {
  const lines = linesOf(file);
  await nextLine(lines);
  for (let line = await nextLine(lines); line !== null; line = await nextLine(lines)) {
    const parsed = sealLine.safeParse(line);
    if (!parsed.success) throw new CountersignError('audit_archive_invalid');
    const { kind: _, ...seal } = parsed.data;
    yield { seal, records: (range) => recordsOf(lines, range) };
  }
}

async function recordsOf(lines: AsyncIterator<string>, range: SealRange): Promise<readonly ChainRecord[]> {
  const records: ChainRecord[] = [];
  while (records.length < range.until - range.from) {
    const record = parseRecord(await nextLine(lines));
    const chained = record === null ? null : chainRecord(record);
    if (chained === null) throw new CountersignError('audit_archive_invalid');
    records.push(chained);
  }
  return records;
}

function chainRecord(record: AuditRecord): ChainRecord | null {
  try {
    return { bytes: canonicalBytes(record), hash: record.hash };
  } catch {
    return null;
  }
}

async function nextLine(lines: AsyncIterator<string>): Promise<unknown> {
  const { done, value } = await lines.next();
  if (done === true) return null;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    throw new CountersignError('audit_archive_invalid');
  }
}

function linesOf(file: string): AsyncIterator<string> {
  const input = createReadStream(file);
  return createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
}

/** The first line of an archive. */
export const archiveHeader = (firstSeal: number, lastSeal: number): string =>
  `${JSON.stringify({ kind: 'archive', format: 1, firstSeal, lastSeal })}\n`;

/** The line of a seal; those of its records follow. */
export function archivedSeal(seal: SealWithRanges): string {
  const base64 = (value: Uint8Array) => Buffer.from(value).toString('base64');
  const ranges = seal.ranges.map((range) => ({ ...range, head: base64(range.head) }));
  const line = { kind: 'seal', ...seal, root: base64(seal.root), frontier: base64(seal.frontier), ranges };
  return `${JSON.stringify(line)}\n`;
}

/** The line of a record. */
export const archivedRecord = (record: AuditRecord): string => `${JSON.stringify(recordJson(record))}\n`;
