// The dialog against a server that says whatever a test needs: every kind of factor and refusal, every kind of body, and a server
// that lies about whose challenge it is. The page has a policy of its own, without inline styles or scripts.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { launchBrowser } from '../support/browser.ts';
import { focusOf, inspectPage } from '../support/inspect-page.ts';
import { until } from '../support/until.ts';

const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'";
const HTML = `<!doctype html><html lang="en"><head><title>Chart</title>
<meta name="color-scheme" content="light dark"><meta name="viewport" content="width=device-width, initial-scale=1"><script type="module" src="/page.js"></script></head>
<body><main><h1>Chart</h1><button id="go">Go</button></main></body></html>`;
const SCRIPT = `import * as stepUp from '/step-up.js';
Object.assign(window, stepUp, { breaches: [], refused: [] });
document.addEventListener('securitypolicyviolation', (event) => breaches.push(event.violatedDirective));
document.documentElement.dataset.ready = '';`;

interface Answer {
  readonly status: number;
  readonly body: object;
}
interface Received {
  readonly path: string;
  readonly method: string;
  readonly type: string | undefined;
  readonly chart: string | undefined;
  readonly text: string;
}

/** What the server answers, by path: each list from its beginning, its last entry again and again. */
type Script = Readonly<Record<string, readonly Answer[]>>;

const ok = (body: object = {}): Answer => ({ status: 200, body });
const problem = (status: number, code: string, members: object = {}): Answer => ({
  status,
  body: { type: `urn:countersign:error:${code}`, title: code, status, code, detail: code, ...members },
});
const ID = 'AAAAAAAAAAAAAAAAAAAAAA';
const other = 'BBBBBBBBBBBBBBBBBBBBBB';
const foreign = 'https://evil.example';
const options = { challenge: 'AAAA', rpId: 'localhost', allowCredentials: [], userVerification: 'required' };
const challenge = (base: string, id = ID, members: object = {}) =>
  problem(401, 'step_up_required', {
    ...members,
    challengeId: id,
    challengeUrl: `${base}/step-up/challenge/${id}`,
    apiUrl: `${base}/api`,
  });
const described = (factors: readonly object[], members: object = {}): Answer =>
  ok({ action: 'view', categoryNames: [], summary: null, factors, ...members });
const TOTP = { factor: 'totp', withPassword: false, answeredBy: 'code' };
const describePath = `GET /api/auth/mfa/challenges/${ID}`;
const VERIFY = 'POST /api/auth/mfa/verify';
const verified = ok({ verified: true });

const browser = await launchBrowser();

interface Opened {
  readonly page: Page;
  readonly base: string;
  readonly received: Received[];
  /** The parsed bodies of what was sent to be verified. */
  answers(): unknown[];
  /** No script failed, and nothing went against the page's policy. */
  assertClean(): Promise<void>;
  /** Calls `stepUpFetch` in the page; resolves with status and text, or with the error's name. */
  send(input?: string, init?: object, options?: object): Promise<string>;
}

