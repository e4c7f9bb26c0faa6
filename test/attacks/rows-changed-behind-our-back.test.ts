// Somebody with SQL in hand changes, copies, rolls back or deletes rows of factors and settings (threat 28): to lower what is asked,
// to make an old code new, to move their own authenticator to somebody else. What cannot be trusted is unknown, and unknown is
// refused, with an event on a log that they cannot change; in no case does it allow.
import { randomBytes } from 'node:crypto';
import postgres, { type Sql } from 'postgres';
import type { Test } from 'tap';
import { auditStory } from '../support/audit-story.ts';
import { manualClock } from '../support/clock.ts';
import { type AdapterName, onEveryAdapter, startHost } from '../support/hosts.ts';
import { createRealStore } from '../support/real-store.ts';
import { answerAndResend } from '../support/settings-form.ts';

/** Hosts on one database, started again at will, and SQL as the superuser. */
async function database(t: Test, adapter: AdapterName) {
  const store = await createRealStore();
  const sql = postgres(store.url, { max: 1, onnotice: () => {} });
  t.teardown(() => sql.end());
  const countersign = { keys: { current: 'k1', all: { k1: randomBytes(32).toString('base64') } } };
  const clock = manualClock();
  return { sql, start: () => startHost(adapter, { store, clock, countersign }) };
}

const factorOf = async (sql: Sql, userId: string) =>
  (await sql<Record<string, string>[]>`select * from countersign.factor where user_id = ${userId}`)[0] ?? {};

onEveryAdapter('a factor row that was altered is unknown, and answers nothing', async (t, adapter) => {
  const { sql, start } = await database(t, adapter);
  const host = await start();
  const { client, secret } = await host.enrolled('carol');
  const thief = await host.enrolled('mallory');
  const challengeId = String((await client.get('/visits/v1')).json().challengeId);
  const row = await factorOf(sql, 'carol');
  const other = await factorOf(sql, 'mallory');
  const story = await auditStory(host);
  for (const change of [
    { counter: '0' },
    { counter: '-1' },
    { label: 'mine' },
    { confirmed_at: String(Number(row.confirmed_at) - 1) },
    { created_at: '0' },
    { secret: other.secret },
    { secret: other.secret, mac: other.mac },
    { secret: other.secret, mac: other.mac, counter: other.counter, id: 'another' },
    { mac: '' },
    { mac: `k0.${row.mac?.split('.')[1]}` },
    { mac: row.mac?.slice(0, -1) },
  ]) {
    const what = Object.keys(change).join();
    await sql`update countersign.factor set ${sql(change as Record<string, string>)} where user_id = 'carol'`;
    const asked = await client.get('/visits/v2');
    t.match(asked.json(), { code: 'factor_unknown', status: 503 }, what);
    for (const code of [host.code(secret), host.code(thief.secret)]) {
      const answered = await client.post('/api/v1/auth/mfa/verify', { json: { challengeId, code } });
      t.match(answered.json(), { code: 'factor_unknown', status: 503 }, what);
    }
    const enrolled = await client.post('/api/v1/auth/mfa/enroll', { json: { factor: 'totp' } });
    t.match(enrolled.json(), { code: 'factor_unknown' }, `${what}: nor is a new one enrolled over it`);
    const events = await story.next();
    t.ok(events.length > 0);
    t.match(
      events.filter((event) => event.code !== 'FACTOR_TAMPERED'),
      [],
      what,
    );
    t.match(events[0], { code: 'FACTOR_TAMPERED', outcome: 'failure', reason: 'altered', userId: 'carol' });
    await sql`delete from countersign.factor where user_id = 'carol'`;
    await sql`insert into countersign.factor ${sql(row)}`;
  }
  t.equal((await client.get('/visits/v1')).status, 401, 'nothing was granted');

  // The thief's own authenticator, moved to her name: her row beside it is no longer enough.
  await sql`update countersign.factor set user_id = 'carol' where user_id = 'mallory'`;
  const moved = await client.post('/api/v1/auth/mfa/verify', { json: { challengeId, code: host.code(thief.secret) } });
  t.match(moved.json(), { code: 'factor_unknown' });
  t.match((await story.next()).at(-1), { code: 'FACTOR_TAMPERED' });
  await sql`update countersign.factor set user_id = 'mallory' where secret = ${other.secret ?? ''}`;

  // A pending enrolment, confirmed by hand.
  const anna = await host.signedIn('anna');
  const begun = await anna.post('/api/v1/auth/mfa/enroll', { json: { factor: 'totp' } });
  await sql`update countersign.factor set confirmed_at = created_at where user_id = 'anna'`;
  t.match((await anna.get('/visits/v1')).json(), { code: 'factor_unknown' });
  t.equal(begun.status, 201);

  await host.stepUp(client, secret, '/visits/v1');
  t.equal((await client.get('/visits/v1')).status, 200, 'as it was, it answers');
  await host.close();
});

