import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { Database, Session } from '../database.ts';

/** Settings of the server on which it hangs whether what was acknowledged is on disk. */
export interface Durability {
  readonly fsync: string;
  readonly fullPageWrites: string;
  /** As this role gets it in this database. */
  readonly synchronousCommit: string;
  /** Such as `18.4`. */
  readonly version: string;
  /** A replica: nothing can be written there. */
  readonly inRecovery: boolean;
}

export async function readDurability(session: Session): Promise<Durability> {
  const [row] = await session.rows<
    Record<'fsync' | 'pages' | 'commit' | 'version', string> & { recovery: boolean }
  >(sql`
    select current_setting('fsync') as fsync, current_setting('full_page_writes') as pages,
      current_setting('synchronous_commit') as commit, current_setting('server_version') as version,
      pg_is_in_recovery() as recovery`);
  if (row === undefined) throw new Error('A select without a table gives one row.');
  return {
    fsync: row.fsync,
    fullPageWrites: row.pages,
    synchronousCommit: row.commit,
    version: row.version,
    inRecovery: row.recovery,
  };
}

/**
 * Whether two connections share one session of the server, as they do behind a transaction pooler: what one has set, the other
 * sees; or one is moved to another session while its own serves the other's transaction.
 */
export async function isPooled(database: Database): Promise<boolean> {
  const [one, other] = await Promise.all([database.connect(), database.connect()]);
  const pidOf = async (session: Session) =>
    (await session.rows<{ pid: number }>(sql`select pg_backend_pid() as pid`))[0]?.pid;
  try {
    const mark = randomUUID();
    await one.rows(sql`select set_config('countersign.mark', ${mark}::text, false)`);
    const pid = await pidOf(one);
    return await other.transaction(async (session) => {
      const [seen] = await session.rows<{ mark: string | null }>(
        sql`select current_setting('countersign.mark', true) as mark`,
      );
      return seen?.mark === mark || (await pidOf(one)) !== pid;
    });
  } finally {
    await Promise.all([one.close(), other.close()]);
  }
}
