// Emergency access is the one way past a factor, so that is where an attacker goes (threats 16, 24, 29, 30): to another patient, past
// its end, by a clock of their own, over many patients by script, as somebody else, by a token without a person, to what it was never
// for. Each is refused, all of it is on the log, and every access under it is there before it was answered.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { CountersignError, EmergencyRequest, Principal } from '@countersign/core';
import type { IdentifiedPrincipal } from '@countersign/web';
import t from 'tap';
import { storeProcess } from '../contracts/store-process.ts';
import type { SentRequest } from '../support/client.ts';
import { manualClock } from '../support/clock.ts';
import { type AdapterName, type Host, onEveryAdapter, startHost } from '../support/hosts.ts';
import { createRealStore } from '../support/real-store.ts';
import { until } from '../support/until.ts';

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const asked = (patientId: string): EmergencyRequest => ({
  purpose: 'clinical',
  patientId,
  reason: 'Unresponsive after the infusion, dose needed now.',
  purposeOfUse: 'ETREAT',
});

const person = (identity: Partial<Principal> = {}): Principal => ({
  userId: 'ana',
  workspaceId: 'clinic',
  roles: ['clinician'],
  displayName: 'Ana',
  signedInAt: new Date(Date.UTC(2026, 2, 2, 8, 55)),
  sessionKey: 'host session',
  credential: 'bearer',
  kind: 'person',
  ...identity,
});

/** The test says in a header who is signed in: what a host knows from its session. */
function identify(request: IncomingMessage): IdentifiedPrincipal | null {
  const said = request.headers['x-identity'];
  return typeof said === 'string' ? person(JSON.parse(said)) : null;
}

const as = (identity: Partial<Principal>, sent: SentRequest = {}): SentRequest => ({
  ...sent,
  headers: { ...sent.headers, 'x-identity': JSON.stringify(identity) },
});

async function start(adapter: AdapterName) {
  const countersign = { emergencyAccess: { roles: ['clinician'] } };
  const host = await startHost(adapter, { identify, countersign });
  for (const userId of ['ana', 'ada'])
    await host.countersign.enrolment.importFactor({ workspaceId: 'clinic', userId, factor: 'totp', secret: SECRET });
  const principal = (identity: Partial<Principal> = {}) => host.countersign.principalOf(person(identity));
  const client = host.client();
  const statusOf = async (path: string, identity: Partial<Principal> = {}) =>
    (await client.get(path, as(identity))).status;
  return { host, client, principal, statusOf, emergency: host.countersign.emergency };
}

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  await work.then(
    () => 'nothing',
    (error: CountersignError) => error.code,
  );
const refused = async (host: Host) =>
  (await host.events()).filter(({ code }) => code === 'EMERGENCY_ACCESS_REFUSED').map(({ reason }) => reason);

