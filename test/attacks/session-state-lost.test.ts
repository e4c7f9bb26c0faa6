// Session state is lost: the process restarts, a flood of sessions evicts it, another user comes and goes under the same host session,
// or the host keeps its sessions in a cookie and somebody keeps a copy (threat 25). Proofs may be gone by that, and are asked for
// again. What must not come undone is an end: a sign-out, a revocation, a lock, an absolute limit.
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createCountersign, memorySessionState, totp } from '@countersign/core';
import { countersignFastify, requireStepUp } from '@countersign/fastify';
import type { IdentifiedPrincipal } from '@countersign/web';
import fastifyCookie from '@fastify/cookie';
import fastifySecureSession from '@fastify/secure-session';
import Fastify from 'fastify';
import { generateSync } from 'otplib';
import t from 'tap';
import { Client } from '../support/client.ts';
import { manualClock } from '../support/clock.ts';
import type { CookieJar } from '../support/cookie-jar.ts';
import { type Host, onEveryAdapter, type SignedIn, startHost, testCategories } from '../support/hosts.ts';
import { createRealStore } from '../support/real-store.ts';

/** A person at a browser, whose host session outlives our process. */
interface Person {
  readonly principal: IdentifiedPrincipal;
  readonly jar: CookieJar;
  readonly secret: string;
}

/** A host whose sessions are cookies: whoever has kept one can send it again, at any time. */
async function statelessHost(store: Host['store'], clock: ReturnType<typeof manualClock>, keys: [string, Buffer]) {
  const app = Fastify();
  const countersign = await createCountersign({
    store,
    clock,
    publicUrl: 'http://localhost',
    keys: { current: 'k1', all: { k1: keys[0] } },
    categories: testCategories,
    factors: [totp({ issuer: 'Example EHR' })],
  });
  await app.register(fastifyCookie);
  await app.register(fastifySecureSession, { key: keys[1], cookieName: 'session', cookie: { path: '/' } });
  await app.register(countersignFastify, {
    countersign,
    identify: (request) => {
      const user = request.session.get('user') as SignedIn | undefined;
      return user === undefined ? null : { ...user, displayName: user.userId, signedInAt: new Date(user.at) };
    },
    statelessSession: (request) => request.session as never,
  });
  app.post('/sign-in', async (request) => {
    const user = { userId: 'carol', workspaceId: 'clinic', roles: ['clinician'], at: clock.now() };
    request.session.set('user' as never, user as never);
    return {};
  });
  app.post('/sign-out', async (request) => {
    await request.stepUp.signOut();
    (request.session as unknown as { delete(): void }).delete();
    return {};
  });
  const guard = requireStepUp('*');
  app.get('/patients/:patientId', { preHandler: guard }, async () => ({ opened: true }));
  const address = await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const close = async () => {
    await app.close();
    await countersign.close();
  };
  t.teardown(close);
  return {
    address,
    port,
    countersign,
    close,
    client: (jar?: CookieJar) => new Client(`http://localhost:${port}`, jar),
  };
}

