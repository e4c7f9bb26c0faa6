import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import { drizzle as overPglite } from 'drizzle-orm/pglite';
import { drizzle as overPostgres } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { lockFolder } from './folder-lock.ts';

/** What the repository needs, whichever driver is below. */
export type Database = PgDatabase<PgQueryResultHKT>;

/** The driver's own client, for Countersign's store to share: PGlite must not be opened twice on one folder. */
export type DatabaseClient =
  | { readonly kind: 'postgres'; readonly sql: postgres.Sql }
  | { readonly kind: 'pglite'; readonly pglite: PGlite };

export interface OpenDatabase {
  readonly database: Database;
  readonly client: DatabaseClient;
  close(): Promise<void>;
}

/** Opens the PostgreSQL server at `databaseUrl`, or where that is null the embedded PGlite in `dataDir/pglite`. */
export async function openDatabase(place: {
  readonly databaseUrl: string | null;
  readonly dataDir: string;
}): Promise<OpenDatabase> {
  if (place.databaseUrl !== null) {
    const sql = postgres(place.databaseUrl, { max: 10, connect_timeout: 10, onnotice: () => undefined });
    return { database: overPostgres(sql), client: { kind: 'postgres', sql }, close: () => sql.end({ timeout: 5 }) };
  }
  await mkdir(place.dataDir, { recursive: true, mode: 0o700 });
  const unlock = await lockFolder(place.dataDir);
  try {
    const pglite = await PGlite.create({ dataDir: join(place.dataDir, 'pglite') });
    const close = () => pglite.close().finally(unlock);
    return { database: overPglite(pglite), client: { kind: 'pglite', pglite }, close };
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** The same over a PGlite that somebody else opened and will close. */
export function databaseOverPglite(pglite: PGlite): Database {
  return overPglite(pglite);
}
