import type { AuditRecord, Store } from '@countersign/core';
import { readSystemEvents } from './audit-reading.ts';
import { boundedCalls } from './bounded-calls.ts';
import { type ProtectionFault, readProtection } from './inspection/append-only.ts';
import { type RoleRights, readRights } from './inspection/role-rights.ts';
import { readUnsealed, type Unsealed } from './inspection/sealing-state.ts';
import { type Durability, isPooled, readDurability } from './inspection/server-settings.ts';
import { type MigrationState, migrationState } from './migrations.ts';
import { checkOptions, openDatabase, type StoreOptions, type StoreTarget } from './open-database.ts';
import { storeOver } from './open-store.ts';

/** What can be seen of a database from outside, for `countersign doctor`. Changes nothing; each call is bounded in time. */
export interface DatabaseInspection {
  /** False: the embedded database. */
  readonly shared: boolean;
  /** On the same connections; it ends with the inspection. */
  readonly store: Store;
  migrations(): Promise<MigrationState>;
  /** Triggers that should make the log append-only and do not; empty where all is well. */
  protection(): Promise<readonly ProtectionFault[]>;
  /** Of the role that is named; null: of the one that this connection has. */
  rights(role: string | null): Promise<RoleRights>;
  durability(): Promise<Durability>;
  /** Whether a transaction pooler stands before the server. Takes two connections for a moment. */
  pooled(): Promise<boolean>;
  unsealed(): Promise<Unsealed>;
  /** Events of no workspace, with one of the codes, the newest first. */
  systemEvents(codes: readonly string[], limit: number): Promise<readonly AuditRecord[]>;
  close(): Promise<void>;
}

/**
 * Opens a database for inspection. It needs not be migrated.
 *
 * @throws CountersignError `configuration_invalid`, `store_folder_in_use`; each call `store_unavailable`, `store_wait_exceeded`,
 * `store_not_migrated`, `store_refused`
 */
export async function inspectDatabase(
  target: StoreTarget,
  options: Pick<StoreOptions, 'waitSeconds' | 'listenUrl'> = {},
): Promise<DatabaseInspection> {
  const checked = checkOptions(options);
  const database = await openDatabase(target, checked);
  const calls = boundedCalls(checked.waitSeconds, database.waitCure);
  const store = storeOver(database, { waitSeconds: checked.waitSeconds, migrate: false });
  return {
    shared: database.shared,
    store,
    migrations: () => calls.run(() => migrationState(database)),
    protection: () => calls.run(() => readProtection(database)),
    rights: (role) => calls.run(() => readRights(database, role)),
    durability: () => calls.run(() => readDurability(database)),
    pooled: () => calls.run(async () => database.shared && (await isPooled(database))),
    systemEvents: (codes, limit) => calls.run(() => readSystemEvents(database, codes, limit)),
    unsealed: () => calls.run(() => readUnsealed(database)),
    close: async () => {
      calls.close();
      await store.close();
    },
  };
}
