// Session state that several nodes share cannot be reached, or is emptied: Redis is killed or hangs, the server's crash truncates the
// table (threat 25). That must never open anything, and what was ended stays ended. Requests that need no step-up go on.
import { memorySessionState, type SessionStateStore } from '@countersign/core';
import { postgresSessionState } from '@countersign/postgres';
import { redisSessionState } from '@countersign/redis';
import postgres from 'postgres';
import { createClient } from 'redis';
import t, { type Test } from 'tap';
import { manualClock } from '../support/clock.ts';
import { askOnPage, emergencyAccess, emergencyHref } from '../support/emergency.ts';
import { type Host, onEveryAdapter, startHost } from '../support/hosts.ts';
import { createRealStore } from '../support/real-store.ts';
import { startRedis } from '../support/redis-server.ts';
import { until } from '../support/until.ts';

/** State in memory that can be taken away, as a host's own implementation might be: by an error that is none of ours. */
function breakable() {
  const memory = memorySessionState();
  const control = { away: false, calls: 0 };
  const state = new Proxy(memory, {
    get(target, name) {
      if (name === 'shared') return true;
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]) => {
        control.calls += 1;
        if (control.away) throw new Error('connect ECONNREFUSED redis.internal:6379 password=secret-word');
        return await member.apply(target, args);
      };
    },
  });
  return { state: state as SessionStateStore, control };
}

const refusedSince = async (host: Host, userId: string, from: number) =>
  (await host.events(userId)).slice(from).filter(({ code }) => code === 'ACCESS_DENIED');

onEveryAdapter(
  'session state is away: nothing is allowed by it, and what is not sensitive goes on',
  async (t, adapter) => {
    const { state, control } = breakable();
    const host = await startHost(adapter, {
      store: await createRealStore(),
      countersign: { sessionState: state, nodes: 'several' },
    });
    const { client, secret } = await host.enrolled('carol');
    await host.stepUp(client, secret, '/visits/v1');
    const before = control.calls;
    t.equal((await client.get('/visits/v1')).status, 200);
    t.equal(control.calls - before, 1, 'a guarded request inside its grace period reads session state once');
    const ended = await host.signedIn('dave');
    const stale = ended.fork();
    await ended.post('/sign-out', { json: {} });
    const count = (await host.events('carol')).length;

    control.away = true;
    const refused = await client.get('/visits/v1');
    t.match(refused.json(), { code: 'session_state_unavailable', status: 503 });
    t.ok(Number(refused.headers.get('retry-after')) >= 1);
    t.notMatch(refused.text, /ketamine|secret-word|ECONNREFUSED/i);
    const page = await client.get('/visits/v1', { page: true });
    t.equal(page.status, 503);
    t.notMatch(page.text, 'secret-word');
    t.equal((await client.post('/export/v1', { json: {} })).status === 200, false);
    t.equal((await client.get('/export/v3')).status, 503, 'an action that asks again');
    t.equal((await client.get('/resolver/v1')).status, 503, 'enforce');
    t.equal((await client.get('/visits/v3')).status, 200, 'an ordinary record');
    const leaving = await host.countersign.sessions.signOut(
      host.countersign.principalOf({
        userId: 'erin',
        workspaceId: 'clinic',
        roles: ['clinician'],
        displayName: 'erin',
        signedInAt: new Date(host.clock.now()),
        sessionKey: 'session of erin',
      }),
    );
    t.equal(leaving, undefined, 'people can sign out');
    t.ok((await host.events('erin')).some(({ code }) => code === 'SESSION_SIGNED_OUT'));
    t.equal((await stale.get('/visits/v1')).status, 401, 'an end is known without session state');
    const denied = await refusedSince(host, 'carol', count);
    t.ok(denied.length >= 3);
    t.match(denied[0], { reason: 'session_state_unavailable', patientId: 'p1', outcome: 'refused' });
    const principal = host.countersign.principalOf({
      userId: 'carol',
      workspaceId: 'clinic',
      roles: [],
      displayName: 'carol',
      signedInAt: new Date(host.clock.now()),
      sessionKey: 'another',
    });
    const demand = { workspaceId: 'clinic', patientId: 'p1', categories: ['5'] };
    t.match(await host.countersign.check(principal, demand), { outcome: 'challenge' }, 'check: as with no proof');
    await t.rejects(host.countersign.enforce(principal, demand), { code: 'session_state_unavailable' });
    t.notOk((await host.events('carol')).slice(count).some(({ code }) => code === 'ACCESS_ALLOWED'));

    control.away = false;
    t.equal((await client.get('/visits/v1')).status, 200, 'it is back, and so is the proof');
    await host.close();
  },
);

