// Countersign stands where the host stands: under a prefix, in a part of the server, behind a proxy, over HTTP/2.
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type Countersign, createCountersign, totp } from '@countersign/core';
import { countersignExpress, type ExpressRequest } from '@countersign/express';
import { countersignFastify, requireStepUp } from '@countersign/fastify';
import type { IdentifiedPrincipal } from '@countersign/web';
import express5 from 'express';
import express4 from 'express4';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import t, { type Test } from 'tap';
import { auditStory, codesOf } from '../support/audit-story.ts';
import { Client } from '../support/client.ts';
import { type Host, onEveryVersion, startHost, testCategories } from '../support/hosts.ts';
import { resourceOf } from '../support/records.ts';

const keys = { current: 'k1', all: { k1: randomBytes(32) } };
/** Where carol enrols; the hosts under test share its store, keys and clock. */
const home = startHost('fastify', { countersign: { keys } });
const enrolled = home.then((host) => host.enrolled('carol'));

/** A server whose port is known before the host behind it is made. */
async function listening(t: Test): Promise<{ server: Server; origin: string }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, origin: `http://localhost:${(server.address() as AddressInfo).port}` };
}

async function countersignAt(t: Test, publicUrl: string): Promise<Countersign> {
  const { store, clock } = await home;
  const factors = [totp({ issuer: 'Example EHR' })];
  const made = await createCountersign({ store, publicUrl, keys, categories: testCategories, factors, clock });
  t.teardown(() => made.close());
  return made;
}

/** Every test has a session of its own, named by its public address. */
const carolIn = (sessionKey: string, at: number): IdentifiedPrincipal => ({
  userId: 'carol',
  workspaceId: 'clinic',
  roles: [],
  displayName: 'carol',
  signedInAt: new Date(at),
  sessionKey,
});

interface Walked {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly text: string;
}
type Send = (method: string, path: string, form?: Record<string, string>) => Promise<Walked>;

const browse =
  (client: Client): Send =>
  (method, path, form) =>
    client.send(method, path, { page: true, ...(form === undefined ? {} : { form }) });

const field = (text: string, name: string) => new RegExp(`name="${name}"[^>]*value="([^"]*)"`).exec(text)?.[1] ?? '';

/** The whole way: refused, challenge page with its style, right code, back, open. `base` is the path of the public address. */
async function walk(t: Test, send: Send, countersign: Countersign, base: string): Promise<void> {
  const record = `${base}/visits/v1?tab=notes`;
  const host = await home;
  const { secret } = await enrolled;
  const story = await auditStory(host);
  host.clock.set(30);
  const refused = await send('GET', record);
  t.equal(refused.status, 303);
  const challenge = refused.headers.get('location') ?? '';
  t.match(challenge, new RegExp(`^${base}/step-up/challenge/[\\w-]{22}$`));
  const page = await send('GET', challenge);
  t.equal(page.status, 200);
  const style = /<link rel="stylesheet" href="([^"]+)"/.exec(page.text)?.[1] ?? '';
  t.match(style, new RegExp(`^${base}/step-up/assets/`));
  t.equal((await send('GET', style)).status, 200, 'its style is found');
  const action = /<form[^>]*action="([^"]+)"/.exec(page.text)?.[1] ?? '';
  t.equal(action, `${challenge}/totp`);
  const passed = await send('POST', action, {
    code: host.code(secret),
    _countersign: field(page.text, '_countersign'),
  });
  t.equal(passed.status, 303, passed.text.slice(0, 200));
  t.equal(passed.headers.get('location'), record, 'back to the very page');
  const opened = await send('GET', record);
  t.equal(opened.status, 200);
  t.match(opened.text, 'notes of v1');
  t.equal(opened.headers.get('cache-control'), 'no-store');
  // An empty append settles after what was written behind the response.
  await countersign.audit.append([]);
  const codes = codesOf((await story.next()).filter((event) => event.userId === 'carol'));
  t.strictSame(codes, ['MFA_REQUIRED', 'MFA_SUCCESS', 'ACCESS_ALLOWED']);
}

