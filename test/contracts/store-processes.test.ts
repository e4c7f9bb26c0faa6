// What one process cannot show: limits, single use and versions hold across nodes; a change on one is told to the others; a dead writer's stream is taken over, a living one's is not; one folder belongs to one process.
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AttemptReservation, Store } from '@countersign/core';
import { grantApplicationRole, migrate, openStore } from '@countersign/postgres';
import postgres from 'postgres';
import t from 'tap';
import { createDatabase } from '../support/postgres-server.ts';
import { until } from '../support/until.ts';
import { recordsOf } from './records.ts';
import { type StoreProcess, storeProcess } from './store-process.ts';

const NOW = Date.UTC(2026, 2, 2, 9);
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const one = storeProcess();
const other = storeProcess();
const both = <T>(task: (process: StoreProcess) => Promise<T>) => Promise.all([one, other].map(task));

t.test('several processes migrate at once, and again', async (t) => {
  const { url } = await createDatabase();
  await Promise.all([migrate(url), migrate(url), one.ask('migrate', url), other.ask('migrate', url)]);
  await migrate(url);
  const sql = postgres(url, { max: 1 });
  t.teardown(() => sql.end());
  const [count] =
    await sql`select count(*)::int as rows, count(distinct created_at)::int as migrations from countersign.migrations`;
  t.equal(count?.rows, count?.migrations);
});

t.test('two nodes on one database', async (t) => {
  const { url } = await createDatabase();
  const store = await openStore(url);
  t.teardown(() => store.close());
  await both(async (process) => {
    await process.ask('open', url);
    await process.ask('openStream', randomUUID());
  });
  const writer = await store.openAuditConnection();
  await writer.openStream(randomUUID(), null);

  t.test('200 parallel guesses: exactly as many as the window has room for', async (t) => {
    for (const [already, limits, expected] of [
      [0, { perWindow: 30, windowSeconds: 86_400, consecutive: 100 }, 30],
      [7, { perWindow: 30, windowSeconds: 86_400, consecutive: 100 }, 23],
      [0, { perWindow: 500, windowSeconds: 86_400, consecutive: 20 }, 20],
    ] as const) {
      const key = { workspaceId: 'w', userId: randomUUID(), factor: 'totp' };
      for (let n = 0; n < already; n++) await store.reserveAttempt(key, limits, NOW);
      const answers = await both((process) => process.ask<AttemptReservation[]>('reserve', 100, key, limits, NOW + 1));
      const granted = answers.flat().flatMap((answer) => (answer.granted ? [answer] : []));
      t.equal(granted.length, expected);
      t.equal(new Set(granted.map(({ consecutive }) => consecutive)).size, expected, 'each has its own number');
    }
  });

  t.test('one code redeemed by both: one moves the counter', async (t) => {
    const row = {
      id: randomUUID(),
      workspaceId: 'w',
      userId: 'u',
      factor: 'totp',
      label: '',
      secret: 's',
      confirmedAt: NOW,
      createdAt: NOW,
      counter: 5,
      cap: null,
      capEndsAt: null,
      mac: 'm5',
    };
    await writer.transact(async (tx) => ({ value: await tx.putFactor(row), records: [] }));
    for (let counter = 5; counter < 25; counter++) {
      const next = { counter: counter + 1, mac: `m${counter + 1}` };
      const moved = await both((process) =>
        process.ask<boolean>('moveCounter', { ...row, counter, mac: `m${counter}` }, next),
      );
      t.strictSame(moved.sort(), [false, true]);
    }
  });

  t.test('settings saved by both: one wins', async (t) => {
    for (let version = 1; version <= 10; version++) {
      const row = { workspaceId: 'w', version, content: '{}', mac: '', changedAt: NOW, changedBy: 'u' };
      t.strictSame((await both((process) => process.ask<boolean>('putSettings', row))).sort(), [false, true]);
    }
  });

  t.test('enrolments begun by both: one is left', async (t) => {
    const row = {
      workspaceId: 'w',
      userId: 'enrol',
      factor: 'totp',
      label: '',
      secret: 's',
      confirmedAt: null,
      createdAt: NOW,
      counter: -1,
      mac: 'm',
    };
    await both((process) => process.ask('putFactor', { ...row, id: randomUUID() }));
    t.equal((await store.factors('w', 'enrol')).length, 1);
  });

  t.test('a change is told to another node, by LISTEN and by the poll alone', async (t) => {
    const deaf = storeProcess();
    const nowhere = 'postgres://postgres@127.0.0.1:1/nowhere';
    await deaf.ask('open', url, { listenUrl: nowhere, migrate: false });
    await Promise.all([one.ask('watch'), deaf.ask('watch')]);
    for (let round = 1; round <= 3; round++) {
      await pause(round * 170);
      await writer.transact(async (tx) => ({ value: await tx.raiseEpoch('seen', 'u'), records: [] }));
      for (const process of [one, deaf]) {
        await until(() => process.told.some(({ what }) => what[1] === 'seen' && what[3] === round));
      }
    }
    await deaf.kill();
    t.pass('both were told of each round');
  });

  t.test('a change committed late, behind a poll that saw younger ones, is told all the same', async (t) => {
    const told: unknown[][] = [];
    const younger: string[] = [];
    const watch = await store.watch({
      epochRaised: (...epoch) => told.push(epoch),
      settingsChanged: (workspaceId) => workspaceId === 'younger' && younger.push(workspaceId),
      emergencyChanged() {},
      confirmed() {},
    });
    t.teardown(() => watch.close());
    await writer.transact(async (tx) => {
      const value = await tx.raiseEpoch('late', 'u');
      await one.ask('putSettings', {
        workspaceId: 'younger',
        version: 1,
        content: '{}',
        mac: '',
        changedAt: NOW,
        changedBy: 'u',
      });
      await until(() => younger.length > 0);
      await pause(1000);
      return { value, records: [] };
    });
    await until(() => told.some(([workspaceId]) => workspaceId === 'late'));
    t.pass('the late one was told');
  });

  t.test(
    'the stream of a killed process is taken over, with its last record; that of a living one is not',
    async (t) => {
      const [dead, alive] = [randomUUID(), randomUUID()];
      const doomed = storeProcess();
      await doomed.ask('open', url);
      await doomed.ask('openStream', dead);
      await one.ask('openStream', alive);
      await doomed.kill();
      const impatient = await openStore(url, { waitSeconds: 1 });
      t.teardown(() => impatient.close());
      const next = await impatient.openAuditConnection();
      await next.openStream(randomUUID(), dead);
      const sql = postgres(url, { max: 1 });
      t.teardown(() => sql.end());
      const rows =
        await sql`select stream, ended_by is not null as ended from countersign.audit_stream where stream in ${sql([dead, alive])}`;
      t.strictSame(
        new Map(rows.map((row) => [row.stream, row.ended])),
        new Map([
          [dead, true],
          [alive, false],
        ]),
      );
      const waiting = next.openStream(randomUUID(), alive);
      await t.rejects(waiting, { code: 'store_wait_exceeded' }, 'the wait for a living one is bounded');
    },
  );
});

