// A form that was refused travels through the browser, sealed. Whoever can touch what travels there wants to read another's text, to
// have a person send what the attacker wrote, to send an earlier text once more from elsewhere, or to have a forged post come back
// looking like the person's own work. Every such draft is refused and written down, shows and sends nothing, and costs no code.
import type { Test } from 'tap';
import { auditStory } from '../support/audit-story.ts';
import type { Answer, Client } from '../support/client.ts';
import { type Host, onEveryAdapter, startHost } from '../support/hosts.ts';
import { formTo, type PageForm, sendForm } from '../support/page-form.ts';
import { createRealStore } from '../support/real-store.ts';

const TEXT = 'words that only their author may see';
const post = (client: Client, path = '/visits/v1', headers: Record<string, string> = {}) =>
  sendForm(client, { action: path, fields: [['notes', TEXT]] }, {}, headers);
const challengeForm = (page: Answer): PageForm => formTo(page.text, '/step-up/challenge/');
const draftOf = (page: Answer): string => Object.fromEntries(challengeForm(page).fields).draft ?? '';
const withDraft = ({ action, fields }: PageForm, draft: string): PageForm => ({
  action,
  fields: fields.map(([name, value]) => [name, name === 'draft' ? draft : value]),
});

/** Puts a draft into both forms that take one, with a right code: each refuses it for the reason, and nothing comes of it. */
async function refused(
  t: Test,
  host: Host,
  { client, secret, page }: { readonly client: Client; readonly secret: string; readonly page: Answer },
  draft: string,
  reason: string,
): Promise<void> {
  const story = await auditStory(host);
  const own = withDraft(challengeForm(page), draft);
  for (const form of [own, { ...own, action: '/step-up/resend' }]) {
    const answer = await sendForm(client, form, { code: host.code(secret) });
    t.equal(answer.status, 403, `${reason} at ${form.action}`);
    t.match(answer.text, 'draft_refused');
    t.notMatch(answer.text, TEXT, 'nothing of it is shown');
    t.notMatch(answer.text, /<form|name="draft"/, 'nor anything to go on with');
    t.equal(answer.headers.get('set-cookie'), null, 'no proof');
  }
  const events = await story.next();
  t.strictSame(
    events.map(({ code, outcome, reason }) => [code, outcome, reason]),
    [
      ['ACCESS_DENIED', 'refused', reason],
      ['ACCESS_DENIED', 'refused', reason],
    ],
    'on the log, and no attempt counted',
  );
  t.notMatch(JSON.stringify(events), TEXT);
  t.equal((await client.get('/visits/v1')).status, 401, 'nothing was granted');
  t.equal(host.visits.get('v1')?.notes, 'notes of v1', 'nothing was sent');
}

