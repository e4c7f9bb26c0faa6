// The packages' types beside those of the frameworks, as hosts write them. Compiled with the tests and never run.
import { createCountersign, totp } from '@countersign/core';
import { countersignExpress, type ExpressRequest } from '@countersign/express';
import { countersignFastify, requireStepUp } from '@countersign/fastify';
import { openStore } from '@countersign/postgres';
import type { IdentifiedPrincipal } from '@countersign/web';
import express5, { type Request as Request5, type Response as Response5 } from 'express';
import express4, { type Request as Request4, type Response as Response4 } from 'express4';
import Fastify, { type FastifyPluginAsync, type FastifyRequest, type preHandlerHookHandler } from 'fastify';

interface Appointment {
  readonly id: string;
  readonly patientId: string;
  readonly categoryId: string;
}
declare function appointment(id: string): Promise<Appointment | null>;
declare function signedIn(request: object): IdentifiedPrincipal | null;

/** Compiles where both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never;
const same = <A, B>(_: Same<A, B>): void => {};

/** A loader as hosts write it: null, or the record with the object that the handler gets. */
async function load(id: string) {
  const value = await appointment(id);
  if (value === null) return null;
  return { workspaceId: 'clinic', patientId: value.patientId, categories: [value.categoryId], value };
}

const categories = [{ id: '5', name: 'Ketamine infusion' }];
export const start = async () =>
  createCountersign({
    store: await openStore('./data'),
    publicUrl: 'https://ehr.example.org/clinic',
    keys: { current: 'k1', all: { k1: process.env.KEY ?? '' } },
    categories,
    factors: [totp({ issuer: 'Example EHR' })],
    isAdministrator: (principal) => principal.roles.includes('administrator'),
  });

export async function fastifyHost(): Promise<void> {
  const countersign = await start();
  const app = Fastify();
  await app.register(countersignFastify, { countersign, identify: (request) => signedIn(request.headers) });
  await app.register(countersignFastify, { countersign, identify: async (request) => signedIn(request.raw) });

  const guard = requireStepUp(['5'], {
    resource: async (request) => await load((request.params as { id: string }).id),
  });
  guard satisfies preHandlerHookHandler;
  app.get('/appointments/:id', { preHandler: guard }, async (request) => {
    same<ReturnType<typeof guard.resource>, Appointment>(true);
    return guard.resource(request).categoryId;
  });

  // Routes with types of their own, and guards that know them.
  interface Route {
    Params: { id: string };
    Body: { categoryId: string };
    Reply: { 200: Appointment };
  }
  const typed = requireStepUp(['5'], {
    action: 'edit',
    resource: async (request: FastifyRequest<Route>) => await load(request.params.id),
    target: async (request, principal, current) => ({
      workspaceId: principal.workspaceId,
      patientId: current.patientId,
      categories: [request.body.categoryId],
    }),
  });
  app.put<Route>('/appointments/:id', { preHandler: typed }, async (request) => typed.resource(request));
  app.put<Route>('/listed/:id', { preHandler: [guard, typed] }, async (request) => guard.resource(request));
  app.addHook('preHandler', requireStepUp('*'));

  const part: FastifyPluginAsync = async (child) => {
    const onlyPatient = requireStepUp('*', { patientId: (request) => request.id });
    same<ReturnType<typeof onlyPatient.resource>, undefined>(true);
    child.get<{ Params: { id: string } }>('/notes/:id', { preHandler: onlyPatient }, async (request) => {
      const decision = await request.stepUp.check({ workspaceId: 'clinic', patientId: 'p1', categories: ['5'] });
      await request.stepUp.enforce({ workspaceId: 'clinic', patientId: request.params.id, categories: ['5'] });
      return decision.outcome === 'allow' ? decision.basis : request.stepUp.principal.userId;
    });
  };
  await app.register(part, { prefix: '/part' });
}

