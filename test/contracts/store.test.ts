// Every promise of the Store contract (packages/core/src/store/store.ts), on both databases. What takes several processes is in
// store-processes.test.ts, what takes a fault in store-faults.test.ts.
import { randomUUID } from 'node:crypto';
import { inspect, isDeepStrictEqual } from 'node:util';
import {
  type AuditRecord,
  type EmergencyAccessQuery,
  type EmergencyAccessRow,
  type EmergencyStepRow,
  type FactorRow,
  type Store,
  type StoreTransaction,
  verifyStream,
} from '@countersign/core';
import { openStore } from '@countersign/postgres';
import postgres from 'postgres';
import t from 'tap';
import { createPglite } from '../support/pglite.ts';
import { createDatabase } from '../support/postgres-server.ts';
import { until } from '../support/until.ts';
import { recordsOf } from './records.ts';

const limits = { perWindow: 3, windowSeconds: 60, consecutive: 5 };
const NOW = Date.UTC(2026, 2, 2, 9);

interface Backend {
  readonly store: Store;
  query(statement: string): Promise<unknown>;
}

const backends: Record<string, () => Promise<Backend>> = {
  async PGlite() {
    const client = await createPglite();
    const store = await openStore(client);
    t.teardown(() => store.close());
    return { store, query: (statement) => client.exec(statement) };
  },
  async PostgreSQL() {
    const { url } = await createDatabase();
    const client = postgres(url, { max: 1, onnotice: () => {} });
    const store = await openStore(url);
    t.teardown(() => Promise.all([store.close(), client.end()]));
    return { store, query: (statement) => client.unsafe(statement) };
  },
  // DateStyle, parsers and naming of a host's own client must not matter.
  async 'PostgreSQL by a client of the host'() {
    const { url, name } = await createDatabase();
    const admin = postgres(url, { max: 1, onnotice: () => {} });
    await admin.unsafe(`alter database ${name} set datestyle = 'German'`);
    await admin.unsafe(`alter database ${name} set timezone = 'Asia/Kolkata'`);
    await admin.end();
    const client = postgres(url, {
      max: 3,
      transform: postgres.camel,
      types: { bigint: postgres.BigInt },
      onnotice: () => {},
    });
    const store = await openStore(client);
    t.teardown(() => Promise.all([store.close(), client.end()]));
    return { store, query: (statement) => client.unsafe(statement) };
  },
};

const factorRow = (change: Partial<FactorRow> = {}): FactorRow => ({
  id: randomUUID(),
  workspaceId: 'w1',
  userId: 'u1',
  factor: 'totp',
  label: 'Phone "of" \\ Zoë',
  secret: 'jwe',
  confirmedAt: NOW,
  createdAt: NOW - 1,
  counter: -1,
  cap: null,
  capEndsAt: null,
  mac: 'mac',
  ...change,
});

async function writerOf(store: Store) {
  const connection = await store.openAuditConnection();
  const stream = randomUUID();
  await connection.openStream(stream, null);
  return { connection, stream, records: recordsOf(stream) };
}

const collect = async (records: AsyncIterable<AuditRecord>) => {
  const all: AuditRecord[] = [];
  for await (const record of records) all.push(record);
  return all;
};

