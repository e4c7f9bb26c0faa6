// The same small host on every framework: what a scenario or an attack needs of a real server, and nothing more.
import { hash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type AuditRecord,
  type Countersign,
  type CountersignError,
  type CountersignOptions,
  createCountersign,
  type Store,
  totp,
} from '@countersign/core';
import {
  type CountersignExpress,
  countersignExpress,
  type ExpressHandler,
  type ExpressRequest,
} from '@countersign/express';
import { countersignFastify, requireStepUp } from '@countersign/fastify';
import type { IdentifiedPrincipal, WebOptions } from '@countersign/web';
import fastifyCookie from '@fastify/cookie';
import fastifyFormbody from '@fastify/formbody';
import fastifySession from '@fastify/session';
import express5 from 'express';
import expressSession from 'express-session';
import express4 from 'express4';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { generateSync } from 'otplib';
import t, { type Test } from 'tap';
import { Client } from './client.ts';
import { type ManualClock, manualClock } from './clock.ts';
import { createRealStore } from './real-store.ts';
import { makeVisits, resourceOf, targetOf, type Visit } from './records.ts';

export const adapters = ['fastify', 'express5', 'express4'] as const;
export type AdapterName = (typeof adapters)[number];

declare module 'fastify' {
  interface Session {
    user?: SignedIn;
  }
}

/** What the host keeps in its session. */
export interface SignedIn {
  readonly userId: string;
  readonly workspaceId: string;
  readonly roles: readonly string[];
  readonly at: number;
}

export interface HostOptions {
  /** Default: a database of its own on server PostgreSQL, which is made in a fraction of the time that a PGlite takes. */
  readonly store?: Store;
  readonly clock?: ManualClock;
  readonly countersign?: Partial<CountersignOptions>;
  readonly web?: WebOptions & { readonly rotateHostSession?: boolean };
  /** Default `http://localhost:<port>`. */
  readonly publicUrl?: string;
  /** Sees each request before the framework does, as a host's method override would. */
  readonly onRequest?: (request: IncomingMessage, response: ServerResponse) => void;
  /** Ways in which a guarded handler may answer past its framework: `GET /raw/:id/:way`. */
  readonly rawAnswers?: Readonly<Record<string, (response: ServerResponse, notes: string) => void>>;
  /** Added to the bare server, before everything else. */
  readonly before?: HostRoutes;
  /** Routes besides the usual ones, behind Countersign and the host's sessions. */
  readonly routes?: HostRoutes;
  /** False: on Express only the usual routes have a body parser. Default true: everything has. */
  readonly bodyParsers?: boolean;
  /** Who is signed in, in place of the host's own sessions and bearers. */
  readonly identify?: (request: IncomingMessage) => IdentifiedPrincipal | null;
}

/** What a test adds to a host, on each kind of framework. */
export interface HostRoutes {
  fastify?(app: FastifyInstance): void | Promise<void>;
  /** `express` is the version's own module, with its body parsers. */
  express?(app: express5.Express, made: CountersignExpress<ExpressRequest>, express: typeof express5): void;
}

export interface Host {
  readonly adapter: AdapterName;
  readonly baseUrl: string;
  readonly countersign: Countersign;
  readonly store: Store;
  readonly clock: ManualClock;
  readonly visits: Map<string, Visit>;
  /** What was answered with 5xx. */
  readonly faults: CountersignError[];
  /** A client that nobody has signed in with. */
  client(): Client;
  /** A client, signed in by the host. */
  signedIn(userId: string, session?: Partial<SignedIn>): Promise<Client>;
  /** The same, with an authenticator app enrolled through the API; the clock moves on, so that the next code is a new one. */
  enrolled(userId: string, session?: Partial<SignedIn>): Promise<{ readonly client: Client; readonly secret: string }>;
  /** The code an authenticator app shows now, or `steps` later. */
  code(secret: string, steps?: number): string;
  /** Six digits that no clock within drift would show. */
  wrongCode(secret: string): string;
  /** Answers the challenge of a refused API request and returns the reply. */
  stepUp(client: Client, secret: string, path: string): Promise<void>;
  /** Committed events, of one user or of all, oldest first; those written behind a response are waited for. */
  events(userId?: string): Promise<readonly AuditRecord[]>;
  close(): Promise<void>;
}

