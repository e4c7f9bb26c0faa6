// Somebody with the password tries codes: one after the other, hundreds at once, from many sessions, with headers that claim
// other addresses. A six-digit code falls after half a million tries on average; what holds is the number of tries, per user and
// factor, on every node, whoever seems to send them. Locking out the guesser must not be a way past the lock, either.
import { randomBytes } from 'node:crypto';
import { openStore } from '@countersign/postgres';
import t, { type Test } from 'tap';
import { storeProcess } from '../contracts/store-process.ts';
import type { Answer, Client } from '../support/client.ts';
import { type Host, onEveryAdapter, startHost } from '../support/hosts.ts';
import { createDatabase } from '../support/postgres-server.ts';
import { createRealStore } from '../support/real-store.ts';
import { answerAndResend } from '../support/settings-form.ts';

const DAY = 86_400;
const CSRF = '_countersign';

onEveryAdapter('codes guessed one after the other', async (t, adapter) => {
  const attempts = { perWindow: 5, windowSeconds: DAY, consecutive: 100 };
  const host = await startHost(adapter, { store: await createRealStore(), countersign: { attempts } });

  await t.test('the cap, the voided challenge, and the 24 hours', async (t) => {
    const { client, secret } = await host.enrolled('carol');
    const challengeId = await ask(client);
    const began = host.clock.now();
    for (const left of [4, 3, 2]) {
      const wrong = await answer(client, challengeId, host.wrongCode(secret));
      t.match([wrong.status, wrong.json()], [422, { code: 'code_incorrect', attemptsLeft: left }]);
    }
    const hasty = await answer(client, challengeId, host.code(secret));
    t.match([hasty.status, hasty.json().code, hasty.headers.get('retry-after')], [429, 'attempts_delayed', '1']);
    host.clock.set(1);
    t.equal((await answer(client, challengeId, host.wrongCode(secret))).status, 422);
    host.clock.set(2);
    const last = await answer(client, challengeId, host.wrongCode(secret));
    await locked(t, last, began + DAY * 1000 - host.clock.now());
    t.equal((await answer(client, challengeId, host.code(secret))).json().code, 'challenge_unknown', 'it is void');
    t.strictSame(await failures(host, 'carol'), [...Array(5).fill('incorrect'), 'FACTOR_LOCKED']);

    // A new challenge, a new session, another second: the right code is as good as a wrong one.
    host.clock.set(4);
    await locked(t, await answer(client, await ask(client), host.code(secret)), began + DAY * 1000 - host.clock.now());
    const other = await host.signedIn('carol');
    await locked(t, await answer(other, await ask(other), host.code(secret)), began + DAY * 1000 - host.clock.now());
    t.match((await host.events('carol')).at(-1), { code: 'MFA_FAILURE', reason: 'locked', factor: 'totp' });
    await nothingGranted(t, host, 'carol', [client, other]);

    host.clock.set((began - host.clock.now()) / 1000 + DAY - 1);
    const early = await host.signedIn('carol');
    await locked(t, await answer(early, await ask(early), host.code(secret)), 1000);
    host.clock.set(1);
    const open = await host.signedIn('carol');
    t.equal((await answer(open, await ask(open), host.code(secret))).status, 200, 'the first try is a day old');
    t.equal((await open.get('/visits/v1')).status, 200);
  });

  await t.test('on the page: the same, in words and with the seconds', async (t) => {
    const { client, secret } = await host.enrolled('dora');
    const path = String((await client.get('/visits/v1', { page: true })).headers.get('location'));
    const token = (await client.get(path, { page: true })).field(CSRF);
    const post = (code: string) => client.post(`${path}/totp`, { form: { [CSRF]: token, code }, page: true });
    for (const _ of [1, 2, 3]) t.equal((await post(host.wrongCode(secret))).status, 422);
    const hasty = await post(host.code(secret));
    t.match([hasty.status, hasty.headers.get('retry-after')], [429, '1']);
    t.match(hasty.text, 'data-cs-countdown="1"');
    host.clock.set(1);
    t.match((await post(host.wrongCode(secret))).text, /1 try|one try|last try/i, 'it says that few tries are left');
    host.clock.set(2);
    const last = await post(host.wrongCode(secret));
    t.match(
      [last.status, last.headers.get('content-type')],
      [429, 'text/html; charset=utf-8'],
      'not “there is nothing”',
    );
    t.equal(last.headers.get('retry-after'), String(DAY - 3));
    t.notMatch(last.text, '<form', 'the challenge is void: no form that could only be refused');
    t.match(last.text, 'This factor is locked for a while.');
    t.equal((await post(host.code(secret))).status, 404);
    const again = String((await client.get('/visits/v1', { page: true })).headers.get('location'));
    host.clock.set(4);
    const still = await client.post(`${again}/totp`, { form: { [CSRF]: token, code: host.code(secret) }, page: true });
    t.match([still.status, still.headers.get('retry-after')], [429, String(DAY - 7)]);
    await nothingGranted(t, host, 'dora', [client]);
  });

  await t.test('where settings and enrolments ask for a code, the reply says when to come back as well', async (t) => {
    const { client, secret } = await host.enrolled('erin', { roles: ['administrator'] });
    const token = (await client.get('/step-up/admin/settings', { page: true })).field(CSRF);
    const values = { version: '0', enabled: 'on', categories: ['5'], graceMinutes: '1' };
    const asked = await client.post('/step-up/admin/settings', { form: { [CSRF]: token, ...values }, page: true });
    for (const _ of [1, 2, 3]) t.equal((await answerAndResend(client, asked, host.wrongCode(secret))).status, 422);
    const hasty = await answerAndResend(client, asked, host.code(secret));
    t.match([hasty.status, hasty.headers.get('retry-after')], [429, '1']);
    t.equal(
      (await host.events('erin')).some((event) => event.code === 'SETTINGS_CHANGED'),
      false,
    );

    const fresh = await host.signedIn('fay');
    await fresh.post('/step-up/factors/totp/enrol', { form: { [CSRF]: await tokenOf(fresh) }, page: true });
    const form = { [CSRF]: await tokenOf(fresh), code: '000000' };
    const confirm = () => fresh.post('/step-up/factors/totp/confirm', { form, page: true });
    for (const _ of [1, 2, 3]) t.equal((await confirm()).status, 422);
    const slow = await confirm();
    t.match([slow.status, slow.headers.get('retry-after')], [429, '1']);
    t.equal(
      (await host.store.factors('clinic', 'fay')).every((row) => row.confirmedAt === null),
      true,
    );
  });

  await t.test('one user’s lock is no other’s, and no other workspace’s', async (t) => {
    const { client: victim, secret } = await host.enrolled('gus');
    const { client: elsewhere, secret: theirs } = await host.enrolled('gus', { workspaceId: 'elsewhere' });
    await guess(host, 'gus', host.wrongCode(secret), 5);
    await locked(t, await answer(victim, await ask(victim), host.code(secret)));
    const { client: other, secret: others } = await host.enrolled('hana');
    t.equal((await answer(other, await ask(other), host.code(others))).status, 200);
    host.visits.set('e1', { id: 'e1', workspaceId: 'elsewhere', patientId: 'p1', category: '5', notes: '' });
    const { challengeId } = (await elsewhere.get('/visits/e1')).json();
    t.equal((await answer(elsewhere, String(challengeId), host.code(theirs))).status, 200);
  });

  await t.test('what is no code at all uses up no try', async (t) => {
    const { client, secret } = await host.enrolled('ida');
    const challengeId = await ask(client);
    for (const code of [
      '',
      '12345',
      '1234567',
      'abcdef',
      '１２３４５６',
      '123456\u0000',
      ' '.repeat(40),
      ['123456'],
      123_456,
      null,
      {},
    ]) {
      const refused = await client.post('/api/v1/auth/mfa/verify', { json: { challengeId, code } });
      t.equal(refused.status, 400, JSON.stringify(code));
    }
    t.equal((await host.store.attempts('clinic', 'ida', attempts, host.clock.now())).get('totp')?.consecutive ?? 0, 0);
    t.equal((await answer(client, challengeId, host.code(secret))).status, 200);
  });
  await host.close();
});

