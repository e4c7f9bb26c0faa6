// An edit takes a record out of its sensitive category, or moves it to another patient, so that the next look at it asks nothing; a
// create or an upsert puts a record into a sensitive category unasked (threat 23). What is and what would become are both judged:
// the categories of both, and both patients.
import type { ExpressRequest } from '@countersign/express';
import { requireStepUp } from '@countersign/fastify';
import type { Resource } from '@countersign/web';
import type { Test } from 'tap';
import { auditStory } from '../support/audit-story.ts';
import type { Client } from '../support/client.ts';
import { type Host, onEveryAdapter } from '../support/hosts.ts';
import { resourceOf, targetOf, type Visit } from '../support/records.ts';
import { sharedHosts } from '../support/shared-hosts.ts';

const visits = new Map<string, Visit>();
type Parts = { readonly params: unknown; readonly body?: unknown };
const idOf = ({ params }: Parts) => (params as { id: string }).id;
/** An upsert: what does not exist yet has no owner but the one that the content names, and no category. */
const upserted = (request: Parts): Resource<Visit | undefined> =>
  resourceOf(visits, idOf(request)) ?? {
    workspaceId: 'clinic',
    patientId: (request.body as Visit).patientId,
    categories: [],
    value: undefined,
  };
const become = (request: Parts) => targetOf(visits, idOf(request), request.body);
const upsert = (request: Parts) => {
  visits.set(idOf(request), { ...(request.body as Visit), workspaceId: 'clinic', id: idOf(request) });
  return { saved: idOf(request) };
};

const hostOf = sharedHosts({
  routes: {
    fastify(app) {
      const guard = requireStepUp('*', {
        resource: async (request) => upserted(request),
        target: async (request) => become(request),
      });
      app.put('/upsert/:id', { preHandler: guard }, async (request) => upsert(request));
      const creating = requireStepUp('*', {
        patientId: (request) => (request.body as Visit).patientId,
        target: async (request) => targetOf(new Map(), '', request.body),
      });
      app.post('/create/:id', { preHandler: creating }, async (request) => upsert(request));
      const elsewhere = requireStepUp('*', {
        resource: async (request) => upserted(request),
        target: async () => ({ workspaceId: 'elsewhere', patientId: 'p1', categories: [] }),
      });
      app.put('/elsewhere/:id', { preHandler: elsewhere }, async (request) => upsert(request));
    },
    express(app, made) {
      const guard = made.requireStepUp('*', {
        resource: async (request: ExpressRequest) => upserted(request as Parts),
        target: async (request: ExpressRequest) => become(request as Parts),
      });
      app.put('/upsert/:id', guard, (request, response) => void response.json(upsert(request)));
      const creating = made.requireStepUp('*', {
        patientId: (request) => (request.body as Visit).patientId,
        target: async (request: ExpressRequest) => targetOf(new Map(), '', request.body),
      });
      app.post('/create/:id', creating, (request, response) => void response.json(upsert(request)));
      const elsewhere = made.requireStepUp('*', {
        resource: async (request: ExpressRequest) => upserted(request as Parts),
        target: async () => ({ workspaceId: 'elsewhere', patientId: 'p1', categories: [] }),
      });
      app.put('/elsewhere/:id', elsewhere, (request, response) => void response.json(upsert(request)));
    },
  },
});

/** The given edit asks, about the given patients, and changes nothing. */
async function asks(t: Test, host: Host, client: Client, [path, json]: [string, object], about: object[]) {
  const story = await auditStory(host);
  const before = JSON.stringify([...host.visits, ...visits]);
  const refused = await client.send('PUT', path, { json });
  const what = `${path} ${JSON.stringify(json)}`;
  t.equal(refused.status, 401, what);
  t.equal(JSON.stringify([...host.visits, ...visits]), before, `${what}: nothing was saved`);
  const events = await story.next();
  t.match(events, about, what);
  t.equal(events.length, about.length, what);
  t.ok(events.every((event) => event.code === 'MFA_REQUIRED' && event.action === 'edit'));
  return refused;
}

