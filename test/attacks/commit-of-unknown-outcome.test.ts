// The database dies, or the wire to it is cut, in the very moment in which a code is being consumed (threats 18 and 28): between the
// work and COMMIT, between COMMIT and the answer. Nobody may be let in by that; a code may be lost but never used twice; and the
// streams of the audit log, read back later, neither fork nor double nor have a hole.
import { randomBytes } from 'node:crypto';
import { type AuditRecord, type Store, verifyStream } from '@countersign/core';
import { openStore } from '@countersign/postgres';
import postgres from 'postgres';
import t, { type Test } from 'tap';
import { faultyWire } from '../contracts/faulty-wire.ts';
import { manualClock } from '../support/clock.ts';
import { crashServer } from '../support/crash-server.ts';
import { type Host, onEveryAdapter, startHost } from '../support/hosts.ts';
import { createDatabase, startServer } from '../support/postgres-server.ts';
import { challengeIn } from '../support/settings-form.ts';

/** Every stream is dense and chained, and no event is there twice. */
async function assertSound(t: Test, store: Store): Promise<readonly AuditRecord[]> {
  const records: AuditRecord[] = [];
  for (const { stream } of await store.auditStreams()) {
    const one: AuditRecord[] = [];
    for await (const record of store.auditStream(stream)) one.push(record);
    t.match(await verifyStream(one), { intact: true, records: one.length });
    t.equal(one[0]?.code, 'AUDIT_STREAM_OPENED');
    records.push(...one);
  }
  t.equal(new Set(records.map(({ id }) => id)).size, records.length, 'no event is there twice');
  return records;
}

const passed = (records: readonly AuditRecord[]) => records.filter((record) => record.code === 'MFA_SUCCESS');

/** Asks until the database is there again. */
async function reachable(host: Host, ask: () => Promise<{ readonly status: number }>): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if ((await ask()).status < 500) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`Still away: ${host.faults.at(-1)?.code}`);
}

onEveryAdapter('the wire is cut about COMMIT: nothing is granted, and no code is good twice', async (t, adapter) => {
  const { url } = await createDatabase();
  const wire = await faultyWire(url);
  const store = await openStore(url, { listenUrl: wire.url, waitSeconds: 1 });
  const host = await startHost(adapter, { store });
  const { client, secret } = await host.enrolled('carol');
  const ask = async () => String((await client.get('/visits/v1')).json().challengeId);
  const answer = (challengeId: string, code: string) =>
    client.post('/api/v1/auth/mfa/verify', { json: { challengeId, code } });

  const challengeId = await ask();
  wire.mode = 'cut-before-commit';
  const before = await answer(challengeId, host.code(secret));
  t.match(before.json(), { code: 'store_unavailable', status: 503 });
  t.ok(before.headers.get('retry-after'));
  t.equal(before.headers.getSetCookie().length, 0, 'no binding cookie');
  wire.mode = 'pass';
  t.equal(await ask(), challengeId, 'nothing was granted, and the same challenge is open');
  t.strictSame(passed(await assertSound(t, store)), [], 'neither effect nor event');

  // Committed, and nobody left to find that out.
  wire.mode = 'dead-after-commit';
  const after = await answer(challengeId, host.code(secret));
  t.match(after.json(), { status: 503 });
  wire.mode = 'pass';
  t.equal(await ask(), challengeId, 'nothing was granted here either');
  t.match(passed(await assertSound(t, store)), [{ challengeId, userId: 'carol' }], 'the event stands with its effect');
  const repeated = await answer(challengeId, host.code(secret));
  t.match(repeated.json(), { code: 'code_already_used', status: 422 }, 'the code is spent');

  // Committed, and found to be: the one answer is the right one, and given once.
  host.clock.set(30);
  wire.mode = 'cut-after-commit';
  const found = await answer(challengeId, host.code(secret));
  t.equal(found.status, 200, found.text);
  wire.mode = 'pass';
  t.equal((await client.get('/visits/v1')).status, 200);
  t.match((await answer(challengeId, host.code(secret))).json(), { code: 'challenge_unknown' });
  t.equal(passed(await assertSound(t, store)).length, 2, 'one event each');
  t.ok((await store.auditStreams()).length >= 3, 'after each cut a stream of its own');
  await host.close();
  await store.close();
});

