// Threats 3, 5, 6: somebody has the session, and wants to pass for its user with a passkey that is not theirs, was made for another
// site or request, was lifted off another ceremony, or counts for less than is asked. Each is refused, is on the log with its
// reason, and opens nothing.
import { type CountersignOptions, passkey, recoveryCodes, totp } from '@countersign/core';
import type { Test } from 'tap';
import type { Answer, Client } from '../support/client.ts';
import { type AdapterName, type Host, onEveryAdapter, testCategories } from '../support/hosts.ts';
import {
  accountChallenge,
  answerByCode,
  answerByPasskey,
  beginPasskey,
  challengeOf,
  enrolPasskey,
  type Misbehaviour,
  makeRecoveryCodes,
  SoftwareAuthenticator,
  sendPasskey,
  siteOf,
} from '../support/passkey-person.ts';
import { sharedHosts } from '../support/shared-hosts.ts';

const categories: CountersignOptions['categories'] = testCategories.map((category) =>
  category.id === '8' ? { ...category, strength: 'phishing-resistant' } : category,
);
const hostOn = sharedHosts({
  countersign: {
    categories,
    factors: [passkey(), totp({ issuer: 'Example EHR' }), recoveryCodes()],
    attempts: { perWindow: 100 },
  },
});

let users = 0;
const newUser = (): string => `user-${users++}`;

/** A user with one passkey. */
async function owner(adapter: AdapterName, device = new SoftwareAuthenticator()) {
  const host = await hostOn(adapter);
  const userId = newUser();
  const client = await host.signedIn(userId);
  await enrolPasskey(host, client, device);
  return { host, userId, client, device };
}

/** Refused, on the log, and nothing is open. */
async function refused(
  t: Test,
  { host, userId }: { readonly host: Host; readonly userId: string },
  client: Client,
  answer: Answer,
  reason: string,
  said = 'answer_refused',
): Promise<void> {
  t.equal(answer.json().code, said, `${reason}: ${answer.text}`);
  t.notOk(
    answer.headers.getSetCookie().some((cookie) => /countersign=[^;]/.test(cookie)),
    'no binding is given',
  );
  t.match(
    (await host.events(userId)).findLast(({ code }) => code.startsWith('MFA_') && code !== 'MFA_REQUIRED'),
    { code: 'MFA_FAILURE', factor: 'passkey', reason },
    `${reason}: on the log`,
  );
  t.equal((await client.get('/visits/v1')).status, 401, `${reason}: nothing is open`);
  t.equal((await client.get('/visits/v8')).status, 401);
}

onEveryAdapter('a passkey opens what it should', async (t, adapter) => {
  const { host, userId, client, device } = await owner(adapter, new SoftwareAuthenticator({ counts: true }));
  const answer = await answerByPasskey(host, client, device, await challengeOf(client, '/visits/v8'));
  t.match([answer.status, answer.json()], [200, { verified: true }]);
  t.equal((await client.get('/visits/v8')).status, 200);
  t.match(
    (await host.events(userId)).find(({ code }) => code === 'MFA_SUCCESS'),
    { factor: 'passkey' },
  );
});

