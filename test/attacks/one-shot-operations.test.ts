// An approval for one operation is stretched to another: other content under the same URL, the same content sent elsewhere, content
// that the guard never saw because its parser runs later, one approval spent many times at once (threat 26). Where every
// operation asks, what was approved passes once, and nothing else passes at all.
import type { AuditRecord } from '@countersign/core';
import type { ExpressRequest } from '@countersign/express';
import { requireStepUp } from '@countersign/fastify';
import type { FastifyRequest } from 'fastify';
import type { Test } from 'tap';
import type { Answer, Client } from '../support/client.ts';
import { type AdapterName, type Host, type HostRoutes, onEveryVersion } from '../support/hosts.ts';
import { sharedHosts } from '../support/shared-hosts.ts';

/** Sends, is asked, and gives the code. What was sent is approved from then on, and has not been done. */
async function approve(t: Test, host: Host, client: Client, secret: string, send: () => Promise<Answer>) {
  host.clock.set(30);
  const refused = await send();
  t.equal(refused.status, 401, 'it asks');
  const { challengeId } = refused.json();
  const json = { challengeId, factor: 'totp', code: host.code(secret) };
  const passed = await client.post('/api/v1/auth/mfa/verify', { json });
  t.equal(passed.status, 200, 'the code is right');
}

/** What this user was allowed to do. */
const allowed = (events: readonly AuditRecord[], userId: string) =>
  events.filter((event) => event.code === 'ACCESS_ALLOWED' && event.userId === userId);

/** A record of p1 that asks each time. */
const asksEachTime = (value: Record<string, unknown>) => ({
  workspaceId: 'clinic',
  patientId: 'p1',
  categories: ['0'],
  value,
});

/** Guards that run before somebody has parsed the content. */
const lateParsers: HostRoutes = {
  fastify(app) {
    const guard = requireStepUp('*', { resource: async () => asksEachTime({}) });
    app.post('/late', { onRequest: guard }, async (request) => ({ done: request.body }));
    app.addContentTypeParser('text/plain', (_request, payload, done) => done(null, payload));
    app.post('/trap', { preHandler: guard }, async (request) => ({ done: String(request.body) }));
  },
  express(app, made, express) {
    const guard = made.requireStepUp('*', { resource: async () => asksEachTime({}) });
    const done = (request: { body?: unknown }, response: { json(body: unknown): unknown }) =>
      void response.json({ done: request.body });
    app.post('/late', guard, express.json(), done);
    // Express 4's json() leaves {} behind for content that is not its own, and lets the next parser have it.
    app.post('/trap', express.json(), express.urlencoded({ extended: true }), guard, express.text(), done);
  },
};

const schemas: HostRoutes = {
  fastify(app) {
    const guard = requireStepUp('*', { resource: async () => asksEachTime({}) });
    const schema = {
      body: {
        type: 'object',
        additionalProperties: false,
        properties: { amount: { type: 'integer' }, currency: { type: 'string', default: 'EUR' } },
      },
    };
    for (const hook of ['preHandler', 'preValidation'] as const) {
      app.post(`/${hook}`, { schema, [hook]: guard }, async (request) => ({ done: request.body }));
    }
  },
};

/** The fields of multipart content, as any parser would give them. */
const partsOf = (body: unknown) =>
  Object.fromEntries(
    [...String(body).matchAll(/name="(\w+)"[^\r]*\r\n(?:[^\r]+\r\n)*\r\n([^\r]*)\r\n/g)].map(([, name, value]) => [
      name,
      value,
    ]),
  );
const multipart = (boundary: string, scan: string) => ({
  headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  body: `--${boundary}\r\ncontent-disposition: form-data; name="scan"; filename="a.txt"\r\n\r\n${scan}\r\n--${boundary}--\r\n`,
});

