// A host with its own front end, and programs: they read why they were refused, answer, and go on.
import type { AuditConnection, Store } from '@countersign/core';
import { openStore } from '@countersign/postgres';
import { auditStory, codesOf } from '../support/audit-story.ts';
import { type HostRoutes, onEveryVersion, startHost } from '../support/hosts.ts';
import { createPglite } from '../support/pglite.ts';

/** `GET /asked/:patientId/:category`: what `request.stepUp.check` says, as a page that decides what to show would use it. */
const asking: HostRoutes = {
  fastify(app) {
    app.get('/asked/:patientId/:category', async (request) => {
      const { patientId, category } = request.params as { patientId: string; category: string };
      return await request.stepUp.check({ workspaceId: 'clinic', patientId, categories: [category] });
    });
    app.get('/approved/:patientId', async (request) => {
      const { patientId } = request.params as { patientId: string };
      const operation = { name: 'discharge', content: { patientId } };
      await request.stepUp.enforce({ workspaceId: 'clinic', patientId, categories: ['0'], action: 'sign', operation });
      return { approved: patientId };
    });
  },
  express(app, { guarded }) {
    app.get(
      '/asked/:patientId/:category',
      guarded(async (request, response) => {
        const { patientId, category } = request.params as { patientId: string; category: string };
        const decision = await request.stepUp?.check({ workspaceId: 'clinic', patientId, categories: [category] });
        response.end(JSON.stringify(decision));
      }),
    );
    app.get(
      '/approved/:patientId',
      guarded(async (request, response) => {
        const { patientId } = request.params as { patientId: string };
        const operation = { name: 'discharge', content: { patientId } };
        const demand = { workspaceId: 'clinic', patientId, categories: ['0'], action: 'sign', operation };
        await request.stepUp?.enforce(demand);
        response.end(JSON.stringify({ approved: patientId }));
      }),
    );
  },
};

