// Two processes serve the same clinic on one PostgreSQL: what is decided on one holds on the other, without anybody asking it to.
import { randomBytes } from 'node:crypto';
import type { CountersignOptions } from '@countersign/core';
import { type StoreProcess, storeProcess } from '../contracts/store-process.ts';
import { auditStory, codesOf } from '../support/audit-story.ts';
import { type Host, onEveryAdapter, startHost, testCategories } from '../support/hosts.ts';
import { createRealStore } from '../support/real-store.ts';
import { answerAndResend } from '../support/settings-form.ts';
import { until } from '../support/until.ts';

const keys = {
  current: 'k1',
  all: { k1: randomBytes(32).toString('base64') },
} satisfies CountersignOptions['keys'];
const attempts = { perWindow: 4, windowSeconds: 3600, consecutive: 100 } satisfies CountersignOptions['attempts'];

interface Decided {
  readonly outcome: string;
  readonly reason?: string;
}

/** The second node, whose clock goes with the first one's. */
async function secondNode(host: Host, url: string) {
  const process: StoreProcess = storeProcess(new URL('second-node.mjs', import.meta.url));
  await process.ask('start', url, keys, testCategories, attempts, host.clock.now());
  const ask = async <T = unknown>(task: string, ...args: unknown[]): Promise<T> => {
    await process.ask('setClock', host.clock.now());
    return await process.ask<T>(task, ...args);
  };
  return {
    ask,
    kill: process.kill,
    check: (userId: string, patientId = 'p1') => ask<Decided>('check', userId, patientId),
  };
}

