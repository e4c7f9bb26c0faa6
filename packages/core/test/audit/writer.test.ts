import { randomUUID } from 'node:crypto';
import t from 'tap';
import { manualClock } from '../../../../test/support/clock.ts';
import type { AuditEventInput, AuditRecord } from '../../src/audit/event.ts';
import { verifyStream } from '../../src/audit/verify-stream.ts';
import { AuditWriter, type AuditWriterOptions } from '../../src/audit/writer.ts';
import { CountersignError } from '../../src/errors/countersign-error.ts';
import { FakeStore, gate } from '../support/fake-store.ts';

const event = (reason: string): AuditEventInput => ({
  code: 'MFA_SUCCESS',
  outcome: 'success',
  workspaceId: 'clinic',
  userId: 'ana',
  reason,
});
const unavailable = () => {
  throw new CountersignError('store_unavailable');
};
const settled = async (promises: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(promises)).map((result) =>
    result.status === 'fulfilled' ? 'ok' : (result.reason.code ?? String(result.reason)),
  );
const turns = async (count = 5) => {
  for (let index = 0; index < count; index++) await new Promise<void>((resolve) => setImmediate(resolve));
};

function begin(options: Partial<AuditWriterOptions> = {}) {
  const store = new FakeStore();
  const clock = manualClock();
  const writer = new AuditWriter({ store, clock, ids: randomUUID, ...options });
  const reasons = () => store.records.filter(({ code }) => !code.startsWith('AUDIT_')).map(({ reason }) => reason);
  const streams = () => store.opened.map(({ stream }) => store.records.filter((record) => record.stream === stream));
  return { store, clock, writer, reasons, streams };
}

/** Whether every stream that was ever written is an intact chain. */
async function areIntact(streams: readonly (readonly AuditRecord[])[]): Promise<boolean> {
  const checks = await Promise.all(streams.map((records) => verifyStream(records)));
  return checks.every(({ intact }) => intact);
}

t.test('a stream begins with its opening record, and each event has its place, id and time', async (t) => {
  const { store, clock, writer, streams } = begin();
  t.equal(writer.stream, null, 'nothing is opened before it is needed');
  await writer.append([event('a')]);
  clock.advance(1);
  await writer.append([event('b'), event('c')]);
  t.strictSame(
    store.records.map(({ code, index }) => `${index} ${code}`),
    ['0 AUDIT_STREAM_OPENED', '1 MFA_SUCCESS', '2 MFA_SUCCESS', '3 MFA_SUCCESS'],
  );
  t.strictSame(
    store.records.map(({ at }) => at - (store.records[0]?.at ?? 0)),
    [0, 0, 1000, 1000],
  );
  t.equal(new Set(store.records.map(({ id }) => id)).size, 4);
  t.equal(writer.stream, store.opened[0]?.stream);
  t.match(store.records[0], { details: '[]', workspaceId: null });
  t.ok(await areIntact(streams()));
});

t.test('group commit: what arrives during a flush shares the next one, in order', async (t) => {
  const { store, writer, reasons, streams } = begin();
  await writer.open();
  const flush = gate();
  store.once('append', () => flush.passed);
  const first = writer.append([event('first')]);
  await turns();
  const during = Array.from({ length: 50 }, (_, index) => writer.append([event(`during ${index}`)]));
  await turns();
  t.strictSame(store.appends, [1, 1], 'opening record and first: the others wait');
  flush.open();
  t.strictSame(new Set(await settled([first, ...during])), new Set(['ok']));
  t.strictSame(store.appends, [1, 1, 50], 'fifty callers, one commit');
  t.strictSame(reasons(), ['first', ...Array.from({ length: 50 }, (_, index) => `during ${index}`)]);
  t.strictSame(
    store.records.map(({ index }) => index),
    store.records.map((_, index) => index),
    'dense',
  );
  t.ok(await areIntact(streams()));
});

