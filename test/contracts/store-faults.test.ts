// The database dies, hangs, forgets and lies: nothing acknowledged is lost, nothing is doubled, no call hangs, and what is unknown
// is found out (threats 18, 27 and 28).
import { randomUUID } from 'node:crypto';
import type { AuditRecord, Store } from '@countersign/core';
import { openStore, postgresSessionState } from '@countersign/postgres';
import postgres from 'postgres';
import t from 'tap';
import { crashServer } from '../support/crash-server.ts';
import { createPglite } from '../support/pglite.ts';
import { createDatabase, startServer } from '../support/postgres-server.ts';
import { until } from '../support/until.ts';
import { faultyWire } from './faulty-wire.ts';
import { recordsOf } from './records.ts';

const NOW = Date.UTC(2026, 2, 2, 9);
const limits = { perWindow: 30, windowSeconds: 60, consecutive: 100 };
const key = { workspaceId: 'w', userId: 'u', factor: 'totp' };
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const epochOf = async (store: Store) =>
  (await store.sessionStanding({ workspaceId: 'w', userId: 'u', keyHash: '', signedInAt: 0 })).epochs.user;

async function writerOf(store: Store, previous: string | null = null) {
  const connection = await store.openAuditConnection();
  const stream = randomUUID();
  await connection.openStream(stream, previous);
  return { connection, stream, records: recordsOf(stream) };
}

/** With which code it was refused. That it ends at all is its bound: nothing else here would ever end it. */
async function refusal(call: Promise<unknown>) {
  const code = await call.then(
    () => 'no refusal',
    (error: { code: unknown }) => error.code,
  );
  return { code };
}

t.test('COMMIT of unknown outcome: read back by event id, after the stream is certainly over', async (t) => {
  const { url } = await createDatabase();
  const wire = await faultyWire(url);
  const store = await openStore(url, { listenUrl: wire.url });
  t.teardown(() => store.close());
  for (const [mode, committed] of [
    ['cut-after-commit', true],
    ['cut-before-commit', false],
  ] as const) {
    const writer = await writerOf(store);
    const before = await epochOf(store);
    const records = writer.records(2);
    wire.mode = mode;
    const unknown = writer.connection.transact(async (tx) => ({ value: await tx.raiseEpoch('w', 'u'), records }));
    await t.rejects(unknown, { code: 'store_unavailable' }, mode);
    wire.mode = 'pass';
    await t.rejects(
      writer.connection.append(writer.records(1)),
      { code: 'store_unavailable' },
      'it does not connect again',
    );
    await writer.connection.close();
    const next = await writerOf(store, writer.stream);
    t.strictSame(
      await next.connection.written(records.map(({ id }) => id)),
      new Set(committed ? records.map(({ id }) => id) : []),
    );
    t.equal(await epochOf(store), before + (committed ? 1 : 0), 'the effect stands exactly if its event does');
    await next.connection.close();
  }
});

t.test('connections die between the statements of transactions: refused, and the process goes on', async (t) => {
  const { url } = await createDatabase();
  const store = await openStore(url, { maxConnections: 2 });
  t.teardown(() => store.close());
  const state = await postgresSessionState(url, { maxConnections: 2 });
  t.teardown(() => state.close());
  const admin = postgres(url, { max: 1 });
  t.teardown(() => admin.end());
  const killAll = () =>
    admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
  const start = {
    number: 'n',
    epochs: { user: 0, workspace: 0 },
    endedAt: null,
    hasFactor: true,
    signedInAt: NOW,
    now: NOW,
  };
  for (let round = 0; round < 6; round += 1) {
    const writer = await writerOf(store);
    let done = false;
    const begun = writer.connection.transact(async (tx) => {
      for (;;) await tx.raiseEpoch('w', 'u');
    });
    const refused = refusal(begun).finally(() => {
      done = true;
    });
    const states = (async () => {
      const sessionKey = { workspaceId: 'w', userId: 'u', keyHash: `${round}` };
      while (!done) await Promise.resolve(state.begin(sessionKey, start)).catch(() => {});
    })();
    await pause(3 * round);
    await killAll();
    t.match(await refused, { code: 'store_unavailable' });
    await states;
    await writer.connection.close();
  }
  t.equal(await epochOf(store), 0, 'nothing of them is there');
  const answered = Array.from({ length: 20 }, () => store.settings('w'));
  t.strictSame(new Set(await Promise.all(answered)), new Set([null]), 'and every connection of the pool is good again');
});

