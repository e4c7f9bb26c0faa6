// Threats 3, 5, 28: a sheet of recovery codes was photographed. A code that was used is sent again: at once, by fifty requests in the
// same moment, after the row was put back by SQL; a code of somebody else's sheet is tried. Each code counts once, for its owner.
import { type CountersignOptions, recoveryCodes, totp } from '@countersign/core';
import postgres from 'postgres';
import type { Test } from 'tap';
import type { Client } from '../support/client.ts';
import { type AdapterName, type Host, onEveryAdapter, startHost } from '../support/hosts.ts';
import { accountChallenge, answerByCode, challengeOf, makeRecoveryCodes } from '../support/passkey-person.ts';
import { createRealStore } from '../support/real-store.ts';

const options = (changes: Parameters<typeof recoveryCodes>[0] = {}): Partial<CountersignOptions> => ({
  factors: [totp({ issuer: 'Example EHR' }), recoveryCodes(changes)],
  attempts: { perWindow: 100 },
});

let users = 0;
const hosts = new Map<string, Promise<{ readonly url: string; readonly host: Host }>>();

/** One host for each adapter and kind of codes; every story has a user of its own. */
async function start(adapter: AdapterName, changes: Parameters<typeof recoveryCodes>[0] = {}) {
  const kind = JSON.stringify([adapter, changes]);
  const begun =
    hosts.get(kind) ??
    createRealStore().then(async (store) => ({
      url: store.url,
      host: await startHost(adapter, { store, countersign: options(changes) }),
    }));
  hosts.set(kind, begun);
  return { ...(await begun), userId: `user-${users++}` };
}

/** A user with an authenticator app and ten codes. */
async function owner(host: Host, userId: string) {
  const { client, secret } = await host.enrolled(userId);
  const passed = await answerByCode(
    client,
    await accountChallenge(client, 'recovery-codes'),
    'totp',
    host.code(secret),
  );
  if (passed.status !== 200) throw new Error(passed.text);
  host.clock.set(30);
  return { client, secret, codes: await makeRecoveryCodes(client) };
}

const countOf = async (host: Host, userId: string, code: string, reason?: string) =>
  (await host.events(userId)).filter(
    (event) => event.code === code && (reason === undefined || event.reason === reason),
  ).length;

/** Refused as a wrong code, on the log, and nothing is open. */
async function refusedAsWrong(t: Test, host: Host, client: Client, userId: string, code: string, reason: string) {
  const answer = await answerByCode(client, await challengeOf(client), 'recovery-codes', code);
  t.match([answer.status, answer.json().code], [422, 'code_incorrect'], reason);
  t.match(
    (await host.events(userId)).findLast((event) => event.code === 'MFA_FAILURE'),
    {
      factor: 'recovery-codes',
      reason,
    },
  );
  t.equal((await client.get('/visits/v1')).status, 401, 'nothing is open');
}

onEveryAdapter('a code again, and somebody else’s', async (t, adapter) => {
  const { host, userId } = await start(adapter);
  const { codes } = await owner(host, userId);
  const other = await owner(host, `${userId}-other`);
  const [code = '', second = ''] = codes;

  const client = await host.signedIn(userId);
  const answer = await answerByCode(client, await challengeOf(client), 'recovery-codes', code.toLowerCase());
  t.match([answer.status, answer.json()], [200, { verified: true, remaining: 9 }]);
  t.equal((await client.get('/visits/v1')).status, 200);
  const used = (await host.events(userId)).filter((event) => event.code === 'RECOVERY_CODE_USED');
  t.match(used, [{ reason: '9 left', outcome: 'success' }]);

  for (const again of [code, code.replaceAll('-', ' ')]) {
    const session = await host.signedIn(userId);
    await refusedAsWrong(t, host, session, userId, again, 'already-used');
  }
  await refusedAsWrong(t, host, await host.signedIn(`${userId}-other`), `${userId}-other`, second, 'incorrect');
  await refusedAsWrong(t, host, await host.signedIn(userId), userId, other.codes[0] ?? '', 'incorrect');
  const malformed = await host.signedIn(userId);
  const slip = await answerByCode(malformed, await challengeOf(malformed), 'recovery-codes', '123456');
  t.match([slip.status, slip.json().code], [400, 'code_malformed']);

  const stored = JSON.stringify(await host.events());
  for (const one of codes)
    t.notOk(stored.includes(one) || stored.includes(one.replaceAll('-', '')), 'no code on the log');
});