onEveryAdapter(
  'session state is away in an emergency: the page that refuses shows the way, and it opens',
  async (t, adapter) => {
    const { state, control } = breakable();
    const host = await startHost(adapter, {
      store: await createRealStore(),
      countersign: { sessionState: state, nodes: 'several', emergencyAccess },
    });
    const { client } = await host.enrolled('carol');
    const desk = await host.signedIn('desk', { roles: ['desk'] });
    control.away = true;
    const refused = await client.get('/visits/v1?tab=notes', { page: true });
    t.equal(refused.status, 503);
    const form = await client.get(emergencyHref(refused), { page: true });
    t.equal(form.status, 200);
    const opened = await askOnPage(client, form);
    t.equal(opened.headers.get('location'), '/visits/v1?tab=notes');
    t.equal((await client.get('/visits/v1?tab=notes', { page: true })).status, 200);
    t.equal((await client.get('/visits/v2')).status, 503, 'and nobody else’s record');
    t.match((await client.get('/visits/v2')).json().emergencyUrl, /purpose=clinical&patient=p2/);
    t.notMatch(
      (await desk.get('/visits/v1', { page: true })).text,
      '/step-up/emergency',
      'who may not is shown nothing',
    );
    const [started, allowed] = (await host.events('carol')).filter(
      ({ emergencyAccessId }) => emergencyAccessId !== null,
    );
    t.match(started, { code: 'EMERGENCY_ACCESS_STARTED', patientId: 'p1' });
    t.match(allowed, { code: 'ACCESS_ALLOWED', patientId: 'p1', route: '/visits/:id' });
    control.away = false;
    await host.close();
  },
);

onEveryAdapter('session state is away where sessions have limits: nobody is unlocked by it', async (t, adapter) => {
  const { state, control } = breakable();
  const host = await startHost(adapter, {
    store: await createRealStore(),
    countersign: { sessionState: state, limits: { absoluteSeconds: 3600 } },
  });
  const client = await host.signedIn('carol');
  t.equal((await client.get('/visits/v3')).status, 200);
  control.away = true;
  t.equal((await client.get('/visits/v3')).status, 200, 'an absolute limit is known from the sign-in');
  host.clock.set(3600);
  t.match((await client.get('/visits/v3')).json(), { code: 'session_locked', reasons: [{ kind: 'absolute-limit' }] });
  control.away = false;
  t.match((await client.get('/visits/v3')).json(), { code: 'session_locked' });
  t.ok(
    (await host.events('carol')).some(({ code, reason }) => code === 'SESSION_LOCKED' && reason === 'absolute-limit'),
  );
  await host.close();
});

t.test('the clock is set back while session state is away: no proof revives when it is back', async (t) => {
  const { state, control } = breakable();
  const clock = manualClock();
  const host = await startHost('fastify', {
    store: await createRealStore(),
    clock,
    countersign: { sessionState: state },
  });
  const { client, secret } = await host.enrolled('carol');
  await host.stepUp(client, secret, '/visits/v1');
  control.away = true;
  clock.set(-600);
  t.equal((await client.get('/visits/v1')).status, 503);
  t.equal((await client.get('/visits/v3')).status, 200);
  control.away = false;
  t.match(
    (await client.get('/visits/v1')).json(),
    { code: 'step_up_required' },
    'they are dropped before it is answered',
  );
  clock.set(600);
  t.match((await client.get('/visits/v1')).json(), { code: 'step_up_required' });
  t.ok((await host.events()).some(({ code }) => code === 'CLOCK_SET_BACK'));
  await host.close();
});

