// A code from an authenticator app is watched over a shoulder, or taken by a proxy, and sent again while it is still on the
// screen: at once, later within drift, to another endpoint, on another node, or twice in the same moment. A step counts once.
import { randomBytes } from 'node:crypto';
import { openStore } from '@countersign/postgres';
import { generateSync } from 'otplib';
import t, { type Test } from 'tap';
import { storeProcess } from '../contracts/store-process.ts';
import type { Answer, Client } from '../support/client.ts';
import { type Host, onEveryAdapter, startHost } from '../support/hosts.ts';
import { createDatabase } from '../support/postgres-server.ts';
import { createRealStore } from '../support/real-store.ts';
import { answerAndResend } from '../support/settings-form.ts';

onEveryAdapter('one code, again', async (t, adapter) => {
  // As many tries as come at once: what is tested is not the limit of tries.
  const countersign = { attempts: { perWindow: 100 } };
  const host = await startHost(adapter, { store: await createRealStore(), countersign });

  await t.test('at once and within drift, through the API and the page', async (t) => {
    const { client, secret } = await host.enrolled('carol');
    const code = host.code(secret);
    await host.stepUp(client, secret, '/visits/v1');
    t.equal((await client.get('/visits/v1')).status, 200);
    const again = await answerApi(client, '/visits/v2', code);
    await refusedAsUsed(t, host, client, 'carol', again);
    t.equal(again.json().retryAfterSeconds, 30, 'it says when the next code comes');
    t.equal(again.headers.get('retry-after'), '30');

    host.clock.set(31);
    await refusedAsUsed(t, host, client, 'carol', await answerApi(client, '/visits/v2', code));
    const page = await answerPage(client, '/visits/v2', code);
    t.match([page.status, page.headers.get('content-type')], [422, 'text/html; charset=utf-8']);
    t.match(page.text, /data-cs-countdown="1"/);
    await refusedAsUsed(t, host, client, 'carol', null);

    const other = await host.signedIn('carol');
    await refusedAsUsed(t, host, other, 'carol', await answerApi(other, '/visits/v1', code), '/visits/v1');
    // Replays count as tries, so the session waits its second.
    host.clock.set(1);
    await host.stepUp(client, secret, '/visits/v2');
    t.equal((await client.get('/visits/v2')).status, 200, 'the next code is as good as ever');
  });

  await t.test('an older code after a newer one', async (t) => {
    const { client, secret } = await host.enrolled('dora');
    const [older, newer] = [host.code(secret), host.code(secret, 1)];
    t.equal((await answerApi(client, '/visits/v1', newer)).status, 200, 'one step ahead is within drift');
    await refusedAsUsed(t, host, client, 'dora', await answerApi(client, '/visits/v2', older));
    await refusedAsUsed(t, host, client, 'dora', await answerApi(client, '/visits/v2', newer));
  });

  await t.test('the code that confirmed the enrolment', async (t) => {
    const client = await host.signedIn('erin');
    const begun = await client.post('/api/v1/auth/mfa/enroll', { json: {} });
    const secret = String(begun.json().manualKey);
    const code = host.code(secret);
    t.equal((await client.post('/api/v1/auth/mfa/enroll', { json: { code } })).status, 200);
    await refusedAsUsed(t, host, client, 'erin', await answerApi(client, '/visits/v2', code));
    host.clock.set(31);
    await refusedAsUsed(t, host, client, 'erin', await answerApi(client, '/visits/v2', code));
  });

  await t.test('a code of a step-up confirms no enrolment, on either face', async (t) => {
    const { client, secret } = await host.enrolled('fay');
    const used = host.code(secret);
    const asked = await client.post('/api/v1/auth/mfa/enroll', { json: {} });
    t.equal(asked.json().code, 'step_up_required');
    const json = { challengeId: asked.json().challengeId, code: used };
    t.equal((await client.post('/api/v1/auth/mfa/verify', { json })).status, 200);
    t.equal((await client.post('/api/v1/auth/mfa/enroll', { json: {} })).status, 201);
    const confirmed = await client.post('/api/v1/auth/mfa/enroll', { json: { code: used } });
    t.match([confirmed.status, confirmed.json().code], [422, 'code_incorrect']);
    const page = await client.get('/step-up/factors/totp/enrol', { page: true });
    const form = { _countersign: page.field('_countersign'), code: used };
    t.equal((await client.post('/step-up/factors/totp/confirm', { form, page: true })).status, 422);
    t.match((await host.events('fay')).at(-1), { code: 'MFA_FAILURE', reason: 'enrolment' });
    t.equal(await countOf(host, 'fay', 'FACTOR_ENROLLED'), 1, 'the factor is still the old one');
    t.equal((await answerApi(client, '/visits/v1', host.code(secret, 1))).status, 200);
  });

  await t.test('a code of a record changes no settings', async (t) => {
    const { client, secret } = await host.enrolled('grace', { roles: ['administrator'] });
    const code = host.code(secret);
    t.equal((await answerApi(client, '/visits/v1', code)).status, 200);
    const form = {
      _countersign: '',
      version: '0',
      enabled: 'on',
      categories: ['5'],
      graceMinutes: '1',
    };
    form._countersign = (await client.get('/step-up/admin/settings', { page: true })).field('_countersign');
    const asked = await client.post('/step-up/admin/settings', { form, page: true });
    t.equal(asked.status, 401);
    const refused = await answerAndResend(client, asked, code);
    t.equal(refused.status, 422);
    t.equal(await countOf(host, 'grace', 'SETTINGS_CHANGED'), 0);
    t.match((await host.events('grace')).at(-1), { code: 'MFA_FAILURE', reason: 'already-used', action: 'settings' });
    t.equal(await host.store.settings('clinic'), null);
  });

  await t.test('fifty times in the same moment: in as many sessions, and in one', async (t) => {
    const { client, secret } = await host.enrolled('hana');
    const sessions = await Promise.all(Array.from({ length: 50 }, () => host.signedIn('hana')));
    const challenges = await Promise.all(sessions.map((session) => session.get('/visits/v1')));
    const code = host.code(secret);
    const answers = await Promise.all(
      sessions.map((session, n) => {
        const { challengeId } = challenges[n]!.json();
        // Half of them through the page.
        return n % 2 === 0
          ? session.post('/api/v1/auth/mfa/verify', { json: { challengeId, code } })
          : session.post(`/step-up/challenge/${challengeId}/totp`, { json: { code } });
      }),
    );
    t.strictSame(tally(answers), { ok: 1, code_already_used: 49 });
    const opened = await Promise.all(sessions.map((session) => session.get('/visits/v1')));
    t.equal(opened.filter((answer) => answer.status === 200).length, 1);
    t.equal(await countOf(host, 'hana', 'MFA_SUCCESS'), 1);
    t.equal(await countOf(host, 'hana', 'MFA_FAILURE'), 49);

    host.clock.set(30);
    const { challengeId } = (await client.get('/visits/v2')).json();
    const json = { challengeId, code: host.code(secret) };
    const same = await Promise.all(Array.from({ length: 20 }, () => client.post('/api/v1/auth/mfa/verify', { json })));
    t.equal(tally(same).ok, 1, 'one challenge, answered twenty times at once');
    t.equal(await countOf(host, 'hana', 'MFA_SUCCESS'), 2);
    t.equal((await client.get('/visits/v2')).status, 200);
  });

  await t.test('an enrolment confirmed ten times in the same moment', async (t) => {
    const client = await host.signedIn('ida');
    const secret = String((await client.post('/api/v1/auth/mfa/enroll', { json: {} })).json().manualKey);
    const json = { code: host.code(secret) };
    const sessions = await Promise.all(Array.from({ length: 10 }, () => host.signedIn('ida')));
    const answers = await Promise.all(sessions.map((session) => session.post('/api/v1/auth/mfa/enroll', { json })));
    t.equal(tally(answers).ok, 1, JSON.stringify(tally(answers)));
    t.equal(await countOf(host, 'ida', 'FACTOR_ENROLLED'), 1);
    t.equal((await host.store.factors('clinic', 'ida')).length, 1);
  });
  await host.close();
});

