// The outbox: what was committed is done, what was rolled back never; each job is one worker's at a time; what fails is tried
// again, later and later, and at last given up and told; a worker that was killed loses nothing.
import { randomUUID } from 'node:crypto';
import { CountersignError, type OutboxJob, type OutboxResult, type OutboxTask, type Store } from '@countersign/core';
import { migrate, openStore } from '@countersign/postgres';
import postgres from 'postgres';
import t from 'tap';
import { createPglite } from '../support/pglite.ts';
import { createDatabase } from '../support/postgres-server.ts';
import { until } from '../support/until.ts';
import { storeProcess } from './store-process.ts';

// Each backend goes through every promise, on two cores that others may use too.
t.setTimeout(240_000);

interface Backend {
  readonly store: Store;
  query(statement: string): Promise<unknown>;
}

const backends: Record<string, () => Promise<Backend>> = {
  async PGlite() {
    const client = await createPglite();
    const store = await openStore(client, { waitSeconds: 60 });
    t.teardown(() => store.close());
    return { store, query: async (statement) => (await client.exec(statement)).at(-1)?.rows };
  },
  async PostgreSQL() {
    const { url } = await createDatabase();
    const client = postgres(url, { max: 1, onnotice: () => {} });
    const store = await openStore(url, { waitSeconds: 60 });
    t.teardown(() => Promise.all([store.close(), client.end()]));
    return { store, query: (statement) => client.unsafe(statement) };
  },
  // How a host's own client writes and reads JSON, dates, lists and names must not matter.
  async 'PostgreSQL by a client of the host'() {
    const { url } = await createDatabase();
    const client = postgres(url, {
      max: 5,
      transform: postgres.camel,
      types: { bigint: postgres.BigInt },
      onnotice: () => {},
    });
    for (const type of ['114', '3802', '1184', '1114', '1082']) {
      Object.assign(client.options.parsers, { [type]: (value: unknown) => value });
      Object.assign(client.options.serializers, { [type]: (value: unknown) => value });
    }
    const store = await openStore(client, { waitSeconds: 60 });
    t.teardown(() => Promise.all([store.close(), client.end()]));
    return { store, query: (statement) => client.unsafe(statement) };
  },
};

const job = (content: string = randomUUID(), workspaceId = 'w'): OutboxJob => ({
  kind: 'emergency-notice',
  workspaceId,
  content,
});

async function writerOf(store: Store) {
  const connection = await store.openAuditConnection();
  await connection.openStream(randomUUID(), null);
  const put = (jobs: readonly OutboxJob[], timing?: { afterSeconds?: number; once?: string }) =>
    connection.transact(async (tx) => {
      for (const each of jobs) await tx.enqueue(each, timing);
      return { value: null, records: [] };
    });
  return { connection, put };
}

/** Works on the store's jobs with `answer`, and keeps what was handed over. */
async function workOn(store: Store, answer: (task: OutboxTask) => OutboxResult | Promise<OutboxResult> = () => 'done') {
  const tasks: OutboxTask[] = [];
  const worker = await store.outbox().work(async (task): Promise<OutboxResult> => {
    tasks.push(task);
    return await answer(task);
  });
  return { tasks, close: () => worker.close() };
}

