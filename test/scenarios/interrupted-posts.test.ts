// The grace period is over when a long form is sent. Nothing of it is lost, nothing is sent by itself: it travels, sealed, in the page
// that asks for the code, is shown once the code was right, and goes out on a click.
import { type Factor, passkey, recoveryCodes, totp } from '@countersign/core';
import { requireStepUp } from '@countersign/fastify';
import type { Test } from 'tap';
import { auditStory, codesOf } from '../support/audit-story.ts';
import type { Answer, Client } from '../support/client.ts';
import { type Host, type HostRoutes, onEveryVersion, startHost } from '../support/hosts.ts';
import { formsOf, formTo, type PageForm, sendForm } from '../support/page-form.ts';
import {
  accountChallenge,
  answerByPasskey,
  beginPasskey,
  enrolPasskey,
  makeRecoveryCodes,
  siteOf,
} from '../support/passkey-person.ts';
import { resourceOf } from '../support/records.ts';

const challengeForm = (page: Answer): PageForm => formTo(page.text, '/step-up/challenge/');
const visibleText = (html: string): string => html.replace(/<form[\s\S]*?<\/form>/g, '').replace(/<[^>]*>/g, ' ');
const form = (action: string, fields: PageForm['fields']): PageForm => ({ action, fields });

/** What `/echo/:id` received, as its handler saw it. */
const received: unknown[] = [];
const echo = (host: { visits: Host['visits'] }): HostRoutes => ({
  fastify(app) {
    const guard = requireStepUp('*', {
      resource: async (request) => resourceOf(host.visits, (request.params as { id: string }).id),
    });
    app.addContentTypeParser('multipart/form-data', (_request, payload, done) => {
      payload.resume();
      payload.on('end', () => done(null, {}));
    });
    app.route({
      method: ['POST', 'PUT'],
      url: '/echo/:id',
      preHandler: guard,
      handler: async (request) => ({ at: received.push(request.body) }),
    });
    app.post('/enforced/:id', async (request) => {
      const { id } = request.params as { id: string };
      await request.stepUp.enforce({ workspaceId: 'clinic', patientId: id, categories: ['5'], action: 'edit' });
      return { at: received.push(request.body) };
    });
  },
  express(app, { requireStepUp, guarded }, express) {
    app.use(['/echo', '/enforced'], express.json(), express.urlencoded({ extended: false }));
    const guard = requireStepUp('*', {
      resource: async (request) => resourceOf(host.visits, (request.params as { id: string }).id),
    });
    const answer = ((request: { body: unknown }, response: { json(body: unknown): void }) =>
      response.json({ at: received.push(request.body) })) as never;
    app.post('/echo/:id', guard as never, answer);
    app.put('/echo/:id', guard as never, answer);
    app.post(
      '/enforced/:id',
      guarded(async (request, response) => {
        const { id } = request.params as { id: string };
        await request.stepUp?.enforce({ workspaceId: 'clinic', patientId: id, categories: ['5'], action: 'edit' });
        response.end(JSON.stringify({ at: received.push((request as { body?: unknown }).body) }));
      }) as never,
    );
  },
});

async function start(t: Test, adapter: Parameters<typeof startHost>[0], options: Parameters<typeof startHost>[1] = {}) {
  const holder: { visits: Host['visits'] } = { visits: new Map() };
  const host = await startHost(adapter, { ...options, routes: echo(holder) });
  for (const [id, visit] of host.visits) holder.visits.set(id, visit);
  t.teardown(() => host.close());
  return host;
}

/** A factor that one person has at another site. */
const elsewhere: Factor = {
  id: 'elsewhere',
  strength: 'any',
  answeredBy: 'ceremony',
  isAvailable: ({ userId }) => userId === 'ida',
  begin: () => ({ invitation: { redirectTo: 'https://idp.example/confirm' }, ceremony: '1', state: 'begun' }),
  ceremonyOf: ({ callbackUrl }) =>
    typeof callbackUrl === 'string' ? new URL(callbackUrl).searchParams.get('state') : null,
  isWellFormed: ({ callbackUrl }) => typeof callbackUrl === 'string',
  check: (_answer, { state }) => (state === 'begun' ? { result: 'correct', counter: 0 } : { result: 'incorrect' }),
};

/** Answers the challenge page with a new code. */
const confirm = (host: Host, client: Client, secret: string, page: Answer) => {
  host.clock.set(30);
  return sendForm(client, challengeForm(page), { code: host.code(secret) });
};