t.test('one code, sent to two nodes at once', async (t) => {
  const { url } = await createDatabase();
  const store = await openStore(url);
  t.teardown(() => store.close());
  const nodes = [process(), process()];
  const key = randomBytes(32).toString('base64');
  let now = Date.UTC(2026, 2, 2, 9);
  const attempts = { perWindow: 100 };
  for (const node of nodes) await node.ask('start', url, key, now, attempts);
  const [one] = nodes;
  const secret = await one!.ask<string>('enrolStart', 'jo');
  const code = () => generateSync({ secret, epoch: Math.floor(now / 1000) });

  const confirmed = await Promise.all(nodes.map((node) => node.ask<string>('enrolFinish', 'jo', code())));
  t.equal(confirmed.filter((outcome) => outcome === 'ok').length, 1, `one enrolment: ${confirmed}`);

  for (let round = 0; round < 10; round++) {
    now += 30_000;
    const answers = await Promise.all(
      nodes.map(async (node, n) => {
        await node.ask('setClock', now);
        const asked = await node.ask<object[]>('ask', 'jo', [`${round} ${n} a`, `${round} ${n} b`]);
        return asked.map((challenge) => ({ ...challenge, code: code() }));
      }),
    );
    const outcomes = await Promise.all(nodes.map((node, n) => node.ask<string[]>('answer', 'jo', answers[n])));
    t.strictSame(outcomes.flat().sort(), ['code_already_used', 'code_already_used', 'code_already_used', 'ok']);
  }
  const events = await store.auditEvents({ workspaceId: 'clinic', userId: 'jo', limit: 1000 });
  t.equal(events.filter((event) => event.code === 'MFA_SUCCESS').length, 10);
  const replayed = events.filter((event) => event.code === 'MFA_FAILURE' && event.reason === 'already-used');
  t.equal(replayed.filter((event) => event.challengeId !== null).length, 30);
  t.equal(events.filter((event) => event.code === 'FACTOR_ENROLLED').length, 1);
});