onEveryAdapter('Threat 5: another site, frame, person, key, counter, ceremony', async (t, adapter) => {
  const known = await owner(adapter, new SoftwareAuthenticator({ counts: true }));
  const { host, userId, device } = known;
  const cases: readonly (readonly [string, Misbehaviour])[] = [
    ['wrong-rp', { rpId: 'evil.example' }],
    ['wrong-origin', { origin: 'https://evil.example' }],
    ['wrong-origin', { origin: `${host.baseUrl}0` }],
    ['cross-origin', { crossOrigin: true }],
    ['cross-origin', { crossOrigin: true, topOrigin: 'https://evil.example' }],
    ['user-not-verified', { verified: false }],
    ['user-not-present', { present: false }],
    ['bad-signature', { forged: true }],
    ['wrong-type', { type: 'webauthn.create' }],
    ['counter-regressed', { counter: 1 }],
    ['unknown-ceremony', { challenge: 'A'.repeat(43) }],
  ];
  for (const [reason, misbehaviour] of cases) {
    const client = await host.signedIn(userId);
    const answer = await answerByPasskey(host, client, device, await challengeOf(client), misbehaviour);
    await refused(t, known, client, answer, reason);
  }

  await t.test('another user’s passkey', async (t) => {
    const { device: foreign } = await owner(adapter);
    const client = await host.signedIn(userId);
    const answer = await answerByPasskey(host, client, foreign, await challengeOf(client));
    await refused(t, known, client, answer, 'unknown-credential');
  });

  await t.test('the answer to an enrolment', async (t) => {
    const client = await host.signedIn(userId);
    const challengeId = await challengeOf(client);
    const { challenge } = await beginPasskey(client, challengeId);
    const created = new SoftwareAuthenticator().create({ user: { id: 'AAAA' } }, { ...siteOf(host), challenge });
    await refused(t, known, client, await sendPasskey(client, challengeId, created), 'malformed');
    const got = device.get({ ...siteOf(host), challenge });
    const mixed = { ...got, response: { ...got.response, clientDataJSON: created.response.clientDataJSON } };
    await refused(t, known, client, await sendPasskey(client, challengeId, mixed), 'wrong-type');
  });

  await t.test(
    'an answer that was given before, to this challenge or another, in this session or another',
    async (t) => {
      const client = await host.signedIn(userId);
      const challengeId = await challengeOf(client);
      const { challenge } = await beginPasskey(client, challengeId);
      const response = device.get({ ...siteOf(host), challenge });
      const other = await host.signedIn(userId);
      await refused(t, known, other, await sendPasskey(other, await challengeOf(other), response), 'unknown-ceremony');
      const wrongChallenge = await sendPasskey(client, await challengeOf(client, '/visits/v2'), response);
      await refused(t, known, client, wrongChallenge, 'unknown-ceremony');
      const late = await sendPasskey(client, challengeId, response);
      await refused(t, known, client, late, 'unknown-ceremony');

      const again = device.get({ ...siteOf(host), challenge: (await beginPasskey(client, challengeId)).challenge });
      t.equal((await sendPasskey(client, challengeId, again)).status, 200);
      const replayed = await sendPasskey(client, await challengeOf(client, '/visits/v2'), again);
      t.equal(replayed.json().code, 'answer_refused');
      t.match(
        (await host.events(userId)).findLast(({ code }) => code === 'MFA_FAILURE'),
        { reason: 'unknown-ceremony' },
      );
      t.equal((await client.get('/visits/v2')).status, 401);
    },
  );

  await t.test('an answer that comes after five minutes', async (t) => {
    const client = await host.signedIn(userId);
    const challengeId = await challengeOf(client);
    const { challenge } = await beginPasskey(client, challengeId);
    host.clock.set(300);
    const answer = await sendPasskey(client, challengeId, device.get({ ...siteOf(host), challenge }));
    await refused(t, known, client, answer, 'unknown-ceremony');
  });

  await t.test('what an answer holds is nowhere on the log', async (t) => {
    const text = JSON.stringify(await host.events(userId));
    for (const secret of [Buffer.from(device.id).toString('base64url'), device.userHandle ?? '?', 'evil.example'])
      t.notOk(text.includes(secret));
  });
});

onEveryAdapter('Threat 3: fifty parallel redemptions of one assertion. One counts', async (t, adapter) => {
  for (const counts of [true, false]) {
    const { host, userId, client, device } = await owner(adapter, new SoftwareAuthenticator({ counts }));
    const challengeId = await challengeOf(client);
    const { challenge } = await beginPasskey(client, challengeId);
    const response = device.get({ ...siteOf(host), challenge });
    const clients = Array.from({ length: 50 }, () => client.fork());
    const answers = await Promise.all(clients.map((one) => sendPasskey(one, challengeId, response)));
    t.equal(answers.filter(({ status }) => status === 200).length, 1);
    const codes = (await host.events(userId)).map(({ code }) => code);
    t.equal(codes.filter((code) => code === 'MFA_SUCCESS').length, 1);
    t.ok(codes.includes('MFA_FAILURE'));
    const open = await Promise.all(clients.map((one) => one.get('/visits/v1')));
    t.equal(open.filter(({ status }) => status === 200).length, 1, 'one of them holds the binding');
  }
});

