import { type AuditConnection, type AuditRecord, CountersignError, type StreamHead } from '@countersign/core';
import { and, inArray, isNull, ne, sql } from 'drizzle-orm';
import { headsOf } from './audit-reading.ts';
import { insertRecords } from './audit-records.ts';
import type { BoundedCalls } from './bounded-calls.ts';
import { connectBounded } from './connect-bounded.ts';
import type { Connection, Database } from './database.ts';
import { auditEvent, auditStream } from './schema.ts';
import { ConnectionLost } from './store-error.ts';
import { storeTransaction } from './store-transaction.ts';

/**
 * Opens the audit writer's own connection. Each stream that it opens is held by a lock that ends with the connection: whoever
 * gets a stream's lock knows that nothing more will ever be committed to it.
 */
export async function openAuditConnection(
  database: Database,
  calls: BoundedCalls,
  onClose: (connection: AuditConnection) => void,
  onEnqueued: () => void,
): Promise<AuditConnection> {
  const connection = await connectBounded(database, calls);
  const opened = new Set<string>();
  let backend = 0;
  let closing: Promise<void> | null = null;

  const close = () => {
    closing ??= connection.close();
    onClose(audit);
    return closing;
  };

  /** After a call of unknown outcome the connection is good for nothing more, least of all a late COMMIT. */
  const run = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await calls.run(work);
    } catch (error) {
      if (leavesOutcomeUnknown(error)) void close().catch(() => {});
      throw error;
    }
  };

  const insert = (session: Parameters<typeof insertRecords>[0], records: readonly AuditRecord[]) => {
    const stranger = records.find((record) => !opened.has(record.stream));
    if (stranger === undefined) return insertRecords(session, records, backend);
    throw new CountersignError('internal', {
      detail: 'Audit records can only be appended to a stream that this connection has opened.',
    });
  };

  const audit: AuditConnection = {
    openStream: (stream, previous) =>
      run(async () => {
        backend = await backendOf(connection);
        // Held before the row is there: a row whose lock is free is a dead stream.
        await connection.lock(lockOf(stream));
        if (previous !== null && previous !== stream) {
          await connection.lock(lockOf(previous));
          await connection.unlock([lockOf(previous)]);
        }
        // A stream from a spool may have been half drained and taken for dead: it goes on, and ends anew.
        await connection.queries
          .insert(auditStream)
          .values({ stream })
          .onConflictDoUpdate({ target: auditStream.stream, set: { endedBy: null, endedAt: null } });
        opened.add(stream);
        return await takeOver(connection, stream);
      }),

    append: (records) => run(() => insert(connection, records)),

    transact: async (work) => {
      const callers: { failed: boolean; error: unknown } = { failed: false, error: null };
      let givenUp = false;
      let enqueued = false;
      const stillWanted = () => {
        if (givenUp) throw new ConnectionLost('The transaction was given up.');
      };
      const attempt = () =>
        connection.transaction(async (session) => {
          stillWanted();
          const transaction = storeTransaction(session, calls);
          const result = await settled(() => work(transaction.writes));
          if ('error' in result) {
            Object.assign(callers, { failed: true, error: result.error });
            throw result.error;
          }
          // PostgreSQL answers COMMIT of a failed transaction with a silent ROLLBACK: a swallowed error must not look like success.
          transaction.assertSound();
          stillWanted();
          await insert(session, result.value.records);
          stillWanted();
          enqueued = transaction.enqueued;
          return result.value.value;
        });
      try {
        const result = await run(async () => {
          const done = await settled(attempt);
          // The caller's own error after a clean rollback says nothing about the connection.
          if ('error' in done && !(callers.failed && done.error === callers.error)) throw done.error;
          return done;
        });
        if ('error' in result) throw result.error;
        if (enqueued) onEnqueued();
        return result.value;
      } catch (error) {
        givenUp = true;
        // Nothing was committed, for COMMIT was never sent: the caller's own error says more than that of the rollback.
        throw callers.failed ? callers.error : error;
      }
    },

    written: (ids) =>
      run(async () => {
        const wanted = sql`(select value::uuid from json_array_elements_text(${JSON.stringify(ids)}::text::json))`;
        const found = await connection.queries
          .select({ id: auditEvent.id })
          .from(auditEvent)
          .where(inArray(auditEvent.id, wanted));
        return new Set(found.map(({ id }) => id));
      }),

    close,
  };
  return audit;
}

async function settled<T>(work: () => Promise<T>): Promise<{ readonly value: T } | { readonly error: unknown }> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error };
  }
}

const lockOf = (stream: string) => `audit stream ${stream}`;

const leavesOutcomeUnknown = (error: unknown): boolean =>
  CountersignError.is(error) && ['store_unavailable', 'store_wait_exceeded', 'store_closed'].includes(error.code);

async function backendOf(connection: Connection): Promise<number> {
  const [row] = await connection.rows<{ pid: number }>(sql`select pg_backend_pid() as pid`);
  return Number(row?.pid);
}

/** The last records of all streams whose end nobody has recorded, and that record for those whose writer is gone. */
async function takeOver(connection: Connection, stream: string): Promise<readonly StreamHead[]> {
  const { queries } = connection;
  const others = await queries
    .select({ stream: auditStream.stream })
    .from(auditStream)
    .where(and(isNull(auditStream.endedBy), ne(auditStream.stream, stream)));
  if (others.length === 0) return [];

  const free = await connection.tryLock(others.map((other) => lockOf(other.stream)));
  const dead = others.map((other) => other.stream).filter((other) => free.has(lockOf(other)));
  // Read while the locks are held: of a dead stream this is the end.
  const heads = await headsOf(
    connection,
    sql`select ${auditStream.stream} from ${auditStream} where ${inArray(
      auditStream.stream,
      others.map((other) => other.stream),
    )}`,
  );
  if (dead.length > 0) {
    await queries
      .update(auditStream)
      .set({ endedBy: stream, endedAt: sql`clock_timestamp()` })
      .where(and(inArray(auditStream.stream, dead), isNull(auditStream.endedBy)));
    await connection.unlock([...free]);
  }
  return heads;
}
