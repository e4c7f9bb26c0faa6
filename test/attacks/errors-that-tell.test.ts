// Every way in which something can go wrong is tried, and everything that comes of it is searched for what must not be in it (threat
// 22): codes, secrets, keys, session ids, record content, connection strings. An unknown challenge and somebody else's must be the
// same answer to the letter; a fault of the database must have the same shape as a wrong code.
import { randomBytes } from 'node:crypto';
import type { ExpressRequest } from '@countersign/express';
import { requireStepUp } from '@countersign/fastify';
import postgres from 'postgres';
import type { Test } from 'tap';
import { auditStory } from '../support/audit-story.ts';
import type { Answer, Client } from '../support/client.ts';
import { type AdapterName, type HostOptions, type HostRoutes, onEveryAdapter, startHost } from '../support/hosts.ts';
import { createRealStore } from '../support/real-store.ts';

type RealStore = Awaited<ReturnType<typeof createRealStore>>;
const CONNECTION = 'postgres://clinic:hunter2-canary@db.internal/ehr';
const NOTES = 'canary: cried about her brother';
const TOKEN = 'canary-token-in-a-query';
const thrown = () => new Error(`could not connect to ${CONNECTION}: select '${NOTES}'`);

/** Loads the record, and fails in the way its id names. */
const faulty = (id: string) => {
  if (id === 'loader') throw thrown();
  const categories: unknown = id === 'categories' ? [NOTES] : ['5'];
  return {
    workspaceId: 'clinic',
    patientId: id === 'patient' ? `p\n${NOTES}` : 'p1',
    categories: categories as string[],
    value: { NOTES },
  };
};
const target = async (id: string) => (id === 'target' ? Promise.reject(thrown()) : null);
const content = (id: string) => {
  if (id === 'content') throw thrown();
  return id === 'odd-content' ? new Map([[NOTES, CONNECTION]]) : {};
};

const routes: HostRoutes = {
  fastify(app) {
    const idOf = (request: { params: unknown }) => (request.params as { id: string }).id;
    const guard = requireStepUp('*', {
      action: 'export',
      resource: async (request) => faulty(idOf(request)),
      target: async (request) => target(idOf(request)),
      content: (request) => content(idOf(request)),
    });
    app.get('/faulty/:id', { preHandler: guard }, async (request) => guard.resource(request));
    app.get('/thrown', async (request) => {
      await request.stepUp.check({ workspaceId: 'clinic', patientId: `p\n${NOTES}`, categories: ['5'] });
      return {};
    });
  },
  express(app, made) {
    const idOf = (request: ExpressRequest) => (request.params as { id: string }).id;
    const guard = made.requireStepUp('*', {
      action: 'export',
      resource: async (request: ExpressRequest) => faulty(idOf(request)),
      target: async (request: ExpressRequest) => target(idOf(request)),
      content: (request: ExpressRequest) => content(idOf(request)),
    });
    app.get('/faulty/:id', guard, (request, response) => void response.json(guard.resource(request)));
    const check = made.guarded(async (request: ExpressRequest, response) => {
      await request.stepUp?.check({ workspaceId: 'clinic', patientId: `p\n${NOTES}`, categories: ['5'] });
      response.end('{}');
    });
    app.get('/thrown', check as never);
  },
};

