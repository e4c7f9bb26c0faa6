// A clinician meets step-up inside the pages of the host: sent to the challenge, and back to the very page that was wanted.
import { openStore } from '@countersign/postgres';
import type { Test } from 'tap';
import { auditStory, codesOf } from '../support/audit-story.ts';
import type { Answer, Client } from '../support/client.ts';
import { type Host, onEveryVersion, startHost } from '../support/hosts.ts';
import { createPglite } from '../support/pglite.ts';

/** Where a page refused with 303 sends the browser. */
function challengeOf(t: Test, refused: Answer): string {
  t.equal(refused.status, 303);
  t.equal(refused.headers.get('cache-control'), 'no-store');
  const location = refused.headers.get('location') ?? '';
  t.match(location, /^\/step-up\/challenge\/[\w-]{22}$/);
  return location;
}

/** Sends a code with the form of a challenge page. */
function answer(client: Client, shown: Answer, challenge: string, code: string): Promise<Answer> {
  return client.post(`${challenge}/totp`, {
    page: true,
    form: { code, _countersign: shown.field('_countersign') },
  });
}

/** The code after the last one, which was used. */
function nextCode(host: Host, secret: string): string {
  host.clock.set(30);
  return host.code(secret);
}

onEveryVersion('the way through the pages', async (t, adapter) => {
  // Once on the embedded database as well: the scenarios are otherwise on a server.
  const host = await startHost(adapter, adapter === 'fastify' ? { store: await openStore(await createPglite()) } : {});
  const { client, secret } = await host.enrolled('carol');

  await t.test('a page asks, keeps its place after a slip, and comes back with its query', async (t) => {
    const story = await auditStory(host);
    const wanted = '/visits/v1?tab=notes&q=a%20b';
    const challenge = challengeOf(t, await client.get(wanted, { page: true }));
    const shown = await client.get(challenge, { page: true });
    t.equal(shown.status, 200);
    t.match(shown.headers.get('content-type'), 'text/html');
    t.equal(shown.headers.get('cache-control'), 'no-store');
    t.equal(shown.headers.get('x-frame-options'), 'DENY');
    t.match(shown.text, 'Ketamine infusion', 'it says what the code is for');
    t.notMatch(shown.text, 'notes of v1');
    t.match(shown.text, `action="${challenge}/totp"`);

    const slip = await answer(client, shown, challenge, '12345');
    t.equal(slip.status, 400, 'five digits are a slip, not an attempt');
    const wrong = await answer(client, slip, challenge, host.code(secret, 40));
    t.equal(wrong.status, 422);
    t.match(wrong.text, 'That code is not right');
    t.match(wrong.text, `action="${challenge}/totp"`, 'the same challenge goes on');

    const right = await answer(client, wrong, challenge, host.code(secret));
    t.equal(right.status, 303);
    t.equal(right.headers.get('location'), wanted);
    const opened = await client.get(wanted, { page: true });
    t.equal(opened.status, 200);
    t.match(opened.text, 'notes of v1');
    t.equal(opened.headers.get('cache-control'), 'no-store');

    const events = await story.next();
    t.strictSame(codesOf(events), ['MFA_REQUIRED', 'MFA_FAILURE', 'MFA_FAILURE', 'MFA_SUCCESS', 'ACCESS_ALLOWED']);
    const common = { workspaceId: 'clinic', userId: 'carol', patientId: 'p1', categories: '5', action: 'view' };
    const challengeId = challenge.split('/').at(-1);
    t.match(events, [
      { ...common, reason: 'missing', method: 'GET', route: '/visits/:id', challengeId, outcome: 'refused' },
      { ...common, reason: 'malformed', factor: 'totp', challengeId },
      { ...common, reason: 'incorrect', factor: 'totp', route: '/visits/:id', challengeId },
      { ...common, factor: 'totp', route: '/visits/:id', challengeId, outcome: 'success' },
      { ...common, factor: 'totp', reason: 'proof', route: '/visits/:id' },
    ]);
  });

  await t.test('a challenge that another tab has answered leads straight on', async (t) => {
    const story = await auditStory(host);
    const one = challengeOf(t, await client.get('/visits/v2?tab=one', { page: true }));
    const same = challengeOf(t, await client.get('/visits/v2?tab=one', { page: true }));
    const other = challengeOf(t, await client.get('/visits/v2?tab=other', { page: true }));
    t.equal(same, one, 'a reload does not pile up challenges');
    t.not(other, one, 'each tab comes back to its own page');

    const passed = await answer(client, await client.get(one, { page: true }), one, nextCode(host, secret));
    t.equal(passed.headers.get('location'), '/visits/v2?tab=one');
    const met = await client.get(other, { page: true });
    t.equal(met.status, 303);
    t.equal(met.headers.get('location'), '/visits/v2?tab=other');
    t.strictSame(codesOf(await story.next()), ['MFA_REQUIRED', 'MFA_REQUIRED', 'MFA_REQUIRED', 'MFA_SUCCESS']);
  });

  await t.test('a challenge that has ended says so, and takes no code', async (t) => {
    host.clock.set(901);
    const challenge = challengeOf(t, await client.get('/visits/v2', { page: true }));
    const shown = await client.get(challenge, { page: true });
    host.clock.set(601);
    const story = await auditStory(host);
    for (const ended of [
      await client.get(challenge, { page: true }),
      await answer(client, shown, challenge, host.code(secret)),
    ]) {
      t.equal(ended.status, 404);
      t.match(ended.headers.get('content-type'), 'text/html');
      t.match(ended.text, 'This confirmation has ended');
    }
    t.equal((await client.get('/visits/v2')).status, 401, 'the code opened nothing');
    t.strictSame(codesOf(await story.next()), ['MFA_REQUIRED']);
  });

  await t.test('a form that is refused shows the challenge in place, and passes when it is sent again', async (t) => {
    host.clock.set(901);
    const story = await auditStory(host);
    const form = { notes: 'better since Monday' };
    const refused = await client.post('/visits/v1', { page: true, form });
    t.equal(refused.status, 401);
    t.match(refused.headers.get('content-type'), 'text/html');
    t.match(refused.text, 'cs-notice', 'it says that the form must be sent again');
    t.match(refused.text, /send/i);
    t.notMatch(refused.text, 'better since Monday');
    const action = /action="([^"]+)\/totp"/.exec(refused.text)?.[1] ?? '';
    const passed = await answer(client, refused, action, nextCode(host, secret));
    t.equal(passed.status, 200, 'there is no page to go back to');
    t.match(passed.text, 'send it again');
    const saved = await client.post('/visits/v1', { page: true, form });
    t.equal(saved.status, 200);
    t.equal(host.visits.get('v1')?.notes, 'better since Monday');

    const events = await story.next();
    t.strictSame(codesOf(events), ['MFA_REQUIRED', 'MFA_SUCCESS', 'ACCESS_ALLOWED']);
    for (const event of events) t.match(event, { action: 'edit', patientId: 'p1', userId: 'carol' });
  });

  await t.test('a form without grace period passes once, and only as it was confirmed', async (t) => {
    const form = { notes: 'asked every time' };
    const refused = await client.post('/visits/v0', { page: true, form });
    t.equal(refused.status, 401);
    const action = /action="([^"]+)\/totp"/.exec(refused.text)?.[1] ?? '';
    t.equal((await answer(client, refused, action, nextCode(host, secret))).status, 200);
    const story = await auditStory(host);
    t.equal((await client.post('/visits/v0', { page: true, form: { notes: 'something else' } })).status, 401);
    t.equal((await client.post('/visits/v0', { page: true, form })).status, 200);
    t.equal((await client.post('/visits/v0', { page: true, form })).status, 401);
    t.equal(host.visits.get('v0')?.notes, 'asked every time');
    const events = await story.next();
    t.strictSame(codesOf(events), ['MFA_REQUIRED', 'ACCESS_ALLOWED', 'MFA_REQUIRED']);
    t.match(events[1], { reason: 'one-shot', categories: '0' });
  });

  await t.test('a form that another site sends is refused without a challenge', async (t) => {
    const refused = await client.post('/visits/v2', {
      page: true,
      form: { notes: 'forged' },
      headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    });
    t.equal(refused.status, 403);
    t.match(refused.text, 'This came from another site');
    t.notMatch(refused.text, 'name="code"');
    t.not(host.visits.get('v2')?.notes, 'forged');
  });

  await t.test('a program is told in JSON, a navigating browser is sent to a page', async (t) => {
    const html = 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8';
    const cases: [string, Record<string, string>, 'page' | 'problem'][] = [
      ['a browser that navigates', { 'sec-fetch-mode': 'navigate', accept: html }, 'page'],
      ['navigation, whatever it accepts', { 'sec-fetch-mode': 'navigate', accept: '*/*' }, 'page'],
      ['an older browser', { accept: html }, 'page'],
      ['fetch in a browser', { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', accept: '*/*' }, 'problem'],
      [
        'fetch that accepts HTML',
        { 'sec-fetch-mode': 'same-origin', 'sec-fetch-dest': 'empty', accept: html },
        'problem',
      ],
      ['a program with a mode of its own', { 'sec-fetch-mode': 'cors', accept: '*/*' }, 'problem'],
      ['XHR of an older library', { 'x-requested-with': 'XMLHttpRequest', accept: html }, 'problem'],
      ['a program', { accept: 'application/json' }, 'problem'],
      ['a program that says nothing', {}, 'problem'],
    ];
    for (const [who, headers, expected] of cases) {
      const refused = await client.get('/visits/v2', { headers });
      t.equal(refused.status, expected === 'page' ? 303 : 401, who);
      if (expected === 'page') t.match(refused.headers.get('location'), '/step-up/challenge/', who);
      else t.match(refused.headers.get('content-type'), 'application/problem+json', who);
    }
  });
  t.strictSame(host.faults, []);
  await host.close();
});

