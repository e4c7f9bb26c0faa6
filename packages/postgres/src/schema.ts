import type { Strength } from '@countersign/core';
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
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
  'RECOVERY_CODE_USED',
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
    cap: text('cap').$type<Strength>(),
    capEndsAt: milliseconds('cap_ends_at'),
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

/** Settings that wait for a second administrator. */
export const settingsProposal = countersign.table('settings_proposal', {
  workspaceId: text('workspace_id').primaryKey(),
  baseVersion: integer('base_version').notNull(),
  content: text('content').notNull(),
  mac: text('mac').notNull(),
  proposedAt: milliseconds('proposed_at').notNull(),
  proposedBy: text('proposed_by').notNull(),
});

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

/**
 * Session state for several nodes. UNLOGGED (which drizzle-kit cannot say: the migration was edited): nothing of it goes to the
 * write-ahead log, and a crash of the server empties it. What must outlive that is in the tables above.
 */
export const sessionState = countersign.table(
  'session_state',
  {
    keyHash: text('key_hash').primaryKey(),
    workspaceId: text('workspace_id').notNull(),
    userId: text('user_id').notNull(),
    number: text('number').notNull(),
    /** Its proofs in `session_proof`; another value, and they are nobody's. */
    proofs: uuid('proofs').notNull().default(sql`gen_random_uuid()`),
    signedInAt: milliseconds('signed_in_at').notNull(),
    userEpoch: bigint('user_epoch', { mode: 'number' }).notNull(),
    workspaceEpoch: bigint('workspace_epoch', { mode: 'number' }).notNull(),
    endedAt: milliseconds('ended_at'),
    lastActivityAt: milliseconds('last_activity_at'),
    hasFactor: boolean('has_factor').notNull(),
    binding: text('binding'),
    oldBinding: text('old_binding'),
    oldBindingUntil: milliseconds('old_binding_until').notNull().default(0),
    rotatedAt: milliseconds('rotated_at').notNull().default(0),
    /** JSON as text: jsonb refuses some of what a text may hold. */
    challenges: text('challenges').notNull().default('[]'),
    ceremonies: text('ceremonies').notNull().default('[]'),
    turns: text('turns').notNull().default('[]'),
    expiresAt: milliseconds('expires_at').notNull(),
  },
  (table) => [index('session_state_expiry').on(table.expiresAt)],
);

/** `patient` and `content` are JSON: a patient id may hold what a text of PostgreSQL may not. `kind`: a hash of the content. */
export const sessionProof = countersign.table(
  'session_proof',
  {
    proofs: uuid('proofs').notNull(),
    patient: text('patient').notNull(),
    kind: text('kind').notNull(),
    operation: text('operation'),
    verifiedAt: milliseconds('verified_at').notNull(),
    content: text('content').notNull(),
    expiresAt: milliseconds('expires_at').notNull(),
  },
  (table) => [
    primaryKey({ name: 'session_proof_pkey', columns: [table.proofs, table.patient, table.kind] }),
    index('session_proof_expiry').on(table.expiresAt),
  ],
);
