import { createRequire } from 'node:module';
import { CountersignError } from '@countersign/core';
import { sql } from 'drizzle-orm';
import type { Database, Session } from '../database.ts';
import { assertCurrent, type MigrationState } from '../migrations.ts';
import { storeError } from '../store-error.ts';
import { JOBS_SCHEMA, jobQueue, queues } from './job-queue.ts';

/** The version of pg-boss's tables that this release's pg-boss needs. */
function neededVersion(): number {
  const { schema } = createRequire(import.meta.url)('pg-boss/version.json') as { readonly schema: number };
  return schema;
}

async function jobsState(session: Session): Promise<MigrationState> {
  const [table] = await session.rows<{ there: boolean }>(
    sql`select exists (select from pg_catalog.pg_tables where schemaname = ${JOBS_SCHEMA} and tablename = 'version') as there`,
  );
  if (table?.there !== true) return 'behind';
  const [row] = await session.rows<{ version: number; queues: string | number }>(
    sql`select version, (select count(*) from countersign_jobs.queue where name in (${queues.due}, ${queues.dead})) as queues
      from countersign_jobs.version`,
  );
  const version = Number(row?.version);
  if (version > neededVersion()) return 'ahead';
  return version === neededVersion() && Number(row?.queues) === 2 ? 'current' : 'behind';
}

/** @throws CountersignError `store_not_migrated` unless the outbox has its tables, at the version this release needs. */
export async function assertJobs(session: Session): Promise<void> {
  assertCurrent(await jobsState(session));
}

/** Makes the outbox's tables, or brings them to this release's version; one process at a time, in one transaction. */
export async function applyJobs(database: Database): Promise<void> {
  if ((await jobsState(database)) !== 'behind') return assertJobs(database);
  const connection = await database.connect({ unhurried: true });
  try {
    await connection.lock('migrate');
    if ((await jobsState(connection)) === 'behind') {
      await connection.transaction(async (session) => {
        const queue = await jobQueue(session);
        await queue.start();
        await queue.createQueue(queues.dead, { name: queues.dead });
        await queue.createQueue(queues.due, { name: queues.due });
      });
    }
  } catch (error) {
    const fault = storeError(error, database.waitCure);
    const refused = fault.cause instanceof Error && 'code' in fault.cause && fault.cause.code === '42501';
    throw refused
      ? new CountersignError('store_not_migrated', {
          detail: "The outbox has no tables of this release's version, and this connection's role may not make them.",
          cure: 'Run migrate(url, { applicationRole }) once as the role that owns the schema "countersign" and may create schemas in this database.',
          cause: fault.cause,
        })
      : fault;
  } finally {
    await connection.close();
  }
  await assertJobs(database);
}
