// `countersign doctor` on a set-up as it should be, and then with each fault made for real: what it says, and how it ends.
import { execFile } from 'node:child_process';
import { hash, randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandLineSurroundings } from '@countersign/cli';
import { createCountersign, type Principal, totp } from '@countersign/core';
import { openStore } from '@countersign/postgres';
import postgres from 'postgres';
import t, { type Test } from 'tap';
import { selfSigned } from '../../packages/delivery/test/self-signed.ts';
import { runCommand } from '../support/command-line.ts';
import { startHost } from '../support/hosts.ts';
import { startServer } from '../support/postgres-server.ts';
import { startTimeServer } from '../support/time-server.ts';
import { startTransactionPooler } from '../support/transaction-pooler.ts';
import { until } from '../support/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-doctor-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const key = () => randomBytes(32).toString('base64');
const keys = { current: 'k1', all: { k1: key() } };

const run = (args: readonly string[], surroundings: Partial<CommandLineSurroundings> = {}) =>
  runCommand(args, { env: { COUNTERSIGN_KEYS: JSON.stringify(keys) }, ...surroundings });

/** A server with durable settings; a role that owns the schema, and the application's, which has been at work. */
async function clinic() {
  const server = await startServer();
  const sql = postgres(server.url, { max: 1, onnotice: () => {} });
  t.teardown(() => sql.end());
  await sql.unsafe('create role owner login; create role app login; grant create on database postgres to owner');
  const as = (role: string) => server.url.replace('//postgres@', `//${role}@`);
  t.match(await run(['migrate', '--database', as('owner'), '--application-role', 'app']), { status: 0 });
  const store = await openStore(as('app'), { migrate: false });
  const countersign = await createCountersign({
    store,
    publicUrl: 'http://localhost:3000',
    keys,
    categories: [{ id: '5', name: 'Ketamine infusion' }],
    factors: [totp({ issuer: 'Example EHR' })],
    emergencyAccess: { roles: ['clinician'] },
    isAdministrator: (principal: Principal) => principal.roles.includes('administrator'),
  });
  const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
  for (const userId of ['carol', 'dave'])
    await countersign.enrolment.importFactor({ workspaceId: 'clinic', userId, factor: 'totp', secret });
  const globals = join(folder, 'globals.tsv');
  writeFileSync(globals, 'stepup_mfa_enabled\t1\nstepup_mfa_categories\t5\nstepup_mfa_timeout\t600\n');
  t.match(await run(['import-openemr-globals', globals, '--workspace', 'clinic', '--database', as('app')]), {
    status: 0,
  });
  const close = async () => {
    await countersign.close();
    await store.close();
  };
  t.teardown(close);
  return { sql, as, globals, countersign, store, close };
}

