import type { AuditEventInput, AuditOutcome, AuditRecord, AuditSortField } from '../audit/event.ts';
import type { EmergencyPurpose } from '../policy/emergency.ts';
import type { Strength } from '../policy/strength.ts';
import type { Outbox, OutboxJob, OutboxTask, OutboxTiming } from './outbox.ts';
import type { SealStore } from './seal-store.ts';

/** An enrolled (or pending) factor as it is kept. Everything but the name of the columns is covered by `mac`. */
export interface FactorRow {
  readonly id: string;
  readonly workspaceId: string;
  readonly userId: string;
  /** `totp`, … */
  readonly factor: string;
  readonly label: string;
  /** Compact JWE. */
  readonly secret: string;
  /** Milliseconds; null while the enrolment is not confirmed. */
  readonly confirmedAt: number | null;
  readonly createdAt: number;
  /** The factor's own counter against replay: the last accepted TOTP step, a passkey's signature counter. -1: none yet. */
  readonly counter: number;
  /** The most it counts for, where a weaker proof enrolled it; null: as strong as its kind. */
  readonly cap: Strength | null;
  /** When the cap lifts by itself, in milliseconds; null: only by an administrator's code. */
  readonly capEndsAt: number | null;
  readonly mac: string;
}

/** A workspace's saved settings. `content` is the exact JSON text that `mac` covers, with workspace and version. */
export interface SettingsRow {
  readonly workspaceId: string;
  readonly version: number;
  readonly content: string;
  readonly mac: string;
  readonly changedAt: number;
  readonly changedBy: string;
}

/** Settings that wait for a second administrator. One per workspace; `content` as in {@link SettingsRow}. */
export interface SettingsProposalRow {
  readonly workspaceId: string;
  /** The version it was made from. */
  readonly baseVersion: number;
  readonly content: string;
  readonly mac: string;
  readonly proposedAt: number;
  readonly proposedBy: string;
}

/** An emergency access as it was opened. Never changed: what happens to it later are steps. */
export interface EmergencyAccessRow {
  /** UUID. */
  readonly id: string;
  readonly workspaceId: string;
  readonly userId: string;
  readonly purpose: EmergencyPurpose;
  /** Null for administrative. */
  readonly patientId: string | null;
  /** When it was opened, or asked for where it waits for a second person; milliseconds. */
  readonly openedAt: number;
  /** When it ends, or stops waiting; milliseconds. */
  readonly endsAt: number;
  /** JSON. `mac` covers it with every other column. */
  readonly content: string;
  readonly mac: string;
}

/** Something that happened to an emergency access. Of each kind once. */
export interface EmergencyStepRow {
  readonly emergencyAccessId: string;
  /** `approved`, `declined`, `ended`, `escalated`, `reviewed`, `reminded:<n>`. */
  readonly kind: string;
  /** Milliseconds. */
  readonly at: number;
  /** Null where time did it. */
  readonly byUserId: string | null;
  /** JSON. `mac` covers it with every other column. */
  readonly content: string;
  readonly mac: string;
}

/** An emergency access with everything that happened to it. */
export interface StoredEmergencyAccess {
  readonly access: EmergencyAccessRow;
  readonly steps: readonly EmergencyStepRow[];
  /**
   * Milliseconds since it was opened (or approved), from the database's clock alone: whatever the clock of the node that opened
   * it or of the one that reads it says, no more time has passed and no less.
   */
  readonly age: number;
}

/** Which emergency accesses, newest first. All criteria must fit. */
export interface EmergencyAccessQuery {
  /** Absent: those of every workspace. */
  readonly workspaceId?: string;
  readonly ids?: readonly string[];
  readonly userId?: string;
  /** With a step of one of these kinds. */
  readonly having?: readonly string[];
  /** Without any step of these kinds. */
  readonly lacking?: readonly string[];
  /** Opened earlier than this; milliseconds, not included. */
  readonly openedUntil?: number;
  /** Continue after this one. */
  readonly before?: { readonly openedAt: number; readonly id: string };
  /** Default 100, at most 1,000. */
  readonly limit?: number;
}

