// A workspace's administrators decide what is sensitive and for how long a code answers; it counts from the next request on.
import type { Test } from 'tap';
import { auditStory, codesOf } from '../support/audit-story.ts';
import type { Answer, Client } from '../support/client.ts';
import { type Host, onEveryAdapter, startHost } from '../support/hosts.ts';

const PATH = '/step-up/admin/settings';

interface Values {
  readonly enabled: boolean;
  readonly categories: readonly string[];
  readonly graceMinutes: string;
}

const everything: Values = { enabled: true, categories: ['5', '8', '12', '0'], graceMinutes: '15' };

/** Sends the form of a settings page. */
function save(client: Client, page: Answer, values: Values, code?: string): Promise<Answer> {
  const { enabled, categories, graceMinutes } = values;
  return client.post(PATH, {
    page: true,
    form: {
      _countersign: page.field('_countersign'),
      version: page.field('version'),
      ...(enabled ? { enabled: 'on' } : {}),
      categories,
      graceMinutes,
      ...(code === undefined ? {} : { challengeId: page.field('challengeId'), factor: 'totp', code }),
    },
  });
}

/** What a settings page's form holds. */
function shownOn(page: Answer): Values {
  const inputs = [...page.text.matchAll(/<input[^>]*>/g)].map(([input]) => input);
  const checked = (name: string) =>
    inputs
      .filter((input) => input.includes(`name="${name}"`) && /\bchecked\b/.test(input))
      .map((input) => /value="([^"]*)"/.exec(input)?.[1] ?? '');
  return {
    enabled: checked('enabled').length === 1,
    categories: checked('categories'),
    graceMinutes: page.field('graceMinutes'),
  };
}

/** Saves, with a code of the next step where one is asked. */
async function change(t: Test, host: Host, admin: { client: Client; secret: string }, values: Values): Promise<void> {
  const refused = await save(admin.client, await admin.client.get(PATH, { page: true }), values);
  if (refused.status === 303) return;
  t.equal(refused.status, 401);
  host.clock.set(30);
  const saved = await save(admin.client, refused, values, host.code(admin.secret));
  t.equal(saved.status, 303);
}