export async function http2Host(): Promise<void> {
  const countersign = await start();
  const app = Fastify({ http2: true });
  await app.register(countersignFastify, { countersign, identify: (request) => signedIn(request.headers) });
  const guard = requireStepUp('*', { resource: (request) => load((request.params as { id: string }).id) });
  app.get('/appointments/:id', { preHandler: guard }, async (request) => guard.resource(request).id);
  app.get<{ Params: { id: string } }>('/typed/:id', { preHandler: [guard] }, async (request) => {
    await request.stepUp.signOut();
    return guard.resource(request).id;
  });
  const secure = Fastify({ http2: true, https: { allowHTTP1: true } });
  await secure.register(countersignFastify, { countersign, identify: () => null });
  secure.get('/appointments/:id', { preHandler: guard }, async (request) => guard.resource(request).id);
}

export async function express5Host(): Promise<void> {
  const countersign = await start();
  const app = express5();
  const { router, requireStepUp, errors, guarded } = countersignExpress({
    countersign,
    identify: (request: Request5) => signedIn(request),
    notFound: (request, response) => {
      response.statusCode = request.path === '/' ? 410 : 404;
      response.end();
    },
  });
  app.use(router);
  const guard = requireStepUp(['5'], { resource: async (request) => await load(String(request.params.id)) });
  app.get('/appointments/:id', guard, (request, response) => {
    same<ReturnType<typeof guard.resource>, Appointment>(true);
    // A guard before it leaves a route the types that Express infers from its path.
    same<typeof request.params, { id: string }>(true);
    response.json(guard.resource(request));
  });
  const typed = requireStepUp(['5'], {
    resource: async (request: Request5<{ id: string }, unknown, { categoryId: string }>) =>
      await load(request.params.id),
    target: async (request, { workspaceId }, current) => ({
      workspaceId,
      patientId: current.patientId,
      categories: [request.body.categoryId],
    }),
  });
  app.put('/appointments/:id', typed, async (request, response: Response5<Appointment>) => {
    await request.stepUp.enforce({ workspaceId: 'clinic', patientId: request.params.id, categories: ['5'] });
    response.json(typed.resource(request));
  });
  app.get(
    '/resolver/:id',
    guarded(async (request: Request5<{ id: string }>, response: Response5) => {
      const { userId } = request.stepUp.principal;
      response.json({ userId, id: request.params.id });
    }),
  );
  const part = express5.Router();
  part.use(router);
  part.get('/notes', requireStepUp('*'), (_request, response) => void response.end());
  app.use('/part', part);
  app.use(errors);
}

export async function express4Host(): Promise<void> {
  const countersign = await start();
  const app = express4();
  const { router, requireStepUp, errors, guarded } = countersignExpress({
    countersign,
    identify: async (request: Request4) => signedIn(request),
  });
  app.use(router);
  const guard = requireStepUp(['5'], { resource: (request) => load(String(request.params.id)) });
  app.get('/appointments/:id', guard, (request, response) => {
    same<ReturnType<typeof guard.resource>, Appointment>(true);
    // A guard before it leaves a route the types that Express infers from its path.
    same<typeof request.params, { id: string }>(true);
    response.json(guard.resource(request));
  });
  const typed = requireStepUp(['5'], {
    resource: (request: Request4<{ id: string }, unknown, { categoryId: string }>) => load(request.params.id),
  });
  app.put('/appointments/:id', typed, (request, response: Response4<Appointment>) => {
    response.json(typed.resource(request));
  });
  app.get(
    '/resolver/:id',
    guarded(async (request: Request4<{ id: string }>, response: Response4) => {
      await request.stepUp.enforce({ workspaceId: 'clinic', patientId: request.params.id, categories: ['5'] });
      response.json({});
    }),
  );
  const part = express4.Router();
  part.get('/notes', requireStepUp('*'), (_request, response) => void response.end());
  app.use('/part', part);
  app.use(errors);
}

/** A host that annotates nothing gets our own, smaller request. */
export async function unannotated(): Promise<void> {
  const { requireStepUp, router } = countersignExpress({ countersign: await start(), identify: signedIn });
  const app = express5();
  app.use(router);
  const guard = requireStepUp('*', { resource: (request: ExpressRequest) => load(request.originalUrl) });
  app.get('/', guard, (request, response) => void response.json(guard.resource(request).id));
}