onEveryVersion('a post that meets an expired grace period', async (t, adapter) => {
  const host = await start(t, adapter, {
    web: { csrf: { field: 'token', token: () => 'fresh token' } },
    // A host's own parsers, in front of ours, would have limits of their own.
    bodyParsers: false,
    countersign: {
      challengeSeconds: 60,
      factors: [passkey(), totp({ issuer: 'Example EHR' }), recoveryCodes(), elsewhere],
    },
  });

  await t.test('a form that was refused is shown after the code and sent on a click', async (t) => {
    const { client, secret } = await host.enrolled('carol');
    const long = `First line\r\n  second, “quoted” & <b>bold</b> – ünïcödé 🩺\r\n\r\n${'A long paragraph. '.repeat(60)}`;
    const typed: PageForm['fields'] = [
      ['token', 'stale token'],
      ['title', 'Plan & "more" <script>alert(1)</script>'],
      ['drug', 'ketamine'],
      ['notes', long],
      ['drug', 'zolpidem'],
      ['empty', ''],
      ['drug', 'ketamine'],
      ['password', 'hunter2 hunter2'],
      ['_csrf', 'a token of another library'],
      ['10', 'a name like a number'],
    ];
    const action = '/echo/v1?tab=notes&x=%C3%BC';

    const story = await auditStory(host);
    const asked = await sendForm(client, form(action, typed));
    t.equal(asked.status, 401);
    t.match(asked.text, 'Nothing was sent yet. What you entered is kept on this page');
    t.notMatch(asked.text, 'stale token');
    t.notMatch(asked.text, 'paragraph', 'only sealed');
    t.notMatch(asked.text, 'hunter2');
    const { draft } = Object.fromEntries(challengeForm(asked).fields);
    t.match(draft, /^ey[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/, 'a JWE of no key but our own');

    const wrong = await sendForm(client, challengeForm(asked), { code: host.wrongCode(secret) });
    t.equal(wrong.status, 422);
    t.equal(Object.fromEntries(challengeForm(wrong).fields).draft, draft, 'kept through a wrong code');

    const confirmed = await confirm(host, client, secret, wrong);
    t.equal(confirmed.status, 200);
    t.equal(received.length, 0, 'nothing is sent by itself');
    t.match(confirmed.text, 'Nothing was sent yet.');
    t.notMatch(
      confirmed.text,
      /http-equiv|autofocus|<script(?! type="module" src="[^"]*"><\/script>)/,
      'nor by the page',
    );
    const text = visibleText(confirmed.text);
    for (const shown of ['title', 'drug', 'zolpidem', 'A long paragraph. A long', 'ünïcödé 🩺', 'Empty'])
      t.match(text, shown);
    t.match(confirmed.text, 'Plan &amp; &quot;more&quot; &lt;script>', 'escaped');
    t.match(confirmed.text, /<section[^>]*tabindex="0"[^>]*>First line/, 'long text scrolls, and by keyboard too');
    for (const hidden of ['hunter2', 'fresh token', '_csrf', 'another library', '_countersign'])
      t.notMatch(text, hidden, 'not shown');
    t.match(text, 'Sent, but not shown here');

    const again = formTo(confirmed.text, '/echo/');
    t.equal(again.action, action, 'where it was meant to go');
    t.strictSame(
      again.fields.filter(([name]) => name === 'drug').map(([, value]) => value),
      ['ketamine', 'zolpidem', 'ketamine'],
    );
    t.equal(formsOf(confirmed.text).length, 1, 'one form, one button');
    const sent = await sendForm(client, again);
    t.equal(sent.status, 200);
    t.strictSame(
      { ...(received.pop() as object) },
      {
        token: 'fresh token',
        title: 'Plan & "more" <script>alert(1)</script>',
        drug: ['ketamine', 'zolpidem', 'ketamine'],
        notes: long,
        empty: '',
        password: 'hunter2 hunter2',
        _csrf: 'a token of another library',
        10: 'a name like a number',
      },
    );
    t.strictSame(codesOf(await story.next()), ['MFA_REQUIRED', 'MFA_FAILURE', 'MFA_SUCCESS', 'ACCESS_ALLOWED']);
    for (const event of await host.events()) {
      t.notMatch(JSON.stringify(event), /paragraph|hunter2|zolpidem/, 'the log knows nothing of the content');
    }
  });

  await t.test('where each operation asks, the proof just earned is the one that lets it pass', async (t) => {
    const { client, secret } = await host.enrolled('dave');
    const typed: PageForm['fields'] = [
      ['notes', 'one\ntwo\r\nthree'],
      ['_countersign', 'a token of ours, in a form of the host'],
      ['drug', 'b'],
      ['drug', 'a'],
    ];
    const asked = await sendForm(client, form('/echo/v0', typed));
    t.equal(asked.status, 401);
    const confirmed = await confirm(host, client, secret, asked);
    const again = formTo(confirmed.text, '/echo/');
    const story = await auditStory(host);
    t.equal((await sendForm(client, again)).status, 200, 'once');
    t.match(received.pop(), { notes: 'one\r\ntwo\r\nthree', drug: ['b', 'a'] });
    t.equal((await sendForm(client, again)).status, 401, 'and no second time');
    t.strictSame(codesOf(await story.next()), ['ACCESS_ALLOWED', 'MFA_REQUIRED']);

    const other = await sendForm(client, form('/echo/v0', [...typed, ['more', 'x']]));
    const passed = await confirm(host, client, secret, other);
    const { action, fields } = formTo(passed.text, '/echo/');
    t.equal((await sendForm(client, { action, fields: fields.slice(1) })).status, 401, 'other content never');
    t.equal((await sendForm(client, { action, fields })).status, 200);
    received.pop();
  });

  await t.test('a post without content, and one that a handler asks about', async (t) => {
    const { client, secret } = await host.enrolled('erin');
    const bare = await client.post('/echo/v0', { page: true, headers: { origin: host.baseUrl } });
    t.equal(bare.status, 401);
    const shown = await confirm(host, client, secret, bare);
    t.match(shown.text, 'The form has no fields.');
    const again = formTo(shown.text, '/echo/');
    t.strictSame(again.fields, []);
    const sent = await client.post(again.action, { page: true, headers: { origin: host.baseUrl } });
    t.equal(sent.status, 200, 'it is the operation that was confirmed');
    received.pop();

    const enforced = await sendForm(client, form('/enforced/p7', [['notes', 'in a handler']]));
    t.equal(enforced.status, 401);
    const after = await confirm(host, client, secret, enforced);
    t.equal((await sendForm(client, formTo(after.text, '/enforced/'))).status, 200);
    t.match(received.pop(), { notes: 'in a handler' });
  });

  await t.test('JSON that a page has posted', async (t) => {
    const { client, secret } = await host.enrolled('fred');
    const json = { title: 'A <b>title</b>', list: [1, { deep: null }], text: 'line\nline', ünï: '🩺' };
    const headers = { origin: host.baseUrl };
    const asked = await client.send('PUT', '/echo/v0', { json, page: true, headers });
    t.equal(asked.status, 401);
    const confirmed = await confirm(host, client, secret, asked);
    t.equal(confirmed.status, 200);
    const shown = /<textarea[^>]*>([\s\S]*?)<\/textarea>/.exec(confirmed.text)?.[1] ?? '';
    const text = shown.replaceAll('&lt;', '<').replaceAll('&amp;', '&').replaceAll('&quot;', '"');
    t.strictSame(JSON.parse(text), json, 'shown in full, to be copied');
    t.match(confirmed.text, /data-cs-json data-cs-method="PUT" data-cs-type="application\/json"/);
    t.match(confirmed.text, 'copy the text', 'said for browsers without a script');
    t.match(
      confirmed.text,
      /<button[^>]* hidden/,
      'no form can send it, so no button is offered before the script is there',
    );
    const sent = await client.send('PUT', '/echo/v0', {
      body: text,
      headers: { ...headers, 'content-type': 'application/json' },
    });
    t.equal(sent.status, 200, 'what is shown is what was confirmed');
    t.strictSame(received.pop(), json);
  });

  await t.test('what cannot be kept is said to be so', async (t) => {
    const { client, secret } = await host.enrolled('gina');
    const post = (headers: Record<string, string>, body: string) =>
      client.post('/echo/v1', { page: true, headers: { origin: host.baseUrl, ...headers }, body });
    const most = `${'é'.repeat(5000)}\r\n${'x'.repeat(55_500)}`;
    const kept = await sendForm(client, form('/echo/v1', [['a', most]]));
    t.match(kept.text, 'kept on this page', 'up to 64 KiB');
    const shown = await confirm(host, client, secret, kept);
    t.equal(formTo(shown.text, '/echo/').fields[0]?.[1], most, 'and it comes back through every parser');
    host.clock.set(3600);

    const large = await sendForm(client, form('/echo/v1', [['a', 'x'.repeat(65_536)]]));
    t.equal(large.status, 401);
    t.match(large.text, 'your text was not kept here: it is too long');
    t.notMatch(large.text, 'name="draft"');
    const passed = await confirm(host, client, secret, large);
    t.match(passed.text, 'Go back to what you were doing and send it again.');
    host.clock.set(3600);

    const files = await post(
      { 'content-type': 'multipart/form-data; boundary=x' },
      '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
    );
    t.equal(files.status, 401, files.text);
    t.match(files.text, 'Nothing was sent. A form with files cannot be kept here');
    t.notMatch(files.text, 'name="draft"');

    const nul = await post({ 'content-type': 'application/x-www-form-urlencoded' }, 'a=%00');
    t.match(nul.text, 'was not kept here');
    const silent = await client.post('/echo/v1', {
      headers: { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' },
      body: 'a=1',
    });
    t.equal(silent.status, 401);
    t.match(silent.text, 'was not kept here', 'a client that does not say where it comes from');
    t.equal(received.length, 0);
  });

  await t.test('a challenge that ends before it is answered costs no text', async (t) => {
    const { client, secret } = await host.enrolled('hugh');
    const asked = await sendForm(client, form('/echo/v1', [['notes', 'not lost']]));
    host.clock.set(300);
    const ended = await sendForm(client, challengeForm(asked), { code: host.code(secret) });
    t.equal(ended.status, 200);
    t.match(ended.text, 'The confirmation has ended. Nothing was sent, and nothing is lost');
    t.match(ended.text, 'not lost');
    const second = await sendForm(client, formTo(ended.text, '/echo/'));
    t.equal(second.status, 401, 'it is no proof');
    const confirmed = await confirm(host, client, secret, second);
    t.equal((await sendForm(client, formTo(confirmed.text, '/echo/'))).status, 200);
    t.match(received.pop(), { notes: 'not lost' });

    // The same by an address of its own: for pages that stand between a success and the form.
    const third = await sendForm(client, form('/echo/v2', [['notes', 'by itself']]));
    const { fields } = challengeForm(third);
    const shown = await sendForm(client, form('/step-up/resend', fields));
    t.equal(shown.status, 200);
    t.equal(formTo(shown.text, '/echo/').action, '/echo/v2');
  });

  await t.test('through a passkey, a recovery code and another site', async (t) => {
    const client = await host.signedIn('ivy');
    const device = await enrolPasskey(host, client);
    const asked = await sendForm(client, form('/echo/v1', [['notes', 'by passkey']]));
    const page = formTo(asked.text, '/step-up/challenge/');
    const id = page.action.split('/').at(-2) ?? '';
    const options = await beginPasskey(client, id);
    const response = JSON.stringify(device.get({ ...siteOf(host), challenge: options.challenge }));
    const confirmed = await sendForm(client, page, { response });
    t.equal(confirmed.status, 200, confirmed.text);
    t.equal((await sendForm(client, formTo(confirmed.text, '/echo/'))).status, 200);
    t.match(received.pop(), { notes: 'by passkey' });

    const forCodes = await accountChallenge(client, 'recovery-codes');
    t.equal((await answerByPasskey(host, client, device, forCodes)).status, 200);
    const [code = ''] = await makeRecoveryCodes(client);
    host.clock.set(3600);
    const again = await sendForm(client, form('/echo/v1', [['notes', 'by recovery code']]));
    const recovery = formsOf(again.text).find(({ action }) => action.endsWith('/recovery-codes'));
    const recovered = await sendForm(client, recovery ?? challengeForm(again), { code });
    t.equal(recovered.status, 200, recovered.text);
    t.match(recovered.text, '9 recovery codes are left.');
    t.equal((await sendForm(client, formTo(recovered.text, '/echo/'))).status, 200);
    t.match(received.pop(), { notes: 'by recovery code' });

    const ida = await host.signedIn('ida');
    const third = await sendForm(ida, form('/echo/v2', [['notes', 'by another site']]));
    const away = await sendForm(ida, challengeForm(third));
    t.equal(away.status, 200, away.text);
    t.equal(away.headers.get('refresh'), null, 'this page stays: what was written is in it');
    t.match(away.text, '<a class="cs-button" href="https://idp.example/confirm" target="_blank" rel="noopener">');
    t.equal((await ida.get('/step-up/recheck/elsewhere?state=1', { page: true })).status, 200, 'the other tab');
    const shown = await sendForm(ida, formTo(away.text, '/step-up/resend'));
    t.match(shown.text, 'by another site');
    t.equal((await sendForm(ida, formTo(shown.text, '/echo/'))).status, 200);
    t.match(received.pop(), { notes: 'by another site' });
  });

  await t.test('limits of content stay small where no draft travels', async (t) => {
    const { client } = await host.enrolled('kim');
    const token = (await client.get('/step-up/factors', { page: true })).field('_countersign');
    const large = { _countersign: token, code: 'x'.repeat(70_000) };
    for (const path of ['/step-up/factors/totp/enrol', '/api/v1/auth/mfa/verify']) {
      const answer = await sendForm(client, form(path, Object.entries(large)));
      t.equal(answer.status, 400, path);
    }
    for (const path of ['/step-up/resend', `/step-up/challenge/${'x'.repeat(22)}/totp`]) {
      const answer = await sendForm(client, form(path, Object.entries({ ...large, draft: 'x'.repeat(110_000) })));
      t.ok([400, 413].includes(answer.status), `${path}: ${answer.status}`);
    }
  });

  t.strictSame(host.faults, []);
  await host.close();
});
