// A node of its own for the tests of races between processes: does what its parent asks, and ends with it. Plain JavaScript, so
// that it starts in a moment.
import { once } from 'node:events';
import { createCountersign, totp } from '@countersign/core';
import { openStore } from '@countersign/postgres';

let now = 0;
/** @type {import('@countersign/core').Countersign | undefined} */
let countersign;
const node = () => {
  if (countersign === undefined) throw new Error('nothing was started');
  return countersign;
};

/** One of a user's sessions on this node. */
const principal = (/** @type {string} */ userId, /** @type {string} */ session) =>
  node().principalOf({
    userId,
    workspaceId: 'clinic',
    roles: [],
    displayName: userId,
    signedInAt: new Date(now),
    sessionKey: session,
  });
const record = { workspaceId: 'clinic', action: 'view', guarded: new Set(['5']) };

/** @type {Record<string, (...args: any[]) => Promise<unknown>>} */
const tasks = {
  start: async (url, key, at, attempts, emergencyAccess) => {
    now = at;
    countersign = await createCountersign({
      store: await openStore(url),
      publicUrl: 'http://localhost',
      keys: { current: 'k1', all: { k1: key } },
      categories: [{ id: '5', name: 'Ketamine infusion' }],
      factors: [totp({ issuer: 'Example EHR' })],
      clock: { now: () => now, elapsed: () => 0 },
      ...(attempts == null ? {} : { attempts }),
      ...(emergencyAccess === undefined ? {} : { emergencyAccess }),
    });
  },
  setClock: async (at) => {
    now = at;
  },
  enrolStart: async (userId) => (await node().enrolment.start(principal(userId, 'enrolment'), 'totp')).manualKey,
  enrolFinish: (userId, code) => outcome(node().enrolment.finish(principal(userId, 'enrolment'), 'totp', { code })),
  /** Opens a challenge in each of these sessions. */
  ask: (userId, sessions) =>
    Promise.all(
      sessions.map(async (/** @type {string} */ session) => {
        const subjects = [{ patientId: 'p1', carried: ['5'] }];
        const { challenge } = await node().authorize(principal(userId, session), { ...record, subjects });
        return { session, id: challenge?.id };
      }),
    ),
  /** Answers them all at once, each with its code. */
  answer: (userId, answers) =>
    Promise.all(
      answers.map((/** @type {{ session: string, id: string, code: string }} */ { session, id, code }) =>
        outcome(node().answerChallenge(principal(userId, session), id, 'totp', { code })),
      ),
    ),
  /** Asks for emergency access to all of these patients at once; each one's status, or the code of the error. */
  emergencies: (userId, patients) =>
    Promise.all(
      patients.map((/** @type {string} */ patientId) =>
        node()
          .emergency.start(clinician(userId), {
            purpose: 'clinical',
            patientId,
            reason: 'Unresponsive after the infusion, dose needed now.',
            purposeOfUse: 'ETREAT',
          })
          .then(
            ({ status }) => status,
            (error) => String(Reflect.get(Object(error), 'code') ?? error),
          ),
      ),
    ),
  approve: (userId, id) => outcome(node().emergency.approve(clinician(userId), id)),
  endEmergency: (userId, id) => outcome(node().emergency.end(clinician(userId), id)),
  /** Whether a record of this patient is open to them. */
  opens: async (userId, patientId) => {
    const { outcome: decided } = await node().check(clinician(userId), {
      workspaceId: 'clinic',
      patientId,
      categories: ['5'],
    });
    return decided;
  },
};

/** What only emergency access needs: a role. */
const clinician = (/** @type {string} */ userId) => Object.assign(principal(userId, 'ward'), { roles: ['clinician'] });

/** `ok`, or the code of the error. */
const outcome = (/** @type {Promise<unknown>} */ work) =>
  work.then(
    () => 'ok',
    (error) => String(Reflect.get(Object(error), 'code') ?? error),
  );

process.on('message', async (/** @type {{ id: number, task: string, args: unknown[] }} */ { id, task, args }) => {
  try {
    process.send?.({ id, value: await tasks[task]?.(...args) });
  } catch (error) {
    process.send?.({ id, error: { code: Reflect.get(Object(error), 'code'), message: String(error) } });
  }
});
await once(process, 'disconnect');
process.exit();
