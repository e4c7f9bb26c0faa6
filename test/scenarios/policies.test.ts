// What a workspace's policy can say: grace period, strength, scope and actions of a category, who is exempt, who must have a factor,
// what asks again whatever the grace period, which services see records without a person.
import { type CountersignOptions, totp } from '@countersign/core';
import { requireStepUp } from '@countersign/fastify';
import { saveSettings } from '../support/administrator.ts';
import { auditStory, codesOf } from '../support/audit-story.ts';
import { type HostOptions, type HostRoutes, onEveryAdapter, startHost } from '../support/hosts.ts';
import { makeVisits, resourceOf } from '../support/records.ts';

/** `POST /act/:action/:id`: any action on a visit. Records are never changed by it. */
const records = makeVisits();
const ACTIONS = ['delete', 'payment', 'prescribe'];
const acting: HostRoutes = {
  fastify(app) {
    for (const action of ACTIONS) {
      const guard = requireStepUp('*', {
        action,
        resource: async (request) => resourceOf(records, (request.params as { id: string }).id),
      });
      app.get(`/act/${action}/:id`, { preHandler: guard }, async () => ({ done: action }));
    }
  },
  express(app, { requireStepUp: guardOf }) {
    for (const action of ACTIONS) {
      const guard = guardOf('*', {
        action,
        resource: async (request) => resourceOf(records, (request.params as { id: string }).id),
      });
      const done = (_: unknown, response: { json(body: unknown): void }) => response.json({ done: action });
      app.get(`/act/${action}/:id`, guard as never, done as never);
    }
  },
};

const started = async (
  adapter: Parameters<typeof startHost>[0],
  countersign: Partial<CountersignOptions> = {},
  more: HostOptions = {},
) => {
  const host = await startHost(adapter, { ...more, routes: acting, countersign });
  const admin = await host.enrolled('ada', { roles: ['administrator'] });
  const carol = await host.enrolled('carol');
  return { host, admin, carol };
};

onEveryAdapter('a category can ask more than the rest', async (t, adapter) => {
  const checkPassword = async (user: { userId: string }, password: string) => password === `secret of ${user.userId}`;
  const { host, admin, carol } = await started(adapter, { checkPassword });
  const { client, secret } = carol;
  const unmet = async (path: string) => {
    const { code, reasons } = (await client.get(path)).json();
    return code === 'step_up_required' ? (reasons as { kind: string }[])[0]?.kind : undefined;
  };

  await t.test('its own, shorter grace period', async (t) => {
    await saveSettings(host, admin, { categoryPolicies: { 5: { graceSeconds: 60 } } });
    await host.stepUp(client, secret, '/visits/v1');
    host.clock.set(59);
    t.equal((await client.get('/visits/v1')).status, 200);
    host.clock.set(1);
    t.equal(await unmet('/visits/v1'), 'expired');
    t.equal((await client.get('/visits/v8')).status, 200, 'another category of the patient is still answered');
  });

  await t.test('a scope of its own', async (t) => {
    await saveSettings(host, admin, { categoryPolicies: { 5: { scope: 'category' } } });
    host.clock.set(900);
    await host.stepUp(client, secret, '/visits/v8');
    t.equal(await unmet('/visits/v1'), 'missing', 'a proof for another category does not answer');
    host.clock.set(30);
    await host.stepUp(client, secret, '/visits/v1');
    t.equal((await client.get('/visits/v8')).status, 200);
  });

  await t.test('only some actions', async (t) => {
    await saveSettings(host, admin, { categoryPolicies: { 5: { actions: ['edit'] } } });
    const newcomer = await host.signedIn('dora');
    t.equal((await newcomer.get('/visits/v1')).status, 200);
    t.match((await newcomer.post('/visits/v1', { json: { notes: 'x' } })).json(), { code: 'factor_required' });
  });

  await t.test('a stronger factor', async (t) => {
    await saveSettings(host, admin, { categoryPolicies: { 5: { strength: 'multi-factor' } } });
    host.clock.set(1000);
    await host.stepUp(client, secret, '/visits/v8');
    host.clock.set(30);
    const refused = await client.get('/visits/v1');
    t.match(refused.json(), { reasons: [{ kind: 'too-weak', strength: 'multi-factor' }] });
    const { challengeId } = refused.json();
    const answer = { challengeId, factor: 'totp', code: host.code(secret) };
    const alone = await client.post('/api/v1/auth/mfa/verify', { json: answer });
    t.match(alone.json(), { code: 'password_required' });
    host.clock.set(30);
    const both = { ...answer, code: host.code(secret), password: 'secret of carol' };
    t.equal((await client.post('/api/v1/auth/mfa/verify', { json: both })).status, 200);
    t.equal((await client.get('/visits/v1')).status, 200);
  });
  t.strictSame(host.faults, []);
  await host.close();
});

