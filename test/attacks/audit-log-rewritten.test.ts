// The log is rewritten by somebody who can do anything in the database (threat 17): a superuser with the triggers off, who edits,
// deletes, cuts off, reorders, recomputes a whole stream with all its hashes, the seals too, and even has the key that signs them. A
// verifier with nothing but a checkpoint that was kept elsewhere finds each of it, and says what and where.
import {
  type AuditDeviation,
  type AuditLogCheck,
  type AuditRecord,
  CheckpointKeys,
  chainHash,
  checkpointText,
  createCountersign,
  NoteSigner,
  parseCheckpoint,
  totp,
  verifyAuditLog,
} from '@countersign/core';
import postgres from 'postgres';
import t from 'tap';
import { createRealStore } from '../support/real-store.ts';
import { until } from '../support/until.ts';

const SEED = new Uint8Array(32).map((_, at) => (at * 37 + 11) % 256);
const NAME = 'ehr.example.org';
const keys = new CheckpointKeys({ origin: NAME, fallback: NAME, key: SEED, seeds: [], earlier: [] });

const store = await createRealStore();
const started = () =>
  createCountersign({
    store,
    publicUrl: 'https://ehr.example.org',
    keys: { current: 'k1', all: { k1: 'q83vEjRWeJASNFZ4kBI0VniQ/9yHZUMhdlQyEAq8j3w=' } },
    categories: [{ id: '5', name: 'Ketamine infusion' }],
    factors: [totp({ issuer: 'Example EHR' })],
    audit: { checkpointKey: SEED, origin: NAME },
  });
const events = (count: number) =>
  Array.from({ length: count }, (_, at) => ({
    code: 'ACCESS_ALLOWED' as const,
    outcome: 'success' as const,
    workspaceId: 'clinic',
    userId: `u${at}`,
    patientId: at % 2 === 0 ? 'p1' : null,
    factor: 'ab',
    reason: 'c',
  }));
const sizeOf = (note: string | null) => (note === null ? 0 : parseCheckpoint(note).size);
/** Waits until this many events are sealed; returns the checkpoint. */
async function sealed(size: number): Promise<string> {
  await until(async () => sizeOf((await store.seals.newest())?.checkpoint ?? null) >= size);
  return (await store.seals.newest())?.checkpoint ?? '';
}

// Two streams: 12 and 300 events, and the end of the first; then 20 more in the second, of which the last is not sealed.
const first = await started();
await first.audit.append(events(10));
const early = await sealed(12);
await first.audit.append(events(300));
await sealed(312);
const one = first.audit.stream ?? '';
await first.close();
const second = await started();
await second.audit.append(events(20));
const late = await sealed(335);
const two = second.audit.stream ?? '';
await second.close();

const sql = postgres(store.url, { max: 1, onnotice: () => {} });
t.teardown(() => sql.end());
const tables = ['audit_event', 'audit_seal', 'audit_seal_range', 'audit_node'];
for (const table of tables) {
  await sql.unsafe(
    `alter table countersign.${table} disable trigger all; create table kept_${table} as table countersign.${table}`,
  );
}
async function restore(): Promise<void> {
  await sql.unsafe(`truncate ${tables.map((table) => `countersign.${table}`).join(', ')}`);
  for (const table of tables) await sql.unsafe(`insert into countersign.${table} table kept_${table}`);
}

const verify = (checkpoints: readonly string[] = [], options: Partial<AuditLogCheck> = {}) =>
  verifyAuditLog({ store, verifiers: (origin) => keys.verifiers(origin), checkpoints, ...options });

/** Writes a stream anew from an index on, with all its hashes. */
async function recompute(stream: string, from: number, change: (record: AuditRecord) => AuditRecord, end = Infinity) {
  let head: Uint8Array = new Uint8Array(32);
  const records: AuditRecord[] = [];
  for await (const record of store.auditStream(stream)) records.push(record);
  for (const record of records) {
    if (record.index < from || record.index >= end) {
      head = record.hash;
      continue;
    }
    const changed = record.index === from ? change(record) : record;
    head = chainHash(head, changed);
    await sql`update countersign.audit_event set user_id = ${changed.userId}, hash = ${Buffer.from(head)}
      where stream = ${stream} and index = ${record.index}`;
  }
}
const other = (record: AuditRecord): AuditRecord => ({ ...record, userId: 'somebody else' });

/** Seals everything anew, as somebody who knows how, with a key. */
async function sealAnew(seed: Uint8Array<ArrayBuffer>, size = Number.POSITIVE_INFINITY): Promise<void> {
  await sql.unsafe('truncate countersign.audit_seal, countersign.audit_seal_range, countersign.audit_node');
  const forger = await createCountersign({
    store,
    publicUrl: 'https://ehr.example.org',
    keys: { current: 'k1', all: { k1: 'q83vEjRWeJASNFZ4kBI0VniQ/9yHZUMhdlQyEAq8j3w=' } },
    categories: [{ id: '5', name: 'Ketamine infusion' }],
    factors: [totp({ issuer: 'Example EHR' })],
    audit: { checkpointKey: seed, origin: NAME },
  });
  await sealed(Math.min(size, 338));
  await forger.close();
}