t.test('a wire that goes dead: bounded, unknown, and found out once the server knows', async (t) => {
  const { url } = await createDatabase();
  const wire = await faultyWire(url);
  const store = await openStore(url, { listenUrl: wire.url, waitSeconds: 1 });
  t.teardown(() => store.close());
  const writer = await writerOf(store);
  const records = writer.records(1);
  wire.mode = 'deaf';
  const refused = await refusal(writer.connection.append(records));
  t.match(refused, { code: 'store_wait_exceeded' });
  t.match(await refusal(store.openAuditConnection()), { code: /^store_(unavailable|wait_exceeded)$/ });
  wire.mode = 'pass';
  const next = await writerOf(store, writer.stream);
  t.strictSame(await next.connection.written(records.map(({ id }) => id)), new Set());
  await next.connection.close();
});

t.test('a session that the server ends is not silently replaced: its lock is gone with it', async (t) => {
  const { url } = await createDatabase();
  const store = await openStore(url);
  const admin = postgres(url, { max: 1 });
  t.teardown(() => Promise.all([store.close(), admin.end()]));
  const writer = await writerOf(store);
  const first = writer.records(1);
  await writer.connection.append(first);
  await admin`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`;
  await t.rejects(writer.connection.append(writer.records(1)), { code: 'store_unavailable' });
  await t.rejects(writer.connection.append(writer.records(1)), { code: 'store_unavailable' });
  t.type(await store.now().catch(() => store.now()), 'number', 'the pool recovers');
  const next = await writerOf(store, writer.stream);
  t.equal((await store.auditEvents({ workspaceId: 'w1' })).length, 1);
  await next.connection.close();
});

t.test('SIGKILL of the server: between work and COMMIT, and during appends', async (t) => {
  const server = await startServer();
  const store = await openStore(server.url, { waitSeconds: 3 });
  t.teardown(() => store.close());
  let confirmations = 0;
  const told: unknown[] = [];
  const watch = await store.watch({
    epochRaised: (...epoch) => told.push(epoch),
    settingsChanged() {},
    emergencyChanged() {},
    confirmed: () => {
      confirmations += 1;
    },
  });
  t.teardown(() => watch.close());

  let writer = await writerOf(store);
  const lost = writer.records(1);
  const killed = writer.connection.transact(async (tx) => {
    const value = await tx.raiseEpoch('w', 'u');
    await crashServer(server);
    return { value, records: lost };
  });
  await t.rejects(killed, { code: 'store_unavailable' });
  t.match(await refusal(store.reserveAttempt(key, limits, NOW)), { code: 'store_unavailable' });
  t.match(await refusal(writer.connection.append(writer.records(1))), { code: 'store_unavailable' });
  await writer.connection.close();
  await server.start();
  const confirmedBefore = confirmations;
  writer = await writerOf(store, writer.stream);
  t.equal((await writer.connection.written(lost.map(({ id }) => id))).size, 0);
  t.equal(await epochOf(store), 0, 'neither effect nor event');

  const acknowledged: AuditRecord[] = [];
  const doubtful: AuditRecord[] = [];
  const appending = (async () => {
    while (true) {
      const batch = writer.records(20);
      try {
        await writer.connection.append(batch);
        acknowledged.push(...batch);
      } catch {
        return doubtful.push(...batch);
      }
    }
  })();
  await until(() => acknowledged.length > 0);
  await pause(200);
  await crashServer(server);
  await appending;
  await writer.connection.close();
  await server.start();
  const next = await writerOf(store, writer.stream);
  const found = await next.connection.written(acknowledged.map(({ id }) => id));
  t.ok(acknowledged.length > 0);
  t.equal(found.size, acknowledged.length, `none of ${acknowledged.length} acknowledged events is lost`);
  t.ok(
    [0, doubtful.length].includes((await next.connection.written(doubtful.map(({ id }) => id))).size),
    'all or none of the last',
  );

  await next.connection.transact(async (tx) => ({ value: await tx.raiseEpoch('after', 'u'), records: [] }));
  await until(() => told.some((entry) => JSON.stringify(entry) === '["after","u",1]'));
  t.ok(confirmations > confirmedBefore, 'the watch goes on after the restart');
  await next.connection.close();
});

t.test('no server: said at once; at opening too', async (t) => {
  t.match(await refusal(openStore('postgres://postgres@127.0.0.1:1/none', { waitSeconds: 2 })), {
    code: 'store_unavailable',
  });
  const { url } = await createDatabase();
  t.match(await refusal(openStore(url.replace(/\/[^/]*$/, '/no_such_database'))), { code: 'store_unavailable' });
});