async function open(t: Test, script: (base: string) => Script): Promise<Opened> {
  const received: Received[] = [];
  const served = new Map<string, number>();
  const files = new Map([
    ['/', ['text/html', HTML]],
    ['/page.js', ['text/javascript', SCRIPT]],
    ...['step-up', 'passkey'].map((name): [string, string[]] => [
      `/${name}.js`,
      ['text/javascript', readFileSync(new URL(`../../packages/web/dist/browser/${name}.js`, import.meta.url), 'utf8')],
    ]),
  ]);
  const server = createServer(async (request: IncomingMessage, response) => {
    const { method = '', url = '' } = request;
    const file = files.get(url);
    if (file !== undefined) {
      response.writeHead(200, { 'content-type': file[0], 'content-security-policy': POLICY }).end(file[1]);
      return;
    }
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    const key = `${method} ${url}`;
    const { 'content-type': type, 'x-chart': chart } = request.headers;
    received.push({ path: url, method, type, chart: chart?.toString(), text });
    const answers = script(base)[key] ?? [problem(404, 'not_found')];
    const count = served.get(key) ?? 0;
    served.set(key, count + 1);
    const { status, body } = answers[Math.min(count, answers.length - 1)] as Answer;
    const media = status < 400 ? 'application/json' : 'application/problem+json; charset=utf-8';
    response.writeHead(status, { 'content-type': media }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://localhost:${(server.address() as AddressInfo).port}`;
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.goto(`${base}/`);
  await page.waitForSelector('html[data-ready]');
  t.teardown(async () => {
    await context.close();
    server.closeAllConnections();
    server.close();
  });
  return {
    page,
    base,
    received,
    async assertClean() {
      t.same(await page.evaluate(() => (window as unknown as { breaches: string[] }).breaches), [], 'the policy holds');
      t.same(problems, [], 'no script failed');
    },
    answers: () => received.filter(({ path }) => path.endsWith('/verify')).map(({ text }) => JSON.parse(text)),
    send: (input = '/record', init = {}, options = {}) =>
      page.evaluate(
        async ([input, init, options]) => {
          type StepUpFetch = (input: string, init: object, options: object) => Promise<Response>;
          const { stepUpFetch, refused } = window as unknown as { stepUpFetch: StepUpFetch; refused: string[] };
          try {
            const onRefused = ({ code }: { code: string }) => refused.push(code);
            const response = await stepUpFetch(input, init, { onRefused, ...options });
            return `${response.status} ${await response.text()}`;
          } catch (error) {
            return (error as Error).name;
          }
        },
        [input, init, options] as const,
      ),
  };
}

/** A test against a server that answers by a script. */
function against(
  parent: Test,
  name: string,
  script: (base: string) => Script,
  run: (t: Test, opened: Opened) => Promise<void>,
): Promise<unknown> {
  return parent.test(name, async (t) => {
    const opened = await open(t, script);
    await run(t, opened);
    await opened.assertClean();
  });
}

const focusIs = (page: Page, what: string) => until(async () => (await focusOf(page)) === what);
const dialogOf = (page: Page) => page.getByRole('dialog');

t.test('everything a request can carry goes out a second time as it was', async (t) => {
  const bodies: readonly (readonly [name: string, make: string, type: RegExp, text: RegExp])[] = [
    ['text', `'plain'`, /^text\/plain/, /^plain$/],
    ['JSON', `'{"a":1}'`, /^text\/plain/, /^\{"a":1\}$/],
    ['URLSearchParams', `new URLSearchParams({ a: 'é' })`, /^application\/x-www-form-urlencoded/, /^a=%C3%A9$/],
    ['Blob', `new Blob(['blob'], { type: 'image/png' })`, /^image\/png$/, /^blob$/],
    ['ArrayBuffer', `new TextEncoder().encode('bytes').buffer`, /^undefined$/, /^bytes$/],
    [
      'FormData',
      `(() => { const f = new FormData(); f.set('a', 'b'); f.set('file', new Blob(['inside']), 'x.txt'); return f; })()`,
      /^multipart\/form-data/,
      /name="a"\r\n\r\nb[\s\S]*inside/,
    ],
  ];
  for (const [name, make, type, text] of bodies) {
    for (const asRequest of [false, true]) {
      await against(
        t,
        `${name}${asRequest ? ' in a Request' : ''}`,
        (base) => ({
          'PATCH /record': [challenge(base), ok({ saved: true })],
          [describePath]: [described([TOTP])],
          [VERIFY]: [verified],
        }),
        async (t, { page, received }) => {
          const sent = page.evaluate(
            async ([make, asRequest]) => {
              const body = new Function(`return ${make}`)();
              const init = { method: 'PATCH', headers: { 'x-chart': 'open' }, body };
              const { stepUpFetch } = window as unknown as { stepUpFetch: typeof fetch };
              const record = asRequest ? new Request('/record', init) : '/record';
              return (await stepUpFetch(record, asRequest ? undefined : init)).status;
            },
            [make, asRequest] as const,
          );
          await focusIs(page, 'code');
          await page.keyboard.type('123456');
          t.equal(await sent, 200);
          const records = received.filter(({ path }) => path === '/record');
          t.equal(records.length, 2);
          for (const record of records) {
            t.equal(record.method, 'PATCH');
            t.equal(record.chart, 'open');
            t.match(String(record.type), type);
            t.match(record.text, text);
          }
        },
      );
    }
  }

  await against(
    t,
    'a stream is refused before anything is sent',
    () => ({}),
    async (t, { page, received }) => {
      const name = await page.evaluate(async () => {
        const { stepUpFetch } = window as unknown as { stepUpFetch: typeof fetch };
        const init = { method: 'POST', body: new Blob(['x']).stream(), duplex: 'half' };
        return await stepUpFetch('/record', init as RequestInit).catch((error: Error) => error.name);
      });
      t.equal(name, 'TypeError');
      t.same(received, []);
    },
  );
});

void against(
  t,
  'what is approved is shown to the letter, and a passkey comes first',
  (base) => ({
    'GET /record': [challenge(base), ok()],
    [describePath]: [
      described(
        [
          { factor: 'totp', withPassword: true, answeredBy: 'code' },
          { factor: 'recovery-codes', withPassword: false, answeredBy: 'code' },
          { factor: 'passkey', withPassword: false, answeredBy: 'ceremony' },
        ],
        {
          action: 'prescribe',
          categoryNames: ['Ketamine infusion', 'Psychotherapy'],
          patientLabel: 'Bed 4 <img src=x>',
          summary: { title: 'Prescription', lines: [{ label: 'Drug', value: 'Ketamine <b>50 mg</b>\nonce' }] },
        },
      ),
    ],
    [VERIFY]: [problem(422, 'code_incorrect', { attemptsLeft: 3 }), verified],
  }),
  async (t, { page, send, answers }) => {
    const sent = send();
    await focusIs(page, 'Confirm with your passkey');
    const text = (await dialogOf(page).textContent()) ?? '';
    for (const part of [
      'What you asked for needs a second factor.',
      'Bed 4 <img src=x>',
      'Ketamine infusion and Psychotherapy',
      'By confirming you approve exactly this:Prescription',
      'Ketamine <b>50 mg</b>\nonce',
    ]) {
      t.ok(text.includes(part), part);
    }
    await inspectPage(t, page, 'dialog-signing');
    await page.emulateMedia({ colorScheme: 'dark' });
    await inspectPage(t, page, 'dialog-dark');

    await t.test('a code with the password is sent when the person says so', async (t) => {
      await page.getByRole('button', { name: 'Use instead: Authenticator app' }).click();
      await focusIs(page, 'code');
      await page.keyboard.type('123456');
      await page.getByLabel('Your password').fill('pass word');
      t.same(answers(), [], 'not with the sixth digit');
      await page.keyboard.press('Enter');
      await page
        .getByRole('alert')
        .filter({ hasText: 'The code or the password is not right. Please enter both again. 3 tries left.' })
        .waitFor();
      await focusIs(page, 'code');
      await inspectPage(t, page, 'dialog-password');
      t.equal(await page.getByLabel('Your password').inputValue(), '', 'which of the two was wrong is not told');
      await page.keyboard.type('654321');
      await page.getByLabel('Your password').fill('pass word');
      await page.keyboard.press('Enter');
      t.equal(await sent, '200 {}');
      t.same(answers(), [
        { code: '123456', password: 'pass word', factor: 'totp', challengeId: ID },
        { code: '654321', password: 'pass word', factor: 'totp', challengeId: ID },
      ]);
    });
  },
);

void against(
  t,
  'a passkey that the browser refuses leads to a sentence and to another factor',
  (base) => ({
    'GET /record': [challenge(base), ok()],
    [describePath]: [described([{ factor: 'passkey', withPassword: false, answeredBy: 'ceremony' }, TOTP])],
    [VERIFY]: [ok({ invitation: { options } }), verified],
  }),
  async (t, { page, send }) => {
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
    });
    const sent = send();
    await focusIs(page, 'Confirm with your passkey');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'Nothing was confirmed' }).waitFor();
    await focusIs(page, 'Confirm with your passkey');
    await inspectPage(t, page, 'dialog-no-passkey');
    await page.getByRole('button', { name: 'Use instead: Authenticator app' }).click();
    await focusIs(page, 'code');
    t.equal(await page.locator('[role=alert]').textContent(), '', 'what is past is not said any more');
    await page.keyboard.type('123456');
    t.equal(await sent, '200 {}');
  },
);

