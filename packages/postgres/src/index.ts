export { grantApplicationRole, type MigrateOptions, migrate } from './migrate.ts';
export type { PGliteClient, PostgresJsClient, StoreOptions, StoreTarget } from './open-database.ts';
export { openStore } from './open-store.ts';
export { type PostgresSessionStateOptions, postgresSessionState } from './session-state/postgres-session-state.ts';
