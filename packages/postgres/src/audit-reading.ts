import type { AuditQuery, AuditRecord, StreamHead } from '@countersign/core';
import { and, asc, desc, eq, gt, inArray, isNull, type SQL, sql } from 'drizzle-orm';
import { instantOf, recordColumns, toRecord } from './audit-records.ts';
import { indexedConditions, limitOf, otherConditions } from './audit-search.ts';
import type { BoundedCalls } from './bounded-calls.ts';
import type { Session } from './database.ts';
import { auditEvent } from './schema.ts';

const PAGE = 1000;

/** Newest first; `from` is included, `until` is not. Events of the same millisecond are ordered by id. */
export async function readEvents(session: Session, query: AuditQuery): Promise<readonly AuditRecord[]> {
  const conditions = [...indexedConditions(query), ...otherConditions(query)];
  const { before } = query;
  if (before !== undefined) {
    conditions.push(sql`(${auditEvent.at}, ${auditEvent.id}) < (${instantOf(before.at)}, ${before.id}::uuid)`);
  }
  const rows = await session.queries
    .select(recordColumns)
    .from(auditEvent)
    .where(and(...conditions))
    .orderBy(desc(auditEvent.at), desc(auditEvent.id))
    .limit(limitOf(query.limit));
  return rows.map(toRecord);
}

/** Of no workspace: starts and ends of processes, sinks, seals. Few beside those of workspaces, and in an index of their own part. */
export async function readSystemEvents(
  session: Session,
  codes: readonly string[],
  limit: number,
): Promise<readonly AuditRecord[]> {
  const rows = await session.queries
    .select(recordColumns)
    .from(auditEvent)
    .where(and(isNull(auditEvent.workspaceId), inArray(auditEvent.code, [...codes])))
    .orderBy(desc(auditEvent.at), desc(auditEvent.id))
    .limit(limit);
  return rows.map(toRecord);
}

/** A stream's records in order, a page at a time, each page bounded in time. */
export async function* readStream(
  session: Session,
  calls: BoundedCalls,
  stream: string,
  from = 0,
): AsyncGenerator<AuditRecord> {
  let last = from - 1;
  while (true) {
    const page = await calls.run(async () =>
      session.queries
        .select(recordColumns)
        .from(auditEvent)
        .where(and(eq(auditEvent.stream, stream), gt(auditEvent.index, last)))
        .orderBy(asc(auditEvent.index))
        .limit(PAGE),
    );
    for (const row of page) {
      yield toRecord(row);
      last = row.index;
    }
    if (page.length < PAGE) return;
  }
}

/**
 * Every stream that has events. It asks the events themselves, hopping from stream to stream along their index, and not the
 * register of streams: a row missing there must not hide a stream from verification.
 */
export const everyStream: SQL = (() => {
  const next = (after: SQL) =>
    sql`(select ${auditEvent.stream} from ${auditEvent} ${after} order by ${auditEvent.stream} limit 1)`;
  return sql`with recursive hop (stream) as (
      select ${next(sql``)}
      union all
      select ${next(sql`where ${auditEvent.stream} > hop.stream`)} from hop where hop.stream is not null
    ) select stream from hop where stream is not null`;
})();

/** The last record of every stream there is. */
export const readHeads = (session: Session): Promise<readonly StreamHead[]> => headsOf(session, everyStream);

/** The last records of the streams that a query names: two look-ups in the index for each, however long it is. */
export async function headsOf(session: Session, streams: SQL): Promise<readonly StreamHead[]> {
  return await session.queries
    .select({ stream: auditEvent.stream, index: auditEvent.index, hash: auditEvent.hash })
    .from(auditEvent)
    .where(sql`(${auditEvent.stream}, ${auditEvent.index}) in (
      select wanted.stream, (select max(tail.index) from ${auditEvent} as tail where tail.stream = wanted.stream)
      from (${streams}) as wanted
    )`)
    .orderBy(asc(auditEvent.stream));
}
