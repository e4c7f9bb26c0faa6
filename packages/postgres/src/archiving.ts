import { type AuditRecord, CountersignError, type SealStore, type StreamRange } from '@countersign/core';
import { and, asc, desc, eq, gte, lt, sql } from 'drizzle-orm';
import { instantOf, recordColumns, toRecord } from './audit-records.ts';
import type { Connection, Session } from './database.ts';
import { auditArchive, auditEvent, auditSeal, auditSealRange } from './schema.ts';

/** Records of a range, in order. */
export async function readRecords(
  session: Session,
  { stream, from, until }: StreamRange,
): Promise<readonly AuditRecord[]> {
  const rows = await session.queries
    .select(recordColumns)
    .from(auditEvent)
    .where(and(eq(auditEvent.stream, stream), gte(auditEvent.index, from), lt(auditEvent.index, until)))
    .orderBy(asc(auditEvent.index));
  return rows.map(toRecord);
}

/** The last seal up to which every record that is still there is older. */
export async function lastSealBefore(session: Session, instant: number): Promise<number | null> {
  const gone = await lastArchived(session);
  const [young] = await session.rows<{ seal: string | number | null }>(sql`
    select min(ranged.seal) as seal from (
      select seal from ${auditSealRange} as ranged
      where ranged.seal > ${gone} and exists (
        select from ${auditEvent} as event
        where event.stream = ranged.stream and event.index >= ranged.from_index and event.index < ranged.until_index
          and event.at >= ${instantOf(instant)}
      )
      order by ranged.seal limit 1
    ) as ranged`);
  const [newest] = await session.queries
    .select({ number: auditSeal.number })
    .from(auditSeal)
    .orderBy(desc(auditSeal.number))
    .limit(1);
  if (newest === undefined) return null;
  const last = young?.seal == null ? newest.number : Number(young.seal) - 1;
  return last > gone ? last : null;
}

/**
 * The trigger lets records go only in a transaction that leaves a row in `audit_archive`, which only the owner may write. No table is
 * locked: the application goes on.
 */
export async function moveOut(
  connection: Connection,
  { seal, digest, at }: Parameters<SealStore['moveOut']>[0],
  records: number,
): Promise<void> {
  await connection.lock('archive');
  await connection.transaction(async (session) => {
    const gone = await lastArchived(session);
    const heads = await session.rows<{ stream: string; left: string | number; head: string }>(sql`
      select distinct on (stream) stream::text as stream, until_index as left, encode(head, 'hex') as head
      from ${auditSealRange} where ${auditSealRange.seal} <= ${seal} order by stream, from_index desc`);
    const text = JSON.stringify(
      Object.fromEntries(heads.map(({ stream, left, head }) => [stream, [Number(left), head]])),
    );
    await session.queries.insert(auditArchive).values({ seal, heads: text, digest, at });
    const removed = await session.rows<{ one: number }>(sql`
      with removed as (
        delete from ${auditEvent} as event using ${auditSealRange} as ranged
        where ranged.seal > ${gone} and ranged.seal <= ${seal}
          and event.stream = ranged.stream and event.index >= ranged.from_index and event.index < ranged.until_index
        returning 1
      ) select count(*) as one from removed`);
    if (Number(removed[0]?.one) !== records) {
      throw new CountersignError('audit_archive_invalid', {
        detail: 'What is in the file is not what would be removed.',
      });
    }
  });
}

async function lastArchived(session: Session): Promise<number> {
  const [row] = await session.queries
    .select({ seal: auditArchive.seal })
    .from(auditArchive)
    .orderBy(desc(auditArchive.seal))
    .limit(1);
  return row?.seal ?? -1;
}
