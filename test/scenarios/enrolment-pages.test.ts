// A newcomer meets a sensitive record before having a factor: the way to one leads back to that record, and no dead end lies on it.
import { auditStory, codesOf } from '../support/audit-story.ts';
import type { Answer, Client } from '../support/client.ts';
import { onEveryAdapter, startHost } from '../support/hosts.ts';

/** The enrolment key as the page shows it for typing, without its gaps. */
const keyOn = (page: Answer): string =>
  (/id="cs-manual-key"[^>]*>([A-Z2-7 ]+)</.exec(page.text)?.[1] ?? '').replaceAll(' ', '');

const hrefs = (page: Answer): string[] =>
  [...page.text.matchAll(/<a [^>]*href="([^"]+)"/g)].map((found) => (found[1] ?? '').replaceAll('&amp;', '&'));

const actionOf = (page: Answer, ending: string): string => {
  const actions = [...page.text.matchAll(/<form[^>]*action="([^"]+)"/g)].map((found) => found[1] ?? '');
  return (actions.find((action) => action.split('?')[0]?.endsWith(ending)) ?? '').replaceAll('&amp;', '&');
};

/** Sends a form of a page. */
const send = (client: Client, page: Answer, ending: string, fields: Record<string, string> = {}): Promise<Answer> =>
  client.post(actionOf(page, ending), {
    page: true,
    form: { ...fields, _countersign: page.field('_countersign') },
  });

onEveryAdapter('a newcomer enrols on the way to a record, and reaches it', async (t, adapter) => {
  const host = await startHost(adapter, {
    web: { signIn: (returnTo) => `/login?next=${encodeURIComponent(returnTo)}` },
  });
  const client = await host.signedIn('nora');
  const wanted = '/visits/v1?tab=notes';
  let secret = '';

  await t.test('denied, with the way to a factor', async (t) => {
    const story = await auditStory(host);
    const problem = await client.get(wanted);
    t.equal(problem.status, 403);
    t.match(problem.json(), {
      code: 'factor_required',
      reasons: [{ kind: 'missing', category: '5' }],
      enrolmentUrl: `${host.baseUrl}/step-up/factors`,
    });
    const denied = await client.get(wanted, { page: true });
    t.equal(denied.status, 403);
    t.notMatch(denied.text, 'notes of v1');
    t.ok(hrefs(denied).includes(`/step-up/factors?returnTo=${encodeURIComponent(wanted)}`));
    const events = await story.next();
    t.strictSame(codesOf(events), ['ACCESS_DENIED', 'ACCESS_DENIED']);
    t.match(events[0], { reason: 'no-suitable-factor', userId: 'nora', patientId: 'p1', outcome: 'refused' });
  });

  await t.test('from there over the key and a slip to a factor, and on to the record', async (t) => {
    const story = await auditStory(host);
    const factors = await client.get(`/step-up/factors?returnTo=${encodeURIComponent(wanted)}`, { page: true });
    t.equal(factors.status, 200);
    t.match(factors.text, 'You have no factor yet');
    const begun = await send(client, factors, '/totp/enrol');
    t.equal(begun.status, 303, 'a redirect, so that a reload sends nothing again');
    const place = begun.headers.get('location') ?? '';

    const shown = await client.get(place, { page: true });
    t.equal(shown.status, 200);
    t.match(shown.text, '<svg', 'a picture to scan');
    secret = keyOn(shown);
    t.match(secret, /^[A-Z2-7]{32,}$/, 'and the same as text');
    t.ok(hrefs(shown).some((href) => href.startsWith('otpauth://totp/') && href.includes(`secret=${secret}`)));
    t.equal(keyOn(await client.get(place, { page: true })), secret, 'a reload keeps the key');

    const slip = await send(client, shown, '/totp/confirm', { code: '12 34' });
    t.equal(slip.status, 400);
    t.equal(keyOn(slip), secret);
    const wrong = await send(client, slip, '/totp/confirm', { code: host.code(secret, 40) });
    t.equal(wrong.status, 422);
    t.equal(keyOn(wrong), secret, 'a wrong code keeps the key');
    t.equal((await client.get('/visits/v1')).status, 403, 'a factor that waits counts for nothing');

    const confirmed = await send(client, wrong, '/totp/confirm', { code: host.code(secret) });
    t.equal(confirmed.status, 200);
    t.match(confirmed.text, 'Your authenticator app is ready');
    t.ok(hrefs(confirmed).includes(wanted), 'and on to the record');
    const events = await story.next();
    t.strictSame(codesOf(events), ['FACTOR_ENROLMENT_STARTED', 'MFA_FAILURE', 'ACCESS_DENIED', 'FACTOR_ENROLLED']);
    t.match(events[1], { reason: 'enrolment', factor: 'totp', userId: 'nora' });
    t.match(events[3], { reason: 'new', factor: 'totp', userId: 'nora', outcome: 'success' });
    for (const event of events) t.notMatch(JSON.stringify(event), secret);
  });

  await t.test('the code that confirmed opens nothing else; the next one does', async (t) => {
    const story = await auditStory(host);
    const refused = await client.get(wanted, { page: true });
    t.equal(refused.status, 303);
    const challenge = refused.headers.get('location') ?? '';
    const again = await send(client, await client.get(challenge, { page: true }), '/totp', { code: host.code(secret) });
    t.equal(again.status, 422);
    t.match(again.text, 'That code was already used');
    host.clock.set(30);
    const passed = await send(client, again, '/totp', { code: host.code(secret) });
    t.equal(passed.headers.get('location'), wanted);
    t.equal((await client.get(wanted, { page: true })).status, 200);
    const events = await story.next();
    t.strictSame(codesOf(events), ['MFA_REQUIRED', 'MFA_FAILURE', 'MFA_SUCCESS', 'ACCESS_ALLOWED']);
    t.match(events[1], { reason: 'already-used' });
  });

  await t.test('a way back that leads elsewhere is left out', async (t) => {
    const elsewhere = await client.get('/step-up/factors?returnTo=//evil.example/x', { page: true });
    t.equal(elsewhere.status, 200);
    t.notMatch(elsewhere.text, 'evil');
  });
  t.strictSame(host.faults, []);
  await host.close();
});

