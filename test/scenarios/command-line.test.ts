// What an operator does at a prompt: migrate, bring secrets under a new key while the application serves, take over OpenEMR's
// settings, and reset the last administrator.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createCountersign, Keyring, type Principal, totp } from '@countersign/core';
import { openStore } from '@countersign/postgres';
import { generateSync } from 'otplib';
import postgres from 'postgres';
import t from 'tap';
import { runCommand } from '../support/command-line.ts';
import { createDatabase } from '../support/postgres-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-cli-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const key = () => randomBytes(32).toString('base64');
const k1 = key();
const k2 = key();

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => runCommand(args, { env });

function optionsOver(
  store: Awaited<ReturnType<typeof openStore>>,
  keys: { current: string; all: Record<string, string> },
) {
  return {
    store,
    publicUrl: 'http://localhost:3000',
    keys,
    categories: [{ id: '5', name: 'Ketamine infusion' }],
    factors: [totp({ issuer: 'Example EHR' })],
    isAdministrator: (principal: Principal) => principal.roles.includes('administrator'),
  };
}

const principal = (userId: string): Principal => ({
  userId,
  workspaceId: 'clinic',
  roles: ['administrator'],
  displayName: userId,
  signedInAt: new Date(),
  sessionKey: `session of ${userId}`,
  credential: 'bearer',
});

t.test('the command itself: help, and what is called wrongly', async (t) => {
  const bin = fileURLToPath(new URL('../../packages/cli/bin/countersign.js', import.meta.url));
  const help = spawnSync(process.execPath, [bin, '--help'], { encoding: 'utf8' });
  t.equal(help.status, 0);
  for (const command of ['migrate', 'rotate-keys', 'import-openemr-globals', 'reset-factors'])
    t.match(help.stdout, command);
  t.match(await run(['migrat']), { status: 2, err: /unknown command/ });
  t.match(await run(['migrate']), { status: 1, err: /No database is named.*COUNTERSIGN_DATABASE_URL/ });
  const url = 'postgres://postgres@127.0.0.1:1/none';
  t.match(await run(['rotate-keys', '--database', url]), { status: 1, err: /No keys are given/ });
  const wrong = { COUNTERSIGN_KEYS: '{"current":"k1","all":{"k1":"swordfish"}}' };
  const refused = await run(['rotate-keys', '--database', url], wrong);
  t.match(refused, { status: 1, err: /keys\.all\.k1/ });
  t.notMatch(refused.err, 'swordfish');
  t.match(await run(['migrate', '--database', url]), { status: 1, err: /store_unavailable/ });
});