/** The revocation counters that a session's proofs depend on. */
export interface Epochs {
  readonly user: number;
  readonly workspace: number;
}

/** What the durable tables know of a session that this process sees for the first time. */
export interface SessionStanding {
  readonly epochs: Epochs;
  /** Whether the user has a confirmed factor row. */
  readonly hasFactor: boolean;
  /**
   * When a session with this key, or of this very sign-in, was ended, or all of the user's that were signed in by then
   * (`endSession` with the key `*`, or `*-` and the instant of the one sign-in that goes on); null: never.
   */
  readonly endedAt: number | null;
}

/** How many attempts are allowed. */
export interface AttemptLimits {
  /** Attempts per user and factor within `windowSeconds`. */
  readonly perWindow: number;
  readonly windowSeconds: number;
  /** Failures in a row after which the factor is disabled. */
  readonly consecutive: number;
}

/** Whether an attempt may be made. It is counted before it is checked, so that parallel guesses cannot slip past the limit. */
export type AttemptReservation =
  | { readonly granted: true; readonly id: string; readonly consecutive: number; readonly inWindow: number }
  | { readonly granted: false; readonly why: 'window'; readonly retryAt: number }
  | { readonly granted: false; readonly why: 'disabled' };

/** Whose attempts with which kind of factor. */
export interface AttemptKey {
  readonly workspaceId: string;
  readonly userId: string;
  readonly factor: string;
}

/** Writes that commit or fail together. Handed to `transact` functions only. */
export interface StoreTransaction {
  /** Inserts, or replaces a row of the same id; for a pending enrolment replaces the user's earlier pending one of that factor. */
  putFactor(row: FactorRow): Promise<void>;
  /** Moves `counter` (and `mac`) only if both are still what was read: the one conditional write that consumes a code. */
  moveFactorCounter(row: FactorRow, next: { readonly counter: number; readonly mac: string }): Promise<boolean>;
  /** Replaces a row only if it is still what was read; false otherwise. */
  replaceFactor(row: FactorRow, next: FactorRow): Promise<boolean>;
  removeFactor(key: { readonly workspaceId: string; readonly id: string }): Promise<boolean>;
  /** Forgets a reserved attempt and the failures in a row: the code was right. Earlier failures stay in the window. */
  settleAttempt(key: AttemptKey, reservationId: string): Promise<void>;
  resetAttempts(key: AttemptKey): Promise<void>;
  /** Saves if the stored version is `row.version - 1` (0: none stored); false otherwise. */
  putSettings(row: SettingsRow): Promise<boolean>;
  /** Puts a saved row's MAC anew, under another key, only if the row is still what was read; false otherwise. */
  resealSettings(row: SettingsRow, mac: string): Promise<boolean>;
  /** Replaces an earlier proposal of this workspace. */
  putSettingsProposal(row: SettingsProposalRow): Promise<void>;
  /** True for exactly one caller. */
  takeSettingsProposal(row: SettingsProposalRow): Promise<boolean>;
  /** Raises a user's epoch, or with `userId` null the workspace's; returns the new value. */
  raiseEpoch(workspaceId: string, userId: string | null): Promise<number>;
  /**
   * The newest emergency accesses of one person, at most 1,000, under a lock that lasts until the commit: no other transaction, in
   * any process, reads them by this call before.
   */
  emergencyAccessOf(workspaceId: string, userId: string): Promise<readonly StoredEmergencyAccess[]>;
  putEmergencyAccess(row: EmergencyAccessRow): Promise<void>;
  /** False, with nothing written, where a step of this kind exists. */
  putEmergencyStep(row: EmergencyStepRow): Promise<boolean>;
  /**
   * After a restore: ends every sign-in of until `at` of every user who is known, raises every epoch beyond any that was given since
   * the backup, and empties session state that is kept here. Returns the workspaces there are.
   */
  distrustSessions(at: number): Promise<readonly string[]>;
  endSession(session: {
    readonly workspaceId: string;
    readonly userId: string;
    readonly keyHash: string;
    readonly signedInAt: number;
    readonly endedAt: number;
  }): Promise<void>;
  /** Puts a job into the outbox, which hands it over once this transaction is committed. */
  enqueue(job: OutboxJob, timing?: OutboxTiming): Promise<void>;
  /** Marks a job as done. True for exactly one caller. */
  finishJob(task: OutboxTask): Promise<boolean>;
}

