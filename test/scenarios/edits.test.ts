// An edit is judged by what is and by what would become: no edit takes a record out of the guard's sight, or slips one in.
import { requireStepUp } from '@countersign/fastify';
import { auditStory, codesOf } from '../support/audit-story.ts';
import { type HostRoutes, onEveryVersion, startHost } from '../support/hosts.ts';
import { targetOf } from '../support/records.ts';

/** `POST /visits`: a create has no record to load; what would be made is all there is to judge. */
const creates: HostRoutes = {
  fastify(app) {
    const guard = requireStepUp('*', { target: async (request) => targetOf(new Map(), '', request.body) });
    app.post('/visits', { preHandler: guard }, async (request, reply) => reply.code(201).send(request.body));
  },
  express(app, { requireStepUp }) {
    const guard = requireStepUp('*', { target: async (request) => targetOf(new Map(), '', request.body) });
    app.post('/visits', guard, (request, response) => void response.status(201).json(request.body));
  },
};

onEveryVersion('what an edit would make of a record is judged with what it is', async (t, adapter) => {
  const host = await startHost(adapter, { routes: creates });
  const { client, secret } = await host.enrolled('carol');
  const edit = (id: string, json: object) => client.send('PUT', `/visits/${id}`, { json });
  const verify = async (refused: { json(): Record<string, unknown> }) => {
    host.clock.set(30);
    const { challengeId } = refused.json();
    return await client.post('/api/v1/auth/mfa/verify', { json: { challengeId, code: host.code(secret) } });
  };

  await t.test('an ordinary record stays ordinary, and is edited without a code', async (t) => {
    const story = await auditStory(host);
    t.equal((await edit('v3', { notes: 'a cold' })).status, 200);
    t.equal(host.visits.get('v3')?.notes, 'a cold');
    t.equal((await edit('nowhere', { notes: 'x' })).status, 404);
    t.equal((await edit('far', { notes: 'x' })).status, 404, 'a record of another workspace is none');
    t.strictSame(codesOf(await story.next()), []);
  });

  await t.test('made sensitive, or made ordinary, it asks', async (t) => {
    const story = await auditStory(host);
    for (const [id, change, category] of [
      ['v3', { category: '8' }, '8'],
      ['v1', { category: '1' }, '5'],
    ] as const) {
      const refused = await edit(id, change);
      t.equal(refused.status, 401, id);
      t.match(refused.json(), { reasons: [{ kind: 'missing', category }] });
      t.equal((refused.json().reasons as unknown[]).length, 1);
    }
    t.equal(host.visits.get('v3')?.category, '1');
    t.equal(host.visits.get('v1')?.category, '5');
    const both = await edit('v1', { category: '8' });
    t.match(both.json(), { reasons: [{ category: '5' }, { category: '8' }] }, 'both categories are asked for');
    const events = await story.next();
    t.strictSame(codesOf(events), ['MFA_REQUIRED', 'MFA_REQUIRED', 'MFA_REQUIRED']);
    t.match(events, [
      { categories: '8', patientId: 'p1', action: 'edit', method: 'PUT', route: '/visits/:id' },
      { categories: '5' },
      { categories: '5,8' },
    ]);
  });

  await t.test('moved to another patient, both are asked for at once and opened by one code', async (t) => {
    const story = await auditStory(host);
    const refused = await edit('v1', { patientId: 'p2' });
    t.equal(refused.status, 401);
    t.match(refused.json(), { reasons: [{ category: '5' }, { category: '5' }] });
    t.equal((await verify(refused)).status, 200);
    t.equal((await client.get('/visits/v1')).status, 200, 'the patient it is of');
    t.equal((await client.get('/visits/v2')).status, 200, 'the patient it would be of');
    t.equal((await edit('v1', { patientId: 'p2' })).status, 200);
    t.equal(host.visits.get('v1')?.patientId, 'p2');

    const events = await story.next();
    t.strictSame(codesOf(events), [
      'MFA_REQUIRED',
      'MFA_REQUIRED',
      'MFA_SUCCESS',
      'ACCESS_ALLOWED',
      'ACCESS_ALLOWED',
      'ACCESS_ALLOWED',
      'ACCESS_ALLOWED',
    ]);
    const asked = events.slice(0, 2);
    t.strictSame(
      asked.map((event) => event.patientId),
      ['p1', 'p2'],
      'each patient has an event',
    );
    t.equal(asked[0]?.challengeId, asked[1]?.challengeId, 'of one challenge');
    t.strictSame(
      events.slice(5).map(({ patientId, action }) => [patientId, action]),
      [
        ['p1', 'edit'],
        ['p2', 'edit'],
      ],
    );
  });

  await t.test('a proof for one of the two patients leaves the other to be asked for', async (t) => {
    const refused = await edit('v2', { patientId: 'p7' });
    t.equal(refused.status, 401);
    t.match(refused.json(), { reasons: [{ kind: 'missing', category: '5' }] });
    const story = await auditStory(host);
    t.equal((await verify(refused)).status, 200);
    t.equal((await edit('v2', { patientId: 'p7' })).status, 200);
    t.strictSame(codesOf(await story.next()), ['MFA_SUCCESS', 'ACCESS_ALLOWED', 'ACCESS_ALLOWED']);
  });

  await t.test('what is new is judged by what it would be', async (t) => {
    const story = await auditStory(host);
    const create = (json: object) => client.post('/visits', { json });
    t.equal((await create({ patientId: 'p5', category: '1' })).status, 201, 'an ordinary one');
    const refused = await create({ patientId: 'p5', category: '5' });
    t.equal(refused.status, 401);
    t.match(refused.json(), { reasons: [{ kind: 'missing', category: '5' }] });
    t.equal((await verify(refused)).status, 200);
    t.equal((await create({ patientId: 'p5', category: '5' })).status, 201);
    t.equal((await create({ patientId: 'p6', category: '5' })).status, 401);
    const nobodys = await create({ category: '5' });
    t.equal(nobodys.status, 400);
    t.match(nobodys.json(), { code: 'patient_unresolved' });
    const events = await story.next();
    t.strictSame(codesOf(events), ['MFA_REQUIRED', 'MFA_SUCCESS', 'ACCESS_ALLOWED', 'MFA_REQUIRED']);
    t.match(events, [
      { patientId: 'p5' },
      { patientId: 'p5' },
      { patientId: 'p5', action: 'edit' },
      { patientId: 'p6' },
    ]);
  });
  t.strictSame(host.faults, []);
  await host.close();
});
