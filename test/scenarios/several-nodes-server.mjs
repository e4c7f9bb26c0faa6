// One of several nodes of a host: a server process of its own, with session state and host sessions that the others share. Plain
// JavaScript, so that it starts in a moment.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createCountersign, totp } from '@countersign/core';
import { countersignExpress } from '@countersign/express';
import { countersignFastify, requireStepUp } from '@countersign/fastify';
import { openStore, postgresSessionState } from '@countersign/postgres';
import { redisSessionState } from '@countersign/redis';
import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import express from 'express';
import expressSession from 'express-session';
import Fastify from 'fastify';
import postgres from 'postgres';

let now = 0;
/** @type {import('@countersign/core').Countersign | undefined} */
let countersign;
/** @type {unknown[]} */
const faults = [];

/** The host's sessions, in a table of the host's. @param {ReturnType<typeof postgres>} sql */
const hostSessions = (sql) => {
  const settle = (/** @type {Promise<any>} */ work, /** @type {(error: unknown, value?: unknown) => void} */ done) =>
    void work.then((value) => done(null, value), done);
  return {
    get: (/** @type {string} */ id, /** @type {any} */ done) =>
      settle(
        sql`select data from host_session where id = ${id}`.then(([row]) => row && JSON.parse(row.data)),
        done,
      ),
    set: (/** @type {string} */ id, /** @type {object} */ session, /** @type {any} */ done) =>
      settle(
        sql`insert into host_session values (${id}, ${JSON.stringify(session)})
          on conflict (id) do update set data = excluded.data`.then(() => undefined),
        done,
      ),
    destroy: (/** @type {string} */ id, /** @type {any} */ done) =>
      settle(
        sql`delete from host_session where id = ${id}`.then(() => undefined),
        done,
      ),
  };
};

const principalOf = (/** @type {any} */ session, /** @type {string} */ sessionKey) =>
  session?.user === undefined
    ? null
    : {
        userId: session.user.userId,
        workspaceId: 'clinic',
        roles: [],
        displayName: session.user.userId,
        signedInAt: new Date(session.user.at),
        sessionKey,
      };

const resource = (/** @type {any} */ request) => {
  const { patientId } = request.params;
  return { workspaceId: 'clinic', patientId, categories: ['5'], value: { patientId } };
};

/** @type {Record<string, (sql: ReturnType<typeof postgres>, web: object) => Promise<import('node:http').Server>>} */
const frameworks = {
  async fastify(sql, web) {
    const app = Fastify();
    await app.register(fastifyCookie);
    const store = /** @type {any} */ (hostSessions(sql));
    await app.register(fastifySession, {
      secret: 's'.repeat(40),
      store,
      cookie: { secure: false },
      saveUninitialized: false,
    });
    await app.register(countersignFastify, {
      .../** @type {any} */ (web),
      identify: (/** @type {any} */ request) => principalOf(request.session, request.session.sessionId),
    });
    app.post('/sign-in', async (/** @type {any} */ request) => {
      await request.session.regenerate();
      request.session.user = { userId: request.body.userId, at: now };
      return {};
    });
    app.post('/sign-out', async (/** @type {any} */ request) => {
      await request.stepUp.signOut();
      return {};
    });
    const view = requireStepUp(['5'], { resource });
    const exported = requireStepUp(['5'], { action: 'export', resource });
    app.get('/visits/:patientId', { preHandler: view }, async (request) => view.resource(request));
    app.get('/export/:patientId', { preHandler: exported }, async (request) => exported.resource(request));
    await app.ready();
    return app.server;
  },
  async express(sql, web) {
    const app = express();
    app.set('env', 'test');
    app.use(
      expressSession({
        secret: 's'.repeat(40),
        resave: false,
        saveUninitialized: false,
        store: Object.assign(new expressSession.Store(), hostSessions(sql)),
      }),
      express.json(),
      express.urlencoded({ extended: false }),
    );
    const made = countersignExpress({
      .../** @type {any} */ (web),
      identify: (/** @type {any} */ request) => principalOf(request.session, request.session.id),
    });
    app.use(made.router);
    app.post('/sign-in', (request, response) => {
      request.session.regenerate(() => {
        Object.assign(request.session, { user: { userId: request.body.userId, at: now } });
        response.json({});
      });
    });
    const signOut = /** @type {any} */ (
      made.guarded(async (/** @type {any} */ request, /** @type {any} */ response) => {
        await request.stepUp.signOut();
        response.end('{}');
      })
    );
    app.post('/sign-out', signOut);
    const view = made.requireStepUp(['5'], { resource });
    const exported = made.requireStepUp(['5'], { action: 'export', resource });
    app.get('/visits/:patientId', view, (request, response) => void response.json(view.resource(request)));
    app.get('/export/:patientId', exported, (request, response) => void response.json(exported.resource(request)));
    app.use(/** @type {any} */ (made.errors));
    return createServer(app);
  },
};

/** @type {Record<string, (...args: any[]) => Promise<unknown>>} */
const tasks = {
  start: async ({ framework, url, redis, prefix, publicUrl, keys, at }) => {
    now = at;
    countersign = await createCountersign({
      store: await openStore(url),
      sessionState:
        redis === null ? await postgresSessionState(url) : redisSessionState({ url: redis, prefix, waitSeconds: 10 }),
      nodes: 'several',
      publicUrl,
      keys,
      categories: [{ id: '5', name: 'Ketamine infusion' }],
      factors: [totp({ issuer: 'Example EHR' })],
      attempts: { perWindow: 4, windowSeconds: 3600, consecutive: 100 },
      clock: { now: () => now, elapsed: () => 0 },
    });
    const web = {
      countersign,
      rotateHostSession: true,
      onFault: (/** @type {any} */ fault) => faults.push(`${fault.code}: ${fault.message}`),
    };
    const serve = frameworks[framework];
    if (serve === undefined) throw new Error(`no framework ${framework}`);
    const server = await serve(postgres(url, { max: 4, onnotice: () => {} }), web);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
  },
  setClock: async (at) => {
    now = at;
  },
  revokeProofs: async (userId) => await countersign?.sessions.revokeProofs('clinic', userId, 'role changed'),
  faults: async () => faults.splice(0),
};

process.on('message', async (/** @type {{ id: number, task: string, args: unknown[] }} */ { id, task, args }) => {
  try {
    process.send?.({ id, value: await tasks[task]?.(...args) });
  } catch (error) {
    process.send?.({ id, error: { code: Reflect.get(Object(error), 'code'), message: String(error) } });
  }
});
await once(process, 'disconnect');
process.exit();
