// The log is the evidence, so it is what an insider goes for (threat 17): rows changed, deleted, truncated, reordered, content moved
// from one column to the next so that the bytes stay the same, text smuggled in that breaks a line or runs in a reader's browser.
// The database refuses the application and the owner of the tables; a superuser with the triggers off is found out by the verifier.
import {
  type AuditRecord,
  CHAIN_START,
  canonicalBytes,
  chainHash,
  createCountersign,
  totp,
  verifyStream,
} from '@countersign/core';
import { migrate, openStore } from '@countersign/postgres';
import postgres from 'postgres';
import t from 'tap';
import { type Host, onEveryAdapter } from '../support/hosts.ts';
import { createDatabase } from '../support/postgres-server.ts';
import { createRealStore } from '../support/real-store.ts';
import { sharedHosts } from '../support/shared-hosts.ts';

const KEY = 'q83vEjRWeJASNFZ4kBI0VniQ/9yHZUMhdlQyEAq8j3w=';
const started = (store: Awaited<ReturnType<typeof openStore>>) =>
  createCountersign({
    store,
    publicUrl: 'https://ehr.example.org',
    keys: { current: 'k1', all: { k1: KEY } },
    categories: [{ id: '5', name: 'Ketamine infusion' }],
    factors: [totp({ issuer: 'Example EHR' })],
  });

const hostOf = sharedHosts();
const MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(2)>';
const LINES = 'first\r\n2026-03-02T09:00:00Z MFA_SUCCESS admin\u2028x\u0085y\u0000z\u001b[2J\ud800';

/** Writes an event as a flow would, with text as an attacker sends it. */
const injected = (host: Host, text: string, userId: string) => {
  const signedInAt = new Date(host.clock.now());
  const principal = {
    userId,
    workspaceId: 'clinic',
    roles: [],
    displayName: text,
    signedInAt,
    sessionKey: `${userId} ${text.length}`,
  };
  const request = { ip: text, userAgent: text, requestId: text, method: text, route: text };
  return host.countersign.principalOf(principal, null, request);
};

t.test('the application, the owner of the tables and a trigger switched to replica: all refused', async (t) => {
  const { url, name } = await createDatabase();
  const admin = postgres(url, { max: 1, onnotice: () => {} });
  const roles = [`${name}_owner`, `${name}_app`] as const;
  const [owner, app] = roles;
  for (const role of roles) await admin.unsafe(`create role ${role} login`);
  await admin.unsafe(`grant create on database ${name} to ${owner}`);
  const as = (role: string) => {
    const its = new URL(url);
    its.username = role;
    return its.href;
  };
  t.teardown(async () => {
    for (const role of roles) await admin.unsafe(`drop owned by ${role} cascade; drop role ${role}`);
    await admin.end();
  });
  await migrate(as(owner), { applicationRole: app });
  const store = await openStore(as(app));
  const countersign = await started(store);
  await countersign.audit.append([{ code: 'ACCESS_DENIED', outcome: 'refused', workspaceId: 'w', userId: 'u' }]);
  const { stream } = countersign.audit;
  const before = await verifyStream(store.auditStream(stream ?? ''));
  const statements = [
    `update countersign.audit_event set user_id = 'somebody else'`,
    `update countersign.audit_event set hash = hash where false`,
    'delete from countersign.audit_event',
    `delete from countersign.audit_event where code = 'ACCESS_DENIED'`,
    'truncate countersign.audit_event',
    'truncate countersign.audit_event, countersign.audit_stream cascade',
    'delete from countersign.audit_stream',
    `merge into countersign.audit_event e using (select 1) s on true when matched then delete`,
    `with gone as (delete from countersign.audit_event returning 1) select count(*) from gone`,
    `insert into countersign.audit_event select * from countersign.audit_event on conflict (id) do update set reason = 'x'`,
  ];
  for (const [role, code] of [
    [app, '42501'],
    [owner, '55000'],
  ] as const) {
    const sql = postgres(as(role), { max: 1, onnotice: () => {} });
    for (const statement of statements) await t.rejects(sql.unsafe(statement), { code }, `${role}: ${statement}`);
    await sql.end();
  }
  const asApp = postgres(as(app), { max: 1, onnotice: () => {} });
  for (const statement of [
    'alter table countersign.audit_event disable trigger append_only',
    'drop trigger append_only on countersign.audit_event',
    'create or replace function countersign.refuse_change() returns trigger language plpgsql as $$ begin return null; end $$',
    'set session_replication_role = replica',
    `set role ${owner}`,
    'drop schema countersign cascade',
    'alter table countersign.audit_event rename to old',
    `insert into countersign.migrations (hash) values ('x')`,
  ]) {
    await t.rejects(asApp.unsafe(statement), { code: '42501' }, `${app}: ${statement}`);
  }
  await asApp.end();
  await admin.unsafe('set session_replication_role = replica');
  await t.rejects(admin.unsafe(statements[2] ?? ''), { code: '55000' }, 'replica does not switch it off');
  t.match(await verifyStream(store.auditStream(stream ?? '')), before);
  await countersign.close();
  await store.close();
});