t.test('doctor', async (t) => {
  const { sql, as, globals, countersign, store, close } = await clinic();
  const time = await startTimeServer();
  const site = await startHost('fastify');
  const healthy = ['doctor', '--database', as('app'), '--ntp-host', time.address, '--url', site.baseUrl];

  const quick = ['doctor', '--database', as('app')];

  /** Says so, and ends with status 1; once it is undone, with 0. */
  const finds = async (
    t: Test,
    says: RegExp,
    args = quick,
    surroundings: Partial<CommandLineSurroundings> = {},
  ): Promise<string> => {
    const found = await run(args, surroundings);
    t.match(found, { status: 1, out: says, err: '' });
    t.match(found.out, /FAULT [^\n]*\n +→ /, 'each with a cure');
    return found.out;
  };
  const warns = async (t: Test, says: RegExp, args = quick, surroundings: Partial<CommandLineSurroundings> = {}) =>
    t.match(await run(args, surroundings), { status: 0, out: says, err: '' });

  await t.test('a set-up as it should be', async (t) => {
    const found = await run(healthy);
    t.match(found, { status: 0, err: '' });
    t.notMatch(found.out, /FAULT|could not be looked at/);
    for (const subject of [
      'Sealing',
      'Sinks',
      'Notices of emergency access',
      'Emergency access',
      'Migrations',
      'Database server',
      'Append-only',
      'Application role',
      'Keys',
      'Categories',
      'Web site',
    ])
      t.match(found.out, new RegExp(`^well +${subject}: `, 'm'));
    t.equal(found.out.match(/^well +Clock: /gm)?.length, 2, 'beside the database’s and beside the time server’s');
    for (const secret of [keys.all.k1, 'JBSWY3DPEHPK3PXP']) t.notMatch(found.out, secret);
    const { faults, subjects } = JSON.parse((await run([...healthy, '--json'])).out);
    t.equal(faults, 0);
    t.match(subjects[0], { subject: 'Migrations', findings: [{ verdict: 'well', cure: null }] });
  });

  await t.test('called wrongly', async (t) => {
    t.match(await run(['doctor', '--database', as('app'), '--url', 'http://ehr.example.org']), {
      status: 2,
      err: /https/,
    });
    t.match(await run(['doctor', '--database', as('app'), '--url', 'swordfish']), { status: 2 });
    t.match(await run(['doctor']), { status: 1, err: /No database is named/ });
    writeFileSync(join(folder, 'catalogue.json'), '{"5":true}');
    t.match(await run([...healthy, '--catalogue', join(folder, 'catalogue.json')]), {
      status: 1,
      err: /no list of category ids/,
    });
  });

  await t.test('the database does not answer', async (t) => {
    const found = await run(['doctor', '--database', 'postgres://app@127.0.0.1:1/none']);
    t.match(found, { status: 1, out: /FAULT +Database: The database cannot be reached/ });
    t.match(found.out, /WARNING Append-only: This could not be looked at/, 'what was not looked at is not passed');
  });

  await t.test('a trigger that protects the log', async (t) => {
    await sql`alter table countersign.audit_event disable trigger append_only`;
    await finds(t, /Append-only: The trigger append_only of audit_event is not enabled for every session/);
    await sql`alter table countersign.audit_event enable trigger append_only`;
    await finds(t, /audit_event is not enabled for every session/);
    await sql`alter table countersign.audit_event enable always trigger append_only`;
    await sql`drop trigger append_only on countersign.audit_seal`;
    await finds(t, /The trigger append_only of audit_seal is missing/);
    await sql`create trigger append_only before update or delete on countersign.audit_seal for each statement execute function countersign.refuse_change()`;
    await sql`alter table countersign.audit_seal enable always trigger append_only`;
    await finds(t, /append_only of audit_seal no longer refuses all that it should/);
    await sql`drop trigger append_only on countersign.audit_seal`;
    await sql`create trigger append_only before update or delete or truncate on countersign.audit_seal for each statement execute function countersign.refuse_change()`;
    await sql`alter table countersign.audit_seal enable always trigger append_only`;
    const [{ definition } = { definition: '' }] =
      await sql`select pg_get_functiondef('countersign.refuse_change'::regproc) as definition`;
    await sql.unsafe(`create or replace function countersign.refuse_change() returns trigger language plpgsql
      set search_path = pg_catalog as $$ begin return null; end $$`);
    await finds(t, /append_only of emergency_access calls a function that is not ours any more/);
    await sql.unsafe(definition);
    await sql`create trigger tidy before insert on countersign.audit_event for each row execute function countersign.refuse_change()`;
    await finds(t, /The trigger tidy of audit_event was made by somebody else/);
    await sql`drop trigger tidy on countersign.audit_event`;
    t.equal((await run(healthy)).status, 0, 'all undone');
  });

  await t.test('the application’s role', async (t) => {
    await sql`grant update on countersign.audit_event to app`;
    const found = await finds(t, /app has UPDATE on audit_event, which the application does not need/);
    t.match(found, 'countersign migrate --application-role app');
    t.match(await run(['migrate', '--database', as('owner'), '--application-role', 'app']), { status: 0 });
    t.equal((await run(healthy)).status, 0, 'the cure cures');
    await sql`grant update (reason) on countersign.audit_event to app`;
    await finds(t, /app has UPDATE \(reason\) on audit_event/);
    await sql`revoke update (reason) on countersign.audit_event from app`;
    await sql`grant truncate on countersign.factor to app`;
    await warns(t, /WARNING Application role: app has TRUNCATE on factor/);
    await sql`revoke truncate on countersign.factor from app`;
    await sql`revoke insert on countersign.audit_event from app`;
    await finds(t, /app lacks what the application needs: INSERT on audit_event/);
    await sql`grant insert on countersign.audit_event to app`;
    await sql`grant owner to app`;
    await finds(t, /app owns the log, or can become the role that does/);
    await sql`revoke owner from app`;
    await sql`alter role app createrole`;
    await finds(t, /app can make roles/);
    await sql`alter role app nocreaterole`;
    await finds(t, /owner owns the log/, ['doctor', '--database', as('owner')]);
    await warns(t, /well +Application role: app can add/, [
      'doctor',
      '--database',
      as('owner'),
      '--application-role',
      'app',
    ]);
    await finds(t, /There is no role nobody-here/, [...healthy, '--application-role', 'nobody-here']);
    t.match(await run(['doctor', '--database', as('postgres')]), { status: 1, out: /postgres is a superuser/ });
  });

  await t.test('a clock that is off', async (t) => {
    const off = (milliseconds: number) => ({
      clock: { now: () => Date.now() + milliseconds, elapsed: () => performance.now() },
    });
    await finds(t, /FAULT +Clock: This machine’s clock is 45 seconds ahead of the database’s/, healthy, off(45_000));
    await finds(t, /clock is 3 minutes behind that of 127/, healthy, off(-180_000));
    await warns(t, /WARNING Clock: This machine’s clock is 10 seconds behind the database’s/, healthy, off(-10_000));
    time.ahead = 60_000;
    await finds(t, /FAULT +Clock: This machine’s clock is 60 seconds behind that of 127/, healthy);
    time.ahead = 0;
    time.stratum = 16;
    await warns(t, /WARNING Clock: 127[^ ]+ did not answer as a time server/, healthy);
    time.stratum = 2;
  });

  await t.test('keys', async (t) => {
    const withKeys = (given: object) => ({ env: { COUNTERSIGN_KEYS: JSON.stringify(given) } });
    await finds(t, /Keys: 3 rows fit no key that was given/, quick, withKeys({ current: 'k1', all: { k1: key() } }));
    await finds(
      t,
      /3 rows lie under the key k1, which was not given/,
      healthy,
      withKeys({ current: 'k2', all: { k2: key() } }),
    );
    const rotated = withKeys({ current: 'k2', all: { ...keys.all, k2: key() } });
    await warns(t, /3 rows still lie under k1, which is not the current key/, quick, rotated);
    await warns(t, /- +Keys: No keys were given/, quick, { env: {} });
    await sql`update countersign.factor set counter = 9 where user_id = 'carol'`;
    await finds(t, /1 row fit no key/);
    await sql`update countersign.factor set counter = -1 where user_id = 'carol'`;
  });

  await t.test('categories that code does not declare', async (t) => {
    writeFileSync(globals, 'stepup_mfa_categories\t5,99\n');
    t.match(await run(['import-openemr-globals', globals, '--workspace', 'annex', '--database', as('app')]), {
      status: 0,
    });
    await warns(t, /WARNING Categories: The settings of annex name categories that code does not declare: 99/);
    writeFileSync(join(folder, 'catalogue.json'), '["5","99"]');
    await warns(t, /well +Categories: Every category in the settings of 2 workspaces/, [
      ...quick,
      '--catalogue',
      join(folder, 'catalogue.json'),
    ]);
  });

  await t.test('what the web site answers', async (t) => {
    const careless = createServer((request, response) => {
      const host = request.headers['x-forwarded-host'] ?? request.headers.host;
      if (request.url === '/elsewhere/api/v1/auth/session') response.statusCode = 404;
      response.setHeader('cache-control', 'public, max-age=60');
      response.setHeader('x-cache', 'HIT');
      response.setHeader('location', `http://${host}/sign-in`);
      response.end('{}');
    });
    await new Promise<void>((resolve) => careless.listen(0, '127.0.0.1', resolve));
    t.teardown(() => careless.close());
    const url = `http://127.0.0.1:${(careless.address() as AddressInfo).port}`;
    const look = (address: string) => ['doctor', '--database', as('app'), '--url', address];
    const found = await finds(t, /Cache-Control has no no-store/, look(url));
    t.match(found, /came out of a cache/);
    t.match(found, /\/api\/v1\/auth\/session repeats a forged X-Forwarded-Host/);
    await finds(t, /The session endpoint answered 404/, look(`${url}/elsewhere`));
    await finds(t, /does not answer: ECONNREFUSED/, look('http://127.0.0.1:59999'));
  });

  await t.test('a sink that takes nothing, and has recovered', async (t) => {
    const about = { workspaceId: null, userId: null, details: '{"sink":"vault","kind":"checkpoints"}' } as const;
    await countersign.audit.append([{ ...about, code: 'AUDIT_SINK_FAILED', outcome: 'failure', reason: 'rejected' }]);
    await finds(t, /FAULT +Sinks: The sink vault has taken no checkpoints for \d seconds?\./);
    await countersign.audit.append([{ ...about, code: 'AUDIT_SINK_RECOVERED', outcome: 'success' }]);
    await warns(t, /well +Sinks: /);
  });

  await t.test('emergency access that nobody has reviewed', async (t) => {
    const erin = countersign.principalOf({
      ...{ userId: 'erin', workspaceId: 'clinic', roles: ['clinician'], displayName: 'erin' },
      signedInAt: new Date(),
      sessionKey: 'erin',
    });
    const { id } = await countersign.emergency.start(erin, {
      ...{ purpose: 'clinical', patientId: 'p9', purposeOfUse: 'ETREAT' },
      reason: 'Unconscious, medication unknown to everybody here',
    });
    // No way of telling anybody is configured here.
    await until(async () => (await store.outbox().state()).dead > 0);
    await finds(t, /FAULT +Notices of emergency access: 1 job of the outbox were given up/);
    await sql`delete from countersign_jobs.job`;
    await warns(t, /well +Emergency access: None waits for a review; 1 are open/);
    await countersign.emergency.end(erin, id);
    await warns(t, /WARNING Emergency access: 1 emergency access wait for a review/);
    const days = (count: number) => ({
      clock: { now: () => Date.now() + count * 86_400_000, elapsed: () => performance.now() },
    });
    await finds(t, /FAULT +Emergency access: 1 emergency access should have been reviewed by now/, quick, days(4));
    const patient = await run([...quick, '--review-hours', '200'], days(4));
    t.notMatch(patient.out, /should have been reviewed/);
    t.match(await run([...quick, '--review-hours', 'soon']), { status: 2, err: /number of hours/ });
    await sql`alter table countersign.emergency_access disable trigger append_only`;
    await sql`update countersign.emergency_access set patient_id = 'p1'`;
    await finds(t, /FAULT +Emergency access: 1 emergency access are not as they were written/);
    await sql`update countersign.emergency_access set patient_id = 'p9'`;
    await sql`alter table countersign.emergency_access enable always trigger append_only`;
  });

  await t.test('a spool', async (t) => {
    const spool = join(folder, 'spool');
    const look = [...quick, '--spool', spool];
    await finds(t, /FAULT +Spool: Nothing can be written to the spool/, look);
    mkdirSync(spool);
    await warns(t, /well +Spool: The spool is empty/, look);
    const file = join(spool, `00000001-${randomUUID()}.spool`);
    writeFileSync(file, spooled(0, Date.now() - 3_600_000));
    await finds(t, /FAULT +Spool: 2 events wait in the spool, the oldest for 60 minutes/, look);
    writeFileSync(file, spooled(0, Date.now() - 2000));
    await warns(t, /WARNING Spool: 2 events wait in the spool, the oldest for 2 seconds/, look);
    const frames = [spooled(0, Date.now()), spooled(1, Date.now()), spooled(2, Date.now())];
    const [first = Buffer.alloc(0)] = frames;
    writeFileSync(file, Buffer.concat(frames).fill(0, first.length + 32, first.length + 36));
    await finds(t, /FAULT +Spool: 1 file of the spool lost something in the middle/, look);
  });

  await t.test('a transaction pooler', async (t) => {
    const pooler = await startTransactionPooler(new URL(as('app')), { refuses: false });
    await finds(t, /FAULT +Database server: A transaction pooler stands before the server/, [
      'doctor',
      '--database',
      pooler.href,
    ]);
    const strict = await startTransactionPooler(new URL(as('app')), { refuses: true });
    await finds(t, /FAULT +Database: The database refuses settings at the start of a session/, [
      'doctor',
      '--database',
      strict.href,
    ]);
    await warns(t, /well +Database server: /, ['doctor', '--database', strict.href, '--direct', as('app')]);
  });

  await t.test('a site with HTTPS: cookies, and whether a browser is told to stay with it', async (t) => {
    const { cert, key: privateKey } = selfSigned();
    const trusted = join(folder, 'site.pem');
    writeFileSync(trusted, cert);
    const sent = { cookies: ['countersign=x; Path=/', 'sid=x; Path=/; HttpOnly'], headers: {} };
    const tls = createSecureServer({ cert, key: privateKey }, (_request, response) => {
      response.writeHead(401, { 'cache-control': 'no-store', 'set-cookie': sent.cookies, ...sent.headers });
      response.end('{}');
    });
    await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
    t.teardown(() => tls.close());
    const { port } = tls.address() as AddressInfo;
    const bin = fileURLToPath(new URL('../../packages/cli/bin/countersign.js', import.meta.url));
    /** In a process of its own: which certificates are trusted is settled at its start. */
    const look = (env: Readonly<Record<string, string>>) =>
      new Promise<string>((resolve) => {
        const args = [bin, 'doctor', '--database', as('app'), '--url', `https://localhost:${port}`];
        execFile(process.execPath, args, { env: { ...process.env, ...env } }, (_error, out) => resolve(out));
      });
    const careless = await look({ NODE_EXTRA_CA_CERTS: trusted });
    t.match(careless, /FAULT +Web site: Our cookie is the one for plain HTTP/);
    t.match(careless, /FAULT +Web site: The cookie sid is sent without Secure/);
    t.match(careless, /WARNING Web site: The cookie countersign is sent without HttpOnly/);
    t.match(careless, /WARNING Web site: There is no Strict-Transport-Security/);
    sent.cookies = ['__Host-countersign=x; Path=/; Secure; HttpOnly', 'sid=x; Path=/; Secure; HttpOnly'];
    sent.headers = { 'strict-transport-security': 'max-age=63072000' };
    t.match(await look({ NODE_EXTRA_CA_CERTS: trusted }), /^well +Web site: /m);
    t.match(await look({}), /FAULT +Web site: https:.* does not answer: DEPTH_ZERO_SELF_SIGNED_CERT/);
  });

  await t.test('a schema of another release', async (t) => {
    const [newest] =
      await sql`delete from countersign.migrations where created_at = (select max(created_at) from countersign.migrations) returning hash, created_at`;
    await finds(t, /FAULT +Migrations: The schema is behind this release/);
    await sql`insert into countersign.migrations (hash, created_at) values (${newest?.hash}, ${newest?.created_at}), ('later', 99999999999999)`;
    await finds(t, /Migrations: A newer release has migrated the schema/);
    await sql`delete from countersign.migrations where hash = 'later'`;
    t.equal((await run(healthy)).status, 0);
  });

  await t.test('events that nobody seals', async (t) => {
    await until(async () => (await store.seals.unsealed(true)).length === 0);
    await close();
    await warns(t, /well +Sealing: The newest seal is/);
    await sql`insert into countersign.audit_event (stream, index, id, at, code, outcome, hash)
      values (${randomUUID()}, 0, ${randomUUID()}, now() - interval '5 minutes', 'MFA_REQUIRED', 'refused', '\\x00')`;
    await finds(t, /FAULT +Sealing: The newest seal is [^;]+; 2 events are in no seal, the oldest for 5 minutes/);
  });
});

