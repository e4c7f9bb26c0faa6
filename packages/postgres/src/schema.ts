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
    // Without the time: equal keys are kept once, and the only index that does not grow at its end stays small. A patient's events are
    // few enough to be sorted.
    index('audit_event_patient').on(table.patientId).where(sql`patient_id is not null`),
    // Of the few events under an emergency access: the others do not touch it.
    index('audit_event_emergency_access')
      .on(table.emergencyAccessId, table.at)
      .where(sql`emergency_access_id is not null`),
  ],
);

/** One row per writer process. `ended_by`: the stream whose opener found this one's lock free. */
export const auditStream = countersign.table('audit_stream', {
  stream: uuid('stream').primaryKey(),
  openedAt: databaseInstant('opened_at').notNull().default(sql`clock_timestamp()`),
  endedBy: uuid('ended_by'),
  endedAt: databaseInstant('ended_at'),
});

/**
 * What the sealer has put into the Merkle tree (RFC 9162), one row for each time. Append-only. The tree's leaves are the hashes of
 * events, in the order of the seals and, within one, of its ranges.
 */
export const auditSeal = countersign.table('audit_seal', {
  /** Dense, from 0. */
  number: bigint('number', { mode: 'number' }).primaryKey(),
  /** Leaves of the tree from this seal on. */
  size: bigint('size', { mode: 'number' }).notNull(),
  root: bytea('root').notNull(),
  /** Hashes of the perfect subtrees that `size` is made of, the largest first, 32 bytes each: all that appending needs. */
  frontier: bytea('frontier').notNull(),
  /** The signed note (C2SP tlog-checkpoint). */
  checkpoint: text('checkpoint').notNull(),
  at: milliseconds('at').notNull(),
});

/** Which events a seal has put into the tree, and where. Append-only; a trigger refuses a range that leaves a gap or overlaps. */
export const auditSealRange = countersign.table(
  'audit_seal_range',
  {
    stream: uuid('stream').notNull(),
    fromIndex: bigint('from_index', { mode: 'number' }).notNull(),
    /** Not included. */
    untilIndex: bigint('until_index', { mode: 'number' }).notNull(),
    seal: bigint('seal', { mode: 'number' }).notNull(),
    /** Place of the first among the tree's leaves. */
    start: bigint('start', { mode: 'number' }).notNull(),
    /** Hash of the last record: with it a deviation is told by its stream, and reading begins behind what was moved out. */
    head: bytea('head').notNull(),
  },
  (table) => [
    primaryKey({ name: 'audit_seal_range_pkey', columns: [table.stream, table.fromIndex] }),
    uniqueIndex('audit_seal_range_start').on(table.start),
    index('audit_seal_range_seal').on(table.seal),
  ],
);

/** Roots of perfect subtrees of 2^level leaves, so that a proof reads hundreds of hashes and not all. Append-only. */
export const auditNode = countersign.table(
  'audit_node',
  {
    level: integer('level').notNull(),
    index: bigint('index', { mode: 'number' }).notNull(),
    hash: bytea('hash').notNull(),
  },
  (table) => [primaryKey({ name: 'audit_node_pkey', columns: [table.level, table.index] })],
);

/** Events that were moved out, a prefix of the tree's leaves up to a seal. Append-only. */
export const auditArchive = countersign.table('audit_archive', {
  /** The last seal of what was moved out. */
  seal: bigint('seal', { mode: 'number' }).primaryKey(),
  /** JSON: by stream the first index that is left, and the hash of the record before it. */
  heads: text('heads').notNull(),
  /** SHA-256 of the file. */
  digest: bytea('digest').notNull(),
  at: milliseconds('at').notNull(),
});

/** Emergency accesses as they were opened. Append-only: what happens to one later is a row in `emergency_access_step`. */
export const emergencyAccess = countersign.table(
  'emergency_access',
  {
    id: uuid('id').primaryKey(),
    workspaceId: text('workspace_id').notNull(),
    userId: text('user_id').notNull(),
    purpose: text('purpose').$type<'clinical' | 'administrative'>().notNull(),
    /** Null for administrative. */
    patientId: text('patient_id'),
    openedAt: milliseconds('opened_at').notNull(),
    endsAt: milliseconds('ends_at').notNull(),
    /** JSON: reason, purpose of use, 42 CFR 2.51(c) fields, earlier access, whether it waits for approval, seconds. */
    content: text('content').notNull(),
    mac: text('mac').notNull(),
    writtenAt: databaseInstant('written_at').notNull().default(sql`clock_timestamp()`),
  },
  (table) => [
    index('emergency_access_workspace').on(table.workspaceId, table.openedAt),
    index('emergency_access_user').on(table.workspaceId, table.userId, table.openedAt),
    index('emergency_access_written').on(table.writtenAt),
  ],
);

/** One step in the life of an emergency access. Each kind happens once: of two that race, one is refused. Append-only. */
export const emergencyAccessStep = countersign.table(
  'emergency_access_step',
  {
    emergencyAccessId: uuid('emergency_access_id').notNull(),
    /** `approved`, `declined`, `ended`, `reviewed`, `escalated`, `reminded:<n>`. */
    kind: text('kind').notNull(),
    at: milliseconds('at').notNull(),
    /** Null where time did it. */
    byUserId: text('by_user_id'),
    /** JSON. */
    content: text('content').notNull(),
    mac: text('mac').notNull(),
    writtenAt: databaseInstant('written_at').notNull().default(sql`clock_timestamp()`),
  },
  (table) => [
    primaryKey({ name: 'emergency_access_step_pkey', columns: [table.emergencyAccessId, table.kind] }),
    index('emergency_access_step_written').on(table.writtenAt),
  ],
);

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
