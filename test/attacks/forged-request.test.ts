// Another site’s page sends a form, or a script, in the name of a clinician who is signed in here: to confirm with a code that was
// talked out of them, to enrol the attacker’s own app, to switch step-up off. Every endpoint of ours that changes anything refuses
// what another site could have sent, writes it down, and changes nothing. Programs with a token of their own are not concerned.
import { recoveryCodes, totp } from '@countersign/core';
import { Web } from '@countersign/web';
import { type Administrator, putSettings, SETTINGS_API, saveSettings } from '../support/administrator.ts';
import type { Client, SentRequest } from '../support/client.ts';
import { breakGlass, REASON } from '../support/emergency.ts';
import { type Host, onEveryAdapter, type SignedIn, startHost } from '../support/hosts.ts';
import { rawRequest } from '../support/raw-request.ts';
import { createRealStore } from '../support/real-store.ts';
import { challengeIn } from '../support/settings-form.ts';

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
  /** In place of fields, where no form could say it. */
  readonly json?: unknown;
  /** Whether it was done. */
  done(): Promise<boolean>;
}

const has = async (host: Host, userId: string, code: string) =>
  (await host.events(userId)).some((event) => event.code === code);

/** A user who has just confirmed a change of their own factors, or an administrator one of somebody else's. */
async function confirmed(host: Host, userId: string, session: Partial<SignedIn> = {}): Promise<Client> {
  const { client, secret } = await host.enrolled(userId, session);
  const { challengeId } = (await client.post('/api/v1/auth/mfa/enroll', { json: { factor: 'totp' } })).json();
  const json = { challengeId, factor: 'totp', code: host.code(secret) };
  const verified = await client.post('/api/v1/auth/mfa/verify', { json });
  if (verified.status !== 200) throw new Error(verified.text);
  return client;
}

/** The id of the recovery codes of somebody who has just confirmed. */
async function codesOf(client: Client): Promise<string> {
  await client.post('/api/v1/auth/mfa/enroll', { json: { factor: 'recovery-codes' } });
  const { factors } = (await client.get('/api/v1/auth/mfa/factors')).json() as {
    factors: { id: string; factor: string }[];
  };
  return factors.find(({ factor }) => factor === 'recovery-codes')?.id ?? '';
}

const administrator = { roles: ['administrator'] };
const reason = 'identified in person';

async function issuedCode(host: Host, userId: string): Promise<string> {
  const admin = await confirmed(host, `administrator of ${userId}`, administrator);
  const path = `/api/v1/admin/users/${encodeURIComponent(userId)}/enrolment-code`;
  return String((await admin.post(path, { json: { reason } })).json().code);
}

