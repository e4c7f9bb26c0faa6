import {
  type ArchiveRow,
  CountersignError,
  type SealRange,
  type SealRow,
  type SealStore,
  type SealWithRanges,
  type StreamRange,
  type TreeNode,
} from '@countersign/core';
import { and, asc, desc, eq, gte, inArray, lt, sql } from 'drizzle-orm';
import { lastSealBefore, moveOut, readRecords } from './archiving.ts';
import { everyStream } from './audit-reading.ts';
import { recordColumns, toRecord } from './audit-records.ts';
import type { BoundedCalls } from './bounded-calls.ts';
import { readChain } from './chain-records.ts';
import type { Connection, Database } from './database.ts';
import { auditArchive, auditEvent, auditNode, auditSeal, auditSealRange, auditStream } from './schema.ts';
import { storeError } from './store-error.ts';

/** The seals, on the pool. */
export function sealStore(database: Database, calls: BoundedCalls): SealStore {
  const run = <T>(work: () => Promise<T>) => calls.run(work);
  return {
    newest: () =>
      run(async () => {
        const [row] = await database.queries.select().from(auditSeal).orderBy(desc(auditSeal.number)).limit(1);
        return row ?? null;
      }),
    sealOf: (size) =>
      run(async () => {
        const [row] = await database.queries
          .select()
          .from(auditSeal)
          .where(gte(auditSeal.size, size))
          .orderBy(asc(auditSeal.number))
          .limit(1);
        return row ?? null;
      }),
    unsealed: (all) => run(() => unsealed(database, all)),
    hashes: (ranges) => run(() => hashesOf(database, ranges)),
    append: (seal, ranges, nodes) => run(() => append(database, seal, ranges, nodes)),
    page: (from, limit) => run(() => readPage(database, from, limit)),
    ranges: (from, until) => run(() => rangesOver(database, from, until)),
    nodes: (level, from, until) =>
      run(async () =>
        database.queries
          .select()
          .from(auditNode)
          .where(and(eq(auditNode.level, level), gte(auditNode.index, from), lt(auditNode.index, until)))
          .orderBy(asc(auditNode.index)),
      ),
    event: (id) => run(() => findEvent(database, id)),
    chain: (stream, from, until, limit) => run(() => readChain(database, stream, from, until, limit)),
    archives: () => run(() => readArchives(database)),
    records: (range) => run(() => readRecords(database, range)),
    lastSealBefore: (instant) => unhurried(database, calls, (connection) => lastSealBefore(connection, instant)),
    moveOut: (archive, records) => unhurried(database, calls, (connection) => moveOut(connection, archive, records)),
  };
}

const rangeColumns = {
  stream: auditSealRange.stream,
  from: auditSealRange.fromIndex,
  until: auditSealRange.untilIndex,
  seal: auditSealRange.seal,
  start: auditSealRange.start,
  head: auditSealRange.head,
};

/** For each stream two look-ups in an index, however long it is. */
async function unsealed(database: Database, all: boolean): Promise<readonly StreamRange[]> {
  const streams = all
    ? everyStream
    : sql`select ${auditStream.stream} from ${auditStream}
        where ${auditStream.endedBy} is null or ${auditStream.endedAt} > clock_timestamp() - interval '2 minutes'`;
  const rows = await database.rows<{ stream: string; sealed: string | number; last: string | number }>(sql`
    select stream::text as stream, sealed, last from (
      select wanted.stream,
        coalesce((
          select ranged.until_index from ${auditSealRange} as ranged
          where ranged.stream = wanted.stream order by ranged.from_index desc limit 1
        ), 0) as sealed,
        (select max(tail.index) from ${auditEvent} as tail where tail.stream = wanted.stream) as last
      from (${streams}) as wanted
    ) as found where last >= sealed`);
  return rows.map(({ stream, sealed, last }) => ({ stream, from: Number(sealed), until: Number(last) + 1 }));
}

/** The limit keeps the planner on the index, whatever it thinks of how many there are. */
async function hashesOf(database: Database, ranges: readonly StreamRange[]): Promise<readonly Uint8Array[]> {
  if (ranges.length === 0) return [];
  const most = Math.max(...ranges.map(({ from, until }) => until - from));
  const wanted = JSON.stringify(
    ranges.map(({ stream, from, until }, place) => ({ place, stream, first: from, until })),
  );
  // As text: bytea comes back in as many forms as there are parsers.
  const rows = await database.rows<{ place: string | number; hashes: string | null }>(sql`
    select wanted.place, found.hashes
    from json_to_recordset(${wanted}::text::json) as wanted(place integer, stream uuid, first bigint, until bigint)
    cross join lateral (
      select encode(string_agg(page.hash, ''::bytea order by page.index), 'base64') as hashes from (
        select event.hash, event.index from ${auditEvent} as event
        where event.stream = wanted.stream and event.index >= wanted.first and event.index < wanted.until
        order by event.index limit ${sql.raw(String(most))}
      ) as page
    ) as found`);
  const found = new Map(rows.map(({ place, hashes }) => [Number(place), hashes]));
  return ranges.map((_, place) => Buffer.from(found.get(place) ?? '', 'base64'));
}