/** A stream's last record: what the next one is chained to. */
export interface StreamHead {
  readonly stream: string;
  readonly index: number;
  readonly hash: Uint8Array;
}

/**
 * The audit writer's own connection. Used by one caller at a time. After a call was rejected with `store_unavailable` or
 * `store_wait_exceeded` its outcome is unknown: `close` it, open another, and ask `written`. Any other rejection is definite:
 * nothing was committed, and the connection goes on.
 */
export interface AuditConnection {
  /**
   * Takes the stream's lock (waiting, bounded, for a previous holder to be gone for certain) and returns the last records of
   * streams that are alive or whose end nobody has recorded yet, and marks the dead ones as ended by this one.
   */
  openStream(stream: string, previous: string | null): Promise<readonly StreamHead[]>;
  /** Inserts in one statement and commits. */
  append(records: readonly AuditRecord[]): Promise<void>;
  /** Runs `work`, inserts the records it resolves with, and commits all together. */
  transact<T>(
    work: (transaction: StoreTransaction) => Promise<{ readonly value: T; readonly records: readonly AuditRecord[] }>,
  ): Promise<T>;
  /** Which of these event ids are committed. */
  written(ids: readonly string[]): Promise<ReadonlySet<string>>;
  close(): Promise<void>;
}

/** The lead among the processes that share the data. Held until it is closed, or its connection is lost. */
export interface Leadership {
  /** Whether this process leads now. Rejects where the connection was lost: close it, and open another. */
  take(): Promise<boolean>;
  close(): Promise<void>;
}

/** What a listener is told; each value is the newest known, and may come more than once. */
export interface ChangeListener {
  epochRaised(workspaceId: string, userId: string | null, epoch: number): void;
  settingsChanged(workspaceId: string, version: number): void;
  /** An emergency access was opened, or something happened to it; `steps`: how many it has now. */
  emergencyChanged(workspaceId: string, id: string, steps: number): void;
  /** The database was reached and everything committed before now has been told. */
  confirmed(): void;
}

/** Which events of a workspace. All criteria must fit. */
export interface AuditCriteria {
  readonly workspaceId: string;
  /** Milliseconds, included. */
  readonly from?: number;
  /** Milliseconds, not included. */
  readonly until?: number;
  readonly id?: string;
  readonly userId?: string;
  /** As the user, or as the real person behind one. */
  readonly person?: string;
  readonly patientId?: string;
  /** One of the event's categories. */
  readonly category?: string;
  readonly codes?: readonly string[];
  readonly outcome?: AuditOutcome;
  readonly emergencyAccessId?: string;
}

/** Events at hand, newest first. */
export interface AuditQuery extends AuditCriteria {
  /** At most this many, newest first. Default 100, at most 1,000. */
  readonly limit?: number;
  /** Continue after this record (newest first). */
  readonly before?: AuditPlace;
}

/** Where a record stands in time, and among those of the same millisecond. */
export interface AuditPlace {
  readonly at: number;
  readonly id: string;
}

/** In which order. Among equals, and beside `at`, by time and id in the same direction; what has no value comes last either way. */
export interface AuditSort {
  readonly field: AuditSortField;
  readonly descending: boolean;
}

