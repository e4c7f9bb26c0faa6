// The database is killed, and a patient cannot wait: emergency access goes on by what this node last knew, on record on its own disk,
// over a restart of the process, until the database is back and has everything, once and in order. Nothing else goes on.
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { type AuditRecord, type EmergencyRequest, type Store, spoolState, verifyStream } from '@countersign/core';
import { migrate, openStore } from '@countersign/postgres';
import postgres from 'postgres';
import type { Test } from 'tap';
import { manualClock } from '../support/clock.ts';
import { crashServer } from '../support/crash-server.ts';
import { emergencyHref } from '../support/emergency.ts';
import { type Host, onEveryAdapter, startHost } from '../support/hosts.ts';
import { formTo, sendForm } from '../support/page-form.ts';
import { startServer } from '../support/postgres-server.ts';
import { until } from '../support/until.ts';

const server = await startServer();
const request = (patientId: string): EmergencyRequest => ({
  ...{ purpose: 'clinical', patientId, purposeOfUse: 'ETREAT' },
  reason: 'Unconscious on arrival, medication unknown.',
});
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (error: unknown) => String(Reflect.get(Object(error), 'code')),
  );

async function soundRecords(store: Store): Promise<readonly AuditRecord[]> {
  const all: AuditRecord[] = [];
  for (const head of await store.auditStreams()) {
    const records: AuditRecord[] = [];
    for await (const record of store.auditStream(head.stream)) records.push(record);
    const check = await verifyStream(records, head);
    if (!check.intact) throw new Error(`${head.stream}: ${check.fault} at ${check.index}`);
    all.push(...records);
  }
  return all;
}

/** The same by a browser without a script: from the page that says 503 to the record, and to its end. */
async function throughThePages(t: Test, host: Host, userId: string): Promise<string> {
  const client = host.client();
  const headers = { 'x-user': userId };
  const look = (path: string) => client.get(path, { page: true, headers });
  const refused = await look('/visits/v1');
  t.equal(refused.status, 503);
  const form = await look(emergencyHref(refused));
  t.equal(form.status, 200);
  const typed = { reason: 'Unconscious on arrival, medication unknown.', purposeOfUse: 'ETREAT' };
  const opened = await sendForm(client, formTo(form.text, '/step-up/emergency'), typed, headers);
  t.equal(opened.headers.get('location'), '/visits/v1');
  t.equal((await look('/visits/v1')).status, 200);
  const { own } = (await client.get('/api/v1/break-glass', { headers })).json() as { own: { id: string }[] };
  const id = String(own[0]?.id);
  const path = `/step-up/emergency/${id}`;
  const page = await look(path);
  t.match(page.text, 'Emergency access is open');
  t.equal((await sendForm(client, formTo(page.text, `${path}/end`), {}, headers)).status, 303);
  t.match((await look(path)).text, 'Emergency access has ended');
  t.equal((await look('/visits/v1')).status, 503);
  return id;
}

