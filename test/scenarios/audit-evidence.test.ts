// What a security officer does with the sealed log: keeps checkpoints elsewhere, verifies from a prompt, hands a proof of one event to
// somebody who has nothing but the key's text, moves old months out and still verifies; and what operators count on: sealing follows
// the commits, another process goes on where the leader was killed, and a sink that fails holds nothing up.
import { spawn } from 'node:child_process';
import { createPublicKey, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type CheckpointSink,
  createCountersign,
  type InclusionProof,
  NoteVerifier,
  type Principal,
  parseCheckpoint,
  parseProof,
  type Store,
  totp,
  verifyAuditLog,
  verifyProof,
} from '@countersign/core';
import { migrate, openStore } from '@countersign/postgres';
import postgres from 'postgres';
import t from 'tap';
import { runCommand } from '../support/command-line.ts';
import { createDatabase } from '../support/postgres-server.ts';
import { createRealStore } from '../support/real-store.ts';
import { until } from '../support/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-audit-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const KEYS = JSON.stringify({ current: 'k1', all: { k1: 'q83vEjRWeJASNFZ4kBI0VniQ/9yHZUMhdlQyEAq8j3w=' } });

const started = (store: Store, more: Partial<Parameters<typeof createCountersign>[0]> = {}) =>
  createCountersign({
    store,
    publicUrl: 'https://ehr.example.org/clinic',
    keys: JSON.parse(KEYS),
    categories: [{ id: '5', name: 'Ketamine infusion' }],
    factors: [totp({ issuer: 'Example EHR' })],
    isAdministrator: (principal: Principal) => principal.roles.includes('administrator'),
    ...more,
  });
const access = { code: 'ACCESS_ALLOWED', outcome: 'success', workspaceId: 'clinic', userId: 'carol' } as const;
const accesses = (count: number) => Array.from({ length: count }, () => access);
const sizeOf = async (store: Store) => (await store.seals.newest())?.size ?? 0;
const eventsOf = async (store: Store) => (await store.auditStreams()).reduce((sum, { index }) => sum + index + 1, 0);

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => runCommand(args, { env });
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

/** An implementation that is not ours, by what is used of it. */
const sigstore = createRequire(import.meta.url);
const merkle = sigstore('@sigstore/verify/dist/tlog/merkle.js') as {
  verifyMerkleInclusion(
    entry: { canonicalizedBody: Buffer; inclusionProof: { logIndex: string; hashes: Buffer[] } },
    checkpoint: { logSize: bigint; logHash: Buffer },
  ): void;
};
const tlog = sigstore('@sigstore/verify/dist/tlog/checkpoint.js') as {
  verifyCheckpoint(
    entry: { inclusionProof: { checkpoint: { envelope: string } } },
    logs: { logID: Buffer; baseURL: string; publicKey: ReturnType<typeof createPublicKey> }[],
  ): { logSize: bigint; logHash: Buffer };
};

/** Verifies an inclusion proof as sigstore does for its own logs. */
function bySigstore({ event, leafIndex, hashes, checkpoint }: InclusionProof, vkey: string): void {
  const [, name = '', id = '', key = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey) ?? [];
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(key, 'base64').subarray(1)]);
  const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  const log = { logID: Buffer.from(id, 'hex'), baseURL: `https://${name}`, publicKey };
  const signed = tlog.verifyCheckpoint({ inclusionProof: { checkpoint: { envelope: checkpoint } } }, [log]);
  merkle.verifyMerkleInclusion(
    {
      canonicalizedBody: Buffer.from(event.hash),
      inclusionProof: { logIndex: String(leafIndex), hashes: hashes.map((hash) => Buffer.from(hash)) },
    },
    signed,
  );
}

