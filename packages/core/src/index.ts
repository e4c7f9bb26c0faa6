export { type ArchivedPart, type AuditArchiving, archiveAuditLog } from './audit/archive-audit-log.ts';
export {
  type ArchivedLog,
  archivedRecord,
  archivedSeal,
  archiveHeader,
  openArchivedLog,
} from './audit/archived-log.ts';
export type { AuditDeviation, DeviationKind } from './audit/audit-deviation.ts';
export {
  type ConsistencyProof,
  type InclusionProof,
  parseProof,
  proofJson,
  verifyProof,
} from './audit/audit-proof.ts';
export { CANONICAL_VERSION, CHAIN_START, canonicalBytes, chainHash, normaliseEvent } from './audit/canonical.ts';
export {
  type Checkpoint,
  checkpointText,
  NoteSigner,
  NoteVerifier,
  parseCheckpoint,
  parseNote,
  type SignedNote,
  verifyCheckpoint,
} from './audit/checkpoint.ts';
export { CheckpointKeys, type CheckpointKeysOptions } from './audit/checkpoint-keys.ts';
export type { CheckpointAbout, CheckpointSink, CheckpointSinkState } from './audit/checkpoint-sink.ts';
export {
  type AuditCode,
  type AuditEventInput,
  type AuditOutcome,
  type AuditRecord,
  type AuditSortField,
  auditCodes,
  auditSortFields,
  auditTextFields,
} from './audit/event.ts';
export type { EventSink } from './audit/event-sink.ts';
export { EMPTY_ROOT, leafHash, MerkleFrontier, nodeHash, type TreeNode } from './audit/merkle.ts';
export { verifyConsistency, verifyInclusion } from './audit/merkle-proof.ts';
export { proveConsistency, proveInclusion } from './audit/prove.ts';
export { Sealer } from './audit/sealer.ts';
export { type AuditLogCheck, type AuditLogFindings, verifyAuditLog } from './audit/verify-audit-log.ts';
export { type StreamCheck, verifyStream } from './audit/verify-stream.ts';
export { type AuditListener, AuditWriter, type AuditWriterOptions } from './audit/writer.ts';
export {
  type AuditExportFormat,
  type AuditRecordJson,
  auditExportFormats,
  auditRecordJson,
} from './audit-export/export-formats.ts';
export { type FhirAuditEvent, fhirAuditEvent } from './audit-export/fhir-audit-event.ts';
export { parseCategoryList } from './configuration/category-list.ts';
export type { Category, CategoryOptions, Configuration, CountersignOptions } from './configuration/configuration.ts';
export { type Coding, categoryDetector } from './configuration/detect-categories.ts';
export { type Clock, type IdSource, type RandomSource, systemClock, timeOrderedIds } from './configuration/sources.ts';
export { type CheckDemand, type Countersign, createCountersign } from './countersign.ts';
export { type ErrorCode, errorCodes } from './errors/codes.ts';
export { CountersignError, type ErrorDetails } from './errors/countersign-error.ts';
export { StepUpRequiredError } from './errors/step-up-required-error.ts';
export type * from './factors/factor.ts';
export { type PasskeyInvitation, type PasskeyOptions, type PasskeyRequest, passkey } from './factors/passkey.ts';
export { type RecoveryCodesInvitation, type RecoveryCodesOptions, recoveryCodes } from './factors/recovery-codes.ts';
export { type TotpInvitation, type TotpOptions, totp } from './factors/totp.ts';
export { fhirCodings } from './fhir/fhir-codings.ts';
export { type FhirLabels, fhirLabels } from './fhir/fhir-labels.ts';
export { fhirPatientId } from './fhir/fhir-patient.ts';
export { type DescribeResource, type ListSifter, siftBundle } from './fhir/sift-bundle.ts';
export { type SuppressedOutcome, suppressedOutcome } from './fhir/suppressed-outcome.ts';
export type { Administration, UserFactor } from './flows/administration.ts';
export { type AfterRestore, afterRestore, type Restored } from './flows/after-restore.ts';
export type { ChallengePassed } from './flows/answer-challenge.ts';
export type { AuditExamination, AuditPage, PatientReader, PatientReport } from './flows/audit-examination.ts';
export type { AuditExport, AuditExportOptions } from './flows/audit-export.ts';
export type { AuditSeals } from './flows/audit-seals.ts';
export { type Authorization, type Demand, refusalCode } from './flows/demand.ts';
export {
  storedSettingsSchema,
  type WorkspaceSettings,
  type WorkspaceSettingsInput,
} from './flows/effective-settings.ts';
export type { EmergencyAccess, EmergencyQueueQuery } from './flows/emergency-access.ts';
export type * from './flows/emergency-grant.ts';
export type { DirectNotice } from './flows/emergency-notices.ts';
export { type EmergencyStanding, emergencyStanding } from './flows/emergency-standing.ts';
export type { Enrolment } from './flows/enrolment.ts';
export type { EnrolmentOptions } from './flows/enrolment-authority.ts';
export { importOpenEmrGlobals, type OpenEmrGlobals, readOpenEmrGlobals } from './flows/import-openemr-globals.ts';
export { type NoticeOutcome, noticeOutcomes } from './flows/notice-outcomes.ts';
export { type OperatorReset, resetFactorsAsOperator } from './flows/operator-reset.ts';
export type { FactorSummary } from './flows/own-factors.ts';
export { type KeyRotation, type KeyRotationOptions, keysInUse, rotateKeys } from './flows/rotate-keys.ts';
export type { RequestContext, SessionPrincipal } from './flows/services.ts';
export type { SessionStatus, Sessions } from './flows/sessions.ts';
export type {
  SettingsChange,
  SettingsDecision,
  SettingsOutcome,
  SettingsView,
} from './flows/settings-administration.ts';
export type { BeforeAndAfter, PreviewUnknown, SettingsPreview } from './flows/settings-preview.ts';
export type { SettingsProposal } from './flows/settings-rows.ts';
export {
  knownActions,
  type SettingsProblem,
  type SettingsProblemCode,
  strongestReachable,
  validateSettings,
} from './flows/settings-validation.ts';
export type { ItemLabels, SiftedList } from './flows/sift-list.ts';
export type { KeyringOptions, OpenedTicket, SecretOwner } from './keys/keyring.ts';
export { Keyring } from './keys/keyring.ts';
export type { EmergencyNotice, EmergencyNoticeKind, NoticeChannel } from './notices/emergency-notice.ts';
export type * from './notices/notice.ts';
export { type Operation, operationDigest } from './operation/operation-digest.ts';
export { type OperationSummary, operationSummary } from './operation/operation-summary.ts';
export type * from './policy/decide.ts';
export { decide } from './policy/decide.ts';
export type { EmergencyPurpose, EmergencyStatus } from './policy/emergency.ts';
export type { Principal } from './policy/principal.ts';
export { ACCOUNT_SUBJECT, type Proof } from './policy/proof.ts';
export type { Requirement, Subject } from './policy/requirement.ts';
export type * from './policy/settings.ts';
export type { Loosening, LooseningKind } from './policy/settings-change.ts';
export { type SettingsWarning, type SettingsWarningKind, settingsWarnings } from './policy/settings-warnings.ts';
export { type Strength, satisfiesStrength, strengths } from './policy/strength.ts';
export { type MemorySessionStateOptions, memorySessionState } from './session-state/memory-session-state.ts';
export type { OpenChallenge } from './session-state/open-challenge.ts';
export { delayAfter, proofLife, sessionBounds } from './session-state/session-bounds.ts';
export type * from './session-state/session-state.ts';
export { type SessionBindings, visibleUntil } from './session-state/visible-until.ts';
export { type FolderLock, lockFolder } from './spool/folder-lock.ts';
export { type SpoolState, spoolState } from './spool/spool-state.ts';
export type * from './store/outbox.ts';
export type * from './store/seal-store.ts';
export type * from './store/store.ts';
