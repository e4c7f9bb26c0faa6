// The database stops in the middle of the day: step-up fails closed, says when to come back, and goes on by itself afterwards.
import { openStore } from '@countersign/postgres';
import t from 'tap';
import { auditStory, codesOf } from '../support/audit-story.ts';
import { type AdapterName, adapters, startHost } from '../support/hosts.ts';
import { startServer } from '../support/postgres-server.ts';
import { until } from '../support/until.ts';

/** A host in use: one record open, a challenge waiting for its code. */
async function hostInUse(adapter: AdapterName, url: string) {
  const store = await openStore(url, { waitSeconds: 2 });
  t.teardown(() => store.close());
  const host = await startHost(adapter, { store });
  const user = `carol-${adapter}`;
  const { client, secret } = await host.enrolled(user);
  await host.stepUp(client, secret, '/visits/v1');
  const { challengeId } = (await client.get('/visits/v2')).json();
  return { adapter, host, user, client, secret, challengeId, story: await auditStory(host) };
}

t.test('the database stops, and starts again', async (t) => {
  const server = await startServer();
  const hosts = await Promise.all(adapters.map((adapter) => hostInUse(adapter, server.url)));
  await server.stop();

  for (const { adapter, host, client, secret, challengeId } of hosts) {
    await t.test(`while it is away (${adapter})`, async (t) => {
      t.equal((await client.get('/free')).status, 200, 'what is not guarded goes on');
      t.equal((await client.get('/visits/v1')).status, 200, 'a proof in memory answers for a while');
      for (const path of ['/visits/v2', '/resolver/v2', '/export/v1']) {
        const away = await client.get(path);
        t.equal(away.status, 503, path);
        t.match(away.headers.get('content-type'), 'application/problem+json');
        t.match(away.headers.get('retry-after'), /^\d+$/);
        t.equal(away.headers.get('cache-control'), 'no-store');
        t.match(away.json(), { status: 503, code: /^store_(unavailable|wait_exceeded)$/ });
        t.notMatch(away.text, /postgres|ECONN|127\.0\.0\.1/i, 'nothing of what lies behind');
        t.notMatch(away.text, 'notes of');
      }
      const page = await client.get('/visits/v2', { page: true });
      t.equal(page.status, 503);
      t.match(page.headers.get('content-type'), 'text/html');
      t.match(page.headers.get('retry-after'), /^\d+$/);
      t.match(page.text, 'Not available right now');
      const answer = await client.post('/api/v1/auth/mfa/verify', { json: { challengeId, code: host.code(secret) } });
      t.equal(answer.status, 503, 'no code is taken');
      const newcomer = await host.signedIn(`nora-${adapter}`);
      t.equal((await newcomer.get('/visits/v1')).status, 503, 'a session never seen is not judged');
      t.ok(host.faults.length > 0, 'the host is told');
      for (const fault of host.faults) t.equal(fault.status, 503);
      host.clock.advance(31);
      t.equal((await client.get('/visits/v1')).status, 503, 'nobody has confirmed for 30 s that nothing was revoked');
    });
  }

  await server.start();
  for (const { adapter, host, user, client, secret, story } of hosts) {
    await t.test(`when it is back (${adapter})`, async (t) => {
      await until(async () => (await client.get('/visits/v2')).status === 401);
      await until(async () => (await client.get('/visits/v1')).status === 200);
      t.pass('proofs count again once the database has confirmed');
      host.clock.set(30);
      await host.stepUp(client, secret, '/visits/v2');
      t.equal((await client.get('/visits/v2')).status, 200);
      const events = (await story.next()).filter((event) => event.userId === user);
      t.strictSame(codesOf(events).slice(-3), ['MFA_REQUIRED', 'MFA_SUCCESS', 'ACCESS_ALLOWED']);
      t.notOk(
        events.some((event) => event.code === 'MFA_FAILURE'),
        'what was refused for want of a database counts as no attempt',
      );
    });
  }
  await Promise.all(hosts.map(({ host }) => host.close()));
});