void against(
  t,
  'a recovery code tells how many are left',
  (base) => ({
    'GET /record': [challenge(base), ok()],
    [describePath]: [described([{ factor: 'recovery-codes', withPassword: false, answeredBy: 'code' }])],
    [VERIFY]: [ok({ verified: true, remaining: 1 })],
  }),
  async (t, { page, send }) => {
    const sent = send();
    await page.getByLabel('Recovery code').waitFor();
    await focusIs(page, 'code');
    await page.keyboard.type('abcd-efgh-jkmn-pqrs');
    await page.keyboard.press('Enter');
    await page.getByText('1 recovery code is left.').waitFor();
    await focusIs(page, 'Continue');
    await page.keyboard.press('Enter');
    t.equal(await sent, '200 {}');
  },
);

let confirmed = false;
void against(
  t,
  'a factor with a page of its own is confirmed there, and found out here',
  (base) => ({
    'GET /record': confirmed ? [ok()] : [challenge(base)],
    [describePath]: confirmed
      ? [problem(404, 'challenge_unknown')]
      : [described([{ factor: 'hospital-sso', withPassword: false, answeredBy: 'ceremony' }])],
  }),
  async (t, { page, send }) => {
    const sent = send();
    await focusIs(page, 'Confirm on a page of its own');
    const link = page.getByRole('link', { name: 'Confirm on a page of its own' });
    t.match(await link.getAttribute('href'), `/step-up/challenge/${ID}`);
    t.equal(await link.getAttribute('target'), '_blank');
    await page.getByRole('button', { name: 'I have confirmed' }).click();
    await page.getByText('It is not confirmed yet.').waitFor();
    await inspectPage(t, page, 'dialog-elsewhere');
    confirmed = true;
    await page.getByRole('button', { name: 'I have confirmed' }).click();
    t.equal(await sent, '200 {}');
  },
);