const idOf = (request: { readonly params?: unknown }) => (request.params as { id: string }).id;

/** `GET /visits/:id`, guarded. */
async function addVisits(app: FastifyInstance): Promise<void> {
  const { visits } = await home;
  const guard = requireStepUp('*', { resource: async (request) => resourceOf(visits, idOf(request)) });
  app.get('/visits/:id', { preHandler: guard }, async (request) => guard.resource(request));
}

async function fastifyOn(t: Test, server: Server): Promise<FastifyInstance> {
  const app = Fastify({ serverFactory: (handler) => server.on('request', handler) });
  t.teardown(() => app.close());
  return app;
}

t.test('Fastify: inside a plugin with a prefix', async (t) => {
  const { server, origin } = await listening(t);
  const countersign = await countersignAt(t, `${origin}/clinic`);
  const app = await fastifyOn(t, server);
  const at = countersign.configuration.clock.now();
  await app.register(
    async (clinic) => {
      await clinic.register(countersignFastify, { countersign, identify: () => carolIn(origin, at) });
      await addVisits(clinic);
    },
    { prefix: '/clinic' },
  );
  app.get('/open', async (request) => ({ stepUp: request.stepUp === undefined }));
  await app.ready();
  const client = new Client(origin);
  await walk(t, browse(client), countersign, '/clinic');
  t.match((await client.get('/clinic/visits/v2')).json(), { challengeUrl: `${origin}/clinic/step-up/challenge/` });
  t.strictSame((await client.get('/open')).json(), { stepUp: true }, 'outside of it, nothing of ours');
  t.equal((await client.get('/step-up/factors')).status, 404);
});

t.test('Fastify: the plugin itself registered with a prefix', async (t) => {
  const { server, origin } = await listening(t);
  const countersign = await countersignAt(t, `${origin}/clinic`);
  const app = await fastifyOn(t, server);
  const at = countersign.configuration.clock.now();
  await app.register(countersignFastify, { prefix: '/clinic', countersign, identify: () => carolIn(origin, at) });
  await app.register(addVisits, { prefix: '/clinic' });
  await app.ready();
  await walk(t, browse(new Client(origin)), countersign, '/clinic');
});

t.test('Fastify: a prefix that the public address does not have is refused at start-up', async (t) => {
  const countersign = await countersignAt(t, 'http://localhost');
  const app = Fastify();
  t.teardown(() => app.close());
  const identify = () => null;
  const given = { code: 'configuration_invalid', details: { field: 'publicUrl' } };
  const registering = async () => {
    await app.register(countersignFastify, { prefix: '/clinic', countersign, identify });
  };
  await t.rejects(registering(), given);
  const renamed = Fastify();
  t.teardown(() => renamed.close());
  await renamed.register(countersignFastify, { prefix: '/emr', mountPath: '/emr', countersign, identify });
  await renamed.ready();
  t.ok(renamed.hasRoute({ method: 'GET', url: '/emr/step-up/factors' }), 'unless a proxy is said to rename it');
});

t.test('Fastify: one part of a server', async (t) => {
  const { server, origin } = await listening(t);
  const countersign = await countersignAt(t, origin);
  const app = await fastifyOn(t, server);
  const at = countersign.configuration.clock.now();
  const calls: string[] = [];
  await app.register(async (part) => {
    await part.register(countersignFastify, { countersign, identify: () => carolIn(origin, at) });
    await part.register(async (deeper) => {
      deeper.setErrorHandler(async () => {
        calls.push('error handler');
        return { hidden: true };
      });
      await addVisits(deeper);
    });
  });
  const early = requireStepUp('*', { resource: async () => resourceOf((await home).visits, 'v1') });
  await app.register(async (sibling) => {
    sibling.get('/stray', { preHandler: early }, async () => calls.push('handler'));
  });
  await app.ready();
  const client = new Client(origin);
  await walk(t, browse(client), countersign, '');
  const stray = await client.get('/stray');
  t.equal(stray.status, 500, 'a guard that the plugin does not reach refuses');
  t.match(stray.text, 'step-up guard');
  t.strictSame(calls, []);
});