onEveryAdapter('who is exempt is not asked, and each access is on the log', async (t, adapter) => {
  let broken = false;
  const { host, admin } = await started(adapter, {
    treatmentRelationship: async (principal, { patientId }) => {
      if (broken) throw new Error('the schedule is away');
      // Anything but true exempts nobody.
      return (principal.userId === 'fritz' ? 'yes' : principal.userId === 'thea' && patientId === 'p1') as boolean;
    },
  });

  await t.test('by role, for the categories named', async (t) => {
    const rule = { kind: 'role', value: 'anaesthetist', categories: ['5'] };
    await saveSettings(host, admin, { exemptions: [rule] });
    const nora = await host.signedIn('nora', { roles: ['anaesthetist'] });
    const story = await auditStory(host);
    t.equal((await nora.get('/visits/v1')).status, 200);
    t.match((await nora.get('/visits/v8')).json(), { code: 'factor_required' }, 'not for another category');
    t.match((await (await host.signedIn('olga')).get('/visits/v1')).json(), { code: 'factor_required' });
    const [first, ...others] = await story.next();
    t.match(first, {
      code: 'EXEMPTION_APPLIED',
      outcome: 'success',
      userId: 'nora',
      patientId: 'p1',
      categories: '5',
      reason: 'role: anaesthetist',
    });
    t.strictSame(codesOf(others), ['ACCESS_DENIED', 'ACCESS_DENIED']);
  });

  await t.test('by name', async (t) => {
    await saveSettings(host, admin, { exemptions: [{ kind: 'provider', value: 'paul', categories: null }] });
    const story = await auditStory(host);
    t.equal((await (await host.signedIn('paul')).get('/visits/v8')).status, 200);
    t.match((await (await host.signedIn('paula')).get('/visits/v8')).json(), { code: 'factor_required' });
    t.match((await story.next())[0], { code: 'EXEMPTION_APPLIED', reason: 'provider: paul' });
    t.match((await (await host.signedIn('paul', { workspaceId: 'elsewhere' })).get('/visits/far')).json(), {
      code: 'factor_required',
    });
  });

  await t.test('by treatment, for the patient alone; where nobody can tell, they are asked', async (t) => {
    await saveSettings(host, admin, { exemptions: [{ kind: 'treatment-relationship', categories: null }] });
    const thea = await host.signedIn('thea');
    const story = await auditStory(host);
    t.equal((await thea.get('/visits/v1')).status, 200);
    t.match((await story.next())[0], { code: 'EXEMPTION_APPLIED', reason: 'treatment-relationship: treating' });
    t.match((await thea.get('/visits/v2')).json(), { code: 'factor_required' }, 'another patient');
    t.match((await (await host.signedIn('fritz')).get('/visits/v1')).json(), { code: 'factor_required' });
    broken = true;
    t.match((await thea.get('/visits/v1')).json(), { code: 'factor_required' });
    broken = false;
    t.notOk(codesOf(await story.next()).includes('EXEMPTION_APPLIED'));
  });

  await t.test('and for nothing but viewing and editing', async (t) => {
    await saveSettings(host, admin, {
      exemptions: [{ kind: 'provider', value: 'paul', categories: null }],
    });
    const paul = await host.signedIn('paul');
    t.equal((await paul.post('/visits/v1', { json: { notes: 'x' } })).status, 200);
    for (const path of ['/export/v1', '/act/delete/v1', '/act/payment/v1', '/act/prescribe/v1']) {
      t.match((await paul.get(path)).json(), { code: 'factor_required' }, path);
    }
  });
  t.strictSame(host.faults, []);
  await host.close();
});