onEveryAdapter('an administrator changes the settings of a workspace', async (t, adapter) => {
  const host = await startHost(adapter);
  const admin = await host.enrolled('ada', { roles: ['administrator'] });
  const { client } = admin;
  const carol = await host.enrolled('carol');

  await t.test('nobody else does, or sees them', async (t) => {
    const story = await auditStory(host);
    const pages = [PATH, '/step-up/admin/audit', '/step-up/admin/audit?from=nonsense'];
    for (const path of pages) {
      const page = await carol.client.get(path, { page: true });
      t.equal(page.status, 403, path);
      t.match(page.headers.get('content-type'), 'text/html');
      t.match(page.text, 'For administrators');
      t.notMatch(page.text, '<form');
      const problem = await carol.client.get(path);
      t.equal(problem.status, 403, path);
      t.match(problem.json(), { code: 'administrator_required' });
    }
    const factors = await carol.client.get('/step-up/factors', { page: true });
    t.notMatch(factors.text, PATH, 'nor is there a link to them');
    const form = { _countersign: factors.field('_countersign'), version: '0', graceMinutes: '5' };
    t.equal((await carol.client.post(PATH, { page: true, form })).status, 403);
    t.equal((await carol.client.post(PATH, { page: true, form: { ...form, graceMinutes: 'x' } })).status, 403);
    const events = await story.next();
    t.strictSame(
      codesOf(events),
      Array.from({ length: 8 }, () => 'ACCESS_DENIED'),
    );
    for (const event of events) {
      t.match(event, { userId: 'carol', action: 'administer', reason: 'not-an-administrator', outcome: 'refused' });
    }
  });

  await t.test('a code is asked inside the same form, which keeps what was typed', async (t) => {
    const story = await auditStory(host);
    const page = await client.get(PATH, { page: true });
    t.equal(page.status, 200);
    t.strictSame(shownOn(page), everything, 'what the code declares is the default');
    t.match(page.text, 'Nothing was changed yet');
    const typed: Values = { enabled: true, categories: ['5', '8'], graceMinutes: '7' };

    const asked = await save(client, page, typed);
    t.equal(asked.status, 401);
    t.match(asked.text, 'Not saved yet');
    t.strictSame(shownOn(asked), typed);
    const wrong = await save(client, asked, typed, host.code(admin.secret, 40));
    t.equal(wrong.status, 422);
    t.match(wrong.text, 'That code is not right');
    t.strictSame(shownOn(wrong), typed, 'also after a wrong code');
    t.match((await client.get('/api/v1/auth/session')).json(), { proofs: [] });

    const saved = await save(client, wrong, typed, host.code(admin.secret));
    t.equal(saved.status, 303);
    t.equal(saved.headers.get('location'), `${PATH}?saved`);
    const after = await client.get(`${PATH}?saved`, { page: true });
    t.match(after.text, 'The settings are saved');
    t.strictSame(shownOn(after), typed);
    t.equal(after.field('version'), '1');
    t.match(after.text, '<span class="cs-cell">ada</span>', 'the history says who');
    t.match(after.text, /15 min\S* → 7 min/, 'and what');

    const events = await story.next();
    t.strictSame(codesOf(events), ['MFA_REQUIRED', 'MFA_FAILURE', 'MFA_SUCCESS', 'ACCESS_ALLOWED', 'SETTINGS_CHANGED']);
    t.match(events[0], { action: 'settings', patientId: null, userId: 'ada', reason: 'missing' });
    const { details, ...changed } = events[4] ?? {};
    t.match(changed, { userId: 'ada', workspaceId: 'clinic', outcome: 'success' });
    t.strictSame(JSON.parse(details ?? ''), {
      version: 1,
      before: { enabled: true, categories: ['5', '8', '12', '0'], graceSeconds: 900 },
      after: { enabled: true, categories: ['5', '8'], graceSeconds: 420 },
    });
  });

  await t.test('a fresh proof answers the next change, and it takes effect at once', async (t) => {
    const story = await auditStory(host);
    const saved = await save(client, await client.get(PATH, { page: true }), everything);
    t.equal(saved.status, 303);
    t.strictSame(codesOf(await story.next()), ['ACCESS_ALLOWED', 'SETTINGS_CHANGED']);
    t.equal((await carol.client.get('/visits/v1')).status, 401);
    await change(t, host, admin, { ...everything, categories: ['8'] });
    t.equal((await carol.client.get('/visits/v1')).status, 200, 'a category that is switched off opens');
    t.equal((await carol.client.get('/visits/v8')).status, 401, 'and another does not');
    await change(t, host, admin, everything);
    t.equal((await carol.client.get('/visits/v1')).status, 401, 'switched on, it asks again');
    const events = await story.next();
    t.strictSame(
      codesOf(events.filter((event) => event.userId === 'carol')),
      ['MFA_REQUIRED', 'MFA_REQUIRED', 'MFA_REQUIRED'],
      'what is not sensitive leaves no trace',
    );
  });

  await t.test('what cannot be is said beside its field, and nothing is saved', async (t) => {
    const page = await client.get(PATH, { page: true });
    const story = await auditStory(host);
    const cases: [Values, string][] = [
      [{ ...everything, graceMinutes: 'ten' }, 'Enter the grace period as a whole number of minutes'],
      [{ ...everything, graceMinutes: '-1' }, 'Enter the grace period as a whole number of minutes'],
      [{ ...everything, graceMinutes: '' }, 'Enter the grace period as a whole number of minutes'],
      [{ ...everything, graceMinutes: '61' }, 'The grace period must be from 0 to 60 minutes'],
      [{ ...everything, categories: ['5', '99'] }, 'A chosen category is no longer declared'],
    ];
    for (const [values, problem] of cases) {
      const refused = await save(client, page, values);
      t.equal(refused.status, 422, problem);
      t.match(refused.text, problem);
      if (values.graceMinutes !== '') t.strictSame(shownOn(refused).graceMinutes, values.graceMinutes, 'and is kept');
    }
    t.equal((await client.get(PATH, { page: true })).field('version'), page.field('version'));
    t.strictSame(codesOf(await story.next()), []);
  });

  await t.test('of two administrators, the later one sees what the earlier one saved', async (t) => {
    const other = await host.enrolled('abe', { roles: ['administrator'] });
    const mine = await client.get(PATH, { page: true });
    const story = await auditStory(host);
    await change(t, host, other, { ...everything, graceMinutes: '20' });
    const typed = { ...everything, graceMinutes: '10' };
    let conflict = await save(client, mine, typed);
    if (conflict.status === 401) {
      host.clock.set(30);
      conflict = await save(client, conflict, typed, host.code(admin.secret));
    }
    t.equal(conflict.status, 409);
    t.match(conflict.text, 'somebody else changed the settings');
    t.match(conflict.text, 'abe saved other settings');
    t.strictSame(shownOn(conflict), typed, 'what was typed is kept');
    t.match((await client.get(PATH, { page: true })).field('graceMinutes'), '20');
    t.equal((await save(client, conflict, typed)).status, 303, 'saved again, it is meant');
    t.match((await client.get(PATH, { page: true })).field('graceMinutes'), '10');
    const changes = (await story.next()).filter((event) => event.code === 'SETTINGS_CHANGED');
    t.match(changes, [{ userId: 'abe' }, { userId: 'ada' }]);
    t.equal(changes.length, 2);
  });
  t.strictSame(host.faults, []);
  await host.close();
});

