// Another site’s page sends a form, or a script, in the name of a clinician who is signed in here: to confirm with a code that was
// talked out of them, to enrol the attacker’s own app, to switch step-up off. Every endpoint of ours that changes anything refuses
// what another site could have sent, writes it down, and changes nothing. Programs with a token of their own are not concerned.
import { Web } from '@countersign/web';
import type { Client, SentRequest } from '../support/client.ts';
import { type Host, onEveryAdapter, type SignedIn, startHost } from '../support/hosts.ts';
import { rawRequest } from '../support/raw-request.ts';
import { createRealStore } from '../support/real-store.ts';

const CSRF = '_countersign';
const EVIL = 'https://evil.example';

/** A request that would succeed if it came from here, and what it would have done. */
interface Victim {
  readonly userId: string;
  readonly client: Client;
  readonly path: string;
  /** What the victim is signed in with, where it is not the usual. */
  readonly session?: Partial<SignedIn>;
  readonly fields: Readonly<Record<string, string>>;
  /** Whether it was done. */
  done(): Promise<boolean>;
}

const has = async (host: Host, userId: string, code: string) =>
  (await host.events(userId)).some((event) => event.code === code);

/** By endpoint. One that is not here fails the test: whoever adds an endpoint says how it could be abused. */
const victims: Readonly<Record<string, (host: Host, userId: string) => Promise<Victim>>> = {
  async challengeAnswer(host, userId) {
    const { client, secret } = await host.enrolled(userId);
    const { challengeId } = (await client.get('/visits/v1')).json();
    return {
      userId,
      client,
      path: `/step-up/challenge/${challengeId}/totp`,
      fields: { code: host.code(secret) },
      done: () => has(host, userId, 'MFA_SUCCESS'),
    };
  },
  async verify(host, userId) {
    const { client, secret } = await host.enrolled(userId);
    const { challengeId } = (await client.get('/visits/v1')).json();
    return {
      userId,
      client,
      path: '/api/v1/auth/mfa/verify',
      fields: { challengeId: String(challengeId), code: host.code(secret) },
      done: () => has(host, userId, 'MFA_SUCCESS'),
    };
  },
  async enrolStart(host, userId) {
    const client = await host.signedIn(userId);
    const done = () => has(host, userId, 'FACTOR_ENROLMENT_STARTED');
    return { userId, client, path: '/step-up/factors/totp/enrol', fields: {}, done };
  },
  async enrol(host, userId) {
    const client = await host.signedIn(userId);
    const done = () => has(host, userId, 'FACTOR_ENROLMENT_STARTED');
    return { userId, client, path: '/api/v1/auth/mfa/enroll', fields: { factor: 'totp' }, done };
  },
  async enrolFinish(host, userId) {
    const client = await host.signedIn(userId);
    const secret = String((await client.post('/api/v1/auth/mfa/enroll', { json: {} })).json().manualKey);
    return {
      userId,
      client,
      path: '/step-up/factors/totp/confirm',
      fields: { code: host.code(secret) },
      done: () => has(host, userId, 'FACTOR_ENROLLED'),
    };
  },
  async settingsSave(host, userId) {
    const { client, secret } = await host.enrolled(userId, { workspaceId: 'other', roles: ['administrator'] });
    const values = { version: '0', categories: '1', graceMinutes: '1' };
    const token = await tokenOf(client);
    const asked = await client.post('/step-up/admin/settings', { form: { [CSRF]: token, ...values }, page: true });
    return {
      userId,
      client,
      path: '/step-up/admin/settings',
      session: { workspaceId: 'other' },
      fields: { ...values, challengeId: asked.field('challengeId'), code: host.code(secret) },
      done: async () => (await has(host, userId, 'SETTINGS_CHANGED')) || (await has(host, userId, 'MFA_SUCCESS')),
    };
  },
};

