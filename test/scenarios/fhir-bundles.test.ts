// A FHIR server on each framework: a guard that reads the categories from the resource's own codings, a search whose Bundle leaves
// out what may not be seen, and lists whose rows carry codings.
import { fhirCodings, fhirPatientId } from '@countersign/core';
import { requireStepUp } from '@countersign/fastify';
import type { StepUp } from '@countersign/web';
import { categorySystem, fhirCategories, fhirSearchset, fhirVisit } from '../support/fhir-records.ts';
import { type HostRoutes, onEveryAdapter } from '../support/hosts.ts';
import { makeVisits } from '../support/records.ts';
import { sharedHosts } from '../support/shared-hosts.ts';

const visits = makeVisits();
type Lists = Pick<StepUp<never>, 'siftBundle' | 'filter' | 'enforce' | 'check'>;

const load = async (id: string) => {
  const visit = visits.get(id);
  if (visit === undefined) return null;
  const value = fhirVisit(visit);
  const patientId = fhirPatientId(value) ?? '';
  return { workspaceId: visit.workspaceId, patientId, categories: fhirCodings(value), value };
};
const coding = (code: string) => ({ system: categorySystem, code });

/** Resources that belong to no patient, or to nobody knows whom. */
const orphans = [
  { resourceType: 'Organization', id: 'plain', type: [{ coding: [{ system: 'urn:other', code: '5' }] }] },
  { resourceType: 'Organization', id: 'ordinary', type: [{ coding: [coding('1')] }] },
  { resourceType: 'Procedure', id: 'whose', code: { coding: [coding('5')] } },
];

const answers: Readonly<Record<string, (stepUp: Lists) => Promise<unknown>>> = {
  search: (stepUp) => stepUp.siftBundle(fhirSearchset([...visits.values()].filter((one) => one.id !== 'far'))),
  orphans: (stepUp) =>
    stepUp.siftBundle({
      resourceType: 'Bundle',
      type: 'collection',
      entry: orphans.map((resource) => ({ resource })),
    }),
  described: (stepUp) =>
    stepUp.siftBundle(fhirSearchset([...visits.values()]), () => [
      { workspaceId: 'clinic', patientId: 'p1', categories: ['8'] },
    ]),
  async coded(stepUp) {
    const resources = [...visits.values()].map(fhirVisit);
    const { visible } = await stepUp.filter(resources, (resource) => ({
      workspaceId: 'clinic',
      patientId: fhirPatientId(resource),
      categories: fhirCodings(resource),
    }));
    return visible.map(({ id }) => id);
  },
  async mixed(stepUp) {
    const rows = [
      { id: 'both', categories: ['1', coding('8')] },
      { id: 'undeclared', categories: [{ system: 'urn:other', code: '8' }] },
      { id: 'unknown-id', categories: ['no-such-category'] },
    ];
    const labels = { workspaceId: 'clinic', patientId: 'p1' };
    const { visible } = await stepUp.filter(rows, ({ categories }) => ({ ...labels, categories }));
    return visible.map(({ id }) => id);
  },
  async enforced(stepUp) {
    await stepUp.enforce({ workspaceId: 'clinic', patientId: 'p1', categories: [coding('8')] });
    return 'enforced';
  },
  async checked(stepUp) {
    return (await stepUp.check({ workspaceId: 'clinic', patientId: 'p1', categories: [coding('5')] })).outcome;
  },
};

const routes: HostRoutes = {
  fastify(app) {
    const guard = requireStepUp('*', { resource: (request) => load((request.params as { id: string }).id) });
    app.get('/fhir/Appointment/:id', { preHandler: guard }, async (request) => guard.resource(request));
    for (const [name, answer] of Object.entries(answers)) {
      app.get(`/lists/${name}`, async (request) => ({ found: await answer(request.stepUp) }));
    }
  },
  express(app, { requireStepUp: guardOf, guarded }) {
    const guard = guardOf('*', { resource: (request) => load((request.params as { id: string }).id) });
    app.get('/fhir/Appointment/:id', guard, (request, response) => void response.json(guard.resource(request)));
    for (const [name, answer] of Object.entries(answers)) {
      app.get(
        `/lists/${name}`,
        guarded(async (request, response) => {
          response.setHeader('content-type', 'application/json');
          response.end(JSON.stringify({ found: await answer(request.stepUp as never) }));
        }) as never,
      );
    }
  },
};
const hostOf = sharedHosts({ routes, countersign: { categories: fhirCategories } });

onEveryAdapter('a guard reads the categories from the resource', async (t, adapter) => {
  const host = await hostOf(adapter);
  const { client, secret } = await host.enrolled(`reader-${adapter}`);
  t.equal((await client.get('/fhir/Appointment/v3')).status, 200, 'an office visit asks nobody');
  for (const [id, category] of [
    ['v1', '5'],
    ['v8', '8'],
  ]) {
    const refused = await client.get(`/fhir/Appointment/${id}`);
    t.equal(refused.status, 401);
    t.match(refused.json(), { code: 'step_up_required', reasons: [{ kind: 'missing', category }] });
  }
  await host.stepUp(client, secret, '/fhir/Appointment/v8');
  t.match((await client.get('/fhir/Appointment/v8')).json(), { id: 'v8', comment: 'notes of v8' });
});

onEveryAdapter('lists understand codings, and what belongs to nobody', async (t, adapter) => {
  const host = await hostOf(adapter);
  const { client, secret } = await host.enrolled(`lister-${adapter}`);
  const list = async (name: string) => (await client.get(`/lists/${name}`)).json().found;
  const ids = async (name: string) => {
    const { entry = [] } = (await list(name)) as { entry?: { resource: { id?: string; resourceType: string } }[] };
    return entry.map(({ resource }) => resource.id ?? resource.resourceType);
  };

  t.strictSame(await list('coded'), ['v3']);
  t.strictSame(await list('mixed'), ['undeclared'], 'a coding that no category declares is ordinary; an id is refused');
  t.strictSame(await ids('orphans'), ['plain', 'ordinary', 'OperationOutcome'], 'sensitive, and nobody knows whose');
  t.strictSame(await ids('search'), ['v3', 'p1', 'OperationOutcome']);
  t.strictSame(await ids('described'), ['OperationOutcome'], 'the host said what each carries');
  t.equal((await client.get('/lists/enforced')).status, 401);
  t.equal(await list('checked'), 'challenge');

  await host.stepUp(client, secret, '/visits/v8');
  t.strictSame(await list('coded'), ['v1', 'v8', 'v3']);
  t.strictSame(await list('mixed'), ['both', 'undeclared']);
  t.strictSame(await ids('orphans'), ['plain', 'ordinary', 'OperationOutcome'], 'no proof is for nobody');
  t.strictSame(await ids('search'), ['v1', 'v8', 'v3', 'p1', 'OperationOutcome']);
  t.ok((await ids('described')).includes('v2'));
  t.equal(await list('enforced'), 'enforced');
  t.equal(await list('checked'), 'allow');
});
