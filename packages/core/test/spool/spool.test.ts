// The spool: what was acknowledged is on the disk, whatever happened to the process, the disk or the file, and nobody reads it there
// without the key. What is lost is told.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { manualClock } from '../../../../test/support/clock.ts';
import type { AuditEventInput, AuditRecord } from '../../src/audit/event.ts';
import { verifyStream } from '../../src/audit/verify-stream.ts';
import { Keyring } from '../../src/keys/keyring.ts';
import { readFrames } from '../../src/spool/frame.ts';
import { readSpoolFile } from '../../src/spool/read-spool-file.ts';
import { readSealedFile, writeSealedFile } from '../../src/spool/sealed-file.ts';
import { Spool, type SpoolOptions } from '../../src/spool/spool.ts';
import { spoolFiles } from '../../src/spool/spool-folder.ts';
import { spoolState } from '../../src/spool/spool-state.ts';

const KILLS = Number(process.env.COUNTERSIGN_TEST_KILLS ?? 4);
const key = randomBytes(32).toString('base64');
const keyring = new Keyring({ current: 'k1', all: { k1: key } });
const clock = manualClock();
const event = (reason: string): AuditEventInput => ({
  code: 'ACCESS_ALLOWED',
  outcome: 'success',
  workspaceId: 'clinic',
  userId: 'carol',
  patientId: 'patient-of-note',
  reason,
});

const options = (folder: string, more: Partial<SpoolOptions> = {}): SpoolOptions => ({
  ...{ folder, mostBytes: 1e9, keyring, clock, ids: randomUUID, heads: () => [] },
  ...more,
});
const folderOf = (t: Test) => join(t.testdir(), 'spool');
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (error: unknown) => String(Reflect.get(Object(error), 'code')),
  );

/** Everything that lies in a folder, as a process that starts reads it. */
const found = async (folder: string, ring = keyring) =>
  await Promise.all((await spoolFiles(folder)).map((file) => readSpoolFile(file, ring)));
const reasonsIn = (contents: Awaited<ReturnType<typeof found>>) =>
  contents.flatMap(({ entries }) => entries.flatMap(({ records }) => records.map(({ reason }) => reason)));
const filesIn = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.includes('.spool'))
    .sort()
    .map((name) => join(folder, name));

t.test('what was appended is there for the next process: chained, in order, sealed, for the owner alone', async (t) => {
  const folder = folderOf(t);
  const head = { stream: randomUUID(), index: 4, hash: randomBytes(32) };
  const spool = await Spool.open(options(folder, { heads: () => [head] }));
  t.ok(spool.isEmpty);
  t.equal(await codeOf(Spool.open(options(folder))), 'spool_folder_in_use', 'a folder is for one process');
  const [first] = await spool.append([event('a')], [{ kind: 'grant', value: { id: 'grant-of-note' } }]);
  clock.advance(60);
  const together = await Promise.all(['b', 'c', 'd'].map((reason) => spool.append([event(reason)])));
  t.notOk(spool.isEmpty);
  t.strictSame(
    [first, ...together.flat()].map((record) => record?.index),
    [1, 2, 3, 4],
  );
  const [path = ''] = filesIn(folder);
  t.equal(statSync(path).mode & 0o777, 0o600);
  const bytes = readFileSync(path);
  t.equal(readFrames(bytes).frames.length, 2, 'those that came together share a flush');
  for (const secret of ['patient-of-note', 'carol', 'ACCESS_ALLOWED', 'grant-of-note'])
    t.notOk(bytes.includes(secret), secret);
  t.match(await spoolState(folder), { undrained: 5, damaged: 0, bytes: bytes.length, writable: true });
  t.equal((await spoolState(folder)).oldest?.getTime(), (first?.at ?? 0) - 0);
  await spool.close();
  t.equal(await codeOf(spool.append([event('late')])), 'spool_unavailable');

  const [content] = await found(folder);
  const records = content?.entries.flatMap((entry) => entry.records) ?? [];
  t.match(await verifyStream(records), { intact: true, records: 5 });
  t.match(records[0], { code: 'AUDIT_STREAM_OPENED', reason: 'spool' });
  t.strictSame(JSON.parse(records[0]?.details ?? ''), [[head.stream, 4, head.hash.toString('hex')]]);
  t.match(content?.entries[1], { rows: [{ kind: 'grant', value: { id: 'grant-of-note' } }] });
  t.match(content, { torn: 0, damaged: false });

  const other = new Keyring({ current: 'k2', all: { k2: randomBytes(32).toString('base64') } });
  t.equal(await codeOf(found(folder, other)), 'key_unknown', 'a key that was dropped is no damage');
});

