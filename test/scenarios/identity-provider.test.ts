/**
 * A step-up at an OpenID Connect provider. What the provider says counts only for the person, the session and the step-up that it
 * was asked for; what anybody between us and the provider leaves out, changes or repeats is refused, on the log, and grants nothing.
 */
import { randomBytes } from 'node:crypto';
import {
  CountersignError,
  type CountersignOptions,
  createCountersign,
  type FactorUser,
  type SessionPrincipal,
  StepUpRequiredError,
  totp,
} from '@countersign/core';
import { openStore } from '@countersign/postgres';
import { type OidcRecheckOptions, oidcRecheck } from '@countersign/sign-in';
import t, { type Test } from 'tap';
import { CookieJar } from '../support/cookie-jar.ts';
import { type AdapterName, onEveryAdapter, startHost } from '../support/hosts.ts';
import { startIdentityProvider } from '../support/identity-provider.ts';
import { createPglite } from '../support/pglite.ts';
import { runningClock } from '../support/running-clock.ts';

const MFA = 'urn:example:mfa';
const PHISHING_RESISTANT = 'urn:example:phr';
const callbackUrl = new URL('https://ehr.example.org/step-up/recheck/identity-provider');
const subjects: Readonly<Record<string, string>> = { ana: 'provider-ana', bob: 'provider-bob' };
/** A sign-in of long ago, in seconds. */
const yesterday = () => Math.floor(Date.now() / 1000) - 86_400;

const idp = await startIdentityProvider([MFA, PHISHING_RESISTANT]);
idp.redirectUris.add(callbackUrl.href);
const store = await openStore(await createPglite());
t.teardown(() => store.close());

interface SetUp extends Partial<Omit<OidcRecheckOptions, 'subjectOf'>> {
  readonly subjectOf?: undefined;
  readonly categories?: CountersignOptions['categories'];
}

/** Countersign with the provider as a factor, and a person who is signed in and opens a record. */
async function setUp(t: Test, { categories, ...changes }: SetUp = {}) {
  const { subjectOf, ...options } = { subjectOf: ({ userId }: FactorUser) => subjects[userId] ?? null, ...changes };
  const clock = runningClock();
  const countersign = await createCountersign({
    store,
    publicUrl: 'https://ehr.example.org',
    keys: { current: 'k1', all: { k1: randomBytes(32) } },
    categories: categories ?? [{ id: '5', name: 'Ketamine infusion' }],
    factors: [
      totp({ issuer: 'Example EHR' }),
      oidcRecheck({
        issuer: idp.issuer,
        clientId: idp.clientId,
        clientSecret: idp.clientSecret,
        allowInsecure: true,
        ...options,
        ...(subjectOf === undefined ? {} : { subjectOf }),
      }),
    ],
    clock,
  });
  t.teardown(() => countersign.close());
  const workspaceId = `clinic ${Buffer.from(randomBytes(6)).toString('hex')}`;

  const person = (userId: string, sessionKey = `session of ${userId}`) => {
    let binding: string | null = null;
    const signedInAt = new Date(clock.now());
    const principal = (): SessionPrincipal =>
      countersign.principalOf({ userId, workspaceId, roles: [], displayName: userId, signedInAt, sessionKey }, binding);
    const demand = { workspaceId, patientId: 'p1', categories: ['5'] };
    const challenge = async () => {
      const error = await countersign.enforce(principal(), demand).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      if (!(error instanceof StepUpRequiredError) || error.challenge === null) throw error ?? new Error('Not asked');
      return error.challenge.id;
    };
    const begin = async (id: string) => {
      const { redirectTo } = await countersign.beginAnswer(principal(), id, 'identity-provider', callbackUrl);
      return String(redirectTo);
    };
    const answer = async (id: string, callback: URL | string) => {
      const passed = await countersign.answerChallenge(principal(), id, 'identity-provider', {
        callbackUrl: String(callback),
      });
      binding = passed.binding;
      return passed;
    };
    return { challenge, begin, answer, mayOpen: async () => (await countersign.check(principal(), demand)).outcome };
  };
  const events = async (userId: string) => {
    await countersign.audit.append([]);
    const found = await store.auditEvents({ workspaceId, userId, codes: ['MFA_SUCCESS', 'MFA_FAILURE'], limit: 50 });
    return found.map(({ code, reason, factor }) => [code, reason, factor]).reverse();
  };
  return { countersign, clock, person, events };
}