t.test('a superuser with the triggers off: each edit is found, at the record it was made in', async (t) => {
  const store = await createRealStore();
  const countersign = await started(store);
  const stream = (await store.auditStreams())[0]?.stream ?? '';
  const events = ['ab', 'b', 'c', 'd', 'e', 'f'].map((factor, at) => ({
    code: 'MFA_FAILURE' as const,
    outcome: 'failure' as const,
    workspaceId: 'w',
    userId: `u${at}`,
    factor,
    reason: 'c',
    ip: '',
    userAgent: null,
  }));
  await countersign.audit.append(events);
  const records: AuditRecord[] = [];
  for await (const record of store.auditStream(stream)) records.push(record);
  const head = records.at(-1) as AuditRecord;
  const first = records.findIndex((record) => record.factor === 'ab');
  t.match(await verifyStream(records, head), { intact: true, records: records.length });

  const sql = postgres(store.url, { max: 1, onnotice: () => {} });
  t.teardown(() => sql.end());
  await sql.unsafe('alter table countersign.audit_event disable trigger all');
  await sql.unsafe('create table kept as select * from countersign.audit_event');
  const at = `stream = '${stream}' and index`;
  const edits: [string, string, object][] = [
    [
      'content moved one column on',
      `update countersign.audit_event set factor = 'a', reason = 'bc' where ${at} = ${first}`,
      { fault: 'altered', index: first },
    ],
    [
      'content moved to a neighbour that was null',
      `update countersign.audit_event set reason = null, user_agent = 'c' where ${at} = ${first}`,
      { fault: 'altered', index: first },
    ],
    [
      'empty for null',
      `update countersign.audit_event set ip = null where ${at} = ${first}`,
      { fault: 'altered', index: first },
    ],
    [
      'null for empty',
      `update countersign.audit_event set user_agent = '' where ${at} = ${first}`,
      { fault: 'altered', index: first },
    ],
    [
      'another user',
      `update countersign.audit_event set user_id = 'u9' where ${at} = ${first}`,
      { fault: 'altered', index: first },
    ],
    [
      'a millisecond earlier',
      `update countersign.audit_event set at = at - interval '1 ms' where ${at} = ${first}`,
      { fault: 'altered', index: first },
    ],
    [
      'before 1970',
      `update countersign.audit_event set at = '1900-01-01' where ${at} = ${first}`,
      { fault: 'altered', index: first },
    ],
    [
      'another id',
      `update countersign.audit_event set id = gen_random_uuid() where ${at} = ${first}`,
      { fault: 'altered', index: first },
    ],
    [
      'a code of no event',
      `update countersign.audit_event set code = 'NOTHING' where ${at} = ${first}`,
      { fault: 'altered', index: first },
    ],
    [
      'no hash',
      `update countersign.audit_event set hash = '' where ${at} = ${first}`,
      { fault: 'altered', index: first },
    ],
    [
      'a look-alike letter',
      `update countersign.audit_event set factor = U&'\\0430b' where ${at} = ${first}`,
      { fault: 'altered', index: first },
    ],
    [
      'one deleted',
      `delete from countersign.audit_event where ${at} = ${first}`,
      { fault: 'missing-or-reordered', index: first },
    ],
    [
      'one deleted, the rest moved up',
      `delete from countersign.audit_event where ${at} = ${first}; update countersign.audit_event set index = -index where ${at} > ${first}; update countersign.audit_event set index = -index - 1 where ${at} < 0`,
      { fault: 'altered', index: first },
    ],
    [
      'two exchanged',
      `update countersign.audit_event set index = -1 where ${at} = ${first}; update countersign.audit_event set index = ${first} where ${at} = ${first + 1}; update countersign.audit_event set index = ${first + 1} where ${at} = -1`,
      { fault: 'altered', index: first },
    ],
    [
      'the first deleted',
      `delete from countersign.audit_event where ${at} = 0`,
      { fault: 'missing-or-reordered', index: 0 },
    ],
    ['all deleted', 'delete from countersign.audit_event', { fault: 'missing-or-reordered', index: 0 }],
    [
      'the end cut off',
      `delete from countersign.audit_event where ${at} = ${head.index}`,
      { fault: 'missing-or-reordered', index: head.index },
    ],
    [
      'one added in the middle of time',
      `insert into countersign.audit_event select stream, index + 1, gen_random_uuid(), at, code, outcome, workspace_id, 'u9', actor_id, session, patient_id, categories, action, method, route, factor, reason, challenge_id, emergency_access_id, ip, user_agent, request_id, details, hash from countersign.audit_event where ${at} = ${head.index}`,
      { fault: 'altered', index: head.index + 1 },
    ],
  ];
  for (const [what, statement, found] of edits) {
    await sql.unsafe(statement);
    t.match(await verifyStream(store.auditStream(stream), head), { intact: false, ...found }, what);
    await sql.unsafe('truncate countersign.audit_event; insert into countersign.audit_event select * from kept');
    t.match(await verifyStream(store.auditStream(stream), head), { intact: true }, `${what}, put back`);
  }

  // Everything computed anew from a changed record on: consistent in itself, and not what was witnessed.
  let previous = first === 0 ? CHAIN_START : (records[first - 1] as AuditRecord).hash;
  const forged = records.slice(first).map((record, offset) => {
    const changed = offset === 0 ? { ...record, userId: 'u9' } : record;
    previous = chainHash(previous, changed);
    return { ...changed, hash: previous };
  });
  const recomputed = [...records.slice(0, first), ...forged];
  t.match(await verifyStream(recomputed), { intact: true }, 'the chain alone cannot know');
  t.match(
    await verifyStream(recomputed, head),
    { intact: false, fault: 'altered', index: head.index },
    'a head kept elsewhere does',
  );
  const shifted = records[first] as AuditRecord;
  t.notSame(canonicalBytes({ ...shifted, factor: 'a', reason: 'bc' }), canonicalBytes(shifted));
  await countersign.close();
});

