export { CANONICAL_VERSION, CHAIN_START, canonicalBytes, chainHash, normaliseEvent } from './audit/canonical.ts';
export {
  type AuditCode,
  type AuditEventInput,
  type AuditOutcome,
  type AuditRecord,
  auditCodes,
  auditTextFields,
} from './audit/event.ts';
export { type StreamCheck, verifyStream } from './audit/verify-stream.ts';
export { AuditWriter, type AuditWriterOptions } from './audit/writer.ts';
export { parseCategoryList } from './configuration/category-list.ts';
export type { Category, CategoryOptions, Configuration, CountersignOptions } from './configuration/configuration.ts';
export { type Coding, categoryDetector } from './configuration/detect-categories.ts';
export { type Clock, type IdSource, type RandomSource, systemClock } from './configuration/sources.ts';
export { type CheckDemand, type Countersign, createCountersign } from './countersign.ts';
export { type ErrorCode, errorCodes } from './errors/codes.ts';
export { CountersignError, type ErrorDetails } from './errors/countersign-error.ts';
export { StepUpRequiredError } from './errors/step-up-required-error.ts';
export type { EnrolmentInvitation, Factor, FactorCheck } from './factors/factor.ts';
export { type TotpOptions, totp } from './factors/totp.ts';
export type { Administration, SettingsChange, SettingsView } from './flows/administration.ts';
export type { ChallengePassed } from './flows/answer-challenge.ts';
export { type Authorization, type Demand, refusalCode } from './flows/authorize.ts';
export type { WorkspaceSettings } from './flows/effective-settings.ts';
export type { Enrolment, FactorSummary } from './flows/enrolment.ts';
export type { RequestContext, SessionPrincipal } from './flows/services.ts';
export type { SessionStatus, Sessions } from './flows/sessions.ts';
export type { ItemLabels, SiftedList } from './flows/sift-list.ts';
export type { KeyringOptions, SecretOwner } from './keys/keyring.ts';
export { Keyring } from './keys/keyring.ts';
export { type Operation, operationDigest } from './operation/operation-digest.ts';
export type * from './policy/decide.ts';
export { decide } from './policy/decide.ts';
export type { Principal } from './policy/principal.ts';
export { ACCOUNT_SUBJECT, type Proof } from './policy/proof.ts';
export type { Requirement, Subject } from './policy/requirement.ts';
export type * from './policy/settings.ts';
export { type Strength, satisfiesStrength } from './policy/strength.ts';
export { type MemorySessionStateOptions, memorySessionState } from './session-state/memory-session-state.ts';
export type { OpenChallenge } from './session-state/open-challenge.ts';
export type * from './session-state/session-state.ts';
export type * from './store/store.ts';