const uploads: HostRoutes = {
  fastify(app) {
    app.addContentTypeParser(/^multipart\//, { parseAs: 'string' }, (_request, body, done) =>
      done(null, partsOf(body)),
    );
    const resource = async () => asksEachTime({});
    app.post('/unsaid', { preHandler: requireStepUp('*', { resource }) }, async (request) => request.body);
    const content = (request: FastifyRequest) => request.body;
    app.post('/said', { preHandler: requireStepUp('*', { resource, content }) }, async (request) => request.body);
  },
  express(app, made, express) {
    app.use('/unsaid', express.text({ type: 'multipart/*' }));
    app.use('/said', express.text({ type: 'multipart/*' }));
    const resource = async () => asksEachTime({});
    const content = (request: ExpressRequest) => partsOf(request.body);
    app.post('/unsaid', made.requireStepUp('*', { resource }), (_request, response) => void response.json({}));
    app.post('/said', made.requireStepUp('*', { resource, content }), (_request, response) => void response.json({}));
  },
};

/** Hosts that ask who is signed in before the content is parsed and the route is found. */
const earlyHosts: HostRoutes = {
  fastify(app) {
    app.register(async (child) => {
      child.addHook('onRequest', async (request) => void (await request.stepUp.identify()));
      const guard = requireStepUp('*');
      child.post(
        '/early/:patientId/pay',
        { preHandler: requireStepUp('*', { action: 'payment' }) },
        async (request) => request.body,
      );
      child.post('/early/:patientId', { preHandler: guard }, async (request) => request.body);
    });
  },
  express(app, made, express) {
    app.use('/early', (request, _response, next) => {
      void Promise.resolve(request.stepUp.identify()).then(() => next(), next);
    });
    app.use('/early', express.json());
    app.post(
      '/early/:patientId/pay',
      made.requireStepUp('*', { action: 'payment' }),
      (request, response) => void response.json(request.body),
    );
    app.post('/early/:patientId', made.requireStepUp('*'), (request, response) => void response.json(request.body));
  },
};

const allRoutes = [lateParsers, schemas, uploads, earlyHosts];
const started = sharedHosts({
  bodyParsers: false,
  routes: {
    async fastify(app) {
      for (const { fastify } of allRoutes) await fastify?.(app);
    },
    express(...given) {
      for (const { express } of allRoutes) express?.(...given);
    },
  },
});

async function hostOf(adapter: AdapterName): Promise<Host> {
  const host = await started(adapter);
  for (const id of ['v00', 'v01', 'v02']) {
    host.visits.set(id, { id, workspaceId: 'clinic', patientId: 'p1', category: '0', notes: 'untouched' });
  }
  return host;
}

onEveryVersion('the approved content passes once, and no other content, method, query or URL', async (t, adapter) => {
  const host = await hostOf(adapter);
  const { client, secret } = await host.enrolled('alice');
  const approved = { notes: 'first\r\nsecond', mood: { now: 'calm', next: ['sad', 'glad'] } };
  await approve(t, host, client, secret, () => client.post('/visits/v0', { json: approved }));

  const others: [string, Promise<Answer>][] = [
    ['other text', client.post('/visits/v0', { json: { ...approved, notes: 'first\nsecond ' } })],
    ['one more field', client.post('/visits/v0', { json: { ...approved, signed: true } })],
    ['one field less', client.post('/visits/v0', { json: { notes: approved.notes } })],
    ['a list in another order', client.post('/visits/v0', { json: { ...approved, mood: { now: 'calm', next: [] } } })],
    ['no content', client.post('/visits/v0', {})],
    ['empty content', client.post('/visits/v0', { json: {} })],
    ['another method', client.send('PUT', '/visits/v0', { json: approved })],
    ['another query', client.post('/visits/v0?sign=1', { json: approved })],
    ['another record', client.post('/visits/v00', { json: approved })],
    ['another content type', client.post('/visits/v0', { form: { notes: 'first\nsecond' } })],
  ];
  for (const [what, sent] of others) t.equal((await sent).status, 401, what);
  t.equal(host.visits.get('v0')?.notes, 'notes of v0');
  t.equal(host.visits.get('v00')?.notes, 'untouched');
  t.equal(allowed(await host.events(), 'alice').length, 0, 'nothing was allowed');

  const reordered = { mood: { next: ['sad', 'glad'], now: 'calm' }, notes: 'first\nsecond' };
  t.equal((await client.post('/visits/v0', { json: reordered })).status, 200, 'the same content, written otherwise');
  t.equal(host.visits.get('v0')?.notes, 'first\nsecond');
  t.equal((await client.post('/visits/v0', { json: approved })).status, 401, 'spent');
  t.match(allowed(await host.events(), 'alice'), [{ reason: 'one-shot', patientId: 'p1', action: 'edit' }]);
  t.equal(allowed(await host.events(), 'alice').length, 1);
});