t.test('what arrives in one turn of the event loop shares a commit; a commit has its limit', async (t) => {
  const { store, writer, reasons } = begin({ batchLimit: 10 });
  await writer.open();
  await Promise.all(Array.from({ length: 25 }, (_, index) => writer.append([event(String(index))])));
  t.strictSame(store.appends, [1, 10, 10, 5]);
  await writer.append(Array.from({ length: 12 }, (_, index) => event(`together ${index}`)));
  t.equal(store.appends.at(-1), 12, 'the events of one caller are never torn apart');
  t.equal(reasons().length, 37);
});

t.test('durable before effect: a caller is told only after the commit', async (t) => {
  const { store, writer } = begin();
  await writer.open();
  const commit = gate();
  store.once('append', () => commit.passed);
  let told = false;
  const written = writer.append([event('a')]).then(() => {
    told = true;
  });
  await turns();
  t.equal(told, false);
  commit.open();
  await written;
  t.equal(store.records.length, 2);
});

t.test('one event the database refuses harms no other, and leaves no hole', async (t) => {
  const { store, writer, reasons, streams } = begin();
  await writer.open();
  store.at('append', (records) => {
    if (records.some(({ reason }) => reason === 'bad')) throw new Error('value too long');
  });
  const results = await settled(['a', 'bad', 'b', 'c'].map((reason) => writer.append([event(reason)])));
  t.strictSame(results, ['ok', 'Error: value too long', 'ok', 'ok']);
  t.strictSame(reasons(), ['a', 'b', 'c']);
  t.strictSame(
    store.records.map(({ index }) => index),
    [0, 1, 2, 3],
  );
  t.equal(store.opened.length, 1, 'the stream goes on');
  t.ok(await areIntact(streams()));
});

t.test('an event that cannot be encoded is refused like one the database refuses', async (t) => {
  let broken = false;
  const { store, writer, reasons } = begin({ ids: () => (broken ? 'no-uuid' : randomUUID()) });
  await writer.open();
  const good = writer.append([event('a')]);
  broken = true;
  const bad = writer.append([event('bad')]);
  broken = false;
  t.strictSame(await settled([good, bad, writer.append([event('b')])]), [
    'ok',
    'RangeError: Ids of audit events and streams are UUIDs.',
    'ok',
  ]);
  t.strictSame(reasons(), ['a', 'b']);
  t.equal(store.opened.length, 1);
});

t.test(
  'Threat 28: COMMIT of unknown outcome, it was committed: read back, acknowledged once, and never doubled',
  async (t) => {
    const { store, writer, reasons, streams } = begin();
    await writer.append([event('before')]);
    const [old] = store.opened;
    store.once('appended', unavailable);
    t.strictSame(await settled(['a', 'b'].map((reason) => writer.append([event(reason)]))), ['ok', 'ok']);
    t.strictSame(reasons(), ['before', 'a', 'b']);
    t.equal(store.opened.length, 2, 'a new stream');
    t.equal(old?.alive, false, 'the old connection was given up first');
    t.equal(store.opened[1]?.previous, old?.stream, 'and its lock awaited');
    const opening = streams()[1]?.[0];
    const last = streams()[0]?.at(-1);
    t.equal(opening?.code, 'AUDIT_STREAM_OPENED');
    t.strictSame(
      JSON.parse(opening?.details ?? ''),
      [[last?.stream, last?.index, Buffer.from(last?.hash ?? []).toString('hex')]],
      'the new stream records the head of the old one',
    );
    await writer.append([event('after')]);
    t.strictSame(
      streams()[1]?.map(({ index }) => index),
      [0, 1],
    );
    t.ok(await areIntact(streams()));
  },
);

t.test('Threat 28: COMMIT of unknown outcome, it was not committed: every caller is told so', async (t) => {
  const { store, writer, reasons, streams } = begin();
  await writer.open();
  store.once('append', unavailable);
  t.strictSame(await settled(['a', 'b'].map((reason) => writer.append([event(reason)]))), [
    'store_unavailable',
    'store_unavailable',
  ]);
  await writer.append([event('c')]);
  t.strictSame(reasons(), ['c']);
  t.ok(await areIntact(streams()));
});

