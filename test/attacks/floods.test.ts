// Threat: a flood. Thousands of refusals from one session, more sessions than anybody has, content made to be large or odd. What is
// kept stays bounded, what is logged is cut, and the rest of the host keeps answering.
import { memorySessionState, type OpenChallenge } from '@countersign/core';
import t from 'tap';
import { onEveryAdapter } from '../support/hosts.ts';
import { sharedHosts } from '../support/shared-hosts.ts';

const hostOf = sharedHosts();
const EPOCHS = { user: 0, workspace: 0 };

t.test('more sessions than fit: the oldest make room, and nothing grows', async (t) => {
  const state = memorySessionState({ sessions: 1000, proofs: 5000 });
  const keyOf = (n: number) => ({ keyHash: `k${n}`, workspaceId: 'clinic', userId: `u${n}` });
  const challenge = (id: string): OpenChallenge => ({
    id,
    createdAt: 0,
    expiresAt: 600_000,
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
  });
  for (let n = 0; n < 100_000; n++) {
    const start = { number: `n${n}`, epochs: EPOCHS, endedAt: null, hasFactor: true, signedInAt: 0, now: n };
    await state.begin(keyOf(n), start);
    await state.openChallenge(keyOf(n), 'r', () => challenge(`c${n}`), n);
  }
  const held = [];
  for (let n = 0; n < 100_000; n++) if ((await state.read(keyOf(n), null, [], 0)) !== null) held.push(n);
  t.equal(held.length, 1000);
  t.equal(held[0], 99_000, 'those that came last');
});

t.test('ten thousand requirements of one session: as many challenges as are kept, the newest', async (t) => {
  const state = memorySessionState();
  const key = { keyHash: 'k', workspaceId: 'clinic', userId: 'u' };
  await state.begin(key, { number: 'n', epochs: EPOCHS, endedAt: null, hasFactor: true, signedInAt: 0, now: 0 });
  for (let n = 0; n < 10_000; n++) {
    await state.openChallenge(key, `r${n}`, () => ({ id: `c${n}`, expiresAt: 600_000 }) as OpenChallenge, 0);
    await state.keepCeremony(key, `name ${n}`, 'v', 600_000, 0);
  }
  const open = [];
  let kept = 0;
  for (let n = 0; n < 10_000; n++) {
    if ((await state.challenge(key, `c${n}`, 0)) !== null) open.push(n);
    if ((await state.takeCeremony(key, `name ${n}`, 0)) !== null) kept += 1;
  }
  t.equal(open.length, 32);
  t.equal(open[0], 9968);
  t.equal(kept, 16);
});

onEveryAdapter('refusals without end: all on the log, one challenge, and others are served', async (t, adapter) => {
  const host = await hostOf(adapter);
  const { client } = await host.enrolled('ana');
  const other = await host.enrolled('ben');
  const challenges = new Set<unknown>();
  for (let round = 0; round < 10; round++) {
    const replies = await Promise.all(Array.from({ length: 30 }, () => client.get('/visits/v1')));
    for (const reply of replies) {
      if (reply.status !== 401) t.fail(`not refused: ${reply.status}`);
      challenges.add(reply.json().challengeId);
    }
  }
  t.equal(challenges.size, 1, 'hundreds of refusals share one challenge');
  const required = (await host.events('ana')).filter(
    ({ code, patientId }) => code === 'MFA_REQUIRED' && patientId === 'p1',
  );
  t.equal(required.length, 300);
  await host.stepUp(other.client, other.secret, '/visits/v1');
  t.equal((await other.client.get('/visits/v1')).status, 200);
});

onEveryAdapter(
  'content made to be large or odd: refused by its field, cut on the log, and nothing falls over',
  async (t, adapter) => {
    const host = await hostOf(adapter);
    const { client, secret } = await host.enrolled('cal');
    const { challengeId } = (await client.get('/visits/v1')).json();
    const verify = (json: object) => client.post('/api/v1/auth/mfa/verify', { json });
    const odd = [
      { challengeId, factor: 'totp', code: '1'.repeat(5000) },
      { challengeId, factor: 'totp', code: '１２３４５６' },
      { challengeId, factor: 'totp', code: ['1', '2'] },
      { challengeId, factor: 'totp', code: '12345\u0000' },
      { challengeId, factor: 't'.repeat(10_000), code: '123456' },
      { challengeId, factor: 'tоtp', code: '123456' },
      { challengeId: '../../admin', factor: 'totp', code: '123456' },
      { challengeId, factor: '__proto__', code: '123456' },
    ];
    for (const json of odd) {
      const reply = await verify(json);
      t.ok([400, 403, 422].includes(reply.status), `${JSON.stringify(json).slice(0, 60)}: ${reply.status}`);
    }
    const huge = await verify({ challengeId, factor: 'totp', code: 'x'.repeat(2_000_000) });
    t.ok([400, 413].includes(huge.status), `a body of 2 MB: ${huge.status}`);
    const headers = await client
      .get('/visits/v1', { headers: { 'x-filler': 'y'.repeat(200_000) } })
      .then(({ status }) => status)
      .catch(() => 0);
    t.ok([0, 400, 431].includes(headers), 'huge headers are Node’s to refuse');

    const agent = await client.get('/visits/v1', { headers: { 'user-agent': 'z'.repeat(8000) } });
    t.equal(agent.status, 401);
    const logged = (await host.events('cal')).at(-1);
    t.ok((logged?.userAgent?.length ?? 0) < 1100 && logged?.userAgent?.startsWith('zzz'), 'a long user agent is cut');
    const attempts = (await host.events('cal')).filter(({ reason }) => reason === 'incorrect');
    t.strictSame(attempts, [], 'none of it counted as a guess');
    await host.stepUp(client, secret, '/visits/v1');
    t.equal((await client.get('/visits/v1')).status, 200, 'and the right code is still good');
  },
);
