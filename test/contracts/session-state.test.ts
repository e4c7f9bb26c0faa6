import { type GraceTerms, memorySessionState, type SessionKey, type SessionStateStore } from '@countersign/core';
import t from 'tap';
import { sessionStateContract } from './session-state-contract.ts';

sessionStateContract('memory', async () => {
  const state = memorySessionState();
  return { state, close: async () => state.close() };
});

// What is the memory's own: its bounds. A proof, a challenge or a delay may be lost to them, never an end or a lock,
// which the durable tables keep.

const NOW = Date.parse('2026-03-02T09:00:00.000Z');
const EPOCHS = { user: 0, workspace: 0 };
const keyOf = (name: string): SessionKey => ({ keyHash: name, workspaceId: 'clinic', userId: 'ana' });
const termsOf = (defaultSeconds: number): GraceTerms => ({ defaultSeconds, byCategory: {}, accountSeconds: 30 });

async function begin(state: SessionStateStore, name: string, now = NOW) {
  await state.begin(keyOf(name), {
    number: name,
    epochs: EPOCHS,
    endedAt: null,
    hasFactor: true,
    signedInAt: now,
    now,
  });
}

async function prove(
  state: SessionStateStore,
  name: string,
  patients: readonly string[],
  now = NOW,
  terms = termsOf(900),
) {
  const id = `${name} ${patients.join()} ${now}`;
  const challenge = {
    id,
    createdAt: now,
    expiresAt: now + 1000,
    action: 'view',
    subjects: [],
    account: false,
    strength: 'any',
    orFactors: [],
    operation: null,
    summary: null,
    reasons: [],
    returnTo: null,
    method: null,
    route: null,
  } as const;
  await state.openChallenge(keyOf(name), id, () => challenge, now);
  const proofs = patients.map(
    (patientId) =>
      ({
        workspaceId: 'clinic',
        userId: 'ana',
        sessionNumber: name,
        patientId,
        scope: null,
        factor: 'totp',
        strength: 'any',
        verifiedAt: now,
        terms,
      }) as const,
  );
  return await state.grant(
    keyOf(name),
    name,
    EPOCHS,
    { proofs, presented: 'bearer', binding: 'bearer', oldBindingSeconds: 10, challengeId: id },
    now,
  );
}

const held = async (state: SessionStateStore, name: string) =>
  (await state.proofs(keyOf(name), 'bearer', 1_000_000, NOW)).length;
const known = async (state: SessionStateStore, name: string) =>
  (await state.read(keyOf(name), 'bearer', [], NOW)) !== null;

t.test('Threat 19: 100,000 sessions. Those longest without a step-up make room', async (t) => {
  const state = memorySessionState({ sessions: 3 });
  for (const name of ['a', 'b', 'c']) await begin(state, name);
  t.ok(await prove(state, 'a', ['p1']));
  await begin(state, 'd');
  t.strictSame(await Promise.all(['a', 'b', 'c', 'd'].map((name) => known(state, name))), [true, false, true, true]);
  t.equal(await held(state, 'a'), 1);
  await begin(state, 'b');
  t.equal(await held(state, 'b'), 0, 'one that comes back begins with nothing');
});

t.test('a flood leaves memory bounded and the newest session alone', async (t) => {
  const state = memorySessionState({ sessions: 100, proofs: 1000 });
  for (let index = 0; index < 5000; index++) await begin(state, `s${index}`);
  await begin(state, 'last');
  t.ok(await prove(state, 'last', ['p1', 'p2']));
  t.equal(await held(state, 'last'), 2);
  const left = [];
  for (let index = 0; index < 5000; index++) if (await known(state, `s${index}`)) left.push(index);
  t.equal(left.length, 99);
});

t.test('proofs over their bound: other sessions go first, then the oldest proofs of the only one', async (t) => {
  const state = memorySessionState({ proofs: 3 });
  await begin(state, 'a');
  await begin(state, 'b');
  t.ok(await prove(state, 'a', ['p1', 'p2']));
  t.ok(await prove(state, 'b', ['p1', 'p2']));
  t.equal(await held(state, 'a'), 0);
  t.equal(await held(state, 'b'), 2);
  t.ok(await prove(state, 'b', ['p3'], NOW + 1));
  t.ok(await prove(state, 'b', ['p4', 'p5'], NOW + 2));
  const patients = (await state.proofs(keyOf('b'), 'bearer', 10, NOW + 2)).map(({ patientId }) => patientId);
  t.strictSame(patients.sort(), ['p3', 'p4', 'p5']);
});

t.test('one session of one: the bounds hold at their least', async (t) => {
  const state = memorySessionState({ sessions: 1, proofs: 1 });
  await begin(state, 'a');
  t.ok(await prove(state, 'a', ['p1', 'p2', 'p3']));
  t.equal(await held(state, 'a'), 1);
  await begin(state, 'b');
  t.strictSame(await Promise.all(['a', 'b'].map((name) => known(state, name))), [false, true]);
});

t.test(
  'expired proofs go by themselves as others are written, live ones stay, and nothing is miscounted',
  async (t) => {
    const state = memorySessionState({ proofs: 6 });
    await begin(state, 'old');
    await begin(state, 'long');
    t.ok(await prove(state, 'old', ['p1', 'p2', 'p3'], NOW, termsOf(60)));
    t.ok(await prove(state, 'long', ['p1', 'p2'], NOW, termsOf(3600)));
    const later = NOW + 61_000;
    for (const name of ['x', 'y', 'z']) await begin(state, name, later);
    t.equal(await held(state, 'old'), 0, 'nobody asked for them');
    t.equal(await held(state, 'long'), 2);
    t.ok(await prove(state, 'x', ['p1', 'p2', 'p3', 'p4'], later));
    t.equal(await held(state, 'long'), 2, 'their room is free again');
    t.ok(await prove(state, 'y', ['p1'], later));
    t.equal(await held(state, 'long'), 0, 'and not a proof more');
  },
);

t.test('a patient proved again costs one proof, not two', async (t) => {
  const state = memorySessionState({ proofs: 2 });
  const terms = termsOf(900);
  await begin(state, 'a');
  await begin(state, 'b');
  t.ok(await prove(state, 'b', ['p1'], NOW, terms));
  for (let index = 0; index < 10; index++) t.ok(await prove(state, 'a', ['p1'], NOW + index, terms));
  t.equal(await held(state, 'b'), 1);
});

t.test('a bound that is none is refused by name, and its value is not repeated', async (t) => {
  for (const bad of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '10']) {
    t.throws(
      () => memorySessionState({ sessions: bad as number }),
      { code: 'configuration_invalid', details: { field: 'memorySessionState.sessions' } },
      String(bad),
    );
    t.throws(() => memorySessionState({ proofs: bad as number }), { code: 'configuration_invalid' }, String(bad));
  }
});

t.test('closing forgets everything', async (t) => {
  const state = memorySessionState();
  await begin(state, 'a');
  t.ok(await prove(state, 'a', ['p1']));
  await state.close();
  t.notOk(await known(state, 'a'));
  t.equal(state.shared, false);
});