type Person = ReturnType<Awaited<ReturnType<typeof setUp>>['person']>;

/** Refused with this code; nothing granted. */
async function refused(t: Test, person: Person, work: Promise<unknown>, code = 'answer_refused'): Promise<void> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  t.ok(CountersignError.is(error), 'an error of ours');
  t.equal(CountersignError.is(error) ? error.code : error, code);
  t.equal(await person.mayOpen(), 'challenge', 'nothing is granted');
}

t.test('the person authenticates at the provider, and may open the record', async (t) => {
  const { person, events, countersign } = await setUp(t);
  const ana = person('ana');
  const id = await ana.challenge();
  const redirectTo = new URL(await ana.begin(id));
  t.equal(redirectTo.origin, idp.issuer);
  t.match(Object.fromEntries(redirectTo.searchParams), {
    response_type: 'code',
    prompt: 'login',
    max_age: '0',
    code_challenge_method: 'S256',
    redirect_uri: callbackUrl.href,
    state: /^[\w-]{43}$/,
    nonce: /^[\w-]{43}$/,
  });
  idp.next = { accountId: 'provider-ana' };
  const passed = await ana.answer(id, await idp.visit(redirectTo.href));
  t.ok(passed.endsAt > passed.verifiedAt);
  t.equal(await ana.mayOpen(), 'allow');
  t.strictSame(await events('ana'), [['MFA_SUCCESS', null, 'identity-provider']]);
  await countersign.close();
});

t.test('somebody the provider does not know is not sent there', async (t) => {
  const { person } = await setUp(t);
  const eve = person('eve');
  await t.rejects(eve.challenge(), { code: 'factor_required' });
});

t.test('another person at the provider', async (t) => {
  const { person, events } = await setUp(t);
  const ana = person('ana');
  const id = await ana.challenge();
  idp.next = { accountId: 'provider-bob' };
  await refused(t, ana, ana.answer(id, await idp.visit(await ana.begin(id))));
  t.strictSame(await events('ana'), [['MFA_FAILURE', 'wrong-subject', 'identity-provider']]);
});

t.test('a provider that takes an old sign-in for a new one', async (t) => {
  const { person, events } = await setUp(t);
  const ana = person('ana');
  const id = await ana.challenge();
  idp.next = { accountId: 'provider-ana', ts: yesterday() };
  await refused(t, ana, ana.answer(id, await idp.visit(await ana.begin(id))));
  idp.next = { accountId: 'provider-ana', ts: Math.floor(Date.now() / 1000) + 3600 };
  await refused(t, ana, ana.answer(id, await idp.visit(await ana.begin(id))));
  t.strictSame(await events('ana'), [
    ['MFA_FAILURE', 'auth-time-stale', 'identity-provider'],
    ['MFA_FAILURE', 'auth-time-ahead', 'identity-provider'],
  ]);
});

t.test('somebody at a browser that is still signed in leaves out what asks for the password', async (t) => {
  const { person, events } = await setUp(t);
  const ana = person('ana');
  const jar = new CookieJar();
  const id = await ana.challenge();
  // Signed in at the provider before.
  idp.next = { accountId: 'provider-ana', ts: yesterday() };
  await refused(t, ana, ana.answer(id, await idp.visit(await ana.begin(id), jar)));

  const shown = idp.shown;
  const silent = new URL(await ana.begin(id));
  for (const name of ['prompt', 'max_age']) silent.searchParams.delete(name);
  await refused(t, ana, ana.answer(id, await idp.visit(silent.href, jar)));

  const asking = new URL(await ana.begin(id));
  for (const name of ['prompt', 'max_age']) asking.searchParams.delete(name);
  asking.searchParams.set('claims', JSON.stringify({ id_token: { auth_time: { essential: true } } }));
  await refused(t, ana, ana.answer(id, await idp.visit(asking.href, jar)));

  t.equal(idp.shown, shown, 'the provider asked for nothing');
  t.strictSame(await events('ana'), [
    ['MFA_FAILURE', 'auth-time-stale', 'identity-provider'],
    ['MFA_FAILURE', 'no-auth-time', 'identity-provider'],
    ['MFA_FAILURE', 'auth-time-stale', 'identity-provider'],
  ]);
});