onEveryAdapter('the settings in force decide about proofs already given', async (t, adapter) => {
  const host = await startHost(adapter);
  const admin = await host.enrolled('ada', { roles: ['administrator'] });
  const carol = await host.enrolled('carol');

  await t.test('a longer grace period does not lengthen a proof', async (t) => {
    await host.stepUp(carol.client, carol.secret, '/visits/v1');
    host.clock.set(30);
    await change(t, host, admin, { ...everything, graceMinutes: '60' });
    host.clock.set(899 - 60);
    const story = await auditStory(host);
    t.equal((await carol.client.get('/visits/v1')).status, 200);
    host.clock.set(1);
    t.match((await carol.client.get('/visits/v1')).json(), { reasons: [{ kind: 'expired' }] });
    const events = await story.next();
    t.strictSame(codesOf(events), ['ACCESS_ALLOWED', 'MFA_REQUIRED']);
    t.match(events[1], { reason: 'expired' });
  });

  await t.test('a shorter one ends a proof that has lasted longer', async (t) => {
    await host.stepUp(carol.client, carol.secret, '/visits/v1');
    host.clock.set(270);
    t.equal((await carol.client.get('/visits/v1')).status, 200);
    await change(t, host, admin, { ...everything, graceMinutes: '6' });
    t.equal((await carol.client.get('/visits/v1')).status, 200, 'five minutes of six');
    await change(t, host, admin, { ...everything, graceMinutes: '5' });
    t.match((await carol.client.get('/visits/v1')).json(), { reasons: [{ kind: 'expired', graceSeconds: 300 }] });
    await change(t, host, admin, everything);
    t.equal((await carol.client.get('/visits/v1')).status, 200, 'given under an hour, it is good for fifteen minutes');
  });

  await t.test('switched off, records open, and an export still asks', async (t) => {
    await change(t, host, admin, { ...everything, enabled: false });
    const story = await auditStory(host);
    t.equal((await carol.client.get('/visits/v2')).status, 200);
    t.equal((await carol.client.post('/visits/v2', { json: { notes: 'changed' } })).status, 200);
    t.equal((await carol.client.get('/visits/v0')).status, 200);
    const asked = await carol.client.get('/export/v2');
    t.equal(asked.status, 401);
    t.match(asked.json(), { reasons: [{ kind: 'missing', category: null, graceSeconds: 0 }] });
    host.clock.set(30);
    await host.stepUp(carol.client, carol.secret, '/export/v2');
    t.equal((await carol.client.get('/export/v2')).status, 200);
    t.equal((await carol.client.get('/export/v2')).status, 401, 'each time');
    await change(t, host, admin, everything);
    t.equal((await carol.client.get('/visits/v2')).status, 401);
    const events = (await story.next()).filter((event) => event.userId === 'carol');
    t.strictSame(codesOf(events), [
      'MFA_REQUIRED',
      'MFA_REQUIRED',
      'MFA_SUCCESS',
      'ACCESS_ALLOWED',
      'MFA_REQUIRED',
      'MFA_REQUIRED',
    ]);
    t.match(events[3], { action: 'export', reason: 'one-shot', patientId: 'p2' });
  });

  await t.test('another workspace has settings of its own', async (t) => {
    const far = await host.enrolled('finn', { workspaceId: 'elsewhere' });
    t.equal((await far.client.get('/visits/far')).status, 401);
    await change(t, host, admin, { ...everything, enabled: false });
    t.equal((await carol.client.get('/visits/v2')).status, 200);
    t.equal((await far.client.get('/visits/far')).status, 401);
    const boss = await host.signedIn('fay', { workspaceId: 'elsewhere', roles: ['administrator'] });
    const page = await boss.get(PATH, { page: true });
    t.strictSame(shownOn(page), everything);
    t.match(page.text, 'Nothing was changed yet', 'nor does it see the changes of others');
  });
  t.strictSame(host.faults, []);
  await host.close();
});