onEveryAdapter(
  'it opens the records of its patient, and of nobody else, for nobody else, to nothing else',
  async (t, adapter) => {
    const { host, client, principal, statusOf, emergency } = await start(adapter);
    t.equal(await statusOf('/visits/v1'), 401);
    const { id } = await emergency.start(principal(), asked('p1'));
    t.equal(await statusOf('/visits/v1'), 200);
    t.equal(await statusOf('/patients/p1/notes'), 200);
    t.match(
      (await host.events('ana')).filter(({ code }) => code === 'ACCESS_ALLOWED'),
      ['/visits/:id', '/patients/:patientId/notes'].map((route) => ({
        emergencyAccessId: id,
        patientId: 'p1',
        reason: 'emergency-access',
        route,
      })),
    );
    t.equal(await statusOf('/visits/v2'), 401, 'another patient');
    t.equal(await statusOf('/visits/far'), 404, 'another workspace');
    t.equal(
      await statusOf('/visits/v1', { userId: 'ben', sessionKey: 'ben on the ward' }),
      403,
      'somebody else, who has no factor',
    );
    t.equal(
      await statusOf('/visits/v1', { actor: { userId: 'sue', displayName: 'Sue' } }),
      403,
      'somebody who acts as Ana',
    );
    t.equal(await statusOf('/visits/v1', { kind: 'service' }), 403, 'a program');
    t.equal(await statusOf('/visits/v1', { roles: ['desk'] }), 401, 'Ana, who is no clinician any more');
    t.equal(await statusOf('/export/v1'), 401, 'an export');
    const moved = await client.send('PUT', '/visits/v1', as({}, { json: { patientId: 'p2' } }));
    t.equal(moved.status, 401, 'an edit that takes the record to another patient');
    t.equal(host.visits.get('v1')?.patientId, 'p1');
    t.equal((await client.send('PUT', '/visits/v1', as({}, { json: { notes: 'seen' } }))).status, 200, 'an edit of it');
    const factors = await client.post('/api/v1/auth/mfa/enroll', as({}, { json: { factor: 'totp' } }));
    t.match(factors.json(), { code: 'step_up_required' }, 'factors');
    const boss = { roles: ['clinician', 'administrator'] };
    const settings = { version: 0, settings: { enabled: false, categories: [], graceSeconds: 0 } };
    const changed = await client.send('PUT', '/api/v1/admin/settings', as(boss, { json: settings }));
    t.match(changed.json(), { code: 'step_up_required' }, 'settings');
  },
);

onEveryAdapter('it ends at its minute, in the middle of a session, and is not extended', async (t, adapter) => {
  const { host, principal, statusOf, emergency } = await start(adapter);
  const first = await emergency.start(principal(), asked('p1'));
  host.clock.advance(3599);
  t.equal(await statusOf('/visits/v1'), 200, 'the last second');
  t.equal(
    (await emergency.start(principal(), asked('p1'))).endsAt.getTime(),
    first.endsAt.getTime(),
    'asked for again',
  );
  host.clock.advance(1);
  t.equal(await statusOf('/visits/v1'), 401, 'minute 60');
  host.clock.set(-1800);
  t.equal(await statusOf('/visits/v1'), 401, 'the clock set back');
  host.clock.set(1800);
  await until(async () => (await host.events()).some(({ code }) => code === 'EMERGENCY_ACCESS_ENDED'));
  const again = await emergency.start(principal(), asked('p1'));
  t.equal(again.reopens, first.id, 'opened again at minute 60: it says so, and so does the notice');
  t.match(
    (await host.events())
      .filter(({ code }) => code === 'EMERGENCY_ACCESS_STARTED')
      .map(({ details }) => JSON.parse(details ?? '')),
    [{ reopens: null }, { reopens: first.id }],
  );
  t.equal(await statusOf('/visits/v1'), 200);
  await emergency.end(principal(), again.id);
  t.equal(await statusOf('/visits/v1'), 401, 'ended early');
  t.equal(await codeOf(emergency.end(principal(), again.id)), 'emergency_ended');
});

