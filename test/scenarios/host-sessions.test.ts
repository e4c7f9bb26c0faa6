// Whatever a host keeps its sessions in, a proof belongs to one of them: server-side, in the cookie itself, or in a bearer token.
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { countersignFastify, requireStepUp } from '@countersign/fastify';
import type { StatelessSession } from '@countersign/web';
import Fastify, { type FastifyPluginCallback, type FastifyRequest } from 'fastify';
import t from 'tap';
import { auditStory, codesOf } from '../support/audit-story.ts';
import { Client } from '../support/client.ts';
import { type HostRoutes, onEveryVersion, startHost } from '../support/hosts.ts';
import { resourceOf } from '../support/records.ts';
import { answerAndResend } from '../support/settings-form.ts';

/** `POST /draft` keeps something in the host's session, `GET /draft` reads it. */
const drafts: HostRoutes = {
  fastify(app) {
    app.post('/draft', async (request) => Object.assign(request.session, { draft: request.body }) && { kept: true });
    app.get('/draft', async (request) => ({ draft: Reflect.get(request.session, 'draft') ?? null }));
  },
  express(app) {
    const sessionOf = (request: object) => Reflect.get(request, 'session') as object;
    app.post('/draft', (request, response) => {
      Object.assign(sessionOf(request), { draft: request.body });
      response.json({ kept: true });
    });
    app.get('/draft', (request, response) => {
      response.json({ draft: Reflect.get(sessionOf(request), 'draft') ?? null });
    });
  },
};

onEveryVersion('the host’s session gets a new id at each success, and keeps its data', async (t, adapter) => {
  const host = await startHost(adapter, { web: { rotateHostSession: true }, routes: drafts });
  const { client, secret } = await host.enrolled('carol');
  const draft = { text: 'half a letter', to: ['dan', 'erin'] };
  t.equal((await client.post('/draft', { json: draft })).status, 200);
  const story = await auditStory(host);

  const before = client.fork();
  await host.stepUp(client, secret, '/visits/v1');
  t.not(client.jar.get('sessionId'), before.jar.get('sessionId'), 'a new id');
  t.equal((await client.get('/visits/v1')).status, 200, 'the proof came along');
  t.strictSame((await client.get('/draft')).json(), { draft }, 'and so did the host’s data');
  t.equal((await before.get('/visits/v1')).status, 401);
  t.strictSame((await before.get('/draft')).json(), { draft: null }, 'the old id is worth nothing');

  host.clock.set(30);
  await host.stepUp(client, secret, '/visits/v2');
  t.equal((await client.get('/visits/v1')).status, 200, 'what was open before stays open');
  t.equal((await client.get('/visits/v2')).status, 200);
  t.strictSame((await client.get('/draft')).json(), { draft });
  const events = (await story.next()).filter((event) => event.userId === 'carol');
  t.strictSame(codesOf(events), [
    'MFA_REQUIRED',
    'MFA_SUCCESS',
    'ACCESS_ALLOWED',
    'MFA_REQUIRED',
    'MFA_SUCCESS',
    'ACCESS_ALLOWED',
    'ACCESS_ALLOWED',
  ]);
  t.equal(new Set(events.map((event) => event.session)).size, 1, 'on the log it is one session');

  await t.test('also when the success is part of saving settings', async (t) => {
    const admin = await host.enrolled('ada', { roles: ['administrator'] });
    const form = { version: '0', enabled: 'on', categories: ['5'], graceMinutes: '10' };
    const page = await admin.client.get('/step-up/admin/settings', { page: true });
    const send = (fields: object) =>
      admin.client.post('/step-up/admin/settings', {
        page: true,
        form: { ...form, _countersign: page.field('_countersign'), ...fields },
      });
    const asked = await send({});
    t.equal(asked.status, 401);
    const old = admin.client.jar.get('sessionId');
    const saved = await answerAndResend(admin.client, asked, host.code(admin.secret));
    t.equal(saved.status, 303);
    t.not(admin.client.jar.get('sessionId'), old);
    t.equal((await send({ version: '1' })).status, 303, 'the proof for the account came along');
  });
  t.strictSame(host.faults, []);
  await host.close();
});

