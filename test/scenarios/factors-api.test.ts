// Factors by JSON, a code together with the password, and a kind of factor that is somebody else's.
import t, { type Test } from 'tap';
import { SoftwareAuthenticator } from '../../packages/core/test/factors/software-authenticator.ts';
import { FACTORS, follow, ownFactors, passed, send, start } from '../support/factor-pages.ts';
import { type AdapterName, onEveryAdapter, startHost, testCategories } from '../support/hosts.ts';

onEveryAdapter('factors by JSON', async (t, adapter) => {
  const host = await start(adapter, { checkPassword: (_user, password) => password === 'right' });
  const { client, secret } = await host.enrolled('carol');
  const verify = (json: object) => client.post('/api/v1/auth/mfa/verify', { json });
  const { challengeId } = (await client.get('/visits/v1')).json();

  const described = await client.get(`/api/v1/auth/mfa/challenges/${challengeId}`);
  t.match(described.json(), {
    challengeId,
    action: 'view',
    categoryNames: ['Ketamine infusion'],
    strength: 'any',
    factors: [{ factor: 'totp', withPassword: false, answeredBy: 'code' }],
    returnTo: null,
  });
  t.match((await (await host.signedIn('dora')).get(`/api/v1/auth/mfa/challenges/${challengeId}`)).json(), {
    code: 'challenge_unknown',
  });
  t.match((await verify({ challengeId, factor: 7 })).json(), { code: 'input_invalid', field: 'factor' });
  t.match((await verify({ challengeId, factor: 'passkey' })).json(), { code: 'factor_not_accepted' });

  const enrol = (json: object) => client.post('/api/v1/auth/mfa/enroll', { json });
  const asked = await enrol({ factor: 'passkey' });
  t.equal(asked.status, 401);
  await passed(host, client, secret, asked);
  const begun = await enrol({ factor: 'passkey' });
  t.equal(begun.status, 201);
  const device = new SoftwareAuthenticator();
  const { options } = begun.json() as { options: { challenge: string; user: { id: string } } };
  const { origin } = new URL(host.baseUrl);
  const response = device.create(options, { challenge: options.challenge, rpId: 'localhost', origin });
  t.match((await enrol({ factor: 'passkey', response: { id: 'x' } })).json(), { code: 'answer_refused' });
  host.clock.set(2);
  t.match((await enrol({ factor: 'passkey', response, label: 'Key' })).json(), { factor: 'passkey', enrolled: true });
  const made = await enrol({ factor: 'recovery-codes' });
  t.equal(made.status, 201);
  t.match(made.json(), { factor: 'recovery-codes', enrolled: true });
  const codes = made.json().codes as string[];
  t.equal(codes.length, 10);

  const status = (await client.get('/api/v1/auth/session')).json();
  t.match(status.factors, [
    { factor: 'passkey', strength: 'any', cap: { full: 'phishing-resistant', liftsAt: null }, remaining: null },
    { factor: 'totp', strength: 'multi-factor', cap: null, remaining: null },
    { factor: 'recovery-codes', cap: null, remaining: 10 },
  ]);

  const key = (await ownFactors(client)).find((held) => held.factor === 'passkey');
  const path = `/api/v1/auth/mfa/factors/${key?.id}`;
  t.match((await client.send('PATCH', path, { json: {} })).json(), { code: 'input_invalid', field: 'label' });
  t.strictSame((await client.send('PATCH', path, { json: { label: ' Blue key ' } })).json(), {
    id: key?.id,
    label: 'Blue key',
  });
  t.match((await client.send('PATCH', '/api/v1/auth/mfa/factors/nothing', { json: { label: 'x' } })).json(), {
    code: 'input_invalid',
    field: 'id',
  });
  const foreign = await client.send('DELETE', path, { headers: { origin: 'https://evil.example' } });
  t.match([foreign.status, foreign.json().code], [403, 'cross_site_refused']);
  t.equal((await client.send('DELETE', path)).status, 403, 'without a word of where it comes from, neither');
  t.strictSame((await client.send('DELETE', path, { headers: { origin } })).json(), { id: key?.id, removed: true });
  t.match((await client.post('/api/v1/auth/mfa/lift', { json: {} })).json(), {
    code: 'input_invalid',
    field: 'enrolmentCode',
  });

  host.clock.set(30);
  const fresh = (await client.get('/visits/v1')).json().challengeId;
  const used = await verify({ challengeId: fresh, factor: 'recovery-codes', code: codes[0] });
  t.match(used.json(), { verified: true, remaining: 9 });
  t.match((await client.get('/api/v1/auth/session')).json().proofs, [{ patientId: 'p1', secondsLeft: 900 }]);
  t.strictSame(host.faults, []);
  await host.close();
});