/** A frame of a spool, as the file's format says: two events, which nobody here can read. */
function spooled(number: number, at: number): Buffer {
  const body = 'e30.e30.e30.e30.e30';
  const head = Buffer.alloc(24);
  head.set([0xc5, 0x53, 0x50, 0x01]);
  head.writeUInt32BE(number, 4);
  head.writeUInt32BE(2, 8);
  head.writeBigUInt64BE(BigInt(at), 12);
  head.writeUInt32BE(body.length, 20);
  const checked = Buffer.concat([head, Buffer.from(body)]);
  return Buffer.concat([head, hash('sha256', checked, 'buffer').subarray(0, 8), Buffer.from(body)]);
}

t.test('a server that acknowledges what it may lose, and the embedded database', async (t) => {
  const server = await startServer({ fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' });
  const { status, out } = await run(['doctor', '--database', server.url]);
  t.equal(status, 1);
  for (const says of [
    'FAULT +Database server: fsync is off',
    'full_page_writes is off',
    'WARNING Database server: synchronous_commit is off',
  ])
    t.match(out, new RegExp(says));
  const embedded = join(folder, 'embedded');
  t.match(await run(['migrate', '--database', embedded]), { status: 0 });
  t.match(await run(['doctor', '--database', embedded]), {
    status: 0,
    out: /WARNING Database server: This is the embedded database/,
  });
  const env = { NODE_ENV: 'production' };
  t.match(await run(['doctor', '--database', embedded], { env }), {
    status: 1,
    out: /FAULT +Database server: This is the embedded/,
  });
});
