import type { ChangeListener } from '@countersign/core';
import { sql } from 'drizzle-orm';
import type { BoundedCalls } from './bounded-calls.ts';
import type { Database, Session } from './database.ts';
import { emergencyAccess, emergencyAccessStep, epoch, settings } from './schema.ts';

const CHANNEL = 'countersign_changed';
/** Below a second, so that with its own duration a poll comes each second at the latest. */
const POLL_MILLISECONDS = 800;
/** A row is stamped when it is written and seen when it is committed: no transaction of ours lasts this long. */
const OVERLAP_SECONDS = 60;

/** Wakes every watcher when this transaction commits. It carries nothing: what has changed is read from the tables. */
export async function announceChange(session: Session): Promise<void> {
  await session.rows(sql`select pg_notify(${CHANNEL}, '')`);
}

/** Tells of changed epochs, settings and emergency accesses. The first poll is over when this resolves. */
export async function watchChanges(
  database: Database,
  calls: BoundedCalls,
  listener: ChangeListener,
): Promise<{ close(): Promise<void> }> {
  let since: number | null = null;
  let timer: NodeJS.Timeout | undefined;
  let polling: Promise<void> | null = null;
  let wokenMeanwhile = false;
  let stopped = false;
  let unlisten: (() => Promise<void>) | null = null;

  async function poll(): Promise<void> {
    const changes = await calls.run(() => readChanges(database, since));
    if (stopped) return;
    for (const change of changes.rows) {
      if (change.kind === 'settings') listener.settingsChanged(change.workspace, Number(change.value));
      else if (change.kind === 'emergency')
        listener.emergencyChanged(change.workspace, change.member, Number(change.value));
      else listener.epochRaised(change.workspace, change.kind === 'user' ? change.member : null, Number(change.value));
    }
    since = changes.now;
    listener.confirmed();
  }

  /** Without LISTEN the poll does alone. Once it stands, the driver renews it whenever its connection was lost. */
  async function subscribe(): Promise<void> {
    unlisten ??= await calls.run(() => database.listen(CHANNEL, wake)).catch(() => null);
  }

  async function turn(): Promise<void> {
    do {
      wokenMeanwhile = false;
      try {
        await poll();
        await subscribe();
      } catch {
        // Not confirmed: after a while its listener treats proofs as absent. The next poll tells what was missed.
      }
    } while (wokenMeanwhile && !stopped);
  }

  function wake(): void {
    wokenMeanwhile = true;
    if (polling !== null || stopped) return;
    clearTimeout(timer);
    polling = turn().finally(() => {
      polling = null;
      if (stopped) return;
      timer = setTimeout(wake, POLL_MILLISECONDS);
      timer.unref();
    });
  }

  await poll();
  wake();

  return {
    async close() {
      stopped = true;
      clearTimeout(timer);
      await polling;
      await unlisten?.().catch(() => {});
    },
  };
}

interface Change {
  readonly kind: 'user' | 'workspace' | 'settings' | 'emergency' | 'now';
  readonly workspace: string;
  readonly member: string;
  readonly value: string | number;
}

/** One statement, one snapshot, on the database's clock. Should that be set back, `least` follows it. */
async function readChanges(session: Session, since: number | null) {
  const start = sql`least(statement_timestamp(), to_timestamp(${since}::bigint / 1000.0)) - make_interval(secs => ${OVERLAP_SECONDS})`;
  const rows = await session.rows<Change>(sql`
    select 'now' as kind, '' as workspace, '' as member, (extract(epoch from statement_timestamp()) * 1000)::bigint as value
    union all
    select case ${epoch.userId} when '' then 'workspace' else 'user' end, ${epoch.workspaceId}, ${epoch.userId}, ${epoch.epoch}
    from ${epoch} where ${epoch.writtenAt} > ${start}
    union all
    select 'settings', ${settings.workspaceId}, '', ${settings.version}
    from ${settings} where ${settings.writtenAt} > ${start}
    union all
    select 'emergency', ${emergencyAccess.workspaceId}, ${emergencyAccess.id}::text, (
      select count(*) from ${emergencyAccessStep} where ${emergencyAccessStep.emergencyAccessId} = ${emergencyAccess.id}
    )
    from ${emergencyAccess} where ${emergencyAccess.id} in (
      select ${emergencyAccess.id} from ${emergencyAccess} where ${emergencyAccess.writtenAt} > ${start}
      union
      select ${emergencyAccessStep.emergencyAccessId} from ${emergencyAccessStep} where ${emergencyAccessStep.writtenAt} > ${start}
    )`);
  const now = rows.find((row) => row.kind === 'now');
  return { now: Number(now?.value), rows: rows.filter((row) => row.kind !== 'now') };
}
