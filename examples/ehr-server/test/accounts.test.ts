import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate, ScureBase32Plugin } from 'otplib';
import t from 'tap';
import { carriesCsrfToken, createCsrfToken } from '../src/accounts/csrf-token.ts';
import { demoAccounts } from '../src/accounts/demo-accounts.ts';
import { demoMessages } from '../src/accounts/demo-messages.ts';
import { keptSecret } from '../src/accounts/kept-secret.ts';
import { checkPassword, hashPassword } from '../src/accounts/password.ts';
import { EnvironmentError, readEnvironment } from '../src/environment.ts';
import type { Records } from '../src/records/repository.ts';
import { createDemo } from '../src/routes/demo.tsx';
import { loggable } from '../src/routes/faults.tsx';
import { safeReturnPath } from '../src/routes/return-path.ts';
import { createSignIn } from '../src/routes/sign-in.tsx';
import { now } from './clinic.ts';

const secret = 'a secret of at least 32 characters, for tests';

t.test('a password is known by its hash, and nobody has none', async (t) => {
  const hash = await hashPassword('démo');
  t.not(await hashPassword('démo'), hash, 'salted');
  t.ok(await checkPassword('de\u0301mo', hash), 'however it was typed');
  t.notOk(await checkPassword('demo', hash));
  t.notOk(await checkPassword('demo', null));
});

t.test('an unknown name costs as much time as a wrong password', async (t) => {
  const hash = await hashPassword('demo');
  const time = async (known: string | null) => {
    const start = process.hrtime.bigint();
    await checkPassword('wrong', known);
    return Number(process.hrtime.bigint() - start) / 1e6;
  };
  const known = Math.min(await time(hash), await time(hash));
  const unknown = Math.min(await time(null), await time(null));
  t.ok(unknown > known / 4, `${unknown} ms against ${known} ms`);
});

t.test('signing in: who, and where to', async (t) => {
  const passwordHash = await hashPassword('demo');
  const account = { username: 'ana', displayName: 'Dr. Ana', roles: ['clinician'], passwordHash };
  const records = { account: async (name: string) => (name === 'ana' ? account : null) } as unknown as Records;
  const signIn = createSignIn(records, { demo: true, now });

  const right = await signIn.attempt('token', { username: 'ana', password: 'demo', return: '/patients/p-0001' });
  t.match(right, { signedIn: { userId: 'ana', signedInAt: now().getTime() }, returnTo: '/patients/p-0001' });
  for (const body of [
    { username: 'ana', password: 'wrong' },
    { username: '<b>eve', password: 'demo' },
    { username: 'ana\u0000', password: 'demo' },
    { username: ['ana'], password: 'demo' },
    null,
  ]) {
    const wrong = await signIn.attempt('token', body);
    t.match(wrong, { refused: { status: 401 } }, JSON.stringify(body));
    t.notMatch(JSON.stringify(wrong), '<b>eve');
  }
});

t.test('after signing in nobody is sent elsewhere', async (t) => {
  for (const path of [
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    'https://evil.example',
    '/.//evil.example',
  ]) {
    t.equal(safeReturnPath(path), '/', JSON.stringify(path));
  }
  t.equal(safeReturnPath(['/']), '/');
  t.equal(safeReturnPath('/appointments/a-00001?x=1#y'), '/appointments/a-00001?x=1');
});

t.test('a form is accepted with the token of its session only', async (t) => {
  const token = createCsrfToken();
  t.ok(carriesCsrfToken({ csrf: token }, token));
  for (const body of [{ csrf: createCsrfToken() }, { csrf: [token] }, {}, null, undefined, 'csrf']) {
    t.notOk(carriesCsrfToken(body, token));
  }
  t.notOk(carriesCsrfToken({ csrf: '' }, undefined));
});

