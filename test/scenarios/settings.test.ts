// A workspace's administrators decide what is sensitive, for how long a code answers, who is exempt; it counts from the next request on.
import { decideProposal, proveFreshly, SETTINGS_API, saveSettings } from '../support/administrator.ts';
import { auditStory, codesOf } from '../support/audit-story.ts';
import type { Answer, Client } from '../support/client.ts';
import { onEveryAdapter, startHost } from '../support/hosts.ts';
import { formTo, sendForm } from '../support/page-form.ts';
import { sendSettingsForm, settingsForm } from '../support/settings-form.ts';

const PATH = '/step-up/admin/settings';
const roles = [
  { id: 'physician', name: 'Physician' },
  { id: 'desk', name: 'Front desk', clinical: false },
];

const everything = { enabled: true, categories: ['5', '8', '12', '0'], graceSeconds: 900 };

const settingsPage = (client: Client): Promise<Answer> => client.get(PATH, { page: true });

onEveryAdapter('an administrator changes the settings of a workspace', async (t, adapter) => {
  const host = await startHost(adapter, { countersign: { roles, emergencyAccess: { roles: ['physician', 'desk'] } } });
  const admin = await host.enrolled('ada', { roles: ['administrator'] });
  const { client } = admin;
  const carol = await host.enrolled('carol');

  await t.test('nobody else does, or sees them', async (t) => {
    const story = await auditStory(host);
    for (const path of [PATH, '/step-up/admin/audit', '/step-up/admin/audit?from=nonsense']) {
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
    const decision = { ...form, decision: 'approve', proposal: 'x' };
    t.equal((await carol.client.post(`${PATH}/proposal`, { page: true, form: decision })).status, 403);
    const json = { version: 0, settings: everything };
    t.equal((await carol.client.get(SETTINGS_API)).status, 403);
    t.equal((await carol.client.send('PUT', SETTINGS_API, { json })).status, 403);
    t.equal((await carol.client.post(`${SETTINGS_API}/preview`, { json })).status, 403);
    t.equal((await carol.client.post(`${SETTINGS_API}/proposal`, { json: { decision: 'approve' } })).status, 403);
    const events = await story.next();
    t.strictSame(
      codesOf(events),
      Array.from({ length: 13 }, () => 'ACCESS_DENIED'),
    );
    for (const event of events) {
      t.match(event, { userId: 'carol', action: 'administer', reason: 'not-an-administrator', outcome: 'refused' });
    }
  });

  await t.test('the form asks for a factor, keeps what was typed, and is sent again on a click', async (t) => {
    const story = await auditStory(host);
    const page = await settingsPage(client);
    t.equal(page.status, 200);
    t.match(settingsForm(page.text), { enabled: ['on'], categories: ['5', '8', '12', '0'], graceMinutes: ['15'] });
    t.match(page.text, 'Nothing was changed yet');

    const asked = await sendSettingsForm(client, page, { categories: ['5', '8'], graceMinutes: '7' });
    t.equal(asked.status, 401);
    t.match(asked.text, 'You are about to change the security settings');
    const challenge = formTo(asked.text, '/step-up/challenge/');
    const again = await sendForm(client, challenge, { code: host.code(admin.secret) });
    t.equal(again.status, 200, 'nothing is sent by itself');
    t.match((await client.get(SETTINGS_API)).json(), { version: 0 });

    t.match(again.text, /Grace period[^<]*<\/span>[^<]*7 minutes/, 'what would change is said in words');
    t.notMatch(again.text, '<dt>graceMinutes</dt>');
    const saved = await sendForm(client, formTo(again.text, PATH));
    t.equal(saved.status, 303);
    t.equal(saved.headers.get('location'), `${PATH}?saved`);
    const after = await client.get(`${PATH}?saved`, { page: true });
    t.match(after.text, 'The settings are saved');
    t.match(settingsForm(after.text), { version: ['1'], categories: ['5', '8'], graceMinutes: ['7'] });
    t.match(after.text, '<span class="cs-cell">ada</span>', 'the history says who');
    t.match(after.text, /15 min\S* → 7 min/, 'and what');

    const events = await story.next();
    t.strictSame(codesOf(events), ['MFA_REQUIRED', 'MFA_SUCCESS', 'ACCESS_ALLOWED', 'SETTINGS_CHANGED']);
    t.match(events[0], { action: 'settings', patientId: null, userId: 'ada', reason: 'missing' });
    const { details, ...changed } = events[3] ?? {};
    t.match(changed, { userId: 'ada', workspaceId: 'clinic', outcome: 'success' });
    t.match(JSON.parse(details ?? ''), {
      version: 1,
      before: { enabled: true, categories: ['5', '8', '12', '0'], graceSeconds: 900 },
      after: { enabled: true, categories: ['5', '8'], graceSeconds: 420, exemptions: [], mustEnrolRoles: null },
    });
  });

  await t.test('every part of the page is saved, and shown as it was saved', async (t) => {
    const typed = {
      enabled: ['on'],
      categories: ['5', '8', '12', '0'],
      graceMinutes: ['20'],
      'grace.5': ['10'],
      'scope.5': ['category'],
      'strength.5': ['any'],
      'actions.8': ['view', 'edit'],
      reauthenticate: ['edit'],
      'exemption.0.kind': ['role'],
      'exemption.0.value': ['physician'],
      'exemption.0.categories': ['5', '12'],
      mustEnrol: ['chosen'],
      mustEnrolRoles: ['physician', 'desk'],
      untilEnrolled: ['refuse'],
      'limit.1.absoluteMinutes': ['60'],
      'limit.1.idleMinutes': ['10'],
      secondAdministrator: ['on'],
      emergencyFor: ['chosen'],
      emergencyRoles: ['physician'],
      emergencyMinutes: ['30'],
    };
    await proveFreshly(host, admin);
    t.equal((await sendSettingsForm(client, await settingsPage(client), typed)).status, 303);
    const { version, settings, effective } = (await client.get(SETTINGS_API)).json() as Record<string, unknown>;
    t.equal(version, 2);
    t.strictSame(settings, {
      enabled: true,
      categories: ['5', '8', '12', '0'],
      graceSeconds: 1200,
      categoryPolicies: {
        5: { graceSeconds: 600, strength: 'any', scope: 'category' },
        8: { actions: ['view', 'edit'] },
      },
      reauthenticateActions: ['edit'],
      exemptions: [{ kind: 'role', value: 'physician', categories: ['5', '12'] }],
      mustEnrolRoles: ['physician', 'desk'],
      untilEnrolled: 'refuse',
      roleLimits: { desk: { idleSeconds: 600, absoluteSeconds: 3600 } },
      secondAdministrator: true,
      emergencyAccess: { enabled: true, roles: ['physician'], windowSeconds: 1800 },
    });
    t.match(effective, {
      categories: [
        { id: '5', graceSeconds: 600, scope: 'category', actions: null },
        { id: '8', graceSeconds: 300, actions: ['view', 'edit'] },
        { id: '12', graceSeconds: 1200, scope: 'category' },
        { id: '0', graceSeconds: 0 },
      ],
    });
    const page = await settingsPage(client);
    const shown = settingsForm(page.text);
    t.match(shown, {
      'grace.5': ['10'],
      'actions.8': ['view', 'edit'],
      'actions.5': ['view', 'edit', 'export', 'delete', 'payment'],
      'exemption.0.value': ['physician'],
      'limit.0.role': ['desk'],
      'limit.0.absoluteMinutes': ['60'],
    });
    t.match(page.text, 'role Physician: Ketamine infusion and Substance use treatment', 'in words');
    t.match(page.text, 'Front desk: idle 10 minutes, at most 60 minutes');
    t.equal((await sendSettingsForm(client, page)).status, 303, 'sent as it stands');
    t.strictSame((await client.get(SETTINGS_API)).json().settings, settings, 'it changes nothing');
    const basics = {
      _countersign: page.field('_countersign'),
      version: '3',
      enabled: 'on',
      categories: ['5', '8', '12', '0'],
    };
    const less = await client.post(PATH, { page: true, form: { ...basics, graceMinutes: '15' } });
    t.equal(less.status, 303);
    const kept = (await client.get(SETTINGS_API)).json().settings;
    t.strictSame(kept, { ...(settings as object), graceSeconds: 900 }, 'parts that a form does not have stay');
  });

  await t.test('and taken away', async (t) => {
    const other = await host.enrolled('abe', { roles: ['administrator'] });
    const plain = {
      'exemption.0.kind': [''],
      'grace.5': [''],
      'scope.5': [''],
      'strength.5': [''],
      'actions.8': ['view', 'edit', 'export', 'delete', 'payment'],
      reauthenticate: [],
      mustEnrol: ['clinical'],
      untilEnrolled: ['sensitive-only'],
      'limit.0.absoluteMinutes': [''],
      'limit.0.idleMinutes': [''],
      secondAdministrator: [],
      emergencyFor: ['all'],
      emergencyMinutes: [''],
    };
    await proveFreshly(host, admin);
    const proposed = await sendSettingsForm(client, await settingsPage(client), plain);
    t.equal(
      proposed.headers.get('location'),
      `${PATH}?proposed`,
      'it loosens, and a second administrator was asked for',
    );
    t.equal((await decideProposal(host, other, 'approve')).status, 200);
    t.match((await client.get(SETTINGS_API)).json().settings, {
      categoryPolicies: {},
      reauthenticateActions: [],
      exemptions: [],
      mustEnrolRoles: null,
      roleLimits: {},
      secondAdministrator: false,
      emergencyAccess: { enabled: true, roles: null, windowSeconds: null },
    });
    t.match((await settingsPage(client)).text, 'abe, proposed by ada');
  });

  await t.test('a fresh proof answers the next change, and it takes effect at once', async (t) => {
    await proveFreshly(host, admin);
    const story = await auditStory(host);
    await saveSettings(host, admin, everything);
    t.strictSame(codesOf(await story.next()), ['ACCESS_ALLOWED', 'SETTINGS_CHANGED']);
    t.equal((await carol.client.get('/visits/v1')).status, 401);
    await saveSettings(host, admin, { ...everything, categories: ['8'] });
    t.equal((await carol.client.get('/visits/v1')).status, 200, 'a category that is switched off opens');
    t.equal((await carol.client.get('/visits/v8')).status, 401, 'and another does not');
    await saveSettings(host, admin, everything);
    t.equal((await carol.client.get('/visits/v1')).status, 401, 'switched on, it asks again');
    const events = await story.next();
    t.strictSame(
      codesOf(events.filter((event) => event.userId === 'carol')),
      ['MFA_REQUIRED', 'MFA_REQUIRED', 'MFA_REQUIRED'],
      'what is not sensitive leaves no trace',
    );
  });

  await t.test('what cannot be is said beside its field, and nothing is saved', async (t) => {
    const page = await settingsPage(client);
    const story = await auditStory(host);
    const cases: [Readonly<Record<string, string | string[]>>, string][] = [
      [{ graceMinutes: 'ten' }, 'Enter a whole number of minutes'],
      [{ graceMinutes: '-1' }, 'Enter a whole number of minutes'],
      [{ graceMinutes: ' ' }, 'Enter a whole number of minutes'],
      [{ graceMinutes: '61' }, 'The grace period must be from 0 to 60 minutes'],
      [{ categories: ['5', '99'] }, 'A chosen category is no longer declared'],
      [{ 'grace.8': '6' }, 'Psychotherapy: The grace period must be from 0 to 5 minutes'],
      [{ 'strength.5': 'phishing-resistant' }, 'Ketamine infusion: No configured factor is that strong'],
      [{ 'actions.12': [] }, 'Substance use treatment: This is not as it should be'],
      [{ 'exemption.0.kind': 'role', 'exemption.0.categories': '*' }, 'Exemption 1: Enter the role or the user id'],
      [{ 'exemption.0.kind': 'role', 'exemption.0.value': 'desk' }, 'Exemption 1: Choose at least one category'],
      [
        { 'exemption.0.kind': 'role', 'exemption.0.value': 'king', 'exemption.0.categories': '*' },
        'This role is not declared',
      ],
      [
        { 'exemption.0.kind': 'treatment-relationship', 'exemption.0.categories': '*' },
        'It is not known here who treats a patient',
      ],
      [
        { 'limit.0.absoluteMinutes': '5', 'limit.0.idleMinutes': '6' },
        'The idle limit is longer than the longest session',
      ],
      [{ 'limit.0.absoluteMinutes': 'x' }, 'Enter a whole number of minutes'],
      [{ emergencyMinutes: '4' }, 'Emergency access lasts from 5 to 60 minutes'],
      [{ emergencyMinutes: '61' }, 'Emergency access lasts from 5 to 60 minutes'],
      [{ emergencyFor: 'chosen', emergencyRoles: 'king' }, 'This role is not declared'],
    ];
    for (const [typed, problem] of cases) {
      const refused = await sendSettingsForm(client, page, typed);
      t.equal(refused.status, 422, problem);
      t.match(refused.text, problem);
      for (const [name, value] of Object.entries(typed).filter(([name]) => name !== 'categories')) {
        t.strictSame(settingsForm(refused.text)[name] ?? [], [value].flat(), `${name} is kept`);
      }
    }
    t.match((await client.get(SETTINGS_API)).json(), { version: Number(page.field('version')) });
    t.strictSame(codesOf(await story.next()), []);
  });

  await t.test('of two administrators, the later one sees what the earlier one saved', async (t) => {
    const other = await host.enrolled('abel', { roles: ['administrator'] });
    const mine = await settingsPage(client);
    const story = await auditStory(host);
    await saveSettings(host, other, { ...everything, graceSeconds: 1200 });
    await proveFreshly(host, admin);
    const conflict = await sendSettingsForm(client, mine, { graceMinutes: '10', 'grace.5': '4' });
    t.equal(conflict.status, 409);
    t.match(conflict.text, 'somebody else changed the settings');
    t.match(conflict.text, 'abel saved other settings');
    t.match(settingsForm(conflict.text), { graceMinutes: ['10'], 'grace.5': ['4'] }, 'what was typed is kept');
    t.match((await client.get(SETTINGS_API)).json(), { settings: { graceSeconds: 1200 } });
    t.equal((await sendSettingsForm(client, conflict)).status, 303, 'saved again, it is meant');
    t.match((await client.get(SETTINGS_API)).json(), { settings: { graceSeconds: 600 } });
    const changes = (await story.next()).filter((event) => event.code === 'SETTINGS_CHANGED');
    t.match(changes, [{ userId: 'abel' }, { userId: 'ada' }]);
    t.equal(changes.length, 2);
  });
  t.strictSame(host.faults, []);
  await host.close();
});
