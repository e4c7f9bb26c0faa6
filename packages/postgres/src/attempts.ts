import { randomUUID } from 'node:crypto';
import type { AttemptKey, AttemptLimits, AttemptReservation, Store } from '@countersign/core';
import { and, eq, sql } from 'drizzle-orm';
import type { Session } from './database.ts';
import { factorAttempts } from './schema.ts';

type Recent = Readonly<Record<string, number>>;

const ofKey = (key: AttemptKey) =>
  and(
    eq(factorAttempts.workspaceId, key.workspaceId),
    eq(factorAttempts.userId, key.userId),
    eq(factorAttempts.factor, key.factor),
  );

/**
 * Counts an attempt before it is checked, if both limits allow it: one statement, so that of any number of parallel guesses on
 * any number of nodes no more than the limit pass. The window slides exactly: an attempt made at `a` counts while
 * `now < a + windowSeconds`. One that a faster clock has put into the future counts as well.
 */
export async function reserveAttempt(
  session: Session,
  key: AttemptKey,
  limits: AttemptLimits,
  now: number,
): Promise<AttemptReservation> {
  const id = randomUUID();
  const since = windowStart(limits, now);
  const { recent, consecutive } = factorAttempts;
  const entry = sql`jsonb_build_object(${id}::text, ${now}::bigint)`;
  const [counted] = await session.queries
    .insert(factorAttempts)
    .values({ ...key, recent: entry, consecutive: 1 })
    .onConflictDoUpdate({
      target: [factorAttempts.workspaceId, factorAttempts.userId, factorAttempts.factor],
      // Only as many as the limit are kept, the newest: another node's clock cannot prune what still counts here.
      set: {
        recent: sql`coalesce((
          select jsonb_object_agg(kept.key, kept.value)
          from (select key, value from jsonb_each(${recent}) order by value::bigint desc limit ${limits.perWindow - 1}) as kept
        ), '{}') || ${entry}`,
        consecutive: sql`${consecutive} + 1`,
      },
      setWhere: sql`${consecutive} < ${limits.consecutive}
        and (select count(*) from jsonb_each_text(${recent}) where value::bigint > ${since}) < ${limits.perWindow}`,
    })
    .returning({ recent, consecutive });
  if (counted !== undefined) {
    return { granted: true, id, consecutive: counted.consecutive, inWindow: counting(counted.recent, since).length };
  }

  const [row] = await session.queries.select({ recent, consecutive }).from(factorAttempts).where(ofKey(key));
  if (row !== undefined && row.consecutive >= limits.consecutive) return { granted: false, why: 'disabled' };
  // Where the window has opened in between: now.
  return { granted: false, why: 'window', retryAt: windowOpens(row?.recent ?? {}, limits, now) ?? now };
}

/** Takes back one attempt, and the failures in a row: the code was right. */
export async function settleAttempt(session: Session, key: AttemptKey, reservationId: string): Promise<void> {
  await session.queries
    .update(factorAttempts)
    .set({ recent: sql`${factorAttempts.recent} - ${reservationId}::text`, consecutive: 0 })
    .where(ofKey(key));
}

export async function resetAttempts(session: Session, key: AttemptKey): Promise<void> {
  await session.queries.update(factorAttempts).set({ recent: sql`'{}'::jsonb`, consecutive: 0 }).where(ofKey(key));
}

export async function readAttempts(
  session: Session,
  workspaceId: string,
  userId: string,
  limits: AttemptLimits,
  now: number,
): ReturnType<Store['attempts']> {
  const rows = await session.queries
    .select()
    .from(factorAttempts)
    .where(and(eq(factorAttempts.workspaceId, workspaceId), eq(factorAttempts.userId, userId)));
  return new Map(
    rows.map((row) => [row.factor, { consecutive: row.consecutive, retryAt: windowOpens(row.recent, limits, now) }]),
  );
}

const windowStart = (limits: AttemptLimits, now: number): number => Math.floor(now - limits.windowSeconds * 1000);

const counting = (recent: Recent, since: number): number[] => Object.values(recent).filter((at) => at > since);

/** When a full window has room again; null where it has room now. */
function windowOpens(recent: Recent, limits: AttemptLimits, now: number): number | null {
  const counted = counting(recent, windowStart(limits, now)).sort((one, other) => one - other);
  const mustPass = counted[counted.length - limits.perWindow];
  return mustPass === undefined ? null : mustPass + limits.windowSeconds * 1000;
}