t.test('keys are rotated while the application serves', async (t) => {
  const { url } = await createDatabase();
  t.match(await run(['migrate', '--database', url]), { status: 0, out: /at the version of this release/ });
  const store = await openStore(url);
  const serving = await createCountersign(optionsOver(store, { current: 'k1', all: { k1, k2 } }));
  t.teardown(async () => {
    await serving.close();
    await store.close();
  });
  const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
  for (let n = 0; n < 25; n++)
    await serving.enrolment.importFactor({ workspaceId: 'clinic', userId: `u${n}`, factor: 'totp', secret });
  const admin = serving.principalOf(principal('u0'));
  const answer = async (counter: number) => {
    const save = serving.administration.changeSettings(admin, counter, {
      enabled: true,
      categories: ['5'],
      graceSeconds: 600,
    });
    const refused = await save.then(
      () => null,
      (error: { challenge: { id: string } }) => error,
    );
    return refused?.challenge.id;
  };
  const challenge = (await answer(0)) ?? '';
  await serving.answerChallenge(admin, challenge, 'totp', { code: generateSync({ secret }) });
  t.equal(await answer(0), undefined, 'settings are saved under the old key');
  const change = (version: number, settings: object) =>
    serving.administration.changeSettings(admin, version, {
      enabled: true,
      categories: ['5'],
      graceSeconds: 600,
      ...settings,
    });
  await change(1, { secondAdministrator: true });
  t.match(await change(2, { secondAdministrator: true, enabled: false }), { saved: false }, 'and a proposal waits');

  const both = JSON.stringify({ current: 'k2', all: { k1, k2 } });
  const check = await run(['rotate-keys', '--check', '--drop', 'k1', '--database', url], { COUNTERSIGN_KEYS: both });
  t.match(check, { status: 1, out: /k1: 27 rows/, err: /k1 must stay: 27 rows/ });
  const onlyNew = JSON.stringify({ current: 'k2', all: { k2 } });
  const blind = await run(['rotate-keys', '--drop', 'k1', '--database', url], { COUNTERSIGN_KEYS: onlyNew });
  t.match(blind, { status: 1, err: /27 rows fit no key/ }, 'without the old key nothing is touched, and it is said');

  const file = join(folder, 'keys.json');
  writeFileSync(file, both);
  const [rotated, ...stillServing] = await Promise.all([
    run(['rotate-keys', '--drop', 'k1', '--database', url, '--keys', file]),
    ...[1, 2, 3].map((n) => serving.enrolment.list(serving.principalOf(principal(`u${n}`)))),
  ]);
  t.match(rotated, { status: 0, out: /25 factor rows, 1 settings rows, 1 proposals[\s\S]*k1 can be dropped/ });
  t.ok(stillServing.every((factors) => factors.length === 1));
  const again = await run(['rotate-keys', '--drop', 'k1', '--database', url, '--keys', file]);
  t.match(again, { status: 0, out: /0 factor rows, 0 settings rows/ }, 'a second run finds nothing to do');
  t.match(await run(['rotate-keys', '--drop', 'k2', '--database', url, '--keys', file]), {
    status: 1,
    err: /current key/,
  });

  const after = await createCountersign(optionsOver(store, { current: 'k2', all: { k2 } }));
  t.teardown(() => after.close());
  const user = after.principalOf(principal('u1'));
  t.equal((await after.enrolment.list(user)).length, 1, 'the new key alone reads what was sealed under the old one');
  t.match(await after.administration.settings(after.principalOf(principal('u0'))), {
    version: 2,
    proposal: { proposedBy: 'u0' },
  });
  const events = await store.auditEvents({ workspaceId: 'clinic', codes: ['KEYS_ROTATED'] });
  t.match(events[0]?.details, /"key":"k2"/);
  t.notMatch(JSON.stringify(events), k2);
});

t.test('a run that was stopped is taken up; a row that was altered is left, and said', async (t) => {
  const { url } = await createDatabase();
  const store = await openStore(url);
  t.teardown(() => store.close());
  const first = await createCountersign(optionsOver(store, { current: 'k1', all: { k1 } }));
  const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
  for (let n = 0; n < 4; n++)
    await first.enrolment.importFactor({ workspaceId: 'clinic', userId: `u${n}`, factor: 'totp', secret });
  await first.close();
  const keyring = new Keyring({ current: 'k2', all: { k1, k2 } });
  const [row] = await store.factors('clinic', 'u0');
  t.equal(keyring.keyOf(row?.secret ?? ''), 'k1');
  const sql = postgres(url, { max: 1 });
  t.teardown(() => sql.end());
  await sql`update countersign.factor set counter = 7 where user_id = 'u3'`;
  const keys = { COUNTERSIGN_KEYS: JSON.stringify({ current: 'k2', all: { k1, k2 } }) };
  const altered = await run(['rotate-keys', '--drop', 'k1', '--database', url], keys);
  t.match(altered, { status: 1, out: /3 factor rows/, err: /1 rows fit no key/ });
  await sql`update countersign.factor set counter = -1 where user_id = 'u3'`;
  t.match(await run(['rotate-keys', '--drop', 'k1', '--database', url], keys), { status: 0, out: /1 factor rows/ });
});