onEveryVersion('who is not signed in is sent to the sign-in, and back', async (t, adapter) => {
  const host = await startHost(adapter, {
    web: { signIn: (returnTo) => `/login?next=${encodeURIComponent(returnTo)}` },
    countersign: { limits: { absoluteSeconds: 900 } },
  });
  const stranger = host.client();
  const story = await auditStory(host);
  const sent = await stranger.get('/visits/v1?tab=notes', { page: true });
  t.equal(sent.status, 303);
  t.equal(sent.headers.get('location'), `/login?next=${encodeURIComponent('/visits/v1?tab=notes')}`);
  const posted = await stranger.post('/visits/v1', { page: true, form: { notes: 'x' } });
  t.equal(posted.status, 401, 'a form is not sent anywhere');
  t.match(posted.text, 'href="/login?next=%2F"');
  const told = await stranger.get('/visits/v1');
  t.match(told.json(), { code: 'sign_in_required', status: 401 });
  t.equal((await stranger.get('/visits/nowhere')).status, 401, 'nor is said what exists');
  t.strictSame(codesOf(await story.next()), [], 'there is nobody to write about');

  const { client, secret } = await host.enrolled('carol');
  await host.stepUp(client, secret, '/visits/v1');
  host.clock.set(900);
  const again = await auditStory(host);
  const locked = await client.get('/visits/v1?tab=notes', { page: true });
  t.equal(locked.status, 401);
  t.match(locked.text, 'This session is locked');
  t.match(locked.text, `href="/login?next=${encodeURIComponent('/visits/v1?tab=notes')}"`);
  const problem = await client.get('/visits/v3');
  t.match(
    problem.json(),
    { code: 'session_locked', reasons: [{ kind: 'absolute-limit' }] },
    'also where nothing is sensitive',
  );
  const events = await again.next();
  t.strictSame(codesOf(events), ['SESSION_LOCKED', 'SESSION_LOCKED']);
  t.match(events, [{ reason: 'absolute-limit', userId: 'carol', patientId: 'p1' }, { reason: 'absolute-limit' }]);
  await host.close();
});