/**
 * A test that runs on Fastify and on Express. Both versions of Express run the same code of ours, so each test takes one of them,
 * by its name; what touches the framework itself is tried on both, by `onEveryVersion`.
 */
export function onEveryAdapter(name: string, run: (t: Test, adapter: AdapterName) => Promise<void>): void {
  const express = hash('md5', name, 'hex') < '8' ? 'express4' : 'express5';
  for (const adapter of ['fastify', express] as const) t.test(`${name} (${adapter})`, (test) => run(test, adapter));
}

/** A test that runs on Fastify 5, Express 5 and Express 4. */
export function onEveryVersion(name: string, run: (t: Test, adapter: AdapterName) => Promise<void>): void {
  for (const adapter of adapters) t.test(`${name} (${adapter})`, (test) => run(test, adapter));
}

export const testCategories: CountersignOptions['categories'] = [
  { id: '5', name: 'Ketamine infusion' },
  {
    id: '8',
    name: 'Psychotherapy',
    graceSeconds: 300,
    codings: [{ system: 'http://snomed.info/sct', code: '75516001' }],
  },
  { id: '12', name: 'Substance use treatment', scope: 'category' },
  { id: '0', name: 'Asks every time', graceSeconds: 0 },
  { id: '1', name: 'Office visit', sensitive: false },
];

/** Starts a host. Closed at the end of the test file unless a test closes it before. */
export async function startHost(adapter: AdapterName, options: HostOptions = {}): Promise<Host> {
  const clock = options.clock ?? manualClock();
  const store = options.store ?? (await createRealStore());
  const server = createServer();
  if (options.onRequest !== undefined) server.on('request', options.onRequest);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://localhost:${(server.address() as AddressInfo).port}`;
  const countersign = await createCountersign({
    store,
    publicUrl: options.publicUrl ?? baseUrl,
    keys: { current: 'k1', all: { k1: randomBytes(32) } },
    categories: testCategories,
    factors: [totp({ issuer: 'Example EHR' })],
    isAdministrator: (principal) => principal.roles.includes('administrator'),
    clock,
    ...options.countersign,
  });
  const visits = makeVisits();
  const faults: CountersignError[] = [];
  const setUp: SetUp = {
    countersign,
    clock,
    visits,
    // Named, so that tests can tell for what a request was refused.
    web: { nameCategories: true, ...options.web, onFault: (fault) => faults.push(fault) },
    rawAnswers: options.rawAnswers ?? {},
    before: options.before,
    routes: options.routes,
    bodyParsers: options.bodyParsers ?? true,
    identify: options.identify,
  };
  const end = await (adapter === 'fastify'
    ? serveFastify(server, setUp)
    : serveExpress(server, setUp, adapter === 'express4' ? express4 : express5));

  let closed = false;
  const host: Host = {
    adapter,
    baseUrl,
    countersign,
    store,
    clock,
    visits,
    faults,
    client: () => new Client(baseUrl),
    async signedIn(userId, session = {}) {
      const client = new Client(baseUrl);
      const answer = await client.post('/sign-in', { json: { userId, ...session } });
      if (answer.status !== 200) throw new Error(`Sign-in failed: ${answer.status} ${answer.text}`);
      return client;
    },
    async enrolled(userId, session = {}) {
      const client = await host.signedIn(userId, session);
      const begun = await client.post('/api/v1/auth/mfa/enroll', { json: { factor: 'totp' } });
      if (begun.status !== 201) throw new Error(`Enrolment failed: ${begun.status} ${begun.text}`);
      const secret = String(begun.json().manualKey);
      const confirmed = await client.post('/api/v1/auth/mfa/enroll', {
        json: { factor: 'totp', code: host.code(secret) },
      });
      if (confirmed.status !== 200) throw new Error(`Enrolment failed: ${confirmed.status} ${confirmed.text}`);
      clock.set(30);
      return { client, secret };
    },
    code: (secret, steps = 0) => generateSync({ secret, epoch: Math.floor(clock.now() / 1000) + steps * 30 }),
    wrongCode(secret) {
      const near = [-2, -1, 0, 1, 2].map((steps) => host.code(secret, steps));
      return ['000000', '111111', '222222', '333333', '444444', '555555'].find((code) => !near.includes(code)) ?? '';
    },
    async stepUp(client, secret, path) {
      const refused = await client.get(path);
      if (refused.status !== 401) throw new Error(`Nothing was asked: ${refused.status} ${refused.text}`);
      const json = { challengeId: refused.json().challengeId, factor: 'totp', code: host.code(secret) };
      const answer = await client.post('/api/v1/auth/mfa/verify', { json });
      if (answer.status !== 200) throw new Error(`The code was refused: ${answer.status} ${answer.text}`);
    },
    async events(userId) {
      // An empty append settles after everything that was queued before it.
      await countersign.audit.append([]);
      const found: AuditRecord[] = [];
      for (const { stream } of await store.auditStreams()) {
        for await (const record of store.auditStream(stream)) {
          if (userId === undefined || record.userId === userId) found.push(record);
        }
      }
      return found.sort((one, other) => one.at - other.at || one.index - other.index);
    },
    async close() {
      if (closed) return;
      closed = true;
      server.closeAllConnections();
      await end();
      await countersign.close();
      if (options.store === undefined) await store.close();
    },
  };
  t.teardown(() => host.close());
  return host;
}