onEveryAdapter(
  'a factor row that was deleted cannot be enrolled anew by whoever holds the session',
  async (t, adapter) => {
    const { sql, start } = await database(t, adapter);
    const host = await start();
    const { client } = await host.enrolled('carol');
    const story = await auditStory(host);
    await sql`delete from countersign.factor where user_id = 'carol'`;
    const asked = await client.get('/visits/v1');
    t.equal(asked.status, 403, asked.text);
    const begun = await client.post('/api/v1/auth/mfa/enroll', { json: { factor: 'totp' } });
    t.match(begun.json(), { code: 'factor_unknown', status: 503 });
    const fresh = await host.signedIn('carol');
    t.equal((await fresh.post('/api/v1/auth/mfa/enroll', { json: { factor: 'totp' } })).status, 503);
    const events = await story.next();
    t.ok(events.some((event) => event.code === 'FACTOR_TAMPERED' && event.reason === 'missing'));
    t.notOk(events.some((event) => event.code === 'FACTOR_ENROLMENT_STARTED' || event.code === 'ACCESS_ALLOWED'));
    await host.close();
  },
);

onEveryAdapter('settings that were altered, rolled back, copied or deleted are unknown', async (t, adapter) => {
  const { sql, start } = await database(t, adapter);
  let host = await start();
  const administrators = {
    clinic: await host.enrolled('erin', { roles: ['administrator'] }),
    elsewhere: await host.enrolled('frank', { roles: ['administrator'], workspaceId: 'elsewhere' }),
  };
  const save = async (workspaceId: keyof typeof administrators, fields: Record<string, string | string[]>) => {
    const { client, secret } = administrators[workspaceId];
    const page = await client.get('/step-up/admin/settings', { page: true });
    const form = {
      _countersign: page.field('_countersign'),
      version: page.field('version'),
      graceMinutes: '15',
      ...fields,
    };
    let answer = await client.post('/step-up/admin/settings', { form, page: true });
    if (answer.status === 401) {
      host.clock.set(30);
      answer = await answerAndResend(client, answer, host.code(secret));
    }
    t.equal(answer.status, 303, answer.text);
  };
  const rowOf = async (workspaceId: string) =>
    (await sql<Record<string, string>[]>`select * from countersign.settings where workspace_id = ${workspaceId}`)[0] ??
    {};
  await save('elsewhere', {});
  const off = await rowOf('elsewhere');
  await save('clinic', {});
  const first = await rowOf('clinic');
  await save('clinic', { enabled: 'on', categories: ['5', '8'] });
  const second = await rowOf('clinic');
  t.match([first.version, second.version], [1, 2]);

  const put = async (row: Record<string, unknown> | null) => {
    await sql`delete from countersign.settings where workspace_id = 'clinic'`;
    if (row !== null) await sql`insert into countersign.settings ${sql(row as Record<string, string>)}`;
  };
  const tampered: [string, Record<string, unknown> | null, string][] = [
    ['rolled back, with the seal it had', first, 'altered'],
    ['rolled back, and numbered on', { ...first, version: 2 }, 'altered'],
    ['another content', { ...second, content: first.content }, 'altered'],
    ['another content with its own seal', { ...second, content: first.content, mac: first.mac }, 'altered'],
    ['a seal of nobody', { ...second, mac: '' }, 'altered'],
    ['a key that is not there', { ...second, mac: `k9.${String(second.mac).split('.')[1]}` }, 'altered'],
    ['no content', { ...second, content: '' }, 'altered'],
    ['numbered on', { ...second, version: 3 }, 'altered'],
    ['another name under it', { ...second, changed_by: 'frank' }, 'altered'],
    ['of another workspace', { ...off, workspace_id: 'clinic' }, 'altered'],
    ['deleted', null, 'missing'],
  ];
  await host.close();
  for (const [what, row, reason] of tampered) {
    await put(row);
    host = await start();
    const story = await auditStory(host);
    const client = await host.signedIn('carol');
    for (const path of ['/visits/v1', '/visits/v3', '/export/v3', '/api/v1/auth/session']) {
      t.match((await client.get(path)).json(), { code: 'settings_unknown', status: 503 }, `${what}: ${path}`);
    }
    const administrator = await host.signedIn('erin', { roles: ['administrator'] });
    const shown = await administrator.get('/step-up/admin/settings', { page: true });
    t.equal(shown.status, 503, `${what}: shown to nobody as if it were in force`);
    const events = await story.next();
    t.ok(
      events.some(
        (event) => event.code === 'SETTINGS_TAMPERED' && event.reason === reason && event.workspaceId === 'clinic',
      ),
      `${what}: on the log`,
    );
    t.notOk(
      events.some((event) => event.code === 'ACCESS_ALLOWED'),
      what,
    );
    const there = await host.signedIn('frank', { workspaceId: 'elsewhere' });
    t.equal((await there.get('/visits/far')).status, 200, 'the other workspace goes on');
    await host.close();
  }

  await put(second);
  host = await start();
  const client = await host.signedIn('carol');
  t.match((await client.get('/visits/v1')).json(), { code: 'factor_required' }, 'as it was, it is in force');
  t.equal((await client.get('/visits/v3')).status, 200);
  // Under a running process: told of a version that nobody saved, it reads, and trusts nothing.
  await sql`update countersign.settings set version = 3, content = ${first.content ?? ''}, written_at = clock_timestamp() where workspace_id = 'clinic'`;
  let answer = await client.get('/visits/v1');
  for (let tries = 0; answer.status !== 503 && tries < 300; tries += 1) {
    t.equal(answer.status, 403, 'never allowed meanwhile');
    await new Promise((resolve) => setTimeout(resolve, 20));
    answer = await client.get('/visits/v1');
  }
  t.match(answer.json(), { code: 'settings_unknown' });
  await host.close();
});