onEveryVersion('the JSON interface', async (t, adapter) => {
  // Once on the embedded database as well: the scenarios are otherwise on a server.
  const embedded = adapter === 'fastify' ? { store: await openStore(await createPglite()) } : {};
  const host = await startHost(adapter, { ...embedded, routes: asking });
  const { client, secret } = await host.enrolled('carol');

  await t.test('a refusal says why, what would do, and where', async (t) => {
    const story = await auditStory(host);
    const asked = await client.get('/visits/v1');
    t.equal(asked.status, 401);
    t.match(asked.headers.get('content-type'), 'application/problem+json');
    t.equal(asked.headers.get('cache-control'), 'no-store');
    const problem = asked.json();
    t.strictSame(
      { ...problem, challengeId: typeof problem.challengeId },
      {
        type: 'urn:countersign:error:step_up_required',
        title: 'Please confirm that it is you.',
        status: 401,
        code: 'step_up_required',
        detail: 'Please confirm that it is you.',
        reasons: [{ kind: 'missing', category: '5', strength: 'any', graceSeconds: 900 }],
        challengeId: 'string',
        challengeUrl: `${host.baseUrl}/step-up/challenge/${problem.challengeId}`,
        apiUrl: `${host.baseUrl}/api/v1`,
        factors: ['totp'],
        expiresAt: new Date(host.clock.now() + 600_000).toISOString(),
      },
    );
    t.notMatch(asked.text, 'p1', 'whose record it is the caller knows, and a log of replies need not');
    // RFC 9470 §3.
    const authenticate =
      'Bearer error="insufficient_user_authentication", error_description="A second factor is needed"';
    for (const [path, maxAge] of [
      ['/visits/v1', 900],
      ['/visits/v8', 300],
      ['/visits/v0', 0],
      ['/export/v3', 0],
    ] as const) {
      const refused = await client.get(path);
      t.equal(refused.headers.get('www-authenticate'), `${authenticate}, acr_values="mfa", max_age="${maxAge}"`, path);
    }
    t.equal((await host.client().get('/visits/v1')).headers.get('www-authenticate'), 'Bearer error="invalid_token"');
    const newcomer = await (await host.signedIn('nora')).get('/visits/v1');
    t.equal(newcomer.headers.get('www-authenticate'), null, 'what no token would help with asks for none');
    t.strictSame(codesOf(await story.next()), [
      'MFA_REQUIRED',
      'MFA_REQUIRED',
      'MFA_REQUIRED',
      'MFA_REQUIRED',
      'MFA_REQUIRED',
      'ACCESS_DENIED',
    ]);
  });

  await t.test('an answer is taken once, and its slips are named', async (t) => {
    const { challengeId } = (await client.get('/visits/v1')).json();
    const verify = (json: object) => client.post('/api/v1/auth/mfa/verify', { json });
    const story = await auditStory(host);
    t.match((await verify({ challengeId })).json(), { status: 400, code: 'input_invalid', field: 'code' });
    t.match((await verify({ challengeId, code: '12345' })).json(), { status: 400, code: 'code_malformed' });
    t.match((await verify({ challengeId, code: '123456', factor: 'pigeon' })).json(), {
      status: 403,
      code: 'factor_not_accepted',
    });
    t.match((await verify({ challengeId: 'x'.repeat(22), code: '123456' })).json(), {
      status: 404,
      code: 'challenge_unknown',
    });
    t.match((await verify({ challengeId, code: host.wrongCode(secret) })).json(), {
      status: 422,
      code: 'code_incorrect',
      attemptsLeft: 29,
    });
    const passed = await verify({ challengeId, code: ` ${host.code(secret).replace(/^.../, '$& ')}` });
    t.equal(passed.status, 200);
    t.strictSame(passed.json(), {
      verified: true,
      challengeId,
      endsAt: new Date(host.clock.now() + 900_000).toISOString(),
      returnTo: null,
    });
    t.match((await verify({ challengeId, code: host.code(secret) })).json(), { code: 'challenge_unknown' });
    t.equal((await client.get('/visits/v1')).status, 200);
    const events = await story.next();
    t.strictSame(codesOf(events), ['MFA_FAILURE', 'MFA_FAILURE', 'MFA_FAILURE', 'MFA_SUCCESS', 'ACCESS_ALLOWED']);
    t.match(events, [
      { reason: 'malformed' },
      { reason: 'unknown-factor' },
      { reason: 'incorrect' },
      { outcome: 'success' },
      { reason: 'proof' },
    ]);
  });

  await t.test('the session says who, with which factors, and what is left of which proof', async (t) => {
    host.clock.set(100);
    const story = await auditStory(host);
    const status = await client.get('/api/v1/auth/session');
    t.equal(status.status, 200);
    t.equal(status.headers.get('cache-control'), 'no-store');
    t.strictSame(status.json(), {
      principal: { userId: 'carol', workspaceId: 'clinic', displayName: 'carol', roles: ['clinician'] },
      factors: [{ factor: 'totp', strength: 'any', usable: true, cap: null, remaining: null }],
      proofs: [{ patientId: 'p1', factor: 'totp', strength: 'any', secondsLeft: 800 }],
      mustEnrol: false,
      emergencyAccess: [],
      idleSecondsLeft: null,
    });
    t.match((await (await host.signedIn('carol')).get('/api/v1/auth/session')).json(), { proofs: [] });
    const stranger = await host.client().get('/api/v1/auth/session');
    t.equal(stranger.status, 401);
    t.match(stranger.json(), { code: 'sign_in_required' });
    t.strictSame(codesOf(await story.next()), []);
  });

  await t.test('resolvers ask for the very record they are about to give out', async (t) => {
    const story = await auditStory(host);
    t.equal((await client.get('/resolver/v1')).status, 200);
    t.equal((await client.get('/resolver/v3')).status, 200, 'what is not sensitive opens');
    const refused = await client.get('/resolver/v2');
    t.equal(refused.status, 401);
    t.match(refused.headers.get('content-type'), 'application/problem+json');
    t.match(refused.json(), { code: 'step_up_required', factors: ['totp'] });
    t.match(refused.headers.get('www-authenticate'), 'insufficient_user_authentication');
    t.equal(refused.headers.get('cache-control'), 'no-store');
    t.equal((await client.get('/resolver/v2', { page: true })).status, 303, 'a person is sent to the page');
    t.equal((await host.client().get('/resolver/v1')).status, 401);
    t.match((await client.get('/resolver/v0')).json(), { status: 500, code: 'operation_required' });
    const elsewhere = await client.get('/resolver/far');
    t.equal(elsewhere.status, 404, 'a record of another workspace');
    host.clock.set(30);
    await host.stepUp(client, secret, '/resolver/v2');
    t.equal((await client.get('/resolver/v2')).status, 200);
    const events = await story.next();
    t.strictSame(codesOf(events), [
      'ACCESS_ALLOWED',
      'MFA_REQUIRED',
      'MFA_REQUIRED',
      'ACCESS_DENIED',
      'ACCESS_DENIED',
      'MFA_REQUIRED',
      'MFA_SUCCESS',
      'ACCESS_ALLOWED',
    ]);
    t.match(events[0], { patientId: 'p1', categories: '5', action: 'view', route: '/resolver/:id', method: 'GET' });
    t.match([events[3], events[4]], [{ reason: 'operation-unknown' }, { reason: 'another-workspace' }]);
  });

  await t.test('asking what would be decided opens, uses and writes nothing', async (t) => {
    const story = await auditStory(host);
    const asked = async (path: string) => (await client.get(path)).json();
    t.match(await asked('/asked/p1/5'), { outcome: 'allow', basis: 'proof' });
    t.match(await asked('/asked/p1/1'), { outcome: 'allow', basis: 'not-sensitive' });
    t.match(await asked('/asked/p7/5'), { outcome: 'challenge', factors: ['totp'], reasons: [{ kind: 'missing' }] });
    t.strictSame(codesOf(await story.next()), []);
  });

  await t.test('where every operation asks, a code is good for one', async (t) => {
    const story = await auditStory(host);
    for (const path of ['/visits/v0', '/export/v1?format=csv', '/approved/p1']) {
      host.clock.set(30);
      await host.stepUp(client, secret, path);
      const [opened, again] = [await client.get(path), await client.get(path)];
      t.equal(opened.status, 200, path);
      t.equal(again.status, 401, `${path}, again`);
    }
    host.clock.set(30);
    await host.stepUp(client, secret, '/export/v1?format=csv');
    t.equal((await client.get('/export/v1?format=pdf')).status, 401, 'not for another query');
    t.equal((await client.get('/export/v2?format=csv')).status, 401, 'nor for another record');
    t.equal((await client.get('/approved/p1')).status, 401, 'nor for another operation');
    t.equal((await client.get('/export/v1?format=csv')).status, 200);
    host.clock.set(30);
    await host.stepUp(client, secret, '/visits/v0');
    host.clock.set(120);
    t.match((await client.get('/visits/v0')).json(), {
      reasons: [{ kind: 'expired', category: '0', graceSeconds: 0 }],
    });
    const codes = codesOf(await story.next());
    const once = ['MFA_REQUIRED', 'MFA_SUCCESS', 'ACCESS_ALLOWED', 'MFA_REQUIRED'];
    t.strictSame(codes, [
      ...once,
      ...once,
      ...once,
      'MFA_REQUIRED',
      'MFA_SUCCESS',
      'MFA_REQUIRED',
      'MFA_REQUIRED',
      'MFA_REQUIRED',
      'ACCESS_ALLOWED',
      'MFA_REQUIRED',
      'MFA_SUCCESS',
      'MFA_REQUIRED',
    ]);
  });
  t.strictSame(
    host.faults.map((fault) => fault.code),
    ['operation_required'],
    'the slip of the resolver reaches the host’s log',
  );
  await host.close();
});