t.test('sealing follows the commits, under load and from several processes', async (t) => {
  const store = await createRealStore();
  const brought: string[] = [];
  const sink: CheckpointSink = {
    name: 'vault',
    deliver: async (checkpoint) => {
      brought.push(checkpoint);
    },
  };
  const one = await started(store, { audit: { checkpointSinks: [sink] } });
  const two = await started(store);
  const before = await eventsOf(store);
  await Promise.all(
    [one, two].map(async ({ audit }) => {
      for (let n = 0; n < 20; n += 1) await Promise.all(accesses(50).map((event) => audit.append([event])));
    }),
  );
  const events = await eventsOf(store);
  t.ok(events >= before + 2000);
  await until(async () => (await sizeOf(store)) === events);
  const verifiers = (await one.seals.vkeys()).map((vkey) => NoteVerifier.parse(vkey));
  t.match(await verifyAuditLog({ store, verifiers: () => verifiers }), {
    deviation: null,
    sealed: events,
    unsealed: 0,
  });
  await until(() => parseCheckpoint(brought.at(-1) ?? '').size === events || brought.length === 0);
  const leads = brought.length > 0 ? one : two;
  t.strictSame(await two.seals.vkeys(), await one.seals.vkeys());

  // The first, the last, and one in the middle of a subtree: by us, by sigstore, and changed by nobody.
  const some = await store.auditEvents({ workspaceId: 'clinic', limit: 1000 });
  for (const event of [some[0], some[500], some.at(-1)]) {
    const proof = await one.seals.inclusionProof(event?.id ?? '');
    if (proof === null) throw new Error('It is sealed.');
    t.ok(verifyProof(proof, verifiers));
    t.doesNotThrow(() => bySigstore(proof, verifiers[0]?.vkey ?? ''));
    const altered = { ...proof, event: { ...proof.event, userId: 'mallory' } };
    t.notOk(verifyProof(altered, verifiers), 'of another content nothing is proved');
    t.notOk(verifyProof({ ...proof, leafIndex: proof.leafIndex === 0 ? 1 : 0 }, verifiers));
    const wrong = { ...proof, hashes: proof.hashes.map(() => new Uint8Array(32)) };
    t.notOk(verifyProof(wrong, verifiers));
    t.throws(() => bySigstore(wrong, verifiers[0]?.vkey ?? ''));
  }
  // From every checkpoint there ever was to the newest.
  await one.audit.append([access]);
  await until(async () => (await sizeOf(store)) > events);
  const seals = await store.seals.page(0, 1000);
  t.ok(seals.length > 1);
  for (const { checkpoint } of seals) t.ok(verifyProof(await one.seals.consistencyProof(checkpoint), verifiers));
  t.ok(leads.audit.stream);

  // The page of administrators has the proof of an event of their own workspace, and of no other.
  const principal = (roles: string[], workspaceId = 'clinic') =>
    one.principalOf({
      userId: 'erin',
      workspaceId,
      roles,
      displayName: 'Erin',
      signedInAt: new Date(),
      sessionKey: 's',
    });
  const id = some[0]?.id ?? '';
  const shown = await one.administration.inclusionProof(principal(['administrator']), id);
  t.match(shown, { event: { id }, treeSize: seals.at(-1)?.size });
  const refused = one.administration.inclusionProof(principal(['administrator'], 'other'), id);
  await t.rejects(refused, { code: 'not_found' });
  await t.rejects(one.administration.inclusionProof(principal([]), id), { code: 'administrator_required' });
  await t.rejects(one.administration.inclusionProof(principal(['administrator']), 'x'), { code: 'not_found' });
  await one.close();
  await two.close();
});