onEveryAdapter(
  'codes that were used stay used: in a new process, and where the row is rolled back',
  async (t, adapter) => {
    const { sql, start } = await database(t, adapter);
    let host = await start();
    const { client, secret } = await host.enrolled('carol');
    const enrolled = await factorOf(sql, 'carol');
    const used = host.code(secret);
    await host.stepUp(client, secret, '/visits/v1');
    await host.close();
    host = await start();
    const again = await host.signedIn('carol');
    const challengeId = String((await again.get('/visits/v1')).json().challengeId);
    const replay = () => again.post('/api/v1/auth/mfa/verify', { json: { challengeId, code: used } });
    const story = await auditStory(host);
    t.match((await replay()).json(), { code: 'code_already_used', status: 422 });
    t.match(await story.next(), [{ code: 'MFA_FAILURE', reason: 'already-used' }]);

    // The row as it was before the code was used, seal and all.
    const current = await factorOf(sql, 'carol');
    await sql`update countersign.factor set ${sql(enrolled)} where user_id = 'carol'`;
    t.match((await replay()).json(), { code: 'factor_unknown', status: 503 });
    t.match(await story.next(), [{ code: 'FACTOR_TAMPERED', reason: 'rolled-back', factor: 'totp' }]);
    host.clock.set(30);
    const json = { challengeId, code: host.code(secret) };
    t.match(
      (await again.post('/api/v1/auth/mfa/verify', { json })).json(),
      { code: 'factor_unknown' },
      'nor a new one',
    );
    t.equal((await again.get('/visits/v1')).status, 401, 'nothing was granted');
    await sql`update countersign.factor set ${sql(current)} where user_id = 'carol'`;
    host.clock.set(30);
    await host.stepUp(again, secret, '/visits/v1');
    await host.close();
  },
);
