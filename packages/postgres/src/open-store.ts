import { type AuditConnection, CountersignError, type Leadership, type Store } from '@countersign/core';
import { sql } from 'drizzle-orm';
import { readAttempts, reserveAttempt } from './attempts.ts';
import { openAuditConnection } from './audit-connection.ts';
import { readEvents, readHeads, readStream } from './audit-reading.ts';
import { searchEvents } from './audit-search.ts';
import { boundedCalls } from './bounded-calls.ts';
import { watchChanges } from './changes.ts';
import type { Database } from './database.ts';
import { readEmergencyAccess } from './emergency-access.ts';
import { readFactorPage, readFactors } from './factors.ts';
import { openLeadership } from './leadership.ts';
import { applyMigrations, assertCurrent, migrationState } from './migrations.ts';
import {
  type CheckedOptions,
  checkOptions,
  openDatabase,
  type StoreOptions,
  type StoreTarget,
} from './open-database.ts';
import { openOutbox, type WakableOutbox } from './outbox/outbox.ts';
import { sessionStanding } from './revocation.ts';
import { sealStore } from './seal-store.ts';
import { storeError } from './store-error.ts';
import { readSettings, readSettingsPage, readSettingsProposal, readSettingsProposals } from './workspace-settings.ts';

/**
 * Opens the durable store on server PostgreSQL 14 to 18 (a pool of its own, or the host's postgres.js client) or on the embedded
 * PGlite (a folder, `memory://`, or the host's instance; one store per instance). Every call of the store ends within
 * `waitSeconds`.
 *
 * A folder belongs to one process at a time. PGlite does not sync on commit: use a server in production.
 *
 * @example
 * const store = await openStore(process.env.DATABASE_URL ?? './data')
 *
 * @throws CountersignError `configuration_invalid`, `store_folder_in_use`, `store_not_migrated` (the role may not migrate),
 * `store_unavailable`, `store_wait_exceeded`
 */
export async function openStore(target: StoreTarget, options: StoreOptions = {}): Promise<Store> {
  const checked = checkOptions(options);
  const database = await openDatabase(target, checked);
  if (checked.migrate) {
    try {
      await applyMigrations(database);
    } catch (error) {
      await database.close();
      throw storeError(error, database.waitCure);
    }
  }
  return storeOver(database, checked);
}

/** The store over a database that was opened; closing it closes the database. */
export function storeOver(
  database: Database,
  { waitSeconds, migrate }: Pick<CheckedOptions, 'waitSeconds' | 'migrate'>,
): Store {
  const calls = boundedCalls(waitSeconds, database.waitCure);
  const connections = new Set<AuditConnection>();
  const leaderships = new Set<Leadership>();
  const watches = new Set<{ close(): Promise<void> }>();
  let outbox: WakableOutbox | null = null;
  let closing: Promise<void> | null = null;

  const closeAll = async () => {
    await outbox?.close();
    calls.close();
    await Promise.all([...watches, ...connections, ...leaderships].map((each) => each.close()));
    await database.close();
  };

  return {
    shared: database.shared,
    ready: () => calls.run(async () => assertCurrent(await migrationState(database))),
    sessionStanding: (session) => calls.run(() => sessionStanding(database, session)),
    factors: (workspaceId, userId) => calls.run(() => readFactors(database, workspaceId, userId)),
    attempts: (workspaceId, userId, limits, now) =>
      calls.run(() => readAttempts(database, workspaceId, userId, limits, now)),
    reserveAttempt: (key, limits, now) => calls.run(() => reserveAttempt(database, key, limits, now)),
    settings: (workspaceId) => calls.run(() => readSettings(database, workspaceId)),
    settingsProposal: (workspaceId) => calls.run(() => readSettingsProposal(database, workspaceId)),
    settingsProposals: () => calls.run(() => readSettingsProposals(database)),
    factorPage: (after, limit) => calls.run(() => readFactorPage(database, after, limit)),
    settingsPage: (after, limit) => calls.run(() => readSettingsPage(database, after, limit)),
    emergencyAccess: (query) => calls.run(() => readEmergencyAccess(database, query)),
    openAuditConnection: async () => {
      const connection = await openAuditConnection(
        database,
        calls,
        (closed) => connections.delete(closed),
        () => outbox?.wake(),
      );
      connections.add(connection);
      if (calls.closed) await refuseLate(connection);
      return connection;
    },
    openLeadership: async () => {
      const leadership = await openLeadership(database, calls, (closed) => leaderships.delete(closed));
      leaderships.add(leadership);
      if (calls.closed) await refuseLate(leadership);
      return leadership;
    },
    outbox: () => {
      outbox ??= openOutbox(database, calls, migrate);
      return outbox;
    },
    auditEvents: (query) => calls.run(() => readEvents(database, query)),
    searchAudit: (search) => calls.run(() => searchEvents(database, search)),
    auditStream: (stream, from) => readStream(database, calls, stream, from),
    auditStreams: () => calls.run(() => readHeads(database)),
    seals: sealStore(database, calls),
    watch: async (listener) => {
      const watch = await watchChanges(database, calls, listener);
      watches.add(watch);
      if (calls.closed) await refuseLate(watch);
      return {
        close: async () => {
          watches.delete(watch);
          await watch.close();
        },
      };
    },
    now: () =>
      calls.run(async () => {
        const [row] = await database.rows<{ now: string | number }>(
          sql`select (extract(epoch from clock_timestamp()) * 1000)::bigint as now`,
        );
        return Number(row?.now);
      }),
    close: () => {
      closing ??= closeAll();
      return closing;
    },
  };
}

/** What was still being opened while the store was closed. */
async function refuseLate(opened: { close(): Promise<void> }): Promise<never> {
  await opened.close();
  throw new CountersignError('store_closed');
}
