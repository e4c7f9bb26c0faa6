// What the leader puts under seal, and what it refuses to go on from; and proofs out of a tree of which only some subtrees are kept.
import { hash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { verifyProof } from '../../src/audit/audit-proof.ts';
import { chainHash, normaliseEvent } from '../../src/audit/canonical.ts';
import { NoteSigner, parseCheckpoint } from '../../src/audit/checkpoint.ts';
import { CheckpointKeys } from '../../src/audit/checkpoint-keys.ts';
import { verifyConsistency, verifyInclusion } from '../../src/audit/merkle-proof.ts';
import { proveConsistency, proveInclusion } from '../../src/audit/prove.ts';
import { Sealer } from '../../src/audit/sealer.ts';
import { StoredTree } from '../../src/audit/stored-tree.ts';
import { verifyAuditLog } from '../../src/audit/verify-audit-log.ts';
import { AuditWriter } from '../../src/audit/writer.ts';
import { type Configuration, resolveConfiguration } from '../../src/configuration/configuration.ts';
import { CountersignError } from '../../src/errors/countersign-error.ts';
import { totp } from '../../src/factors/totp.ts';
import { SealingDuty } from '../../src/flows/audit-seals.ts';
import type { AuditRecord } from '../../src/store/store.ts';
import { FakeSeals } from '../support/fake-seals.ts';
import { FakeStore } from '../support/fake-store.ts';

const SEED = new Uint8Array(32).fill(1);
const keysOf = (seed: Uint8Array, earlier: string[] = [], origin: string | null = null, fallback = 'one.example.org') =>
  new CheckpointKeys({ origin, fallback, key: null, seeds: [seed], earlier });
const keys = keysOf(SEED);
/** A clock whose every look takes a millisecond, so that a turn ends. */
const ticking = () => {
  let at = 0;
  return { now: () => 1_772_000_000_000, elapsed: () => (at += 1) };
};
const uuid = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

/** Records of a stream; chained where something will recompute them. */
function stream(number: number, count: number, chained = false): AuditRecord[] {
  let head: Uint8Array = new Uint8Array(32);
  const event = normaliseEvent({ code: 'ACCESS_ALLOWED', outcome: 'success', workspaceId: 'w', userId: 'u' });
  return Array.from({ length: count }, (_, index) => {
    const place = { stream: uuid(number), index, id: uuid(number * 1_000_000 + index + 1), at: index };
    const record = { ...event, ...place, hash: head };
    head = chained ? chainHash(head, record) : hash('sha256', `${number} ${index}`, 'buffer');
    return { ...record, hash: head };
  });
}

async function sealAll(sealer: Sealer, seals: FakeSeals): Promise<void> {
  do await sealer.run();
  while ((await seals.unsealed()).length > 0);
}

t.test('a stream that is far behind takes no room from the others, and all of it is sealed', async (t) => {
  const seals = new FakeSeals([...stream(1, 40_000), ...stream(2, 3), ...stream(3, 500)]);
  await sealAll(new Sealer({ seals, keys, clock: ticking() }), seals);
  const first = seals.ranged.filter(({ seal }) => seal === 0);
  t.match(
    first.map((range) => [range.stream, range.from, range.until]),
    [
      [uuid(1), 0, 16_384 - 503],
      [uuid(2), 0, 3],
      [uuid(3), 0, 500],
    ],
  );
  t.equal(seals.rows.at(-1)?.size, 40_503);
  t.ok(seals.rows.length <= 4);
});

t.test('proofs of a tree of 70,000 leaves, from its stored subtrees', async (t) => {
  const records = stream(1, 70_000);
  const seals = new FakeSeals(records);
  await sealAll(new Sealer({ seals, keys, clock: ticking() }), seals);
  t.strictSame([...new Set(seals.tree.map(({ level }) => level))].sort(), [16, 8]);
  const newest = seals.rows.at(-1);
  if (newest === undefined) throw new Error('There are seals.');
  const tree = await StoredTree.open(seals, newest.size, []);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 69_999 }), async (index) => {
      const hashes = await tree.inclusion(index);
      return verifyInclusion((records[index] as AuditRecord).hash, index, newest.size, hashes, newest.root);
    }),
    { numRuns: 25, examples: [[0], [65_535], [65_536], [69_999]] },
  );
  for (const seal of seals.rows)
    t.ok(verifyConsistency(seal, newest, await tree.consistency(seal.size)), `${seal.size}`);
});

