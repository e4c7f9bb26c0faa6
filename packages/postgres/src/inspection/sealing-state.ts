import { sql } from 'drizzle-orm';
import { everyStream } from '../audit-reading.ts';
import type { Session } from '../database.ts';

/** Events that no seal has put into the tree. */
export interface Unsealed {
  readonly events: number;
  /** When the oldest was written, in milliseconds; null where there is none. */
  readonly oldestAt: number | null;
}

/** Of every stream there is, also of one that the register does not know. A few look-ups in an index for each. */
export async function readUnsealed(session: Session): Promise<Unsealed> {
  const [found] = await session.rows<{ count: string; oldest: string | null }>(sql`
    with reach as (
      select stream,
        (select max(event.index) + 1 from countersign.audit_event as event where event.stream = known.stream) as written,
        coalesce((
          select until_index from countersign.audit_seal_range as range where range.stream = known.stream order by from_index desc limit 1
        ), 0) as sealed
      from (${everyStream}) as known
    )
    select coalesce(sum(written - sealed), 0) as count, (extract(epoch from min(
      (select event.at from countersign.audit_event as event where event.stream = reach.stream and event.index = reach.sealed)
    )) * 1000)::bigint as oldest
    from reach where written > sealed`);
  return { events: Number(found?.count ?? 0), oldestAt: found?.oldest == null ? null : Number(found.oldest) };
}