onEveryAdapter(
  'text that breaks lines or runs scripts stays text, on the chain and on the page',
  async (t, adapter) => {
    const host = await hostOf(adapter);
    const administrator = await host.enrolled('erin', { roles: ['administrator'] });
    const demand = { workspaceId: 'clinic', patientId: `<b>${MARKUP}`, categories: ['5'] };
    for (const [text, userId] of [
      [MARKUP, `<i onclick=alert(3)>${MARKUP}`],
      [LINES, 'line\nbreaker'],
      ['x'.repeat(100_000), 'long'],
    ] as const) {
      await t.rejects(host.countersign.enforce(injected(host, text, userId), demand), { code: 'factor_required' });
    }
    // Over HTTP: what a header can carry at all.
    const client = await host.signedIn('frank');
    const refused = await client.get('/visits/v1', { headers: { 'user-agent': MARKUP, 'x-request-id': MARKUP } });
    t.equal(refused.status, 403);
    await t.rejects(
      host.countersign.enforce(injected(host, 'x', 'y'), { ...demand, patientId: 'p\n1' }),
      { code: 'patient_unresolved' },
      'a patient id with a line break is none',
    );

    // A reason in free text, by an administrator who is the attacker.
    host.clock.set(30);
    await host.stepUp(administrator.client, administrator.secret, '/visits/v2');
    const own = injected(host, 'plain', 'mallory');
    await host.countersign.audit.append([
      {
        code: 'FACTOR_RESET',
        outcome: 'success',
        workspaceId: 'clinic',
        userId: own.userId,
        actorId: MARKUP,
        reason: `${MARKUP}\n${LINES}`,
      },
    ]);

    const events = (await host.events()).filter((event) => event.workspaceId === 'clinic');
    const denied = events.filter((event) => event.code === 'ACCESS_DENIED');
    t.ok(
      denied.some((event) => event.userAgent === MARKUP && event.userId === 'frank'),
      'kept as it came',
    );
    t.ok(denied.some((event) => event.userAgent?.startsWith('first\r\n') && !event.userAgent.includes('\u0000')));
    t.ok(events.every((event) => JSON.stringify(event).isWellFormed()));
    t.ok(
      denied.every((event) => (event.userAgent ?? '').length <= 512 && (event.ip ?? '').length <= 512),
      'nothing grows without bound',
    );
    for (const { stream } of await host.store.auditStreams()) {
      t.match(await verifyStream(host.store.auditStream(stream)), { intact: true });
    }

    const page = await administrator.client.get('/step-up/admin/audit', { page: true });
    t.equal(page.status, 200);
    t.match(page.headers.get('content-security-policy'), /default-src 'none'; script-src 'self'/);
    t.notMatch(page.text, /<script>|<img|<b>|<i /);
    t.match(page.text, /&lt;script>|&lt;script&gt;/, 'shown as text');
    const rows = page.text.match(/<tr[ >]/g) ?? [];
    t.equal(rows.length, Math.min(100, events.length) + 1, 'no line more than there are events');

    const query = new URLSearchParams({
      userId: MARKUP,
      patientId: MARKUP,
      code: MARKUP,
      from: MARKUP,
      until: MARKUP,
      before: MARKUP,
    });
    for (const path of [
      `/step-up/admin/audit?${query}`,
      `/step-up/admin/audit?${new URLSearchParams({ userId: MARKUP })}`,
    ]) {
      const filtered = await administrator.client.get(path, { page: true });
      t.notMatch(filtered.text, /<script>|<img/, path);
      t.match(filtered.text, /&quot;(>|&gt;)&lt;script/, 'in its field, as text');
    }
  },
);
