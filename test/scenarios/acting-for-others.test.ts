// Somebody who acts as somebody else (support, a delegate) is asked for a factor of their own, and both names are on the log; a
// service or queue sees what policy names it for, and nothing else.
import type { IncomingMessage } from 'node:http';
import type { Principal } from '@countersign/core';
import type { IdentifiedPrincipal } from '@countersign/web';
import type { Client, SentRequest } from '../support/client.ts';
import { type Host, onEveryAdapter, startHost } from '../support/hosts.ts';

const SECRETS = { ana: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', sue: 'KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU' };

/** The test says in a header who is signed in: what a host knows from its session. */
function identify(request: IncomingMessage): IdentifiedPrincipal | null {
  const said = request.headers['x-identity'];
  if (typeof said !== 'string') return null;
  const identity: Partial<Principal> = JSON.parse(said);
  return {
    userId: 'ana',
    workspaceId: 'clinic',
    roles: ['clinician'],
    displayName: 'Ana',
    signedInAt: new Date(Date.UTC(2026, 2, 2, 8, 55)),
    sessionKey: 'host session',
    credential: 'bearer',
    ...identity,
  };
}

const sue = { userId: 'sue', displayName: 'Sue', sessionKey: 'host session' };
const sueAsAna = { actor: { userId: 'sue', displayName: 'Sue' } };

const as = (identity: Partial<Principal>, sent: SentRequest = {}): SentRequest => ({
  ...sent,
  headers: { ...sent.headers, 'x-identity': JSON.stringify(identity) },
});

async function start(adapter: Parameters<typeof startHost>[0], settings = {}): Promise<{ host: Host; client: Client }> {
  const host = await startHost(adapter, { identify, countersign: settings });
  for (const [userId, secret] of Object.entries(SECRETS))
    await host.countersign.enrolment.importFactor({ workspaceId: 'clinic', userId, factor: 'totp', secret });
  return { host, client: host.client() };
}

async function answer(host: Host, client: Client, identity: Partial<Principal>, secret: string, path: string) {
  const asked = await client.get(path, as(identity));
  const json = { challengeId: asked.json().challengeId, factor: 'totp', code: host.code(secret) };
  return await client.post('/api/v1/auth/mfa/verify', as(identity, { json }));
}

onEveryAdapter('whoever acts as somebody else is asked for a factor of their own', async (t, adapter) => {
  const { host, client } = await start(adapter);
  t.equal((await client.get('/visits/v1', as(sueAsAna))).status, 401);
  const wrong = await answer(host, client, sueAsAna, SECRETS.ana, '/visits/v1');
  t.match([wrong.status, wrong.json().code], [422, 'code_incorrect'], 'the code of the one acted as is nobody’s here');
  t.equal((await answer(host, client, sueAsAna, SECRETS.sue, '/visits/v1')).status, 200);
  t.equal((await client.get('/visits/v1', as(sueAsAna))).status, 200);

  t.equal((await client.get('/visits/v1', as({}))).status, 401, 'the proof is not Ana’s own');
  t.equal((await client.get('/visits/v1', as(sue))).status, 401, 'nor Sue’s, as herself');
  const other = { actor: { userId: 'pat', displayName: 'Pat' } };
  t.equal((await client.get('/visits/v1', as(other))).status, 403, 'nor that of somebody else who acts as Ana');

  const events = (await host.events()).filter(({ code }) => code === 'MFA_SUCCESS' || code === 'ACCESS_ALLOWED');
  t.match(
    events.map(({ code, userId, actorId }) => [code, userId, actorId]),
    [
      ['MFA_SUCCESS', 'ana', 'sue'],
      ['ACCESS_ALLOWED', 'ana', 'sue'],
    ],
    'both names are on the log',
  );
  for (const [method, path] of [
    ['get', '/step-up/factors'],
    ['post', '/api/v1/auth/mfa/enroll'],
  ] as const) {
    const reply = await client[method](path, as(sueAsAna, method === 'post' ? { json: { factor: 'totp' } } : {}));
    if (method === 'post') t.match([reply.status, reply.json().code], [403, 'person_required'], path);
  }
  await host.countersign.sessions.revokeProofs('clinic', 'sue', 'role changed');
  t.equal((await client.get('/visits/v1', as(sueAsAna))).status, 401, 'what ends Sue’s proofs ends these too');
});

onEveryAdapter('nobody is exempt by the role of the one they act as', async (t, adapter) => {
  const { host, client } = await start(adapter, {
    isAdministrator: (principal: Principal) => principal.roles.includes('administrator'),
  });
  const admin = host.countersign.principalOf(identify(requestFrom({ ...sue, roles: ['administrator'] })) as Principal);
  const change = () =>
    host.countersign.administration.changeSettings(admin, 0, {
      enabled: true,
      categories: ['5'],
      graceSeconds: 900,
      exemptions: [{ kind: 'role', value: 'clinician' }],
    });
  const refused = await change().catch((error) => error);
  await host.countersign.answerChallenge(admin, refused.challenge.id, 'totp', { code: host.code(SECRETS.sue) });
  await change();
  t.equal((await client.get('/visits/v1', as({}))).status, 200, 'Ana is');
  t.equal((await client.get('/visits/v1', as(sueAsAna))).status, 401, 'Sue as Ana is not');
  const applied = (await host.events('ana')).filter(({ code }) => code === 'EXEMPTION_APPLIED');
  t.match(applied, [{ patientId: 'p1', reason: 'role: clinician', actorId: null }]);
});

onEveryAdapter('a service sees what policy names it for', async (t, adapter) => {
  const { host, client } = await start(adapter, {
    services: [{ userId: 'nightly-index', categories: ['5'] }],
  });
  const service = (userId: string) => ({ kind: 'service', userId, sessionKey: `service ${userId}` }) as const;
  const named = service('nightly-index');
  const unnamed = await client.get('/visits/v1', as(service('somebody')));
  t.match([unnamed.status, unnamed.json().code], [403, 'person_required']);
  t.equal((await client.get('/visits/v1', as(named))).status, 200);
  const beyond = await client.get('/visits/v8', as(named));
  t.match([beyond.status, beyond.json().code], [403, 'person_required'], 'another category');
  const principal = host.countersign.principalOf(identify(requestFrom(named)) as Principal);
  const demand = { workspaceId: 'clinic', patientId: 'p1', categories: ['5'], operation: { name: 'job' } };
  for (const action of ['edit', 'export', 'delete', 'payment']) {
    const decision = await host.countersign.check(principal, { ...demand, action });
    t.match(decision, { outcome: 'deny', reason: 'not-a-person' }, action);
  }
  const events = await host.events('nightly-index');
  t.match(
    events.map(({ code, patientId, reason }) => [code, patientId, reason]),
    [
      ['EXEMPTION_APPLIED', 'p1', 'service: nightly-index'],
      ['ACCESS_DENIED', 'p1', 'not-a-person'],
    ],
  );
});

const requestFrom = (identity: object) =>
  ({ headers: { 'x-identity': JSON.stringify(identity) } }) as unknown as IncomingMessage;
