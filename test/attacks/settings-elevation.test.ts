// An administrator who wants less to be asked of themself: by their own policy, without a proof, past the second administrator, by a
// stale version, from another site, or in a workspace that is not theirs (threats 14, 15, 24); somebody exempt who tries what
// exemptions do not answer (29); somebody with SQL in hand who plants a proposal (28). Nothing of it changes a setting, and each try is
// on the log.
import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { decideProposal, proveFreshly, putSettings, SETTINGS_API, saveSettings } from '../support/administrator.ts';
import { auditStory, codesOf } from '../support/audit-story.ts';
import { manualClock } from '../support/clock.ts';
import { type Host, onEveryAdapter, startHost } from '../support/hosts.ts';
import { createRealStore } from '../support/real-store.ts';

const PATH = '/step-up/admin/settings';
const administrator = { roles: ['administrator'] };
const versionOf = async (host: Host, workspaceId = 'clinic') => (await host.store.settings(workspaceId))?.version ?? 0;

onEveryAdapter('an administrator who would elevate themself', async (t, adapter) => {
  const host = await startHost(adapter, { store: await createRealStore() });
  const ada = await host.enrolled('ada', administrator);
  const exemptMe = { exemptions: [{ kind: 'role', value: 'administrator', categories: null }] };
  const changed = async (change: object) => {
    const { version, settings } = (await ada.client.get(SETTINGS_API)).json() as { version: number; settings: object };
    return { version, settings: { ...settings, ...change } };
  };

  await t.test('changes nothing without a fresh proof, also not with one for a patient', async (t) => {
    const story = await auditStory(host);
    const put = async () => ada.client.send('PUT', SETTINGS_API, { json: await changed(exemptMe) });
    t.match((await put()).json(), { code: 'step_up_required', status: 401 });
    await host.stepUp(ada.client, ada.secret, '/visits/v1');
    t.equal((await ada.client.get('/visits/v1')).status, 200);
    t.match((await put()).json(), { code: 'step_up_required' });
    t.equal(await versionOf(host), 0);
    const settings = (await story.next()).filter((event) => event.action === 'settings');
    t.strictSame(codesOf(settings), ['MFA_REQUIRED', 'MFA_REQUIRED']);
  });

  await t.test('exempt by their own rule, is asked for all but viewing and editing', async (t) => {
    await saveSettings(host, ada, exemptMe);
    const again = await host.signedIn('ada', administrator);
    const story = await auditStory(host);
    t.equal((await again.get('/visits/v1')).status, 200, 'the exemption itself works');
    t.equal((await again.post('/visits/v2', { json: { notes: 'mine' } })).status, 200);
    t.equal((await again.get('/visits/v0')).status, 200);
    t.equal((await again.get('/export/v1')).status, 401);
    const json = await changed({ enabled: false });
    t.equal((await again.send('PUT', SETTINGS_API, { json })).status, 401, 'nor does it answer settings');
    t.equal((await again.post('/api/v1/auth/mfa/enroll', { json: { factor: 'totp' } })).status, 401, 'nor factors');
    const events = await story.next();
    t.strictSame(codesOf(events), [
      'EXEMPTION_APPLIED',
      'EXEMPTION_APPLIED',
      'EXEMPTION_APPLIED',
      'MFA_REQUIRED',
      'MFA_REQUIRED',
      'MFA_REQUIRED',
    ]);
    t.match(events[0], { userId: 'ada', reason: 'role: administrator', categories: '5', patientId: 'p1' });
    t.equal(await versionOf(host), 1);
  });

  await t.test('while somebody acts as them, is no administrator', async (t) => {
    const real = { userId: 'mallory', displayName: 'Mallory' };
    const acted = host.countersign.principalOf({
      userId: 'ada',
      workspaceId: 'clinic',
      roles: ['administrator'],
      displayName: 'Ada',
      signedInAt: new Date(host.clock.now()),
      sessionKey: 'borrowed',
      actor: real,
    });
    const { administration } = host.countersign;
    for (const attempt of [
      () => administration.settings(acted),
      () => administration.changeSettings(acted, 1, { enabled: false, categories: [], graceSeconds: 900 }),
      () => administration.previewSettings(acted, { enabled: false, categories: [], graceSeconds: 900 }),
      () => administration.decideSettings(acted, { decision: 'approve' }),
    ])
      await t.rejects(async () => void (await attempt()), { code: 'administrator_required' });
    t.match((await host.events('ada')).at(-1), { code: 'ACCESS_DENIED', actorId: 'mallory', action: 'administer' });
    t.equal(await versionOf(host), 1);
  });

  await t.test('cannot overwrite what was saved meanwhile, also not in the same moment', async (t) => {
    await proveFreshly(host, ada);
    const json = await changed({ graceSeconds: 300 });
    const puts = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        ada.client.send('PUT', SETTINGS_API, {
          json: { ...json, settings: { ...json.settings, graceSeconds: 60 * n } },
        }),
      ),
    );
    t.strictSame(puts.map(({ status }) => status).sort(), [200, ...Array.from({ length: 9 }, () => 409)]);
    t.equal(await versionOf(host), 2);
    t.equal((await ada.client.send('PUT', SETTINGS_API, { json: { ...json, version: 99 } })).status, 409);
    t.equal((await ada.client.send('PUT', SETTINGS_API, { json: { ...json, version: 0 } })).status, 409);
    const saved = (await host.events('ada')).filter((event) => event.code === 'SETTINGS_CHANGED');
    t.equal(saved.length, 2);
  });

  await t.test('has no say in another workspace', async (t) => {
    const fay = await host.enrolled('fay', { ...administrator, workspaceId: 'elsewhere' });
    await saveSettings(host, fay, { secondAdministrator: true });
    const proposed = await putSettings(host, fay, { graceSeconds: 1800 });
    t.equal(proposed.status, 202);
    t.match((await ada.client.get(SETTINGS_API)).json(), { proposal: null }, 'nor sees what waits there');
    const { id } = proposed.json().proposal as { id: string };
    for (const decision of ['approve', 'reject', 'withdraw'] as const) {
      t.match((await decideProposal(host, ada, decision, id)).json(), { code: 'settings_proposal_unknown' });
    }
    const before = await versionOf(host, 'elsewhere');
    const json = { ...(await changed({ enabled: false })), workspaceId: 'elsewhere' };
    await ada.client.send('PUT', `${SETTINGS_API}?workspaceId=elsewhere`, { json });
    t.equal(await versionOf(host, 'elsewhere'), before);
    const preview = { settings: { enabled: false, categories: [], graceSeconds: 900 } };
    t.notMatch((await ada.client.post(`${SETTINGS_API}/preview`, { json: preview })).text, 'fay');
  });
  t.strictSame(host.faults, []);
  await host.close();
});

