import { auditPage, settingsPage, settingsSave } from './administration.ts';
import { assets } from './assets.ts';
import { challengeAnswer, challengePage, verify } from './challenge.ts';
import type { Endpoint } from './endpoint.ts';
import { enrol, enrolFinish, enrolPage, enrolStart, factorsPage, session } from './own-factors.ts';

/** Every endpoint, once: the adapters register this list, and nothing else is ours. */
export const endpoints: readonly Endpoint[] = Object.freeze([
  challengePage,
  challengeAnswer,
  factorsPage,
  enrolStart,
  enrolPage,
  enrolFinish,
  settingsPage,
  settingsSave,
  auditPage,
  assets,
  verify,
  enrol,
  session,
]);