interface SetUp {
  readonly countersign: Countersign;
  readonly clock: ManualClock;
  readonly visits: Map<string, Visit>;
  readonly web: NonNullable<HostOptions['web']>;
  readonly rawAnswers: NonNullable<HostOptions['rawAnswers']>;
  readonly before: HostRoutes | undefined;
  readonly routes: HostRoutes | undefined;
  readonly bodyParsers: boolean;
  readonly identify: HostOptions['identify'];
}

const principalOf = (user: SignedIn | undefined, sessionKey: string): IdentifiedPrincipal | null =>
  user === undefined
    ? null
    : {
        userId: user.userId,
        workspaceId: user.workspaceId,
        roles: user.roles,
        displayName: user.userId,
        signedInAt: new Date(user.at),
        sessionKey,
      };

/** A program that sends `Authorization: Bearer <user id>`; null where a request has no such header. */
function bearerOf(request: IncomingMessage, now: number): IdentifiedPrincipal | null {
  const userId = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (userId === undefined) return null;
  return {
    userId,
    workspaceId: 'clinic',
    roles: ['clinician'],
    displayName: userId,
    signedInAt: new Date(now),
    sessionKey: JSON.stringify(['https://issuer.example', userId, 'sid']),
    credential: 'bearer',
  };
}

/** Where a lenient host looks for a record's id: in the path, else in the content, else in the query; the last of several. */
function lenientIdOf(request: {
  readonly params?: unknown;
  readonly query?: unknown;
  readonly body?: unknown;
}): string {
  for (const part of [request.params, request.body, request.query]) {
    const id: unknown = typeof part === 'object' && part !== null ? Reflect.get(part, 'id') : undefined;
    const last: unknown = Array.isArray(id) ? id.at(-1) : id;
    if (typeof last === 'string') return last.trim().toLowerCase();
  }
  return '';
}

/** What a test asks to be signed in as: everything but the name has a default. */
function signedInAs(body: unknown, now: number): SignedIn {
  return { workspaceId: 'clinic', roles: ['clinician'], at: now, ...(body as { userId: string }) };
}