onEveryAdapter('a clinician gets in while the database is away', async (t, adapter) => {
  const folder = join(t.testdir(), 'spool');
  const database = new URL(server.url);
  database.pathname = `/away_${adapter}`;
  const admin = postgres(server.url, { max: 1, onnotice: () => {} });
  await admin.unsafe(`create database away_${adapter}`);
  await admin.end();
  const clock = manualClock();
  const signedInAt = new Date(clock.now());
  const keys = { current: 'k1', all: { k1: randomBytes(32) } };
  const principalOf = (userId: string) => ({
    ...{ userId, workspaceId: 'clinic', displayName: userId, signedInAt, sessionKey: `session of ${userId}` },
    roles: userId === 'amy' ? ['administrator'] : ['clinician'],
  });
  await migrate(database.href);
  const start = async () => {
    // What migrates at its start cannot start while the database is away.
    const store = await openStore(database.href, { waitSeconds: 1, migrate: false });
    const host = await startHost(adapter, {
      ...{ store, clock },
      countersign: { keys, emergencyAccess: { roles: ['clinician'], spool: { folder } } },
      identify: (message: IncomingMessage) => principalOf(String(message.headers['x-user'])),
    });
    const end = async () => {
      await host.close();
      await store.close();
    };
    return { host, store, end };
  };
  const open = async (host: Host, userId: string, visit: string) =>
    (await host.client().get(`/visits/${visit}`, { headers: { 'x-user': userId } })).status;
  const emergencyOf = (host: Host, userId: string) => {
    const principal = host.countersign.principalOf(principalOf(userId));
    const { emergency } = host.countersign;
    return {
      start: (patientId: string) => emergency.start(principal, request(patientId)),
      end: (id: string) => emergency.end(principal, id),
      options: (patientId: string) => emergency.options(principal, { purpose: 'clinical', patientId }),
      own: () => emergency.own(principal),
      administrative: () => emergency.start(principal, { ...request(''), purpose: 'administrative', patientId: null }),
    };
  };

  const first = await start();
  for (const userId of ['carol', 'dave', 'erin', 'amy'])
    t.equal(await open(first.host, userId, 'v1'), 403, 'it takes a factor');
  const before = await emergencyOf(first.host, 'dave').start('p2');
  t.equal(await open(first.host, 'dave', 'v2'), 200);

  await crashServer(server);
  const carol = emergencyOf(first.host, 'carol');
  t.equal(await open(first.host, 'carol', 'v1'), 503, 'what takes a factor is closed');
  t.match(await carol.options('p1'), { available: true, refusal: null, open: null });
  const asCarol = { headers: { 'x-user': 'carol' } };
  const asked = await first.host.client().post('/api/v1/break-glass', { ...asCarol, json: request('p1') });
  t.equal(asked.status, 201, asked.text);
  const [grant = await carol.start('p1')] = await carol.own();
  t.equal(grant.id, asked.json().id);
  const own = await first.host.client().get('/api/v1/break-glass', asCarol);
  t.match(own.json(), { own: [{ id: grant.id, status: 'open' }], waitingForApproval: [] });
  const page = await first.host.client().get('/step-up/emergency?patientId=p1', { ...asCarol, page: true });
  t.equal(page.status, 200, page.text);
  t.match(grant, { status: 'open', patientId: 'p1', userId: 'carol' });
  t.equal((await carol.start('p1')).id, grant.id, 'the same again');
  t.equal(await open(first.host, 'carol', 'v1'), 200);
  t.equal(await open(first.host, 'carol', 'v2'), 503, 'for this patient alone');
  t.equal(await open(first.host, 'dave', 'v1'), 503, 'and this person');
  t.equal(await open(first.host, 'dave', 'v2'), 200, 'what the database had opened goes on');
  t.equal(await codeOf(carol.administrative()), 'store_unavailable');
  t.equal(await codeOf(emergencyOf(first.host, 'amy').start('p1')), 'emergency_not_eligible');
  t.equal(await codeOf(emergencyOf(first.host, 'stranger').start('p1')), 'store_unavailable', 'never seen: not known');
  const dave = emergencyOf(first.host, 'dave');
  const ended = await dave.start('p3');
  t.match(await dave.end(ended.id), { status: 'ended', endedBy: 'person' });
  t.match(await dave.end(before.id), { status: 'ended' }, 'also what the database had opened');
  t.equal(await open(first.host, 'dave', 'v2'), 503);
  const erins = await throughThePages(t, first.host, 'erin');
  for (const name of readdirSync(folder).filter((file) => file !== 'lock')) {
    for (const secret of ['carol', 'Unconscious', 'p1"']) t.notOk(readFileSync(join(folder, name)).includes(secret));
  }
  await first.end();

  const second = await start();
  t.equal(await open(second.host, 'carol', 'v1'), 200, 'a restart of the process ends nothing');
  t.equal(await open(second.host, 'dave', 'v2'), 503, 'and undoes no end');
  t.match(await emergencyOf(second.host, 'carol').own(), [{ id: grant.id, status: 'open' }]);
  t.equal(await codeOf(emergencyOf(second.host, 'stranger').start('p1')), 'store_unavailable');
  const { undrained } = await spoolState(folder);
  t.ok(undrained > 5, `${undrained} wait`);

  await server.start();
  await until(async () => (await spoolState(folder)).undrained === 0);
  await until(async () => (await open(second.host, 'carol', 'v2')) === 403);
  t.equal(await open(second.host, 'carol', 'v1'), 200, 'it goes on as any other');
  const records = await soundRecords(second.store);
  t.equal(new Set(records.map(({ id }) => id)).size, records.length);
  const count = (code: string, emergencyAccessId: string) =>
    records.filter((record) => record.code === code && record.emergencyAccessId === emergencyAccessId).length;
  t.equal(count('EMERGENCY_ACCESS_STARTED', grant.id), 1);
  t.equal(count('ACCESS_ALLOWED', grant.id), 3, 'each access once');
  t.equal(count('ACCESS_ALLOWED', before.id), 2);
  for (const id of [ended.id, before.id]) t.equal(count('EMERGENCY_ACCESS_ENDED', id), 1);
  const drained = records.filter(({ code }) => code === 'AUDIT_SPOOL_DRAINED');
  const spools = new Set(records.filter(({ reason }) => reason === 'spool').map(({ stream }) => stream));
  t.equal(drained.length, spools.size, 'one for each stream of a spool');
  t.ok(spools.size >= 2, 'each process had its own');
  t.equal(
    drained.reduce((sum, { details }) => sum + JSON.parse(details ?? '').events, 0),
    records.filter(({ stream }) => spools.has(stream)).length,
  );
  const stored = await second.store.emergencyAccess({ workspaceId: 'clinic' });
  t.strictSame(
    stored.map(({ access, steps }) => [access.id, ...steps.map(({ kind }) => kind)]).sort(),
    [[grant.id], [ended.id, 'ended'], [before.id, 'ended'], [erins, 'ended']].sort(),
  );
  await second.end();

  // Spooled by a process that is gone, and restored by one that finds the database there.
  clock.advance(60);
  await crashServer(server);
  const third = await start();
  const later = await emergencyOf(third.host, 'carol').start('p2');
  t.equal(await open(third.host, 'carol', 'v2'), 200);
  await third.end();
  await server.start();
  const fourth = await start();
  t.equal((await spoolState(folder)).undrained, 0, 'drained before it answers');
  t.equal(await open(fourth.host, 'carol', 'v2'), 200);
  clock.advance(3600);
  t.equal(await open(fourth.host, 'carol', 'v2'), 403, 'over at its end');
  await until(async () => {
    const found = await soundRecords(fourth.store);
    return found.some(
      ({ code, emergencyAccessId }) => code === 'EMERGENCY_ACCESS_ENDED' && emergencyAccessId === later.id,
    );
  });
  await fourth.end();
});