/** One endpoint of each kind is tried with everything; the check is the same one for all, and the others are tried for having it. */
const THOROUGHLY: ReadonlySet<string> = new Set([
  'challengeAnswer',
  'enrol',
  'settingsSave',
  'removeFactor',
  'emergencyStart',
]);
const EVERYWHERE: ReadonlySet<string> = new Set([
  'no token',
  'another user’s token',
  'a foreign origin',
  'cross-site, says the browser',
  'JSON of a foreign origin',
  'JSON, same-site',
  'JSON that calls itself text',
]);

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
  async resend(host, userId) {
    const { client } = await host.enrolled(userId);
    const text = `what ${userId} wrote`;
    const asked = await client.post('/visits/v1', { form: { notes: text }, page: true });
    // It changes nothing; what it may not do for another site is to show what was written.
    const shown = watched(client, text);
    const done = async () => shown();
    return { userId, client, path: '/step-up/resend', fields: { draft: asked.field('draft') }, done };
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
  async enrolWithCode(host, userId) {
    const client = await host.signedIn(userId);
    const fields = { factor: 'totp', enrolmentCode: await issuedCode(host, userId) };
    const done = () => has(host, userId, 'FACTOR_ENROLMENT_STARTED');
    return { userId, client, path: '/step-up/factors/enrol-with-code', fields, done };
  },
  async factorRenamed(host, userId) {
    const client = await confirmed(host, userId);
    const path = `/step-up/factors/own/${await codesOf(client)}/rename`;
    return { userId, client, path, fields: { label: 'Mallory' }, done: () => has(host, userId, 'FACTOR_RENAMED') };
  },
  async renameFactor(host, userId) {
    const client = await confirmed(host, userId);
    const path = `/api/v1/auth/mfa/factors/${await codesOf(client)}`;
    return { userId, client, path, fields: { label: 'Mallory' }, done: () => has(host, userId, 'FACTOR_RENAMED') };
  },
  async factorRemoved(host, userId) {
    const client = await confirmed(host, userId);
    const path = `/step-up/factors/own/${await codesOf(client)}/remove`;
    return { userId, client, path, fields: {}, done: () => has(host, userId, 'FACTOR_REMOVED') };
  },
  async removeFactor(host, userId) {
    const client = await confirmed(host, userId);
    const path = `/api/v1/auth/mfa/factors/${await codesOf(client)}`;
    return { userId, client, path, fields: {}, done: () => has(host, userId, 'FACTOR_REMOVED') };
  },
  async capLifted(host, userId) {
    const { client } = await host.enrolled(userId);
    const fields = { enrolmentCode: await issuedCode(host, userId) };
    return {
      userId,
      client,
      path: '/step-up/factors/lift',
      fields,
      done: () => has(host, userId, 'FACTOR_CAP_LIFTED'),
    };
  },
  async liftCaps(host, userId) {
    const { client } = await host.enrolled(userId);
    const fields = { enrolmentCode: await issuedCode(host, userId) };
    return {
      userId,
      client,
      path: '/api/v1/auth/mfa/lift',
      fields,
      done: () => has(host, userId, 'FACTOR_CAP_LIFTED'),
    };
  },
  async othersSignedOut(host, userId) {
    const client = await host.signedIn(userId);
    const done = () => has(host, userId, 'SESSIONS_REVOKED');
    return { userId, client, path: '/step-up/factors/sign-out-others', fields: {}, done };
  },
  async signOutOthers(host, userId) {
    const client = await host.signedIn(userId);
    const done = () => has(host, userId, 'SESSIONS_REVOKED');
    return { userId, client, path: '/api/v1/auth/session/sign-out-others', fields: {}, done };
  },
  async userReset(host, userId) {
    const client = await confirmed(host, userId, administrator);
    const fields = { userId: `target of ${userId}`, factor: 'totp', reason };
    const done = () => has(host, fields.userId, 'FACTOR_RESET');
    return { userId, client, path: '/step-up/admin/users/reset', fields, done };
  },
  async adminReset(host, userId) {
    const client = await confirmed(host, userId, administrator);
    const path = '/api/v1/admin/users/nobody/reset';
    return {
      userId,
      client,
      path,
      fields: { factor: 'totp', reason },
      done: () => has(host, 'nobody', 'FACTOR_RESET'),
    };
  },
  async userCode(host, userId) {
    const client = await confirmed(host, userId, administrator);
    const fields = { userId: `target of ${userId}`, reason };
    const done = () => has(host, fields.userId, 'ENROLMENT_CODE_ISSUED');
    return { userId, client, path: '/step-up/admin/users/enrolment-code', fields, done };
  },
  async adminEnrolmentCode(host, userId) {
    const client = await confirmed(host, userId, administrator);
    const path = '/api/v1/admin/users/noone/enrolment-code';
    return { userId, client, path, fields: { reason }, done: () => has(host, 'noone', 'ENROLMENT_CODE_ISSUED') };
  },
  async settingsSave(host, userId) {
    const { client, secret } = await host.enrolled(userId, { workspaceId: 'other', roles: ['administrator'] });
    const values = { version: '0', categories: '1', graceMinutes: '1' };
    const token = await tokenOf(client);
    const form = { [CSRF]: token, ...values };
    const asked = await client.post('/step-up/admin/settings', { form, page: true });
    // A fresh proof is there: nothing but where the request comes from stands against it.
    const code = host.code(secret);
    const json = { challengeId: challengeIn(asked), factor: 'totp', code };
    const verified = await client.post('/api/v1/auth/mfa/verify', { json });
    if (verified.status !== 200) throw new Error(verified.text);
    return {
      userId,
      client,
      path: '/step-up/admin/settings',
      session: { workspaceId: 'other' },
      fields: values,
      done: () => has(host, userId, 'SETTINGS_CHANGED'),
    };
  },
  async settingsReplace(host, userId) {
    const session = { workspaceId: `workspace of ${userId}`, roles: ['administrator'] };
    const client = await confirmed(host, userId, session);
    const json = { version: 0, settings: { enabled: true, categories: ['5'], graceSeconds: 60 } };
    const done = () => has(host, userId, 'SETTINGS_CHANGED');
    return { userId, client, path: SETTINGS_API, session, fields: {}, json, done };
  },
  async settingsPreview(host, userId) {
    const client = await host.signedIn(userId, administrator);
    const json = { settings: { enabled: true, categories: ['5'], graceSeconds: 60 } };
    // It changes nothing; what it may not do for another site is to answer.
    const answered = watched(client, '"accesses"');
    return { userId, client, path: `${SETTINGS_API}/preview`, fields: {}, json, done: async () => answered() };
  },
  async emergencyStart(host, userId) {
    const { client } = await host.enrolled(userId);
    const fields = { purpose: 'clinical', patient: 'p1', ...emergency };
    const done = () => has(host, userId, 'EMERGENCY_ACCESS_STARTED');
    return { userId, client, path: '/step-up/emergency', fields, done };
  },
  async breakGlass(host, userId) {
    const { client } = await host.enrolled(userId);
    const fields = { patientId: 'p1', ...emergency };
    const done = () => has(host, userId, 'EMERGENCY_ACCESS_STARTED');
    return { userId, client, path: '/api/v1/break-glass', fields, done };
  },
  emergencyEnd: (host, userId) => opened(host, userId, (id) => `/step-up/emergency/${id}/end`),
  breakGlassEnd: (host, userId) => opened(host, userId, (id) => `/api/v1/break-glass/${id}/end`),
  emergencyApprove: (host, userId) => secondPerson(host, userId, '/step-up/emergency', 'approve', 'APPROVED'),
  emergencyDecline: (host, userId) => secondPerson(host, userId, '/step-up/emergency', 'decline', 'DECLINED'),
  breakGlassApprove: (host, userId) => secondPerson(host, userId, '/api/v1/break-glass', 'approve', 'APPROVED'),
  breakGlassDecline: (host, userId) => secondPerson(host, userId, '/api/v1/break-glass', 'decline', 'DECLINED'),
  reviewSave: (host, userId) => reviewer(host, userId, (id) => `/step-up/admin/reviews/${id}`),
  breakGlassReview: (host, userId) => reviewer(host, userId, (id) => `/api/v1/break-glass/${id}/review`),
  async reviewEnd(host, userId) {
    const { client: clinician } = await host.enrolled(`clinician of ${userId}`);
    const id = await breakGlass(clinician);
    const { client } = await host.enrolled(userId, administrator);
    const path = `/step-up/admin/reviews/${id}/end`;
    return { userId, client, path, fields: {}, done: () => has(host, userId, 'EMERGENCY_ACCESS_ENDED') };
  },
  settingsDecide: (host, userId) => waiting(host, userId, `${SETTINGS_API}/proposal`),
  settingsProposal: (host, userId) => waiting(host, userId, '/step-up/admin/settings/proposal'),
};