for (const [name, open] of Object.entries(backends)) {
  t.test(name, async (t) => {
    const { store, query } = await open();
    const outbox = store.outbox();
    t.equal(store.outbox(), outbox);
    t.strictSame(await outbox.state(), { waiting: 0, oldestSeconds: null, dead: 0 }, 'before there are tables');
    await outbox.ready();
    const { connection, put } = await writerOf(store);
    /** As if so much time had passed, and the next look came by. */
    const later = async (interval: string) => {
      await query(
        `update countersign_jobs.job set start_after = start_after - interval '${interval}', started_on = started_on - interval '${interval}'`,
      );
      await put([job('wake')], { once: 'wake' });
    };
    const first = await workOn(store);
    await put([job('wake')], { once: 'wake' });
    await until(() => first.tasks.length === 1);
    await first.close();

    t.test('a job is handed over once, at once, as it was put in', async (t) => {
      const { tasks, close } = await workOn(store);
      const odd = job('{"name":"Zoë \\u0000 \\"\\\\ \u{1F3E5} \ud800"}', `w'1"\\ \ud800`);
      const began = performance.now();
      await put([odd, job('second')]);
      await until(() => tasks.length === 2);
      t.ok(performance.now() - began < 5000);
      t.strictSame(tasks.find((task) => task.job.content !== 'second')?.job, odd);
      t.strictSame(
        tasks.map(({ attempt, givenUp }) => [attempt, givenUp]),
        [
          [1, null],
          [1, null],
        ],
      );
      await until(async () => (await outbox.state()).waiting === 0);
      await close();
    });

    t.test('what was rolled back is never done, what was committed with it or after it is', async (t) => {
      const { tasks, close } = await workOn(store);
      const broken = connection.transact(async (tx) => {
        await tx.enqueue(job('rolled back'));
        throw new Error('changed my mind');
      });
      await t.rejects(broken, { message: 'changed my mind' });
      await put([job('committed')]);
      await until(() => tasks.length > 0);
      t.strictSame(
        tasks.map((task) => task.job.content),
        ['committed'],
      );
      await close();
    });

    t.test('of the same name there is one; one for later waits', async (t) => {
      const { tasks, close } = await workOn(store);
      await put([job('first')], { once: 'digest', afterSeconds: 600 });
      await put([job('second')], { once: 'digest' });
      await put([job('now')]);
      await until(() => tasks.length === 1);
      t.equal(tasks[0]?.job.content, 'now');
      await until(async () => (await outbox.state()).waiting === 1);
      t.match(await outbox.state(), { waiting: 1, oldestSeconds: null }, 'it is not due');
      await later('11 minutes');
      await until(() => tasks.length === 2);
      t.equal(tasks[1]?.job.content, 'first');
      await close();
    });

    t.test('the handler can finish it in a transaction, once', async (t) => {
      const finished: boolean[] = [];
      const { close } = await workOn(store, async (task): Promise<OutboxResult> => {
        const finish = () => connection.transact(async (tx) => ({ value: await tx.finishJob(task), records: [] }));
        finished.push(await finish(), await finish());
        return 'done';
      });
      await put([job()]);
      await until(() => finished.length === 2);
      t.strictSame(finished, [true, false]);
      await close();
    });

    t.test('a transaction that fails leaves the job to be done', async (t) => {
      let tries = 0;
      const { tasks, close } = await workOn(store, async (task) => {
        tries += 1;
        if (tries > 1) return 'done';
        return await connection.transact(async (tx) => {
          await tx.finishJob(task);
          throw new CountersignError('mail_unavailable');
        });
      });
      await put([job()]);
      await until(() => tries === 1);
      await until(async () => {
        await later('1 minute');
        return tasks.length === 2;
      });
      t.equal(tasks[1]?.attempt, 2);
      await close();
    });

    t.test('what fails is tried again, later and later, then given up, and that is told once', async (t) => {
      const { tasks, close } = await workOn(store, (task) => {
        if (task.givenUp !== null) return 'done';
        throw new CountersignError('sms_unavailable', { detail: 'to +49 170 1234567' });
      });
      await put([job('fails')]);
      const waits: number[] = [];
      for (let attempt = 1; attempt <= 12; attempt++) {
        await until(() => tasks.length >= attempt);
        if (attempt === 12) break;
        // Written down once the handler has failed.
        await until(async () => {
          const rows = (await query(
            `select extract(epoch from start_after - now())::float8 as wait from countersign_jobs.job where state = 'retry'`,
          )) as { readonly wait: number }[];
          if (rows[0] === undefined) return false;
          waits.push(rows[0].wait);
          return true;
        });
        await later('2 hours');
      }
      t.ok((waits[0] ?? 0) < 5, 'the second try comes within seconds');
      t.ok((waits[10] ?? 0) > 1000, 'the last one after a good while');
      t.ok(
        waits.every((wait, index) => wait <= 2 * 2 ** (index + 1) + 1 && wait >= 2 ** (index + 1) - 2),
        waits.join(' '),
      );
      await until(() => tasks.length === 13);
      t.match(tasks[12], { job: { content: 'fails' }, givenUp: 'sms_unavailable' });
      await until(async () => (await outbox.state()).waiting === 0);
      t.match(await outbox.state(), { waiting: 0, dead: 1 });
      const kept = JSON.stringify(await query('select data, output from countersign_jobs.job'));
      t.notMatch(kept, '1234567', 'errors leave nothing of theirs but the code');
      await close();
    });

    t.test('what is refused for good is given up at once', async (t) => {
      const { tasks, close } = await workOn(store, (task) =>
        task.givenUp === null ? { giveUp: 'mail_refused' } : 'done',
      );
      await put([job('refused')]);
      await until(() => tasks.length === 2);
      t.match(tasks[1], { job: { content: 'refused' }, givenUp: 'mail_refused' });
      await until(async () => (await outbox.state()).waiting === 0);
      t.equal((await outbox.state()).dead, 2);
      await close();
    });

    t.test('what nobody works on waits, and its age shows', async (t) => {
      await put([job('waits')]);
      await later('90 seconds');
      const { waiting, oldestSeconds } = await outbox.state();
      t.equal(waiting, 1);
      t.ok(oldestSeconds !== null && oldestSeconds >= 90 && oldestSeconds < 120, String(oldestSeconds));
      const { tasks, close } = await workOn(store);
      await until(() => tasks.length === 1);
      await close();
    });

    t.test('a worker that never comes back: its job goes to the next one', async (t) => {
      const lost = await workOn(store, () => new Promise<OutboxResult>(() => {}));
      await put([job('lost')]);
      await until(() => lost.tasks.length === 1);
      // It takes no more; what it has begun never ends.
      const closing = lost.close();
      await later('4 minutes');
      const { tasks, close } = await workOn(store);
      await until(async () => {
        await later('1 minute');
        return tasks.length === 1;
      });
      t.match(tasks[0], { job: { content: 'lost' }, attempt: 2 });
      await close();
      await closing;
    });

    t.test('closed: nothing more is handed over, and what was begun is finished', async (t) => {
      let release: () => void = () => {};
      const { tasks, close } = await workOn(
        store,
        () =>
          new Promise((resolve) => {
            release = () => resolve('done');
          }),
      );
      await put([job('begun')]);
      await until(() => tasks.length === 1);
      const closing = close();
      release();
      await closing;
      t.match(await outbox.state(), { waiting: 0 });
      await put([job('after')]);
      t.match(await outbox.state(), { waiting: 1 });
      t.equal(tasks.length, 1);
    });
  });
}