t.test('of an unknown outcome only what is found is acknowledged', async (t) => {
  const { store, writer } = begin();
  await writer.open();
  const flush = gate();
  store.once('append', async () => {
    await flush.passed;
    throw new CountersignError('store_wait_exceeded');
  });
  const lost = writer.append([event('lost')]);
  await turns();
  const next = writer.append([event('next')]);
  flush.open();
  t.strictSame(
    await settled([lost, next]),
    ['store_wait_exceeded', 'ok'],
    'those who waited behind it go into the new stream',
  );
});

t.test('Threat 18: the database stays away. Every caller is told, and the writer comes back with it', async (t) => {
  const { store, writer, reasons, streams } = begin();
  await writer.append([event('before')]);
  const lost = store.opened[0]?.stream;
  store.at('openAuditConnection', unavailable).at('append', unavailable);
  t.strictSame(await settled([writer.append([event('a')])]), ['store_unavailable']);
  t.equal(writer.stream, null);
  t.strictSame(await settled([writer.append([event('b')])]), ['store_unavailable'], 'and the next');
  store.at('openAuditConnection', null).at('append', null);
  await writer.append([event('c')]);
  t.strictSame(reasons(), ['before', 'c']);
  t.equal(store.opened.at(-1)?.previous, lost, 'the stream of unknown end is still the one whose lock is awaited');
  t.ok(await areIntact(streams()));
});

t.test('a database that is away at the start shows at the start', async (t) => {
  const { store, writer } = begin();
  store.at('openAuditConnection', unavailable);
  await t.rejects(writer.open(), { code: 'store_unavailable' });
  store.at('openAuditConnection', null).once('openStream', () => {
    throw new CountersignError('store_not_migrated');
  });
  await t.rejects(writer.open(), { code: 'store_not_migrated' });
  await writer.open([event('up')]);
  t.equal(store.records.length, 2);
});

t.test('transact: rows and events commit together, on the chain, between two batches', async (t) => {
  const { store, writer, streams } = begin();
  const [, epoch] = await Promise.all([
    writer.append([event('before')]),
    writer.transact(async (transaction) => ({
      value: await transaction.raiseEpoch('clinic', 'ana'),
      events: [event('raised')],
    })),
    writer.append([event('after')]),
  ]);
  t.equal(epoch, 1);
  t.strictSame(store.records.map(({ reason }) => reason).slice(1), ['before', 'raised', 'after']);
  await writer.transact(async () => ({ value: null, events: [] }));
  t.equal(store.records.length, 4, 'a transaction may have nothing to say');
  t.ok(await areIntact(streams()));
});

t.test('transact: work that fails moves neither rows nor the head', async (t) => {
  const { store, writer, reasons, streams } = begin();
  await writer.append([event('before')]);
  const failing = (thrown: unknown) =>
    writer.transact(async (transaction) => {
      await transaction.raiseEpoch('clinic', 'ana');
      throw thrown;
    });
  await t.rejects(failing(new CountersignError('settings_conflict')), { code: 'settings_conflict' });
  await t.rejects(failing(new TypeError('a bug')), TypeError);
  store.once('commit', () => {
    throw new Error('deferred constraint');
  });
  await t.rejects(
    writer.transact(async (transaction) => ({
      value: await transaction.raiseEpoch('clinic', 'ana'),
      events: [event('refused')],
    })),
    /deferred constraint/,
  );
  t.equal(store.rows.epochs.size, 0);
  await writer.append([event('after')]);
  t.strictSame(reasons(), ['before', 'after']);
  t.strictSame(
    store.records.map(({ index }) => index),
    [0, 1, 2],
  );
  t.equal(store.opened.length, 1);
  t.ok(await areIntact(streams()));
});