onEveryAdapter(
  'settings are saved, and the wire is cut about COMMIT: in force exactly if they are on the log',
  async (t, adapter) => {
    const { url } = await createDatabase();
    const wire = await faultyWire(url);
    const store = await openStore(url, { listenUrl: wire.url, waitSeconds: 1 });
    const host = await startHost(adapter, { store });
    const { client, secret } = await host.enrolled('erin', { roles: ['administrator'] });
    const page = await client.get('/step-up/admin/settings', { page: true });
    const form = {
      _countersign: page.field('_countersign'),
      version: '0',
      graceMinutes: '10',
      enabled: 'on',
      categories: '5',
    };
    const asked = await client.post('/step-up/admin/settings', { form, page: true });
    const json = { challengeId: challengeIn(asked), code: host.code(secret) };
    t.equal((await client.post('/api/v1/auth/mfa/verify', { json })).status, 200);
    for (const [mode, version, status] of [
      ['cut-before-commit', 0, 503],
      ['dead-after-commit', 1, 503],
      ['cut-after-commit', 2, 303],
    ] as const) {
      wire.mode = mode;
      const sent = { ...form, version: String(Math.max(0, version - 1)) };
      const saved = await client.post('/step-up/admin/settings', { form: sent, page: true });
      t.equal(saved.status, status, mode);
      wire.mode = 'pass';
      t.equal((await store.settings('clinic'))?.version ?? 0, version, mode);
      const changes = (await assertSound(t, store)).filter((record) => record.code === 'SETTINGS_CHANGED');
      t.equal(changes.length, version, mode);
      const shown = await client.get('/step-up/admin/settings', { page: true });
      t.equal(shown.field('version'), String(version), `${mode}: what is shown is what is in force`);
    }
    await host.close();
    await store.close();
  },
);

t.test('the server is killed while codes are being consumed', async (t) => {
  const server = await startServer();
  onServer(t, 'fastify');
  onServer(t, 'express5');
  onServer(t, 'express4');

  function onServer(t: Test, adapter: 'fastify' | 'express5' | 'express4') {
    t.test(adapter, async (t) => {
      const admin = postgres(server.url, { max: 1, onnotice: () => {} });
      await admin.unsafe(`create database ${adapter}`);
      await admin.end();
      const url = new URL(server.url);
      url.pathname = `/${adapter}`;
      const store = await openStore(url.href, { waitSeconds: 2 });
      const clock = manualClock();
      const countersign = { keys: { current: 'k1', all: { k1: randomBytes(32).toString('base64') } } };
      let host = await startHost(adapter, { store, clock, countersign });
      const people: Awaited<ReturnType<Host['enrolled']>>[] = [];
      for (const userId of ['carol', 'dave', 'erin', 'frank']) people.push(await host.enrolled(userId));
      const challenges: string[] = [];
      for (const { client } of people) challenges.push(String((await client.get('/visits/v1')).json().challengeId));
      const codes = people.map(({ secret }) => host.code(secret));
      const answerAll = () =>
        Promise.all(
          people.map(({ client }, at) =>
            client.post('/api/v1/auth/mfa/verify', { json: { challengeId: challenges[at], code: codes[at] } }),
          ),
        );
      const answering = answerAll();
      await crashServer(server);
      const answers = await answering;
      t.ok(
        answers.every(({ status }) => [200, 503].includes(status)),
        `${answers.map(({ status }) => status)}`,
      );
      const away = await Promise.all(people.map(({ client }) => client.get('/visits/v2')));
      t.ok(
        away.every(({ status }) => status === 503 || status === 401),
        'fails closed while it is away',
      );
      await server.start();
      // Asked many times at once, so that no connection of the pool is left that does not know of the restart.
      await reachable(host, async () => {
        const asked = Array.from({ length: 12 }, (_, at) =>
          people[at % people.length]?.client.get('/api/v1/auth/session'),
        );
        const answered = await Promise.all(asked);
        return answered.find((answer) => answer?.status !== 200) ?? { status: 200 };
      });

      // Whoever was answered is in; whoever was not is not, and their code was either used up or never seen.
      const opened = await Promise.all(people.map(({ client }) => client.get('/visits/v1')));
      t.strictSame(
        opened.map(({ status }) => status === 200),
        answers.map(({ status }) => status === 200),
      );
      const consumed = new Set(passed(await assertSound(t, store)).map((record) => record.challengeId));
      const again = await answerAll();
      for (const [at, { status }] of again.entries()) {
        const first = answers[at]?.status === 200;
        const expected = first ? 404 : consumed.has(challenges[at] ?? '') ? 422 : 200;
        t.equal(status, expected, `acknowledged: ${first}, on the log: ${consumed.has(challenges[at] ?? '')}`);
        t.ok(!first || consumed.has(challenges[at] ?? ''), 'what was acknowledged is on the log');
      }
      t.equal(passed(await assertSound(t, store)).length, people.length, 'each code was good once');
      await host.close();

      // In a new process: used codes stay used.
      host = await startHost(adapter, { store, clock, countersign });
      const fresh = await host.signedIn('carol');
      const challengeId = String((await fresh.get('/visits/v1')).json().challengeId);
      const replayed = await fresh.post('/api/v1/auth/mfa/verify', { json: { challengeId, code: codes[0] } });
      t.match(replayed.json(), { code: 'code_already_used' });
      await assertSound(t, store);
      await host.close();
      await store.close();
    });
  }
});