t.test('OpenEMR’s globals become a workspace’s settings', async (t) => {
  const { url } = await createDatabase();
  const store = await openStore(url);
  const countersign = await createCountersign(optionsOver(store, { current: 'k1', all: { k1 } }));
  t.teardown(async () => {
    await countersign.close();
    await store.close();
  });
  const keys = { COUNTERSIGN_KEYS: JSON.stringify({ current: 'k1', all: { k1 } }), COUNTERSIGN_DATABASE_URL: url };
  const file = join(folder, 'globals.tsv');
  writeFileSync(
    file,
    'language_default\tEnglish\nstepup_mfa_enabled\t1\nstepup_mfa_categories\t5, 8,12\nstepup_mfa_timeout\t600\n',
  );
  const args = ['import-openemr-globals', file, '--workspace', 'clinic'];
  t.match(await run([...args, '--dry-run']), { status: 0, out: /"graceSeconds":600/ });
  t.match(await run(args, keys), { status: 0, out: /version 1 of clinic/ });
  const admin = countersign.principalOf(principal('u0'));
  t.match((await countersign.administration.settings(admin)).settings, {
    enabled: true,
    categories: ['5', '8', '12'],
    graceSeconds: 600,
  });
  const rows = [{ gl_name: 'stepup_mfa_timeout', gl_value: '60' }];
  writeFileSync(file, JSON.stringify(rows));
  t.match(await run(args, keys), { status: 0, out: /version 2 of clinic/ });
  t.match((await countersign.administration.settings(admin)).settings, {
    categories: ['5', '8', '12'],
    graceSeconds: 60,
  });
  for (const [text, problem] of [
    ['stepup_mfa_enabled\tyes', /stepup_mfa_enabled is neither/],
    ['stepup_mfa_timeout\t15 min', /stepup_mfa_timeout is no whole number/],
    ['stepup_mfa_categories\t5;8', /category numbers with commas/],
    ['[{"name":1}]', /globals are no list/],
    ['language_default\tEnglish', /hold none of/],
  ] as const) {
    writeFileSync(file, text);
    t.match(await run(args, keys), { status: 1, err: problem });
  }
  t.match((await store.settings('clinic'))?.version, 2, 'what was refused changed nothing');
  t.match(await store.auditEvents({ workspaceId: 'clinic', codes: ['SETTINGS_CHANGED'] }), [
    { reason: 'imported from OpenEMR' },
    { reason: 'imported from OpenEMR' },
  ]);
});

t.test('the last administrator is reset from the command line, and it is on the log', async (t) => {
  const { url } = await createDatabase();
  const store = await openStore(url);
  const countersign = await createCountersign(optionsOver(store, { current: 'k1', all: { k1 } }));
  t.teardown(async () => {
    await countersign.close();
    await store.close();
  });
  const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
  await countersign.enrolment.importFactor({ workspaceId: 'clinic', userId: 'u0', factor: 'totp', secret });
  const args = ['reset-factors', '--database', url, '--workspace', 'clinic', '--user', 'u0', '--reason'];
  t.match(await run([...args, 'lost']), { status: 1, err: /reason: at least 10 characters/ });
  t.match(await run([...args, 'Phone lost, identity checked', '--factor', 'passkey']), {
    status: 1,
    err: /no such factor/,
  });
  t.equal((await store.factors('clinic', 'u0')).length, 1, 'what was refused changed nothing');
  t.match(await run([...args, 'Phone lost, identity checked']), { status: 0, out: /Removed 1 of u0/ });
  const admin = countersign.principalOf(principal('u0'));
  t.strictSame(await countersign.enrolment.list(admin), []);
  t.match(await store.auditEvents({ workspaceId: 'clinic', codes: ['FACTOR_RESET'] }), [
    {
      userId: 'u0',
      actorId: null,
      factor: 'totp',
      reason: 'Phone lost, identity checked',
      details: /"by":"command-line"/,
    },
  ]);
  t.match(await countersign.enrolment.start(admin, 'totp'), { manualKey: /^[A-Z2-7]+$/ }, 'and enrols anew');
});