onEveryAdapter('a first factor needs a sign-in that is fresh', async (t, adapter) => {
  const host = await startHost(adapter, {
    web: { signIn: (returnTo) => `/login?next=${encodeURIComponent(returnTo)}` },
  });
  const client = await host.signedIn('nora');
  const page = await client.get('/step-up/factors', { page: true });
  host.clock.set(900);
  const story = await auditStory(host);
  const stale = await client.get(`/step-up/factors?returnTo=${encodeURIComponent('/visits/v1')}`, { page: true });
  t.equal(stale.status, 200);
  t.equal(actionOf(stale, '/totp/enrol'), '', 'no button that would only be refused');
  const [next] = hrefs(stale).filter((href) => href.startsWith('/login'));
  const back = decodeURIComponent(next?.split('next=')[1] ?? '');
  t.equal(back, `/step-up/factors?returnTo=${encodeURIComponent('/visits/v1')}`, 'the sign-in keeps the way back');
  const posted = await send(client, page, '/totp/enrol');
  t.equal(posted.status, 403);
  t.match(posted.text, 'Please sign in again');
  const api = await client.post('/api/v1/auth/mfa/enroll', { json: {} });
  t.equal(api.status, 403);
  t.match(api.json(), { code: 'fresh_sign_in_required' });
  t.strictSame(codesOf(await story.next()), []);

  const fresh = await host.signedIn('nora');
  const begun = await send(fresh, await fresh.get(back, { page: true }), '/totp/enrol');
  t.equal(begun.status, 303);
  const shown = await fresh.get(begun.headers.get('location') ?? '', { page: true });
  const done = await send(fresh, shown, '/totp/confirm', { code: host.code(keyOn(shown)) });
  t.ok(hrefs(done).includes('/visits/v1'));
  t.strictSame(codesOf(await story.next()), ['FACTOR_ENROLMENT_STARTED', 'FACTOR_ENROLLED']);
  await host.close();
});

