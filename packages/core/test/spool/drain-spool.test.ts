// Draining: what was spooled reaches the log in order, with its rows, once, also where the database goes away again at any moment of it.
import { randomBytes, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { manualClock } from '../../../../test/support/clock.ts';
import type { AuditEventInput } from '../../src/audit/event.ts';
import { verifyStream } from '../../src/audit/verify-stream.ts';
import { AuditWriter } from '../../src/audit/writer.ts';
import { CountersignError } from '../../src/errors/countersign-error.ts';
import { Keyring } from '../../src/keys/keyring.ts';
import { drainSpool } from '../../src/spool/drain-spool.ts';
import { Spool } from '../../src/spool/spool.ts';
import type { StoreTransaction } from '../../src/store/store.ts';
import { FakeStore, type Moment } from '../support/fake-store.ts';

const keyring = new Keyring({ current: 'k1', all: { k1: randomBytes(32) } });
const clock = manualClock();
const event = (reason: string): AuditEventInput => ({
  ...{ code: 'ACCESS_ALLOWED', outcome: 'success', workspaceId: 'clinic', userId: 'carol' },
  reason,
});

async function begin(t: Test) {
  const folder = join(t.testdir(), 'spool');
  const store = new FakeStore();
  const open = () => Spool.open({ folder, mostBytes: 1e9, keyring, clock, ids: randomUUID, heads: () => [] });
  const put = async (transaction: StoreTransaction, row: { readonly value: unknown }) => {
    await transaction.raiseEpoch('clinic', String(row.value));
  };
  const writer = () => new AuditWriter({ store, clock, ids: randomUUID });
  const spooled = () => store.records.filter(({ workspaceId }) => workspaceId === 'clinic');
  const told = () => store.records.filter(({ code }) => code === 'AUDIT_SPOOL_DRAINED');
  return { folder, store, open, put, writer, spooled, told };
}

t.test('in order, each with its rows, and told at the end', async (t) => {
  const { folder, store, open, put, writer, spooled, told } = await begin(t);
  const audit = writer();
  await audit.append([event('before')]);
  const spool = await open();
  const records = [];
  // More than one transaction takes, in two files.
  for (let at = 0; at < 1200; at += 1) records.push(spool.append([event(`${at}`)], [{ kind: 'row', value: `u${at}` }]));
  const first = await Promise.all(records);
  await spool.waiting();
  const last = await spool.append([event('in a second file')]);
  await drainSpool({ spool, store, audit, put });
  t.ok(spool.isEmpty);
  t.strictSame(readdirSync(folder), ['lock']);
  t.strictSame(spooled().slice(1), [...first.flat(), ...last], 'exactly what was acknowledged');
  t.equal(store.rows.epochs.size, 1200);
  t.ok([...store.rows.epochs.values()].every((value) => value === 1));
  t.equal(told().length, 2);
  t.match(told()[0], { outcome: 'success', reason: null, stream: audit.stream });
  const details = JSON.parse(told()[0]?.details ?? '');
  t.match(details, { events: 1201, cutOffBytes: 0, stream: first[0]?.[0]?.stream });
  t.equal(details.heads[0][0], audit.stream, 'the heads that its opening was told');
  for (const { stream } of store.opened) {
    t.match(await verifyStream(store.records.filter((record) => record.stream === stream)), { intact: true });
  }
  await drainSpool({ spool, store, audit, put });
  t.equal(told().length, 2, 'nothing waits: nothing is told');
  await spool.close();
});

t.test('the database goes away at any moment, and the process with it: nothing twice, nothing lost', async (t) => {
  const moments: Moment[] = [
    'openAuditConnection',
    'openStream',
    'written',
    'commit',
    'committed',
    'append',
    'appended',
  ];
  for (const moment of moments) {
    for (const time of [0, 1]) {
      const { store, open, put, writer, spooled, told } = await begin(t);
      let spool = await open();
      const appended = [];
      for (let at = 0; at < 520; at += 1)
        appended.push(spool.append([event(`${at}`)], [{ kind: 'row', value: `u${at}` }]));
      const records = (await Promise.all(appended)).flat();
      let calls = 0;
      store.at(moment, () => {
        calls += 1;
        if (calls > time) throw new CountersignError('store_unavailable');
      });
      await drainSpool({ spool, store, audit: writer(), put }).catch(() => {});
      store.at(moment, null);
      await spool.close();
      spool = await open();
      await drainSpool({ spool, store, audit: writer(), put });
      await spool.close();
      t.strictSame(spooled(), records, `${moment} ${time}`);
      t.equal(told().length, 1, `${moment} ${time}: told once`);
      t.ok([...store.rows.epochs.values()].every((value) => value === 1) && store.rows.epochs.size === 520);
    }
  }
});

t.test('a damaged file: what stands before is drained, the rest is set aside, and the log says so', async (t) => {
  const { folder, store, open, put, writer, spooled, told } = await begin(t);
  let spool = await open();
  for (const reason of ['a', 'b', 'c']) await spool.append([event(reason)]);
  await spool.close();
  const name = readdirSync(folder).find((file) => file.endsWith('.spool')) ?? '';
  const bytes = readFileSync(join(folder, name));
  bytes[Math.round(bytes.length * 0.6)] = 1;
  writeFileSync(join(folder, name), bytes);
  spool = await open();
  await spool.append([event('d')]);
  await drainSpool({ spool, store, audit: writer(), put });
  t.strictSame(
    spooled().map(({ reason }) => reason),
    ['a', 'd'],
  );
  t.match(told(), [{ outcome: 'failure', reason: 'damaged' }, { outcome: 'success' }]);
  t.ok(spool.isEmpty);
  t.strictSame(readdirSync(folder).sort(), [`${name}.damaged`, 'lock'].sort());
  await spool.close();

  // Cut off in the first flush of all: nobody was told anything, and the log tells the cut.
  writeFileSync(join(folder, `00000001-${randomUUID()}.spool`), 'x');
  spool = await open();
  await drainSpool({ spool, store, audit: writer(), put });
  t.match(JSON.parse(told().at(-1)?.details ?? ''), { events: 0, head: null, cutOffBytes: 1 });
  t.ok(spool.isEmpty);
  await spool.close();

  // Removed by somebody while it waited.
  spool = await open();
  await spool.append([event('e')]);
  const [gone] = await spool.waiting();
  rmSync(gone?.path ?? '');
  await drainSpool({ spool, store, audit: writer(), put });
  t.match(told().at(-1), { outcome: 'failure', reason: 'missing' });
  t.equal(JSON.parse(told().at(-1)?.details ?? '').stream, gone?.stream);
  t.ok(spool.isEmpty);
  await spool.close();
});