onEveryAdapter('nobody opens it who may not, and nobody judges their own', async (t, adapter) => {
  const { host, principal, emergency } = await start(adapter);
  for (const [identity, code] of [
    [{ kind: undefined }, 'person_required'],
    [{ kind: 'service' }, 'person_required'],
    [{ actor: { userId: 'sue', displayName: 'Sue' } }, 'person_required'],
    [{ roles: [] }, 'emergency_not_eligible'],
  ] as const) {
    t.equal(await codeOf(emergency.start(principal(identity as Partial<Principal>), asked('p1'))), code);
  }
  t.equal(
    await codeOf(emergency.start(principal(), { ...asked('p1'), reason: '\u2003'.repeat(40) })),
    'emergency_reason_insufficient',
  );
  for (const patient of ['p1', 'p2', 'p3']) await emergency.start(principal(), asked(patient));
  const { id, status } = await emergency.start(principal(), asked('p4'));
  t.equal(status, 'waiting');
  t.equal(await codeOf(emergency.approve(principal(), id)), 'emergency_not_eligible', 'one’s own');
  const ben = { userId: 'ben', sessionKey: 'ben on the ward' };
  const sue = { actor: { userId: 'sue', displayName: 'Sue' } };
  t.equal(await codeOf(emergency.approve(principal({ ...ben, ...sue }), id)), 'person_required');
  t.equal(await codeOf(emergency.approve(principal({ ...ben, workspaceId: 'elsewhere' }), id)), 'not_found');
  t.equal((await emergency.approve(principal(ben), id)).status, 'open');
  await emergency.end(principal(), id);
  const review = { outcome: 'signed-off', note: 'All of it was needed.' } as const;
  t.equal(await codeOf(emergency.review(principal({ roles: ['administrator'] }), id, review)), 'emergency_own_review');
  const ada = { userId: 'ada', roles: ['administrator'], sessionKey: 'ada on the ward' };
  t.equal(await codeOf(emergency.review(principal({ ...ada, ...sue }), id, review)), 'person_required');
  t.equal(await codeOf(emergency.review(principal({ ...ada, workspaceId: 'elsewhere' }), id, review)), 'not_found');
  t.equal(await codeOf(emergency.patientRecord(principal({ ...ada, workspaceId: 'elsewhere' }), id)), 'not_found');
  t.strictSame(await emergency.queue(principal({ ...ada, workspaceId: 'elsewhere' }), { state: 'all' }), []);
  t.equal((await emergency.review(principal(ada), id, review)).review?.by, 'ada');
  t.strictSame(await refused(host), [
    ...[
      'person_required',
      'person_required',
      'person_required',
      'emergency_not_eligible',
      'emergency_reason_insufficient',
    ],
    ...['emergency_not_eligible', 'person_required', 'emergency_own_review', 'person_required'],
  ]);
});

onEveryAdapter(
  'what is refused is refused at every door, and no page shows the way to a refusal',
  async (t, adapter) => {
    const { host, client } = await start(adapter);
    const { purpose: _, ...json } = asked('p1');
    const sue = { actor: { userId: 'sue', displayName: 'Sue' } };
    for (const [identity, code] of [
      [{ kind: 'service' }, /^(person_required|step_up_required)$/],
      [sue, /^person_required$/],
      [{ roles: [] }, /^emergency_not_eligible$/],
    ] as const) {
      const who = as(identity as Partial<Principal>);
      t.match(await client.post('/api/v1/break-glass', { ...who, json }), { status: 403 });
      t.match((await client.post('/api/v1/break-glass', { ...who, json })).json().code, code);
      t.match((await client.get('/api/v1/break-glass/options?patientId=p1', who)).json().available, false);
      t.notOk('emergencyUrl' in (await client.get('/visits/v1', who)).json());
      const page = await client.get('/step-up/emergency?patient=p1', { ...who, page: true });
      t.equal(page.status, 403);
      t.notMatch(page.text, '<textarea');
    }
    for (const reason of ['', '                        ', 'zzzzzzzzzzzzzzzzzzzzzzzzz', 'too short']) {
      const refusal = await client.post('/api/v1/break-glass', as({}, { json: { ...json, reason } }));
      t.match(refusal.json(), { status: 422, code: 'emergency_reason_insufficient' });
    }
    t.equal((await client.get('/visits/v1', as({}))).status, 401, 'nothing is open');

    const scripted = [];
    for (let patient = 0; patient < 9; patient += 1) {
      const body = { ...json, patientId: `scripted ${patient}` };
      scripted.push((await client.post('/api/v1/break-glass', as({}, { json: body }))).status);
    }
    t.strictSame(scripted, [201, 201, 201, 202, 202, 202, 429, 429, 429], 'what has to be approved is bounded, too');
    host.clock.advance(3600);
    const again = await client.post('/api/v1/break-glass', as({}, { json: { ...json, patientId: 'scripted 0' } }));
    t.equal(again.status, 201);
    t.ok(again.json().reopens, 'opened at minute 60 again, it names the earlier one');
    t.equal((await client.get('/export/v1', as({}))).status, 401, 'and nothing leaves by it');
    t.strictSame(host.faults, []);
  },
);