onEveryAdapter('an edit that declassifies or moves a record asks for both sides', async (t, adapter) => {
  const host = await hostOf(adapter);
  const { client, secret } = await host.enrolled('carol');
  const v1 = '/visits/v1';
  await asks(t, host, client, [v1, { category: '1' }], [{ patientId: 'p1', categories: '5' }]);
  await asks(t, host, client, [v1, { category: '8' }], [{ patientId: 'p1', categories: '5,8' }]);
  const moved = [
    { patientId: 'p1', categories: '5' },
    { patientId: 'p7', categories: '5' },
  ];
  await asks(t, host, client, [v1, { patientId: 'p7' }], moved);
  const movedOut = [moved[0] as object, { patientId: 'p7', categories: null }];
  await asks(t, host, client, [v1, { patientId: 'p7', category: '1' }], movedOut);
  await asks(t, host, client, ['/visits/v3', { category: '5' }], [{ patientId: 'p1', categories: '5' }]);

  // A proof for one side is not enough; nor is one for the patient where the category wants its own.
  await host.stepUp(client, secret, v1);
  await asks(t, host, client, [v1, { patientId: 'p7' }], moved);
  await asks(t, host, client, [v1, { category: '12' }], [{ patientId: 'p1', categories: '5,12' }]);
  const onlyToo = await asks(t, host, client, [v1, { patientId: 'p7', category: '8' }], [{}, {}]);
  t.match(onlyToo.json().reasons, [{ kind: 'missing', category: '8' }], 'what p1 asked was answered before');

  host.clock.set(30);
  const json = { challengeId: onlyToo.json().challengeId, factor: 'totp', code: host.code(secret) };
  t.equal((await client.post('/api/v1/auth/mfa/verify', { json })).status, 200);
  const done = await client.send('PUT', v1, { json: { patientId: 'p7', category: '8' } });
  t.equal(done.status, 200, 'one code answers for both patients');
  t.match(host.visits.get('v1'), { patientId: 'p7', category: '8' });
  t.equal((await client.send('PUT', '/visits/v3', { json: { notes: 'ordinary' } })).status, 200);
});

onEveryAdapter(
  'an edit that names nobody, somebody unclear or an undeclared category is refused',
  async (t, adapter) => {
    const host = await hostOf(adapter);
    const { client, secret } = await host.enrolled('dave');
    await host.stepUp(client, secret, '/visits/v2');
    for (const [json, status] of [
      [{ patientId: '' }, 400],
      [{ patientId: ['p2'] }, 400],
      [{ patientId: { id: 'p2' } }, 400],
      [{ patientId: 'p2\u0000account' }, 400],
      [{ patientId: '\u0000account' }, 400],
      [{ patientId: 'p'.repeat(257) }, 400],
      [{ category: ['1'] }, 500],
      [{ category: [] }, 500],
      [{ category: {} }, 500],
      [{ category: { id: '1' } }, 500],
      [{ category: { system: 'http://snomed.info/sct', code: 75516001 } }, 500],
      [{ category: { system: null, code: '75516001' } }, 500],
      [{ category: 1 }, 500],
      [{ category: ' 5' }, 500],
      [{ category: 'constructor' }, 500],
      [{ category: '__proto__' }, 500],
    ] as const) {
      const refused = await client.send('PUT', '/visits/v2', { json });
      t.equal(refused.status, status, JSON.stringify(json));
      t.match(refused.json().code, status === 400 ? 'patient_unresolved' : 'resource_invalid');
    }
    t.match(host.visits.get('v2'), { patientId: 'p2', category: '5', notes: 'notes of v2' });
  },
);

onEveryAdapter('a create and an upsert into a sensitive category ask', async (t, adapter) => {
  const host = await hostOf(adapter);
  visits.clear();
  const { client, secret } = await host.enrolled('erin');
  const sensitive = { patientId: 'p1', category: '5' };
  await asks(t, host, client, ['/upsert/u1', sensitive], [{ patientId: 'p1', categories: '5' }]);
  const created = await client.post('/create/u1', { json: sensitive });
  t.equal(created.status, 401);
  t.equal(visits.size, 0);
  t.equal((await client.send('PUT', '/upsert/u2', { json: { patientId: 'p1', category: '1' } })).status, 200);
  await asks(t, host, client, ['/upsert/u2', sensitive], [{ patientId: 'p1', categories: '5' }]);

  host.clock.set(30);
  const challengeId = (await client.send('PUT', '/upsert/u1', { json: sensitive })).json().challengeId;
  const json = { challengeId, factor: 'totp', code: host.code(secret) };
  t.equal((await client.post('/api/v1/auth/mfa/verify', { json })).status, 200);
  t.equal((await client.send('PUT', '/upsert/u1', { json: sensitive })).status, 200);
  await asks(
    t,
    host,
    client,
    ['/upsert/u1', { patientId: 'p7', category: '5' }],
    [{ patientId: 'p1' }, { patientId: 'p7' }],
  );
  t.match(visits.get('u1'), sensitive);
});

onEveryAdapter(
  'an edit that moves a record to another workspace finds nothing there, and no session that has ended',
  async (t, adapter) => {
    const host = await hostOf(adapter);
    visits.clear();
    const { client, secret } = await host.enrolled('frank');
    await host.stepUp(client, secret, '/visits/v2');
    const moved = await client.send('PUT', '/elsewhere/v9', { json: { patientId: 'p2' } });
    t.equal(moved.status, 404);
    t.equal(visits.size, 0);
    const copy = client.fork();
    await client.post('/sign-out', { json: {} });
    const { keyring } = host.countersign.configuration;
    t.ok(keyring);
    t.equal((await copy.send('PUT', '/elsewhere/v9', { json: { patientId: 'p2' } })).status, 401);
  },
);
