import type { SessionStanding, Store, StoreTransaction } from '@countersign/core';
import { sql } from 'drizzle-orm';
import { announceChange } from './changes.ts';
import type { Session } from './database.ts';
import { endedSession, epoch, factor } from './schema.ts';

/** The user id under which a workspace's own epoch is kept. */
export const WORKSPACE_ITSELF = '';

export async function raiseEpoch(session: Session, workspaceId: string, userId: string | null): Promise<number> {
  const [raised] = await session.queries
    .insert(epoch)
    .values({ workspaceId, userId: userId ?? WORKSPACE_ITSELF, epoch: 1 })
    .onConflictDoUpdate({
      target: [epoch.workspaceId, epoch.userId],
      set: { epoch: sql`${epoch.epoch} + 1`, writtenAt: sql`clock_timestamp()` },
    })
    .returning({ epoch: epoch.epoch });
  await announceChange(session);
  return raised?.epoch ?? 0;
}

export async function endSession(
  session: Session,
  ended: Parameters<StoreTransaction['endSession']>[0],
): Promise<void> {
  await session.queries
    .insert(endedSession)
    .values(ended)
    .onConflictDoUpdate({
      target: [endedSession.workspaceId, endedSession.userId, endedSession.keyHash, endedSession.signedInAt],
      set: { endedAt: sql`greatest(${endedSession.endedAt}, excluded.ended_at)` },
    });
}

/** The key hash under which all of a user's sessions were ended: those of sign-ins until then. */
export const ALL_SESSIONS = '*';
/** The same but for one sign-in, whose instant follows in milliseconds. */
const ALL_SESSIONS_BUT = '*-';

/** One statement, one snapshot. Where a key and a sign-in were ended at different times, the later counts. */
export async function sessionStanding(
  session: Session,
  { workspaceId, userId, keyHash, signedInAt }: Parameters<Store['sessionStanding']>[0],
): Promise<SessionStanding> {
  const epochOf = (user: string) =>
    sql`coalesce((select ${epoch.epoch} from ${epoch} where ${epoch.workspaceId} = ${workspaceId} and ${epoch.userId} = ${user}), 0)`;
  const [row] = await session.rows<{ own: string; workspace: string; ended: string | null; factors: boolean }>(sql`
    select ${epochOf(userId)} as own, ${epochOf(WORKSPACE_ITSELF)} as workspace, exists (
      select from ${factor}
      where ${factor.workspaceId} = ${workspaceId} and ${factor.userId} = ${userId} and ${factor.confirmedAt} is not null
    ) as factors, (
      select max(${endedSession.endedAt}) from ${endedSession}
      where ${endedSession.workspaceId} = ${workspaceId} and ${endedSession.userId} = ${userId}
        and (
          ${endedSession.keyHash} = ${keyHash}
          or (${endedSession.signedInAt} = ${signedInAt}::bigint and not starts_with(${endedSession.keyHash}, ${ALL_SESSIONS_BUT}))
          or (${endedSession.keyHash} = ${ALL_SESSIONS} and ${endedSession.signedInAt} >= ${signedInAt}::bigint)
          or (
            starts_with(${endedSession.keyHash}, ${ALL_SESSIONS_BUT}) and ${endedSession.signedInAt} >= ${signedInAt}::bigint
            and ${endedSession.keyHash} <> ${`${ALL_SESSIONS_BUT}${signedInAt}`}
          )
        )
    ) as ended`);
  if (row === undefined) throw new Error('A select without a table gives one row.');
  return {
    epochs: { user: Number(row.own), workspace: Number(row.workspace) },
    hasFactor: row.factors,
    endedAt: row.ended === null ? null : Number(row.ended),
  };
}