t.test('untouched, it is intact, and what is not sealed is said', async (t) => {
  const findings = await verify([early, late]);
  t.match(findings, { deviation: null, unsealed: 1, compared: 2, archived: 0 });
  t.equal(findings.sealed, sizeOf((await store.seals.newest())?.checkpoint ?? null));
  await t.rejects(verify([early], { verifiers: () => [] }), { code: 'checkpoint_invalid' });
  const stranger = new NoteSigner(NAME, new Uint8Array(32).fill(9));
  const forged = stranger.sign(checkpointText(parseCheckpoint(early)));
  await t.rejects(verify([forged]), { code: 'checkpoint_invalid' }, 'a checkpoint of somebody else is no witness');
});

const at = (stream: string, index: number) => `stream = '${stream}' and index = ${index}`;
const edit = (set: string, stream = one, index = 100) =>
  `update countersign.audit_event set ${set} where ${at(stream, index)}`;
const moved = (stream: string, index: number) => `
  delete from countersign.audit_event where ${at(stream, index)};
  update countersign.audit_event set index = -index where stream = '${stream}' and index > ${index};
  update countersign.audit_event set index = -index - 1 where stream = '${stream}' and index < 0`;
const swap = (stream: string, index: number) => `
  update countersign.audit_event set index = -1 where ${at(stream, index)};
  update countersign.audit_event set index = ${index} where ${at(stream, index + 1)};
  update countersign.audit_event set index = ${index + 1} where ${at(stream, -1)}`;

const exact = { stream: one, index: 100, until: 101 };
const attacks: [string, string | (() => Promise<void>), Partial<AuditDeviation>, (readonly string[])?][] = [
  ['a field', edit(`user_id = 'x'`), { kind: 'edited', ...exact }],
  ['columns shifted', edit(`factor = 'a', reason = 'bc'`), { kind: 'edited', ...exact }],
  ['null for a value', edit('patient_id = null'), { kind: 'edited', ...exact }],
  ['the instant', edit(`at = at - interval '1 ms'`), { kind: 'edited', ...exact }],
  ['before 1970', edit(`at = '1900-01-01'`), { kind: 'edited', ...exact }],
  ['its hash alone', edit(`hash = sha256('x')`), { kind: 'edited', stream: one }],
  ['no hash', edit(`hash = ''`), { kind: 'edited', stream: one }],
  ['the last sealed one', edit(`user_id = 'x'`, two, 21), { kind: 'edited', stream: two, index: 21 }],
  ['one behind the seals', edit(`user_id = 'x'`, two, 22), { kind: 'edited', stream: two, index: 22, seal: null }],
  ['one deleted', `delete from countersign.audit_event where ${at(one, 100)}`, { kind: 'deleted', ...exact }],
  [
    'many deleted',
    `delete from countersign.audit_event where stream = '${one}' and index between 100 and 150`,
    { kind: 'deleted', stream: one, index: 100, until: 151 },
  ],
  [
    'the first deleted',
    `delete from countersign.audit_event where ${at(one, 0)}`,
    { kind: 'deleted', stream: one, index: 0 },
  ],
  ['one deleted, the rest moved up', moved(one, 100), { kind: 'deleted', stream: one, index: 100 }],
  ['two swapped', swap(one, 100), { kind: 'reordered', stream: one, index: 100 }],
  [
    'the end cut off',
    `delete from countersign.audit_event where stream = '${one}' and index >= 290`,
    { kind: 'truncated', stream: one, index: 290 },
  ],
  [
    'a stream removed',
    `delete from countersign.audit_event where stream = '${one}'`,
    { kind: 'truncated', stream: one, index: 0 },
  ],
  [
    'one put before the first',
    `insert into countersign.audit_event (stream, index, id, at, code, outcome, hash) values ('${one}', -5, gen_random_uuid(), now(), 'MFA_SUCCESS', 'success', sha256('x'))`,
    { kind: 'edited', stream: one, index: -5 },
  ],
  ['recomputed from the start', () => recompute(one, 2, other), { kind: 'recomputed', stream: one }],
  ['recomputed from the middle', () => recompute(one, 200, other), { kind: 'recomputed', stream: one }],
  ['a part recomputed', () => recompute(one, 100, other, 110), { kind: 'edited', stream: one }],
  [
    'a range taken away',
    `delete from countersign.audit_seal_range where stream = '${one}' and start = (select max(start) from countersign.audit_seal_range where stream = '${one}' and start < 312)`,
    { kind: 'deleted' },
  ],
  [
    'a range changed',
    `update countersign.audit_seal_range set until_index = until_index - 1 where start = 0`,
    { seal: 0 },
  ],
  ['a seal taken away', 'delete from countersign.audit_seal where number = 1', { kind: 'deleted', seal: 1 }],
  [
    'two seals swapped',
    'update countersign.audit_seal set number = -1 where number = 0; update countersign.audit_seal set number = 0 where number = 1; update countersign.audit_seal set number = 1 where number = -1',
    { kind: 'reordered', seal: 0 },
  ],
  [
    'the root of a seal',
    `update countersign.audit_seal set root = sha256('x') where number = 1`,
    { kind: 'edited', seal: 1 },
  ],
  [
    'the frontier of a seal',
    `update countersign.audit_seal set frontier = '' where number = 1`,
    { kind: 'edited', seal: 1 },
  ],
  [
    'a stored subtree',
    `update countersign.audit_node set hash = sha256('x') where level = 8 and index = 0`,
    { kind: 'edited' },
  ],
  [
    'the signature',
    `update countersign.audit_seal set checkpoint = replace(checkpoint, ' ' || split_part(split_part(checkpoint, E'\\n', 5), ' ', 3), ' ' || repeat('A', 90) || 'A=') where number = 1`,
    { kind: 'forged-signature', seal: 1 },
  ],
  [
    'a checkpoint that is none',
    `update countersign.audit_seal set checkpoint = 'x' where number = 1`,
    { kind: 'forged-signature', seal: 1 },
  ],
  [
    'recomputed, and sealed anew with a key of their own',
    async () => {
      await recompute(one, 2, other);
      await sealAnew(new Uint8Array(32).fill(3).map((_, place) => place * 5));
    },
    { kind: 'forged-signature', seal: 0 },
  ],
  [
    'recomputed, and sealed anew with our very key',
    async () => {
      await recompute(one, 5, other);
      await sealAnew(SEED);
    },
    { kind: 'recomputed', stream: one, index: 0 },
    [early, late],
  ],
  [
    'recomputed behind the early checkpoint, with our very key',
    async () => {
      await recompute(one, 200, other);
      await sealAnew(SEED);
    },
    { kind: 'recomputed', stream: one, index: 12 },
    [early, late],
  ],
  [
    'the last seals and what they cover cut off',
    `delete from countersign.audit_event where stream = '${two}'; delete from countersign.audit_event where stream = '${one}' and index > 200;
     delete from countersign.audit_seal where number > 0; delete from countersign.audit_seal_range where seal > 0; delete from countersign.audit_node`,
    { kind: 'truncated' },
    [early, late],
  ],
  [
    'all of it removed',
    'truncate countersign.audit_event, countersign.audit_seal, countersign.audit_seal_range, countersign.audit_node',
    { kind: 'truncated', seal: 0 },
    [late],
  ],
];