const emergency = { reason: REASON, purposeOfUse: 'ETREAT' };

/** Somebody with emergency access that is open. */
async function opened(host: Host, userId: string, pathOf: (id: string) => string): Promise<Victim> {
  const { client } = await host.enrolled(userId);
  const path = pathOf(await breakGlass(client));
  return { userId, client, path, fields: {}, done: () => has(host, userId, 'EMERGENCY_ACCESS_ENDED') };
}

/** Somebody whose approval another one’s second emergency access waits for. */
async function secondPerson(host: Host, userId: string, base: string, decision: string, code: string): Promise<Victim> {
  const { client: first } = await host.enrolled(`first person of ${userId}`);
  await breakGlass(first);
  const waits = await first.post('/api/v1/break-glass', { json: { patientId: 'p2', ...emergency } });
  if (waits.status !== 202) throw new Error(waits.text);
  const { client } = await host.enrolled(userId);
  const path = `${base}/${waits.json().id}/${decision}`;
  const done = () => has(host, userId, `EMERGENCY_ACCESS_${code}`);
  return { userId, client, path, fields: { note: 'not now' }, done };
}

/** An administrator with an emergency access to review. */
async function reviewer(host: Host, userId: string, pathOf: (id: string) => string): Promise<Victim> {
  const { client: clinician } = await host.enrolled(`clinician of ${userId}`);
  const id = await breakGlass(clinician);
  await clinician.post(`/api/v1/break-glass/${id}/end`, { json: {} });
  const { client } = await host.enrolled(userId, administrator);
  const fields = { outcome: 'signed-off', note: 'Seen, and justified.' };
  return { userId, client, path: pathOf(id), fields, done: () => has(host, userId, 'EMERGENCY_ACCESS_REVIEWED') };
}

