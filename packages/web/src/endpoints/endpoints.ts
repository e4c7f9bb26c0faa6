import { assets } from './assets.ts';
import { auditEventRead, auditList } from './audit-api.ts';
import { auditExportFile, auditExportPage, auditExportRead } from './audit-export.ts';
import { auditEventPage, auditPage, auditProofFile } from './audit-log.ts';
import { patientReportPage, patientReportRead } from './audit-report.ts';
import {
  breakGlass,
  breakGlassApprove,
  breakGlassDecline,
  breakGlassEnd,
  breakGlassFind,
  breakGlassOwn,
  breakGlassQueue,
  breakGlassRecord,
  breakGlassReview,
  emergencyOptions,
} from './break-glass.ts';
import { challengeAnswer, challengePage, recheck } from './challenge.ts';
import { emergencyPage, emergencyStart } from './emergency.ts';
import { emergencyApprove, emergencyDecline, emergencyEnd, emergencyGrantPage } from './emergency-grant.ts';
import type { Endpoint } from './endpoint.ts';
import { capLift, enrol, factorList, factorRemove, factorRename, othersSignOut, session } from './factor-api.ts';
import { openApi } from './open-api.ts';
import {
  capLifted,
  enrolFinish,
  enrolPage,
  enrolStart,
  enrolWithCode,
  factorRemoved,
  factorRenamed,
  factorsPage,
  othersSignedOut,
} from './own-factors.ts';
import { remainingPage } from './remaining.ts';
import { resend } from './resend.ts';
import { reviewEnd, reviewPage, reviewRecord, reviewSave, reviewsPage } from './reviews.ts';
import { settingsPage, settingsProposal, settingsSave } from './settings.ts';
import { settingsDecide, settingsPreview, settingsRead, settingsReplace } from './settings-api.ts';
import {
  adminEnrolmentCode,
  adminReset,
  adminUserFactors,
  userCode,
  userReset,
  usersPage,
} from './user-administration.ts';
import { challengeInfo, verify } from './verify.ts';

/** Every endpoint, once: the adapters register this list, and nothing else is ours. */
export const endpoints: readonly Endpoint[] = Object.freeze([
  challengePage,
  challengeAnswer,
  recheck,
  resend,
  emergencyPage,
  emergencyStart,
  emergencyGrantPage,
  emergencyEnd,
  emergencyApprove,
  emergencyDecline,
  factorsPage,
  remainingPage,
  enrolWithCode,
  enrolStart,
  enrolPage,
  enrolFinish,
  factorRenamed,
  factorRemoved,
  capLifted,
  othersSignedOut,
  usersPage,
  userReset,
  userCode,
  settingsPage,
  settingsSave,
  settingsProposal,
  reviewsPage,
  reviewPage,
  reviewSave,
  reviewEnd,
  reviewRecord,
  auditPage,
  auditEventPage,
  auditProofFile,
  patientReportPage,
  auditExportPage,
  auditExportFile,
  assets,
  verify,
  challengeInfo,
  enrol,
  factorList,
  factorRename,
  factorRemove,
  capLift,
  session,
  othersSignOut,
  // Before the one that takes an id.
  emergencyOptions,
  breakGlass,
  breakGlassOwn,
  breakGlassFind,
  breakGlassEnd,
  breakGlassApprove,
  breakGlassDecline,
  breakGlassReview,
  breakGlassRecord,
  breakGlassQueue,
  adminUserFactors,
  adminReset,
  adminEnrolmentCode,
  settingsRead,
  settingsReplace,
  settingsPreview,
  settingsDecide,
  auditList,
  auditEventRead,
  patientReportRead,
  auditExportRead,
  openApi,
]);