void against(
  t,
  'a wait is counted down, and a lock-out ends the challenge',
  (base) => ({
    'GET /record': [challenge(base), problem(429, 'factor_locked')],
    [describePath]: [described([TOTP])],
    [VERIFY]: [
      problem(429, 'attempts_delayed', { retryAfterSeconds: 2 }),
      problem(429, 'factor_locked', { retryAfterSeconds: 900 }),
    ],
  }),
  async (t, { page, send, received }) => {
    const sent = send();
    await focusIs(page, 'code');
    await page.keyboard.type('123456');
    await page.getByText(/You can try again in \d seconds?\./).waitFor();
    await page.getByText('You can try again now.').waitFor();
    t.equal(await page.inputValue('input[name=code]'), '');
    await page.keyboard.type('123456');
    t.equal(received.filter(({ path }) => path.endsWith('/verify')).length, 1, 'no second one by itself');
    await page.keyboard.press('Enter');
    await page.getByText('You can try again in 15 minutes.').waitFor();
    t.equal(await page.locator('input').count(), 0, 'nothing is left to type into');
    await page.getByRole('button', { name: 'Try again' }).click();
    t.match(await sent, /^429 /);
    t.same(await page.evaluate(() => (window as unknown as { refused: string[] }).refused), ['factor_locked']);
  },
);

