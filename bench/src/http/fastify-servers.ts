import type { Category } from '@countersign/core';
import { countersignFastify, requireStepUp } from '@countersign/fastify';
import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { CookieClient } from './cookie-client.ts';
import { homeMadeCheck } from './home-made-check.ts';
import type { Served } from './served.ts';
import { makeStepUp, principalOf, resourceOf } from './step-up.ts';
import { findVisit, type SignedIn, signedIn } from './visits.ts';

declare module 'fastify' {
  interface Session {
    user?: SignedIn;
  }
}

const idOf = (request: FastifyRequest): string => (request.params as { id: string }).id;

/** The route with nothing around it. */
export async function bareFastify(): Promise<Served> {
  const app = Fastify();
  app.get('/visits/:id', async (request) => findVisit(idOf(request)));
  return await served(app, async () => '');
}

/** The route behind @fastify/session, asking only who is signed in. */
export async function sessionFastify(options: 'lean' | 'defaults'): Promise<Served> {
  const app = await withSession(options);
  app.get('/visits/:id', async (request, reply) => {
    const { user } = request.session;
    if (user === undefined) return refused(reply, 401);
    const visit = await findVisit(idOf(request));
    return visit === null || visit.workspaceId !== user.workspaceId ? refused(reply, 404) : visit;
  });
  return await served(app, signIn);
}

/** The route behind the same session and a guard. */
export async function guardedFastify(databaseUrl: string, accessAudit: Category['accessAudit']): Promise<Served> {
  const { countersign, prepare } = await makeStepUp(databaseUrl, accessAudit);
  const app = await withSession('lean');
  await app.register(countersignFastify, {
    countersign,
    identify: (request) => principalOf(request.session.user, request.session.sessionId),
  });
  const guard = requireStepUp(['5', '8'], {
    resource: async (request: FastifyRequest) => resourceOf(await findVisit(idOf(request))),
  });
  app.get('/visits/:id', { preHandler: guard }, async (request) => guard.resource(request));
  return await served(app, prepare);
}

/** The route behind the same session and what hosts write themselves: rows in PostgreSQL, asked on each request. */
export async function homeMadeFastify(databaseUrl: string, audit: boolean): Promise<Served> {
  const check = await homeMadeCheck(databaseUrl);
  const app = await withSession('lean');
  app.get('/visits/:id', async (request, reply) => {
    const { user, sessionId } = request.session;
    if (user === undefined) return refused(reply, 401);
    const visit = await findVisit(idOf(request));
    if (visit === null || visit.workspaceId !== user.workspaceId) return refused(reply, 404);
    if (!(await check.isFresh(sessionId, user.userId, visit.patientId))) return refused(reply, 401);
    if (audit) await check.record(user, visit, request.method, request.ip, request.headers['user-agent'] ?? null);
    return visit;
  });
  app.post('/step-up', async (request) => {
    await check.passed(request.session.sessionId, request.session.user?.userId ?? '', 'p1');
    return { passed: true };
  });
  return await served(app, async (baseUrl) => {
    const client = new CookieClient(baseUrl);
    await client.send('POST', '/sign-in', 200);
    await client.send('POST', '/step-up', 200);
    return client.header;
  });
}

async function withSession(options: 'lean' | 'defaults'): Promise<FastifyInstance> {
  const app = Fastify();
  await app.register(fastifyCookie);
  await app.register(fastifySession, {
    secret: 's'.repeat(40),
    cookie: { secure: false },
    ...(options === 'lean' ? { rolling: false, saveUninitialized: false } : {}),
  });
  app.post('/sign-in', async (request) => {
    await request.session.regenerate();
    request.session.user = signedIn();
    return { signedIn: true };
  });
  return app;
}

async function signIn(baseUrl: string): Promise<string> {
  const client = new CookieClient(baseUrl);
  await client.send('POST', '/sign-in', 200);
  return client.header;
}

const refused = (reply: FastifyReply, status: number) => reply.code(status).send({ status });

export async function served(app: FastifyInstance, prepare: Served['prepare']): Promise<Served> {
  await app.ready();
  return { server: app.server, prepare };
}
