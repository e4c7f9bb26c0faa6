/** The closed list of event codes. The first three are those that OpenEMR users know. */
export const auditCodes = [
  'MFA_REQUIRED',
  'MFA_SUCCESS',
  'MFA_FAILURE',
  'ACCESS_ALLOWED',
  'ACCESS_DENIED',
  'EXEMPTION_APPLIED',
  'FACTOR_ENROLMENT_STARTED',
  'FACTOR_ENROLLED',
  'FACTOR_LOCKED',
  'FACTOR_DISABLED',
  'FACTOR_RESET',
  'SETTINGS_CHANGED',
  'SETTINGS_TAMPERED',
  'FACTOR_TAMPERED',
  'SESSION_SIGNED_OUT',
  'SESSIONS_REVOKED',
  'SESSION_LOCKED',
  'AUDIT_STREAM_OPENED',
  'AUDIT_STREAM_CLOSED',
  'CONFIGURATION_APPLIED',
  'CLOCK_SET_BACK',
  'FACTOR_RENAMED',
  'FACTOR_REMOVED',
  'FACTOR_CAP_LIFTED',
  'ENROLMENT_CODE_ISSUED',
  'SETTINGS_PROPOSED',
  'SETTINGS_PROPOSAL_DECIDED',
  'KEYS_ROTATED',
  'NOTICE_FAILED',
  'RESPONSE_WITHHELD',
  'RECOVERY_CODE_USED',
  'EMERGENCY_ACCESS_REQUESTED',
  'EMERGENCY_ACCESS_STARTED',
  'EMERGENCY_ACCESS_ENDED',
  'EMERGENCY_ACCESS_REFUSED',
  'EMERGENCY_ACCESS_APPROVED',
  'EMERGENCY_ACCESS_DECLINED',
  'EMERGENCY_ACCESS_REVIEWED',
  'EMERGENCY_ACCESS_OVERDUE',
  'NOTICE_DELIVERED',
  'AUDIT_EXAMINED',
  'AUDIT_EXPORTED',
  'AUDIT_ARCHIVED',
  'AUDIT_SEALING_FAILED',
  'AUDIT_SINK_FAILED',
  'AUDIT_SINK_RECOVERED',
  'AUDIT_SPOOL_DRAINED',
  'RESTORED_FROM_BACKUP',
] as const;
/** One of {@link auditCodes}. */
export type AuditCode = (typeof auditCodes)[number];

/** `refused`: nobody failed, but nothing was let through. */
export type AuditOutcome = 'success' | 'failure' | 'refused';

/**
 * One event, as the caller describes it. All text is cut to its bound and made well-formed before it is written; nothing secret
 * and no record content belongs in any field.
 */
export interface AuditEventInput {
  readonly code: AuditCode;
  readonly outcome: AuditOutcome;
  readonly workspaceId: string | null;
  /** Who acted, under impersonation the principal that was acted as. */
  readonly userId: string | null;
  /** Under impersonation: the real person. */
  readonly actorId?: string | null;
  /** The internal session number, never the host's session id. */
  readonly session?: string | null;
  readonly patientId?: string | null;
  /** Category ids joined by commas, in the order of the workspace's settings. */
  readonly categories?: string | null;
  readonly action?: string | null;
  readonly method?: string | null;
  /** The route's template (`/appointments/:id`), never the URL. */
  readonly route?: string | null;
  readonly factor?: string | null;
  readonly reason?: string | null;
  readonly challengeId?: string | null;
  readonly emergencyAccessId?: string | null;
  readonly ip?: string | null;
  readonly userAgent?: string | null;
  readonly requestId?: string | null;
  /** JSON text for what has no column: settings before and after, heads of other streams. */
  readonly details?: string | null;
}

/** The text fields in the order in which the canonical encoding and the table have them. Append only. */
export const auditTextFields = [
  'code',
  'outcome',
  'workspaceId',
  'userId',
  'actorId',
  'session',
  'patientId',
  'categories',
  'action',
  'method',
  'route',
  'factor',
  'reason',
  'challengeId',
  'emergencyAccessId',
  'ip',
  'userAgent',
  'requestId',
  'details',
] as const satisfies readonly (keyof AuditEventInput)[];

/** An event with its place on the chain. */
export interface AuditRecord extends Required<AuditEventInput> {
  /** UUID. */
  readonly id: string;
  /** Our clock, milliseconds. */
  readonly at: number;
  /** UUID of the stream of the process that wrote it. */
  readonly stream: string;
  /** Dense within the stream, from 0. */
  readonly index: number;
  /** SHA-256 over the previous record's hash and this record's canonical bytes; 32 bytes. */
  readonly hash: Uint8Array;
}

/** What events can be sorted by: everything that is recorded (170.315(d)(3)). */
export const auditSortFields = ['at', ...auditTextFields, 'id', 'stream', 'index', 'hash'] as const;
/** One of {@link auditSortFields}. */
export type AuditSortField = (typeof auditSortFields)[number];
