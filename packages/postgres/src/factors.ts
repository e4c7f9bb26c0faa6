import { CountersignError, type FactorRow } from '@countersign/core';
import { and, asc, eq, sql } from 'drizzle-orm';
import type { Session } from './database.ts';
import { factor } from './schema.ts';

const ofRow = (key: { readonly workspaceId: string; readonly id: string }) =>
  and(eq(factor.workspaceId, key.workspaceId), eq(factor.id, key.id));

export async function readFactors(
  session: Session,
  workspaceId: string,
  userId: string,
): Promise<readonly FactorRow[]> {
  return await session.queries
    .select()
    .from(factor)
    .where(and(eq(factor.workspaceId, workspaceId), eq(factor.userId, userId)))
    .orderBy(asc(factor.createdAt), asc(factor.id));
}

/** A row is never moved to another user or kind of factor: such a write is refused (`store_refused`). */
export async function putFactor(session: Session, row: FactorRow): Promise<void> {
  const { workspaceId, userId, ...content } = row;
  const insert = session.queries.insert(factor).values(row);
  // Two enrolments begun at once: the unique index on pending rows leaves the later one.
  const replace =
    row.confirmedAt === null
      ? insert.onConflictDoUpdate({
          target: [factor.workspaceId, factor.userId, factor.factor],
          targetWhere: sql`confirmed_at is null`,
          set: content,
        })
      : insert.onConflictDoUpdate({
          target: [factor.workspaceId, factor.id],
          set: content,
          setWhere: sql`${factor.userId} = ${userId} and ${factor.factor} = ${row.factor}`,
        });
  const written = await replace.returning({ id: factor.id });
  if (written.length === 0) {
    throw new CountersignError('store_refused', { detail: 'A factor of this id belongs to somebody else.' });
  }
}

/** The one conditional write by which a code is consumed: of any number of parallel ones, one moves the counter. */
export async function moveFactorCounter(
  session: Session,
  row: FactorRow,
  next: { readonly counter: number; readonly mac: string },
): Promise<boolean> {
  const moved = await session.queries
    .update(factor)
    .set({ counter: next.counter, mac: next.mac })
    .where(and(ofRow(row), eq(factor.userId, row.userId), eq(factor.counter, row.counter), eq(factor.mac, row.mac)))
    .returning({ id: factor.id });
  return moved.length === 1;
}

/** Replaces a row if nobody has written it since it was read. */
export async function replaceFactor(session: Session, row: FactorRow, next: FactorRow): Promise<boolean> {
  const { id: _, workspaceId: __, userId: ___, ...content } = next;
  const replaced = await session.queries
    .update(factor)
    .set(content)
    .where(and(ofRow(row), eq(factor.userId, row.userId), eq(factor.factor, next.factor), eq(factor.mac, row.mac)))
    .returning({ id: factor.id });
  return replaced.length === 1;
}

/** Rows of every workspace, for work that goes over all of them. */
export async function readFactorPage(
  session: Session,
  after: { readonly workspaceId: string; readonly id: string } | null,
  limit: number,
): Promise<readonly FactorRow[]> {
  const beyond =
    after === null ? undefined : sql`(${factor.workspaceId}, ${factor.id}) > (${after.workspaceId}, ${after.id})`;
  return await session.queries
    .select()
    .from(factor)
    .where(beyond)
    .orderBy(asc(factor.workspaceId), asc(factor.id))
    .limit(limit);
}

export async function removeFactor(
  session: Session,
  key: { readonly workspaceId: string; readonly id: string },
): Promise<boolean> {
  const removed = await session.queries.delete(factor).where(ofRow(key)).returning({ id: factor.id });
  return removed.length === 1;
}