onEveryAdapter('drafts that do not belong where they turn up', async (t, adapter) => {
  const host = await startHost(adapter, { store: await createRealStore() });
  const enter = async (userId: string, session = {}) => {
    const { client, secret } = await host.enrolled(userId, session);
    return { client, secret, page: await post(client) };
  };
  const alice = await enter('alice');
  const mallory = await enter('mallory');
  const genuine = draftOf(alice.page);

  await t.test('another person’s', async (t) => {
    await refused(t, host, mallory, genuine, 'draft-foreign');
    await refused(t, host, alice, draftOf(mallory.page), 'draft-foreign');
  });

  await t.test('the same person’s, of another session, workspace or sign-in', async (t) => {
    const other = await host.signedIn('alice');
    await refused(t, host, { ...alice, client: other, page: await post(other) }, genuine, 'draft-foreign');
    const elsewhere = await enter('alice', { workspaceId: 'elsewhere' });
    t.equal(elsewhere.page.status, 404, 'its records are not even there');
    const again = alice.client.fork();
    await again.post('/switch-user', { json: { userId: 'alice', at: host.clock.now() } });
    const page = await post(again);
    await refused(t, host, { ...alice, client: again, page }, genuine, 'draft-foreign');
  });

  await t.test('altered: every part, cut, joined, empty, of another kind', async (t) => {
    const bob = await enter('bob');
    const own = draftOf(bob.page);
    const [head = '', key = '', iv = '', content = '', tag = ''] = own.split('.');
    const flipped = (part: string, at = 0) => {
      const bytes = Buffer.from(part, 'base64url');
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      return bytes.toString('base64url');
    };
    const heading = (change: object) =>
      Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(head, 'base64url').toString()), ...change })).toString(
        'base64url',
      );
    const [otherHead = '', , otherIv = '', otherContent = '', otherTag = ''] = genuine.split('.');
    const keyring = host.countersign.configuration.keyring;
    const owner = { workspaceId: 'clinic', userId: 'bob', id: 'x' };
    const drafts: Readonly<Record<string, string>> = {
      'its content': [head, key, iv, flipped(content, 40), tag].join('.'),
      'its end': [head, key, iv, content.slice(0, -8), tag].join('.'),
      'its tag': [head, key, iv, content, flipped(tag)].join('.'),
      'a short tag': [head, key, iv, content, tag.slice(0, 6)].join('.'),
      'its nonce': [head, key, flipped(iv), content, tag].join('.'),
      'whose it is': [heading({ own: '["clinic","alice","x"]' }), key, iv, content, tag].join('.'),
      'what it is for': [heading({ use: 'other' }), key, iv, content, tag].join('.'),
      'its key': [heading({ kid: 'k9' }), key, iv, content, tag].join('.'),
      'no encryption': [heading({ alg: 'none', enc: 'none' }), key, iv, content, tag].join('.'),
      'compressed content': [heading({ zip: 'DEF' }), key, iv, content, tag].join('.'),
      'another’s content under its head': [head, key, otherIv, otherContent, otherTag].join('.'),
      'its content under another’s head': [otherHead, key, iv, content, tag].join('.'),
      'a stored secret': await keyring.seal(TEXT, owner),
      'a ticket for something else': await keyring.sealTicket('other', TEXT, owner),
      'plain JSON': JSON.stringify({ method: 'POST', url: '/visits/v1', fields: [['notes', TEXT]] }),
      'a word': 'draft',
      dots: '....',
    };
    for (const [what, draft] of Object.entries(drafts)) {
      await t.test(what, (t) => refused(t, host, bob, draft, 'draft-altered'));
    }
    t.notMatch(Buffer.from(head, 'base64url').toString(), /notes|visits|POST/, 'its head tells nothing of the content');
    const good = await sendForm(bob.client, challengeForm(bob.page), { code: host.code(bob.secret) });
    t.equal(good.status, 200, 'the code is still good, and so is the genuine draft');
    t.match(good.text, TEXT);
  });

  await t.test('older than ten minutes, however long its challenge is open', async (t) => {
    const late = await startHost(adapter, { countersign: { challengeSeconds: 3600 } });
    const { client, secret } = await late.enrolled('carol');
    const page = await post(client);
    late.clock.set(599);
    const inTime = await sendForm(client, { ...challengeForm(page), action: '/step-up/resend' });
    t.equal(inTime.status, 200, 'to the second');
    late.clock.set(1);
    await refused(t, late, { client, secret, page }, draftOf(page), 'draft-expired');
    await late.close();
  });

  await t.test('after signing out, or once the session was ended', async (t) => {
    const dora = await enter('dora');
    const page = dora.page;
    await host.countersign.sessions.signOutEverywhere(
      host.countersign.principalOf({
        userId: 'dora',
        workspaceId: 'clinic',
        roles: [],
        displayName: 'dora',
        signedInAt: new Date(host.clock.now()),
        sessionKey: 'another session',
      }),
    );
    for (const action of [challengeForm(page).action, '/step-up/resend']) {
      const answer = await sendForm(dora.client, { ...challengeForm(page), action }, { code: host.code(dora.secret) });
      t.equal(answer.status, 401);
      t.notMatch(answer.text, TEXT);
    }
  });

  await t.test('nothing is sealed that another site has posted', async (t) => {
    const { client } = await host.enrolled('erin');
    const headers: readonly Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'same-origin', origin: 'https://evil.example' },
    ];
    for (const header of headers) {
      const answer = await post(client, '/visits/v1', header);
      t.equal(answer.status, 403, JSON.stringify(header));
      t.notMatch(answer.text, /name="draft"|<form|only their author/);
    }
    t.match((await host.events('erin')).at(-1), { code: 'MFA_REQUIRED' });
    const silent = await client.post('/visits/v1', {
      headers: { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' },
      body: `notes=${TEXT}`,
    });
    t.equal(silent.status, 401, 'one that says nothing of where it comes from is asked');
    t.notMatch(silent.text, /name="draft"|only their author/, 'and is not kept');
  });

  await t.test(
    'a genuine draft goes nowhere but where it was meant to, on a click, and passes no guard by itself',
    async (t) => {
      const fred = await enter('fred');
      const form = challengeForm(fred.page);
      const planted: PageForm = {
        action: form.action,
        fields: [...form.fields, ['action', '/visits/v2'], ['url', 'https://evil.example'], ['method', 'DELETE']],
      };
      const shown = await sendForm(fred.client, planted, { code: host.code(fred.secret) });
      t.equal(shown.status, 200);
      const again = formTo(shown.text, '/');
      t.equal(again.action, '/visits/v1');
      t.notMatch(shown.text, /evil\.example|\/visits\/v2/);
      t.notMatch(shown.text, /http-equiv|data-cs-autosubmit|onload|autofocus/, 'nothing sends it but the button');
      t.equal(host.visits.get('v1')?.notes, 'notes of v1');
      host.clock.set(1000);
      const late = await sendForm(fred.client, again);
      t.equal(late.status, 401, 'after the grace period it is asked for like any other');
      t.equal(host.visits.get('v1')?.notes, 'notes of v1');
    },
  );

  await t.test('a draft sent twice in one form, or as something else', async (t) => {
    const gina = await enter('gina');
    const form = challengeForm(gina.page);
    const twice = await sendForm(gina.client, { ...form, fields: [...form.fields, ['draft', draftOf(gina.page)]] });
    t.equal(twice.status, 400);
    t.notMatch(twice.text, TEXT);
    t.equal((await sendForm(gina.client, { action: '/step-up/resend', fields: form.fields.slice(0, 1) })).status, 400);
  });
  t.strictSame(host.faults, []);
  await host.close();
});