t.test('scripted over many patients on two nodes at once: as many as the bounds have room for', async (t) => {
  const store = await createRealStore();
  const key = randomBytes(32).toString('base64');
  const now = Date.UTC(2026, 2, 2, 9);
  const script = new URL('countersign-process.mjs', import.meta.url);
  const [one, other] = [storeProcess(script), storeProcess(script)];
  const rules = { roles: ['clinician'], mostOpen: 3, mostPerDay: 5 };
  await one.ask('start', store.url, key, now, null, rules);
  await other.ask('start', store.url, key, now, null, rules);
  const patients = (from: number) => Array.from({ length: 8 }, (_, at) => `p${from + at}`);
  const race = async (userId: string) =>
    (
      await Promise.all([
        one.ask<string[]>('emergencies', userId, patients(0)),
        other.ask<string[]>('emergencies', userId, patients(8)),
      ])
    ).flat();
  for (const userId of ['eve', 'mallory']) {
    const statuses = await race(userId);
    const count = (status: string) => statuses.filter((each) => each === status).length;
    t.strictSame(['open', 'waiting', 'attempts_delayed'].map(count), [3, 3, 10], `${userId}, 16 at once`);
    t.equal((await store.emergencyAccess({ workspaceId: 'clinic', userId })).length, 6);
  }
  const same = await Promise.all(
    [one, other].map((node) => node.ask<string[]>('emergencies', 'carol', Array(10).fill('p1'))),
  );
  t.strictSame(new Set(same.flat()), new Set(['open']));
  const [carols, ...none] = await store.emergencyAccess({ workspaceId: 'clinic', userId: 'carol' });
  t.strictSame(none, [], 'one, however often it was asked for at once');

  const waiting = (await store.emergencyAccess({ workspaceId: 'clinic', userId: 'eve' })).find(({ access }) =>
    access.content.includes('"waits":true'),
  );
  const id = waiting?.access.id;
  const decided = await Promise.all([one.ask('approve', 'ben', id), other.ask('endEmergency', 'eve', id)]);
  t.equal(decided.filter((each) => each === 'ok').length >= 1, true);
  const steps = (await store.emergencyAccess({ ids: [id ?? ''] }))[0]?.steps.map(({ kind }) => kind).sort() ?? [];
  t.ok(
    [['approved', 'ended'], ['declined']].some((each) => each.join() === steps.join()),
    `approved and then ended, or withdrawn and not approved: ${steps.join()}`,
  );

  await until(async () => (await other.ask('opens', 'carol', 'p1')) === 'allow');
  await other.ask('setClock', now - 1_800_000);
  await one.ask('setClock', now + 3_600_000);
  t.not(await one.ask('opens', 'carol', 'p1'), 'allow', 'over on one node');
  // Its duty writes that down, and the node whose clock is half an hour behind hears of it.
  await until(async () => (await other.ask('opens', 'carol', 'p1')) !== 'allow');
  const carol = (await store.emergencyAccess({ ids: [carols?.access.id ?? ''] }))[0];
  t.strictSame(
    carol?.steps.map(({ kind }) => kind),
    ['ended'],
    'once, though both nodes can lead',
  );
});

t.test('a database that cannot write the access opens nothing, and a notice that fails changes nothing', async (t) => {
  const clock = manualClock();
  const store = await createRealStore();
  const host = await startHost('fastify', {
    store,
    clock,
    identify,
    countersign: { emergencyAccess: { roles: ['clinician'] } },
  });
  const principal = host.countersign.principalOf(person());
  const { id } = await host.countersign.emergency.start(principal, asked('p1'));
  await host.countersign.audit.close();
  const answer = await host.client().get('/visits/v1', as({}));
  t.equal(answer.status, 503, 'what nobody can write down is not shown');
  t.notMatch(answer.text, 'notes of v1');
  t.equal((await store.emergencyAccess({ ids: [id] }))[0]?.steps.length, 0);
});