onEveryAdapter('Threat 3: fifty sessions send one code in the same moment. One counts', async (t, adapter) => {
  const { host, userId } = await start(adapter);
  const { codes } = await owner(host, userId);
  const [code = ''] = codes;
  const sessions = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const client = await host.signedIn(userId);
      return { client, challengeId: await challengeOf(client) };
    }),
  );
  const answers = await Promise.all(
    sessions.map(({ client, challengeId }) => answerByCode(client, challengeId, 'recovery-codes', code)),
  );
  t.equal(answers.filter(({ status }) => status === 200).length, 1);
  t.equal(answers.filter((answer) => answer.status === 422 && answer.json().code === 'code_incorrect').length, 49);
  t.equal(await countOf(host, userId, 'RECOVERY_CODE_USED'), 1);
  t.equal(await countOf(host, userId, 'MFA_FAILURE', 'already-used'), 49);
  const open = await Promise.all(sessions.map(({ client }) => client.get('/visits/v1')));
  t.equal(open.filter(({ status }) => status === 200).length, 1);
  const held = (await host.countersign.enrolment.list(principal(host, userId))).find(
    ({ factor }) => factor === 'recovery-codes',
  );
  t.equal(held?.remaining, 9);
});

onEveryAdapter('two sessions that send different codes at once both pass', async (t, adapter) => {
  const { host, userId } = await start(adapter);
  const { codes } = await owner(host, userId);
  const answers = await Promise.all(
    codes.slice(0, 6).map(async (code) => {
      const client = await host.signedIn(userId);
      return await answerByCode(client, await challengeOf(client), 'recovery-codes', code);
    }),
  );
  t.strictSame(
    answers.map(({ status }) => status),
    Array(6).fill(200),
  );
  t.strictSame(
    answers.map((answer) => Number(answer.json().remaining)).sort((one, other) => other - one),
    [9, 8, 7, 6, 5, 4],
    'each was told what is left after it',
  );
});

onEveryAdapter('Threat 28: a row put back by SQL makes no used code new, however much later', async (t, adapter) => {
  const { host, userId, url } = await start(adapter);
  const { codes } = await owner(host, userId);
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  t.teardown(() => sql.end());
  const [before] = await sql`select * from countersign.factor where user_id = ${userId} and factor = 'recovery-codes'`;
  const client = await host.signedIn(userId);
  const [code = ''] = codes;
  t.equal((await answerByCode(client, await challengeOf(client), 'recovery-codes', code)).status, 200);
  await sql`update countersign.factor set counter = ${String(before?.counter)}, mac = ${String(before?.mac)}
    where id = ${String(before?.id)}`;
  host.clock.set(86_400);
  const late = await host.signedIn(userId);
  const answer = await answerByCode(late, await challengeOf(late), 'recovery-codes', code);
  t.match([answer.status, answer.json().code], [503, 'factor_unknown']);
  t.match((await host.events(userId)).at(-1), {
    code: 'FACTOR_TAMPERED',
    factor: 'recovery-codes',
    reason: 'rolled-back',
  });
  t.equal((await late.get('/visits/v1')).status, 401);
});

onEveryAdapter('new codes take the place of the old, all of them; used up, they answer nothing', async (t, adapter) => {
  const { host, userId } = await start(adapter);
  const { client, secret, codes } = await owner(host, userId);
  const fresh = await makeRecoveryCodes(client);
  await refusedAsWrong(t, host, await host.signedIn(userId), userId, codes[0] ?? '', 'incorrect');
  for (const code of fresh) {
    const session = await host.signedIn(userId);
    t.equal((await answerByCode(session, await challengeOf(session), 'recovery-codes', code)).status, 200);
  }
  const last = await host.signedIn(userId);
  const asked = await last.get('/visits/v1');
  t.strictSame(asked.json().factors, ['totp'], 'they are not offered any more');
  const answer = await answerByCode(last, String(asked.json().challengeId), 'recovery-codes', fresh[0] ?? '');
  t.equal(answer.json().code, 'factor_not_accepted');
  t.equal((await last.get('/visits/v1')).status, 401);
  t.equal((await answerByCode(last, await challengeOf(last), 'totp', host.code(secret))).status, 200);
});

onEveryAdapter('codes for the account alone open no record', async (t, adapter) => {
  const { host, userId } = await start(adapter, { accountOnly: true });
  const { codes } = await owner(host, userId);
  const client = await host.signedIn(userId);
  const asked = await client.get('/visits/v1');
  t.strictSame(asked.json().factors, ['totp']);
  const answer = await answerByCode(client, String(asked.json().challengeId), 'recovery-codes', codes[0] ?? '');
  t.match([answer.status, answer.json().code], [403, 'factor_not_accepted']);
  t.match(
    (await host.events(userId)).findLast(({ code }) => code === 'MFA_FAILURE'),
    { reason: 'too-weak' },
  );
  t.equal((await client.get('/visits/v1')).status, 401);
  const account = await accountChallenge(client, 'totp');
  t.equal(
    (await answerByCode(client, account, 'recovery-codes', codes[0] ?? '')).status,
    200,
    'a lost app is replaced',
  );
  t.equal((await client.post('/api/v1/auth/mfa/enroll', { json: { factor: 'totp' } })).status, 201);
  t.equal((await client.get('/visits/v1')).status, 401, 'and no record is open by it');
});

function principal(host: Host, userId: string) {
  return host.countersign.principalOf({
    userId,
    workspaceId: 'clinic',
    roles: ['clinician'],
    displayName: userId,
    signedInAt: new Date(host.clock.now()),
    sessionKey: 'looks only',
  });
}
