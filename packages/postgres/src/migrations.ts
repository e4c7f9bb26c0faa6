import { fileURLToPath } from 'node:url';
import { CountersignError } from '@countersign/core';
import { sql } from 'drizzle-orm';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import type { Database, Session } from './database.ts';
import { storeError } from './store-error.ts';

/** Where the migrations of this release lie. */
export const migrationsFolder = fileURLToPath(new URL('../migrations', import.meta.url));
const bookkeeping = { migrationsSchema: 'countersign', migrationsTable: 'migrations' };

export type MigrationState = 'current' | 'behind' | 'ahead';

/** Compares the newest migration of this release with the newest that was applied. */
export async function migrationState(session: Session): Promise<MigrationState> {
  const ours = readMigrationFiles({ migrationsFolder }).at(-1)?.folderMillis ?? 0;
  const [table] = await session.rows<{ there: boolean }>(
    sql`select exists (select from pg_catalog.pg_tables where schemaname = 'countersign' and tablename = 'migrations') as there`,
  );
  if (table?.there !== true) return 'behind';
  const [newest] = await session.rows<{ applied: string | number | null }>(
    sql`select max(created_at) as applied from countersign.migrations`,
  );
  const applied = Number(newest?.applied ?? 0);
  return applied === ours ? 'current' : applied < ours ? 'behind' : 'ahead';
}

/** @throws CountersignError `store_not_migrated` unless the schema is exactly at this release's version. */
export function assertCurrent(state: MigrationState): void {
  if (state === 'current') return;
  throw new CountersignError('store_not_migrated', {
    cure:
      state === 'behind'
        ? 'Run migrate() once as the role that owns the schema "countersign".'
        : 'A newer release has migrated it: update this one.',
  });
}

/**
 * Brings the schema to this release's version: all pending migrations in one transaction, by one process at a time (a session
 * lock on a connection of its own, waited for up to 60 s); the others find nothing left to do. Does nothing, and needs no
 * rights, where nothing is pending.
 */
export async function applyMigrations(database: Database): Promise<void> {
  const state = await migrationState(database);
  if (state !== 'behind') return assertCurrent(state);
  const connection = await database.connect({ unhurried: true });
  try {
    await connection.lock('migrate');
    if ((await migrationState(connection)) === 'behind') await connection.migrate(migrationsFolder, bookkeeping);
  } catch (error) {
    const fault = storeError(error, database.waitCure);
    const refused = fault.cause instanceof Error && 'code' in fault.cause && fault.cause.code === '42501';
    throw refused
      ? new CountersignError('store_not_migrated', {
          detail:
            "The database is not at the version this release needs, and this connection's role may not change that.",
          cure: 'Run migrate(url, { applicationRole }) once as the role that owns the schema "countersign" and may create schemas in this database.',
          cause: fault.cause,
        })
      : fault;
  } finally {
    await connection.close();
  }
  assertCurrent(await migrationState(database));
}