t.test(
  'a file that was cut off at any byte: what is left is what was flushed before, and the cut is told',
  async (t) => {
    const folder = folderOf(t);
    const spool = await Spool.open(options(folder));
    for (const reason of ['a', 'b', 'c']) await spool.append([event(reason)]);
    await spool.close();
    const [path = ''] = filesIn(folder);
    const whole = readFileSync(path);
    const ends = [0];
    for (let end = 1; end <= whole.length; end += 1) {
      const { frames, torn, damaged, end: good } = readFrames(whole.subarray(0, end));
      if (torn === 0) ends.push(end);
      if (damaged || frames.length !== ends.length - 1 || good + torn !== end || good !== ends.at(-1))
        t.fail(`cut at ${end}`);
    }
    t.equal(ends.length, 4, 'three frames');
    for (const [frames, end] of ends.entries()) {
      writeFileSync(path, whole.subarray(0, Math.min(whole.length, end + 40)));
      const contents = await found(folder);
      t.strictSame(reasonsIn(contents), frames === 0 ? [] : ['spool', 'a', 'b', 'c'].slice(0, frames + 1));
      t.match(contents[0], { torn: frames === 3 ? 0 : 40, damaged: false });
      t.equal((await spoolState(folder)).damaged, 0);
    }

    // What follows on a torn tail has a file of its own.
    writeFileSync(path, whole.subarray(0, whole.length - 1));
    const next = await Spool.open(options(folder));
    await next.append([event('d')]);
    await next.close();
    t.strictSame(reasonsIn(await found(folder)), ['spool', 'a', 'b', 'spool', 'd']);
  },
);

t.test('a file that was altered anywhere never passes for whole', async (t) => {
  const folder = folderOf(t);
  const spool = await Spool.open(options(folder));
  for (const reason of ['a', 'b', 'c']) await spool.append([event(reason)]);
  await spool.close();
  const [path = ''] = filesIn(folder);
  const whole = readFileSync(path);
  const { frames } = readFrames(whole);
  const last = whole.length - (frames[2]?.body.length ?? 0) - 32;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: whole.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      async (at, flipped) => {
        const altered = Buffer.from(whole);
        altered[at] = (altered[at] ?? 0) ^ flipped;
        writeFileSync(path, altered);
        const contents = await found(folder);
        const reasons = reasonsIn(contents);
        // The last frame cannot be told from one that was never finished: then it is told as cut off.
        const told = at >= last ? (contents[0]?.torn ?? 0) > 0 : contents[0]?.damaged === true;
        const prefix = ['spool', 'a', 'b', 'c'].slice(0, reasons.length);
        return told && reasons.length < 4 && JSON.stringify(prefix) === JSON.stringify(reasons);
      },
    ),
    { numRuns: 60 },
  );
  const start = (at: number) => frames.slice(0, at).reduce((sum, { body }) => sum + 32 + body.length, 0);
  const part = (at: number) => whole.subarray(start(at), start(at + 1));
  for (const [what, parts] of [
    ['one taken out', [0, 2]],
    ['two changed over', [0, 2, 1]],
    ['one there twice', [0, 1, 1, 2]],
  ] as const) {
    writeFileSync(path, Buffer.concat(parts.map(part)));
    const contents = await found(folder);
    t.match(contents, [{ damaged: true }], what);
    t.match(await spoolState(folder), { damaged: 1 }, what);
    t.strictSame(reasonsIn(contents), ['spool', 'a', 'b'].slice(0, what === 'one there twice' ? 3 : 2), what);
  }
  // Whole frames of another file, with every checksum right.
  const others = join(t.testdir({ other: {} }), 'other');
  const other = await Spool.open(options(others));
  await other.append([event('x')]);
  await other.close();
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, readFileSync(filesIn(others)[0] ?? ''));
  t.match(await found(folder), [{ damaged: true, entries: [] }], 'sealed for the file it was in');
});