/** A page of a search. */
export interface AuditSearch extends AuditCriteria {
  /** Default: newest first. */
  readonly sort?: AuditSort;
  /** Default 100, at most 1,000. */
  readonly limit?: number;
  /** The page that begins behind this record, in the order of `sort`; or the one that ends before it. Not both. */
  readonly after?: AuditPlace;
  readonly before?: AuditPlace;
}

/** What a search has found. */
export interface AuditFindings {
  /** In the order of `sort`. */
  readonly events: readonly AuditRecord[];
  /** Where to go on in the same direction; null: there is nothing more. Given also without events, once 100,000 were looked at. */
  readonly further: AuditPlace | null;
}

/**
 * Durable data. Every method is bounded in time and rejects with a `CountersignError` (`store_unavailable`,
 * `store_wait_exceeded`, `store_closed`; `store_refused` where the database said no, `store_not_migrated`) when the database
 * cannot answer; no error carries bound parameters.
 */
export interface Store {
  /** Whether several processes can use the same data. False for the embedded database. */
  readonly shared: boolean;
  /** Rejects with `store_not_migrated` unless the schema is at this release's version. */
  ready(): Promise<void>;
  sessionStanding(session: {
    readonly workspaceId: string;
    readonly userId: string;
    readonly keyHash: string;
    readonly signedInAt: number;
  }): Promise<SessionStanding>;
  factors(workspaceId: string, userId: string): Promise<readonly FactorRow[]>;
  /** Factors disabled by failures in a row, and when a window that is full opens again. */
  attempts(
    workspaceId: string,
    userId: string,
    limits: AttemptLimits,
    now: number,
  ): Promise<ReadonlyMap<string, { readonly consecutive: number; readonly retryAt: number | null }>>;
  /** One conditional write in a commit of its own; correct under any number of processes. */
  reserveAttempt(key: AttemptKey, limits: AttemptLimits, now: number): Promise<AttemptReservation>;
  settings(workspaceId: string): Promise<SettingsRow | null>;
  settingsProposal(workspaceId: string): Promise<SettingsProposalRow | null>;
  /** Those of all workspaces. */
  settingsProposals(): Promise<readonly SettingsProposalRow[]>;
  /** Every factor row, of all workspaces, in the order of workspace and id; at most `limit` after the given one. */
  factorPage(
    after: { readonly workspaceId: string; readonly id: string } | null,
    limit: number,
  ): Promise<readonly FactorRow[]>;
  /** Every saved settings row in the order of their workspaces; at most `limit` after the given one. */
  settingsPage(after: string | null, limit: number): Promise<readonly SettingsRow[]>;
  emergencyAccess(query: EmergencyAccessQuery): Promise<readonly StoredEmergencyAccess[]>;
  openAuditConnection(): Promise<AuditConnection>;
  /** On a connection of its own. */
  openLeadership(): Promise<Leadership>;
  /** Made when it is first asked for. */
  outbox(): Outbox;
  auditEvents(query: AuditQuery): Promise<readonly AuditRecord[]>;
  /**
   * A page of the log, however long it is: a call looks at 100,000 events at most. In the order of time it then says where to go on;
   * in any other order it rejects with `audit_sort_too_wide` where the period, patient or emergency access has more. Rejects with
   * `input_invalid` where `after` or `before` is no record of the workspace.
   */
  searchAudit(search: AuditSearch): Promise<AuditFindings>;
  /** A stream's records in order, from this index on (default 0), read in bounded pages. */
  auditStream(stream: string, from?: number): AsyncIterable<AuditRecord>;
  auditStreams(): Promise<readonly StreamHead[]>;
  readonly seals: SealStore;
  /** Tells of epochs, settings and emergency accesses that any process changed: at once by LISTEN/NOTIFY, else by a poll each second. */
  watch(listener: ChangeListener): Promise<{ close(): Promise<void> }>;
  /** The database's clock, for checks of ours. Milliseconds. */
  now(): Promise<number>;
  close(): Promise<void>;
}

export type { AuditEventInput, AuditRecord };