/** Whether any answer to this client has had a text in it. */
function watched(client: Client, text: string): () => boolean {
  let seen = false;
  const { send } = client;
  client.send = async (...sent) => {
    const answer = await send.apply(client, sent);
    seen ||= answer.text.includes(text);
    return answer;
  };
  return () => seen;
}

/** An administrator who has just confirmed, in a workspace where another one’s loosening change waits. */
async function waiting(host: Host, userId: string, path: string): Promise<Victim> {
  const session = { workspaceId: `workspace of ${userId}`, roles: ['administrator'] };
  const proposer: Administrator = await host.enrolled(`proposer to ${userId}`, session);
  await saveSettings(host, proposer, { secondAdministrator: true });
  const proposed = await putSettings(host, proposer, { enabled: false });
  if (proposed.status !== 202) throw new Error(proposed.text);
  const { proposal } = proposed.json() as { proposal: { id: string } };
  const client = await confirmed(host, userId, session);
  const fields = { decision: 'approve', proposal: proposal.id };
  return { userId, client, path, session, fields, done: () => has(host, userId, 'SETTINGS_PROPOSAL_DECIDED') };
}

onEveryAdapter('requests that another site could have sent', async (t, adapter) => {
  const host = await startHost(adapter, {
    store: await createRealStore(),
    countersign: {
      factors: [totp({ issuer: 'Example EHR' }), recoveryCodes()],
      isAdministrator: (principal) => principal.roles.includes('administrator'),
      emergencyAccess: { roles: ['clinician'], mostOpen: 1 },
    },
  });
  // First: the clock goes on with each enrolment, and these have signed in when the host began.
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

  const { client: mallory } = await host.enrolled('mallory');
  const mallorys = await tokenOf(mallory);
  const posts = new Web(host.countersign).endpoints.filter(({ endpoint }) => endpoint.method !== 'GET');

  for (const { endpoint, path: template } of posts) {
    await t.test(endpoint.name, async (t) => {
      const victim = await victims[endpoint.name]?.(host, `victim of ${endpoint.name}`);
      if (victim === undefined) return t.fail(`${template}: add to victims how it could be abused`);
      const { client, path, fields, json = fields, userId } = victim;
      const token = await tokenOf(client);
      const form = { ...fields, [CSRF]: token };
      const text = JSON.stringify(json);
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
        'JSON of a foreign origin': { json, headers: { origin: EVIL } },
        'JSON, cross-site': { json, headers: { 'sec-fetch-site': 'cross-site' } },
        'JSON, same-site': { json, headers: { 'sec-fetch-site': 'same-site' } },
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
      const thorough = THOROUGHLY.has(endpoint.name);
      const tried = Object.entries(forged).filter(([why]) => thorough || EVERYWHERE.has(why));
      for (const [why, sent] of tried) {
        for (const page of [false, true]) {
          const query = why === 'the token in the address' ? `?${CSRF}=${encodeURIComponent(token)}` : '';
          const cookies = client.jar.copy();
          const answer = await client.send(endpoint.method, `${path}${query}`, {
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
      t.ok(ours >= (thorough ? 40 : 10), `${ours} were refused as forged`);
      t.equal((await refusals(host, userId)) - before, ours, 'each of them on the log');

      const query = new URLSearchParams({ ...fields, [CSRF]: token });
      for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE']) await client.send(method, `${path}?${query}`);
      const ourMethods = posts.filter((one) => one.path === template).map((one): string => one.endpoint.method);
      for (const method of ['PUT', 'PATCH', 'DELETE'].filter((one) => !ourMethods.includes(one)))
        await client.send(method, path, { form });
      t.equal(await victim.done(), false, 'nothing was done');

      const sent = victim.json === undefined ? { form, page: true } : { json };
      const own = await client.send(endpoint.method, path, sent);
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