t.test('Fastify: guards among other hooks, HEAD, and a route that was there before the plugin', async (t) => {
  const { server, origin } = await listening(t);
  const countersign = await countersignAt(t, origin);
  const app = await fastifyOn(t, server);
  const at = countersign.configuration.clock.now();
  const { visits } = await home;
  const calls: string[] = [];
  const resource = async (request: FastifyRequest) => resourceOf(visits, idOf(request));
  const before = requireStepUp('*', { resource });
  app.get('/before/:id', { preHandler: before }, async (request) => {
    calls.push('before');
    return before.resource(request);
  });
  await app.register(countersignFastify, { countersign, identify: () => carolIn(origin, at) });
  await addVisits(app);
  const guard = requireStepUp(['5'], { resource });
  const authorise = async (request: FastifyRequest) => {
    calls.push(`authorised ${idOf(request)}`);
  };
  app.get('/listed/:id', { preHandler: [authorise, guard] }, async (request) => guard.resource(request));
  await app.ready();

  const client = new Client(origin);
  t.equal((await client.get('/before/v1')).status, 401, 'it is guarded');
  t.equal((await client.get('/listed/v1')).status, 401);
  const head = await client.send('HEAD', '/visits/v1');
  t.equal(head.status, 401);
  t.equal(head.text, '');
  await walk(t, browse(client), countersign, '');
  t.match((await client.get('/before/v1')).json(), { notes: 'notes of v1' });
  t.match((await client.get('/listed/v1')).json(), { notes: 'notes of v1' });
  const story = await auditStory(await home);
  t.equal((await client.send('HEAD', '/visits/v1')).status, 200);
  await countersign.audit.append([]);
  t.match((await story.next()).at(-1), { code: 'ACCESS_ALLOWED', method: 'HEAD', route: '/visits/:id' });
  t.strictSame(calls, ['authorised v1', 'before', 'authorised v1']);
});

t.test('Fastify: over HTTP/2', async (t) => {
  const app = Fastify({ http2: true });
  const publicUrl = 'http://localhost:3999';
  const countersign = await countersignAt(t, publicUrl);
  const at = countersign.configuration.clock.now();
  const { visits } = await home;
  await app.register(countersignFastify, { countersign, identify: () => carolIn('h2', at) });
  const guard = requireStepUp('*', { resource: async (request) => resourceOf(visits, idOf(request)) });
  app.get('/visits/:id', { preHandler: guard }, async (request) => guard.resource(request));
  app.get('/raw/:id', { preHandler: guard }, (request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'cache-control': 'public, max-age=60' });
    reply.raw.end(guard.resource(request).notes);
  });
  app.addContentTypeParser('multipart/form-data', (_request, _payload, done) => done(null));
  app.post(
    '/export/:id',
    {
      preHandler: requireStepUp('*', {
        action: 'export',
        resource: async (request) => resourceOf(visits, idOf(request)),
      }),
    },
    async () => ({ sent: true }),
  );
  const session = connect(await app.listen());
  t.teardown(async () => {
    session.close();
    await app.close();
  });
  const cookies = new Map<string, string>();
  const exchange = (headers: Record<string, string>, body?: string): Promise<Walked> =>
    new Promise((resolve, reject) => {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const stream = session.request({ ...headers, ...(cookie === '' ? {} : { cookie }) });
      const received = new Headers();
      let status = 0;
      let text = '';
      stream.setEncoding('utf8');
      stream.on('response', (answered) => {
        status = answered[':status'] ?? 0;
        for (const line of answered['set-cookie'] ?? []) {
          const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=');
          cookies.set(name, value);
        }
        for (const [name, value] of Object.entries(answered)) {
          if (!name.startsWith(':') && typeof value === 'string') received.set(name, value);
        }
      });
      stream.on('data', (part: string) => {
        text += part;
      });
      stream.on('end', () => resolve({ status, headers: received, text }));
      stream.on('error', reject);
      stream.end(body);
    });
  const navigation = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'same-origin' };
  // No `content-length` comes with HTTP/2's bodies.
  const send: Send = (method, path, form) =>
    exchange(
      {
        ':method': method,
        ':path': path,
        ...navigation,
        ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded', origin: publicUrl }),
      },
      form === undefined ? undefined : new URLSearchParams(form).toString(),
    );
  await walk(t, send, countersign, '');
  const raw = await send('GET', '/raw/v1');
  t.match(raw, { status: 200, text: 'notes of v1' });
  t.equal(raw.headers.get('cache-control'), 'no-store', 'raw writes, too');
  const unread = await exchange(
    { ':method': 'POST', ':path': '/export/v1', 'content-type': 'multipart/form-data; boundary=x' },
    '--x\r\ncontent-disposition: form-data; name="to"\r\n\r\nsomewhere\r\n--x--\r\n',
  );
  t.equal(unread.status, 415, 'content that nobody has read does not pass for none');
  t.match(JSON.parse(unread.text), { code: 'body_unreadable' });
});

