/** The pages, for the endpoints: components, their props, and the one function that renders them. */
export { AuditEventPage, type AuditEventPageProps, type AuditEventProof } from './audit-event-page.tsx';
export { AuditExportPage, type AuditExportPageProps } from './audit-export-page.tsx';
export type { AuditFilterErrors, AuditFilterProps, AuditFilterValues } from './audit-filter.tsx';
export { AuditPage, type AuditPageProps, type AuditRow, auditColumns } from './audit-page.tsx';
export { type ChallengeAbout, ChallengePage, type ChallengePageProps, type EmergencyWay } from './challenge-page.tsx';
export { ConfirmedPage, type ConfirmedPageProps } from './confirmed-page.tsx';
export { ElsewherePage } from './elsewhere-page.tsx';
export type { AccessRow } from './emergency-accesses.tsx';
export { EmergencyApprovalPage, type EmergencyApprovalPageProps } from './emergency-approval-page.tsx';
export { EmergencyGrantPage, type EmergencyGrantPageProps } from './emergency-grant-page.tsx';
export {
  type EmergencyField,
  EmergencyPage,
  type EmergencyPageProps,
  emergencyParticulars,
} from './emergency-page.tsx';
export { EmergencyRecordPage, type EmergencyRecordPageProps } from './emergency-record-page.tsx';
export { EnrolmentPage, type EnrolmentPageProps } from './enrolment-page.tsx';
export type { FactorError } from './factor-error.tsx';
export { type FactorSummary, FactorsPage, type FactorsPageProps } from './factors-page.tsx';
export { GeneralEnrolmentPage, type GeneralEnrolmentPageProps } from './general-enrolment-page.tsx';
export { MessagePage, type MessagePageProps, messageOf } from './message-page.tsx';
export {
  type EmergencyEntry,
  type EmergencyNotice,
  OwnEmergencyPage,
  type OwnEmergencyPageProps,
} from './own-emergency-page.tsx';
export { PasskeyEnrolmentPage, type PasskeyEnrolmentPageProps } from './passkey-enrolment-page.tsx';
export {
  type PatientAccessRow,
  type PatientReaderRow,
  PatientReportPage,
  type PatientReportPageProps,
} from './patient-report-page.tsx';
export { RecoveryCodesPage, type RecoveryCodesPageProps } from './recovery-codes-page.tsx';
export { RemainingPage, type RemainingPageProps } from './remaining-page.tsx';
export { renderPage } from './render-page.ts';
export { ResendPage, type ResendPageProps } from './resend-page.tsx';
export { ReviewPage, type ReviewPageProps } from './review-page.tsx';
export { type ReviewState, ReviewsPage, type ReviewsPageProps, reviewStates } from './reviews-page.tsx';
export type { SettingsHistoryEntry } from './settings-history.tsx';
export { type SettingsNotice, SettingsPage, type SettingsPageProps } from './settings-page.tsx';
export type {
  CategoryValues,
  EmergencyValues,
  ExemptionValues,
  LimitValues,
  SettingsCatalogue,
  SettingsCategory,
  SettingsErrors,
  SettingsFieldError,
  SettingsValues,
} from './settings-values.ts';
export type { NavigationLink, Shell, Theme } from './shell.ts';
export { SigningSummary } from './signing-summary.tsx';
export { type UserFactorRow, UsersPage, type UsersPageProps } from './users-page.tsx';