const process = () => storeProcess(new URL('countersign-process.mjs', import.meta.url));

async function answerApi(client: Client, path: string, code: string): Promise<Answer> {
  const { challengeId } = (await client.get(path)).json();
  return await client.post('/api/v1/auth/mfa/verify', { json: { challengeId, code } });
}

async function answerPage(client: Client, path: string, code: string): Promise<Answer> {
  const location = String((await client.get(path, { page: true })).headers.get('location'));
  const page = await client.get(location, { page: true });
  return await client.post(`${location}/totp`, {
    form: { _countersign: page.field('_countersign'), code },
    page: true,
  });
}

/** Refused with its own code, on the log, and the record stays closed. */
async function refusedAsUsed(
  t: Test,
  host: Host,
  client: Client,
  userId: string,
  answer: Answer | null,
  path = '/visits/v2',
): Promise<void> {
  if (answer !== null) t.match([answer.status, answer.json().code], [422, 'code_already_used']);
  const last = (await host.events(userId)).filter((event) => event.code.startsWith('MFA_')).at(-1);
  t.match(last, { code: 'MFA_FAILURE', outcome: 'failure', reason: 'already-used', factor: 'totp' });
  t.equal((await client.get(path)).status, 401);
}

function tally(answers: readonly Answer[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const answer of answers) {
    const code = answer.status === 200 ? 'ok' : String(answer.json().code);
    found[code] = (found[code] ?? 0) + 1;
  }
  return found;
}

const countOf = async (host: Host, userId: string, code: string) =>
  (await host.events(userId)).filter((event) => event.code === code).length;
