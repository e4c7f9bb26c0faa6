import { sql } from 'drizzle-orm';
import {
  bigint,
  customType,
  index,
  integer,
  jsonb,
  pgSchema,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';

/** The PostgreSQL schema that holds everything of ours, so that nothing meets a table of the host's. */
export const countersign = pgSchema('countersign');

/** Events that are asked for one by one, on the way of a request: rare beside accesses, so that their index stays small. */
export const markCodes: ReadonlySet<string> = new Set([
  'MFA_SUCCESS',
  'FACTOR_ENROLLED',
  'FACTOR_RESET',
  'SETTINGS_CHANGED',
]);

/** The condition of their index; a query that has it, word for word, can use the index. */
export const isMark = sql.raw(`code in (${[...markCodes].map((code) => `'${code}'`).join(', ')})`);

const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({
  dataType: () => 'bytea',
  // postgres.js gives a Buffer, PGlite a Uint8Array: callers see the same class from both.
  fromDriver: (value) => new Uint8Array(value.buffer, value.byteOffset, value.byteLength),
});

/** An instant of our own clock, in milliseconds: exact, and independent of the session's DateStyle and the client's parsers. */
const milliseconds = (name: string) => bigint(name, { mode: 'number' });

/** An instant of the database's clock. Compared inside the database, never read. */
const databaseInstant = (name: string) => timestamp(name, { withTimezone: true });

/** Append-only: triggers refuse UPDATE, DELETE and TRUNCATE (migration `append_only`), and so do the application role's grants. */
export const auditEvent = countersign.table(
  'audit_event',
  {
    stream: uuid('stream').notNull(),
    index: bigint('index', { mode: 'number' }).notNull(),
    id: uuid('id').notNull(),
    /** Milliseconds exactly; timestamptz for the people who read the table. Queries turn it into milliseconds themselves. */
    at: timestamp('at', { withTimezone: true, precision: 3 }).notNull(),
    code: text('code').notNull(),
    outcome: text('outcome').notNull(),
    workspaceId: text('workspace_id'),
    userId: text('user_id'),
    actorId: text('actor_id'),
    session: text('session'),
    patientId: text('patient_id'),
    categories: text('categories'),
    action: text('action'),
    method: text('method'),
    route: text('route'),
    factor: text('factor'),
    reason: text('reason'),
    challengeId: text('challenge_id'),
    emergencyAccessId: text('emergency_access_id'),
    ip: text('ip'),
    userAgent: text('user_agent'),
    requestId: text('request_id'),
    details: text('details'),
    hash: bytea('hash').notNull(),
  },
  // Few on purpose: each costs insertion speed at millions of rows. All but the one by patient grow at their right-hand end
  // (ids are time-ordered). The one by id is also what makes a repeated event impossible.
  (table) => [
    primaryKey({ name: 'audit_event_pkey', columns: [table.stream, table.index] }),
    uniqueIndex('audit_event_id').on(table.id),
    index('audit_event_workspace').on(table.workspaceId, table.at, table.id),
    index('audit_event_mark').on(table.workspaceId, table.code, table.userId, table.at).where(isMark),
    index('audit_event_patient').on(table.patientId, table.at).where(sql`patient_id is not null`),
  ],
);

/** One row per writer process. `ended_by`: the stream whose opener found this one's lock free. */
export const auditStream = countersign.table('audit_stream', {
  stream: uuid('stream').primaryKey(),
  openedAt: databaseInstant('opened_at').notNull().default(sql`clock_timestamp()`),
  endedBy: uuid('ended_by'),
  endedAt: databaseInstant('ended_at'),
});

export const factor = countersign.table(
  'factor',
  {
    workspaceId: text('workspace_id').notNull(),
    userId: text('user_id').notNull(),
    id: text('id').notNull(),
    factor: text('factor').notNull(),
    label: text('label').notNull(),
    secret: text('secret').notNull(),
    confirmedAt: milliseconds('confirmed_at'),
    createdAt: milliseconds('created_at').notNull(),
    counter: bigint('counter', { mode: 'number' }).notNull(),
    mac: text('mac').notNull(),
  },
  (table) => [
    primaryKey({ name: 'factor_pkey', columns: [table.workspaceId, table.id] }),
    index('factor_user').on(table.workspaceId, table.userId),
    uniqueIndex('factor_pending').on(table.workspaceId, table.userId, table.factor).where(sql`confirmed_at is null`),
  ],
);

/** Attempts per user and factor. `recent`: the newest attempts, from reservation id to milliseconds, never more than the limit. */
export const factorAttempts = countersign.table(
  'factor_attempts',
  {
    workspaceId: text('workspace_id').notNull(),
    userId: text('user_id').notNull(),
    factor: text('factor').notNull(),
    recent: jsonb('recent').$type<Readonly<Record<string, number>>>().notNull(),
    consecutive: integer('consecutive').notNull(),
  },
  (table) => [primaryKey({ name: 'factor_attempts_pkey', columns: [table.workspaceId, table.userId, table.factor] })],
);

export const settings = countersign.table(
  'settings',
  {
    workspaceId: text('workspace_id').primaryKey(),
    version: integer('version').notNull(),
    content: text('content').notNull(),
    mac: text('mac').notNull(),
    changedAt: milliseconds('changed_at').notNull(),
    changedBy: text('changed_by').notNull(),
    writtenAt: databaseInstant('written_at').notNull().default(sql`clock_timestamp()`),
  },
  (table) => [index('settings_written').on(table.writtenAt)],
);

/** Revocation counters. The workspace's own has the empty user id, which no user has. */
export const epoch = countersign.table(
  'epoch',
  {
    workspaceId: text('workspace_id').notNull(),
    userId: text('user_id').notNull(),
    epoch: bigint('epoch', { mode: 'number' }).notNull(),
    writtenAt: databaseInstant('written_at').notNull().default(sql`clock_timestamp()`),
  },
  (table) => [
    primaryKey({ name: 'epoch_pkey', columns: [table.workspaceId, table.userId] }),
    index('epoch_written').on(table.writtenAt),
  ],
);

/** Sessions that were ended. Kept, so that an old stateless cookie replayed later still meets its end. */
export const endedSession = countersign.table(
  'ended_session',
  {
    workspaceId: text('workspace_id').notNull(),
    userId: text('user_id').notNull(),
    keyHash: text('key_hash').notNull(),
    signedInAt: milliseconds('signed_in_at').notNull(),
    endedAt: milliseconds('ended_at').notNull(),
  },
  (table) => [
    primaryKey({
      name: 'ended_session_pkey',
      columns: [table.workspaceId, table.userId, table.keyHash, table.signedInAt],
    }),
    index('ended_session_sign_in').on(table.workspaceId, table.userId, table.signedInAt),
  ],
);
