import type { AuditRecord } from '../audit/event.ts';
import type { Keyring } from '../keys/keyring.ts';

/** A row that is written to the database together with the events of its entry. `value` is plain JSON. */
export interface SpoolRow {
  readonly kind: string;
  readonly value: unknown;
}

/** What belongs together: drained in one transaction, or not at all. */
export interface SpoolEntry {
  /** Already chained, in the order of the spool's own stream. */
  readonly records: readonly AuditRecord[];
  readonly rows: readonly SpoolRow[];
}

/** The content of a frame. */
export interface FrameContent {
  /** Id that the event will have which tells that the file was drained: chosen before, so that it is written once. */
  readonly drainedId: string;
  readonly entries: readonly SpoolEntry[];
}

/** Bound to its file and place: a frame that was moved to another does not open. */
const ownerOf = (stream: string, number: number) => ({ workspaceId: '', userId: '', id: `spool ${stream} ${number}` });

export async function sealContent(
  keyring: Keyring,
  stream: string,
  number: number,
  content: FrameContent,
): Promise<string> {
  const entries = content.entries.map(({ records, rows }) => ({
    rows,
    records: records.map((record) => ({ ...record, hash: Buffer.from(record.hash).toString('base64') })),
  }));
  return await keyring.seal(JSON.stringify({ drainedId: content.drainedId, entries }), ownerOf(stream, number));
}

/** Rejects with `key_unknown`, or `factor_unknown` where it was altered or is another file's. */
export async function openContent(
  keyring: Keyring,
  stream: string,
  number: number,
  sealed: string,
): Promise<FrameContent> {
  // Sealed by us, under a key that nobody else has: of the shape it was given.
  const content = JSON.parse(await keyring.open(sealed, ownerOf(stream, number))) as {
    readonly drainedId: string;
    readonly entries: readonly {
      readonly rows: readonly SpoolRow[];
      readonly records: readonly (Omit<AuditRecord, 'hash'> & { readonly hash: string })[];
    }[];
  };
  const entries = content.entries.map(({ records, rows }) => ({
    rows,
    records: records.map((record): AuditRecord => ({ ...record, hash: Buffer.from(record.hash, 'base64') })),
  }));
  return { drainedId: content.drainedId, entries };
}