/** A store whose audit appends wait while the gate is shut. */
async function gatedStore(): Promise<Store & { gate: Promise<void> }> {
  const store = await openStore(await createPglite());
  const gated = {
    ...store,
    gate: Promise.resolve(),
    async openAuditConnection(): Promise<AuditConnection> {
      const connection = await store.openAuditConnection();
      return {
        openStream: (...given) => connection.openStream(...given),
        async append(records) {
          await gated.gate;
          await connection.append(records);
        },
        transact: (work) => connection.transact(work),
        written: (ids) => connection.written(ids),
        close: () => connection.close(),
      };
    },
  };
  return gated;
}

onEveryVersion('whether an access waits for its event is chosen per category', async (t, adapter) => {
  const store = await gatedStore();
  const host = await startHost(adapter, {
    store,
    countersign: {
      categories: [
        { id: '5', name: 'Not written down', accessAudit: 'none' },
        { id: '8', name: 'Written behind' },
        { id: '12', name: 'Written before', accessAudit: 'awaited' },
        { id: '0', name: 'Asks every time', graceSeconds: 0 },
        { id: '1', name: 'Office visit', sensitive: false },
      ],
    },
  });
  const [applied] = (await host.events()).filter((event) => event.code === 'CONFIGURATION_APPLIED');
  t.match(JSON.parse(applied?.details ?? ''), {
    categories: [
      { id: '5', accessAudit: 'none' },
      { id: '8', accessAudit: 'batched' },
      { id: '12', accessAudit: 'awaited' },
      { id: '0', accessAudit: 'batched' },
      { id: '1', accessAudit: 'batched' },
    ],
  });
  host.visits.set('v12', { id: 'v12', workspaceId: 'clinic', patientId: 'p1', category: '12', notes: 'notes of v12' });
  const { client, secret } = await host.enrolled('carol');
  await host.stepUp(client, secret, '/visits/v12');
  const story = await auditStory(host);

  let open = (): void => {};
  store.gate = new Promise((resolve) => {
    open = resolve;
  });
  t.equal((await client.get('/visits/v1')).status, 200, 'none: it does not wait');
  t.equal((await client.get('/visits/v8')).status, 200, 'batched: nor does it');
  let answered = false;
  const awaited = client.get('/visits/v12').then((answer) => {
    answered = true;
    return answer;
  });
  // A round trip that comes behind it and answers all the same.
  t.equal((await client.get('/visits/v1')).status, 200);
  t.equal((await client.get('/visits/v8')).status, 200);
  t.equal(answered, false, 'awaited: it waits for the commit');
  open();
  t.equal((await awaited).status, 200);
  const events = await story.next();
  t.strictSame(
    events.map(({ code, categories }) => [code, categories]),
    [
      ['ACCESS_ALLOWED', '8'],
      ['ACCESS_ALLOWED', '12'],
      ['ACCESS_ALLOWED', '8'],
    ],
  );
  await host.close();
  await store.close();
});