for (const [what, attack, deviation, checkpoints = [late]] of attacks) {
  t.test(`${what}: found out`, async (t) => {
    await restore();
    if (typeof attack === 'string') await sql.unsafe(attack);
    else await attack();
    const findings = await verify(checkpoints);
    t.match(findings.deviation, deviation, JSON.stringify(findings));
  });
}

t.test('who has the key leaves no trace, but for checkpoints that were kept elsewhere', async (t) => {
  await restore();
  await recompute(one, 5, other);
  await sealAnew(SEED);
  t.equal((await verify()).deviation, null, 'evidence begins at the last checkpoint out of reach');
  t.match((await verify([early])).deviation, { kind: 'recomputed' });
});

t.test('what is not sealed: a later stream has recorded where it ended', async (t) => {
  await restore();
  await sql.unsafe('truncate countersign.audit_seal, countersign.audit_seal_range, countersign.audit_node');
  t.match(await verify(), { deviation: null, sealed: 0 });
  await sql.unsafe(`delete from countersign.audit_event where stream = '${one}' and index >= 300`);
  t.match((await verify()).deviation, { kind: 'truncated', stream: one, index: 300, seal: null });
  await restore();
  await sql.unsafe('truncate countersign.audit_seal, countersign.audit_seal_range, countersign.audit_node');
  await recompute(one, 100, other);
  t.match((await verify()).deviation, { kind: 'recomputed', stream: one, seal: null });
});

t.test('a seal that was changed is not carried on under a new signature', async (t) => {
  await restore();
  await sql.unsafe(`update countersign.audit_seal set frontier = decode(repeat('00', length(frontier)), 'hex')`);
  const countersign = await started();
  const told = async () => (await store.auditStreams()).some(({ stream }) => stream === countersign.audit.stream);
  await until(async () => {
    for await (const event of store.auditStream(countersign.audit.stream ?? ''))
      if (event.code === 'AUDIT_SEALING_FAILED') return event.reason === 'audit_sealing_refused';
    return false;
  });
  t.ok(await told());
  await countersign.close();
  const failures: AuditRecord[] = [];
  for await (const event of store.auditStream(countersign.audit.stream ?? ''))
    if (event.code === 'AUDIT_SEALING_FAILED') failures.push(event);
  t.equal(failures.length, 1, 'told once, not at every turn');
});