onEveryVersion('a program with a bearer token gets no cookie, and is asked for none', async (t, adapter) => {
  const host = await startHost(adapter);
  const program = host.client();
  const headers = { authorization: 'Bearer carol' };
  const story = await auditStory(host);
  const begun = await program.post('/api/v1/auth/mfa/enroll', { json: {}, headers });
  t.equal(begun.status, 201);
  const secret = String(begun.json().manualKey);
  const confirmed = await program.post('/api/v1/auth/mfa/enroll', { json: { code: host.code(secret) }, headers });
  t.equal(confirmed.status, 200);
  host.clock.set(30);

  const refused = await program.get('/visits/v1', { headers });
  t.equal(refused.status, 401);
  t.match(refused.headers.get('www-authenticate'), 'insufficient_user_authentication');
  const form = { challengeId: String(refused.json().challengeId), code: host.code(secret) };
  const answer = await program.post('/api/v1/auth/mfa/verify', {
    form,
    headers: { ...headers, origin: 'https://another.example' },
  });
  t.equal(
    answer.status,
    200,
    'a form without our token, from wherever: nothing of it was sent by a browser on its own',
  );
  t.equal((await program.get('/visits/v1', { headers })).status, 200);
  t.strictSame(
    program.jar.names().filter((name) => name.includes('countersign')),
    [],
    'no cookie of ours',
  );
  t.equal((await program.get('/visits/v2', { headers })).status, 401, 'a proof is for a patient here, too');
  t.equal((await program.get('/visits/v1', { headers: { authorization: 'Bearer dan' } })).status, 403);
  t.equal((await program.get('/visits/v1')).status, 401, 'and nobody without the token');

  const browser = await host.signedIn('carol');
  t.equal((await browser.get('/visits/v1')).status, 401, 'nor is the user’s browser opened');
  const posted = await browser.post('/api/v1/auth/mfa/verify', { form });
  t.equal(posted.status, 403, 'whose forms need our token');
  t.match(posted.json(), { code: 'cross_site_refused' });
  const codes = codesOf((await story.next()).filter((event) => event.userId === 'carol'));
  t.strictSame(codes, [
    'FACTOR_ENROLMENT_STARTED',
    'FACTOR_ENROLLED',
    'MFA_REQUIRED',
    'MFA_SUCCESS',
    'ACCESS_ALLOWED',
    'MFA_REQUIRED',
    'MFA_REQUIRED',
    'ACCESS_DENIED',
  ]);
  t.strictSame(host.faults, []);
  await host.close();
});

/** By what is used of it: its own types do not live beside those of @fastify/session. */
interface SecureSession extends StatelessSession {
  delete(): void;
}
const secureSession = createRequire(import.meta.url)('@fastify/secure-session') as FastifyPluginCallback<{
  key: Buffer;
  cookieName: string;
  cookie: { path: string };
}>;
const sessionOf = (request: FastifyRequest) => request.session as unknown as SecureSession;

t.test('a session that lives in its cookie (@fastify/secure-session)', async (t) => {
  const host = await startHost('fastify');
  const { secret } = await host.enrolled('carol');
  const { countersign, clock } = host;
  const app = Fastify();
  t.teardown(() => app.close());
  await app.register(secureSession, { key: randomBytes(32), cookieName: 'session', cookie: { path: '/' } });
  await app.register(countersignFastify, {
    countersign,
    identify(request) {
      const userId = sessionOf(request).get('userId');
      if (typeof userId !== 'string') return null;
      const at = Number(sessionOf(request).get('at'));
      const who = { userId, workspaceId: 'clinic', roles: [], displayName: userId };
      return { ...who, signedInAt: new Date(at) };
    },
    statelessSession: sessionOf,
  });
  app.post('/sign-in', async (request) => {
    const session = sessionOf(request);
    session.set('userId', (request.body as { userId: string }).userId);
    session.set('at', String(clock.now()));
    return {};
  });
  app.post('/sign-out', async (request) => {
    await request.stepUp.signOut();
    sessionOf(request).delete();
    return {};
  });
  const guard = requireStepUp('*', {
    resource: async (request) => resourceOf(host.visits, (request.params as { id: string }).id),
  });
  app.get('/visits/:id', { preHandler: guard }, async (request) => guard.resource(request));
  const client = new Client(await app.listen());
  const story = await auditStory(host);

  t.equal((await client.get('/visits/v1')).status, 401);
  await client.post('/sign-in', { json: { userId: 'carol' } });
  const unseen = client.fork();
  await host.stepUp(client, secret, '/visits/v1');
  const opened = await client.get('/visits/v1');
  t.equal(opened.status, 200);
  t.equal(opened.json().notes, 'notes of v1');
  t.equal((await unseen.get('/visits/v1')).status, 401, 'a copy from before is a session of its own');

  const stolen = client.fork();
  stolen.jar.delete('countersign');
  t.equal((await stolen.get('/visits/v1')).status, 401, 'the session’s cookie alone opens nothing');

  const replayed = client.fork();
  t.equal((await client.post('/sign-out', { json: {} })).status, 200);
  const ended = await replayed.get('/visits/v1');
  t.equal(ended.status, 401);
  t.match(ended.json(), { code: 'session_ended' }, 'a cookie that was copied before the sign-out stays signed out');
  clock.set(30);
  await client.post('/sign-in', { json: { userId: 'carol' } });
  t.equal((await client.get('/visits/v1')).status, 401, 'a new sign-in begins without proofs');
  t.match((await client.get('/visits/v1')).json(), { code: 'step_up_required' });

  const codes = codesOf((await story.next()).filter((event) => event.userId === 'carol'));
  t.strictSame(codes, [
    'MFA_REQUIRED',
    'MFA_SUCCESS',
    'ACCESS_ALLOWED',
    'MFA_REQUIRED',
    'MFA_REQUIRED',
    'SESSION_SIGNED_OUT',
    'ACCESS_DENIED',
    'MFA_REQUIRED',
    'MFA_REQUIRED',
  ]);
  await host.close();
});