onEveryAdapter('Threat 6: what counts for less than is asked', async (t, adapter) => {
  const known = await owner(adapter);
  const { host, userId, client, device } = known;
  t.equal((await answerByPasskey(host, client, device, await accountChallenge(client, 'totp'))).status, 200);
  const begun = await client.post('/api/v1/auth/mfa/enroll', { json: { factor: 'totp' } });
  const secret = String(begun.json().manualKey);
  const json = { factor: 'totp', code: host.code(secret) };
  t.equal((await client.post('/api/v1/auth/mfa/enroll', { json })).status, 200);
  const [code = '', second = ''] = await makeRecoveryCodes(client);
  host.clock.set(30);

  const tooWeak = async (t: Test, by: Client, answer: Answer, factor: string) => {
    t.match([answer.status, answer.json()], [403, { code: 'factor_not_accepted' }]);
    t.match(
      (await host.events(userId)).findLast(({ code }) => code === 'MFA_FAILURE'),
      { factor, reason: 'too-weak' },
      'on the log',
    );
    t.equal((await by.get('/visits/v8')).status, 401);
  };

  await t.test('a weaker factor by a changed parameter: refused, and not consumed', async (t) => {
    const other = await host.signedIn(userId);
    const challengeId = await challengeOf(other, '/visits/v8');
    await tooWeak(t, other, await answerByCode(other, challengeId, 'totp', host.code(secret)), 'totp');
    await tooWeak(t, other, await answerByCode(other, challengeId, 'recovery-codes', code), 'recovery-codes');
    const page = String((await other.get('/visits/v8', { page: true })).headers.get('location'));
    const token = (await other.get(page, { page: true })).field('_countersign');
    const form = { _countersign: token, code };
    t.equal((await other.post(`${page}/recovery-codes`, { form, page: true })).status, 403);
    t.equal((await other.get('/visits/v8')).status, 401);
    const open = await challengeOf(other, '/visits/v1');
    t.equal((await answerByCode(other, open, 'totp', host.code(secret))).status, 200, 'where they do count, they do');
    t.equal((await other.get('/visits/v8')).status, 401, 'and that proof opens no more than it is worth');
    t.match((await other.get('/visits/v8')).json().reasons, [{ kind: 'too-weak' }]);
  });

  await t.test(
    'the lost passkey’s successor, enrolled by a recovery code, counts for no more than the code',
    async (t) => {
      const other = await host.signedIn(userId);
      t.equal(
        (await answerByCode(other, await accountChallenge(other, 'passkey'), 'recovery-codes', code)).status,
        200,
      );
      const weaker = await enrolPasskey(host, other);
      const challengeId = await challengeOf(other, '/visits/v8');
      const { allowCredentials, challenge } = await beginPasskey(other, challengeId);
      t.strictSame(
        allowCredentials?.map(({ id }) => id),
        [Buffer.from(device.id).toString('base64url')],
        'it is not asked for',
      );
      const answer = await sendPasskey(other, challengeId, weaker.get({ ...siteOf(host), challenge }));
      await tooWeak(t, other, answer, 'passkey');
      const low = await answerByPasskey(host, other, weaker, await challengeOf(other, '/visits/v2'));
      t.equal(low.status, 200, 'it answers what its proof would have');
      const listed = (await other.get('/api/v1/auth/mfa/factors')).json().factors as { cap: unknown; factor: string }[];
      t.strictSame(
        listed.filter(({ factor }) => factor === 'passkey').map(({ cap }) => cap),
        [null, { full: 'phishing-resistant', liftsAt: null }],
      );
    },
  );

  await t.test('a recovery code removes, renames and remakes nothing where a passkey is held', async (t) => {
    const other = await host.signedIn(userId);
    const held = (await other.get('/api/v1/auth/mfa/factors')).json().factors as { id: string; factor: string }[];
    const own = held.find(({ factor }) => factor === 'passkey')?.id ?? '';
    for (const ask of [
      () => other.send('DELETE', `/api/v1/auth/mfa/factors/${own}`, { json: {}, headers: { 'content-length': '2' } }),
      () => other.send('PATCH', `/api/v1/auth/mfa/factors/${own}`, { json: { label: 'mine' } }),
      () => other.post('/api/v1/auth/mfa/enroll', { json: { factor: 'recovery-codes' } }),
    ]) {
      const asked = await ask();
      t.equal(asked.json().code, 'step_up_required');
      await tooWeak(
        t,
        other,
        await answerByCode(other, String(asked.json().challengeId), 'recovery-codes', second),
        'recovery-codes',
      );
    }
    const events = (await host.events(userId)).map(({ code }) => code);
    t.notOk(events.includes('FACTOR_REMOVED') || events.includes('FACTOR_RENAMED'));
    t.equal(events.filter((code) => code === 'RECOVERY_CODE_USED').length, 1, 'and the code was not used up');
  });
});