onEveryVersion('one approval, fifty requests at once: one is served', async (t, adapter) => {
  const host = await hostOf(adapter);
  const { client, secret } = await host.enrolled('bob');
  const json = { notes: 'paid' };
  await approve(t, host, client, secret, () => client.post('/visits/v01', { json }));
  const answers = await Promise.all(Array.from({ length: 50 }, () => client.post('/visits/v01', { json })));
  t.strictSame(answers.map((answer) => answer.status).sort(), [200, ...Array.from({ length: 49 }, () => 401)]);
  t.equal(new Set(answers.filter(({ status }) => status === 401).map((answer) => answer.json().challengeId)).size, 1);
  t.equal(allowed(await host.events(), 'bob').length, 1);
});

onEveryVersion('an approval lapses, and cannot be carried to another session or user', async (t, adapter) => {
  const host = await hostOf(adapter);
  const { client, secret } = await host.enrolled('carol');
  const again = await host.signedIn('carol');
  const json = { notes: 'later' };
  await approve(t, host, client, secret, () => client.post('/visits/v02', { json }));
  again.jar.set('countersign', client.jar.get('countersign') ?? '');
  t.equal((await again.post('/visits/v02', { json })).status, 401, 'another session, with the binding cookie');
  host.clock.set(120);
  t.equal((await client.post('/visits/v02', { json })).status, 401, 'two minutes later');
  t.equal(host.visits.get('v02')?.notes, 'untouched');
  t.equal(allowed(await host.events(), 'carol').length, 0);
});

onEveryVersion('a page that asks each time: asked, shown once, asked again, and never a loop', async (t, adapter) => {
  const host = await hostOf(adapter);
  const { client, secret } = await host.enrolled('dave');
  for (const round of ['first', 'second']) {
    host.clock.set(30);
    const sent = await client.get('/visits/v0?from=list', { page: true });
    t.equal(sent.status, 303, round);
    const path = new URL(sent.headers.get('location') ?? '', host.baseUrl).pathname;
    const page = await client.get(path, { page: true });
    t.equal(page.status, 200, 'the challenge page, not another redirect');
    const form = { _countersign: page.field('_countersign'), code: host.code(secret) };
    const passed = await client.post(`${path}/totp`, { form, page: true });
    t.equal(passed.status, 303);
    t.equal(passed.headers.get('location'), '/visits/v0?from=list');
    t.equal((await client.get('/visits/v0', { page: true })).status, 303, 'another query is another operation');
    t.equal((await client.get('/visits/v0?from=list', { page: true })).status, 200, 'shown');
    t.equal((await client.get(path, { page: true })).status, 404, 'the answered challenge is over');
  }
  t.equal((await client.get('/visits/v0?from=list', { page: true })).status, 303, 'a reload asks');
  t.equal(allowed(await host.events(), 'dave').length, 2);
});

