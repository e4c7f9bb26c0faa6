// Another node of the same host, a process of its own: does what its parent asks, and ends with it. Plain JavaScript, so that it
// starts in a moment.
import { once } from 'node:events';
import { createCountersign, totp } from '@countersign/core';
import { openStore } from '@countersign/postgres';

let now = 0;
/** @type {import('@countersign/core').Countersign | undefined} */
let started;
const node = () => {
  if (started === undefined) throw new Error('nothing was started');
  return started;
};
/** Each session's binding cookie. @type {Map<string, string | null>} */
const bindings = new Map();

/** A user's session on this node. */
const principal = (/** @type {string} */ userId) =>
  node().principalOf(
    {
      userId,
      workspaceId: 'clinic',
      roles: userId === 'ada' ? ['administrator'] : [],
      displayName: userId,
      signedInAt: new Date(0),
      sessionKey: `${userId} on the second node`,
    },
    bindings.get(userId) ?? null,
  );

/** `ok`, or the code of the error. */
const outcome = (/** @type {Promise<unknown>} */ work) =>
  work.then(
    () => 'ok',
    (error) => String(Reflect.get(Object(error), 'code') ?? error),
  );

/** @type {Record<string, (...args: any[]) => Promise<unknown>>} */
const tasks = {
  start: async (url, keys, categories, attempts, at) => {
    now = at;
    started = await createCountersign({
      store: await openStore(url),
      publicUrl: 'http://localhost',
      keys,
      categories,
      attempts,
      factors: [totp({ issuer: 'Example EHR' })],
      isAdministrator: ({ roles }) => roles.includes('administrator'),
      clock: { now: () => now, elapsed: () => 0 },
    });
  },
  setClock: async (at) => {
    now = at;
  },
  /** The decision about viewing a record of category 5. */
  check: async (userId, patientId) =>
    node().check(principal(userId), { workspaceId: 'clinic', patientId, categories: ['5'] }),
  /** Opens a challenge and answers it. */
  stepUp: async (userId, patientId, code) => {
    const demand = { workspaceId: 'clinic', action: 'view', guarded: new Set(['5']) };
    const subjects = [{ patientId, carried: ['5'] }];
    const { challenge } = await node().authorize(principal(userId), { ...demand, subjects });
    if (challenge === null) return 'nothing asked';
    const answered = node().answerChallenge(principal(userId), challenge.id, 'totp', { code });
    return await outcome(answered.then(({ binding }) => bindings.set(userId, binding)));
  },
  /** Saves settings; with a code, answers the challenge that this opens first. */
  saveSettings: async (userId, change, code) => {
    const { administration } = node();
    const { version, settings } = await administration.settings(principal(userId));
    const save = () => administration.changeSettings(principal(userId), version, { ...settings, ...change });
    try {
      await save();
    } catch (error) {
      const challenge = Reflect.get(Object(error), 'challenge');
      if (challenge === undefined) throw error;
      const { binding } = await node().answerChallenge(principal(userId), challenge.id, 'totp', { code });
      bindings.set(userId, binding);
      await save();
    }
  },
  signOutEverywhere: (userId) => node().sessions.signOutEverywhere(principal(userId)),
  revokeProofs: (userId, reason) => node().sessions.revokeProofs('clinic', userId, reason),
};

process.on('message', async (/** @type {{ id: number, task: string, args: unknown[] }} */ { id, task, args }) => {
  try {
    process.send?.({ id, value: await tasks[task]?.(...args) });
  } catch (error) {
    process.send?.({ id, error: { code: Reflect.get(Object(error), 'code'), message: String(error) } });
  }
});
await once(process, 'disconnect');
process.exit();
