// The same settings for a program: what it may choose among, what is wrong, what would change.
import { SETTINGS_API, saveSettings, withProof } from '../support/administrator.ts';
import type { Answer, Client } from '../support/client.ts';
import { onEveryAdapter, startHost } from '../support/hosts.ts';
import { sendSettingsForm, settingsForm } from '../support/settings-form.ts';

const PATH = '/step-up/admin/settings';
const roles = [
  { id: 'physician', name: 'Physician' },
  { id: 'desk', name: 'Front desk', clinical: false },
];

const everything = { enabled: true, categories: ['5', '8', '12', '0'], graceSeconds: 900 };

const settingsPage = (client: Client): Promise<Answer> => client.get(PATH, { page: true });

const problemsOf = (answer: Answer) =>
  (answer.json().problems as { field: string; code?: string; problem: string }[]).map(({ field, code }) => [
    field,
    code,
  ]);

onEveryAdapter('a program reads, previews and changes settings', async (t, adapter) => {
  const host = await startHost(adapter, { countersign: { roles, limits: { absoluteSeconds: 43_200 } } });
  const admin = await host.enrolled('ada', { roles: ['administrator'] });
  const { client } = admin;

  await t.test('it is told what it may choose among', async (t) => {
    const answer = await client.get(SETTINGS_API);
    t.equal(answer.status, 200);
    t.match(answer.json(), {
      version: 0,
      settings: { ...everything, secondAdministrator: false },
      bounds: { leastGraceSeconds: 0, mostGraceSeconds: 3600, absoluteSeconds: 43_200, strengths: ['any'] },
      catalogue: {
        categories: [
          { id: '5', name: 'Ketamine infusion', graceSeconds: null },
          { id: '8', graceSeconds: 300 },
        ],
        roles: [
          { id: 'physician', name: 'Physician', clinical: true },
          { id: 'desk', clinical: false },
        ],
        actions: ['view', 'edit', 'export', 'delete', 'payment'],
        reauthenticateActions: [{ action: 'export', withinSeconds: 0, strength: 'any' }],
      },
      proposal: null,
      warnings: [],
    });
  });

  await t.test('every field at fault is named', async (t) => {
    const settings = {
      ...everything,
      categories: ['5', 'nope'],
      graceSeconds: 4000,
      categoryPolicies: {
        5: { strength: 'multi-factor', graceSeconds: 4000 },
        8: { graceSeconds: 301, actions: ['dance'] },
        nope: {},
      },
      reauthenticateActions: ['dance'],
      exemptions: [
        { kind: 'role', value: 'king', categories: ['nope'] },
        { kind: 'provider', categories: [] },
        { kind: 'treatment-relationship', value: 'x' },
      ],
      mustEnrolRoles: ['king'],
      roleLimits: { king: { idleSeconds: 600, absoluteSeconds: 300 }, desk: { absoluteSeconds: 43_201 } },
    };
    const refused = await client.send('PUT', SETTINGS_API, { json: { version: 0, settings } });
    t.equal(refused.status, 400);
    t.match(refused.json(), { code: 'input_invalid', field: 'settings.graceSeconds' });
    t.match(refused.text, 'at most 3600 seconds are allowed', 'with the cure');
    t.strictSame(problemsOf(refused), [
      ['settings.graceSeconds', 'grace-out-of-bounds'],
      ['settings.categories', 'category-unknown'],
      ['settings.categoryPolicies.5.graceSeconds', 'grace-out-of-bounds'],
      ['settings.categoryPolicies.5.strength', 'strength-unreachable'],
      ['settings.categoryPolicies.8.graceSeconds', 'grace-out-of-bounds'],
      ['settings.categoryPolicies.8.actions', 'action-unknown'],
      ['settings.categoryPolicies.nope', 'category-unknown'],
      ['settings.reauthenticateActions', 'action-unknown'],
      ['settings.exemptions.0.value', 'role-unknown'],
      ['settings.exemptions.0.categories', 'category-unknown'],
      ['settings.exemptions.1.value', 'value-missing'],
      ['settings.exemptions.1.categories', 'categories-missing'],
      ['settings.exemptions.2.kind', 'resolver-missing'],
      ['settings.exemptions.2.value', 'value-superfluous'],
      ['settings.mustEnrolRoles', 'role-unknown'],
      ['settings.roleLimits.king', 'role-unknown'],
      ['settings.roleLimits.king.idleSeconds', 'idle-above-absolute'],
      ['settings.roleLimits.desk.absoluteSeconds', 'limit-out-of-bounds'],
    ]);
    for (const json of [
      { settings: everything },
      { version: 0 },
      { version: 0, settings: { ...everything, enabled: 'yes' } },
      { version: 0, settings: { ...everything, loose: true } },
      { version: 0, settings: { ...everything, graceSeconds: '900' } },
      { version: 0, settings: { ...everything, roleLimits: { desk: { absoluteSeconds: 1 } } } },
    ]) {
      const malformed = await client.send('PUT', SETTINGS_API, { json });
      t.equal(malformed.status, 400, JSON.stringify(json));
      t.equal(malformed.json().code, 'input_invalid');
    }
    t.match((await client.get(SETTINGS_API)).json(), { version: 0 });
  });

  await t.test('a stale version is answered with both sides', async (t) => {
    await saveSettings(host, admin, { graceSeconds: 600 });
    const json = { version: 0, settings: { ...everything, graceSeconds: 300 } };
    const conflict = await withProof(host, admin, () => client.send('PUT', SETTINGS_API, { json }));
    t.equal(conflict.status, 409);
    t.match(conflict.json(), {
      code: 'settings_conflict',
      current: { version: 1, settings: { graceSeconds: 600 } },
      yours: { version: 0, settings: { graceSeconds: 300 } },
    });
  });

  await t.test('a preview says who would have been asked, and saves nothing', async (t) => {
    const carol = await host.enrolled('carol');
    await host.stepUp(carol.client, carol.secret, '/visits/v1');
    await carol.client.get('/visits/v1');
    host.clock.set(200);
    t.equal((await carol.client.get('/visits/v1')).status, 200);
    await host.countersign.audit.append([]);
    const preview = async (settings: object) =>
      (await client.post(`${SETTINGS_API}/preview`, { json: { settings: { ...everything, ...settings } } })).json();
    const stricter = await preview({ graceSeconds: 60 });
    t.match(stricter, {
      cut: false,
      asked: { before: 1, after: 2 },
      users: [{ userId: 'carol', before: 1, after: 2 }],
      categories: [{ categoryId: '5', before: 1, after: 2 }],
      people: 1,
      withoutStrongFactor: 0,
      unknown: ['session-limits'],
    });
    t.match(await preview({ enabled: false }), { asked: { before: 1, after: 0 }, warnings: [{ kind: 'disabled' }] });
    const exempt = { exemptions: [{ kind: 'role', value: 'physician', categories: null }] };
    t.match(await preview(exempt), {
      asked: { before: 1, after: 1 },
      unknown: ['roles', 'session-limits'],
      warnings: [{ kind: 'exempt-from-everything', about: 'physician' }],
    });
    t.match((await client.get(SETTINGS_API)).json(), { version: 1 });

    const page = await sendSettingsForm(client, await settingsPage(client), { graceMinutes: '1', do: 'preview' });
    t.equal(page.status, 200);
    t.match(page.text, 'Nothing was saved');
    t.match(page.text, 'Something changes for 1 person');
    t.match(settingsForm(page.text), { graceMinutes: ['1'], version: ['1'] }, 'the form keeps what was typed');
  });
  t.strictSame(host.faults, []);
  await host.close();
});