t.test('two roles: the application adds and reads, and rewrites nothing', async (t) => {
  const { url, name } = await createDatabase();
  const admin = postgres(url, { max: 1, onnotice: () => {} });
  const [owner, app] = [`owner_${name}`, `app"${name.slice(5)}`];
  await admin`create role ${admin(owner)} login`;
  await admin`create role ${admin(app)} login`;
  await admin`grant create on database ${admin(name)} to ${admin(owner)}`;
  t.teardown(async () => {
    await admin`drop owned by ${admin(owner)}, ${admin(app)} cascade`;
    await admin`drop role ${admin(owner)}`;
    await admin`drop role ${admin(app)}`;
    await admin.end();
  });
  const as = (role: string) => {
    const address = new URL(url);
    address.username = encodeURIComponent(role);
    return address.href;
  };

  await t.rejects(openStore(as(app)), { code: 'store_not_migrated', message: /migrate\(url, \{ applicationRole \}\)/ });
  const waiting = await openStore(as(app), { migrate: false });
  await t.rejects(waiting.ready(), { code: 'store_not_migrated' });
  await t.rejects(waiting.settings('w'), { code: 'store_not_migrated' });
  await waiting.close();

  await t.rejects(migrate(as(owner), { applicationRole: 'nobody at all' }), { code: 'configuration_invalid' });
  await t.rejects(grantApplicationRole(as(owner), 'x'.repeat(64)), { code: 'configuration_invalid' });
  await t.rejects(grantApplicationRole(as(owner), owner), { code: 'configuration_invalid' }, 'not the owner');
  await t.rejects(grantApplicationRole(url, 'postgres'), { code: 'configuration_invalid' }, 'not a superuser');
  await migrate(as(owner), { applicationRole: app });
  await admin`grant all on countersign.audit_event to ${admin(app)}`;
  await grantApplicationRole(as(owner), app);

  const store = await openStore(as(app));
  t.teardown(() => store.close());
  await store.ready();
  await everyWrite(store);
  const sql = postgres(as(app), { max: 1, onnotice: () => {} });
  t.teardown(() => sql.end());
  for (const statement of [
    `update countersign.audit_event set reason = 'x'`,
    'delete from countersign.audit_event',
    'truncate countersign.audit_event',
    'drop table countersign.audit_event',
    'alter table countersign.audit_event disable trigger all',
    'update countersign.audit_stream set stream = gen_random_uuid()',
    'delete from countersign.audit_stream',
    'delete from countersign.ended_session',
    `insert into countersign.migrations (hash) values ('x')`,
    'create table countersign.mine ()',
  ]) {
    await t.rejects(sql.unsafe(statement), { code: '42501' }, statement);
  }
  const owning = postgres(as(owner), { max: 1 });
  t.teardown(() => owning.end());
  await t.rejects(owning`delete from countersign.audit_event`, { code: '55000' }, 'and the owner meets the trigger');
  const [newer] =
    await owning`insert into countersign.migrations (hash, created_at) values ('newer', 9999999999999) returning id`;
  t.ok(newer);
  await t.rejects(store.ready(), { code: 'store_not_migrated', message: /newer release/ });
  await t.rejects(openStore(as(app)), { code: 'store_not_migrated' });
});