onEveryAdapter('failures in a row disable the factor, whatever the window says', async (t, adapter) => {
  const attempts = { perWindow: 100, windowSeconds: 60, consecutive: 6 };
  const host = await startHost(adapter, { store: await createRealStore(), countersign: { attempts } });
  const { client, secret } = await host.enrolled('carol');
  const waiting = await ask(client);
  for (let n = 1; n <= 5; n++) {
    await guess(host, 'carol', host.wrongCode(secret), 1);
    host.clock.set(3600);
  }
  const session = await host.signedIn('carol');
  const path = String((await session.get('/visits/v1', { page: true })).headers.get('location'));
  const form = { [CSRF]: (await session.get(path, { page: true })).field(CSRF), code: host.wrongCode(secret) };
  const sixth = await session.post(`${path}/totp`, { form, page: true });
  t.match([sixth.status, sixth.headers.get('content-type')], [403, 'text/html; charset=utf-8']);
  t.match(sixth.text, 'An administrator can reset it.');
  t.strictSame(await failures(host, 'carol'), [...Array(6).fill('incorrect'), 'FACTOR_DISABLED']);

  host.clock.set(DAY * 30);
  const later = await host.signedIn('carol');
  const refused = await later.get('/visits/v1');
  t.match([refused.status, refused.json().code], [403, 'factor_disabled'], 'time does not heal it');
  for (const id of [waiting, path.split('/').at(-1)!]) {
    t.equal((await answer(client, id, host.code(secret))).status, 404, 'no challenge from before is open');
  }
  // Nor is it replaced without a proof.
  const enrolled = await later.post('/api/v1/auth/mfa/enroll', { json: {} });
  t.equal(enrolled.status, 403);
  await nothingGranted(t, host, 'carol', [client, session, later]);
  await host.close();
});

