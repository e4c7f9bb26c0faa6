// Where a workspace wants it so, what asks less of people waits until a second administrator has looked at it.
import { decideProposal, putSettings, SETTINGS_API, saveSettings } from '../support/administrator.ts';
import { auditStory, codesOf } from '../support/audit-story.ts';
import type { Answer, Client } from '../support/client.ts';
import { onEveryAdapter, startHost } from '../support/hosts.ts';
import { formsOf, formTo, sendForm } from '../support/page-form.ts';

const PATH = '/step-up/admin/settings';
const settingsPage = (client: Client): Promise<Answer> => client.get(PATH, { page: true });

onEveryAdapter('loosening waits for a second administrator, where the workspace wants one', async (t, adapter) => {
  const host = await startHost(adapter, { countersign: { defaults: { secondAdministrator: true } } });
  const ada = await host.enrolled('ada', { roles: ['administrator'] });
  const abe = await host.enrolled('abe', { roles: ['administrator'] });
  const read = async () =>
    (await ada.client.get(SETTINGS_API)).json() as {
      version: number;
      settings: { graceSeconds: number; categories: string[] };
      proposal: { id: string; loosening: unknown } | null;
    };

  await t.test('tightening is saved at once', async (t) => {
    await saveSettings(host, ada, { graceSeconds: 600 });
    t.match(await read(), { version: 1, settings: { graceSeconds: 600 }, proposal: null });
  });

  await t.test('what loosens is proposed, told in words, and in force once another approves', async (t) => {
    const story = await auditStory(host);
    const proposed = await putSettings(host, ada, { graceSeconds: 1200, categories: ['5'] });
    t.equal(proposed.status, 202);
    t.match(proposed.json(), { saved: false, version: 1, settings: { graceSeconds: 600 } });
    t.match((await read()).proposal, {
      baseVersion: 1,
      proposedBy: 'ada',
      settings: { graceSeconds: 1200, categories: ['5'] },
      loosening: [
        { kind: 'grace-longer', about: null },
        { kind: 'category-removed', about: '8' },
        { kind: 'category-removed', about: '12' },
        { kind: 'category-removed', about: '0' },
        { kind: 'grace-longer', about: '5' },
      ],
    });
    const mine = await settingsPage(ada.client);
    t.match(mine.text, 'These settings wait for a second administrator');
    t.strictSame(formsOf(mine.text).filter(({ action }) => action === `${PATH}/proposal`).length, 1);
    t.notMatch(mine.text, 'value="approve"');
    const theirs = await settingsPage(abe.client);
    t.match(theirs.text, 'value="approve"');
    t.match(theirs.text, /10 min\S* → 20 min/);
    const form = formTo(theirs.text, `${PATH}/proposal`);
    const asked = await sendForm(abe.client, form, { decision: 'approve' });
    t.equal(asked.status, 401, 'with a fresh proof of their own');
    host.clock.set(30);
    const again = await sendForm(abe.client, formTo(asked.text, '/step-up/challenge/'), {
      code: host.code(abe.secret),
    });
    const approved = await sendForm(abe.client, formTo(again.text, `${PATH}/proposal`));
    t.equal(approved.headers.get('location'), `${PATH}?approved`);
    t.match(await read(), { version: 2, settings: { graceSeconds: 1200, categories: ['5'] }, proposal: null });
    const events = (await story.next()).filter((event) => event.code.startsWith('SETTINGS_'));
    t.strictSame(codesOf(events), ['SETTINGS_PROPOSED', 'SETTINGS_PROPOSAL_DECIDED', 'SETTINGS_CHANGED']);
    t.match(events[0], { userId: 'ada', reason: 'grace-longer,category-removed' });
    t.match(JSON.parse(events[0]?.details ?? ''), { before: { graceSeconds: 600 }, after: { graceSeconds: 1200 } });
    t.match(JSON.parse(events[1]?.details ?? ''), { decision: 'approve', proposedBy: 'ada', version: 2 });
    t.match(events[2], { userId: 'abe' });
    t.match(JSON.parse(events[2]?.details ?? ''), { version: 2, proposedBy: 'ada' });
  });

  await t.test('another rejects it, the proposer withdraws it, a later one takes its place', async (t) => {
    const decided = async () => {
      const events = (await host.events()).filter((event) => event.code === 'SETTINGS_PROPOSAL_DECIDED');
      return JSON.parse(events.at(-1)?.details ?? '{}') as { decision: string };
    };
    await putSettings(host, ada, { graceSeconds: 1800 });
    t.match((await decideProposal(host, abe, 'reject')).json(), { saved: false, version: 2, proposal: null });
    t.match(await decided(), { decision: 'reject' });
    await putSettings(host, ada, { graceSeconds: 1800 });
    t.equal((await decideProposal(host, ada, 'withdraw')).status, 200);
    t.match(await decided(), { decision: 'withdraw' });
    await putSettings(host, ada, { graceSeconds: 1800 });
    const { proposal } = await read();
    await putSettings(host, abe, { graceSeconds: 2400 });
    t.match(await decided(), { decision: 'replace', proposedBy: 'ada' });
    const stale = await decideProposal(host, ada, 'approve', proposal?.id);
    t.match(stale.json(), { code: 'settings_proposal_unknown' }, 'what was read is what is decided');
    t.equal((await decideProposal(host, ada, 'approve', (await read()).proposal?.id)).status, 200);
    t.match(await read(), { version: 3, settings: { graceSeconds: 2400 }, proposal: null });
  });

  await t.test('settings that were saved since are not overwritten', async (t) => {
    await putSettings(host, ada, { graceSeconds: 3000 });
    await saveSettings(host, abe, { graceSeconds: 120 });
    t.match((await settingsPage(abe.client)).text, 'This can no longer be approved');
    const outdated = await decideProposal(host, abe, 'approve');
    t.equal(outdated.status, 409);
    t.match(outdated.json(), { code: 'settings_conflict', current: { version: 4 }, yours: { version: 3 } });
    t.match(await read(), { version: 4, settings: { graceSeconds: 120 } });
    t.equal((await decideProposal(host, abe, 'reject')).status, 200);
  });
  t.strictSame(host.faults, []);
  await host.close();
});