onEveryAdapter('replacing a factor needs the old one, and ends every other proof', async (t, adapter) => {
  const host = await startHost(adapter);
  const { client, secret } = await host.enrolled('carol');
  const tablet = await host.signedIn('carol');
  await host.stepUp(tablet, secret, '/visits/v1');
  host.clock.set(30);
  await host.stepUp(client, secret, '/visits/v2');
  host.clock.set(30);

  const story = await auditStory(host);
  const api = await client.post('/api/v1/auth/mfa/enroll', { json: { factor: 'totp' } });
  t.equal(api.status, 401, 'a proof for a patient is none for the account');
  t.match(api.json(), { code: 'step_up_required', reasons: [{ kind: 'missing', category: null }] });

  const factors = await client.get('/step-up/factors', { page: true });
  t.match(factors.text, 'Replace authenticator app');
  const refused = await send(client, factors, '/totp/enrol');
  t.equal(refused.status, 401);
  t.match(refused.text, 'change how you confirm who you are', 'it says what the code is for');
  const passed = await send(client, refused, '/totp', { code: host.code(secret) });
  t.equal(passed.status, 303);
  t.equal(passed.headers.get('location'), '/step-up/factors');
  t.equal((await client.get('/visits/v1')).status, 401, 'a proof for the account is none for a patient');

  const begun = await send(client, await client.get('/step-up/factors', { page: true }), '/totp/enrol');
  t.equal(begun.status, 303);
  const shown = await client.get(begun.headers.get('location') ?? '', { page: true });
  const replaced = keyOn(shown);
  t.not(replaced, secret);
  t.equal((await tablet.get('/visits/v1')).status, 200, 'until it is confirmed, the old one stands');
  const done = await send(client, shown, '/totp/confirm', { code: host.code(replaced) });
  t.equal(done.status, 200);

  t.equal((await tablet.get('/visits/v1')).status, 401, 'proofs of other sessions have ended');
  t.equal((await client.get('/visits/v2')).status, 200, 'this one, whose proof allowed it, keeps its own');
  host.clock.set(30);
  const old = await tablet.post('/api/v1/auth/mfa/verify', {
    json: { challengeId: (await tablet.get('/visits/v1')).json().challengeId, code: host.code(secret) },
  });
  t.match(old.json(), { code: 'code_incorrect' }, 'the old app is worth nothing now');
  await host.stepUp(tablet, replaced, '/visits/v1');
  t.equal((await tablet.get('/visits/v1')).status, 200);

  const events = await story.next();
  t.strictSame(codesOf(events), [
    'MFA_REQUIRED',
    'MFA_REQUIRED',
    'MFA_SUCCESS',
    'MFA_REQUIRED',
    'ACCESS_ALLOWED',
    'FACTOR_ENROLMENT_STARTED',
    'ACCESS_ALLOWED',
    'FACTOR_ENROLLED',
    'MFA_REQUIRED',
    'ACCESS_ALLOWED',
    'MFA_REQUIRED',
    'MFA_FAILURE',
    'MFA_REQUIRED',
    'MFA_SUCCESS',
    'ACCESS_ALLOWED',
  ]);
  t.match(events[1], { action: 'factors', patientId: null, userId: 'carol' });
  t.match(
    events.find((event) => event.code === 'FACTOR_ENROLLED'),
    { reason: 'replaced', userId: 'carol' },
  );
  t.strictSame(host.faults, []);
  await host.close();
});
