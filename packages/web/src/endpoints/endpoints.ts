import { assets } from './assets.ts';
import { auditEventRead, auditList } from './audit-api.ts';
import { auditExportFile, auditExportPage, auditExportRead } from './audit-export.ts';
import { auditEventPage, auditPage, auditProofFile } from './audit-log.ts';
import { patientReportPage, patientReportRead } from './audit-report.ts';
import { challengeAnswer, challengePage, recheck } from './challenge.ts';
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