onEveryVersion('content that the guard cannot read is refused, and never taken for empty', async (t, adapter) => {
  const host = await hostOf(adapter);
  const { client, secret } = await host.enrolled('erin');
  const plain = { 'content-type': 'text/plain' };
  t.match((await client.post('/late', { json: { pay: 10 } })).json(), { code: 'body_unreadable', status: 415 });
  t.match((await client.post('/trap', { body: 'pay 10', headers: plain })).json(), { code: 'body_unreadable' });
  t.match((await client.post('/late', { body: 'pay', headers: { ...plain, 'transfer-encoding': 'chunked' } })).json(), {
    code: 'body_unreadable',
  });

  // No content can be approved; with content the approval is worth nothing.
  await approve(t, host, client, secret, () => client.post('/late', {}));
  t.match((await client.post('/late', { json: { pay: 10 } })).json(), { code: 'body_unreadable' });
  await approve(t, host, client, secret, () => client.post('/trap', {}));
  t.match((await client.post('/trap', { body: 'pay 10', headers: plain })).json(), { code: 'body_unreadable' });
  t.equal(allowed(await host.events(), 'erin').length, 0);
  t.equal((await client.post('/late', {})).status, 200, 'what was approved is done');
});

onEveryVersion(
  'a schema that drops, converts and adds fields: what the handler gets is what was approved',
  async (t, adapter) => {
    if (adapter !== 'fastify') return void t.pass('Express has no schemas');
    const host = await hostOf(adapter);
    const { client, secret } = await host.enrolled('frank');
    await approve(t, host, client, secret, () => client.post('/preHandler', { json: { amount: '10', evil: true } }));
    t.equal((await client.post('/preHandler', { json: { amount: 11, evil: true } })).status, 401);
    t.equal((await client.post('/preHandler', { json: { amount: 10, currency: 'USD' } })).status, 401);
    const done = await client.post('/preHandler', { json: { amount: 10 } });
    t.strictSame(done.json(), { done: { amount: 10, currency: 'EUR' } });

    await approve(t, host, client, secret, () => client.post('/preValidation', { json: { amount: '10', evil: true } }));
    t.equal(
      (await client.post('/preValidation', { json: { amount: 10 } })).status,
      401,
      'before conversion: as it was sent',
    );
    t.equal((await client.post('/preValidation', { json: { amount: '10', evil: true } })).status, 200);
    t.equal(allowed(await host.events(), 'frank').length, 2);
  },
);

onEveryVersion('multipart: refused unless the host says what is being approved', async (t, adapter) => {
  const host = await hostOf(adapter);
  const { client, secret } = await host.enrolled('grace');
  t.match((await client.post('/unsaid', multipart('one', 'scan'))).json(), { code: 'body_unreadable' });
  const related = { ...multipart('one', 'scan'), headers: { 'content-type': 'Multipart/Mixed; boundary=one' } };
  t.match((await client.post('/unsaid', related)).json(), { code: 'body_unreadable' }, 'any kind of multipart');

  await approve(t, host, client, secret, () => client.post('/said', multipart('one', 'scan')));
  t.equal((await client.post('/said', multipart('one', 'another scan'))).status, 401);
  t.equal((await client.post('/said', multipart('two', 'scan'))).status, 200, 'a boundary is no content');
  t.equal((await client.post('/said', multipart('two', 'scan'))).status, 401);
  t.equal(allowed(await host.events(), 'grace').length, 1);
});

onEveryVersion('a host that asks early who is signed in: judged is what the handler gets', async (t, adapter) => {
  const host = await hostOf(adapter);
  const { client, secret } = await host.enrolled('heidi');
  await approve(t, host, client, secret, () => client.post('/early/p1/pay', { json: { amount: 10 } }));
  t.equal((await client.post('/early/p1/pay', { json: { amount: 1000 } })).status, 401);
  t.equal((await client.post('/early/p2/pay', { json: { amount: 10 } })).status, 401);
  t.equal((await client.post('/early/p1/pay', { json: { amount: 10 } })).status, 200);
  const events = (await host.events()).filter((event) => event.action === 'payment');
  t.ok(
    events.every((event) => event.method === 'POST' && event.route === '/early/:patientId/pay'),
    'the route is on the log',
  );
});