/** Forwards what lies under `/clinic`, without it. */
function stripping(target: () => string): (request: IncomingMessage, response: ServerResponse) => void {
  return (asked, response) => {
    const { method, headers } = asked;
    const url = asked.url ?? '/';
    if (!url.startsWith('/clinic/')) {
      response.writeHead(404).end('not the clinic');
      return;
    }
    const forwarded = { ...headers, host: 'inside.example', 'x-forwarded-host': 'inside.example' };
    const onward = request(`${target()}${url.slice('/clinic'.length)}`, { method, headers: forwarded }, (answered) => {
      response.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(response);
    });
    onward.on('error', () => response.destroy());
    asked.pipe(onward);
  };
}

onEveryVersion('behind a proxy that strips the path', async (t, adapter) => {
  const { server, origin } = await listening(t);
  const { store, clock } = await home;
  await enrolled;
  const host: Host = await startHost(adapter, {
    publicUrl: `${origin}/clinic`,
    store,
    clock,
    countersign: { keys },
  });
  server.on(
    'request',
    stripping(() => host.baseUrl),
  );
  const client = new Client(origin);
  await client.post('/clinic/sign-in', { json: { userId: 'carol' } });
  await walk(t, browse(client), host.countersign, '/clinic');
  const away = new Client(origin);
  await away.post('/clinic/sign-in', { json: { userId: `nora-${adapter}` } });
  const denied = await away.get('/clinic/visits/v1', { page: true });
  t.match(denied.text, `href="/clinic/step-up/factors?returnTo=${encodeURIComponent('/clinic/visits/v1')}"`);
  t.match((await away.get('/clinic/visits/v1')).json(), { enrolmentUrl: `${origin}/clinic/step-up/factors` });
  t.strictSame(host.faults, []);
  await host.close();
});

for (const [name, express] of [
  ['Express 5', express5],
  ['Express 4', express4 as unknown as typeof express5],
] as const) {
  for (const how of ['application', 'router'] as const) {
    t.test(`${name}: mounted as an ${how} under a path`, async (t) => {
      const { server, origin } = await listening(t);
      const countersign = await countersignAt(t, `${origin}/clinic`);
      const at = countersign.configuration.clock.now();
      const { visits } = await home;
      const made = countersignExpress({ countersign, identify: () => carolIn(origin, at) });
      const part = how === 'application' ? express() : express.Router();
      part.use(made.router);
      const guard = made.requireStepUp('*', {
        resource: async (request: ExpressRequest) => resourceOf(visits, idOf(request)),
      });
      part.get('/visits/:id', guard, (request, response) => void response.json(guard.resource(request)));
      part.use(made.errors);
      const app = express();
      app.use('/clinic', part);
      app.get('/open', (_request, response) => void response.json({ open: true }));
      server.on('request', app);
      const client = new Client(origin);
      await walk(t, browse(client), countersign, '/clinic');
      t.equal((await client.send('HEAD', '/clinic/visits/v1')).status, 200);
      t.equal((await client.send('HEAD', '/clinic/visits/v2')).status, 401, 'HEAD is guarded, too');
      t.equal((await client.get('/open')).status, 200);
    });
  }
}