t.test(
  'the leader is killed in the middle of sealing, again and again: nothing is sealed twice, nothing left out',
  async (t) => {
    const store = await createRealStore();
    const script = fileURLToPath(new URL('../attacks/sealing-process.mjs', import.meta.url));
    for (let kill = 0; kill < 3; kill += 1) {
      const size = await sizeOf(store);
      const child = spawn(process.execPath, [script, store.url, KEYS], { stdio: 'ignore' });
      const gone = new Promise((resolve) => child.once('exit', resolve));
      await until(async () => (await sizeOf(store)) > size);
      child.kill('SIGKILL');
      await gone;
    }
    const killed = await eventsOf(store);
    t.ok(killed > (await sizeOf(store)) - 1);
    const next = await started(store);
    await until(async () => (await sizeOf(store)) === (await eventsOf(store)));
    const verifiers = (await next.seals.vkeys()).map((vkey) => NoteVerifier.parse(vkey));
    const events = await eventsOf(store);
    t.match(await verifyAuditLog({ store, verifiers: () => verifiers }), {
      deviation: null,
      sealed: events,
      unsealed: 0,
    });
    const sql = postgres(store.url, { max: 1, onnotice: () => {} });
    const [streams] =
      await sql`select count(*)::int as all, count(ended_by)::int as ended from countersign.audit_stream`;
    t.match(streams, { all: 4, ended: 3 }, 'the streams of the killed are closed, and sealed to their ends');

    // Two that think they lead: the database takes the seal of one.
    const [seal] = await store.seals.page((await store.seals.newest())?.number ?? 0, 1);
    if (seal === undefined) throw new Error('There is a seal.');
    t.equal(await store.seals.append(seal, seal.ranges, []), false, 'the same seal again');
    const again = { ...seal, number: seal.number + 1 };
    t.equal(await store.seals.append(again, seal.ranges, []), false, 'the same events under another number');
    const ranges = seal.ranges.map((range) => ({
      ...range,
      seal: again.number,
      from: range.until + 5,
      until: range.until + 6,
    }));
    t.equal(await store.seals.append(again, ranges, []), false, 'a range that leaves events out');
    t.equal((await store.seals.newest())?.number, seal.number);
    await sql.end();
    await next.close();
  },
);

t.test('a sink that fails is told of once, gets the newest later, and holds up nothing', async (t) => {
  const store = await openStore('memory://');
  let working = false;
  let elapsed = 0;
  const taken: number[] = [];
  const countersign = await started(store, {
    clock: { now: () => 1_772_000_000_000 + elapsed, elapsed: () => elapsed },
    audit: {
      checkpointSinks: [
        {
          name: 'vault',
          async deliver(_checkpoint, { size }) {
            if (!working) throw new Error('secret address of the vault');
            taken.push(size);
          },
        },
        { name: 'mirror', deliver: () => new Promise<void>(() => {}) },
      ],
    },
  });
  const told = async (code: string) => {
    const found = [];
    for await (const event of store.auditStream(countersign.audit.stream ?? ''))
      if (event.code === code) found.push(event);
    return found;
  };
  const states = () => Object.fromEntries(countersign.checkpointSinks.map((sink) => [sink.name, sink]));
  await until(() => states().vault?.state === 'failing');
  for (let n = 0; n < 3; n += 1) {
    await countersign.audit.append(accesses(5));
    elapsed += 10_000;
    const events = await eventsOf(store);
    await until(async () => (await sizeOf(store)) >= events);
  }
  t.ok((states().vault?.lagSeconds ?? 0) >= 30, 'how far it is behind can be read');
  working = true;
  elapsed += 70_000;
  await until(() => states().vault?.state === 'current' && states().mirror?.state === 'failing');
  t.equal(taken.at(0), taken.at(-1), 'the newest, and none of those between');
  t.match(states().vault, { lagSeconds: 0, delivered: { size: taken.at(-1) } });
  await until(async () => (await told('AUDIT_SINK_RECOVERED')).length === 1);
  const failed = await told('AUDIT_SINK_FAILED');
  t.strictSame(
    failed.map(({ details, reason }) => [JSON.parse(details ?? '{}').sink, reason]),
    [
      ['vault', 'rejected'],
      ['mirror', 'no-answer'],
    ],
  );
  t.notMatch(JSON.stringify(failed), 'secret');
  await countersign.close();
  await store.close();
});