t.test('transact: a COMMIT of unknown outcome is read back, and the chain does not fork', async (t) => {
  for (const moment of ['commit', 'committed'] as const) {
    const { store, writer, streams } = begin();
    await writer.open();
    store.once(moment, unavailable);
    const raised = writer.transact(async (transaction) => ({
      value: await transaction.raiseEpoch('clinic', 'ana'),
      events: [event('raised')],
    }));
    const behind = writer.append([event('behind')]);
    const committed = moment === 'committed';
    if (committed) t.equal(await raised, 1, 'it was committed: the caller gets the value');
    else await t.rejects(raised, { code: 'store_unavailable' }, 'it was not');
    await behind;
    t.equal(store.rows.epochs.size, committed ? 1 : 0);
    t.equal(
      store.records.filter(({ reason }) => reason === 'raised').length,
      committed ? 1 : 0,
      `${moment}: with its row or not at all`,
    );
    t.equal(store.opened.length, 2);
    t.ok(await areIntact(streams()));
  }
});

t.test('Threat 19: a flood meets a bound, and what is behind it is told so at once', async (t) => {
  const { store, writer } = begin({ queueLimit: 10 });
  await writer.open();
  const flush = gate();
  store.at('append', () => flush.passed);
  const waiting = Array.from({ length: 10 }, (_, index) => writer.append([event(String(index))]));
  await t.rejects(writer.append([event('one more')]), {
    code: 'audit_backlog',
    status: 503,
    details: { retryAfterSeconds: 1 },
  });
  await t.rejects(
    writer.transact(async () => ({ value: null, events: [] })),
    { code: 'audit_backlog' },
  );
  flush.open();
  t.strictSame(new Set(await settled(waiting)), new Set(['ok']));
  await writer.append([event('room again')]);
  t.equal(store.records.length, 12);
  await t.rejects(writer.append(Array.from({ length: 11 }, () => event('too many at once'))), {
    code: 'audit_backlog',
  });
});

t.test('written behind the response: at once while there is room, then with back-pressure, then refused', async (t) => {
  const { store, writer, reasons } = begin({ queueLimit: 10 });
  await writer.open();
  const flush = gate();
  store.at('append', () => flush.passed);
  const waits = Array.from({ length: 10 }, (_, index) => writer.appendBehind(event(String(index))));
  t.strictSame(
    waits.map((wait) => wait !== undefined),
    [false, false, false, false, false, true, true, true, true, true],
  );
  await t.rejects(writer.appendBehind(event('one more')) ?? Promise.resolve(), { code: 'audit_backlog' });
  flush.open();
  await Promise.all(waits);
  t.equal(reasons().length, 10);
});

