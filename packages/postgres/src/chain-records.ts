import { auditTextFields, CANONICAL_VERSION, type ChainRecord } from '@countersign/core';
import { sql } from 'drizzle-orm';
import type { Session } from './database.ts';
import { auditEvent } from './schema.ts';

/** Version, stream, index, id and instant in the canonical bytes. */
const FIXED = 49;
/** Number of columns; then of each its type, its length and its bytes (`record_send`). */
const COUNT = 4;
const TYPE = 4;
const LENGTH = 4;

const columns = sql.join(
  [
    auditEvent.stream,
    auditEvent.index,
    auditEvent.id,
    sql`(extract(epoch from ${auditEvent.at}) * 1000)::bigint as milliseconds`,
    ...auditTextFields.map((field) => auditEvent[field]),
    auditEvent.hash,
  ],
  sql`, `,
);

/**
 * Records as PostgreSQL sends them in binary, a page in one value. A length and the bytes of each field are what our canonical
 * encoding has too, so that nothing is decoded on the way to the hash.
 */
export async function readChain(
  session: Session,
  stream: string,
  from: number | null,
  until: number | null,
  limit: number,
): Promise<readonly ChainRecord[]> {
  // Indexes are dense, so that a page ends where it is expected to. Without an end the planner may read and sort all that follows.
  const end = (from ?? 0) + limit;
  if (until !== null && until <= end) return await readPage(session, stream, from, until, limit);
  const page = await readPage(session, stream, from, end, limit);
  if (page.length === limit) return page;
  // The end of the stream, or a gap in it.
  const rest = await readPage(session, stream, end, until, limit - page.length);
  return [...page, ...rest];
}

async function readPage(
  session: Session,
  stream: string,
  from: number | null,
  until: number | null,
  limit: number,
): Promise<readonly ChainRecord[]> {
  const bounds = sql.join([
    from === null ? sql`` : sql` and ${auditEvent.index} >= ${from}`,
    until === null ? sql`` : sql` and ${auditEvent.index} < ${until}`,
  ]);
  const [row] = await session.rows<{ packed: string | null }>(sql`
    select pg_catalog.encode(pg_catalog.string_agg(pg_catalog.record_send(page), ''::bytea order by page.index), 'base64') as packed
    from (
      select ${columns} from ${auditEvent}
      where ${auditEvent.stream} = ${stream}::uuid${bounds}
      order by ${auditEvent.index} limit ${limit}
    ) as page`);
  return unpack(Buffer.from(row?.packed ?? '', 'base64'));
}

function unpack(packed: Buffer): readonly ChainRecord[] {
  const records: ChainRecord[] = [];
  for (let at = 0; at < packed.length; ) {
    const start = at + COUNT;
    at = start;
    let length = FIXED;
    for (let field = 0; field < 4; field += 1) at = next(packed, at);
    const texts = at;
    for (let field = 0; field < auditTextFields.length; field += 1) {
      const end = next(packed, at);
      length += end - at - TYPE;
      at = end;
    }
    const end = next(packed, at);
    records.push({ bytes: canonical(packed, start, texts, length), hash: packed.subarray(at + TYPE + LENGTH, end) });
    at = end;
  }
  return records;
}

/** Where the field after this one begins. A length of -1: null, and no bytes. */
const next = (packed: Buffer, at: number): number => at + TYPE + LENGTH + Math.max(0, packed.readInt32BE(at + TYPE));

function canonical(packed: Buffer, start: number, texts: number, length: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(length);
  bytes[0] = CANONICAL_VERSION;
  let to = 1;
  let at = start;
  for (let field = 0; field < 4; field += 1) {
    const end = next(packed, at);
    to += packed.copy(bytes, to, at + TYPE + LENGTH, end);
    at = end;
  }
  for (at = texts; to < length; ) {
    const end = next(packed, at);
    to += packed.copy(bytes, to, at + TYPE, end);
    at = end;
  }
  return bytes;
}