/** A host, everything it said to anybody, and what nobody may have been told. */
async function observed(
  t: Test,
  adapter: AdapterName,
  options: Pick<HostOptions, 'web' | 'identify'> = {},
  given?: RealStore,
) {
  const store = given ?? (await createRealStore());
  const key = randomBytes(32).toString('base64');
  const countersign = { keys: { current: 'k1', all: { k1: key } } };
  const host = await startHost(adapter, { store, routes, countersign, ...options });
  host.visits.set('v1', { id: 'v1', workspaceId: 'clinic', patientId: 'p1', category: '5', notes: NOTES });
  const canaries = new Set([CONNECTION, 'hunter2-canary', NOTES, 'cried', key]);
  const codes = new Set<string>();
  const said: string[] = [];
  const { write } = process.stderr;
  process.stderr.write = ((chunk: string | Uint8Array, ...rest: never[]) => {
    said.push(`printed: ${chunk}`);
    return write.call(process.stderr, chunk, ...rest);
  }) as typeof write;
  const { log } = console;
  console.log = (...words: unknown[]) => void said.push(`logged: ${words.join(' ')}`);
  t.teardown(() => {
    process.stderr.write = write;
    console.log = log;
  });
  const hear = (answer: Answer): Answer => {
    const headers = [...answer.headers].filter(([name]) => name !== 'set-cookie');
    said.push(`answered: ${JSON.stringify(headers)}\n${answer.text}`);
    return answer;
  };
  return {
    host,
    store,
    canaries,
    codes,
    hear,
    keep(client: Client, secret: string) {
      canaries.add(secret);
      for (const name of client.jar.names()) {
        const value = decodeURIComponent(client.jar.get(name) ?? '');
        // The host's session id itself, without its signature.
        for (const part of [value, value.replace(/^s:/, '').split('.')[0] ?? '']) canaries.add(part);
      }
    },
    code(secret: string, steps = 0) {
      const code = host.code(secret, steps);
      codes.add(code);
      return code;
    },
    async silent() {
      for (const fault of host.faults) said.push(`told the host: ${fault.message}\n${fault.stack}`);
      const sql = postgres(store.url, { max: 1, onnotice: () => {} });
      const tables = ['audit_event', 'audit_stream', 'factor', 'factor_attempts', 'settings', 'epoch', 'ended_session'];
      for (const table of tables) {
        const rows = await sql.unsafe(
          `select to_jsonb(t) - 'hash' - 'secret' - 'mac' as row from countersign.${table} t`,
        );
        for (const { row } of rows) said.push(`wrote to ${table}: ${JSON.stringify(row)}`);
      }
      await sql.end();
      t.ok(said.length > 10);
      const secrets = [...canaries, TOKEN].filter((text) => text.length > 4);
      const patterns = [...codes].map((code) => new RegExp(`(?<![0-9a-f])${code}(?![0-9a-f])`));
      const told = said.filter(
        (text) => secrets.some((secret) => text.includes(secret)) || patterns.some((code) => code.test(text)),
      );
      t.strictSame(told, [], 'nobody was told anything secret');
    },
  };
}

const shape = (answer: Answer) => {
  const { type, title, status, code, detail } = answer.json();
  return { type: typeof type, title: typeof title, status, code: typeof code, detail: typeof detail };
};

onEveryAdapter('wrong codes, strange challenges and broken requests: one shape, and no secret', async (t, adapter) => {
  const { host, hear, keep, code, silent } = await observed(t, adapter);
  const mine = await host.enrolled('carol');
  const theirs = await host.enrolled('dave');
  const story = await auditStory(host);
  const asked = hear(await mine.client.get(`/visits/v1?token=${TOKEN}`));
  const challengeId = String(asked.json().challengeId);
  const other = String(hear(await theirs.client.get('/visits/v1')).json().challengeId);
  keep(mine.client, mine.secret);
  keep(theirs.client, theirs.secret);
  const verify = async (json: object) => hear(await mine.client.post('/api/v1/auth/mfa/verify', { json }));

  const unknown = await verify({ challengeId: randomBytes(16).toString('base64url'), code: code(mine.secret) });
  const another = await verify({ challengeId: other, code: code(mine.secret) });
  const anothers = await verify({ challengeId: other, code: code(theirs.secret) });
  t.equal(unknown.status, 404);
  for (const answer of [another, anothers]) {
    t.equal(answer.text, unknown.text, 'to the letter');
    t.strictSame(
      [...answer.headers].filter(([name]) => name !== 'date'),
      [...unknown.headers].filter(([name]) => name !== 'date'),
    );
  }
  const pages = [randomBytes(16).toString('base64url'), other].map(async (id) =>
    hear(await mine.client.get(`/step-up/challenge/${id}`, { page: true })),
  );
  const [unknownPage, anothersPage] = await Promise.all(pages);
  t.equal(unknownPage?.status, 404);
  t.equal(anothersPage?.text, unknownPage?.text, 'the page, too');

  const wrong = await verify({ challengeId, code: code(theirs.secret) });
  t.match(wrong.json(), { code: 'code_incorrect', status: 422 });
  const malformed = await verify({ challengeId, code: `${code(mine.secret)}7` });
  t.match(malformed.json(), { code: 'code_malformed', status: 400 });
  const factor = await verify({ challengeId, factor: 'passkey', code: code(mine.secret) });
  t.match(factor.json(), { code: 'factor_not_accepted', status: 403 });
  const notText = await verify({ challengeId, code: { secret: NOTES } });
  t.match(notText.json(), { code: 'input_invalid', field: 'code' });
  const long = await verify({ challengeId, code: NOTES.repeat(10) });
  t.match(long.json(), { code: 'input_invalid' });
  for (const answer of [unknown, wrong, malformed, factor, notText, long]) {
    t.strictSame(shape(answer), { ...shape(unknown), status: answer.status });
    t.equal(answer.headers.get('content-type'), 'application/problem+json; charset=utf-8');
    t.equal(answer.headers.get('cache-control'), 'no-store');
  }
  const events = await story.next();
  t.strictSame(
    events.map((event) => [event.userId, event.code, event.reason]),
    [
      ['carol', 'MFA_REQUIRED', 'missing'],
      ['dave', 'MFA_REQUIRED', 'missing'],
      ['carol', 'MFA_FAILURE', 'incorrect'],
      ['carol', 'MFA_FAILURE', 'malformed'],
      ['carol', 'MFA_FAILURE', 'unknown-factor'],
    ],
  );
  const json = { 'content-type': 'application/json' };
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  for (const [headers, body] of [
    [{ 'content-type': 'application/octet-stream' }, NOTES],
    [{ 'content-type': 'text/xml' }, `<code>${NOTES}</code>`],
    [form, `code=${'x'.repeat(70_000)}`],
    ...(adapter === 'fastify'
      ? ([
          [json, `{"code": ${NOTES}`],
          [json, `"${NOTES}`],
        ] as const)
      : []),
  ] as const) {
    const refused = hear(await mine.client.post('/api/v1/auth/mfa/verify', { headers, body }));
    t.ok(refused.status >= 400 && refused.status < 500, `${refused.status} ${Object.values(headers)}`);
  }

  t.equal((await mine.client.get('/visits/v1')).status, 401, 'nothing was granted');
  t.strictSame(host.faults, [], 'none of this is a fault of ours');
  await silent();
  await host.close();
});