async function append(
  database: Database,
  seal: SealRow,
  ranges: readonly SealRange[],
  nodes: readonly TreeNode[],
): Promise<boolean> {
  try {
    await database.queries.transaction(async (transaction) => {
      // A checkpoint that has left the house must not be undone by a crash of the server.
      await transaction.execute(
        sql`select set_config('synchronous_commit', 'on', true) where current_setting('synchronous_commit') = 'off'`,
      );
      await transaction.insert(auditSeal).values(seal);
      const rows = ranges.map(({ from, until, ...rest }) => ({ ...rest, fromIndex: from, untilIndex: until }));
      await transaction.insert(auditSealRange).values(rows);
      if (nodes.length > 0) await transaction.insert(auditNode).values([...nodes]);
    });
    return true;
  } catch (error) {
    // 23505: the number or the range is taken. 55000: the range leaves a gap.
    const fault = storeError(error, database.waitCure);
    const code = fault.cause instanceof Error && 'code' in fault.cause ? fault.cause.code : null;
    if (code === '23505' || code === '55000') return false;
    throw fault;
  }
}

async function readPage(database: Database, from: number, limit: number): Promise<readonly SealWithRanges[]> {
  const seals = await database.queries
    .select()
    .from(auditSeal)
    .where(gte(auditSeal.number, from))
    .orderBy(asc(auditSeal.number))
    .limit(limit);
  const last = seals.at(-1);
  if (last === undefined) return [];
  const ranges = await database.queries
    .select(rangeColumns)
    .from(auditSealRange)
    .where(and(gte(auditSealRange.seal, from), lt(auditSealRange.seal, last.number + 1)))
    .orderBy(asc(auditSealRange.seal), asc(auditSealRange.start));
  const bySeal = new Map<number, SealRange[]>();
  for (const range of ranges) {
    const own = bySeal.get(range.seal);
    if (own === undefined) bySeal.set(range.seal, [range]);
    else own.push(range);
  }
  return seals.map((seal) => ({ ...seal, ranges: bySeal.get(seal.number) ?? [] }));
}

async function rangesOver(database: Database, from: number, until: number): Promise<readonly SealRange[]> {
  const { start } = auditSealRange;
  return await database.queries
    .select(rangeColumns)
    .from(auditSealRange)
    .where(
      and(
        lt(start, until),
        // The one that `from` lies in may begin before it.
        gte(
          start,
          sql`coalesce((select max(earlier.start) from ${auditSealRange} as earlier where earlier.start <= ${from}), 0)`,
        ),
      ),
    )
    .orderBy(asc(start));
}

async function findEvent(database: Database, id: string): Promise<Awaited<ReturnType<SealStore['event']>>> {
  const [row] = await database.queries.select(recordColumns).from(auditEvent).where(eq(auditEvent.id, id)).limit(1);
  if (row === undefined) return null;
  const record = toRecord(row);
  const [range] = await database.queries
    .select(rangeColumns)
    .from(auditSealRange)
    .where(and(eq(auditSealRange.stream, record.stream), lt(auditSealRange.fromIndex, record.index + 1)))
    .orderBy(desc(auditSealRange.fromIndex))
    .limit(1);
  const isSealed = range !== undefined && record.index < range.until;
  return { record, leafIndex: isSealed ? range.start + record.index - range.from : null };
}

async function readArchives(database: Database): Promise<readonly ArchiveRow[]> {
  const rows = await database.queries.select().from(auditArchive).orderBy(asc(auditArchive.seal));
  if (rows.length === 0) return [];
  const seals = await database.queries
    .select({ number: auditSeal.number, size: auditSeal.size })
    .from(auditSeal)
    .where(
      inArray(
        auditSeal.number,
        rows.map(({ seal }) => seal),
      ),
    );
  const sizes = new Map(seals.map(({ number, size }) => [number, size]));
  return rows.map((row) => ({ ...row, size: sizes.get(row.seal) ?? 0 }));
}

/** On a connection whose statements may take as long as they need. */
async function unhurried<T>(
  database: Database,
  calls: BoundedCalls,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  if (calls.closed) throw new CountersignError('store_closed');
  try {
    const connection = await database.connect({ unhurried: true });
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  } catch (error) {
    throw storeError(error, database.waitCure);
  }
}
