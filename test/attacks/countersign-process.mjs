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
  start: async (url, key, at, attempts) => {
    now = at;
    countersign = await createCountersign({
      store: await openStore(url),
      publicUrl: 'http://localhost',
      keys: { current: 'k1', all: { k1: key } },
      categories: [{ id: '5', name: 'Ketamine infusion' }],
      factors: [totp({ issuer: 'Example EHR' })],
      clock: { now: () => now, elapsed: () => 0 },
      ...(attempts === undefined ? {} : { attempts }),
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
};

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