t.test(
  'a disk that takes no more: refused with a code, what was acknowledged stays, and nothing else counts',
  async (t) => {
    const folder = folderOf(t);
    const child = fileURLToPath(new URL('../support/spooling-process.mjs', import.meta.url));
    // The kernel itself stops the write in the middle of a frame, as a full disk does.
    const command = `ulimit -f 96; exec "$0" "$@"`;
    const run = spawnSync('bash', ['-c', command, process.execPath, child, folder, key, '8', '3000'], {
      encoding: 'utf8',
    });
    const lines = run.stdout.trim().split('\n');
    const acknowledged = lines.filter((line) => !line.startsWith('refused'));
    const refused = lines.filter((line) => line.startsWith('refused'));
    t.ok(acknowledged.length > 0, run.stderr);
    t.match(refused[0], /^refused spool_unavailable The emergency spool cannot be written to \(EFBIG\)/);
    const contents = await found(folder);
    t.ok(
      contents.every(({ torn, damaged }) => torn === 0 && !damaged),
      'what was half written was cut off again',
    );
    const records = contents.flatMap(({ entries }) => entries.flatMap((entry) => entry.records));
    t.strictSame(
      records
        .filter(({ code }) => code === 'ACCESS_ALLOWED')
        .map(({ id }) => id)
        .sort(),
      acknowledged.sort(),
    );
    rmSync(folder, { recursive: true });

    const small = await Spool.open(options(folder, { mostBytes: 8000 }));
    await small.append([event('a'.repeat(2000))]);
    t.equal(await codeOf(small.append([event('b'.repeat(4000))])), 'spool_unavailable', 'bounded');
    await small.append([event('c')]);
    await small.close();
    t.strictSame(
      reasonsIn(await found(folder)).map((reason) => reason?.slice(0, 1)),
      ['s', 'a', 's', 'c'],
    );

    const gone = await Spool.open(options(folder));
    rmSync(folder, { recursive: true });
    t.equal(await codeOf(gone.append([event('d')])), 'spool_unavailable', 'a volume that was taken away');
    t.match(await spoolState(folder), { undrained: 0, bytes: 0, oldest: null, damaged: 0, writable: false });
    await gone.close();
    t.equal(await codeOf(Spool.open(options(join(folder, 'deeper')))), 'spool_unavailable', 'no volume, no folder');
  },
);

const isPatient = { timeout: 30_000 + KILLS * 2000 };
t.test('a process that is killed while it spools: every acknowledged event is there', isPatient, async (t) => {
  const folder = folderOf(t);
  const child = fileURLToPath(new URL('../support/spooling-process.mjs', import.meta.url));
  const acknowledged = new Set<string>();
  for (let kill = 0; kill < KILLS; kill += 1) {
    const spooling = spawn(process.execPath, [child, folder, key, '16'], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    const ended = new Promise((resolve) => spooling.once('close', resolve));
    await new Promise<void>((resolve) =>
      spooling.stdout.setEncoding('utf8').on('data', (text: string) => {
        if (said === '') setTimeout(() => spooling.kill('SIGKILL'), Math.random() * 30).unref();
        said += text;
        resolve();
      }),
    );
    await ended;
    for (const id of said.split('\n').filter((line) => line.length === 36)) acknowledged.add(id);
  }
  const contents = await found(folder);
  t.equal(contents.length, KILLS, 'each process wrote a stream of its own');
  const there = new Map<string, AuditRecord>();
  for (const content of contents) {
    const records = content.entries.flatMap((entry) => entry.records);
    t.match(await verifyStream(records), { intact: true });
    t.notOk(content.damaged);
    for (const record of records) there.set(record.id, record);
  }
  t.ok(acknowledged.size > KILLS);
  t.strictSame(
    [...acknowledged].filter((id) => !there.has(id)),
    [],
    `${acknowledged.size} over ${KILLS} kills`,
  );
});

t.test('a sealed file beside the spool is replaced whole, and is nobody else’s', async (t) => {
  const folder = t.testdir();
  t.equal(await readSealedFile(folder, 'known', keyring), null);
  await writeSealedFile(folder, 'known', keyring, 'one');
  await writeSealedFile(folder, 'known', keyring, 'carol may');
  t.equal(await readSealedFile(folder, 'known', keyring), 'carol may');
  t.equal(statSync(join(folder, 'known')).mode & 0o777, 0o600);
  t.notOk(readFileSync(join(folder, 'known')).includes('carol'));
  writeFileSync(join(folder, 'another'), readFileSync(join(folder, 'known')));
  t.equal(await readSealedFile(folder, 'another', keyring), null, 'sealed for its name');
  appendFileSync(join(folder, 'known'), 'x');
  t.equal(await readSealedFile(folder, 'known', keyring), null, 'altered: unknown');
  t.equal(await codeOf(writeSealedFile(join(folder, 'none'), 'known', keyring, 'x')), 'spool_unavailable');
});
