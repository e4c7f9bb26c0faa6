import type { AuditCode, AuditRecord } from '../audit/event.ts';

/** A code with its system, as FHIR writes it. */
export interface FhirCoding {
  readonly system: string;
  readonly code: string;
  readonly display: string;
}

/** What kind of event it is, in the codes that others know. Our own code is added beside them. */
export interface AuditEventKind {
  readonly type: FhirCoding;
  readonly subtype: readonly FhirCoding[];
  /** Create, read, update, delete, execute. */
  readonly action: 'C' | 'R' | 'U' | 'D' | 'E';
}

const DCM = 'http://dicom.nema.org/resources/ontology/DCM';
const dcm = (code: string, display: string): FhirCoding => ({ system: DCM, code, display });

/** DICOM PS3.16, context groups 400 to 403. */
export const dicom = {
  activity: dcm('110100', 'Application Activity'),
  logUsed: dcm('110101', 'Audit Log Used'),
  exported: dcm('110106', 'Export'),
  alert: dcm('110113', 'Security Alert'),
  authentication: dcm('110114', 'User Authentication'),
  login: dcm('110122', 'Login'),
  logout: dcm('110123', 'Logout'),
  overrideStarted: dcm('110127', 'Emergency Override Started'),
  configured: dcm('110129', 'Security Configuration'),
  restricted: dcm('110132', 'Use of Restricted Function'),
  recordingStopped: dcm('110133', 'Audit Recording Stopped'),
  recordingStarted: dcm('110134', 'Audit Recording Started'),
  objectChanged: dcm('110135', 'Object Security Attributes Changed'),
  userChanged: dcm('110137', 'User Security Attributes Changed'),
  overrideStopped: dcm('110138', 'Emergency Override Stopped'),
  application: dcm('110150', 'Application'),
  source: dcm('110153', 'Source Role ID'),
  destination: dcm('110152', 'Destination Role ID'),
} as const;

const rest: FhirCoding = {
  system: 'http://terminology.hl7.org/CodeSystem/audit-event-type',
  code: 'rest',
  display: 'RESTful Operation',
};
const interaction = (code: string): FhirCoding => ({
  system: 'http://hl7.org/fhir/restful-interaction',
  code,
  display: code,
});

const factor: AuditEventKind = { type: dicom.authentication, subtype: [dicom.login], action: 'E' };
const userChange: AuditEventKind = { type: dicom.alert, subtype: [dicom.userChanged], action: 'U' };
const configuration: AuditEventKind = { type: dicom.alert, subtype: [dicom.configured], action: 'U' };
const alert: AuditEventKind = { type: dicom.alert, subtype: [], action: 'E' };
const altered: AuditEventKind = { type: dicom.alert, subtype: [dicom.objectChanged], action: 'U' };
const activity: AuditEventKind = { type: dicom.activity, subtype: [], action: 'E' };
const session: AuditEventKind = { type: dicom.authentication, subtype: [], action: 'E' };

const kinds: Readonly<Record<Exclude<AuditCode, AccessCode>, AuditEventKind>> = {
  MFA_REQUIRED: factor,
  MFA_SUCCESS: factor,
  MFA_FAILURE: factor,
  RECOVERY_CODE_USED: factor,
  FACTOR_LOCKED: factor,
  FACTOR_DISABLED: factor,
  FACTOR_ENROLMENT_STARTED: userChange,
  FACTOR_ENROLLED: userChange,
  FACTOR_RESET: userChange,
  FACTOR_RENAMED: userChange,
  FACTOR_REMOVED: userChange,
  FACTOR_CAP_LIFTED: userChange,
  ENROLMENT_CODE_ISSUED: userChange,
  SETTINGS_CHANGED: configuration,
  SETTINGS_PROPOSED: configuration,
  SETTINGS_PROPOSAL_DECIDED: configuration,
  CONFIGURATION_APPLIED: configuration,
  KEYS_ROTATED: configuration,
  SETTINGS_TAMPERED: altered,
  FACTOR_TAMPERED: altered,
  SESSION_SIGNED_OUT: { type: dicom.authentication, subtype: [dicom.logout], action: 'E' },
  SESSIONS_REVOKED: session,
  SESSION_LOCKED: session,
  AUDIT_STREAM_OPENED: { type: dicom.alert, subtype: [dicom.recordingStarted], action: 'E' },
  AUDIT_STREAM_CLOSED: { type: dicom.alert, subtype: [dicom.recordingStopped], action: 'E' },
  AUDIT_EXAMINED: { type: dicom.logUsed, subtype: [], action: 'R' },
  AUDIT_EXPORTED: { type: dicom.logUsed, subtype: [dicom.exported], action: 'R' },
  AUDIT_ARCHIVED: { type: dicom.logUsed, subtype: [], action: 'D' },
  AUDIT_SEALING_FAILED: alert,
  AUDIT_SINK_FAILED: alert,
  AUDIT_SINK_RECOVERED: activity,
  AUDIT_SPOOL_DRAINED: activity,
  RESTORED_FROM_BACKUP: activity,
  CLOCK_SET_BACK: alert,
  NOTICE_FAILED: activity,
  NOTICE_DELIVERED: activity,
  EMERGENCY_ACCESS_STARTED: { type: dicom.alert, subtype: [dicom.overrideStarted], action: 'E' },
  EMERGENCY_ACCESS_ENDED: { type: dicom.alert, subtype: [dicom.overrideStopped], action: 'E' },
  EMERGENCY_ACCESS_REQUESTED: alert,
  EMERGENCY_ACCESS_REFUSED: alert,
  EMERGENCY_ACCESS_APPROVED: alert,
  EMERGENCY_ACCESS_DECLINED: alert,
  EMERGENCY_ACCESS_REVIEWED: alert,
  EMERGENCY_ACCESS_OVERDUE: alert,
};

/** Events about a request to the host's own routes. */
const accessCodes = ['ACCESS_ALLOWED', 'ACCESS_DENIED', 'EXEMPTION_APPLIED', 'RESPONSE_WITHHELD'] as const;
type AccessCode = (typeof accessCodes)[number];

const accesses: Readonly<Record<string, AuditEventKind>> = {
  view: { type: rest, subtype: [interaction('read')], action: 'R' },
  edit: { type: rest, subtype: [interaction('update')], action: 'U' },
  create: { type: rest, subtype: [interaction('create')], action: 'C' },
  delete: { type: rest, subtype: [interaction('delete')], action: 'D' },
};
/** Export, payment, an action of the host's own. */
const otherAccess: AuditEventKind = { type: rest, subtype: [interaction('operation')], action: 'E' };
/** Factors, settings, administration: nothing of a patient. */
const restricted: AuditEventKind = { type: dicom.alert, subtype: [dicom.restricted], action: 'E' };

/** Whether an event is a request for a patient's data, in the shape of IHE BALP. */
export const isPatientAccess = ({ code, patientId }: Pick<AuditRecord, 'code' | 'patientId'>): boolean =>
  patientId !== null && (accessCodes as readonly string[]).includes(code);

/** The kind of an event. A code that this release does not know is an application activity. */
export function auditEventKind(record: Pick<AuditRecord, 'code' | 'patientId' | 'action'>): AuditEventKind {
  if ((accessCodes as readonly string[]).includes(record.code)) {
    if (record.patientId === null) return restricted;
    return Object.hasOwn(accesses, record.action ?? 'view')
      ? (accesses[record.action ?? 'view'] ?? otherAccess)
      : otherAccess;
  }
  return Object.hasOwn(kinds, record.code) ? kinds[record.code as keyof typeof kinds] : activity;
}