onEveryAdapter('two nodes on one database', async (t, adapter) => {
  const store = await createRealStore();
  const host = await startHost(adapter, { store, countersign: { keys, attempts } });
  const other = await secondNode(host, store.url);
  const admin = await host.enrolled('ada', { roles: ['administrator'] });
  const carol = await host.enrolled('carol');
  const nextCode = (secret: string) => {
    host.clock.set(30);
    return host.code(secret);
  };
  const opensHere = async () => (await carol.client.get('/visits/v1')).status === 200;
  const opensThere = async () => (await other.check('carol')).outcome === 'allow';

  await t.test('a factor enrolled on one answers on the other, and each proof stays where it was given', async (t) => {
    const story = await auditStory(host);
    t.match(await other.check('carol'), { outcome: 'challenge', factors: ['totp'] });
    t.equal(await other.ask('stepUp', 'carol', 'p1', nextCode(carol.secret)), 'ok');
    t.ok(await opensThere());
    t.notOk(await opensHere());
    await host.stepUp(carol.client, carol.secret, '/visits/v1').then(
      () => t.fail('the code was used on the other node'),
      (error: Error) => t.match(error.message, 'code_already_used'),
    );
    nextCode(carol.secret);
    await host.stepUp(carol.client, carol.secret, '/visits/v1');
    t.ok(await opensHere());
    const codes = codesOf(await story.next());
    t.equal(codes.filter((code) => code === 'MFA_SUCCESS').length, 2, 'both nodes write to one log');
  });

  await t.test('settings saved on one hold on the other', async (t) => {
    const story = await auditStory(host);
    const path = '/step-up/admin/settings';
    const page = await admin.client.get(path, { page: true });
    const form = { _countersign: page.field('_countersign'), version: '0', graceMinutes: '15' };
    const chosen = { ...form, enabled: 'on', categories: ['8', '12', '0'] };
    const asked = await admin.client.post(path, { page: true, form: chosen });
    const code = nextCode(admin.secret);
    t.equal((await answerAndResend(admin.client, asked, code)).status, 303);
    t.equal((await carol.client.get('/visits/v2')).status, 200, 'on this node at once');
    await until(async () => (await other.check('carol', 'p2')).outcome === 'allow');
    t.pass('and on the other as soon as it hears of it');

    await other.ask('saveSettings', 'ada', { categories: ['5', '8', '12', '0'] }, nextCode(admin.secret));
    t.match(await other.check('carol', 'p2'), { outcome: 'challenge' });
    await until(async () => (await carol.client.get('/visits/v2')).status === 401);
    t.equal((await admin.client.get(path, { page: true })).field('version'), '2');
    const changes = (await story.next()).filter((event) => event.code === 'SETTINGS_CHANGED');
    t.match(changes, [{ userId: 'ada' }, { userId: 'ada' }]);
    t.equal(changes.length, 2);
    t.not(changes[0]?.stream, changes[1]?.stream, 'each node has a stream of its own');
  });

  await t.test('proofs that are revoked on one end on the other', async (t) => {
    t.ok((await opensHere()) && (await opensThere()));
    const story = await auditStory(host);
    await other.ask('revokeProofs', 'carol', 'role changed');
    t.notOk(await opensThere(), 'there at once');
    await until(async () => !(await opensHere()));
    t.match((await carol.client.get('/visits/v1')).json(), { code: 'step_up_required' }, 'here a new code is asked');
    const revoked = (await story.next()).find((event) => event.code === 'SESSIONS_REVOKED');
    t.match(revoked, { workspaceId: 'clinic', reason: 'role changed', details: '{"userId":"carol"}' });

    nextCode(carol.secret);
    await host.stepUp(carol.client, carol.secret, '/visits/v1');
    t.equal(await other.ask('stepUp', 'carol', 'p1', nextCode(carol.secret)), 'ok');
    await other.ask('revokeProofs', null, 'roles of the whole workspace changed');
    await until(async () => !(await opensHere()));
    t.notOk(await opensThere());
  });

  await t.test('signed out everywhere on one, the sessions of the other have ended', async (t) => {
    nextCode(carol.secret);
    await host.stepUp(carol.client, carol.secret, '/visits/v1');
    t.equal(await other.ask('stepUp', 'carol', 'p1', nextCode(carol.secret)), 'ok');
    const story = await auditStory(host);
    await other.ask('signOutEverywhere', 'carol');
    t.match(await other.check('carol'), { outcome: 'deny', reason: 'session-ended' });
    await until(async () => !(await opensHere()));
    t.match((await carol.client.get('/visits/v1')).json(), { code: 'session_ended' });
    host.clock.set(1);
    const again = await host.signedIn('carol');
    t.match((await again.get('/visits/v1')).json(), { code: 'step_up_required' }, 'a new sign-in begins anew');
    const events = await story.next();
    t.match(
      events.find((event) => event.code === 'SESSIONS_REVOKED'),
      { userId: 'carol', details: '{"userId":"carol"}' },
    );
    t.ok(events.some((event) => event.code === 'ACCESS_DENIED' && event.reason === 'session-ended'));
  });

  await t.test('wrong codes on both count together, and lock the factor on both', async (t) => {
    const mallory = await host.enrolled('mallory');
    const story = await auditStory(host);
    const wrong = async () => {
      const { challengeId } = (await mallory.client.get('/visits/v1')).json();
      const json = { challengeId, code: host.wrongCode(mallory.secret) };
      return (await mallory.client.post('/api/v1/auth/mfa/verify', { json })).json();
    };
    t.match(await wrong(), { code: 'code_incorrect', attemptsLeft: 3 });
    t.equal(await other.ask('stepUp', 'mallory', 'p1', host.wrongCode(mallory.secret)), 'code_incorrect');
    t.match(await wrong(), { code: 'code_incorrect', attemptsLeft: 1 });
    t.equal(await other.ask('stepUp', 'mallory', 'p1', host.wrongCode(mallory.secret)), 'factor_locked');
    t.equal(
      await other.ask('stepUp', 'mallory', 'p1', nextCode(mallory.secret)),
      'factor_locked',
      'not even a right one',
    );
    await host.stepUp(mallory.client, mallory.secret, '/visits/v1').then(
      () => t.fail('the lock-out does not hold here'),
      (error: Error) => t.match(error.message, '429'),
    );
    const events = (await story.next()).filter((event) => event.userId === 'mallory');
    t.equal(codesOf(events).filter((code) => code === 'FACTOR_LOCKED').length, 1);
    t.strictSame(
      events.filter((event) => event.code === 'MFA_FAILURE').map((event) => event.reason),
      ['incorrect', 'incorrect', 'incorrect', 'incorrect', 'locked', 'locked'],
    );
    host.clock.set(3600);
    await host.stepUp(mallory.client, mallory.secret, '/visits/v1');
    t.equal((await mallory.client.get('/visits/v1')).status, 200, 'until the window is over');
  });
  t.strictSame(host.faults, []);
  await other.kill();
  await host.close();
});
