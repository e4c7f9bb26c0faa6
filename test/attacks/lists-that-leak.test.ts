// Threat 12: a list, a search, an export or a batch shows what each record's own page guards. On every adapter what may not be
// seen is left out, the answer says that something was, and neither text nor a count tells what or how much.
import type { StepUp } from '@countersign/web';
import { fhirCategories, fhirSearchset, fhirVisit } from '../support/fhir-records.ts';
import { type Host, type HostRoutes, onEveryAdapter } from '../support/hosts.ts';
import { makeVisits, type Visit } from '../support/records.ts';
import { sharedHosts } from '../support/shared-hosts.ts';

type AnyStepUp = Pick<StepUp<never>, 'filter' | 'siftBundle' | 'check' | 'enforce'>;

const visits = [...makeVisits().values()].filter(({ workspaceId }) => workspaceId === 'clinic');
const describe = ({ workspaceId, patientId, category }: Visit) => ({ workspaceId, patientId, categories: [category] });

/** The ways in which a host shows several records at once. */
const answers: Readonly<Record<string, (stepUp: AnyStepUp) => Promise<unknown>>> = {
  async schedule(stepUp) {
    const { visible, withheld } = await stepUp.filter(visits, describe);
    return { visits: visible, restricted: withheld.length > 0 };
  },
  search: (stepUp) => stepUp.siftBundle(fhirSearchset(visits)),
  async export(stepUp) {
    const { visible } = await stepUp.filter(visits, describe);
    return { csv: visible.map(({ id, patientId, notes }) => [id, patientId, notes].join(',')).join('\n') };
  },
  batch: (stepUp) =>
    stepUp.siftBundle({
      resourceType: 'Bundle',
      type: 'batch-response',
      entry: visits.map((visit) => ({
        resource: fhirVisit(visit),
        response: { status: '200 OK', location: `Appointment/${visit.id}/_history/1` },
      })),
    }),
  async 'batch-of-own'(stepUp) {
    // A batch whose entries the host judges one by one.
    return await Promise.all(
      visits.map(async (visit) => {
        const { outcome } = await stepUp.check(describe(visit));
        return outcome === 'allow' ? visit : { status: 403 };
      }),
    );
  },
};

const routes: HostRoutes = {
  fastify(app) {
    for (const [name, answer] of Object.entries(answers)) {
      app.get(`/lists/${name}`, async (request) => await answer(request.stepUp));
    }
  },
  express(app, { guarded }) {
    for (const [name, answer] of Object.entries(answers)) {
      app.get(
        `/lists/${name}`,
        guarded(async (request, response) => {
          response.setHeader('content-type', 'application/json');
          response.end(JSON.stringify(await answer(request.stepUp as never)));
        }) as never,
      );
    }
  },
};
const hostOf = sharedHosts({ routes, countersign: { categories: fhirCategories } });

/** What an answer tells of a visit. */
function tells(text: string, { id, notes }: Visit): boolean {
  return text.includes(notes) || new RegExp(`"${id}"|/${id}[/"]|\\b${id},`).test(text);
}
const accesses = async (host: Host, userId: string) =>
  (await host.events(userId)).filter(({ code, reason }) => code === 'ACCESS_ALLOWED' && reason === 'listed');

for (const name of Object.keys(answers)) {
  onEveryAdapter(
    `${name}: nothing sensitive without a proof, and only the patient's own with one`,
    async (t, adapter) => {
      const host = await hostOf(adapter);
      const userId = `${name}-${adapter}`;
      const { client, secret } = await host.enrolled(userId);
      const before = await client.get(`/lists/${name}`);
      t.equal(before.status, 200);
      for (const visit of visits) {
        t.equal(tells(before.text, visit), visit.category === '1', `${visit.id} before`);
      }
      t.strictSame(await accesses(host, userId), [], 'no access is on record, since there was none');
      const proofsOf = async () => (await host.events(userId)).filter(({ code }) => code === 'MFA_SUCCESS').length;
      const enrolled = await proofsOf();

      await host.stepUp(client, secret, '/visits/v1');
      const after = await client.get(`/lists/${name}`);
      for (const visit of visits) {
        // One's own grace period does not answer for p2, and never for what asks every time.
        const expected = visit.category !== '0' && (visit.patientId === 'p1' || visit.category === '1');
        t.equal(tells(after.text, visit), expected, `${visit.id} after`);
      }
      t.equal(await proofsOf(), enrolled + 1, 'a list gives no proof');
      if (name === 'batch-of-own') return;
      const events = await accesses(host, userId);
      t.strictSame(events.map(({ patientId, categories }) => [patientId, categories]).sort(), [
        ['p1', '5'],
        ['p1', '8'],
      ]);
    },
  );
}

onEveryAdapter('a search says that something is withheld, and not how much', async (t, adapter) => {
  const host = await hostOf(adapter);
  const client = await host.signedIn(`counting-${adapter}`);
  const bundle = (await client.get('/lists/search')).json();
  const entries = bundle.entry as { resource: { resourceType: string; id?: string }; search: { mode: string } }[];
  t.strictSame(
    entries.map(({ resource, search }) => [search.mode, resource.id ?? resource.resourceType]),
    [
      ['match', 'v3'],
      // p1's office visit is there; that p2 was included at all would tell of a visit of p2.
      ['include', 'p1'],
      ['outcome', 'OperationOutcome'],
    ],
  );
  t.equal(bundle.total, 1);
});

onEveryAdapter('nobody who is not signed in gets a list', async (t, adapter) => {
  const host = await hostOf(adapter);
  for (const name of Object.keys(answers)) {
    const answer = await host.client().get(`/lists/${name}`);
    t.equal(answer.status, 401, name);
    t.equal(answer.json().code, 'sign_in_required');
  }
});
