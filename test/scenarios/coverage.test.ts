// A route that somebody forgot to guard is found by the host's own tests: every route is listed with its guard or the lack of one,
// and what cannot be seen counts as unguarded.
import { randomBytes } from 'node:crypto';
import { createCountersign, totp } from '@countersign/core';
import { countersignExpress, coverage as expressCoverage } from '@countersign/express';
import { countersignFastify, coverage, requireStepUp } from '@countersign/fastify';
import { openStore } from '@countersign/postgres';
import { assertCovered, type CoverageRow } from '@countersign/web';
import express5 from 'express';
import express4 from 'express4';
import Fastify, { type FastifyInstance } from 'fastify';
import t from 'tap';
import { createPglite } from '../support/pglite.ts';

const store = await openStore(await createPglite());
const countersign = await createCountersign({
  store,
  publicUrl: 'http://localhost',
  keys: { current: 'k1', all: { k1: randomBytes(32) } },
  categories: [
    { id: '5', name: 'Ketamine infusion' },
    { id: '8', name: 'Psychotherapy' },
  ],
  factors: [totp({ issuer: 'Example EHR' })],
});
t.teardown(async () => {
  await countersign.close();
  await store.close();
});
const identify = () => null;

async function fastify(build: (app: FastifyInstance) => void, before?: (app: FastifyInstance) => void) {
  const app = Fastify();
  before?.(app);
  await app.register(countersignFastify, { countersign, identify });
  build(app);
  await app.ready();
  t.teardown(() => app.close());
  return app;
}
const handler = async () => ({});
const found = (rows: readonly CoverageRow[]) =>
  rows
    .filter(({ state, method }) => state !== 'ours' && method !== 'HEAD')
    .map((row) => `${row.state} ${row.method} ${row.path}`);

t.test('Fastify: guards on routes and on scopes', async (t) => {
  const app = await fastify((app) => {
    const guard = requireStepUp(['5', '8'], { action: 'export' });
    app.get('/open', handler);
    app.get('/guarded/:patientId', { preHandler: guard }, handler);
    app.route({ method: ['PUT', 'POST'], url: '/several/:patientId', preHandler: [async () => {}, guard], handler });
    app.get('/early/:patientId', { onRequest: requireStepUp('*') }, handler);
    app.register(
      async (scope) => {
        scope.get('/before/:patientId', handler);
        scope.addHook('preHandler', requireStepUp('*') as never);
        scope.register(async (inner) => inner.get('/inner/:patientId', handler));
      },
      { prefix: '/scope' },
    );
    app.get('/late', handler);
  });
  const rows = app.countersignCoverage();
  t.strictSame(found(rows), [
    'unguarded GET /open',
    'guarded GET /guarded/:patientId',
    'guarded PUT /several/:patientId',
    'guarded POST /several/:patientId',
    'guarded GET /early/:patientId',
    'unguarded GET /late',
    'guarded GET /scope/before/:patientId',
    'guarded GET /scope/inner/:patientId',
  ]);
  t.strictSame(rows, coverage(app), 'the function and the decorator say the same');
  t.match(
    rows.find(({ path, method }) => path === '/guarded/:patientId' && method === 'GET'),
    { categories: ['5', '8'], action: 'export' },
  );
  t.match(
    rows.find(({ path }) => path === '/early/:patientId'),
    { categories: '*', action: 'view' },
  );
  t.ok(rows.some(({ path, state }) => path === '/step-up/factors' && state === 'ours'));
  t.ok(
    rows.some(({ path, method }) => path === '/open' && method === 'HEAD'),
    'HEAD is a route too',
  );
});

t.test('Fastify: routes that the plugin has not seen are unknown, whatever their shape', async (t) => {
  const app = await fastify(
    (app) => app.get('/files/late/:id', handler),
    (app) => {
      app.get('/', handler);
      app.get('/files', handler);
      app.get('/files/:id', { preHandler: requireStepUp('*') }, handler);
      app.get('/files/:id/pages', handler);
      app.get('/fi*', handler);
      app.get('/file/:name(^[a-z]+$)', handler);
      app.get('/odd (GET)/:x', handler);
      app.get('/versioned', { constraints: { version: '1.0.0' } }, handler);
      app.get('/versioned', handler);
      app.post('/optional/:id?', handler);
    },
  );
  t.strictSame(
    found(coverage(app))
      .filter((row) => row.startsWith('unknown'))
      .sort(),
    [
      'unknown GET /',
      'unknown GET /fi*',
      'unknown GET /file/:name(^[a-z]+$)',
      'unknown GET /files',
      'unknown GET /files/:id',
      'unknown GET /files/:id/pages',
      'unknown GET /odd (GET)/:x',
      'unknown GET /versioned',
      'unknown GET /versioned',
      'unknown POST /optional',
      'unknown POST /optional/:id',
    ],
  );
  t.ok(found(coverage(app)).includes('unguarded GET /files/late/:id'));
});

t.test('Fastify: what is seen is not reported as unknown again', async (t) => {
  const app = Fastify({
    routerOptions: { caseSensitive: false, ignoreTrailingSlash: true, ignoreDuplicateSlashes: true },
  });
  await app.register(countersignFastify, { countersign, identify });
  app.get('/Mixed/:Id/', handler);
  app.get('/double//slash', handler);
  app.get('/optional/:id?', handler);
  app.all('/every', handler);
  app.register(async (scope) => scope.get('/', handler), { prefix: '/prefixed' });
  await app.ready();
  t.teardown(() => app.close());
  t.strictSame(
    found(coverage(app)).filter((row) => row.startsWith('unknown')),
    [],
  );
});