/** One of each write, so that a grant that is missing shows. */
async function everyWrite(store: Store): Promise<void> {
  const [connection, stream] = [await store.openAuditConnection(), randomUUID()];
  await connection.openStream(stream, null);
  const key = { workspaceId: 'w', userId: 'u', factor: 'totp' };
  const limits = { perWindow: 30, windowSeconds: 60, consecutive: 100 };
  const [first, second] = [await store.reserveAttempt(key, limits, NOW), await store.reserveAttempt(key, limits, NOW)];
  if (!first.granted || !second.granted) throw new Error('not granted');
  const unsealed = { ...key, id: 'f', label: '', secret: 's', confirmedAt: null, createdAt: NOW, counter: 1 };
  const row = { ...unsealed, cap: null, capEndsAt: null, mac: 'm' };
  await connection.transact(async (tx) => {
    await tx.putFactor(row);
    await tx.putFactor({ ...row, confirmedAt: NOW });
    await tx.moveFactorCounter(row, { counter: 2, mac: 'n' });
    await tx.replaceFactor({ ...row, mac: 'n' }, { ...row, label: 'x' });
    await tx.removeFactor(row);
    await tx.settleAttempt(key, first.id);
    await tx.resetAttempts(key);
    for (const version of [1, 2]) {
      await tx.putSettings({ workspaceId: 'w', version, content: '{}', mac: 'm', changedAt: NOW, changedBy: 'u' });
      await tx.raiseEpoch('w', 'u');
      await tx.endSession({ workspaceId: 'w', userId: 'u', keyHash: 'k', signedInAt: NOW, endedAt: NOW });
    }
    const saved = { workspaceId: 'w', version: 2, content: '{}', mac: 'm', changedAt: NOW, changedBy: 'u' };
    await tx.resealSettings(saved, 'n');
    const proposal = { workspaceId: 'w', baseVersion: 2, content: '{}', mac: 'm', proposedAt: NOW, proposedBy: 'u' };
    await tx.putSettingsProposal(proposal);
    await tx.takeSettingsProposal(proposal);
    return { value: null, records: recordsOf(stream)(2) };
  });
  await connection.close();
  const next = await store.openAuditConnection();
  await next.openStream(randomUUID(), stream);
  await next.close();
  const watch = await store.watch({ epochRaised() {}, settingsChanged() {}, emergencyChanged() {}, confirmed() {} });
  await watch.close();
  await store.sessionStanding({ workspaceId: 'w', userId: 'u', keyHash: 'k', signedInAt: NOW });
  await Promise.all([
    store.attempts('w', 'u', limits, NOW),
    store.auditStreams(),
    store.auditEvents({ workspaceId: 'w' }),
    store.settingsProposal('w'),
    store.factorPage(null, 10),
    store.settingsPage(null, 10),
  ]);
}

t.test('one folder, one process', async (t) => {
  const parent = mkdtempSync(join(tmpdir(), 'countersign-folder-'));
  t.teardown(() => rmSync(parent, { recursive: true, force: true }));
  const folder = join(parent, 'deep', 'data');
  const holder = storeProcess();
  const rival = storeProcess();
  await holder.ask('open', folder);
  await t.rejects(rival.ask('open', folder), {
    code: 'store_folder_in_use',
    message: new RegExp(`process ${holder.child.pid} `),
  });
  await holder.ask('openStream', randomUUID());
  const row = { workspaceId: 'w', version: 1, content: '{}', mac: '', changedAt: NOW, changedBy: 'u' };
  t.equal(await holder.ask('putSettings', row), true);

  await holder.kill();
  const outcomes = await Promise.allSettled([rival.ask('open', folder), openStore(folder)]);
  t.strictSame(
    outcomes.map(({ status }) => status).sort(),
    ['fulfilled', 'rejected'],
    'of two that find a dead holder, one',
  );
  const [byRival, byUs] = outcomes;
  if (byRival.status === 'fulfilled') await rival.ask('close');
  const store = byUs.status === 'fulfilled' ? byUs.value : await openStore(folder);
  t.match(await store.settings('w'), { version: 1 }, 'what was committed has outlived the kill');
  await t.rejects(openStore(folder), { code: 'store_folder_in_use' }, 'nor twice in one process');
  await store.close();
  t.notOk(existsSync(`${folder}.lock`), 'a closed store leaves no lock');

  writeFileSync(`${folder}.lock`, JSON.stringify({ pid: 1, host: `not-${hostname()}`, startedAt: 1 }));
  await t.rejects(openStore(folder), { code: 'store_folder_in_use' }, 'a fresh lock of another machine counts');
  writeFileSync(`${folder}.lock`, JSON.stringify({ pid: process.pid, host: hostname(), startedAt: 1 }));
  await (await openStore(folder)).close();
  t.pass('an earlier process that had our number is dead');
});
