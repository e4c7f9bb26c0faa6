import { headsText } from '../audit/details.ts';
import type { AuditEventInput } from '../audit/event.ts';
import type { AuditWriter } from '../audit/writer.ts';
import type { AuditConnection, Store, StoreTransaction, StreamHead } from '../store/store.ts';
import type { SpoolContent } from './read-spool-file.ts';
import type { Spool } from './spool.ts';
import type { SpoolEntry, SpoolRow } from './spool-entry.ts';

/** What draining needs. */
export interface Draining {
  readonly spool: Spool;
  readonly store: Store;
  /** Of the log's ordinary stream: it tells that a spool was drained. */
  readonly audit: AuditWriter;
  /** Writes one row. It has not been written before: rows are on the database exactly if their events are. */
  readonly put: (transaction: StoreTransaction, row: SpoolRow) => Promise<void>;
  /** Told of each stream that is in the database now, up to its last record. Must neither throw nor wait. */
  readonly onDrained?: ((head: StreamHead) => void) | undefined;
}

/** Events in one transaction, about. */
const CHUNK = 500;

/**
 * Brings everything that the spool holds into the database, in order, and removes it from the disk. Each entry is written with its
 * rows in one transaction, and only if its events are not there: killed at any moment and begun again, it repeats and loses nothing.
 *
 * Of a file that was damaged, what stands before the damage is written, the file is set aside, and the event says so; so it does of
 * one that is gone. Rejects as the
 * store does, with `key_unknown` or `spool_unavailable`: then what is left stays where it is.
 */
export async function drainSpool(draining: Draining): Promise<void> {
  const { spool, audit, onDrained } = draining;
  for (let files = await spool.waiting(); files.length > 0; files = await spool.waiting()) {
    for (const file of files) {
      const content = await spool.read(file);
      if (content === null) {
        await audit.append([lostEvent(file.stream)]);
        spool.forget(file);
        continue;
      }
      const heads = content.entries.length === 0 ? [] : await drainFile(draining, content);
      const event = drainedEvent(content, heads);
      await (content.drainedId === null ? audit.append([event]) : audit.appendOnce(content.drainedId, event));
      await spool.retire(file, content.damaged);
      if (content.head !== null) onDrained?.(content.head);
    }
  }
}

async function drainFile({ store, put }: Draining, content: SpoolContent): Promise<readonly StreamHead[]> {
  const connection = await store.openAuditConnection();
  try {
    const heads = await connection.openStream(content.stream, null);
    for (const chunk of chunksOf(content.entries)) {
      const missing = await withoutWritten(connection, chunk);
      if (missing.length === 0) continue;
      await connection.transact(async (transaction) => {
        for (const row of missing.flatMap(({ rows }) => rows)) await put(transaction, row);
        return { value: undefined, records: missing.flatMap(({ records }) => records) };
      });
    }
    return heads;
  } finally {
    await connection.close().catch(() => {});
  }
}

function* chunksOf(entries: readonly SpoolEntry[]): Generator<readonly SpoolEntry[]> {
  let chunk: SpoolEntry[] = [];
  let events = 0;
  for (const entry of entries) {
    chunk.push(entry);
    events += entry.records.length;
    if (events < CHUNK) continue;
    yield chunk;
    chunk = [];
    events = 0;
  }
  if (chunk.length > 0) yield chunk;
}

async function withoutWritten(
  connection: AuditConnection,
  entries: readonly SpoolEntry[],
): Promise<readonly SpoolEntry[]> {
  const written = await connection.written(entries.flatMap(({ records }) => records.map(({ id }) => id)));
  return entries.filter(({ records }) => !records.every(({ id }) => written.has(id)));
}

function lostEvent(stream: string): AuditEventInput {
  const about = { code: 'AUDIT_SPOOL_DRAINED', outcome: 'failure', reason: 'missing' } as const;
  return { ...about, workspaceId: null, userId: null, details: JSON.stringify({ stream }) };
}

/** It names the heads that this stream's opening in the database was told, as an opening record does. */
function drainedEvent(content: SpoolContent, heads: readonly StreamHead[]): AuditEventInput {
  const { stream, head, torn, damaged } = content;
  const details = {
    stream,
    events: (head?.index ?? -1) + 1,
    head: head === null ? null : Buffer.from(head.hash).toString('hex'),
    cutOffBytes: torn,
    heads: JSON.parse(headsText(heads)),
  };
  return {
    code: 'AUDIT_SPOOL_DRAINED',
    outcome: damaged ? 'failure' : 'success',
    workspaceId: null,
    userId: null,
    reason: damaged ? 'damaged' : null,
    details: JSON.stringify(details),
  };
}