onEveryAdapter('a host that throws: its words reach its own log as the cause, and nobody else', async (t, adapter) => {
  const failing: { label: boolean } = { label: false };
  const patientLabel = async () => (failing.label ? Promise.reject(thrown()) : 'Ms. Example');
  const { host, hear, keep, silent } = await observed(t, adapter, { web: { patientLabel } });
  const { client, secret } = await host.enrolled('carol');
  keep(client, secret);
  for (const [path, status, code] of [
    ['/visits/broken', 503, 'resource_unavailable'],
    ['/faulty/loader', 503, 'resource_unavailable'],
    ['/faulty/target', 503, 'resource_unavailable'],
    ['/faulty/content', 500, 'internal'],
    ['/faulty/odd-content', 415, 'body_unreadable'],
    ['/faulty/categories', 500, 'resource_invalid'],
    ['/faulty/patient', 400, 'patient_unresolved'],
    ['/thrown', 400, 'patient_unresolved'],
  ] as const) {
    const faults = host.faults.length;
    const refused = hear(await client.get(path));
    t.match(refused.json(), { code, status, title: String, detail: String }, path);
    t.equal(refused.status, status, path);
    t.equal(host.faults.length, status >= 500 ? faults + 1 : faults, `${path}: the host is told of faults`);
    const page = hear(await client.get(path, { page: true }));
    t.equal(page.status, status, path);
    t.match(page.headers.get('content-type'), 'text/html', path);
  }
  const loader = host.faults.find((fault) => fault.code === 'resource_unavailable');
  t.match(loader?.cause, { message: /connection string|could not connect/ }, 'with the cause');

  const challenge = (await client.get('/visits/v1', { page: true })).headers.get('location') ?? '';
  failing.label = true;
  const page = hear(await client.get(new URL(challenge, host.baseUrl).pathname, { page: true }));
  t.equal(page.status, 500);
  t.match(page.headers.get('content-type'), 'text/html');
  t.equal((await host.events()).filter((event) => event.code === 'ACCESS_ALLOWED').length, 0);
  await silent();
  await host.close();
});