t.test('what was tampered with is not carried on', async (t) => {
  const records = stream(1, 10, true);
  const seals = new FakeSeals(records);
  const sealer = new Sealer({ seals, keys, clock: ticking() });
  await sealer.run();
  const [sound] = seals.rows;
  if (sound === undefined) throw new Error('There is a seal.');
  records.push(...stream(2, 5, true));
  const refused = { code: 'audit_sealing_refused' };
  const stranger = new NoteSigner('one.example.org', new Uint8Array(32).fill(2));
  for (const [what, row] of [
    ['another frontier', { ...sound, frontier: Buffer.alloc(sound.frontier.length) }],
    ['another size', { ...sound, size: 12 }],
    ['signed by a stranger', { ...sound, checkpoint: stranger.sign(`${sound.checkpoint.split('\n\n')[0]}\n`) }],
  ] as const) {
    seals.rows[0] = row;
    await t.rejects(sealer.run(), refused, what);
    await t.rejects(new Sealer({ seals, keys, clock: ticking() }).run(), refused, `${what}, by another leader`);
  }
  seals.rows.length = 0;
  await t.rejects(sealer.run(), refused, 'gone');
  seals.rows.push(sound);
  await sealer.run();
  t.equal(seals.rows.at(-1)?.size, 15);
  records.splice(3, 1);
  records.push(...stream(3, 2, true));
  await sealer.run();
  records.pop();
  records.push(...stream(4, 1).map((record) => ({ ...record, hash: new Uint8Array(31) })));
  await t.rejects(sealer.run(), refused, 'a hash of another length');
});

t.test('keys: old seals are gone on from while their key is known, under the name of the first', async (t) => {
  const records = stream(1, 3, true);
  const seals = new FakeSeals(records);
  await new Sealer({ seals, keys, clock: ticking() }).run();
  records.push(...stream(2, 3, true));
  const next = new Uint8Array(32).fill(2);
  await t.rejects(new Sealer({ seals, keys: keysOf(next), clock: ticking() }).run(), { code: 'audit_sealing_refused' });
  const old = keys.signer(null).verifier.vkey;
  const moved = keysOf(next, [old], null, 'moved.example.org');
  await new Sealer({ seals, keys: moved, clock: ticking() }).run();
  const notes = seals.rows.map(({ checkpoint }) => checkpoint);
  t.strictSame(
    notes.map((note) => parseCheckpoint(note).origin),
    ['one.example.org', 'one.example.org'],
  );
  const store = { seals, auditStreams: async () => [] };
  const verify = (by: CheckpointKeys) =>
    verifyAuditLog({ store, verifiers: (origin) => by.verifiers(origin), checkpoints: [] });
  t.match(await verify(moved), { deviation: null, sealed: 6 });
  t.match((await verify(keysOf(next))).deviation, { kind: 'forged-signature', seal: 0 });
  t.match((await verify(keys)).deviation, { kind: 'forged-signature', seal: 1 });
  const proof = await proveInclusion(seals, records[4]?.id ?? '');
  const verifiers = moved.verifiers('one.example.org');
  t.ok(proof !== null && verifyProof(proof, verifiers));
  t.ok(verifyProof(await proveConsistency(seals, notes[0] ?? ''), verifiers), 'from a checkpoint of the old key');
  await t.rejects(proveInclusion(seals, uuid(9)), { code: 'not_found' });
  await t.rejects(proveConsistency(new FakeSeals([]), notes[0] ?? ''), { code: 'audit_proof_invalid' });
});

t.test('a database that is away for a moment is no failure of sealing; what lasts is told, once', async (t) => {
  const store = new FakeStore();
  let elapsed = 0;
  const clock = { now: () => 1_772_000_000_000, elapsed: () => elapsed };
  const configuration: Configuration = resolveConfiguration({
    store,
    publicUrl: 'https://ehr.example.org',
    keys: { current: 'k1', all: { k1: 'q83vEjRWeJASNFZ4kBI0VniQ/9yHZUMhdlQyEAq8j3w=' } },
    categories: [{ id: '5', name: 'Ketamine infusion' }],
    factors: [totp({ issuer: 'Example EHR' })],
    clock,
  });
  const audit = new AuditWriter({ store, clock, ids: () => crypto.randomUUID() });
  await audit.open();
  const duty = new SealingDuty(configuration, store, audit);
  const told = async () => {
    await audit.append([{ code: 'CLOCK_SET_BACK', outcome: 'success', workspaceId: null, userId: null }]);
    return store.records.filter(({ code }) => code === 'AUDIT_SEALING_FAILED').map(({ reason }) => reason);
  };
  await duty.run();
  const { unsealed } = store.seals;
  const failing = (code: 'store_unavailable' | 'store_refused') => {
    store.seals.unsealed = async () => {
      throw new CountersignError(code);
    };
  };
  failing('store_unavailable');
  elapsed += 1000;
  await duty.run();
  t.strictSame(await told(), []);
  elapsed += 5000;
  await duty.run();
  await duty.run();
  t.strictSame(await told(), ['store_unavailable']);
  failing('store_refused');
  await duty.run();
  await duty.run();
  t.strictSame(await told(), ['store_unavailable', 'store_refused'], 'another reason is another state');
  store.seals.unsealed = unsealed;
  await duty.run();
  failing('store_refused');
  await duty.run();
  t.strictSame(await told(), ['store_unavailable', 'store_refused', 'store_refused'], 'and so is a new failure');
  await duty.close();
  await audit.close();
});