void against(
  t,
  'a challenge that ended is asked anew; one that never ends is not asked for ever',
  (base) => ({
    'GET /record': [challenge(base), challenge(base, other), ok()],
    [describePath]: [described([TOTP])],
    [`GET /api/auth/mfa/challenges/${other}`]: [described([TOTP])],
    [VERIFY]: [problem(404, 'challenge_unknown'), verified],
    'GET /void': [challenge(base, 'CCCCCCCCCCCCCCCCCCCCCC')],
    'GET /api/auth/mfa/challenges/CCCCCCCCCCCCCCCCCCCCCC': [problem(404, 'challenge_unknown')],
  }),
  async (t, { page, send, answers }) => {
    const sent = send();
    await focusIs(page, 'code');
    await page.keyboard.type('123456');
    await page.getByText('The earlier confirmation has ended.').waitFor();
    await focusIs(page, 'code');
    await page.keyboard.type('654321');
    t.equal(await sent, '200 {}');
    t.match(answers(), [{ challengeId: ID }, { challengeId: other }]);
    t.match(await send('/void'), /^401 /);
  },
);

void against(
  t,
  'several requests share a dialog; another challenge waits for its turn and asks the server first',
  (base) => ({
    'GET /record': [challenge(base), challenge(base), ok()],
    'GET /record?other': [challenge(base, other), challenge(base, other), ok()],
    [describePath]: [described([TOTP])],
    [`GET /api/auth/mfa/challenges/${other}`]: [described([TOTP], { action: 'export' })],
    [VERIFY]: [verified],
  }),
  async (t, { page, send, received }) => {
    const all = Promise.all([send(), send(), send('/record?other')]);
    await focusIs(page, 'code');
    await until(() => received.filter(({ path }) => path.startsWith('/record')).length === 3);
    t.equal(await dialogOf(page).count(), 1);
    await page.keyboard.type('123456');
    // The other was sent again and refused again: now it is its turn.
    await page.getByText('export sensitive records').waitFor();
    await focusIs(page, 'code');
    await page.keyboard.type('123456');
    t.same(await all, ['200 {}', '200 {}', '200 {}']);
    t.equal(received.filter(({ path }) => path === '/record').length, 4);
    t.equal(received.filter(({ path }) => path === '/record?other').length, 3);
  },
);

void against(
  t,
  'whoever cancels means everything that was asked',
  (base) => ({
    'GET /record': [challenge(base)],
    'GET /record?other': [challenge(base, 'BBBBBBBBBBBBBBBBBBBBBB')],
    [describePath]: [described([TOTP])],
    'GET /api/auth/mfa/challenges/BBBBBBBBBBBBBBBBBBBBBB': [described([TOTP])],
  }),
  async (t, { page, send, received }) => {
    const all = Promise.all([send(), send('/record?other')]);
    await focusIs(page, 'code');
    await until(() => received.filter(({ path }) => path.startsWith('/record')).length === 2);
    await page.keyboard.press('Escape');
    for (const result of await all) t.match(result, /^401 .*step_up_required/);
    t.equal(await dialogOf(page).count(), 0);
    t.equal(received.filter(({ path }) => path.startsWith('/record')).length, 2);
  },
);

void against(
  t,
  'a request that is aborted takes its dialog with it',
  (base) => ({
    'GET /record': [challenge(base)],
    [describePath]: [described([TOTP])],
  }),
  async (t, { page }) => {
    const sent = page.evaluate(async () => {
      const controller = new AbortController();
      Object.assign(window, { controller });
      const { stepUpFetch } = window as unknown as { stepUpFetch: typeof fetch };
      return await stepUpFetch('/record', { signal: controller.signal }).catch((error: Error) => error.name);
    });
    await focusIs(page, 'code');
    await page.evaluate(() => (window as unknown as { controller: AbortController }).controller.abort());
    t.equal(await sent, 'AbortError');
    await dialogOf(page).waitFor({ state: 'detached' });
  },
);