onEveryAdapter('roles that must have a factor', async (t, adapter) => {
  const roles = [
    { id: 'clinician', name: 'Clinician' },
    { id: 'desk', name: 'Front desk', clinical: false },
  ];
  const { host, admin, carol } = await started(adapter, { roles });
  const dora = await host.signedIn('dora');
  const dan = await host.signedIn('dan', { roles: ['desk'] });

  t.equal((await dora.get('/visits/v3')).status, 200, 'an ordinary record, in the meantime');
  t.match((await dora.get('/visits/v1')).json(), { code: 'factor_required' });
  await saveSettings(host, admin, { untilEnrolled: 'refuse' });
  const story = await auditStory(host);
  const refused = await dora.get('/visits/v3');
  t.match(refused.json(), { code: 'factor_required', enrolmentUrl: `${host.baseUrl}/step-up/factors` });
  t.match(await story.next(), [{ code: 'ACCESS_DENIED', reason: 'must-enrol', userId: 'dora' }]);
  t.equal((await dora.get('/step-up/factors', { page: true })).status, 200, 'the way to enrol is open');
  t.equal((await carol.client.get('/visits/v3')).status, 200, 'whoever has one is let through');
  t.equal((await dan.get('/visits/v3')).status, 200, 'a role that is not clinical');
  await saveSettings(host, admin, { mustEnrolRoles: ['desk'] });
  t.equal((await dora.get('/visits/v3')).status, 200);
  t.match((await dan.get('/visits/v3')).json(), { code: 'factor_required' });
  t.strictSame(host.faults, []);
  await host.close();
});

onEveryAdapter('actions that ask again', async (t, adapter) => {
  const { host, admin, carol } = await started(adapter, {
    actions: ['view', 'edit', 'export', 'delete', 'payment', 'prescribe'],
    reauthenticateActions: ['export', 'delete', { action: 'payment', withinSeconds: 120 }],
  });
  const { client, secret } = carol;
  await host.stepUp(client, secret, '/visits/v1');
  host.clock.set(30);

  for (const path of ['/export/v1', '/act/delete/v1']) {
    t.match((await client.get(path)).json(), { reasons: [{ graceSeconds: 0 }] }, path);
    await host.stepUp(client, secret, path);
    t.equal((await client.get(path)).status, 200);
    t.equal((await client.get(path)).status, 401, `${path}: for one operation`);
    host.clock.set(30);
  }

  await t.test('within some seconds, where code says so', async (t) => {
    t.equal((await client.get('/act/payment/v1')).status, 200, 'a proof for the patient that is fresh enough');
    host.clock.set(120);
    await host.stepUp(client, secret, '/act/payment/v1');
    t.equal((await client.get('/act/payment/v1')).status, 200);
    host.clock.set(119);
    t.equal((await client.get('/act/payment/v1')).status, 200);
    host.clock.set(1);
    t.equal((await client.get('/act/payment/v1')).status, 401);
    t.equal((await client.get('/visits/v1')).status, 200, 'the grace period goes on for the rest');
  });

  await t.test('and those that a workspace adds', async (t) => {
    t.equal((await client.get('/act/prescribe/v1')).status, 200);
    await saveSettings(host, admin, { reauthenticateActions: ['prescribe', 'payment'] });
    t.equal((await client.get('/act/prescribe/v1')).status, 401);
    host.clock.set(30);
    await host.stepUp(client, secret, '/act/payment/v1');
    t.equal((await client.get('/act/payment/v1')).status, 200);
    t.equal((await client.get('/act/payment/v1')).status, 401, 'stricter than code: each time');
    await saveSettings(host, admin, { enabled: false });
    t.equal((await client.get('/act/prescribe/v1')).status, 401, 'also where step-up is off');
  });
  t.strictSame(host.faults, []);
  await host.close();
});

onEveryAdapter('services that policy names', async (t, adapter) => {
  const roles = ['clinician'];
  const robot = (userId: string) => ({
    userId,
    workspaceId: 'clinic',
    roles,
    displayName: userId,
    signedInAt: new Date(0),
    sessionKey: `token of ${userId}`,
    credential: 'bearer' as const,
    kind: 'service' as const,
  });
  let caller = robot('letters');
  const host = await startHost(adapter, {
    identify: () => ({ ...caller, signedInAt: new Date(host.clock.now()) }),
    routes: acting,
    countersign: {
      factors: [totp({ issuer: 'Example EHR' })],
      services: [{ userId: 'letters', workspaceId: 'clinic', categories: ['5'], actions: ['view'] }],
    },
  });
  const client = host.client();
  const story = await auditStory(host);
  t.equal((await client.get('/visits/v1')).status, 200);
  t.match(await story.next(), [{ code: 'EXEMPTION_APPLIED', userId: 'letters', reason: 'service: letters' }]);
  t.match((await client.get('/visits/v8')).json(), { code: 'person_required' }, 'another category');
  t.match((await client.post('/visits/v1', { json: { notes: 'x' } })).json(), { code: 'person_required' });
  t.match((await client.get('/export/v1')).json(), { code: 'person_required' });
  caller = robot('spy');
  t.match((await client.get('/visits/v1')).json(), { code: 'person_required' });
  t.match((await client.get('/visits/v3')).json(), { code: 'person_required' }, 'nor an ordinary record');
  t.strictSame(host.faults, []);
  await host.close();
});
