// Somebody forgot a guard. With `inspectResponses` on, a sensitive FHIR resource does not leave all the same: it is withheld, the
// caller is asked, and the audit log names the route.
import { fhirCodings } from '@countersign/core';
import { requireStepUp } from '@countersign/fastify';
import { type StepUp, Web } from '@countersign/web';
import t from 'tap';
import { categorySystem, fhirCategories, fhirSearchset, fhirVisit } from '../support/fhir-records.ts';
import { type AdapterName, type Host, type HostOptions, type HostRoutes, onEveryVersion } from '../support/hosts.ts';
import { makeVisits, resourceOf, type Visit } from '../support/records.ts';
import { sharedHosts } from '../support/shared-hosts.ts';

const visits = makeVisits();
const visitOf = (id: string): Visit => visits.get(id) as Visit;
const own = [...visits.values()].filter(({ id }) => id !== 'far');
/** What FHIR and database libraries give: it says by `toJSON` what it looks like outside. */
const model = (id: string) =>
  new (class {
    readonly #visit = visitOf(id);
    toJSON() {
      return fhirVisit(this.#visit);
    }
  })();

/** Routes without a guard, each answering with something that holds `v1`. */
const forgotten: Readonly<Record<string, () => unknown>> = {
  single: () => fhirVisit(visitOf('v1')),
  model: () => model('v1'),
  once: () => fhirVisit(visitOf('v0')),
  ordinary: () => fhirVisit(visitOf('v3')),
  bundle: () => fhirSearchset(own),
  array: () => own.map(fhirVisit),
  nested: () => ({ data: { visit: fhirVisit(visitOf('v1')), other: model('v2'), note: 'kept' } }),
  contained: () => ({
    resourceType: 'Encounter',
    id: 'e1',
    status: 'finished',
    subject: { reference: 'Patient/p1' },
    contained: [{ resourceType: 'Procedure', id: 'c', code: { coding: [{ system: categorySystem, code: '5' }] } }],
  }),
  parameters: () => ({
    resourceType: 'Parameters',
    parameter: [{ name: 'result', resource: fhirVisit(visitOf('v1')) }],
  }),
  orphan: () => ({ resourceType: 'Procedure', id: 'v1', code: { coding: [{ system: categorySystem, code: '5' }] } }),
  'no-fhir': () => ({ id: 'v1', notes: 'notes of v1' }),
  described: () => ({ visitId: 'v1', notes: 'notes of v1' }),
  nothing: () => null,
};

const guards: Readonly<
  Record<string, (stepUp: Pick<StepUp<never>, 'enforce' | 'check' | 'filter'>) => Promise<unknown>>
> = {
  // Each covers p1 and category 5 only, and answers with v2 of another patient besides.
  async enforced(stepUp) {
    await stepUp.enforce({ workspaceId: 'clinic', patientId: 'p1', categories: fhirCodings(fhirVisit(visitOf('v1'))) });
    return [fhirVisit(visitOf('v1')), fhirVisit(visitOf('v2'))];
  },
  async checked(stepUp) {
    const { outcome } = await stepUp.check({ workspaceId: 'clinic', patientId: 'p1', categories: ['5'] });
    return outcome === 'allow' ? [fhirVisit(visitOf('v1')), fhirVisit(visitOf('v2'))] : [];
  },
  async filtered(stepUp) {
    const labels = { workspaceId: 'clinic', categories: ['5'] };
    const visible = await stepUp.filter(['p1', 'p2'], (patientId) => ({ ...labels, patientId }));
    return visible.visible.length === 0 ? [] : [fhirVisit(visitOf('v1')), fhirVisit(visitOf('v2'))];
  },
  async 'enforced-once'(stepUp) {
    const operation = { name: 'read v0' };
    await stepUp.enforce({ workspaceId: 'clinic', patientId: 'p1', categories: ['0'], operation });
    return [fhirVisit(visitOf('v0'))];
  },
};

const routes: HostRoutes = {
  fastify(app) {
    for (const [name, answer] of Object.entries(forgotten)) app.get(`/forgotten/${name}`, async () => answer());
    app.post('/forgotten/single', async (_request, reply) => reply.code(201).send(forgotten.single?.()));
    app.get('/text', async (_request, reply) =>
      reply.type('application/fhir+json').send(JSON.stringify(fhirVisit(visitOf('v1')))),
    );
    for (const [name, answer] of Object.entries(guards)) app.get(`/${name}`, async (request) => answer(request.stepUp));
    const guard = requireStepUp(['5'], { resource: async () => resourceOf(visits, 'v1') });
    app.get('/guarded', { preHandler: guard }, async () => own.map(fhirVisit));
  },
  express(app, { requireStepUp: guardOf, guarded }) {
    for (const [name, answer] of Object.entries(forgotten)) {
      // `send` of an object goes the way of `json`.
      app.get(`/forgotten/${name}`, (_request, response) => {
        if (name === 'single') response.send(answer());
        else response.json(answer());
      });
    }
    app.post('/forgotten/single', (_request, response) => void response.status(201).json(forgotten.single?.()));
    app.get('/text', (_request, response) => {
      response.type('application/fhir+json').send(JSON.stringify(fhirVisit(visitOf('v1'))));
    });
    for (const [name, answer] of Object.entries(guards)) {
      app.get(
        `/${name}`,
        guarded(async (request, response) => {
          (response as unknown as { json(body: unknown): void }).json(await answer(request.stepUp as never));
        }) as never,
      );
    }
    const guard = guardOf(['5'], { resource: async () => resourceOf(visits, 'v1') });
    app.get('/guarded', guard, (_request, response) => void response.json(own.map(fhirVisit)));
  },
};

const describe = (payload: unknown) =>
  typeof payload === 'object' && payload !== null && 'visitId' in payload
    ? [{ workspaceId: 'clinic', patientId: 'p1', categories: ['5'] }]
    : [];
const options: HostOptions = {
  routes,
  countersign: { categories: fhirCategories },
  web: { inspectResponses: { describe } },
};
const hostOf = sharedHosts(options);
const withheld = async (host: Host, userId: string) =>
  (await host.events(userId)).filter(({ code }) => code === 'RESPONSE_WITHHELD');
const user = (name: string, adapter: AdapterName) => `${name}-${adapter}`;

onEveryVersion('a single record is asked for in place of its answer', async (t, adapter) => {
  const host = await hostOf(adapter);
  for (const name of ['single', 'model', 'contained', 'described']) {
    const userId = user(name, adapter);
    const { client, secret } = await host.enrolled(userId);
    const path = `/forgotten/${name}`;
    const refused = await client.get(path);
    t.equal(refused.status, 401, name);
    t.match(refused.headers.get('content-type'), /^application\/problem\+json/);
    t.match(refused.json(), { code: 'step_up_required', reasons: [{ kind: 'missing', category: '5' }] });
    t.notMatch(refused.text, /notes of|"v1"/);
    t.equal(refused.headers.get('cache-control'), 'no-store');
    t.match(await withheld(host, userId), [
      {
        outcome: 'refused',
        patientId: 'p1',
        categories: '5',
        route: path,
        method: 'GET',
        reason: 'unguarded',
        challengeId: refused.json().challengeId,
        details: null,
      },
    ]);
    await host.stepUp(client, secret, path);
    const shown = await client.get(path);
    t.equal(shown.status, 200);
    t.match(shown.text, name === 'contained' ? /Procedure/ : /notes of v1/);
    t.equal(shown.headers.get('cache-control'), 'no-store');
    t.ok(
      (await host.events(userId)).some(({ code }) => code === 'ACCESS_ALLOWED'),
      'and the access is on record',
    );
  }
});

onEveryVersion('where every operation asks, one answer leaves per proof', async (t, adapter) => {
  const host = await hostOf(adapter);
  const { client, secret } = await host.enrolled(user('once', adapter));
  await host.stepUp(client, secret, '/forgotten/once');
  t.match((await client.get('/forgotten/once')).text, /notes of v0/);
  const again = await client.get('/forgotten/once');
  t.equal(again.status, 401);
  t.notMatch(again.text, /notes of/);
});

onEveryVersion('in lists it is left out, and that is said', async (t, adapter) => {
  const host = await hostOf(adapter);
  const userId = user('lists', adapter);
  const { client, secret } = await host.enrolled(userId);
  const bundle = await client.get('/forgotten/bundle');
  t.equal(bundle.status, 200);
  t.match(bundle.json(), {
    resourceType: 'Bundle',
    total: 1,
    entry: [{ resource: { id: 'v3' } }, { resource: { id: 'p1' } }, { resource: { resourceType: 'OperationOutcome' } }],
  });
  t.equal((bundle.json().entry as unknown[]).length, 3);
  const array = (await client.get('/forgotten/array')).json() as unknown as { id?: string; issue?: unknown }[];
  t.strictSame(
    array.map(({ id }) => id),
    ['v3', undefined],
  );
  t.match(array[1], { resourceType: 'OperationOutcome', issue: [{ severity: 'information', code: 'suppressed' }] });
  const nested = await client.get('/forgotten/nested');
  t.match(nested.json(), { data: { visit: { resourceType: 'OperationOutcome' }, other: {}, note: 'kept' } });
  const parameters = await client.get('/forgotten/parameters');
  t.match(parameters.json(), { parameter: [{ name: 'result', resource: { resourceType: 'OperationOutcome' } }] });
  for (const { text, headers } of [bundle, nested, parameters]) {
    t.notMatch(text, /notes of v[0128]|"v[0128]"|Patient\/p2|Family of p2/);
    t.equal(headers.get('cache-control'), 'no-store');
  }
  const events = await withheld(host, userId);
  t.ok(events.length > 0 && events.every(({ route }) => /^\/forgotten\/\w+$/.test(String(route))));
  t.strictSame(
    events
      .filter(({ route }) => route === '/forgotten/bundle')
      .map(({ patientId, categories }) => [patientId, categories]),
    [
      ['p1', '5'],
      ['p2', '5'],
      ['p1', '8'],
      ['p1', '0'],
    ],
  );

  await host.stepUp(client, secret, '/forgotten/single');
  const after = (await client.get('/forgotten/bundle')).json() as { entry: { resource: { id?: string } }[] };
  t.strictSame(
    after.entry.map(({ resource }) => resource.id),
    ['v1', 'v8', 'v3', 'p1', undefined],
  );
});

onEveryVersion('what cannot be asked for is refused', async (t, adapter) => {
  const host = await hostOf(adapter);
  const userId = user('refused', adapter);
  const { client } = await host.enrolled(userId);
  const orphan = await client.get('/forgotten/orphan');
  t.equal(orphan.status, 403);
  t.match(orphan.json(), { code: 'response_withheld' });
  // To repeat it would do it twice.
  const posted = await client.post('/forgotten/single', { json: {} });
  t.equal(posted.status, 403);
  t.match(posted.json(), { code: 'response_withheld' });
  t.notMatch(posted.text, /notes of|"v1"/);
  const stranger = await host.client().get('/forgotten/single');
  t.equal(stranger.status, 401);
  t.equal(stranger.json().code, 'sign_in_required');
  t.notMatch(stranger.text, /notes of|"v1"/);
  const list = await host.client().get('/forgotten/array');
  t.notMatch(list.text, /notes of|"v1"/);
  t.match(
    (await withheld(host, userId)).map(({ patientId, method }) => [patientId, method]),
    [
      [null, 'GET'],
      ['p1', 'POST'],
    ],
  );
  t.ok((await host.events()).some(({ code, userId: who }) => code === 'RESPONSE_WITHHELD' && who === null));
});

onEveryVersion('what was allowed passes, and nothing besides', async (t, adapter) => {
  const host = await hostOf(adapter);
  for (const name of ['guarded', 'enforced', 'checked', 'filtered']) {
    const userId = user(name, adapter);
    const { client, secret } = await host.enrolled(userId);
    await host.stepUp(client, secret, '/visits/v1');
    const answer = await client.get(`/${name}`);
    t.equal(answer.status, 200, name);
    t.match(answer.text, /notes of v1/);
    t.notMatch(answer.text, /notes of v2/, 'another patient');
    t.match(await withheld(host, userId), [{ patientId: 'p2', categories: '5', route: `/${name}` }]);
    if (name !== 'filtered') continue;
    const accesses = (await host.events(userId)).filter(({ reason }) => reason === 'listed');
    t.strictSame(
      accesses.map(({ patientId, categories }) => [patientId, categories]),
      [['p1', '5']],
      'and what the route has shown is on record once',
    );
  }
  const { client, secret } = await host.enrolled(user('enforced-once', adapter));
  await host.stepUp(client, secret, '/enforced-once');
  t.match((await client.get('/enforced-once')).text, /notes of v0/, 'also by a proof for this one operation');
  t.strictSame(await withheld(host, user('enforced-once', adapter)), []);
});

onEveryVersion('what it does not look at', async (t, adapter) => {
  const host = await hostOf(adapter);
  const userId = user('unseen', adapter);
  const { client } = await host.enrolled(userId);
  for (const path of ['/forgotten/ordinary', '/forgotten/no-fhir', '/forgotten/nothing', '/text', '/free']) {
    t.equal((await client.get(path)).status, 200, path);
  }
  t.match((await client.get('/text')).text, /notes of v1/, 'text leaves as it is');
  t.strictSame(await withheld(host, userId), []);
});

const { web: _, ...without } = options;
const plainHostOf = sharedHosts(without);
onEveryVersion('off by default', async (t, adapter) => {
  const host = await plainHostOf(adapter);
  const { client } = await host.enrolled(user('off', adapter));
  t.match((await client.get('/forgotten/single')).text, /notes of v1/);
});

const brokenHostOf = sharedHosts({
  ...options,
  web: {
    inspectResponses: {
      describe(payload) {
        if (typeof payload === 'object' && payload !== null && 'notes' in payload) throw new Error('password=secret');
        return [];
      },
    },
  },
});
onEveryVersion('what it cannot find out, it refuses', async (t, adapter) => {
  const host = await brokenHostOf(adapter);
  const { client } = await host.enrolled(user('broken', adapter));
  const answer = await client.get('/forgotten/no-fhir');
  t.equal(answer.status, 503);
  t.equal(answer.json().code, 'resource_unavailable');
  t.notMatch(answer.text, /secret|notes of/);
  t.ok(host.faults.some(({ code }) => code === 'resource_unavailable'));
});

t.test('its option is checked', async (t) => {
  const { countersign } = await hostOf('fastify');
  for (const inspectResponses of [{}, { describe: true }, 'yes', { describe, also: 1 }]) {
    t.throws(() => new Web(countersign, { inspectResponses: inspectResponses as never }), {
      code: 'configuration_invalid',
    });
  }
});
