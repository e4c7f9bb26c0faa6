// Threat 28. The database's disk is lost, and yesterday's copy of its folder is put in its place. Since the copy was made a code was
// used, a recovery code was used, an open challenge was answered, a session ended, and a factor was enrolled with a code of an administrator's. None of it may
// count again, and the log must neither fork nor double; how much of it is gone can be told from a checkpoint kept elsewhere.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recoveryCodes, totp, verifyStream } from '@countersign/core';
import { migrate, openStore, postgresSessionState } from '@countersign/postgres';
import postgres from 'postgres';
import t from 'tap';
import { Client, type SentRequest } from '../support/client.ts';
import { manualClock } from '../support/clock.ts';
import { runCommand } from '../support/command-line.ts';
import { CookieJar } from '../support/cookie-jar.ts';
import { type Host, startHost } from '../support/hosts.ts';
import { accountChallenge, answerByCode, challengeOf, makeRecoveryCodes } from '../support/passkey-person.ts';
import { startServer } from '../support/postgres-server.ts';
import { until } from '../support/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-restore-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const keys = { current: 'k1', all: { k1: randomBytes(32).toString('base64') } };
// A session state as several nodes have it, in tables that lie in the same folder; the sign-in is in a cookie and outlives everything.
const clock = manualClock();
const emergencyAccess = { roles: ['clinician'] };
const factors = [totp({ issuer: 'Example EHR' }), recoveryCodes()];

/** Who somebody is, as a stateless session of the host's has it. */
function identify(request: IncomingMessage) {
  const [userId = '', signedInAt = ''] = String(request.headers['x-signed-in'] ?? '').split(' ');
  if (userId === '') return null;
  const roles = userId === 'ann' ? ['administrator'] : ['clinician'];
  const at = new Date(Number(signedInAt));
  return {
    userId,
    workspaceId: 'clinic',
    roles,
    displayName: userId,
    signedInAt: at,
    sessionKey: `${userId} ${signedInAt}`,
  };
}

class Person extends Client {
  readonly #signedIn: string;

  constructor(host: Host, userId: string, at = clock.now(), jar = new CookieJar()) {
    super(host.baseUrl, jar);
    this.#signedIn = `${userId} ${at}`;
  }