onEveryAdapter('200 guesses at once, over many sessions and challenges, from many addresses', async (t, adapter) => {
  const host = await startHost(adapter, { store: await createRealStore() });
  const { secret } = await host.enrolled('carol');
  const sessions = await Promise.all(Array.from({ length: 25 }, () => host.signedIn('carol')));
  const before = (await host.events('carol')).length;
  const open = await Promise.all(
    sessions.flatMap((session) =>
      ['/visits/v1', '/visits/v2'].map(async (path) => ({
        session,
        id: String((await session.get(path)).json().challengeId),
      })),
    ),
  );
  t.equal(new Set(open.map(({ id }) => id)).size, 50);
  const wrong = host.wrongCode(secret);
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, n) => {
      const { session, id } = open[n % open.length]!;
      return session.post('/api/v1/auth/mfa/verify', { json: { challengeId: id, code: wrong }, headers: claiming(n) });
    }),
  );
  const counts: Record<string, number> = {};
  for (const each of answers) counts[String(each.json().code)] = (counts[String(each.json().code)] ?? 0) + 1;
  t.equal(counts.code_incorrect, 29, JSON.stringify(counts));
  t.equal(
    (counts.code_incorrect ?? 0) +
      (counts.factor_locked ?? 0) +
      (counts.attempts_delayed ?? 0) +
      (counts.challenge_unknown ?? 0),
    200,
  );
  for (const each of answers.filter((one) => one.status === 429)) t.match(each.headers.get('retry-after'), /^\d+$/);
  const events = (await host.events('carol')).slice(before);
  t.equal(events.filter((event) => event.code === 'MFA_FAILURE' && event.reason === 'incorrect').length, 30);
  t.equal(events.filter((event) => event.code === 'FACTOR_LOCKED').length, 1);
  t.strictSame(
    [...new Set(events.map((event) => event.ip))].map((ip) => String(ip).replace('::ffff:', '')),
    ['127.0.0.1'],
    'the log believes no header',
  );

  host.clock.set(600);
  for (const headers of [claiming(1), { ...claiming(2), 'x-real-ip': '10.0.0.1' }]) {
    const session = await host.signedIn('carol');
    const json = { challengeId: await ask(session), code: host.code(secret) };
    const refused = await session.post('/api/v1/auth/mfa/verify', { json, headers });
    t.match([refused.status, refused.json().code], [429, 'factor_locked'], 'the right code from another address');
  }
  await nothingGranted(t, host, 'carol', sessions.slice(0, 3));
  t.strictSame(host.faults, []);
  await host.close();
});