async function serveFastify(
  server: Server,
  { countersign, clock, visits, web, rawAnswers, before, routes, identify }: SetUp,
): Promise<() => Promise<void>> {
  const began = clock.now();
  const app = Fastify({ serverFactory: (handler) => server.on('request', handler) });
  await before?.fastify?.(app);
  await app.register(fastifyCookie);
  await app.register(fastifyFormbody);
  await app.register(fastifySession, {
    secret: 's'.repeat(40),
    cookie: { secure: false },
    rolling: false,
    saveUninitialized: false,
  });
  await app.register(countersignFastify, {
    ...web,
    countersign,
    identify: (request) =>
      identify === undefined
        ? (bearerOf(request.raw, began) ?? principalOf(request.session.user, request.session.sessionId))
        : identify(request.raw),
  });
  const idOf = (request: FastifyRequest) => (request.params as { id: string }).id;
  const guard = (categories: readonly string[] | '*', action?: string) =>
    requireStepUp(categories, {
      ...(action === undefined ? {} : { action }),
      resource: async (request) => resourceOf(visits, idOf(request)),
    });

  app.post('/sign-in', async (request) => {
    await request.session.regenerate();
    request.session.user = signedInAs(request.body, clock.now());
    return { signedIn: true };
  });
  app.post('/switch-user', async (request) => {
    request.session.user = signedInAs(request.body, clock.now());
    return { signedIn: true };
  });
  app.post('/host-session', async (request) => Object.assign(request.session, request.body).user);
  app.get('/host-session', async (request) => ({ ...request.session, cookie: undefined }));
  app.post('/sign-out', async (request) => {
    await request.stepUp.signOut();
    await request.session.destroy();
    return { signedOut: true };
  });
  const view = guard(['5', '8', '12', '0']);
  app.get('/visits/:id', { preHandler: view }, async (request) => view.resource(request));
  const cached = guard(['5', '8']);
  app.get('/cached/:id', { preHandler: cached }, async (request, reply) => {
    void reply.header('cache-control', 'public, max-age=3600').header('etag', '"same"');
    return request.headers['if-none-match'] === '"same"' ? reply.code(304).send() : cached.resource(request);
  });
  const raw = guard(['5', '8']);
  app.get('/raw/:id', { preHandler: raw }, (request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'Cache-Control': 'public, max-age=3600', 'content-type': 'text/plain' });
    reply.raw.end(raw.resource(request).notes);
  });
  app.get('/raw/:id/:way', { preHandler: raw }, (request, reply) => {
    reply.hijack();
    rawAnswers[(request.params as { way: string }).way]?.(reply.raw, raw.resource(request).notes);
  });
  const lenient = requireStepUp('*', {
    resource: async (request: FastifyRequest) => resourceOf(visits, lenientIdOf(request)),
  });
  for (const url of ['/lookup', '/lenient/:id', '//evil.example/documents/:id']) {
    app.route({
      method: ['GET', 'POST'],
      url,
      preHandler: lenient,
      handler: async (request) => lenient.resource(request),
    });
  }
  const edit = requireStepUp(['5', '8', '12', '0'], {
    resource: async (request: FastifyRequest) => resourceOf(visits, idOf(request)),
    target: async (request: FastifyRequest) => targetOf(visits, idOf(request), request.body),
  });
  app.route({
    method: ['POST', 'PUT'],
    url: '/visits/:id',
    preHandler: edit,
    handler: async (request) => Object.assign(edit.resource(request), request.body),
  });
  const exported = guard(['5', '8', '12', '0'], 'export');
  app.get('/export/:id', { preHandler: exported }, async (request) => exported.resource(request));
  app.get('/patients/:patientId/notes', { preHandler: requireStepUp('*') }, async () => ({ notes: [] }));
  app.get('/resolver/:id', async (request) => {
    const visit = visits.get(idOf(request));
    if (visit === undefined) return { visit: null };
    await request.stepUp.enforce({
      workspaceId: visit.workspaceId,
      patientId: visit.patientId,
      categories: [visit.category],
    });
    return { visit };
  });
  app.get('/free', async () => ({ free: true }));
  await routes?.fastify?.(app);
  await app.ready();
  return async () => {
    await app.close();
    await new Promise((resolve) => server.close(resolve));
  };
}

type ExpressFactory = typeof express5 | typeof express4;