/** One host on a state that is emptied: proofs are asked for again, ends stand, and it goes on. */
async function emptied(t: Test, state: SessionStateStore, empty: (during: () => Promise<void>) => Promise<void>) {
  const host = await startHost('express5', {
    store: await createRealStore(),
    countersign: { sessionState: state, nodes: state.shared ? 'several' : 'one' },
  });
  const { client, secret } = await host.enrolled('carol');
  await host.stepUp(client, secret, '/visits/v1');
  t.equal((await client.get('/visits/v1')).status, 200);
  const ended = await host.signedIn('dave');
  const stale = ended.fork();
  await ended.post('/sign-out', { json: {} });
  const open = (await client.get('/visits/v2')).json().challengeId;
  host.clock.set(30);
  const before = (await host.events('carol')).length;
  await empty(async () => {
    t.match((await client.get('/visits/v1')).json(), { code: 'session_state_unavailable' });
    t.equal((await client.get('/visits/v3')).status, 200);
  });
  await until(async () => (await client.get('/visits/v1')).status !== 503);
  t.match((await client.get('/visits/v1')).json(), { code: 'step_up_required', reasons: [{ kind: 'missing' }] });
  const json = { challengeId: open, factor: 'totp', code: host.code(secret) };
  t.match((await client.post('/api/v1/auth/mfa/verify', { json })).json(), { code: 'challenge_unknown' });
  t.equal((await stale.get('/visits/v1')).status, 401);
  const since = (await host.events('carol')).slice(before);
  t.notOk(since.some(({ code, categories }) => code === 'ACCESS_ALLOWED' && categories !== null));
  await host.stepUp(client, secret, '/visits/v1');
  t.equal((await client.get('/visits/v1')).status, 200, 'and it goes on');
  await host.close();
}

t.setTimeout(300_000);
const server = await startRedis();
t.test(
  'Redis is killed in mid-service, and comes back empty',
  { skip: 'missing' in server && server.missing },
  async (t) => {
    if ('missing' in server) return;
    const state = redisSessionState({ url: server.url, waitSeconds: 20 });
    await emptied(t, state, async (during) => {
      await server.kill();
      await during();
      await server.start();
    });
  },
);

t.test(
  'Redis hangs in mid-service: refused in time, and on again',
  { skip: 'missing' in server && server.missing },
  async (t) => {
    if ('missing' in server) return;
    const state = redisSessionState({ url: server.url, waitSeconds: 5 });
    const host = await startHost('fastify', { store: await createRealStore(), countersign: { sessionState: state } });
    const { client, secret } = await host.enrolled('carol');
    await until(async () => {
      await host.stepUp(client, secret, '/visits/v1').catch(() => host.clock.set(30));
      return (await client.get('/visits/v1')).status === 200;
    });
    server.pause();
    try {
      t.match((await client.get('/visits/v1')).json(), { code: 'session_state_unavailable' });
      t.match((await client.get('/visits/v1')).json(), { code: 'session_state_unavailable' });
    } finally {
      server.resume();
    }
    await until(async () => (await client.get('/visits/v1')).status === 200);
    await host.close();
  },
);

t.test('the tables are truncated, as a crash of the server does', async (t) => {
  const store = await createRealStore();
  const sql = postgres(store.url, { max: 1, onnotice: () => {} });
  t.teardown(() => sql.end());
  await emptied(t, await postgresSessionState(store.url), async () => {
    await sql`truncate countersign.session_state, countersign.session_proof`;
  });
});

t.test(
  'Redis that goes away does not end the process, whoever made the client',
  { skip: 'missing' in server && server.missing },
  async (t) => {
    if ('missing' in server) return;
    // The host forgot to listen to its errors.
    const client = createClient({ url: server.url });
    await client.connect();
    t.teardown(() => client.destroy());
    const states = [
      redisSessionState({ client, waitSeconds: 0.5 }),
      redisSessionState({ url: server.url, waitSeconds: 0.5 }),
    ];
    t.ok(client.listenerCount('error') > 0);
    const key = { keyHash: 'k', workspaceId: 'w', userId: 'u' };
    const read = async (state: SessionStateStore | undefined) => await state?.read(key, null, [], 0);
    for (const state of states) {
      await until(() =>
        read(state).then(
          (reading) => reading === null,
          () => false,
        ),
      );
    }
    await server.kill();
    for (const state of states) await t.rejects(read(state), { code: 'session_state_unavailable' });
    for (const state of states) await state.close();
  },
);