onEveryAdapter('requests that another site could have sent', async (t, adapter) => {
  const host = await startHost(adapter, {
    store: await createRealStore(),
    countersign: { isAdministrator: (principal) => principal.roles.includes('administrator') },
  });
  const { client: mallory } = await host.enrolled('mallory');
  const mallorys = await tokenOf(mallory);
  const posts = new Web(host.countersign).endpoints.filter(({ endpoint }) => endpoint.method !== 'GET');

  for (const { endpoint, path: template } of posts) {
    await t.test(endpoint.name, async (t) => {
      const victim = await victims[endpoint.name]?.(host, `victim of ${endpoint.name}`);
      if (victim === undefined) return t.fail(`${template}: add to victims how it could be abused`);
      const { client, path, fields, userId } = victim;
      const token = await tokenOf(client);
      const form = { ...fields, [CSRF]: token };
      const text = JSON.stringify(fields);
      const plain = (type: string | undefined, body: string): SentRequest => ({
        headers: { ...(type === undefined ? {} : { 'content-type': type }) },
        body,
      });
      const earlier = await host.signedIn(userId, { ...victim.session, at: host.clock.now() - 1000 });
      const forged: Readonly<Record<string, SentRequest>> = {
        'no token': { form: fields },
        'an empty token': { form: { ...fields, [CSRF]: '' } },
        'another user’s token': { form: { ...fields, [CSRF]: mallorys } },
        'a token of another sign-in': { form: { ...fields, [CSRF]: await tokenOf(earlier) } },
        'a token cut short': { form: { ...fields, [CSRF]: token.slice(0, -4) } },
        'a token of an unknown key': { form: { ...fields, [CSRF]: token.replace(/^\w+\./, 'k9.') } },
        'a token sent twice': { form: { ...fields, [CSRF]: [token, token] } },
        'the token under the host’s name': { form: { ...fields, _csrf: token } },
        'a foreign origin': { form, headers: { origin: EVIL } },
        'no origin to tell': { form, headers: { origin: 'null' } },
        'the right host on another port': { form, headers: { origin: `${host.baseUrl}1` } },
        'another scheme': { form, headers: { origin: host.baseUrl.replace('http:', 'https:') } },
        'cross-site, says the browser': { form, headers: { 'sec-fetch-site': 'cross-site' } },
        'a sister subdomain': { form, headers: { 'sec-fetch-site': 'same-site' } },
        'a word we do not know': { form, headers: { 'sec-fetch-site': 'same-origin, cross-site' } },
        'JSON of a foreign origin': { json: fields, headers: { origin: EVIL } },
        'JSON, cross-site': { json: fields, headers: { 'sec-fetch-site': 'cross-site' } },
        'JSON, same-site': { json: fields, headers: { 'sec-fetch-site': 'same-site' } },
        'JSON that calls itself text': plain('text/plain', text),
        'JSON as text with a charset': plain('text/plain; charset=utf-8', text),
        'text that mentions JSON': plain('text/plain; application/json', text),
        'JSON as a form': plain('application/x-www-form-urlencoded', text),
        'nearly JSON': plain('application/jsonp', text),
        multipart: plain(
          'multipart/form-data; boundary=x',
          `--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n`,
        ),
        'no content type': plain(undefined, text),
        'nothing at all': {},
        'the token in the address': { form: fields },
      };
      const before = await refusals(host, userId);
      let ours = 0;
      for (const [why, sent] of Object.entries(forged)) {
        for (const page of [false, true]) {
          const query = why === 'the token in the address' ? `?${CSRF}=${encodeURIComponent(token)}` : '';
          const cookies = client.jar.copy();
          const answer = await client.post(`${path}${query}`, {
            ...(page ? asForeignPage : {}),
            ...sent,
            headers: { ...(page ? asForeignPage.headers : {}), ...sent.headers },
          });
          t.ok([400, 403, 415].includes(answer.status), `${why}: ${answer.status}`);
          if (answer.status === 403) {
            ours += 1;
            t.match(answer.text, 'cross_site_refused', why);
          }
          t.notMatch(answer.text, token, `${why}: no token for the next try`);
          t.equal(client.jar.header(), cookies.header(), `${why}: no cookie`);
        }
      }
      t.ok(ours >= 40, `${ours} were refused as forged`);
      t.equal((await refusals(host, userId)) - before, ours, 'each of them on the log');

      const query = new URLSearchParams({ ...fields, [CSRF]: token });
      for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE']) await client.send(method, `${path}?${query}`);
      for (const method of ['PUT', 'PATCH', 'DELETE']) await client.send(method, path, { form });
      t.equal(await victim.done(), false, 'nothing was done');

      const own = await client.post(path, { form, page: true });
      t.ok(own.status < 400, `the same from here: ${own.status} ${own.text}`);
      t.equal(await victim.done(), true);
    });
  }

  await t.test('JSON of our own is taken as such, whatever it says of its charset', async (t) => {
    for (const type of ['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"']) {
      const client = await host.signedIn(`user of ${type}`);
      const headers = { 'content-type': type, origin: host.baseUrl, 'sec-fetch-site': 'same-origin' };
      const begun = await rawRequest(client, {
        method: 'POST',
        target: '/api/v1/auth/mfa/enroll',
        headers,
        body: '{}',
      });
      t.equal(begun.status, 201, type);
    }
  });

  await t.test('a program with a bearer token is not asked for one of ours', async (t) => {
    for (const [n, sent] of [
      { json: {}, headers: { origin: EVIL, 'sec-fetch-site': 'cross-site' } },
      { form: { factor: 'totp' }, headers: { origin: EVIL } },
      { form: { factor: 'totp' } },
    ].entries()) {
      const program = host.client();
      const headers = { authorization: `Bearer robot${n}`, ...sent.headers };
      const begun = await program.post('/api/v1/auth/mfa/enroll', { ...sent, headers });
      t.equal(begun.status, 201);
      t.strictSame(program.jar.names(), [], 'and is given no cookie');
    }
    const claimed = host.client();
    const refused = await claimed.post('/api/v1/auth/mfa/enroll', { json: {}, headers: { authorization: 'Bearer' } });
    t.equal(refused.status, 401);
  });

  await t.test('a foreign form to a guarded route is given nothing to go on with', async (t) => {
    const { client } = await host.enrolled('nora');
    for (const headers of [
      { origin: EVIL },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      const answer = await client.post('/visits/v1', { form: { notes: 'forged' }, page: true, headers });
      t.equal(answer.status, 403, JSON.stringify(headers));
      t.notMatch(answer.text, /<form|_countersign|challenge\//);
    }
    t.equal(host.visits.get('v1')?.notes, 'notes of v1');
    t.match((await host.events('nora')).at(-1), { code: 'MFA_REQUIRED', patientId: 'p1', action: 'edit' });
  });
  t.strictSame(host.faults, []);
  await host.close();
});

/** What a browser adds when another site's form navigates here; a forged request may still say otherwise. */
const asForeignPage = { headers: { accept: 'text/html', 'sec-fetch-mode': 'navigate' } } as const;

const tokenOf = async (client: Client): Promise<string> => {
  const page = await client.get('/step-up/factors', { page: true });
  return page.text.includes(`name="${CSRF}"`) ? page.field(CSRF) : '';
};

const refusals = async (host: Host, userId: string): Promise<number> =>
  (await host.events(userId)).filter((event) => event.code === 'ACCESS_DENIED' && event.reason === 'cross-site').length;