t.test('Fastify: asked too early, or without the plugin', async (t) => {
  const early = Fastify();
  await early.register(countersignFastify, { countersign, identify });
  t.throws(() => coverage(early), { code: 'configuration_invalid' });
  await early.close();
  const bare = Fastify();
  bare.get('/a', handler);
  await bare.ready();
  t.teardown(() => bare.close());
  t.strictSame(found(coverage(bare)), ['unknown GET /a']);
  const elsewhere = Fastify();
  elsewhere.register(async (scope) => {
    await scope.register(countersignFastify, { countersign, identify });
    scope.get('/inside', handler);
  });
  elsewhere.get('/outside', handler);
  await elsewhere.ready();
  t.teardown(() => elsewhere.close());
  t.ok(found(coverage(elsewhere)).includes('unknown GET /inside'), 'from outside nothing is known');
});

for (const [name, express] of [
  ['Express 5', express5],
  ['Express 4', express4 as unknown as typeof express5],
] as const) {
  t.test(`${name}: routes, routers and mounts`, async (t) => {
    const { router, requireStepUp: guardOf, errors } = countersignExpress({ countersign, identify });
    const app = express();
    const respond: express5.RequestHandler = (_request, response) => void response.end();
    const guard = guardOf(['5'], { action: 'delete' });
    app.use(express.json());
    app.use(router);
    app.get('/open', respond);
    app.get('/guarded/:patientId', guard, respond);
    app.route('/both/:patientId').get(respond).put(guard, respond);
    app.all('/any/:patientId', guard, respond);
    app.get('/useless/:patientId', respond, guard);
    app.get(['/one', '/two'], respond);
    app.get(/^\/pattern/, respond);
    const records = express.Router();
    records.get('/before', respond);
    records.use(guardOf('*') as never);
    records.get('/after', respond);
    records.use('/deeper', express.Router().get('/x', respond));
    app.use('/records/here', records);
    app.use('/mounted/:patientId', guardOf('*') as never, express.Router().get('/x', respond));
    app.use(['/elsewhere', '/or.here'], express.Router().get('/x', respond));
    app.use(/^\/some/, express.Router().get('/x', respond));
    app.use(express.Router().get('/unmounted', respond));
    app.use('/static', express.static('.'));
    app.use('/sub', express().get('/hidden', respond));
    app.use(express().get('/hidden-too', respond));
    app.use(errors as never);

    const rows = expressCoverage(app);
    t.strictSame(found(rows), [
      'unguarded GET /open',
      'guarded GET /guarded/:patientId',
      'unguarded GET /both/:patientId',
      'guarded PUT /both/:patientId',
      ...found(rows).filter((row) => row.endsWith('/any/:patientId')),
      'unguarded GET /useless/:patientId',
      'unguarded GET /one',
      'unguarded GET /two',
      'unguarded GET //^\\/pattern/',
      'unguarded GET /records/here/before',
      'guarded GET /records/here/after',
      'guarded GET /records/here/deeper/x',
      'guarded GET /mounted/:patientId/x',
      'unguarded GET /elsewhere|/or.here/x',
      name === 'Express 5' ? 'unguarded GET //^\\/some//x' : 'unguarded GET /*/x',
      'unguarded GET /unmounted',
      'unknown ALL /static/*',
      'unknown ALL /sub/*',
      'unknown ALL /*',
    ]);
    t.ok(found(rows).some((row) => /^guarded (ALL|GET) \/any\/:patientId$/.test(row)));
    t.match(
      rows.find(({ path }) => path === '/guarded/:patientId'),
      { categories: ['5'], action: 'delete' },
    );
    t.ok(rows.some(({ path, state }) => path === '/step-up/factors' && state === 'ours'));
    t.throws(() => assertCovered(expressCoverage(express())), /No route of the host was seen/);
  });
}

t.test('assertCovered lists what is open, and takes what is open on purpose', async (t) => {
  const app = await fastify(
    (app) => {
      app.get('/health', handler);
      app.get('/assets/site.css', handler);
      app.get('/forgotten', handler);
      app.get('/guarded/:patientId', { preHandler: requireStepUp('*') }, handler);
    },
    (app) => app.get('/early', handler),
  );
  t.throws(() => assertCovered(coverage(app), { exempt: ['/health', '/assets/*'] }), {
    name: 'AssertionError',
    message: new RegExp(
      [
        /^4 of \d+ routes are not known to be guarded:/,
        / {2}unguarded {2}GET \/forgotten/,
        / {2}unguarded {2}HEAD \/forgotten/,
        / {2}unknown {4}GET \/early/,
        / {2}unknown {4}HEAD \/early/,
        /Give them requireStepUp/,
      ]
        .map(({ source }) => source)
        .join('\n'),
    ),
  });
  assertCovered(coverage(app), { exempt: ['/health', '/assets/*', /^\/(forgotten|early)$/g] });
  assertCovered(coverage(app), { exempt: ({ path }) => path !== '/guarded/:patientId' });
  const marked = coverage(app, { exempt: () => true });
  t.strictSame(
    new Set(marked.map(({ path, state }) => (path.startsWith('/step-up') || path.startsWith('/api') ? 'ours' : state))),
    new Set(['exempt', 'guarded', 'ours']),
    'what is guarded stays guarded',
  );
  t.throws(() => assertCovered(coverage(app), { exempt: [7 as never] }), { code: 'configuration_invalid' });
  t.throws(() => assertCovered([]), /No route of the host was seen/);
});