onEveryAdapter('a code together with the password', async (t, adapter) => {
  const host = await start(adapter, {
    checkPassword: (_user, password) => password === 'right',
    categories: testCategories.map((category) =>
      category.id === '8' ? { ...category, strength: 'multi-factor' as const } : category,
    ),
  });
  const { client, secret } = await host.enrolled('carol');
  await host.stepUp(client, secret, '/visits/v1');
  host.clock.set(30);
  const challenge = await follow(client, await client.get('/visits/v8', { page: true }));
  t.match(challenge.text, 'not enough here', 'it says why the earlier code is not');
  t.match(challenge.text, 'autocomplete="current-password"');
  t.notMatch(challenge.text, 'data-cs-autosubmit=', 'two fields: sent when the person says so');
  const code = host.code(secret);
  const bare = await send(client, challenge, '/totp', { code });
  t.equal(bare.status, 400);
  t.match(bare.text, 'id="cs-totp-password-error"');
  const wrong = await send(client, bare, '/totp', { code, password: 'wrong' });
  t.equal(wrong.status, 422);
  t.match(wrong.text, 'The code or the password is not right');
  t.notMatch(wrong.text, 'value="wrong"');
  const right = await send(client, wrong, '/totp', { code, password: 'right' });
  t.equal(right.headers.get('location'), '/visits/v8');
  t.equal((await client.get('/visits/v8')).status, 200);
  await host.close();
});

async function pushPages(t: Test, adapter: AdapterName): Promise<void> {
  let approved = false;
  const token = (random: (bytes: number) => Uint8Array) => Buffer.from(random(16)).toString('base64url');
  const host = await startHost(adapter, {
    countersign: {
      factors: [
        {
          id: 'push',
          strength: 'any',
          answeredBy: 'ceremony',
          invite: ({ random }) => ({ secret: token(random), invitation: { message: 'Open the app.', number: '42' } }),
          invitation: () => ({ message: 'Open the app.', number: '42' }),
          confirm: () => ({ result: 'correct', counter: 0 }),
          begin({ random }) {
            const push = token(random);
            return { invitation: { message: 'Look at your phone.', answer: { push } }, ceremony: push, state: push };
          },
          ceremonyOf: ({ push }) => (typeof push === 'string' ? push : null),
          isWellFormed: ({ push }) => typeof push === 'string' && push.length === 22,
          check: (_answer, { counter }) =>
            approved ? { result: 'correct', counter: counter + 1 } : { result: 'incorrect', reason: 'not-approved' },
        },
      ],
    },
    web: { strings: { factorNames: { push: 'Clinic app' } } },
  });
  const client = await host.signedIn('ana');
  const shown = await follow(client, await send(client, await client.get(FACTORS, { page: true }), '/push/enrol'));
  t.match(shown.text, 'Open the app.');
  t.match(shown.text, '42');
  t.equal((await send(client, shown, '/push/confirm')).status, 200);

  const challenge = await follow(client, await client.get('/visits/v1', { page: true }));
  t.match(challenge.text, 'Continue with Clinic app');
  const begun = await send(client, challenge, '/push');
  t.match(begun.text, 'Look at your phone.');
  const early = await send(client, begun, '/push', { push: begun.field('push') });
  t.equal(early.status, 422);
  t.match(early.text, 'Continue with Clinic app', 'it can be begun again');
  approved = true;
  host.clock.set(5);
  const again = await send(client, early, '/push');
  t.equal((await send(client, again, '/push', { push: again.field('push') })).headers.get('location'), '/visits/v1');
  await host.close();
}

t.test('a factor of somebody else is answered from our pages', (t) => pushPages(t, 'fastify'));
