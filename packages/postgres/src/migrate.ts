import { grantRights } from './application-role.ts';
import type { Database } from './database.ts';
import { applyMigrations } from './migrations.ts';
import { checkOptions, openDatabase, type StoreOptions, type StoreTarget } from './open-database.ts';
import { applyJobs } from './outbox/job-schema.ts';
import { storeError } from './store-error.ts';

/** What `migrate` can be told. */
export interface MigrateOptions extends Pick<StoreOptions, 'waitSeconds'> {
  /** After the migration, give this role what the application needs; see `grantApplicationRole`. */
  readonly applicationRole?: string;
}

/**
 * Brings the PostgreSQL schemas `countersign` and `countersign_jobs` (the outbox) to this release's version. Safe to run from several processes at once, and again:
 * one applies what is pending, in one transaction, the others wait for it (up to 60 s) and find nothing to do.
 *
 * Run it as the role that is to own the audit log. Where a migration is pending, that role needs CREATE on the database. Use a
 * direct URL, not one through a transaction pooler.
 *
 * @throws CountersignError `store_not_migrated` where the role may not migrate or a newer release has been there;
 * `configuration_invalid`, `store_folder_in_use`, `store_unavailable`, `store_wait_exceeded`
 */
export async function migrate(target: StoreTarget, options: MigrateOptions = {}): Promise<void> {
  await withDatabase(target, options, async (database) => {
    await applyMigrations(database);
    await applyJobs(database);
    if (options.applicationRole !== undefined) await grantRights(database, options.applicationRole);
  });
}

/**
 * Gives a role what the application needs in the schemas `countersign` and `countersign_jobs`, and takes away everything else it
 * had there: INSERT and SELECT on `audit_event`; SELECT, INSERT and UPDATE of `ended_by` and `ended_at` on `audit_stream`; SELECT,
 * INSERT, UPDATE (on `factor` also DELETE) on the other tables; SELECT on `migrations`; in `countersign_jobs` what putting in and
 * doing jobs takes. Rights of PUBLIC in these schemas are taken away as well.
 *
 * Run it as the owner, after `migrate`, again after each release. The role must exist, and must neither be a superuser nor own
 * the tables.
 *
 * @throws CountersignError `configuration_invalid` for a role that does not exist or could rewrite the log all the same;
 * `store_not_migrated`, `store_refused`, `store_unavailable`, `store_wait_exceeded`
 */
export async function grantApplicationRole(
  target: StoreTarget,
  applicationRole: string,
  options: Pick<StoreOptions, 'waitSeconds'> = {},
): Promise<void> {
  await withDatabase(target, options, (database) => grantRights(database, applicationRole));
}

async function withDatabase(
  target: StoreTarget,
  { waitSeconds }: Pick<StoreOptions, 'waitSeconds'>,
  work: (database: Database) => Promise<void>,
): Promise<void> {
  const database = await openDatabase(target, checkOptions(waitSeconds === undefined ? {} : { waitSeconds }));
  try {
    await work(database);
  } catch (error) {
    throw storeError(error, database.waitCure);
  } finally {
    await database.close();
  }
}
