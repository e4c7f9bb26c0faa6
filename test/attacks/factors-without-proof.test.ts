// Threat: a session that somebody left open, or whose cookie was stolen, is used to plant a factor of the attacker's own, or to take
// the owner's away. Without a fresh proof of the strongest factor nothing of the kind is done, by page or by JSON, and the log says
// that it was tried.
import { passkey, recoveryCodes, totp } from '@countersign/core';
import type { Test } from 'tap';
import type { Client, SentRequest } from '../support/client.ts';
import { type AdapterName, type Host, onEveryAdapter } from '../support/hosts.ts';
import { sharedHosts } from '../support/shared-hosts.ts';

const hostOf = sharedHosts({
  countersign: { factors: [passkey(), totp({ issuer: 'Example EHR' }), recoveryCodes()] },
});
let people = 0;

/** Somebody with an authenticator app and recovery codes, and a second session of theirs in other hands. */
async function victim(adapter: AdapterName) {
  const host = await hostOf(adapter);
  people += 1;
  const userId = `ana${people}`;
  const { client, secret } = await host.enrolled(userId);
  await prove(host, client, secret);
  const made = await client.post('/api/v1/auth/mfa/enroll', { json: { factor: 'recovery-codes' } });
  const codes = made.json().codes as string[];
  const stolen = await host.signedIn(userId);
  return { host, userId, client, secret, codes, stolen, ids: await idsOf(client) };
}

const idsOf = async (client: Client): Promise<Record<string, string>> => {
  const { factors } = (await client.get('/api/v1/auth/mfa/factors')).json() as {
    factors: { id: string; factor: string }[];
  };
  return Object.fromEntries(factors.map(({ id, factor }) => [factor, id]));
};

/** A fresh proof for changes of one's own factors. */
async function prove(host: Host, client: Client, secret: string): Promise<void> {
  const { challengeId } = (await client.post('/api/v1/auth/mfa/enroll', { json: { factor: 'totp' } })).json();
  host.clock.set(30);
  const json = { challengeId, factor: 'totp', code: host.code(secret) };
  const answer = await client.post('/api/v1/auth/mfa/verify', { json });
  if (answer.status !== 200) throw new Error(answer.text);
}

const changes = ['FACTOR_ENROLMENT_STARTED', 'FACTOR_ENROLLED', 'FACTOR_RENAMED', 'FACTOR_REMOVED', 'FACTOR_RESET'];
const changesOf = async (host: Host, userId: string): Promise<number> =>
  (await host.events(userId)).filter(({ code }) => changes.includes(code)).length;

/** Everything that changes factors, by JSON and by page. */
function attempts(ids: Readonly<Record<string, string>>, token: string): readonly [string, string, SentRequest][] {
  const form = (fields: Readonly<Record<string, string>> = {}): SentRequest => ({
    page: true,
    form: { ...fields, _countersign: token },
  });
  return [
    ['POST', '/api/v1/auth/mfa/enroll', { json: { factor: 'totp' } }],
    ['POST', '/api/v1/auth/mfa/enroll', { json: { factor: 'passkey' } }],
    ['POST', '/api/v1/auth/mfa/enroll', { json: { factor: 'recovery-codes' } }],
    ['PATCH', `/api/v1/auth/mfa/factors/${ids.totp}`, { json: { label: 'Mallory' } }],
    ['DELETE', `/api/v1/auth/mfa/factors/${ids['recovery-codes']}`, { json: {} }],
    ['POST', '/step-up/factors/totp/enrol', form()],
    ['POST', '/step-up/factors/passkey/enrol', form()],
    ['POST', '/step-up/factors/recovery-codes/enrol', form()],
    ['POST', `/step-up/factors/own/${ids.totp}/rename`, form({ label: 'Mallory' })],
    ['POST', `/step-up/factors/own/${ids['recovery-codes']}/remove`, form()],
  ];
}

async function refusedAll(
  t: Test,
  host: Host,
  client: Client,
  userId: string,
  ids: Readonly<Record<string, string>>,
): Promise<void> {
  const token = (await client.get('/step-up/factors', { page: true })).field('_countersign');
  const before = await changesOf(host, userId);
  const asked = (await host.events(userId)).filter(({ code }) => code === 'MFA_REQUIRED').length;
  for (const [method, path, sent] of attempts(ids, token)) {
    const answer = await client.send(method, path, sent);
    t.equal(answer.status, 401, `${method} ${path}: ${answer.status}`);
    t.notMatch(answer.text, /manualKey|otpauth:|"codes"/, 'no secret is shown');
  }
  t.equal(await changesOf(host, userId), before, 'nothing was changed');
  const now = (await host.events(userId)).filter(({ code }) => code === 'MFA_REQUIRED').length;
  t.equal(now - asked, attempts(ids, token).length, 'each of them is on the log');
  t.strictSame(await idsOf(client), ids);
}

onEveryAdapter('a session without a proof changes no factor', async (t, adapter) => {
  const { host, userId, stolen, ids } = await victim(adapter);
  await refusedAll(t, host, stolen, userId, ids);
});

onEveryAdapter('nor does a proof for a record, one of another session, or one that is over', async (t, adapter) => {
  const { host, userId, client, secret, stolen, ids } = await victim(adapter);
  host.clock.set(31);
  await host.stepUp(stolen, secret, '/visits/v1');
  t.equal((await stolen.get('/visits/v1')).status, 200);
  await refusedAll(t, host, stolen, userId, ids);
  host.clock.set(301);
  await refusedAll(t, host, client, userId, ids);
});

onEveryAdapter(
  'a recovery code begins to replace a lost factor, and that counts for nothing until it is confirmed',
  async (t, adapter) => {
    const { host, userId, codes, stolen, ids } = await victim(adapter);
    const { challengeId } = (await stolen.post('/api/v1/auth/mfa/enroll', { json: { factor: 'passkey' } })).json();
    const json = { challengeId, factor: 'recovery-codes', code: codes[0] };
    t.equal((await stolen.post('/api/v1/auth/mfa/verify', { json })).status, 200);
    const begun = await stolen.post('/api/v1/auth/mfa/enroll', { json: { factor: 'passkey' } });
    t.equal(begun.status, 201, 'a lost factor can be replaced');
    const before = await changesOf(host, userId);
    t.equal(
      (await stolen.post('/api/v1/auth/mfa/enroll', { json: { factor: 'passkey', response: {} } })).status >= 400,
      true,
    );
    t.equal(await changesOf(host, userId), before);
    t.strictSame(await idsOf(stolen), ids, 'and nothing else is changed by that');
    t.ok((await host.events(userId)).some(({ code, factor }) => code === 'MFA_SUCCESS' && factor === 'recovery-codes'));
  },
);