t.test('a callback counts once', async (t) => {
  const { person, events, clock } = await setUp(t);
  const ana = person('ana');
  const id = await ana.challenge();
  idp.next = { accountId: 'provider-ana' };
  const callback = await idp.visit(await ana.begin(id));
  await ana.answer(id, callback);
  clock.advance(901);
  const again = await ana.challenge();
  await refused(t, ana, ana.answer(again, callback));
  t.strictSame(await events('ana'), [
    ['MFA_SUCCESS', null, 'identity-provider'],
    ['MFA_FAILURE', 'unknown-ceremony', 'identity-provider'],
  ]);
});

t.test('of two equal callbacks at once, one counts', async (t) => {
  const { person, events } = await setUp(t);
  const ana = person('ana');
  const id = await ana.challenge();
  idp.next = { accountId: 'provider-ana' };
  const callback = await idp.visit(await ana.begin(id));
  const answers = await Promise.allSettled([ana.answer(id, callback), ana.answer(id, callback)]);
  t.strictSame(answers.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  const codes = (await events('ana')).map(([code]) => code);
  t.equal(codes.filter((code) => code === 'MFA_SUCCESS').length, 1);
});

t.test('a host that compares claims itself, and takes a sign-in of a moment ago', async (t) => {
  const { person, events } = await setUp(t, {
    subjectOf: undefined,
    matches: (claims, user) => claims.iss === idp.issuer && claims.sub === subjects[user.userId],
    isAvailable: (user) => Object.hasOwn(subjects, user.userId),
    maxAgeSeconds: 300,
  });
  const ana = person('ana');
  const id = await ana.challenge();
  const redirectTo = new URL(await ana.begin(id));
  t.match([redirectTo.searchParams.get('max_age'), redirectTo.searchParams.get('prompt')], ['300', null]);
  idp.next = { accountId: 'provider-bob' };
  await refused(t, ana, ana.answer(id, await idp.visit(await ana.begin(id))));
  idp.next = { accountId: 'provider-ana', ts: Math.floor(Date.now() / 1000) - 400 };
  // The provider would ask for another sign-in itself, if it were told what it is for.
  const old = new URL(await ana.begin(id));
  old.searchParams.set('max_age', '0');
  await refused(t, ana, ana.answer(id, await idp.visit(old.href)));
  idp.next = { accountId: 'provider-ana', ts: Math.floor(Date.now() / 1000) - 100 };
  await ana.answer(id, await idp.visit(await ana.begin(id)));
  t.strictSame(await events('ana'), [
    ['MFA_FAILURE', 'wrong-subject', 'identity-provider'],
    ['MFA_FAILURE', 'auth-time-stale', 'identity-provider'],
    ['MFA_SUCCESS', null, 'identity-provider'],
  ]);
});

t.test('a callback that another session began', async (t) => {
  const { person, events } = await setUp(t);
  const ana = person('ana');
  const elsewhere = person('ana', 'another session of ana');
  const bob = person('bob');
  idp.next = { accountId: 'provider-ana' };
  // Ana is lured to the callback of somebody who authenticated as her, or as himself.
  for (const other of [elsewhere, bob]) {
    const id = await ana.challenge();
    const callback = await idp.visit(await other.begin(await other.challenge()));
    await refused(t, ana, ana.answer(id, callback));
  }
  t.strictSame(await events('ana'), [
    ['MFA_FAILURE', 'unknown-ceremony', 'identity-provider'],
    ['MFA_FAILURE', 'unknown-ceremony', 'identity-provider'],
  ]);
});

t.test('a code put behind the state of another', async (t) => {
  const { person, events } = await setUp(t);
  const [ana, bob] = [person('ana'), person('bob')];
  const id = await ana.challenge();
  const own = new URL(await ana.begin(id));
  idp.next = { accountId: 'provider-ana' };
  const stolen = await idp.visit(await bob.begin(await bob.challenge()));
  const mixed = new URL(stolen);
  mixed.searchParams.set('state', own.searchParams.get('state') ?? '');
  await refused(t, ana, ana.answer(id, mixed));
  t.strictSame(await events('ana'), [['MFA_FAILURE', 'code-refused', 'identity-provider']], 'PKCE binds the code');
});

t.test('what is no callback at all', async (t) => {
  const { person, events } = await setUp(t);
  const ana = person('ana');
  const id = await ana.challenge();
  const state = new URL(await ana.begin(id)).searchParams.get('state');
  for (const callback of [
    callbackUrl.href,
    `${callbackUrl}?state=${state}`,
    `${callbackUrl}?code=1`,
    `${callbackUrl}?code=1&state=${state}&state=${state}`,
    `${callbackUrl}?code=1&error=access_denied&state=${state}`,
    `${callbackUrl}?code=${'1'.repeat(9000)}&state=${state}`,
  ]) {
    await refused(t, ana, ana.answer(id, callback));
  }
  t.strictSame(new Set((await events('ana')).map(([, reason]) => reason)), new Set(['malformed']));
});

t.test('the provider says no', async (t) => {
  const { person, events } = await setUp(t);
  const ana = person('ana');
  const id = await ana.challenge();
  idp.next = { error: 'access_denied' };
  await refused(t, ana, ana.answer(id, await idp.visit(await ana.begin(id))));
  idp.next = { error: '<script>"' };
  await refused(t, ana, ana.answer(id, await idp.visit(await ana.begin(id))));
  idp.next = { accountId: 'provider-ana' };
  await ana.answer(id, await idp.visit(await ana.begin(id)));
  t.equal(await ana.mayOpen(), 'allow', 'and may be asked again');
  t.strictSame(await events('ana'), [
    ['MFA_FAILURE', 'access-denied', 'identity-provider'],
    ['MFA_FAILURE', 'provider-error', 'identity-provider'],
    ['MFA_SUCCESS', null, 'identity-provider'],
  ]);
});

const strict = {
  categories: [{ id: '5', name: 'Ketamine infusion', strength: 'phishing-resistant' }],
  acrValues: [PHISHING_RESISTANT, MFA],
  strengths: { acr: { [PHISHING_RESISTANT]: 'phishing-resistant', [MFA]: 'multi-factor' } },
} satisfies SetUp;

t.test('how strongly is asked by acr_values, and read from acr', async (t) => {
  const { person } = await setUp(t, strict);
  const ana = person('ana');
  const id = await ana.challenge();
  const redirectTo = await ana.begin(id);
  t.equal(new URL(redirectTo).searchParams.get('acr_values'), PHISHING_RESISTANT, 'only what is strong enough');
  idp.next = { accountId: 'provider-ana', acr: PHISHING_RESISTANT };
  await ana.answer(id, await idp.visit(redirectTo));
  t.equal(await ana.mayOpen(), 'allow');
});

t.test('an authentication that is too weak, or does not say', async (t) => {
  const { person, events } = await setUp(t, strict);
  const ana = person('ana');
  const id = await ana.challenge();
  idp.next = { accountId: 'provider-ana', acr: MFA };
  await refused(t, ana, ana.answer(id, await idp.visit(await ana.begin(id))));
  idp.next = { accountId: 'provider-ana' };
  await refused(t, ana, ana.answer(id, await idp.visit(await ana.begin(id))));
  t.strictSame(await events('ana'), [
    ['MFA_FAILURE', 'acr-not-asked', 'identity-provider'],
    ['MFA_FAILURE', 'no-acr', 'identity-provider'],
  ]);
});

t.test('methods count by amr, the strongest of them', async (t) => {
  const { person, events } = await setUp(t, {
    categories: strict.categories,
    strengths: { amr: { hwk: 'phishing-resistant', otp: 'any' } },
    parametersFor: () => ({ claims: JSON.stringify({ id_token: { amr: { essential: true } } }), prompt: 'none' }),
  });
  const ana = person('ana');
  const id = await ana.challenge();
  idp.next = { accountId: 'provider-ana', amr: ['pwd', 'otp'] };
  const weak = await idp.visit(await ana.begin(id));
  await refused(t, ana, ana.answer(id, weak), 'factor_not_accepted');
  idp.next = { accountId: 'provider-ana', amr: ['pwd', 'hwk'] };
  const redirectTo = await ana.begin(id);
  t.equal(new URL(redirectTo).searchParams.get('prompt'), 'login', 'a host cannot take the sign-in out');
  await ana.answer(id, await idp.visit(redirectTo));
  t.strictSame(await events('ana'), [
    ['MFA_FAILURE', 'too-weak', 'identity-provider'],
    ['MFA_SUCCESS', null, 'identity-provider'],
  ]);
});

t.test('with the provider away nothing is granted, and it is asked again when it is back', async (t) => {
  const { person, clock } = await setUp(t, { skewSeconds: 30 });
  const ana = person('ana');
  const id = await ana.challenge();
  idp.away = true;
  await refused(t, ana, ana.begin(id), 'identity_provider_unavailable');
  idp.away = false;
  clock.advance(6);
  idp.next = { accountId: 'provider-ana' };
  const callback = await idp.visit(await ana.begin(id));
  idp.away = true;
  await refused(t, ana, ana.answer(id, callback), 'identity_provider_unavailable');
  idp.away = false;
  await ana.answer(id, await idp.visit(await ana.begin(id)));
  t.equal(await ana.mayOpen(), 'allow');
});

const recheckPath = '/step-up/recheck/identity-provider';

async function hostWith(adapter: AdapterName) {
  const host = await startHost(adapter, {
    clock: runningClock(),
    countersign: {
      factors: [
        totp({ issuer: 'Example EHR' }),
        oidcRecheck({
          issuer: idp.issuer,
          clientId: idp.clientId,
          clientSecret: idp.clientSecret,
          subjectOf: ({ userId }) => subjects[userId] ?? null,
          allowInsecure: true,
        }),
      ],
    },
  });
  idp.redirectUris.add(`${host.baseUrl}${recheckPath}`);
  return host;
}

/** As a browser comes back from another site. */
const comingBack = { page: true, headers: { 'sec-fetch-site': 'cross-site' } } as const;
const totpSecret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';

onEveryAdapter('by the pages: there, back, and on to the record that was wanted', async (t, adapter) => {
  const host = await hostWith(adapter);
  const owner = { workspaceId: 'clinic', userId: 'ana', factor: 'totp', secret: totpSecret };
  await host.countersign.enrolment.importFactor(owner);
  const client = await host.signedIn('ana');

  const open = async () => {
    const asked = await client.get('/visits/v1', { page: true });
    t.equal(asked.status, 303, asked.text);
    return new URL(asked.headers.get('location') ?? '', host.baseUrl).pathname;
  };
  const leave = async (path: string) => {
    const form = { _countersign: (await client.get(path, { page: true })).field('_countersign') };
    const left = await client.post(`${path}/identity-provider`, { page: true, form });
    const address = left.headers.get('refresh')?.replace(/^0; url=/, '') ?? '';
    t.match(left.text, 'href="', 'also for a browser that does not go on by itself');
    t.notMatch(left.text, /<script(?![^>]*src)/);
    return address;
  };
  const back = async (address: string, by = client) => {
    const { pathname, search } = await idp.visit(address).then((callback) => {
      t.equal(`${callback.origin}${callback.pathname}`, `${host.baseUrl}${recheckPath}`);
      return callback;
    });
    return { callback: `${pathname}${search}`, answer: await by.get(`${pathname}${search}`, comingBack) };
  };

  const path = await open();
  idp.next = { error: 'access_denied' };
  const denied = (await back(await leave(path))).answer;
  t.equal(denied.status, 422, denied.text);
  t.match(denied.headers.get('content-type'), 'text/html');
  t.match(denied.text, `${path}/identity-provider"`, 'it can be tried again');
  t.match(denied.text, `${path}/totp"`, 'or another factor be used');
  t.equal((await client.get('/visits/v1')).status, 401);

  idp.next = { accountId: 'provider-bob' };
  t.equal((await back(await leave(path))).answer.status, 422, 'somebody else');
  t.equal((await client.get('/visits/v1')).status, 401);

  idp.next = { accountId: 'provider-ana' };
  const { callback: lateCallback } = await back(await leave(path), host.client());
  idp.away = true;
  const away = await client.get(lateCallback, comingBack);
  t.equal(away.status, 503, away.text);
  t.match(away.text, 'identity provider cannot be reached');
  t.match(away.text, `${path}/totp"`, 'other factors go on working');
  idp.away = false;
  t.equal((await client.get('/visits/v1')).status, 401);

  // Past the delay that failures bring, and within what the two clocks may differ.
  host.clock.advance(2);
  const { callback, answer: passed } = await back(await leave(path));
  t.equal(passed.status, 303, passed.text);
  t.equal(new URL(passed.headers.get('location') ?? '', host.baseUrl).pathname, '/visits/v1');
  t.equal((await client.get('/visits/v1')).status, 200);

  const replayed = await client.get(callback, comingBack);
  t.match([replayed.status, replayed.headers.get('content-type')], [404, /text\/html/]);
  const bob = await host.signedIn('bob');
  const lured = await bob.get(callback, comingBack);
  t.equal(lured.status, 404);
  t.equal((await bob.get('/visits/v1')).status, 401);

  const events = (await host.events('ana')).filter(({ code }) => code.startsWith('MFA_'));
  t.strictSame(
    events.filter(({ code }) => code !== 'MFA_REQUIRED').map(({ code, reason }) => [code, reason]),
    [
      ['MFA_FAILURE', 'access-denied'],
      ['MFA_FAILURE', 'wrong-subject'],
      ['MFA_FAILURE', 'unavailable'],
      ['MFA_SUCCESS', null],
    ],
  );
  await host.close();
});

t.test('options are checked at the start, and no value is repeated', async (t) => {
  const good = {
    issuer: 'https://login.example.org',
    clientId: 'ehr',
    clientSecret: 'not to be told',
    subjectOf: () => 'a',
  };
  t.ok(oidcRecheck(good));
  const faults: readonly [Partial<Record<keyof OidcRecheckOptions, unknown>>, RegExp][] = [
    [{ issuer: 'http://login.example.org', allowInsecure: true }, /oidcRecheck\.issuer: https is needed/],
    [{ issuer: 'http://localhost:1' }, /oidcRecheck\.issuer: https is needed/],
    [{ clientSecret: undefined }, /oidcRecheck\.clientSecret/],
    [{ subjectOf: undefined }, /oidcRecheck\.subjectOf/],
    [{ subjectOf: undefined, matches: () => true }, /oidcRecheck\.isAvailable/],
    [{ skewSeconds: 31 }, /oidcRecheck\.skewSeconds/],
    [{ maxAgeSeconds: '0' }, /oidcRecheck\.maxAgeSeconds/],
    [{ scope: 'profile' }, /oidcRecheck\.scope/],
    [{ strengths: { acr: { x: 'any' } } }, /oidcRecheck\.strengths/],
    [{ id: 'Not an id' }, /oidcRecheck\.id/],
    [{ acrValue: [] } as never, /acrValue is no option/],
  ];
  for (const [changes, message] of faults) {
    const made = () => oidcRecheck({ ...good, ...changes } as OidcRecheckOptions);
    t.throws(made, { code: 'configuration_invalid', message });
    t.throws(made, { message: /^(?!.*not to be told)/s });
  }
});