t.test(
  'what is written behind the response gathers: an awaited event, a number, a moment or closing ends it',
  async (t) => {
    const behind = (writer: AuditWriter, count: number) =>
      Array.from({ length: count }, (_, index) => writer.appendBehind(event(String(index))));
    const taken = begin();
    await taken.writer.open();
    behind(taken.writer, 3);
    await turns();
    t.strictSame(taken.store.appends, [1], 'nothing is written yet');
    await taken.writer.append([event('awaited')]);
    t.strictSame(taken.store.appends, [1, 4], 'taken along');
    t.strictSame(taken.reasons(), ['0', '1', '2', 'awaited'], 'in order');

    const many = begin({ batchLimit: 40 });
    await many.writer.open();
    behind(many.writer, 10);
    await turns();
    t.strictSame(many.store.appends, [1, 10], 'a quarter of a commit does not wait');

    const few = begin();
    await few.writer.open();
    behind(few.writer, 2);
    while (few.store.appends.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    t.strictSame(few.store.appends, [1, 2], 'nor do few, after a moment');

    const closed = begin();
    behind(closed.writer, 2);
    await closed.writer.close();
    t.strictSame(closed.store.appends, [1, 3], 'closing writes them, also before anything else was written');
    t.equal(closed.writer.appendBehind(event('late')), undefined);
  },
);

t.test('a failure of what is written behind the response crashes nothing', async (t) => {
  const { store, writer } = begin();
  await writer.open();
  store.at('append', () => {
    throw new Error('no');
  });
  t.equal(writer.appendBehind(event('lost')), undefined);
  // Settles after everything before it.
  await writer.append([]);
  store.at('append', null);
  await writer.append([event('next')]);
  t.pass('no unhandled rejection');
});

t.test(
  'Threat 18: what is written behind the response waits for the database to come back, and is not doubled',
  async (t) => {
    for (const moment of ['append', 'appended'] as const) {
      const { store, writer, reasons, streams } = begin();
      await writer.open();
      store.at('openAuditConnection', unavailable).once(moment, unavailable);
      writer.appendBehind(event('a'));
      writer.appendBehind(event('b'));
      // An awaited one is told, and takes nothing of what nobody waits for with it.
      await t.rejects(writer.append([event('awaited')]), { code: 'store_unavailable' });
      await t.rejects(writer.append([event('later')]), { code: 'store_unavailable' });
      store.at('openAuditConnection', null);
      await writer.append([event('back')]);
      const kept = reasons().filter((reason) => reason !== 'awaited');
      t.strictSame(kept, ['a', 'b', 'back'], `${moment}: each once, in order`);
      t.ok(await areIntact(streams()));
      await writer.close();
    }
  },
);

t.test('closing waits for what is queued, ends the stream with its last record, and takes no more', async (t) => {
  const { store, writer, streams } = begin();
  await writer.open();
  const flush = gate();
  store.once('append', () => flush.passed);
  const queued = writer.append([event('queued')]);
  const transacted = writer.transact(async (transaction) => ({
    value: await transaction.raiseEpoch('clinic', 'ana'),
    events: [event('raised')],
  }));
  const closings = [writer.close(), writer.close()];
  await t.rejects(writer.append([event('too late')]), { code: 'store_closed' }, 'nothing comes behind the last record');
  flush.open();
  t.strictSame(await settled([queued, transacted, ...closings, writer.close()]), ['ok', 'ok', 'ok', 'ok', 'ok']);
  t.strictSame(
    store.records.map(({ code, reason }) => reason ?? code),
    ['AUDIT_STREAM_OPENED', 'queued', 'raised', 'AUDIT_STREAM_CLOSED'],
    'once',
  );
  t.equal(store.opened[0]?.alive, false);
  await t.rejects(writer.append([event('after')]), { code: 'store_closed' });
  await t.rejects(
    writer.transact(async () => ({ value: null, events: [] })),
    { code: 'store_closed' },
  );
  t.ok(await areIntact(streams()));
});

t.test('closing before the first write, right after it, or with the database away', async (t) => {
  const unused = begin();
  await unused.writer.close();
  t.equal(unused.store.opened.length, 0, 'opens nothing to close it');

  const just = begin();
  const written = just.writer.append([event('a')]);
  await just.writer.close();
  t.strictSame(await settled([written]), ['ok']);
  t.equal(just.store.records.at(-1)?.code, 'AUDIT_STREAM_CLOSED');

  const away = begin();
  await away.writer.open();
  away.store.at('append', unavailable).at('openAuditConnection', unavailable);
  await away.writer.close();
  t.equal(away.store.opened[0]?.alive, false, 'and gives the connection back all the same');
});

t.test('a new process records the heads of all streams before it', async (t) => {
  const { store, writer } = begin();
  await writer.append([event('a')]);
  const second = new AuditWriter({ store, clock: manualClock(), ids: randomUUID });
  await second.append([event('b')]);
  const opening = store.records.find((record) => record.stream === second.stream);
  t.match(JSON.parse(opening?.details ?? ''), [[writer.stream, 1, /^[0-9a-f]{64}$/]]);
});

t.test('an event with a field that is no text is refused, not written as something else', async (t) => {
  const { writer } = begin();
  const broken = { ...event('a'), patientId: 5 } as unknown as AuditEventInput;
  await t.rejects(async () => await writer.append([broken]), TypeError);
});