onEveryAdapter('after a restart and after an eviction: proofs are gone, ends and locks are not', async (t, adapter) => {
  const store = await createRealStore();
  const clock = manualClock();
  const keys = { current: 'k1', all: { k1: randomBytes(32) } };
  let now: IdentifiedPrincipal | null = null;
  const start = () =>
    startHost(adapter, {
      store,
      clock,
      identify: () => now,
      countersign: {
        keys,
        limits: { absoluteSeconds: 3600 },
        sessionState: memorySessionState({ sessions: 4, proofs: 8 }),
      },
    });
  let host = await start();
  const person = async (userId: string): Promise<Person> => {
    const principal = {
      userId,
      workspaceId: 'clinic',
      roles: ['clinician'],
      displayName: userId,
      signedInAt: new Date(clock.now()),
      sessionKey: `session of ${userId}`,
    };
    now = principal;
    const { client, secret } = await host.enrolled(userId);
    await host.stepUp(client, secret, '/visits/v1');
    return { principal, jar: client.jar, secret };
  };
  const get = async ({ principal, jar }: Person, path = '/visits/v1') => {
    now = principal;
    return await new Client(host.baseUrl, jar.copy()).get(path);
  };
  const flood = async (what: string) => {
    for (let index = 0; index < 12; index += 1) {
      now = { ...working.principal, userId: 'mallory', sessionKey: `flood ${what} ${index}` };
      await host.client().get('/visits/v1');
    }
  };

  const signedOut = await person('alice');
  now = signedOut.principal;
  await new Client(host.baseUrl, signedOut.jar.copy()).post('/sign-out', { json: {} });
  const revoked = await person('bob');
  const asBob = host.countersign.principalOf({ ...revoked.principal, sessionKey: 'session of bob' });
  clock.set(1);
  await host.countersign.sessions.signOutEverywhere(asBob);
  const working = await person('carol');
  const early = { ...working.principal, signedInAt: new Date(clock.now() - 3_600_000), sessionKey: 'an old one' };
  const limited = { ...working, principal: early };
  t.equal((await get(working)).status, 200);

  const endsStand = async (when: string) => {
    for (const [who, ended] of [
      ['signed out', signedOut],
      ['revoked', revoked],
    ] as const) {
      t.match((await get(ended)).json(), { code: 'session_ended', status: 401 }, `${when}: ${who}`);
      t.match(
        (await get(ended, '/visits/v3')).json(),
        { code: 'session_ended' },
        `${when}: ${who}, an ordinary record`,
      );
      t.match((await get(ended, '/api/v1/auth/session')).json(), { code: 'session_ended' }, `${when}: ${who}, our own`);
    }
    t.match((await get(limited)).json(), { code: 'session_locked', status: 401 }, `${when}: past the absolute limit`);
    t.match((await get(limited, '/visits/v3')).json(), { code: 'session_locked' }, `${when}: an ordinary record`);
  };
  await endsStand('before');
  await flood('first');
  await endsStand('after the flood');
  const evicted = await get(working);
  t.match(evicted.json(), { code: 'step_up_required', reasons: [{ kind: 'missing' }] }, 'evicted: asked again');

  await host.close();
  host = await start();
  await endsStand('after the restart');
  t.match((await get(working)).json(), { code: 'step_up_required' }, 'restarted: asked again');
  t.equal((await get(working, '/visits/v3')).status, 200, 'and not locked');

  // The absolute limit counts from the sign-in, whatever is remembered.
  clock.set(3600);
  t.match((await get(working, '/visits/v3')).json(), { code: 'session_locked', reasons: [{ kind: 'absolute-limit' }] });
  await host.close();
  host = await start();
  t.match((await get(working, '/visits/v3')).json(), { code: 'session_locked' }, 'a restart unlocks nobody');

  const events = await host.events();
  const after = events.filter((event) => event.code === 'ACCESS_DENIED' && event.reason === 'session-ended');
  t.strictSame(new Set(after.map((event) => event.userId)), new Set(['alice', 'bob']), 'each refusal is on the log');
  t.ok(events.some((event) => event.code === 'SESSION_LOCKED' && event.reason === 'absolute-limit'));
  t.equal(events.filter((event) => event.code === 'ACCESS_ALLOWED').length, 1, 'nothing was opened but the once');
  await host.close();
});