void against(
  t,
  'a refusal that points elsewhere is believed by nobody',
  (base) => ({
    'GET /page': [problem(401, 'step_up_required', { challengeId: ID, challengeUrl: `${foreign}/x`, apiUrl: base })],
    'GET /api': [problem(401, 'step_up_required', { challengeId: ID, challengeUrl: `${base}/x`, apiUrl: foreign })],
    'GET /script': [
      problem(401, 'step_up_required', { challengeId: ID, challengeUrl: 'javascript:alert(1)', apiUrl: `${base}/api` }),
    ],
    'GET /none': [problem(401, 'step_up_required')],
    'GET /signed-out': [problem(401, 'sign_in_required')],
    'GET /not-ours': [{ status: 401, body: {} }],
  }),
  async (t, { page, send, received }) => {
    for (const path of ['/page', '/api', '/script', '/none', '/signed-out', '/not-ours']) {
      t.match(await send(path), /^401 /, path);
    }
    t.equal(await page.locator('countersign-dialog').count(), 0);
    t.equal(received.length, 6);
  },
);

void against(
  t,
  'a server that is away is no reason to lose the code',
  (base) => ({
    'GET /record': [challenge(base), ok()],
    [describePath]: [problem(503, 'store_unavailable'), described([TOTP])],
    [VERIFY]: [problem(503, 'store_unavailable'), verified],
  }),
  async (t, { page, send, answers }) => {
    const sent = send();
    await page.getByRole('alert').filter({ hasText: 'database cannot be reached' }).waitFor();
    t.equal(await page.locator('input').count(), 0, 'nobody is asked for a code without being told for what');
    await focusIs(page, 'Try again');
    await page.keyboard.press('Enter');
    await focusIs(page, 'code');
    await page.keyboard.type('123456');
    await page.getByRole('alert').filter({ hasText: 'database cannot be reached' }).waitFor();
    t.equal(await page.inputValue('input[name=code]'), '123456');
    await page.keyboard.press('Enter');
    t.equal(await sent, '200 {}');
    t.equal(answers().length, 2);
  },
);

void against(
  t,
  'a host has words and a way of sending of its own',
  (base) => ({
    'GET /record': [challenge(base), ok()],
    [describePath]: [described([TOTP])],
    [VERIFY]: [verified],
  }),
  async (t, { page }) => {
    const sent = page.evaluate(async () => {
      const { confirmStepUp } = window as unknown as {
        confirmStepUp: (problem: object, options: object) => Promise<boolean>;
      };
      const chart: typeof fetch = (input, init) =>
        fetch(input, { ...init, headers: { ...(init?.headers as object), 'x-chart': 'token' } });
      const refused = await (await fetch('/record')).json();
      return await confirmStepUp(refused, {
        fetch: chart,
        lang: 'de',
        words: { title: 'Bitte bestätigen', actions: { view: 'Sie öffnen eine sensible Akte.' } },
      });
    });
    await page.getByRole('dialog', { name: 'Bitte bestätigen' }).waitFor();
    await page.getByText('Sie öffnen eine sensible Akte.').waitFor();
    t.equal(await dialogOf(page).getAttribute('lang'), 'de');
    await focusIs(page, 'code');
    await page.keyboard.type('123456');
    t.equal(await sent, true);
  },
);

void against(
  t,
  'in an emergency the dialog has a way on, and what it opened is sent again without a code',
  (base) => ({
    'GET /record': [challenge(base, ID, { emergencyUrl: `${base}/step-up/emergency?patient=p1` }), ok()],
    'GET /far': [challenge(base, ID, { emergencyUrl: `${foreign}/step-up/emergency` })],
    [describePath]: [described([TOTP], { met: false }), described([TOTP], { met: true })],
  }),
  async (t, { page, send, answers }) => {
    const sent = send();
    const link = page.getByRole('link', { name: 'Emergency: open without confirming' });
    await link.waitFor();
    await inspectPage(t, page, 'dialog-emergency');
    const [tab] = await Promise.all([page.waitForEvent('popup'), link.click()]);
    t.match(tab.url(), '/step-up/emergency?patient=p1');
    await tab.close();
    await page.evaluate(() => window.dispatchEvent(new Event('focus')));
    t.equal(await sent, '200 {}');
    t.strictSame(answers(), [], 'nothing was confirmed');

    const far = send('/far');
    await focusIs(page, 'code');
    t.equal(await link.count(), 0, 'no link to another origin');
    await page.keyboard.press('Escape');
    t.match(await far, /^401 /);
  },
);