  override send(method: string, path: string, sent: SentRequest = {}) {
    return super.send(method, path, { ...sent, headers: { ...sent.headers, 'x-signed-in': this.#signedIn } });
  }
}

const run = (args: readonly string[]) => runCommand(args, { env: { COUNTERSIGN_KEYS: JSON.stringify(keys) }, clock });

/** Enrols an authenticator app, from a fresh sign-in or with an administrator's code. */
async function enrolled(host: Host, person: Client) {
  const begun = await person.post('/api/v1/auth/mfa/enroll', { json: { factor: 'totp' } });
  const secret = String(begun.json().manualKey);
  const json = { factor: 'totp', code: host.code(secret) };
  const confirmed = await person.post('/api/v1/auth/mfa/enroll', { json });
  if (confirmed.status !== 200) throw new Error(`Enrolment failed: ${confirmed.status} ${confirmed.text}`);
  clock.set(30);
  return secret;
}

t.test('yesterday’s copy is put in place of the database', async (t) => {
  const server = await startServer();
  await migrate(server.url);
  const sql = postgres(server.url, { max: 1 });
  const [{ data_directory: data = '' } = {}] = await sql`show data_directory`;
  await sql.end();
  const copy = join(folder, 'data');
  const copied = (from: string, to: string) => {
    rmSync(to, { recursive: true, force: true });
    const done = spawnSync('cp', ['-a', from, to], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(done.stderr);
  };

  /** A process of the application, on what the server has now. */
  const start = async () => {
    const store = await openStore(server.url);
    const sessionState = await postgresSessionState(server.url);
    const host = await startHost('fastify', {
      store,
      clock,
      identify,
      countersign: { keys, factors, sessionState, emergencyAccess },
    });
    const stop = async () => {
      await host.close();
      await store.close();
    };
    t.teardown(stop);
    return { host, store, stop };
  };
  const sealed = (store: Awaited<ReturnType<typeof openStore>>) =>
    until(async () => (await store.seals.unsealed(true)).length === 0);

  const before = await start();
  const signedInAt = clock.now();
  const jar = new CookieJar();
  const carol = new Person(before.host, 'carol', signedInAt, jar);
  const secret = await enrolled(before.host, carol);
  await answerByCode(carol, await accountChallenge(carol, 'recovery-codes'), 'totp', before.host.code(secret));
  clock.set(30);
  const [recovery = ''] = await makeRecoveryCodes(carol);
  await before.host.stepUp(carol, secret, '/visits/v1');
  t.equal((await carol.get('/visits/v1')).status, 200);
  clock.set(30);
  const { challengeId } = (await carol.get('/visits/v2')).json();
  const erin = { userId: 'erin', workspaceId: 'clinic', roles: ['clinician'], displayName: 'erin', sessionKey: 'erin' };
  const open = await before.host.countersign.emergency.start(
    before.host.countersign.principalOf({ ...erin, signedInAt: new Date(clock.now()) }),
    {
      purpose: 'clinical',
      patientId: 'p9',
      reason: 'Unconscious, medication unknown to everybody here',
      purposeOfUse: 'ETREAT',
    },
  );
  t.equal(open.status, 'open');
  await sealed(before.store);
  await before.stop();
  await server.stop();
  copied(data, copy);

  await server.start();
  const since = await start();
  const later = new Person(since.host, 'carol', signedInAt, jar);
  t.equal((await later.get('/visits/v1')).status, 200, 'a sign-in and its proof outlive the process');
  const code = since.host.code(secret);
  t.equal((await answerByCode(later, String(challengeId), 'totp', code)).status, 200, 'the code is used');
  const other = new Person(since.host, 'carol', clock.now());
  t.equal((await answerByCode(other, await challengeOf(other), 'recovery-codes', recovery)).status, 200);
  await sealed(since.store);
  const exported = join(folder, 'checkpoint.txt');
  writeFileSync(exported, (await since.host.countersign.seals.checkpoint()) ?? '');
  const lost = (await since.host.events()).length;
  t.match(await run(['after-restore', '--database', server.url, '--reason', 'Disk of the database lost', '--yes']), {
    status: 1,
    err: /A process of the application runs on this database/,
  });
  await since.stop();

  await server.stop();
  copied(copy, data);
  await server.start();
  const args = ['after-restore', '--database', server.url, '--checkpoint', exported, '--reason'];

  await t.test('asked first, and refused where no reason is given', async (t) => {
    t.match(await run(args.slice(0, -1)), { status: 2, err: /--reason/ });
    t.match(await run([...args, 'lost', '--yes']), { status: 1, err: /at least 10 characters/ });
    const asked = await run([...args, 'Disk of the database lost']);
    t.match(asked, { status: 1, out: /Nothing was changed/ });
    const gone = Number(/at least (\d+) events are gone/.exec(asked.out)?.[1]);
    t.ok(gone > 0 && gone < lost, `${gone} events are said to be gone`);
    writeFileSync(join(folder, 'nonsense.txt'), 'nonsense');
    const wrong = await run([
      'after-restore',
      '--database',
      server.url,
      '--reason',
      'Disk lost',
      '--checkpoint',
      join(folder, 'nonsense.txt'),
    ]);
    t.match(wrong, { status: 1, err: /checkpoint_invalid/ });
  });

  const done = await run([...args, 'Disk of the database lost', '--yes']);
  t.match(done, { status: 0, err: '', out: /at least \d+ events are gone/ });
  t.match(done.out, /Removed 1 rows of recovery codes/);
  t.match(done.out, /of 1 authenticator apps/);
  t.match(done.out, /Ended 1 emergency accesses/);

  const after = await start();
  await t.test('nothing of before counts again', async (t) => {
    const old = new Person(after.host, 'carol', signedInAt, jar);
    t.match(
      (await old.get('/visits/v1')).json(),
      { status: 401, code: 'session_ended' },
      'the sign-in has ended, and its proof with it',
    );
    const again = new Person(after.host, 'carol', clock.now() + 1);
    const asked = await again.get('/visits/v1');
    t.equal(asked.status, 401, 'whoever signs in again is asked again');
    t.notSame(asked.json().challengeId, challengeId);
    const answers = await answerByCode(again, String(challengeId), 'totp', after.host.code(secret, 1));
    t.match(answers.json(), { status: 404, code: 'challenge_unknown' }, 'the challenge that was open is none');
    const used = await answerByCode(again, await challengeOf(again), 'totp', code);
    t.match(used.json(), { status: 422, code: 'code_already_used' }, 'the used code stays used');
    const early = await answerByCode(again, await challengeOf(again), 'totp', after.host.code(secret, 1));
    t.match(
      early.json(),
      { code: /code_already_used|attempts_delayed/ },
      'and so do those that a clock within drift takes',
    );
    const paper = await answerByCode(again, await challengeOf(again), 'recovery-codes', recovery);
    t.match(paper.json(), { code: 'factor_not_accepted' }, 'recovery codes are no factor any more');
    clock.set(60);
    t.equal(
      (await answerByCode(again, await challengeOf(again), 'totp', after.host.code(secret))).status,
      200,
      'the next code counts',
    );
    t.equal((await again.get('/visits/v1')).status, 200);
  });

  await t.test('it is on the log, which neither forks nor doubles', async (t) => {
    await sealed(after.store);
    const events = await after.host.events();
    t.match(
      events.filter((event) => event.code === 'RESTORED_FROM_BACKUP'),
      [{ reason: 'Disk of the database lost', details: /"lost":\d+/ }, {}],
    );
    t.same(
      events
        .filter((event) => event.code === 'RESTORED_FROM_BACKUP')
        .map(({ workspaceId }) => workspaceId)
        .sort(),
      ['clinic', null],
    );
    t.match(
      events.filter((event) => event.code === 'FACTOR_REMOVED'),
      [{ userId: 'carol', factor: 'recovery-codes' }],
    );
    t.match(events.filter(({ emergencyAccessId }) => emergencyAccessId === open.id).at(-1), {
      code: 'EMERGENCY_ACCESS_ENDED',
      reason: 'restored from backup',
      patientId: 'p9',
    });
    t.equal(new Set(events.map(({ id }) => id)).size, events.length, 'no event is there twice');
    for (const head of await after.store.auditStreams())
      t.match(await verifyStream(after.store.auditStream(head.stream), head), { intact: true });
    await until(async () => (await after.store.seals.page(0, 1000)).at(-1)?.size === events.length);
    const seals = await after.store.seals.page(0, 1000);
    t.ok(
      seals.every(({ size }, at) => size > (seals[at - 1]?.size ?? 0)),
      'the tree only grows',
    );
    t.equal(seals.at(-1)?.size, events.length, 'and holds every event once');
  });

  await after.stop();
  const twice = await run([...args, 'Disk of the database lost', '--yes']);
  t.match(twice, { status: 0, out: /Removed 0 rows/ }, 'a second run finds nothing more to void');
});