onEveryAdapter('another user under the same host session: A, B, A again', async (t, adapter) => {
  const host = await startHost(adapter, { store: await createRealStore() });
  const { client, secret } = await host.enrolled('alice');
  await host.stepUp(client, secret, '/visits/v1');
  const challengeId = (await client.get('/visits/v2')).json().challengeId;
  const become = async (userId: string) => {
    host.clock.set(30);
    t.equal((await client.post('/switch-user', { json: { userId } })).status, 200);
  };
  await become('bob');
  t.match((await client.get('/visits/v1')).json(), { code: 'factor_required' }, 'B has nothing of A');
  await become('alice');
  t.match((await client.get('/visits/v1')).json(), { code: 'step_up_required', reasons: [{ kind: 'missing' }] });
  const json = { challengeId, factor: 'totp', code: host.code(secret) };
  t.match((await client.post('/api/v1/auth/mfa/verify', { json })).json(), { code: 'challenge_unknown' });

  // Signed out as A; B comes and goes under the same key; the end of A's session is not forgotten over it.
  const before = host.clock.now();
  const principal = (userId: string, at: number) =>
    host.countersign.principalOf({
      userId,
      workspaceId: 'clinic',
      roles: [],
      displayName: userId,
      signedInAt: new Date(at),
      sessionKey: 'one key for all',
    });
  await host.countersign.sessions.signOut(principal('alice', before));
  const demand = { workspaceId: 'clinic', patientId: 'p1', categories: ['5'] };
  t.match(await host.countersign.check(principal('bob', before + 1), demand), { reason: 'no-suitable-factor' });
  t.match(await host.countersign.check(principal('alice', before), demand), { reason: 'session-ended' });
  t.match(
    await host.countersign.check(principal('alice', before + 1), demand),
    { outcome: 'challenge' },
    'a new sign-in',
  );
  const allowed = (await host.events()).filter((event) => event.code === 'ACCESS_ALLOWED');
  t.strictSame(allowed, []);
  await host.close();
});

t.test('a stateless session cookie that was kept is dead after the sign-out, also in a new process', async (t) => {
  const store = await createRealStore();
  const clock = manualClock();
  const keys: [string, Buffer] = [randomBytes(32).toString('base64'), randomBytes(32)];
  let host = await statelessHost(store, clock, keys);
  const client = host.client();
  await client.post('/sign-in', { json: {} });
  const unseen = client.fork().jar;
  const json = { factor: 'totp' };
  const secret = String((await client.post('/api/v1/auth/mfa/enroll', { json })).json().manualKey);
  const code = () => generateSync({ secret, epoch: Math.floor(clock.now() / 1000) });
  const enrolled = await client.post('/api/v1/auth/mfa/enroll', { json: { ...json, code: code() } });
  t.equal(enrolled.status, 200, enrolled.text);
  const early = client.fork().jar;
  clock.set(30);
  const { challengeId } = (await client.get('/patients/p1')).json();
  const passed = await client.post('/api/v1/auth/mfa/verify', { json: { challengeId, code: code() } });
  t.equal(passed.status, 200, passed.text);
  t.equal((await client.get('/patients/p1')).status, 200);
  const late = client.fork().jar;
  t.equal(late.get('session'), client.jar.get('session'));
  t.not(unseen.get('session'), late.get('session'), 'our id is in the cookie');

  // A copy from before our id was in it is another session, also with the binding cookie.
  const withBinding = unseen.copy();
  withBinding.set('countersign', late.get('countersign') ?? '');
  t.match((await host.client(withBinding).get('/patients/p1')).json(), { code: 'step_up_required' });

  clock.set(10);
  t.equal((await client.post('/sign-out', { json: {} })).status, 200);
  const replays = { unseen, early, late, withBinding };
  const dead = async (when: string) => {
    for (const [what, jar] of Object.entries(replays)) {
      const refused = await host.client(jar.copy()).get('/patients/p1');
      t.match(refused.json(), { code: 'session_ended', status: 401 }, `${when}: ${what}`);
      const again = await host.client(jar.copy()).post('/api/v1/auth/mfa/enroll', { json });
      t.match(again.json(), { code: 'session_ended' }, `${when}: ${what} enrols nothing`);
    }
  };
  await dead('at once');
  await host.close();
  host = await statelessHost(store, clock, keys);
  await dead('in a new process');
  clock.set(864_000);
  await dead('ten days later');

  const anew = host.client();
  await anew.post('/sign-in', { json: {} });
  t.match((await anew.get('/patients/p1')).json(), { code: 'step_up_required' }, 'a new sign-in is a new session');
  const events = await store.auditEvents({ workspaceId: 'clinic', codes: ['ACCESS_ALLOWED'] });
  t.equal(events.length, 1, 'nothing was opened but the once');
  await host.close();
});