for (const [name, open] of Object.entries(backends)) {
  t.test(name, async (t) => {
    const { store, query } = await open();

    t.test('is migrated, and knows the time', async (t) => {
      await store.ready();
      t.ok(Math.abs((await store.now()) - Date.now()) < 5000);
      t.equal(store.shared, name !== 'PGlite');
    });

    t.test('factors: put, replace, confirm, remove', async (t) => {
      const { connection } = await writerOf(store);
      t.teardown(() => connection.close());
      const write = <T>(work: Parameters<typeof connection.transact<T>>[0]) => connection.transact(work);
      const pending = factorRow({ confirmedAt: null });
      const later = factorRow({ confirmedAt: null, label: 'later' });
      await write(async (tx) => {
        await tx.putFactor(pending);
        await tx.putFactor(later);
        return { value: null, records: [] };
      });
      t.strictSame(await store.factors('w1', 'u1'), [later], 'a second enrolment replaces the first');

      const confirmed = { ...later, confirmedAt: NOW, counter: 7 };
      await write(async (tx) => ({ value: await tx.putFactor(confirmed), records: [] }));
      t.strictSame(await store.factors('w1', 'u1'), [confirmed]);
      t.strictSame(await store.factors('w2', 'u1'), [], 'another workspace');

      await t.rejects(
        write(async (tx) => ({ value: await tx.putFactor({ ...confirmed, userId: 'u2' }), records: [] })),
        { code: 'store_refused' },
        'a factor never changes its owner',
      );
      t.strictSame(await store.factors('w1', 'u2'), []);

      const next = { counter: 8, mac: 'mac8' };
      const moves = await write(async (tx) => ({
        value: [
          await tx.moveFactorCounter({ ...confirmed, mac: 'other' }, next),
          await tx.moveFactorCounter({ ...confirmed, counter: 6 }, next),
          await tx.moveFactorCounter({ ...confirmed, workspaceId: 'w2' }, next),
          await tx.moveFactorCounter(confirmed, next),
          await tx.moveFactorCounter(confirmed, next),
        ],
        records: [],
      }));
      t.strictSame(moves, [false, false, false, true, false]);
      t.match(await store.factors('w1', 'u1'), [next]);

      const removals = await write(async (tx) => ({
        value: [
          await tx.removeFactor({ workspaceId: 'w2', id: later.id }),
          await tx.removeFactor({ workspaceId: 'w1', id: later.id }),
          await tx.removeFactor({ workspaceId: 'w1', id: later.id }),
        ],
        records: [],
      }));
      t.strictSame(removals, [false, true, false]);
    });

    t.test('factors: a cap comes back as it went, and a row is replaced only as it was read', async (t) => {
      const { connection } = await writerOf(store);
      t.teardown(() => connection.close());
      const write = <T>(work: Parameters<typeof connection.transact<T>>[0]) => connection.transact(work);
      const owner = { workspaceId: 'w-caps', userId: 'u1' };
      const capped = factorRow({ ...owner, factor: 'passkey', cap: 'any', capEndsAt: NOW + 86_400_000 });
      const forever = factorRow({ ...owner, factor: 'passkey', cap: 'multi-factor', createdAt: NOW });
      await write(async (tx) => {
        await tx.putFactor(capped);
        await tx.putFactor(forever);
        return { value: null, records: [] };
      });
      t.strictSame(await store.factors('w-caps', 'u1'), [capped, forever], 'several of a kind stand side by side');

      const replace = (row: FactorRow, next: FactorRow) =>
        write(async (tx) => ({ value: await tx.replaceFactor(row, next), records: [] }));
      const lifted = { ...capped, label: 'Key', secret: 'jwe2', cap: null, capEndsAt: null, mac: 'mac2' };
      t.strictSame(
        [
          await replace({ ...capped, mac: 'other' }, lifted),
          await replace({ ...capped, workspaceId: 'w2' }, lifted),
          await replace({ ...capped, userId: 'u2' }, lifted),
          await replace({ ...capped, id: randomUUID() }, lifted),
        ],
        [false, false, false, false],
      );
      t.strictSame(await store.factors('w-caps', 'u1'), [capped, forever]);
      t.strictSame([await replace(capped, lifted), await replace(capped, lifted)], [true, false], 'once');
      t.strictSame(await store.factors('w-caps', 'u1'), [lifted, forever]);
      await t.rejects(
        write(async (tx) => {
          await tx.replaceFactor(lifted, { ...lifted, mac: 'mac3' });
          throw new Error('undone');
        }),
        { message: 'undone' },
      );
      t.strictSame(await store.factors('w-caps', 'u1'), [lifted, forever], 'with its transaction, or not');
    });

    t.test('standing: whether there is a confirmed factor', async (t) => {
      const { connection } = await writerOf(store);
      t.teardown(() => connection.close());
      const owner = { workspaceId: 'w-standing', userId: 'u1' };
      const hasFactor = async (change: object = {}) =>
        (await store.sessionStanding({ ...owner, keyHash: 'k', signedInAt: NOW, ...change })).hasFactor;
      const put = (row: FactorRow) =>
        connection.transact(async (tx) => ({ value: await tx.putFactor(row), records: [] }));
      const row = factorRow({ ...owner, confirmedAt: null });
      t.equal(await hasFactor(), false);
      await put(row);
      t.equal(await hasFactor(), false, 'one that waits for its confirmation is none');
      await put({ ...row, confirmedAt: NOW });
      t.equal(await hasFactor(), true);
      t.equal(await hasFactor({ userId: 'u2' }), false);
      t.equal(await hasFactor({ workspaceId: 'w1', userId: 'u-none' }), false);
      await connection.transact(async (tx) => ({ value: await tx.removeFactor(row), records: [] }));
      t.equal(await hasFactor(), false);
    });

    t.test('pages over every workspace: each row once, in order', async (t) => {
      const { connection } = await writerOf(store);
      t.teardown(() => connection.close());
      const rows = ['w-page-1', 'w-page-2', 'w-page-3'].flatMap((workspaceId) =>
        ['a', 'b'].map((userId) => factorRow({ workspaceId, userId })),
      );
      const saved = ['w-page-1', 'w-page-2', 'w-page-3'].map((workspaceId) => ({
        workspaceId,
        version: 1,
        content: '{}',
        mac: 'm',
        changedAt: NOW,
        changedBy: 'u1',
      }));
      await connection.transact(async (tx) => {
        for (const row of rows) await tx.putFactor(row);
        for (const row of saved) await tx.putSettings(row);
        return { value: null, records: [] };
      });
      const byPlace = (one: FactorRow, other: FactorRow) =>
        one.workspaceId === other.workspaceId
          ? one.id.localeCompare(other.id)
          : one.workspaceId.localeCompare(other.workspaceId);
      for (const limit of [1, 2, 4, 1000]) {
        const found: FactorRow[] = [];
        for (let after: FactorRow | null = null; ; ) {
          const page: readonly FactorRow[] = await store.factorPage(after, limit);
          t.ok(page.length <= limit);
          found.push(...page);
          after = page.at(-1) ?? null;
          if (after === null) break;
        }
        t.equal(new Set(found.map(({ workspaceId, id }) => `${workspaceId} ${id}`)).size, found.length, 'each once');
        t.strictSame(
          found.filter(({ workspaceId }) => workspaceId.startsWith('w-page')),
          [...rows].sort(byPlace),
        );

        const settings: unknown[] = [];
        for (let after: string | null = null; ; ) {
          const page: readonly { readonly workspaceId: string }[] = await store.settingsPage(after, limit);
          t.ok(page.length <= limit);
          settings.push(...page.filter(({ workspaceId }) => workspaceId.startsWith('w-page')));
          after = page.at(-1)?.workspaceId ?? null;
          if (after === null) break;
        }
        t.strictSame(settings, saved);
      }
    });

    t.test('settings: a proposal, one for each workspace, taken once', async (t) => {
      const { connection } = await writerOf(store);
      t.teardown(() => connection.close());
      const write = <T>(work: Parameters<typeof connection.transact<T>>[0]) => connection.transact(work);
      const proposal = {
        workspaceId: 'w-proposal',
        baseVersion: 3,
        content: '{"a":"é"}',
        mac: 'm1',
        proposedAt: NOW,
        proposedBy: 'u1',
      };
      const later = { ...proposal, baseVersion: 4, mac: 'm2', proposedBy: 'u2' };
      const put = (row: typeof proposal) =>
        write(async (tx) => ({ value: await tx.putSettingsProposal(row), records: [] }));
      const take = (row: typeof proposal) =>
        write(async (tx) => ({ value: await tx.takeSettingsProposal(row), records: [] }));
      t.equal(await store.settingsProposal('w-proposal'), null);
      t.equal(await take(proposal), false);
      await put(proposal);
      t.strictSame(await store.settingsProposal('w-proposal'), proposal);
      t.equal(await store.settingsProposal('w1'), null, 'another workspace');
      t.match(await store.settingsProposals(), [{ workspaceId: 'w-proposal' }], 'one workspace has one');
      await put(later);
      t.strictSame(await store.settingsProposal('w-proposal'), later, 'the later one replaces the earlier');
      t.equal(await take(proposal), false, 'the earlier one is not there any more');
      t.strictSame([await take(later), await take(later)], [true, false]);
      t.equal(await store.settingsProposal('w-proposal'), null);
    });

    t.test('settings: a MAC put anew, only over what was read, and as the same version', async (t) => {
      const { connection } = await writerOf(store);
      t.teardown(() => connection.close());
      const write = <T>(work: Parameters<typeof connection.transact<T>>[0]) => connection.transact(work);
      const row = { workspaceId: 'w-reseal', version: 1, content: '{}', mac: 'm1', changedAt: NOW, changedBy: 'u1' };
      await write(async (tx) => ({ value: await tx.putSettings(row), records: [] }));
      const reseal = (read: typeof row, mac: string) =>
        write(async (tx) => ({ value: await tx.resealSettings(read, mac), records: [] }));
      t.strictSame(
        [
          await reseal({ ...row, mac: 'other' }, 'm2'),
          await reseal({ ...row, version: 2 }, 'm2'),
          await reseal({ ...row, workspaceId: 'w-none' }, 'm2'),
        ],
        [false, false, false],
      );
      t.strictSame(await store.settings('w-reseal'), row);
      t.strictSame([await reseal(row, 'm2'), await reseal(row, 'm3')], [true, false]);
      t.strictSame(await store.settings('w-reseal'), { ...row, mac: 'm2' });
    });

    t.test('attempts: an exact sliding window', async (t) => {
      const key = { workspaceId: 'w1', userId: 'window', factor: 'totp' };
      const many = { ...limits, consecutive: 100 };
      const at = (seconds: number) => store.reserveAttempt(key, many, NOW + seconds * 1000);
      t.match(await at(0), { granted: true, consecutive: 1, inWindow: 1 });
      t.match(await at(10), { granted: true, consecutive: 2, inWindow: 2 });
      t.match(await at(20), { granted: true, consecutive: 3, inWindow: 3 });
      t.strictSame(await at(59.999), { granted: false, why: 'window', retryAt: NOW + 60_000 });
      t.strictSame((await store.attempts('w1', 'window', many, NOW + 59_999)).get('totp'), {
        consecutive: 3,
        retryAt: NOW + 60_000,
      });
      t.match(await at(60), { granted: true, inWindow: 3 }, 'the first has left the window');
      t.strictSame(await at(69), { granted: false, why: 'window', retryAt: NOW + 70_000 });
      t.match(await at(-3600), { granted: false, why: 'window' }, 'a clock set back opens nothing');
      t.match(
        await store.reserveAttempt({ ...key, factor: 'recovery' }, many, NOW),
        { granted: true, inWindow: 1 },
        'each factor has its own',
      );
    });

    t.test('attempts: failures in a row disable, a right code forgives, a reset clears', async (t) => {
      const { connection } = await writerOf(store);
      t.teardown(() => connection.close());
      const key = { workspaceId: 'w1', userId: 'row', factor: 'totp' };
      const reserve = (seconds: number) => store.reserveAttempt(key, limits, NOW + seconds * 1000);
      await reserve(0);
      const right = await reserve(1);
      if (!right.granted) return t.fail('not granted');
      await connection.transact(async (tx) => ({ value: await tx.settleAttempt(key, right.id), records: [] }));
      t.match(await reserve(2), { granted: true, consecutive: 1, inWindow: 2 }, 'exactly that attempt was forgotten');
      for (let minute = 1; minute <= 4; minute++) await reserve(minute * 100);
      t.strictSame(await reserve(1000), { granted: false, why: 'disabled' });
      t.match((await store.attempts('w1', 'row', limits, NOW + 1e6)).get('totp'), { consecutive: 5, retryAt: null });
      await connection.transact(async (tx) => ({ value: await tx.resetAttempts(key), records: [] }));
      t.match(await reserve(1000), { granted: true, consecutive: 1, inWindow: 1 });
    });

    t.test('settings: version n only over version n - 1', async (t) => {
      const { connection } = await writerOf(store);
      t.teardown(() => connection.close());
      const row = {
        workspaceId: 'w1',
        version: 1,
        content: '{"a":"é\\u0000"}',
        mac: 'm',
        changedAt: NOW,
        changedBy: 'u1',
      };
      const put = (version: number) =>
        connection.transact(async (tx) => ({ value: await tx.putSettings({ ...row, version }), records: [] }));
      t.equal(await store.settings('w1'), null);
      t.strictSame(
        [await put(2), await put(1), await put(1), await put(3), await put(2)],
        [false, true, false, false, true],
      );
      t.strictSame(await store.settings('w1'), { ...row, version: 2 });
    });

    t.test('standing: epochs and ended sessions', async (t) => {
      const { connection } = await writerOf(store);
      t.teardown(() => connection.close());
      const session = { workspaceId: 'w1', userId: 'u9', keyHash: 'k1', signedInAt: NOW };
      t.strictSame(await store.sessionStanding(session), {
        epochs: { user: 0, workspace: 0 },
        hasFactor: false,
        endedAt: null,
      });
      const raised = await connection.transact(async (tx) => {
        await tx.endSession({ ...session, endedAt: NOW + 5 });
        await tx.endSession({ ...session, endedAt: NOW + 3 });
        const value = [
          await tx.raiseEpoch('w1', 'u9'),
          await tx.raiseEpoch('w1', 'u9'),
          await tx.raiseEpoch('w1', null),
        ];
        return { value, records: [] };
      });
      t.strictSame(raised, [1, 2, 1]);
      const epochs = { user: 2, workspace: 1 };
      const standing = (change: object) => store.sessionStanding({ ...session, ...change });
      t.strictSame(await standing({}), { epochs, hasFactor: false, endedAt: NOW + 5 });
      t.strictSame(
        await standing({ keyHash: 'k2' }),
        { epochs, hasFactor: false, endedAt: NOW + 5 },
        'the same sign-in under another key',
      );
      t.strictSame(
        await standing({ signedInAt: NOW + 1 }),
        { epochs, hasFactor: false, endedAt: NOW + 5 },
        'the same key',
      );
      t.strictSame(await standing({ keyHash: 'k2', signedInAt: NOW + 1 }), { epochs, hasFactor: false, endedAt: null });
      t.strictSame(await standing({ userId: 'u8' }), {
        epochs: { user: 0, workspace: 1 },
        hasFactor: false,
        endedAt: null,
      });
      t.strictSame(await standing({ workspaceId: 'w2' }), {
        epochs: { user: 0, workspace: 0 },
        hasFactor: false,
        endedAt: null,
      });
    });

    t.test('standing: every session but that of one sign-in ended', async (t) => {
      const { connection } = await writerOf(store);
      t.teardown(() => connection.close());
      const owner = { workspaceId: 'w1', userId: 'u10' };
      await connection.transact(async (tx) => {
        await tx.endSession({ ...owner, keyHash: `*-${NOW}`, signedInAt: NOW + 5, endedAt: NOW + 5 });
        return { value: undefined, records: [] };
      });
      const endedAt = async (signedInAt: number, keyHash = 'k') =>
        (await store.sessionStanding({ ...owner, keyHash, signedInAt })).endedAt;
      t.equal(await endedAt(NOW), null, 'it goes on');
      t.equal(await endedAt(NOW, 'k2'), null, 'also where the host gave it another key');
      for (const signedInAt of [NOW - 1, NOW + 1, NOW + 5]) t.equal(await endedAt(signedInAt), NOW + 5);
      t.equal(await endedAt(NOW + 6), null, 'a later sign-in is none of it');
    });

    t.test('audit: what is appended comes back exactly, and verifies', async (t) => {
      const { connection, stream, records } = await writerOf(store);
      t.teardown(() => connection.close());
      const awkward = {
        reason: 'quote " back \\ new\nline \t {,} \\x41 😀 \u007f NULL',
        userAgent: '',
        ip: '::1',
        details: '{"a":[1]}',
      };
      const written = [...records(1200), ...records(1, awkward), ...records(1, { workspaceId: null, userId: null })];
      await connection.append(written);
      await connection.append([]);
      t.ok(isDeepStrictEqual(await collect(store.auditStream(stream)), written));
      t.match(await verifyStream(store.auditStream(stream)), { intact: true, records: 1202 });
      t.strictSame(
        (await store.auditStreams()).find((head) => head.stream === stream),
        { stream, index: 1201, hash: written.at(-1)?.hash },
      );
      t.strictSame(
        await connection.written([written[0]!.id, randomUUID(), written[1201]!.id]),
        new Set([written[0]!.id, written[1201]!.id]),
      );
      t.strictSame(await connection.written([]), new Set());
    });

    t.test('audit: search is newest first, by key, and by each criterion', async (t) => {
      const { connection, records } = await writerOf(store);
      t.teardown(() => connection.close());
      const workspaceId = randomUUID();
      const all = [
        ...records(5, { workspaceId, userId: 'a', patientId: 'p1' }),
        ...records(5, { workspaceId, userId: 'b', patientId: 'p2', code: 'MFA_FAILURE' }),
      ].map((record, n) => ({ ...record, at: NOW + Math.floor(n / 3) }));
      await connection.append(all);
      const newestFirst = [...all].sort((one, other) => other.at - one.at || (one.id < other.id ? 1 : -1));
      t.strictSame(await store.auditEvents({ workspaceId }), newestFirst);

      const paged: AuditRecord[] = [];
      for (let page = await store.auditEvents({ workspaceId, limit: 4 }); page.length > 0; ) {
        paged.push(...page);
        page = await store.auditEvents({ workspaceId, limit: 4, before: page.at(-1)! });
      }
      t.strictSame(paged, newestFirst, 'events of one millisecond are neither lost nor doubled between pages');

      const ids = async (query: object) =>
        new Set((await store.auditEvents({ workspaceId, ...query })).map(({ id }) => id));
      const those = (condition: (record: AuditRecord) => boolean) => new Set(all.filter(condition).map(({ id }) => id));
      t.strictSame(
        await ids({ userId: 'a' }),
        those(({ userId }) => userId === 'a'),
      );
      t.strictSame(
        await ids({ patientId: 'p2' }),
        those(({ patientId }) => patientId === 'p2'),
      );
      t.strictSame(
        await ids({ codes: ['MFA_FAILURE'] }),
        those(({ code }) => code === 'MFA_FAILURE'),
      );
      t.strictSame(await ids({ codes: [] }), new Set());
      t.strictSame(
        await ids({ from: NOW + 1, until: NOW + 3 }),
        those(({ at }) => at === NOW + 1 || at === NOW + 2),
      );
      t.strictSame(await store.auditEvents({ workspaceId: randomUUID() }), []);
    });

    t.test('audit: each millisecond is kept exactly', async (t) => {
      const { connection, stream, records } = await writerOf(store);
      t.teardown(() => connection.close());
      const written = records(1000).map((record, n) => ({ ...record, at: 1_234_567_890_001 + n * 7_919_777_003 }));
      await connection.append(written);
      t.strictSame(
        (await collect(store.auditStream(stream))).map(({ at }) => at),
        written.map(({ at }) => at),
      );
    });

    t.test('audit: no event twice, no place taken twice, no foreign stream', async (t) => {
      const { connection, stream, records } = await writerOf(store);
      t.teardown(() => connection.close());
      const [first, second] = records(2);
      await connection.append([first!]);
      await t.rejects(connection.append([second!, first!]), { code: 'store_refused' }, 'all or none');
      await t.rejects(connection.append([{ ...second!, id: first!.id }]), { code: 'store_refused' });
      await t.rejects(connection.append([{ ...second!, index: 0 }]), { code: 'store_refused' });
      await t.rejects(connection.append(recordsOf(randomUUID())(1)), { code: 'internal' });
      await connection.append([second!]);
      t.equal((await collect(store.auditStream(stream))).length, 2, 'after a refusal the connection goes on');
    });

    t.test('transact: everything or nothing', async (t) => {
      const { connection, stream, records } = await writerOf(store);
      t.teardown(() => connection.close());
      const own = new RangeError('of the caller');
      const workspaceId = randomUUID();
      const raise = (after: () => void) =>
        connection.transact(async (tx) => {
          const value = await tx.raiseEpoch(workspaceId, 'u1');
          after();
          return { value, records: records(1) };
        });
      await t.rejects(
        raise(() => {
          throw own;
        }),
        own,
      );
      const epochs = async () =>
        (await store.sessionStanding({ workspaceId, userId: 'u1', keyHash: '', signedInAt: 0 })).epochs;
      t.match(await epochs(), { user: 0 });
      t.equal(await raise(() => {}), 1);
      t.match(await epochs(), { user: 1 });
      t.equal((await collect(store.auditStream(stream))).length, 1);

      const swallowed = connection.transact(async (tx) => {
        await tx.raiseEpoch(workspaceId, 'u1');
        await tx.putFactor(factorRow({ label: 'no \u0000 in text' })).catch(() => {});
        return { value: 'looks fine', records: [] };
      });
      await t.rejects(swallowed, { code: 'store_refused' }, 'a swallowed error is no success');
      t.match(await epochs(), { user: 1 });
      const refused = connection.transact(async (tx) => ({
        value: await tx.raiseEpoch(workspaceId, 'u1'),
        records: [{ ...records(1)[0]!, index: 0 }],
      }));
      await t.rejects(refused, { code: 'store_refused' }, 'no effect without its event');
      t.match(await epochs(), { user: 1 });
    });

    t.test('streams: heads of the living and of the dead not yet recorded', async (t) => {
      const one = await writerOf(store);
      await one.connection.append(one.records(3));
      const other = await store.openAuditConnection();
      t.teardown(() => other.close());
      const of = (heads: readonly { stream: string }[], stream: string) => heads.find((head) => head.stream === stream);
      t.match(of(await other.openStream(randomUUID(), null), one.stream), { index: 2 }, 'alive');
      await one.connection.append(one.records(1));
      await one.connection.close();
      t.match(
        of(await other.openStream(randomUUID(), one.stream), one.stream),
        { index: 3 },
        'dead, and now recorded as ended',
      );
      t.equal(of(await other.openStream(randomUUID(), null), one.stream), undefined, 'told once');
      t.match(of(await store.auditStreams(), one.stream), { index: 3 });
      await t.rejects(
        one.connection.append(one.records(1)),
        { code: 'store_unavailable' },
        'a closed connection writes no more',
      );
    });

    t.test('a stream is not taken over while its connection holds it', async (t) => {
      const holder = await writerOf(store);
      const other = await store.openAuditConnection();
      let taken = false;
      const opening = other.openStream(randomUUID(), holder.stream).then(() => {
        taken = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 300));
      t.notOk(taken);
      await holder.connection.close();
      await opening;
      await other.close();
    });

    t.test('one leads, and another where it has let go', async (t) => {
      const [one, other] = [await store.openLeadership(), await store.openLeadership()];
      t.ok(await one.take());
      t.ok(await one.take(), 'still');
      t.notOk(await other.take());
      await one.close();
      await t.rejects(one.take(), { code: 'store_unavailable' });
      await until(() => other.take());
      t.notOk(await (await store.openLeadership()).take());
    });

    t.test('rows of the log cannot be changed, even by their owner', async (t) => {
      const { connection, records } = await writerOf(store);
      t.teardown(() => connection.close());
      await connection.append(records(1));
      for (const statement of [
        `update countersign.audit_event set reason = 'x'`,
        `update countersign.audit_event set reason = 'x' where false`,
        'delete from countersign.audit_event',
        'truncate countersign.audit_event',
        'delete from countersign.audit_stream',
        'truncate countersign.audit_stream',
        `set session_replication_role = replica; delete from countersign.audit_event`,
        `insert into countersign.audit_event select * from countersign.audit_event on conflict (id) do update set reason = 'x'`,
      ]) {
        await t.rejects(query(statement), { code: '55000', message: /append-only/ }, statement);
        await query('reset session_replication_role');
      }
    });

    t.test('emergency access: kept as it was written, each step once, found by what it is', async (t) => {
      const { connection, records } = await writerOf(store);
      t.teardown(() => connection.close());
      const write = <T>(work: (tx: StoreTransaction) => Promise<T>) =>
        connection.transact(async (tx) => ({ value: await work(tx), records: [] }));
      const workspaceId = randomUUID();
      const accesses = [0, 1, 2].map(
        (at): EmergencyAccessRow => ({
          id: randomUUID(),
          workspaceId,
          userId: at === 2 ? 'ben' : 'ana',
          purpose: at === 1 ? 'administrative' : 'clinical',
          patientId: at === 1 ? null : `p${at}`,
          openedAt: NOW + at,
          endsAt: NOW + at + 60_000,
          content: '{ "reason": "Zoë \\" }',
          mac: 'mac',
        }),
      );
      const [first, second, third] = accesses as [EmergencyAccessRow, EmergencyAccessRow, EmergencyAccessRow];
      const step = (emergencyAccessId: string, kind: string): EmergencyStepRow => ({
        emergencyAccessId,
        kind,
        at: NOW + 5,
        byUserId: kind === 'ended' ? null : 'ada',
        content: '{}',
        mac: 'mac',
      });
      await write(async (tx) => {
        for (const access of accesses) await tx.putEmergencyAccess(access);
      });
      const found = async (query: EmergencyAccessQuery) =>
        (await store.emergencyAccess({ workspaceId, ...query })).map(({ access }) => access.id);
      t.match(await store.emergencyAccess({ ids: [first.id] }), [{ access: first, steps: [] }]);
      t.strictSame(await found({}), [third.id, second.id, first.id], 'newest first');
      t.strictSame(await found({ limit: 1 }), [third.id]);
      t.strictSame(await found({ before: { openedAt: second.openedAt, id: second.id } }), [first.id]);
      t.strictSame(await found({ userId: 'ana' }), [second.id, first.id]);
      t.strictSame(await found({ openedUntil: NOW + 1 }), [first.id]);
      t.strictSame(await found({ ids: ['no uuid', third.id] }), [third.id]);
      t.strictSame(await found({ ids: ['no uuid'] }), []);
      t.strictSame(await store.emergencyAccess({ workspaceId: 'elsewhere', ids: [first.id] }), []);

      t.strictSame(
        await write(async (tx) => [
          await tx.putEmergencyStep(step(first.id, 'ended')),
          await tx.putEmergencyStep({ ...step(first.id, 'ended'), at: NOW + 6 }),
          await tx.putEmergencyStep(step(first.id, 'reviewed')),
          await tx.putEmergencyStep(step(second.id, 'ended')),
        ]),
        [true, false, true, true],
      );
      t.strictSame((await store.emergencyAccess({ ids: [first.id] }))[0]?.steps, [
        step(first.id, 'ended'),
        step(first.id, 'reviewed'),
      ]);
      t.strictSame(await found({ lacking: ['ended', 'declined'] }), [third.id]);
      t.strictSame(await found({ having: ['ended'], lacking: ['reviewed'] }), [second.id]);
      await t.rejects(
        write(async (tx) => {
          await tx.putEmergencyStep(step(third.id, 'ended'));
          throw new Error('changed its mind');
        }),
        { message: 'changed its mind' },
      );
      t.strictSame(await found({ having: ['ended'], userId: 'ben' }), [], 'nothing of a transaction that failed');

      const seen: number[] = [];
      const other = await writerOf(store);
      t.teardown(() => other.connection.close());
      let isHeld = () => {};
      const held = new Promise<void>((resolve) => {
        isHeld = resolve;
      });
      const slow = write(async (tx) => {
        seen.push((await tx.emergencyAccessOf(workspaceId, 'ben')).length);
        isHeld();
        await new Promise((resolve) => setTimeout(resolve, 100));
        await tx.putEmergencyAccess({ ...third, id: randomUUID() });
      });
      await held;
      const behind = other.connection.transact(async (tx) => {
        seen.push((await tx.emergencyAccessOf(workspaceId, 'ben')).length);
        return { value: null, records: [] };
      });
      await Promise.all([slow, behind]);
      t.strictSame(seen, [1, 2], 'whoever comes second sees what the first has written');

      const age = async () => (await store.emergencyAccess({ ids: [third.id] }))[0]?.age ?? -1;
      t.ok((await age()) >= 100 && (await age()) < 60_000, 'of now, though it says that it is of March');
      // As the superuser, who can: time is made to pass.
      for (const [table, by] of [
        ['emergency_access', '50 minutes'],
        ['emergency_access_step', '10 minutes'],
      ] as const) {
        if (table === 'emergency_access_step') await write((tx) => tx.putEmergencyStep(step(third.id, 'approved')));
        await query(`alter table countersign.${table} disable trigger append_only`);
        await query(`update countersign.${table} set written_at = written_at - interval '${by}'`);
        await query(`alter table countersign.${table} enable always trigger append_only`);
        const minutes = Math.floor((await age()) / 60_000);
        t.equal(
          `${minutes} minutes`,
          by,
          table === 'emergency_access' ? 'since it was opened' : 'since it was approved',
        );
      }
      for (const table of ['emergency_access', 'emergency_access_step']) {
        for (const statement of [`update countersign.${table} set mac = ''`, `delete from countersign.${table}`])
          await t.rejects(query(statement), { code: '55000', message: /append-only/ }, statement);
      }
      await connection.append(records(1, { workspaceId, emergencyAccessId: first.id }));
      t.equal((await store.auditEvents({ workspaceId, emergencyAccessId: first.id })).length, 1);
      t.strictSame(await store.auditEvents({ workspaceId, emergencyAccessId: third.id }), []);
    });

    t.test('watch: told of epochs, settings and emergency accesses', async (t) => {
      const { connection } = await writerOf(store);
      const told: unknown[] = [];
      let confirmations = 0;
      const watch = await store.watch({
        epochRaised: (...epoch) => told.push(epoch),
        settingsChanged: (...settings) => told.push(settings),
        emergencyChanged: (...access) => told.push(access),
        confirmed: () => {
          confirmations += 1;
        },
      });
      t.teardown(() => Promise.all([watch.close(), connection.close()]));
      t.ok(confirmations > 0, 'confirmed once it is there');
      const workspaceId = randomUUID();
      const id = randomUUID();
      await connection.transact(async (tx) => {
        await tx.raiseEpoch(workspaceId, 'u1');
        await tx.raiseEpoch(workspaceId, null);
        await tx.putSettings({ workspaceId, version: 1, content: '{}', mac: '', changedAt: NOW, changedBy: 'u1' });
        const access = { id, workspaceId, userId: 'u1', purpose: 'clinical', patientId: 'p1' } as const;
        await tx.putEmergencyAccess({ ...access, openedAt: NOW, endsAt: NOW, content: '{}', mac: '' });
        return { value: null, records: [] };
      });
      await until(() => told.some((one) => isDeepStrictEqual(one, [workspaceId, id, 0])));
      await connection.transact(async (tx) => {
        const step = { emergencyAccessId: id, kind: 'ended', at: NOW, byUserId: null, content: '{}', mac: '' };
        return { value: await tx.putEmergencyStep(step), records: [] };
      });
      const oursToldOf = () =>
        new Set(told.map((entry) => JSON.stringify(entry)).filter((entry) => entry.includes(workspaceId)));
      await until(() => oursToldOf().size >= 5);
      const ours = oursToldOf();
      t.strictSame(
        ours,
        new Set(
          [
            [workspaceId, 'u1', 1],
            [workspaceId, null, 1],
            [workspaceId, 1],
            [workspaceId, id, 0],
            [workspaceId, id, 1],
          ].map((entry) => JSON.stringify(entry)),
        ),
      );
      await watch.close();
      const before = confirmations;
      await new Promise((resolve) => setTimeout(resolve, 1000));
      t.equal(confirmations, before, 'silent once closed');
    });

    t.test('after a restore: every session of until then has ended, every epoch leaps', async (t) => {
      const { connection } = await writerOf(store);
      t.teardown(() => connection.close());
      const known = { workspaceId: 'restored', userId: 'known', keyHash: 'k', signedInAt: NOW };
      const stranger = { ...known, userId: 'stranger' };
      await connection.transact(async (tx) => ({ value: await tx.raiseEpoch('restored', 'known'), records: [] }));
      const distrust = () =>
        connection.transact(async (tx) => ({ value: await tx.distrustSessions(NOW + 5), records: [] }));
      const workspaces = await distrust();
      t.ok(workspaces.includes('restored') && workspaces.includes('w1'), 'every workspace there is');
      t.equal(new Set(workspaces).size, workspaces.length);
      const { epochs, endedAt } = await store.sessionStanding(known);
      t.ok(epochs.user > 1_000_000 && epochs.workspace > 1_000_000, 'beyond what can have been given since');
      t.equal(endedAt, NOW + 5);
      t.equal(
        (await store.sessionStanding({ ...known, signedInAt: NOW + 6 })).endedAt,
        null,
        'a later sign-in goes on',
      );
      const other = await store.sessionStanding(stranger);
      t.strictSame(
        other.epochs,
        { user: 0, workspace: epochs.workspace },
        'those without a row share their workspace’s',
      );
      await distrust();
      t.ok((await store.sessionStanding(known)).epochs.user > epochs.user, 'and again');
    });

    t.test('errors carry neither parameters nor rows', async (t) => {
      const { connection, records } = await writerOf(store);
      t.teardown(() => connection.close());
      const secret = 'hunter2-secret';
      await query(`alter table countersign.factor add constraint refuse check (label <> $$${secret}$$)`);
      const [record] = records(1, { reason: secret });
      await connection.append([record!]);
      const failures = [
        () =>
          connection.transact(async (tx) => ({ value: await tx.putFactor(factorRow({ label: secret })), records: [] })),
        () => connection.append([record!]),
        () => store.auditEvents({ workspaceId: secret, before: { at: NOW, id: secret } }),
      ];
      for (const fail of failures) {
        const error = await fail().then(
          () => null,
          (reason: unknown) => reason,
        );
        t.match(error, { name: 'CountersignError', code: 'store_refused' });
        t.notMatch(inspect(error, { depth: 10, showHidden: true }), secret);
      }
    });

    t.test('closed: says so, at once', async (t) => {
      const writer = await writerOf(store);
      await Promise.all([store.close(), store.close()]);
      await t.rejects(store.now(), { code: 'store_closed' });
      await t.rejects(store.reserveAttempt({ workspaceId: 'w', userId: 'u', factor: 'f' }, limits, NOW), {
        code: 'store_closed',
      });
      await t.rejects(writer.connection.append(writer.records(1)), { code: 'store_closed' });
      await t.rejects(collect(store.auditStream(writer.stream)), { code: 'store_closed' });
      await t.rejects(store.openAuditConnection(), { code: 'store_closed' });
      if (name !== 'PostgreSQL') await query('select 1');
    });
  });
}