t.test('a pool held by the host: bounded, and the cause is named', async (t) => {
  const { url } = await createDatabase();
  const client = postgres(url, { max: 1, onnotice: () => {} });
  t.teardown(() => client.end());
  const parsers = { ...client.options.parsers };
  const store = await openStore(client, { waitSeconds: 0.5 });
  await client.begin(async (transaction) => {
    const refused = await refusal(store.reserveAttempt(key, limits, NOW));
    t.match(refused, { code: 'store_wait_exceeded' });
    t.ok(await transaction`select 1`, 'the transaction of the host goes on');
  });
  t.match(await store.reserveAttempt(key, limits, NOW), { granted: true });
  await store.close();
  t.ok(
    (await client<{ at: unknown }[]>`select now() as at`)[0]?.at instanceof Date,
    'its client reads dates as before',
  );
  t.ok(Object.entries(parsers).every(([type, parse]) => client.options.parsers[Number(type)] === parse));
});

t.test('PGlite held by a transaction of the host: bounded, and its instance stays open', async (t) => {
  const client = await createPglite();
  const store = await openStore(client, { waitSeconds: 0.5 });
  const writer = await writerOf(store);
  await client.transaction(async (transaction) => {
    const calls = [
      store.settings('w'),
      store.reserveAttempt(key, limits, NOW),
      writer.connection.transact(async (tx) => ({ value: await tx.raiseEpoch('w', 'u'), records: writer.records(1) })),
    ];
    for (const code of (await Promise.all(calls.map(refusal))).map((refused) => refused.code))
      t.equal(code, 'store_wait_exceeded');
    await transaction.query('select 1');
  });
  const next = await writerOf(store, writer.stream);
  t.equal(await epochOf(store), 0, 'what was given up is not done later');
  await next.connection.close();
  await store.close();
  t.notOk(client.closed);
});

t.test('a lock held in the database: bounded on the server too', async (t) => {
  const { url } = await createDatabase();
  const store = await openStore(url, { waitSeconds: 0.5 });
  const admin = postgres(url, { max: 1 });
  t.teardown(() => Promise.all([store.close(), admin.end()]));
  await store.reserveAttempt(key, limits, NOW);
  await admin.begin(async (transaction) => {
    await transaction`select * from countersign.factor_attempts for update`;
    t.match(await refusal(store.reserveAttempt(key, limits, NOW)), { code: 'store_wait_exceeded' });
    await until(async () => {
      const [waiting] = await transaction`select count(*)::int as n from pg_stat_activity
        where datname = current_database() and application_name = 'countersign' and wait_event_type = 'Lock'`;
      return waiting?.n === 0;
    });
    t.pass('the server has given up as well');
  });
});

t.test('a flood while the database hangs: memory stays bounded', async (t) => {
  const { url } = await createDatabase();
  const wire = await faultyWire(url);
  const store = await openStore(wire.url, { waitSeconds: 1 });
  t.teardown(() => store.close());
  wire.mode = 'deaf';
  const order: number[] = [];
  const calls = Array.from({ length: 3000 }, (_, at) => refusal(store.now()).finally(() => order.push(at)));
  const refusals = await Promise.all(calls);
  t.ok(refusals.every(({ code }) => code === 'store_wait_exceeded'));
  t.ok(
    order.slice(0, 2000).every((at) => at >= 1000),
    'those beyond the first thousand are refused at once, before the wait of any other is over',
  );
});

t.test('invalid options and targets are refused, by name', async (t) => {
  const wrong: [unknown, object, string][] = [
    ['', {}, 'target'],
    [undefined, {}, 'target'],
    [{}, {}, 'target'],
    ['mysql://host/db', {}, 'target'],
    ['memory://', { waitSeconds: '5' }, 'waitSeconds'],
    ['memory://', { waitSeconds: 0 }, 'waitSeconds'],
    ['memory://', { waitSeconds: 1e9 }, 'waitSeconds'],
    ['postgres://h/d', { maxConnections: 0 }, 'maxConnections'],
    ['postgres://h/d', { listenUrl: 'h:5432' }, 'listenUrl'],
    ['postgres://h/d', { listenURL: 'postgres://h/d' }, 'options'],
  ];
  for (const [target, options, field] of wrong) {
    await t.rejects(
      openStore(target as string, options),
      { code: 'configuration_invalid', details: { field } },
      `${target} ${JSON.stringify(options)}`,
    );
  }
});
