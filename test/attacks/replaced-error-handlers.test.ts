// The host has an error handler of its own that turns whatever it gets into a 500, or into a page that says "try again" (threat 27).
// A refusal thrown by `enforce` in the middle of a handler must arrive as our refusal all the same: wherever that handler stands,
// whoever registered first, in async handlers on Express 4 too; and what is not ours must go the way it would have gone.
import type { ExpressRequest } from '@countersign/express';
import { requireStepUp } from '@countersign/fastify';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Answer } from '../support/client.ts';
import { type HostRoutes, onEveryVersion } from '../support/hosts.ts';
import { sharedHosts } from '../support/shared-hosts.ts';

const demand = { workspaceId: 'clinic', patientId: 'p1', categories: ['5'] };
const opened = { notes: 'notes of v1' };

type Enforcing = { readonly stepUp: { enforce(demand: object): Promise<void> } };
const failing = async (request: object) => {
  if (new URLSearchParams(String(Reflect.get(request, 'url')).split('?')[1]).has('boom')) throw new Error('boom');
  await (request as Enforcing).stepUp.enforce(demand);
  return opened;
};

const swallow = async (error: Error, _request: FastifyRequest, reply: FastifyReply) =>
  reply.code(500).send({ host: error.message });
/** The older style: it returns nothing, and replies some time later. */
const swallowLater = (error: Error, _request: FastifyRequest, reply: FastifyReply) => {
  setImmediate(() => void reply.code(500).send({ host: error.message }));
};
const swallowing: ErrorRequestHandler = (error: Error, _request, response, _next) => {
  setImmediate(() => void response.status(500).json({ host: error.message }));
};

/** Each path throws the refusal to the host in another place. */
const paths = ['/root', '/callback', '/child', '/late-child', '/route', '/later', '/guarded/v1'];
const routes: HostRoutes = {
  fastify(app) {
    app.get('/root', failing);
    app.get('/callback', (request, reply) => {
      void failing(request).then(
        (value) => reply.send(value),
        (error: Error) => reply.send(error),
      );
    });
    app.register(async (child) => {
      child.setErrorHandler(swallow);
      child.get('/child', failing);
    });
    app.register(async (child) => {
      child.get('/late-child', failing);
      child.setErrorHandler(swallowLater);
    });
    app.get('/route', { errorHandler: swallow }, failing);
    app.get('/later', { errorHandler: swallowLater }, failing);
    const guard = requireStepUp('*', { resource: async () => null });
    app.get('/guarded/:id', { preHandler: guard, errorHandler: swallow }, failing);
  },
  express(app, made, express) {
    const answering = made.guarded(async (request: ExpressRequest, response) => {
      const value = await failing(request);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(value));
    }) as unknown as RequestHandler;
    app.get('/root', answering);
    app.get('/callback', (request, response, next) => {
      void failing(request).then((value) => response.json(value), next);
    });
    app.use('/callback', made.errors as never);
    const child = express.Router();
    child.get('/child', answering);
    child.use(swallowing);
    app.use(child);
    const late = express.Router();
    late.get('/late-child', answering);
    app.use(late);
    app.use('/late-child', swallowing);
    app.get('/route', answering, swallowing);
    app.get('/later', answering, swallowing);
    app.get('/guarded/:id', made.requireStepUp('*', { resource: async () => null }), answering);
    // First registered: whoever calls next(error) meets the host's handler before ours.
    app.use(swallowing);
  },
};

const hosts = {
  first: sharedHosts({
    before: {
      fastify(app) {
        app.setErrorHandler(swallow);
      },
    },
    routes,
  }),
  last: sharedHosts({
    routes: {
      fastify(app) {
        void routes.fastify?.(app);
        app.setErrorHandler(swallowLater);
      },
      express(app, made, express) {
        app.use('/resolver', made.errors as never);
        routes.express?.(app, made, express);
      },
    },
  }),
};

for (const [order, hostOf] of Object.entries(hosts)) {
  onEveryVersion(`a refusal arrives as ours, with the host's handler registered ${order}`, async (t, adapter) => {
    const host = await hostOf(adapter);
    const { client, secret } = await host.enrolled('carol');
    const refusals: Answer[] = [];
    for (const path of paths.slice(0, -1)) {
      const refused = await client.get(path);
      t.match(refused.json(), { code: 'step_up_required', status: 401, reasons: [{ kind: 'missing' }] }, path);
      t.equal(refused.status, 401, path);
      t.equal(refused.headers.get('cache-control'), 'no-store', path);
      t.match((await client.get(path, { page: true })).headers.get('location'), /\/step-up\/challenge\//, path);
      refusals.push(refused);

      const stranger = await host.client().get(path);
      t.match(stranger.json(), { code: 'sign_in_required', status: 401 }, `${path}, nobody signed in`);
      t.equal(stranger.status, 401);
      const own = await client.get(`${path}?boom`);
      t.strictSame([own.status, own.json()], [500, { host: 'boom' }], `${path}: the host's own error is the host's`);
    }
    t.equal((await client.get('/resolver/v1')).status, 401);
    t.equal((await client.get('/guarded/v1')).status, 404);
    t.match(
      (await host.events()).filter((event) => event.userId === 'carol' && event.code === 'ACCESS_ALLOWED'),
      [],
      'nothing was opened',
    );
    const asked = (await host.events()).filter((event) => event.code === 'MFA_REQUIRED');
    t.ok(asked.length >= refusals.length, 'and each refusal is on the log');

    await host.stepUp(client, secret, '/root');
    for (const path of paths.slice(0, -1)) t.strictSame((await client.get(path)).json(), opened, `${path} opens`);
  });
}

/** What the host does before it knows who is signed in may fail as well. */
onEveryVersion('a guard refuses by itself, whatever error handler there is', async (t, adapter) => {
  const host = await hosts.first(adapter);
  const stranger = host.client();
  t.match((await stranger.get('/visits/v1')).json(), { code: 'sign_in_required' });
  const { client } = await host.enrolled('dave');
  t.match((await client.get('/visits/v1')).json(), { code: 'step_up_required' });
  const broken = await client.get('/visits/broken');
  t.equal(broken.status, 503);
  t.match(broken.json(), { code: 'resource_unavailable' });
  t.equal(broken.headers.get('retry-after'), '5');
});