t.test('200 guesses at once on two nodes: the cap is one for both', async (t) => {
  const { url } = await createDatabase();
  const store = await openStore(url);
  t.teardown(() => store.close());
  const nodes = [1, 2].map(() => storeProcess(new URL('countersign-process.mjs', import.meta.url)));
  const key = randomBytes(32).toString('base64');
  const now = Date.UTC(2026, 2, 2, 9);
  for (const node of nodes) await node.ask('start', url, key, now, { perWindow: 30 });
  const secret = await nodes[0]!.ask<string>('enrolStart', 'jo');
  const { generateSync } = await import('otplib');
  const code = (steps: number) => generateSync({ secret, epoch: now / 1000 + steps * 30 });
  t.equal(await nodes[0]!.ask('enrolFinish', 'jo', code(0)), 'ok');
  const near = [-1, 0, 1].map(code);
  const wrong = ['000000', '111111', '222222', '333333'].find((guess) => !near.includes(guess))!;
  const guesses = await Promise.all(
    nodes.map(async (node, n) => {
      const asked = await node.ask<object[]>(
        'ask',
        'jo',
        Array.from({ length: 100 }, (_, at) => `${n} ${at}`),
      );
      return asked.map((challenge) => ({ ...challenge, code: wrong }));
    }),
  );
  const outcomes = (await Promise.all(nodes.map((node, n) => node.ask<string[]>('answer', 'jo', guesses[n])))).flat();
  t.equal(outcomes.filter((outcome) => outcome === 'code_incorrect').length, 29);
  t.equal(outcomes.filter((outcome) => outcome === 'factor_locked').length, 171);
  const events = await store.auditEvents({ workspaceId: 'clinic', userId: 'jo', limit: 1000 });
  t.equal(events.filter((event) => event.reason === 'incorrect').length, 30);
  t.equal(events.filter((event) => event.code === 'FACTOR_LOCKED').length, 1);
  t.equal(events.filter((event) => event.code === 'MFA_SUCCESS').length, 0);
});

/** Headers by which a caller claims to be somebody else each time. */
const claiming = (n: number): Record<string, string> => ({
  'x-forwarded-for': `203.0.113.${n % 250}, 2001:db8::${n.toString(16)}`,
  'x-forwarded-host': `host${n}.example`,
  'x-client-ip': `198.51.100.${n % 250}`,
  forwarded: `for="[2001:db8::${n.toString(16)}]";proto=https`,
});

const ask = async (client: Client): Promise<string> => String((await client.get('/visits/v1')).json().challengeId);

const answer = (client: Client, challengeId: string, code: string): Promise<Answer> =>
  client.post('/api/v1/auth/mfa/verify', { json: { challengeId, code } });

const tokenOf = async (client: Client): Promise<string> => {
  const page = await client.get('/step-up/factors/totp/enrol', { page: true });
  return (page.status === 200 ? page : await client.get('/step-up/factors', { page: true })).field(CSRF);
};

/** Wrong answers, each from a session of its own, so that no delay is in the way. */
async function guess(host: Host, userId: string, wrong: string, times: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    const session = await host.signedIn(userId);
    await answer(session, await ask(session), wrong);
  }
}

async function locked(t: Test, refused: Answer, milliseconds?: number): Promise<void> {
  t.match([refused.status, refused.json().code], [429, 'factor_locked']);
  const seconds = milliseconds === undefined ? refused.json().retryAfterSeconds : milliseconds / 1000;
  t.equal(refused.headers.get('retry-after'), String(seconds));
  t.equal(refused.json().retryAfterSeconds, seconds);
}

/** What the log says of a user's failures. */
async function failures(host: Host, userId: string): Promise<readonly (string | null)[]> {
  const events = (await host.events(userId)).filter((event) => /^(?:MFA_FAILURE|FACTOR_)/.test(event.code));
  return events
    .filter((event) => event.outcome === 'failure')
    .map((event) => (event.code === 'MFA_FAILURE' ? event.reason : event.code));
}

async function nothingGranted(t: Test, host: Host, userId: string, clients: readonly Client[]): Promise<void> {
  for (const client of clients) {
    const opened = await client.get('/visits/v1');
    t.not(opened.status, 200);
    t.notMatch(opened.text, 'notes of');
  }
  t.equal((await host.events(userId)).filter((event) => event.code === 'MFA_SUCCESS').length, 0);
}