t.test('from a prompt: key, checkpoint, verify, proofs, and old events moved out', async (t) => {
  const { url, name } = await createDatabase();
  const admin = postgres(url, { max: 1, onnotice: () => {} });
  const [owner, app] = [`${name}_owner`, `${name}_app`];
  for (const role of [owner, app]) await admin.unsafe(`create role ${role} login`);
  await admin.unsafe(`grant create on database ${name} to ${owner}`);
  t.teardown(async () => {
    for (const role of [owner, app]) await admin.unsafe(`drop owned by ${role} cascade; drop role ${role}`);
    await admin.end();
  });
  const as = (role: string) => {
    const its = new URL(url);
    its.username = role;
    return its.href;
  };
  await migrate(as(owner), { applicationRole: app });
  const reader = ['--database', as(app)];
  const env = { COUNTERSIGN_KEYS: KEYS };
  t.match(await run(['audit', 'checkpoint', ...reader]), { status: 1, err: /Nothing is sealed/ });
  t.match(await run(['audit', 'key', ...reader], env), { status: 1, err: /--origin/ });
  t.match(await run(['audit', 'verify', ...reader]), { status: 2, err: /--vkey/ });

  // December, and January.
  const december = Date.UTC(2025, 11, 20);
  let now = december;
  const store = await openStore(as(app));
  const countersign = await started(store, { clock: { now: () => now, elapsed: () => performance.now() } });
  await countersign.audit.append(accesses(300));
  const all = async () => (await sizeOf(store)) === (await eventsOf(store));
  await until(all);
  const old = file('old.checkpoint', (await run(['audit', 'checkpoint', ...reader])).out);
  await countersign.audit.append(accesses(10));
  await until(all);
  const boundary = await sizeOf(store);
  now = Date.UTC(2026, 0, 5);
  await countersign.audit.append(accesses(300));
  await until(all);
  const stream = countersign.audit.stream ?? '';
  await countersign.close();
  const fresh = file('fresh.checkpoint', (await run(['audit', 'checkpoint', ...reader])).out);

  const key = await run(['audit', 'key', ...reader], env);
  const vkey = key.out.trim();
  t.match(vkey, /^ehr\.example\.org\/clinic\+[0-9a-f]{8}\+/);
  const trust = ['--vkey', vkey];
  t.match(await run(['audit', 'verify', ...reader, ...trust, '--checkpoint', old, fresh]), {
    status: 0,
    out: /Intact: \d+ events under seal\.\nCompared with 2 .*\n1 events behind/,
  });
  t.match(await run(['audit', 'verify', ...reader], env), { status: 0, out: /Compared with no checkpoint/ });
  const wrong = NoteVerifier.parse(vkey).vkey.replace(/^ehr/, 'eht');
  t.match(await run(['audit', 'verify', ...reader, '--vkey', wrong]), { status: 2, err: /checkpoint_key_invalid/ });
  t.match(await run(['audit', 'verify', ...trust, '--database', 'postgres://postgres@127.0.0.1:1/none']), {
    status: 2,
  });
  const cut = file('cut.checkpoint', readFileSync(old, 'utf8').slice(0, -5));
  t.match(await run(['audit', 'verify', ...reader, ...trust, '--checkpoint', cut]), {
    status: 2,
    err: /checkpoint_invalid/,
  });

  // An outsider with the proofs and the text of the key.
  const records = [];
  for await (const record of store.auditStream(stream)) records.push(record);
  const proofs: string[] = [];
  for (const index of [0, 150, boundary, boundary + 1]) {
    const proof = await run(['audit', 'prove-inclusion', records[index]?.id ?? '', ...reader]);
    t.equal(proof.status, 0, proof.err);
    bySigstore(parseProof(proof.out) as InclusionProof, vkey);
    proofs.push(file(`${index}.proof`, proof.out));
  }
  const consistent = await run(['audit', 'prove-consistency', old, ...reader]);
  proofs.push(file('consistency.proof', consistent.out));
  for (const proof of proofs)
    t.match(await run(['audit', 'verify-proof', proof, ...trust]), { status: 0, out: /holds/ });
  const forged = file('forged.proof', readFileSync(proofs[1] ?? '', 'utf8').replace('"carol"', '"alice"'));
  t.match(await run(['audit', 'verify-proof', forged, ...trust]), { status: 1, out: /does not hold/ });
  t.match(await run(['audit', 'verify-proof', old, ...trust]), { status: 1, err: /audit_proof_invalid/ });
  const last = records.length;
  for await (const record of store.auditStream(stream))
    if (record.index === last - 1)
      t.match(await run(['audit', 'prove-inclusion', record.id, ...reader]), { status: 1, err: /not sealed yet/ });
  t.match(
    await run([
      'audit',
      'prove-inclusion',
      randomBytes(16)
        .toString('hex')
        .replace(/(.{8})(.{4})(.{4})(.{4})(.*)/, '$1-$2-$3-$4-$5'),
      ...reader,
    ]),
    { status: 1, err: /not_found/ },
  );

  // Moved out: not by the application, not over another file, and only what is older.
  const to = join(folder, 'december.ndjson');
  const move = ['audit', 'archive', '--before', '2026-01', '--to', to];
  t.match(await run([...move, '--database', as(app)]), { status: 1 }, 'the application may not');
  const head = (await store.auditStreams()).find((each) => each.stream === stream);
  t.equal(head?.index, records.length - 1, 'and nothing went');
  t.match(await run([...move, '--database', as(owner)]), { status: 1 }, 'nor over a file that is there');
  rmSync(to);
  t.match(await run(['audit', 'archive', '--before', 'soon', '--to', to, '--database', as(owner)]), {
    status: 1,
    err: /2026-01/,
  });
  const gone = await run([...move, '--database', as(owner)]);
  t.match(
    gone,
    { status: 0, out: new RegExp(`Seals 0 to \\d+, ${boundary} events\\. SHA-256 [0-9a-f]{64}`) },
    gone.err,
  );
  const left = [];
  for await (const record of store.auditStream(stream)) left.push(record.index);
  t.equal(left[0], boundary, 'what is older is gone, and nothing else');
  t.match(await run(['audit', 'archive', '--before', '2026-01', '--to', join(folder, 'x'), '--database', as(owner)]), {
    status: 1,
    err: /nothing was moved out/,
  });

  // What is left verifies by itself, and together with the file.
  const alone = await run(['audit', 'verify', ...reader, ...trust, '--checkpoint', old, fresh]);
  t.match(alone, { status: 2, err: /audit_archive_invalid/ }, 'the old checkpoint covers only what is in the file');
  t.match(await run(['audit', 'verify', ...reader, ...trust, '--checkpoint', fresh]), {
    status: 0,
    out: new RegExp(`${boundary} events were moved out`),
  });
  t.match(await run(['audit', 'verify', ...reader, ...trust, '--checkpoint', old, fresh, '--archive', to]), {
    status: 0,
    out: /Compared with 2/,
  });
  const edited = file('edited.ndjson', readFileSync(to, 'utf8').replace('"userId":"carol"', '"userId":"alice"'));
  t.match(await run(['audit', 'verify', ...reader, ...trust, '--archive', edited]), {
    status: 1,
    out: new RegExp(`edited: stream ${stream}, index 2,`),
  });

  // New seals go on, and proofs of what is left, the first of it too; of what is gone only the file has them.
  const again = await started(store, { clock: { now: () => now, elapsed: () => performance.now() } });
  await until(all).catch(() => {});
  const events = await store.auditEvents({ workspaceId: 'clinic', limit: 1000 });
  const verifiers = [NoteVerifier.parse(vkey)];
  for (const event of [events.at(-1), events.at(-2), events[0]]) {
    const proof = await again.seals.inclusionProof(event?.id ?? '');
    t.ok(proof !== null && verifyProof(proof, verifiers), `index ${event?.index}`);
  }
  t.ok(verifyProof(await again.seals.consistencyProof(readFileSync(fresh, 'utf8')), verifiers));
  await again.close();
  t.match(await run(['audit', 'verify', ...reader, ...trust, '--checkpoint', old, fresh, '--archive', to]), {
    status: 0,
  });
  const archived = [];
  for (const head of await store.auditStreams())
    for await (const event of store.auditStream(head.stream)) if (event.code === 'AUDIT_ARCHIVED') archived.push(event);
  const outcomes = archived.map(({ outcome }) => outcome);
  t.strictSame(outcomes.sort(), ['failure', 'success', 'success'], 'said before it is done, and where it was refused');
  await store.close();
});