async function serveExpress(
  server: Server,
  { countersign, clock, visits, web, rawAnswers, before, routes, bodyParsers, identify }: SetUp,
  express: ExpressFactory,
): Promise<() => Promise<void>> {
  const began = clock.now();
  const app = (express as typeof express5)();
  // Without it Express prints every error that a test provokes.
  app.set('env', 'test');
  const session = (request: ExpressRequest) =>
    (request as ExpressRequest & { session: { user?: SignedIn; id: string } }).session;
  const made = countersignExpress({
    ...web,
    countersign,
    identify: (request: ExpressRequest) =>
      identify === undefined
        ? (bearerOf(request, began) ?? principalOf(session(request).user, session(request).id))
        : identify(request),
  });
  const { requireStepUp, guarded } = made;
  const idOf = (request: ExpressRequest) => (request.params as { id: string }).id;
  const guard = (categories: readonly string[] | '*', action?: string) =>
    requireStepUp(categories, {
      ...(action === undefined ? {} : { action }),
      resource: async (request: ExpressRequest) => resourceOf(visits, idOf(request)),
    });

  before?.express?.(app, made, express as typeof express5);
  app.use(expressSession({ secret: 's'.repeat(40), resave: false, saveUninitialized: false, name: 'sessionId' }));
  for (const parser of [express5.json(), express5.urlencoded({ extended: false })]) {
    if (!bodyParsers) app.use(['/sign-in', '/switch-user', '/visits'], parser as never);
    else app.use(parser as never);
  }
  app.use(made.router);
  app.post('/sign-in', (request, response) => {
    request.session.regenerate(() => {
      Object.assign(request.session, { user: signedInAs(request.body, clock.now()) });
      response.json({ signedIn: true });
    });
  });
  app.post('/switch-user', (request, response) => {
    Object.assign(request.session, { user: signedInAs(request.body, clock.now()) });
    response.json({ signedIn: true });
  });
  app.post('/host-session', (request, response) => {
    Object.assign(request.session, request.body);
    response.json({});
  });
  app.get('/host-session', (request, response) => void response.json({ ...request.session, cookie: undefined }));
  app.post(
    '/sign-out',
    guarded(async (request: ExpressRequest, response) => {
      await request.stepUp?.signOut();
      (request as unknown as { session: { destroy(done: () => void): void } }).session.destroy(() =>
        response.end('{}'),
      );
    }) as ExpressHandler,
  );
  const view = guard(['5', '8', '12', '0']);
  app.get('/visits/:id', view, (request, response) => void response.json(view.resource(request)));
  const cached = guard(['5', '8']);
  app.get('/cached/:id', cached, (request, response) => {
    response.set('cache-control', 'public, max-age=3600').set('etag', '"same"');
    if (request.headers['if-none-match'] === '"same"') response.status(304).end();
    else response.json(cached.resource(request));
  });
  const raw = guard(['5', '8']);
  app.get('/raw/:id', raw, (request, response) => {
    response.writeHead(200, { 'Cache-Control': 'public, max-age=3600', 'content-type': 'text/plain' });
    response.end(raw.resource(request).notes);
  });
  app.get('/raw/:id/:way', raw, (request, response) => {
    rawAnswers[(request.params as { way: string }).way]?.(response, raw.resource(request).notes);
  });
  const lenient = requireStepUp('*', {
    resource: async (request: ExpressRequest) => resourceOf(visits, lenientIdOf(request)),
  });
  for (const path of ['/lookup', '/lenient/:id', '//evil.example/documents/:id']) {
    const look: ExpressHandler = (request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(lenient.resource(request)));
    };
    app.get(path, lenient, look);
    app.post(path, lenient, look);
  }
  const edit = requireStepUp(['5', '8', '12', '0'], {
    resource: async (request: ExpressRequest) => resourceOf(visits, idOf(request)),
    target: async (request: ExpressRequest) => targetOf(visits, idOf(request), request.body),
  });
  const save: ExpressHandler = (request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(Object.assign(edit.resource(request), request.body)));
  };
  app.post('/visits/:id', edit, save);
  app.put('/visits/:id', edit, save);
  const exported = guard(['5', '8', '12', '0'], 'export');
  app.get('/export/:id', exported, (request, response) => void response.json(exported.resource(request)));
  app.get('/patients/:patientId/notes', requireStepUp('*'), (_request, response) => void response.json({ notes: [] }));
  app.get(
    '/resolver/:id',
    guarded(async (request: ExpressRequest, response) => {
      const visit = visits.get(idOf(request)) ?? null;
      if (visit !== null) {
        await request.stepUp?.enforce({
          workspaceId: visit.workspaceId,
          patientId: visit.patientId,
          categories: [visit.category],
        });
      }
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ visit }));
    }) as ExpressHandler,
  );
  app.get('/free', (_request, response) => void response.json({ free: true }));
  routes?.express?.(app, made, express as typeof express5);
  app.use(made.errors as never);
  server.on('request', app);
  return async () => {
    await new Promise((resolve) => server.close(resolve));
  };
}
