// The settings in force decide, also about proofs that were given under earlier ones.
import { saveSettings } from '../support/administrator.ts';
import { auditStory, codesOf } from '../support/audit-story.ts';
import { onEveryAdapter, startHost } from '../support/hosts.ts';
import { settingsForm } from '../support/settings-form.ts';

const PATH = '/step-up/admin/settings';
const everything = { enabled: true, categories: ['5', '8', '12', '0'], graceSeconds: 900 };

onEveryAdapter('the settings in force decide about proofs already given', async (t, adapter) => {
  const host = await startHost(adapter);
  const admin = await host.enrolled('ada', { roles: ['administrator'] });
  const carol = await host.enrolled('carol');

  await t.test('a longer grace period does not lengthen a proof', async (t) => {
    await host.stepUp(carol.client, carol.secret, '/visits/v1');
    host.clock.set(30);
    await saveSettings(host, admin, { ...everything, graceSeconds: 3600 });
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
    await saveSettings(host, admin, { ...everything, graceSeconds: 360 });
    t.equal((await carol.client.get('/visits/v1')).status, 200, 'five minutes of six');
    await saveSettings(host, admin, { ...everything, graceSeconds: 300 });
    t.match((await carol.client.get('/visits/v1')).json(), { reasons: [{ kind: 'expired', graceSeconds: 300 }] });
    await saveSettings(host, admin, everything);
    t.equal((await carol.client.get('/visits/v1')).status, 200, 'given under an hour, it is good for fifteen minutes');
  });

  await t.test('switched off, records open, and an export still asks', async (t) => {
    await saveSettings(host, admin, { ...everything, enabled: false });
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
    await saveSettings(host, admin, everything);
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
    await saveSettings(host, admin, { ...everything, enabled: false });
    t.equal((await carol.client.get('/visits/v2')).status, 200);
    t.equal((await far.client.get('/visits/far')).status, 401);
    const boss = await host.signedIn('fay', { workspaceId: 'elsewhere', roles: ['administrator'] });
    const page = await boss.get(PATH, { page: true });
    t.match(settingsForm(page.text), { enabled: ['on'], categories: everything.categories, graceMinutes: ['15'] });
    t.match(page.text, 'Nothing was changed yet', 'nor does it see the changes of others');
  });
  t.strictSame(host.faults, []);
  await host.close();
});
