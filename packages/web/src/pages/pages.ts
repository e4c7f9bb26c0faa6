/** The pages, for the endpoints: components, their props, and the one function that renders them. */
export type { AuditFilterErrors, AuditFilterProps, AuditFilterValues } from './audit-filter.tsx';
export { AuditPage, type AuditPageProps, type AuditRow } from './audit-page.tsx';
export { type ChallengeAbout, ChallengePage, type ChallengePageProps } from './challenge-page.tsx';
export { ConfirmedPage, type ConfirmedPageProps } from './confirmed-page.tsx';
export { EnrolmentPage, type EnrolmentPageProps } from './enrolment-page.tsx';
export type { FactorError } from './factor-error.tsx';
export { type FactorSummary, FactorsPage, type FactorsPageProps } from './factors-page.tsx';
export { MessagePage, type MessagePageProps, messageOf } from './message-page.tsx';
export { renderPage } from './render-page.ts';
export type { GraceBounds, SettingsErrors } from './settings-fields.tsx';
export type { SettingsChange, SettingsHistoryEntry } from './settings-history.tsx';
export { type SettingsConfirm, SettingsPage, type SettingsPageProps } from './settings-page.tsx';
export type { SettingsCategory, SettingsValues } from './settings-values.ts';
export type { NavigationLink, Shell, Theme } from './shell.ts';
