import { sql } from 'drizzle-orm';
import type { Session } from '../database.ts';

/** How far the events are sealed. Instants in milliseconds. */
export interface SealingState {
  /** Null where nothing was ever sealed. */
  readonly newest: { readonly number: number; readonly size: number; readonly at: number } | null;
  /** Events that are in no seal. */
  readonly unsealed: number;
  /** Of these, when the oldest was written; null where there is none. */
  readonly oldestUnsealedAt: number | null;
}

/** Two look-ups in an index for each stream, however long it is. */
export async function readSealing(session: Session): Promise<SealingState> {
  const [seal] = await session.rows<Record<'number' | 'size' | 'at', string>>(
    sql`select number, size, at from countersign.audit_seal order by number desc limit 1`,
  );
  const [left] = await session.rows<{ count: string; oldest: string | null }>(sql`
    with recursive hop (stream) as (
      select (select stream from countersign.audit_event order by stream limit 1)
      union all
      select (select event.stream from countersign.audit_event as event where event.stream > hop.stream order by event.stream limit 1)
      from hop where hop.stream is not null
    ), reach as (
      select hop.stream,
        (select max(event.index) + 1 from countersign.audit_event as event where event.stream = hop.stream) as written,
        coalesce((select max(until_index) from countersign.audit_seal_range as range where range.stream = hop.stream), 0) as sealed
      from hop where hop.stream is not null
    )
    select coalesce(sum(written - sealed), 0) as count, (extract(epoch from min(
      (select event.at from countersign.audit_event as event where event.stream = reach.stream and event.index = reach.sealed)
    )) * 1000)::bigint as oldest
    from reach where written > sealed`);
  return {
    newest: seal === undefined ? null : { number: Number(seal.number), size: Number(seal.size), at: Number(seal.at) },
    unsealed: Number(left?.count ?? 0),
    oldestUnsealedAt: left?.oldest == null ? null : Number(left.oldest),
  };
}