onEveryAdapter('an identification that throws says nothing of why', async (t, adapter) => {
  const identify = () => {
    throw thrown();
  };
  const { host, hear, silent } = await observed(t, adapter, { identify });
  for (const path of ['/visits/v1', '/resolver/v1', '/api/v1/auth/session', '/step-up/factors']) {
    const refused = hear(await host.client().get(path));
    t.match(refused.json(), { code: 'identity_unavailable', status: 503 }, path);
    t.equal(refused.status, 503, path);
    t.equal(refused.headers.get('retry-after'), '5', path);
    hear(await host.client().get(path, { page: true }));
  }
  await host.events();
  for (let more = 0; more < 10; more += 1) hear(await host.client().get('/visits/v1'));
  t.match(host.faults[0]?.cause, { message: /could not connect/ });
  await silent();
  await host.close();
});

onEveryAdapter(
  'a database that fails, politely and rudely: the same shape, and nothing is granted',
  async (t, adapter) => {
    const { host, store, hear, keep, code, silent } = await observed(t, adapter);
    const { client, secret } = await host.enrolled('carol');
    keep(client, secret);
    const challengeId = String(hear(await client.get('/visits/v1')).json().challengeId);
    const sql = postgres(store.url, { max: 1, onnotice: () => {} });
    t.teardown(() => sql.end());
    const json = { challengeId, code: code(secret) };
    await sql`alter table countersign.factor rename to hidden`;
    const hidden = hear(await client.post('/api/v1/auth/mfa/verify', { json }));
    t.match(hidden.json(), { code: 'store_not_migrated', status: 500 });
    await sql`alter table countersign.hidden rename to factor`;

    await sql.unsafe(`create function refuse() returns trigger language plpgsql as
    $$ begin raise exception 'row % % ${CONNECTION}', new, '${NOTES}'; end $$`);
    await sql`create trigger refuse before insert or update on countersign.factor for each row execute function refuse()`;
    const refused = hear(await client.post('/api/v1/auth/mfa/verify', { json }));
    t.match(refused.json(), { code: 'store_refused', status: 503 });
    t.ok(refused.headers.get('retry-after'));
    const enrol = hear(await client.post('/api/v1/auth/mfa/enroll', { json: { factor: 'totp' } }));
    t.ok([401, 503].includes(enrol.status));
    await sql`drop trigger refuse on countersign.factor`;
    for (const answer of [hidden, refused]) {
      const { status } = answer;
      t.strictSame(shape(answer), { type: 'string', title: 'string', status, code: 'string', detail: 'string' });
    }

    t.equal((await client.get('/visits/v1')).status, 401, 'nothing was granted');
    t.equal(host.faults.length >= 2, true, 'the host is told');
    t.equal((await client.post('/api/v1/auth/mfa/verify', { json })).status, 200, 'the code was not consumed');
    const passed = (await host.events()).filter((event) => event.code === 'MFA_SUCCESS');
    t.equal(passed.length, 1);
    keep(client, secret);
    await silent();
    await host.close();
  },
);

onEveryAdapter('a store that throws what drivers throw: an internal fault, and not a word more', async (t, adapter) => {
  const real = await createRealStore();
  let rude = false;
  const often =
    <A extends unknown[], R>(method: (...given: A) => Promise<R>) =>
    (...given: A): Promise<R> =>
      rude ? Promise.reject(thrown()) : method(...given);
  const store: RealStore = {
    ...real,
    factors: often(real.factors),
    sessionStanding: often(real.sessionStanding),
    reserveAttempt: often(real.reserveAttempt),
    settings: often(real.settings),
    auditEvents: often(real.auditEvents),
  };
  const { host, hear, keep, code, silent } = await observed(t, adapter, {}, store);
  const { client, secret } = await host.enrolled('carol');
  keep(client, secret);
  const { challengeId } = hear(await client.get('/visits/v1')).json();
  rude = true;
  const json = { challengeId, code: code(secret) };
  for (const answer of [
    await client.post('/api/v1/auth/mfa/verify', { json }),
    await client.get('/visits/v2'),
    await client.get('/api/v1/auth/session'),
    await client.get('/step-up/factors'),
    await (await host.signedIn('erin')).get('/visits/v1'),
  ]) {
    t.match(hear(answer).json(), { code: 'internal', status: 500, detail: 'Something went wrong on our side.' });
  }
  rude = false;
  t.equal((await client.get('/visits/v1')).status, 401, 'nothing was granted');
  for (let more = 0; more < 5; more += 1) hear(await client.get('/visits/v1'));
  await silent();
  await host.close();
});
