// People and their factors: a passkey, an authenticator app, recovery codes; found, named, replaced and removed without a dead end.
import { SoftwareAuthenticator } from '../../packages/core/test/factors/software-authenticator.ts';
import { auditStory, codesOf } from '../support/audit-story.ts';
import {
  actionsOf,
  answerOn,
  attribute,
  codesOn,
  createOn,
  FACTORS,
  follow,
  ownFactors,
  passed,
  send,
  start,
  unescaped,
  withPasskey,
} from '../support/factor-pages.ts';
import { type Host, onEveryAdapter } from '../support/hosts.ts';

onEveryAdapter('a passkey first, and recovery codes for when it is lost', async (t, adapter) => {
  const host = await start(adapter);
  const { client, device, done } = await withPasskey(host, 'nora');
  let codes: string[] = [];

  await t.test('it is added with a name, and other sessions may be ended', async (t) => {
    t.match(done.text, 'Your passkey is ready');
    t.ok(actionsOf(done).includes(`${FACTORS}/sign-out-others`));
    const page = await client.get(FACTORS, { page: true });
    t.match(page.text, 'Laptop');
    t.match(page.text, 'no false site can use it', 'what it counts for, in plain words');
  });

  await t.test('it is in front of the challenge, and answers it', async (t) => {
    const challenge = await follow(client, await client.get('/visits/v1?tab=notes', { page: true }));
    t.match(challenge.text, /<button[^>]*autofocus/, 'the Enter key is enough');
    t.notMatch(challenge.text, 'name="code"', 'nothing is offered that this person has not got');
    const unverified = await answerOn(host, client, challenge, device, false);
    t.equal(unverified.status, 422);
    t.match(unverified.text, 'Your passkey was not accepted', 'in place');
    const passed = await answerOn(host, client, unverified, device);
    t.equal(passed.headers.get('location'), '/visits/v1?tab=notes');
    t.equal((await client.get('/visits/v1')).status, 200);
  });

  await t.test('an empty answer, as a browser without a script sends it, is refused in place', async (t) => {
    const challenge = await follow(client, await client.get('/visits/v2', { page: true }));
    t.match(challenge.text, /<noscript>.*needs JavaScript/);
    const refused = await send(client, challenge, '/passkey', { response: '' });
    t.equal(refused.status, 422);
    t.match(attribute(refused, 'data-cs-challenge'), /^[\w-]{22}$/, 'and can be tried again');
  });

  await t.test('recovery codes take a proof, are shown once, and are counted', async (t) => {
    const story = await auditStory(host);
    const asked = await send(client, await client.get(FACTORS, { page: true }), '/recovery-codes/enrol');
    t.equal(asked.status, 401);
    t.match(asked.text, 'change how you confirm who you are');
    const back = await answerOn(host, client, asked, device);
    t.equal(back.headers.get('location'), FACTORS);
    const shown = await send(client, await follow(client, back), '/recovery-codes/enrol');
    t.equal(shown.status, 200);
    codes = codesOn(shown);
    t.equal(new Set(codes).size, 10);
    t.equal(shown.headers.get('cache-control'), 'no-store');
    const page = await client.get(FACTORS, { page: true });
    t.match(page.text, '10 recovery codes left');
    t.same(codesOn(page), []);
    const events = await story.next();
    t.strictSame(codesOf(events.filter(({ code }) => code !== 'ACCESS_ALLOWED')), [
      'MFA_REQUIRED',
      'MFA_SUCCESS',
      'FACTOR_ENROLLED',
    ]);
    for (const code of codes) t.notMatch(JSON.stringify(events), code);
  });

  await t.test('a name is changed; what was typed outlives the step-up', async (t) => {
    const [laptop] = await ownFactors(client);
    const rename = `/own/${laptop?.id}/rename`;
    const page = await client.get(FACTORS, { page: true });
    const empty = await send(client, page, rename, { label: '   ' });
    t.equal(empty.status, 400);
    t.match(empty.text, 'Enter a name of 1 to 60 characters');
    const renamed = await follow(client, await send(client, page, rename, { label: 'Work laptop' }));
    t.match(renamed.text, 'The new name is saved');
    t.match(renamed.text, 'Work laptop');
    host.clock.set(301);
    const asked = await send(client, renamed, rename, { label: 'Blue & “old”' });
    t.equal(asked.status, 401);
    const back = await follow(client, await answerOn(host, client, asked, device));
    t.match(unescaped(back.text), 'value="Blue & “old”"');
    t.equal((await ownFactors(client))[0]?.label, 'Work laptop', 'nothing is sent by itself');
  });

  await t.test('a recovery code stands in for the lost passkey, and says how many are left', async (t) => {
    host.clock.set(301);
    const asked = await send(client, await client.get(FACTORS, { page: true }), '/totp/enrol');
    t.match(asked.text, 'Use instead: Recovery codes');
    const short = await send(client, asked, '/recovery-codes', { code: 'ABCD' });
    t.equal(short.status, 400);
    t.match(short.text, 'A recovery code has 16 letters and digits');
    const used = await send(client, short, '/recovery-codes', { code: String(codes[0]).toLowerCase() });
    t.match(used.headers.get('location'), /^\/step-up\/factors\/remaining\?returnTo=/);
    const left = await follow(client, used);
    t.match(left.text, '9 recovery codes left');
    t.match(left.text, `href="${FACTORS}"`);

    const shown = await follow(client, await send(client, await client.get(FACTORS, { page: true }), '/totp/enrol'));
    const key = (/id="cs-manual-key"[^>]*>([A-Z2-7 ]+)</.exec(shown.text)?.[1] ?? '').replaceAll(' ', '');
    const added = await send(client, shown, '/totp/confirm', { code: host.code(key) });
    t.equal(added.status, 200);
    t.notMatch(added.text, 'does not count in full', 'an app is as strong as what added it');
  });

  await t.test('a passkey that a recovery code added counts for less, until an administrator’s code', async (t) => {
    const second = new SoftwareAuthenticator();
    const shown = await follow(client, await send(client, await client.get(FACTORS, { page: true }), '/passkey/enrol'));
    const added = await send(client, shown, '/passkey/confirm', {
      response: createOn(host, shown, second),
      label: 'New phone',
    });
    t.match(added.text, 'does not count in full yet');
    const capped = (await ownFactors(client)).find((held) => held.label === 'New phone');
    t.match(capped, { strength: 'any', cap: { full: 'phishing-resistant', liftsAt: null } });
    const page = await client.get(FACTORS, { page: true });
    t.match(page.text, 'A code from an administrator changes that');
    const wrong = await send(client, page, '/factors/lift', { enrolmentCode: '0000-0000-0000-0000' });
    t.equal(wrong.status, 422);
    t.match(wrong.text, 'id="cs-lift-code-error"', 'beside the field');

    const code = await issuedCode(host, 'nora');
    const lifted = await follow(client, await send(client, wrong, '/factors/lift', { enrolmentCode: code }));
    t.match(lifted.text, 'Your factors now count in full');
    t.notOk((await ownFactors(client)).some((held) => held.cap !== null));
  });

  await t.test('other sessions are ended, this one goes on', async (t) => {
    const tablet = await host.signedIn('nora');
    host.clock.set(1);
    const latest = await host.signedIn('nora');
    const story = await auditStory(host);
    const page = await client.get(FACTORS, { page: true });
    const token = page.field('_countersign');
    const done = await client.post(`${FACTORS}/sign-out-others`, { page: true, form: { _countersign: token } });
    t.match((await follow(client, done)).text, 'Your other sessions were ended');
    for (const other of [tablet, latest])
      t.match((await other.get('/api/v1/auth/session')).json(), { code: 'session_ended' });
    t.equal((await client.get('/visits/v1')).status, 200, 'with what it had confirmed');
    t.match(await story.next(), [{ code: 'SESSIONS_REVOKED', userId: 'nora' }]);
  });

  await t.test('what is removed is gone; the last one stays', async (t) => {
    const held = await ownFactors(client);
    const remove = async (factor: { id: string }) => {
      let page = await client.get(FACTORS, { page: true });
      const refused = await send(client, page, `/own/${factor.id}/remove`);
      if (refused.status !== 401) return refused;
      await answerOn(host, client, refused, device);
      page = await client.get(FACTORS, { page: true });
      return await send(client, page, `/own/${factor.id}/remove`);
    };
    for (const factor of held.filter(({ factor, label }) => factor === 'totp' || label === 'New phone'))
      t.match((await remove(factor)).headers.get('location'), /done=removed/);
    const laptop = held.find(({ label }) => label === 'Work laptop');
    const last = await remove({ id: laptop?.id ?? '' });
    t.equal(last.status, 409);
    t.match(last.text, 'This is your last factor');
    t.equal((await ownFactors(client)).length, 2, 'it and the codes');
  });
  t.strictSame(host.faults, []);
  await host.close();
});

/** An administrator's code for a user, from the page. */
async function issuedCode(host: Host, userId: string): Promise<string> {
  const { client, secret } = await host.enrolled(`admin of ${userId}`, { roles: ['administrator'] });
  const asked = await client.post('/api/v1/admin/users/x/enrolment-code', { json: { reason: 'a reason long enough' } });
  await passed(host, client, secret, asked);
  const page = await client.get(`/step-up/admin/users?${new URLSearchParams({ userId })}`, { page: true });
  const issued = await send(client, page, '/admin/users/enrolment-code', {
    userId,
    reason: 'Lost the phone, seen in person',
  });
  const code = /id="cs-issued-code">\s*([0-9A-Z-]{19})/.exec(issued.text)?.[1];
  if (code === undefined) throw new Error(`No code: ${issued.status} ${issued.text}`);
  return code;
}