t.test('two processes share, and one that is killed loses nothing', { timeout: 60_000 }, async (t) => {
  const { url, name } = await createDatabase();
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  t.teardown(() => sql.end());
  await migrate(url);
  await sql.unsafe(`create role outbox_${name} login; `);
  t.teardown(() => sql.unsafe(`drop owned by outbox_${name}; drop role outbox_${name}`));
  await migrate(url, { applicationRole: `outbox_${name}` });
  const own = new URL(url);
  own.username = `outbox_${name}`;
  // Everything below is done with the application's rights alone.
  const store = await openStore(own.href, { migrate: false });
  t.teardown(() => store.close());
  const { put } = await writerOf(store);
  await put(Array.from({ length: 200 }, (_, index) => job(String(index))));

  const processes = [storeProcess(), storeProcess()];
  for (const process of processes) await process.ask('open', own.href, { migrate: false });
  await Promise.all(processes.map((process) => process.ask('work', 5)));
  const told = () => processes.flatMap((process) => process.told.map(({ what }) => String(what[1])));
  await until(async () => (await store.outbox().state()).waiting === 0);
  t.equal(told().length, 200, 'each was handed over once');
  t.equal(new Set(told()).size, 200);
  t.ok(
    processes.every((process) => process.told.length > 20),
    'both have worked',
  );

  // Killed in the middle of what it does.
  for (const process of processes) await process.kill();
  const victim = storeProcess();
  await victim.ask('open', own.href, { migrate: false });
  await victim.ask('work', 60_000);
  await put([job('a'), job('b'), job('c')]);
  await until(() => victim.told.length === 3);
  await victim.kill();
  t.match(await store.outbox().state(), { waiting: 3 });
  await sql`update countersign_jobs.job set started_on = started_on - interval '4 minutes'`;
  const { tasks, close } = await workOn(store);
  await until(async () => {
    await sql`update countersign_jobs.job set start_after = start_after - interval '1 minute' where state = 'retry'`;
    return tasks.length === 3;
  });
  t.strictSame(tasks.map((task) => [task.job.content, task.attempt]).sort(), [
    ['a', 2],
    ['b', 2],
    ['c', 2],
  ]);
  await until(async () => (await store.outbox().state()).waiting === 0);
  await close();
});

t.test('without the tables, and without the right to make them, nothing starts', async (t) => {
  const { url } = await createDatabase();
  const owner = await openStore(url);
  await owner.close();
  const store = await openStore(url, { migrate: false });
  t.teardown(() => store.close());
  await t.rejects(store.outbox().ready(), { code: 'store_not_migrated' });
  await t.rejects(
    store.outbox().work(async () => 'done'),
    { code: 'store_not_migrated' },
  );
  const { put } = await writerOf(store);
  await t.rejects(put([job()]), { code: 'store_not_migrated' }, 'no job is lost in silence');
  await migrate(url);
  await store.outbox().ready();
  await put([job()]);
});
