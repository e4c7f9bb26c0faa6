import { CountersignError, type SessionStateStore } from '@countersign/core';
import { z } from 'zod';
import { boundedCalls } from '../bounded-calls.ts';
import { applyMigrations } from '../migrations.ts';
import { checkOptions, openDatabase, type StoreTarget } from '../open-database.ts';
import { storeError } from '../store-error.ts';
import { PostgresSessions } from './postgres-sessions.ts';

const sessionStateOptions = z.strictObject({
  /** Connections in the pool of our own. Default 10. */
  maxConnections: z.int().min(1).default(10),
  /** Seconds after which a call that waits for the database is given up. Default 2; more than 0, at most 300. */
  waitSeconds: z.number().positive().max(300).default(2),
  /** Seconds for which a session without a new challenge, proof or try is remembered. Default 86,400; 60 to 86,400. */
  sessionSeconds: z.int().min(60).max(86_400).default(86_400),
  /** Apply pending migrations first. Default true; needs no rights where nothing is pending. */
  migrate: z.boolean().default(true),
});

/** Options of `postgresSessionState`, all with defaults. Unknown members are refused. */
export type PostgresSessionStateOptions = z.input<typeof sessionStateOptions>;

/**
 * Session state in two UNLOGGED tables of PostgreSQL, shared by every process that names the same database. Give the target that
 * `openStore` got: a URL (another pool of its own) or the client, which stays the host's to close.
 *
 * Nothing of it is written to the write-ahead log. A crash of the server empties the tables, and a standby has none of it: proofs
 * are then asked for again, and no lock, sign-out or revocation is undone.
 *
 * @throws CountersignError `configuration_invalid`, `store_folder_in_use`, `store_not_migrated`, `store_unavailable`,
 * `store_wait_exceeded`; calls reject with `session_state_unavailable`
 */
export async function postgresSessionState(
  target: StoreTarget,
  options: PostgresSessionStateOptions = {},
): Promise<SessionStateStore> {
  const { sessionSeconds, migrate, ...rest } = checkSessionStateOptions(options);
  const database = await openDatabase(target, checkOptions(rest));
  if (migrate) {
    try {
      await applyMigrations(database);
    } catch (error) {
      await database.close();
      throw storeError(error, database.waitCure);
    }
  }
  const calls = boundedCalls(rest.waitSeconds, database.waitCure);
  let closing: Promise<void> | null = null;
  return new PostgresSessions({
    queries: database.queries,
    shared: database.shared,
    life: sessionSeconds * 1000,
    run: (work) => calls.run(work).catch(unavailable),
    truncate: async (statement) => void (await database.rows(statement)),
    close: () => {
      calls.close();
      closing ??= database.close();
      return closing;
    },
  });
}

/** The options with their defaults. @throws CountersignError `configuration_invalid`, naming the option. */
export function checkSessionStateOptions(options: PostgresSessionStateOptions): z.output<typeof sessionStateOptions> {
  const checked = sessionStateOptions.safeParse(options);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const field = issue?.path.join('.') || 'options';
  throw new CountersignError('configuration_invalid', { field, detail: `${field}: ${issue?.message}.` });
}

/** One code for session state that does not answer, whatever keeps it. Tables that are missing are a fault of the set-up. */
function unavailable(error: unknown): never {
  if (!CountersignError.is(error) || error.code === 'store_not_migrated') throw error;
  const { cure } = error.details;
  throw new CountersignError('session_state_unavailable', {
    detail:
      error.code === 'store_closed'
        ? 'The session state was closed.'
        : 'The database of the session state did not answer.',
    retryAfterSeconds: 1,
    cause: error,
    ...(cure === undefined ? {} : { cure }),
  });
}
