import type {
  EmergencyAccessQuery,
  EmergencyAccessRow,
  EmergencyStepRow,
  StoredEmergencyAccess,
} from '@countersign/core';
import { and, desc, eq, inArray, lt, type SQL, sql } from 'drizzle-orm';
import { announceChange } from './changes.ts';
import type { Session } from './database.ts';
import { emergencyAccess, emergencyAccessStep } from './schema.ts';

const DEFAULT_LIMIT = 100;
const GREATEST_LIMIT = 1000;

/** What is no UUID is the id of nothing. */
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Newest first; those of the same millisecond in the order of their ids. */
export async function readEmergencyAccess(
  session: Session,
  query: EmergencyAccessQuery,
): Promise<readonly StoredEmergencyAccess[]> {
  const { workspaceId, ids, userId, having, lacking, openedUntil, before } = query;
  const conditions: SQL[] = [];
  if (workspaceId !== undefined) conditions.push(eq(emergencyAccess.workspaceId, workspaceId));
  if (userId !== undefined) conditions.push(eq(emergencyAccess.userId, userId));
  if (ids !== undefined) {
    const known = ids.filter((id) => UUID.test(id));
    if (known.length === 0) return [];
    conditions.push(inArray(emergencyAccess.id, known));
  }
  if (having !== undefined) conditions.push(sql`exists ${stepsOf(having)}`);
  if (lacking !== undefined) conditions.push(sql`not exists ${stepsOf(lacking)}`);
  if (openedUntil !== undefined) conditions.push(lt(emergencyAccess.openedAt, openedUntil));
  if (before !== undefined) {
    if (!UUID.test(before.id)) return [];
    const after = sql`(${before.openedAt}::bigint, ${before.id}::uuid)`;
    conditions.push(sql`(${emergencyAccess.openedAt}, ${emergencyAccess.id}) < ${after}`);
  }
  const limit = Math.max(1, Math.min(Math.trunc(query.limit ?? DEFAULT_LIMIT), GREATEST_LIMIT));
  const found = await session.queries
    .select({ row: emergencyAccess, written: written(emergencyAccess.writtenAt), now: written(sql`clock_timestamp()`) })
    .from(emergencyAccess)
    .where(and(...conditions))
    .orderBy(desc(emergencyAccess.openedAt), desc(emergencyAccess.id))
    .limit(limit);
  if (found.length === 0) return [];
  // Read after: a step that came in between belongs to the access all the same.
  const steps = await session.queries
    .select({ row: emergencyAccessStep, written: written(emergencyAccessStep.writtenAt) })
    .from(emergencyAccessStep)
    .where(
      inArray(
        emergencyAccessStep.emergencyAccessId,
        found.map(({ row }) => row.id),
      ),
    )
    .orderBy(emergencyAccessStep.writtenAt);
  return found.map(({ row: { writtenAt: _, ...access }, written: opened, now }) => {
    const own = steps.filter(({ row }) => row.emergencyAccessId === access.id);
    const began = own.find(({ row }) => row.kind === 'approved')?.written ?? opened;
    return {
      access,
      steps: own.map(({ row: { writtenAt: _when, ...step } }) => step),
      age: Math.max(0, Number(now) - Number(began)),
    };
  });
}

/** Milliseconds of the database's clock; only ever compared with each other. */
const written = (instant: SQL | typeof emergencyAccess.writtenAt | typeof emergencyAccessStep.writtenAt) =>
  sql<string>`(extract(epoch from ${instant}) * 1000)::bigint`;

const stepsOf = (kinds: readonly string[]): SQL =>
  sql`(select from ${emergencyAccessStep} where ${emergencyAccessStep.emergencyAccessId} = ${emergencyAccess.id} and ${inArray(emergencyAccessStep.kind, [...kinds])})`;

/** The newest of one person, under a lock of the transaction: two that count them at once would both find room for one more. */
export async function emergencyAccessOf(
  session: Session,
  workspaceId: string,
  userId: string,
): Promise<readonly StoredEmergencyAccess[]> {
  const lock = `emergency access ${JSON.stringify([workspaceId, userId])}`;
  await session.rows(sql`select pg_advisory_xact_lock(hashtextextended(${lock}, 0))`);
  return await readEmergencyAccess(session, { workspaceId, userId, limit: GREATEST_LIMIT });
}

export async function putEmergencyAccess(session: Session, row: EmergencyAccessRow): Promise<void> {
  await session.queries.insert(emergencyAccess).values(row);
  await announceChange(session);
}

/** Of two that race, one is written. */
export async function putEmergencyStep(session: Session, row: EmergencyStepRow): Promise<boolean> {
  const put = await session.queries
    .insert(emergencyAccessStep)
    .values(row)
    .onConflictDoNothing()
    .returning({ kind: emergencyAccessStep.kind });
  if (put.length === 0) return false;
  await announceChange(session);
  return true;
}