t.test('the demo accounts: three authenticators of 160 bits, the same after a restart', async (t) => {
  const accounts = demoAccounts(secret);
  t.same(demoAccounts(secret), accounts);
  t.same(
    accounts.map(({ username, roles, totpSecret }) => [username, roles[0], totpSecret !== null]),
    [
      ['clinician', 'clinician', true],
      ['clinician2', 'clinician', true],
      ['newcomer', 'clinician', false],
      ['admin', 'administrator', true],
    ],
  );
  const secrets = accounts.flatMap(({ totpSecret }) => totpSecret ?? []);
  t.equal(new Set(secrets).size, 3);
  for (const one of secrets) t.equal(new ScureBase32Plugin().decode(one).length, 20);
  t.not(demoAccounts(`${secret}!`)[0]!.totpSecret, accounts[0]!.totpSecret);

  const demo = createDemo(accounts, demoMessages(accounts, now), now);
  t.match(JSON.parse(demo.accounts().body)[0], { username: 'clinician', password: 'demo', totpSecret: secrets[0]! });
  const code = await generate({ secret: secrets[0]!, epoch: now().getTime() / 1000 });
  const page = await demo.authenticator({});
  t.match(page.body, `<span>${code.slice(0, 3)}</span><span>${code.slice(3)}</span>`);
  t.equal(page.headers.refresh, '30');
  t.notOk('refresh' in (await demo.authenticator({ refresh: 'off' })).headers);
});

t.test('mails and SMS of the demonstration go to a page, the newest first, and no further', async (t) => {
  const accounts = demoAccounts(secret);
  const messages = demoMessages(accounts, now);
  const { mail, sms, contacts } = messages.notices;
  const demo = createDemo(accounts, messages, now);
  t.match(demo.messages().body, 'Nothing was sent');
  t.same(await contacts.administrators('clinic'), ['admin']);
  const contact = await contacts.contactOf('clinic', 'admin');
  t.match(contact, { email: 'admin@example.org', phone: /^\+1202555010\d$/ });
  t.equal(await contacts.contactOf('clinic', 'nobody'), null);
  await mail.send({ to: 'admin@example.org', subject: 'Emergency access', text: 'first <b>line\nsecond' });
  await sms.send({ to: '+12025550103', text: 'the SMS' });
  const { body, headers } = demo.messages();
  t.ok(body.indexOf('the SMS') < body.indexOf('Emergency access'));
  t.match(body, 'first &lt;b>line\nsecond');
  t.equal(headers['cache-control'], 'no-store');
  for (let n = 0; n < 150; n++) await sms.send({ to: '+12025550103', text: `SMS ${n}` });
  t.equal(messages.latest().length, 100);
});

t.test('the secret of a first run is kept, for its owner only, and two first runs agree', async (t) => {
  const folder = join(await mkdtemp(join(tmpdir(), 'ehr-secret-')), 'data');
  t.teardown(() => rm(folder, { recursive: true }));
  const secrets = await Promise.all([keptSecret(folder), keptSecret(folder), keptSecret(folder)]);
  t.equal(new Set(secrets).size, 1);
  t.ok(secrets[0]!.length >= 43);
  t.same(await readdir(folder), ['ehr-secret']);
  t.equal((await stat(join(folder, 'ehr-secret'))).mode & 0o777, 0o600);
});

t.test('the environment is read whole, and no value is repeated in a complaint', async (t) => {
  t.match(await readEnvironment({ EHR_SECRET: secret, PORT: '', NODE_ENV: 'production' }), {
    port: 3000,
    adapter: 'fastify',
    databaseUrl: null,
    dataDir: '.data',
    production: true,
    publicUrl: 'http://localhost:3000',
  });
  const bad = {
    PORT: '70000',
    ADAPTER: 'koa',
    DATABASE_URL: 'mysql://u:hunter2@db',
    EHR_SECRET: 'short',
    PUBLIC_URL: 'http://h/p',
  };
  const error = await readEnvironment(bad).catch((thrown: unknown) => thrown);
  t.ok(error instanceof EnvironmentError);
  for (const name of Object.keys(bad)) t.match(String(error), `${name} must be`);
  for (const value of Object.values(bad)) t.notMatch(String(error), value);
});

t.test('an error of the database is logged without what was bound to the query', async (t) => {
  const failed = new Error('Failed query: insert …\nparams: the notes', { cause: new Error('connection lost') });
  t.notMatch(JSON.stringify(loggable(failed)), 'the notes');
  t.match(loggable(failed), { message: 'connection lost' });
  t.match(loggable('text'), { name: 'unknown' });
});