onEveryAdapter('the second administrator cannot be done without', async (t, adapter) => {
  const store = await createRealStore();
  const sql = postgres(store.url, { max: 1, onnotice: () => {} });
  t.teardown(() => sql.end());
  const keys = { current: 'k1', all: { k1: randomBytes(32).toString('base64') } };
  const countersign = { keys, defaults: { secondAdministrator: true } };
  const host = await startHost(adapter, { store, clock: manualClock(), countersign });
  const ada = await host.enrolled('ada', administrator);
  const abe = await host.enrolled('abe', administrator);

  await t.test(
    'whoever proposed it cannot approve it: not in another session, not by turning the rule off',
    async (t) => {
      t.equal((await putSettings(host, ada, { graceSeconds: 1800 })).status, 202);
      const elsewhere = { client: await host.signedIn('ada', administrator), secret: ada.secret };
      const story = await auditStory(host);
      for (const own of [ada, elsewhere]) {
        for (const decision of ['approve', 'reject'] as const) {
          const refused = await decideProposal(host, own, decision);
          t.match(refused.json(), { code: 'second_administrator_required', status: 403 });
        }
      }
      const page = await ada.client.get(PATH, { page: true });
      const { proposal } = (await ada.client.get(SETTINGS_API)).json() as { proposal: { id: string } };
      const form = { _countersign: page.field('_countersign'), decision: 'approve', proposal: proposal.id };
      t.equal((await ada.client.post(`${PATH}/proposal`, { page: true, form })).status, 403);
      const denied = (await story.next()).filter((event) => event.code === 'ACCESS_DENIED');
      t.equal(denied.length, 5);
      t.match(denied[0], { userId: 'ada', reason: 'own-proposal', action: 'settings', outcome: 'refused' });
      t.equal((await putSettings(host, ada, { secondAdministrator: false })).status, 202, 'that is loosening too');
      t.equal((await putSettings(host, ada, { secondAdministrator: false, graceSeconds: 60 })).status, 202);
      t.equal(await versionOf(host), 0);
      t.match((await decideProposal(host, abe, 'withdraw')).json(), { code: 'second_administrator_required' });
    },
  );

  await t.test('nor can the other, without a proof of their own', async (t) => {
    const fresh = await host.signedIn('abe', administrator);
    const answer = await fresh.post(`${SETTINGS_API}/proposal`, { json: { decision: 'approve' } });
    t.match(answer.json(), { code: 'step_up_required' });
    t.equal(await versionOf(host), 0);
  });

  await t.test('of two who decide at once, one does', async (t) => {
    const amy = await host.enrolled('amy', administrator);
    await proveFreshly(host, abe);
    await proveFreshly(host, amy);
    const answers = await Promise.all([
      ...Array.from({ length: 4 }, () => decideProposal(host, abe, 'approve')),
      ...Array.from({ length: 4 }, () => decideProposal(host, amy, 'approve')),
    ]);
    t.equal(answers.filter(({ status }) => status === 200).length, 1);
    t.ok(
      answers.every(({ status }) => [200, 404, 409].includes(status)),
      String(answers.map(({ status }) => status)),
    );
    t.equal(await versionOf(host), 1);
    const decided = (await host.events()).filter((event) => event.code === 'SETTINGS_PROPOSAL_DECIDED');
    t.equal(decided.filter((event) => event.details?.includes('"decision":"approve"')).length, 1);
    await saveSettings(host, abe, { secondAdministrator: true });
  });

  await t.test('a proposal row that was altered, copied, planted or put back is none', async (t) => {
    t.equal((await putSettings(host, ada, { graceSeconds: 3000 })).status, 202);
    const [row = {}] = await sql<Record<string, string>[]>`select * from countersign.settings_proposal`;
    await proveFreshly(host, abe);
    const story = await auditStory(host);
    const version = await versionOf(host);
    const settings = JSON.parse(row.content ?? '') as { settings: object };
    for (const change of [
      { proposed_by: 'somebody' },
      { content: JSON.stringify({ ...settings, settings: { ...settings.settings, enabled: false } }) },
      { content: 'nonsense' },
      { base_version: '0' },
      { proposed_at: String(Number(row.proposed_at) + 1) },
      { mac: '' },
      { mac: `k0.${row.mac?.split('.')[1]}` },
    ]) {
      const what = Object.keys(change).join();
      await sql`update countersign.settings_proposal set ${sql(change as Record<string, string>)}`;
      t.match((await decideProposal(host, abe, 'approve')).json(), { code: 'settings_proposal_unknown' }, what);
      t.match((await abe.client.get(SETTINGS_API)).json(), { proposal: null }, `${what}: nor is it shown`);
      t.match(
        await story.next(),
        [{ code: 'SETTINGS_TAMPERED', outcome: 'failure', reason: 'proposal altered' }],
        what,
      );
      await sql`delete from countersign.settings_proposal`;
      await sql`insert into countersign.settings_proposal ${sql(row)}`;
    }
    t.equal((await decideProposal(host, abe, 'reject')).status, 200);
    await sql`insert into countersign.settings_proposal ${sql(row)}`;
    await story.next();
    t.match((await decideProposal(host, abe, 'approve')).json(), { code: 'settings_proposal_unknown' }, 'put back');
    t.strictSame(codesOf(await story.next()), ['SETTINGS_TAMPERED']);
    await sql`update countersign.settings_proposal set workspace_id = 'elsewhere'`;
    const far = await host.enrolled('fay', { ...administrator, workspaceId: 'elsewhere' });
    t.match((await decideProposal(host, far, 'approve')).json(), { code: 'settings_proposal_unknown' }, 'copied');
    t.equal(await versionOf(host), version);
    t.equal(await versionOf(host, 'elsewhere'), 0);
  });

  await t.test('another site cannot send it in their name', async (t) => {
    await sql`delete from countersign.settings_proposal`;
    t.equal((await putSettings(host, ada, { graceSeconds: 3000 })).status, 202);
    await proveFreshly(host, abe);
    const version = await versionOf(host);
    const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    const decision = { decision: 'approve' };
    const story = await auditStory(host);
    const forged = [
      await abe.client.post(`${SETTINGS_API}/proposal`, { json: decision, headers: foreign }),
      await abe.client.post(`${SETTINGS_API}/proposal`, { form: decision }),
      await abe.client.post(`${PATH}/proposal`, { page: true, form: { ...decision, proposal: 'x' } }),
      await abe.client.send('PUT', SETTINGS_API, { json: { version, settings: {} }, headers: foreign }),
      await abe.client.send('PUT', SETTINGS_API, { form: { version: String(version) } }),
      await abe.client.post(PATH, { page: true, form: { version: String(version), graceMinutes: '60' } }),
      await abe.client.post(`${SETTINGS_API}/preview`, { json: {}, headers: foreign }),
    ];
    for (const answer of forged) {
      t.equal(answer.status, 403);
      t.match(answer.text, 'cross_site_refused');
    }
    const events = await story.next();
    t.equal(events.length, forged.length);
    for (const event of events) t.match(event, { code: 'ACCESS_DENIED', reason: 'cross-site', userId: 'abe' });
    t.equal(await versionOf(host), version);
    t.equal((await decideProposal(host, abe, 'approve')).status, 200, 'the same from here');
  });
  t.strictSame(host.faults, []);
  await host.close();
});
