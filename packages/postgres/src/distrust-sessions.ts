import { sql } from 'drizzle-orm';
import { announceChange } from './changes.ts';
import type { Session } from './database.ts';
import { ALL_SESSIONS, WORKSPACE_ITSELF } from './revocation.ts';
import { emergencyAccess, endedSession, epoch, factor, sessionProof, sessionState, settings } from './schema.ts';

/**
 * More than there can have been revocations since the backup: what another place still holds of that time (Redis, a process, a
 * cookie) was given under an epoch that this copy of the data has never seen, and must not meet it again.
 */
const LEAP = 1_000_000_000;

/** A handful of statements, however many users there are. */
export async function distrustSessions(session: Session, at: number): Promise<readonly string[]> {
  // From index entry to index entry: a log has few workspaces and very many events.
  const nextInLog = (after: string) =>
    `(select workspace_id from countersign.audit_event where workspace_id is not null ${after} order by workspace_id limit 1)`;
  const rows = await session.rows<{ workspace: string }>(sql`
    with recursive hop (workspace) as (
      select ${sql.raw(nextInLog(''))}
      union all
      select ${sql.raw(nextInLog('and workspace_id > hop.workspace'))} from hop where hop.workspace is not null
    )
    select workspace from hop where workspace is not null
    union select ${settings.workspaceId} from ${settings}
    union select ${factor.workspaceId} from ${factor}
    union select ${epoch.workspaceId} from ${epoch}
    union select ${emergencyAccess.workspaceId} from ${emergencyAccess}
    union select ${sessionState.workspaceId} from ${sessionState}`);
  const workspaces = rows.map(({ workspace }) => workspace).sort();
  await session.rows(sql`
    insert into ${epoch} (workspace_id, user_id, epoch)
    select value, ${WORKSPACE_ITSELF}, 0 from json_array_elements_text(${JSON.stringify(workspaces)}::text::json)
    on conflict do nothing`);
  await session.rows(sql`update ${epoch} set epoch = ${epoch.epoch} + ${LEAP}, written_at = clock_timestamp()`);
  await session.rows(sql`
    insert into ${endedSession} (workspace_id, user_id, key_hash, signed_in_at, ended_at)
    select workspace_id, user_id, ${ALL_SESSIONS}, ${at}::bigint, ${at}::bigint from (
      select workspace_id, user_id from ${factor}
      union select workspace_id, user_id from ${epoch} where user_id <> ${WORKSPACE_ITSELF}
      union select workspace_id, user_id from ${endedSession}
      union select workspace_id, user_id from ${sessionState}
    ) as known
    on conflict do nothing`);
  // DELETE: the application's role may do that, and it is done once.
  await session.rows(sql`delete from ${sessionProof}`);
  await session.rows(sql`delete from ${sessionState}`);
  await announceChange(session);
  return workspaces;
}
