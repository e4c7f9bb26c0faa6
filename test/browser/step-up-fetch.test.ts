// A page of the host, under a strict policy of its own, that calls `stepUpFetch`: what a clinician typed is not lost, what was
// refused goes out once more and never oftener, and whoever cannot use a mouse, or see, gets through the dialog all the same.
//
// COUNTERSIGN_SCREENSHOTS=folder keeps pictures of the dialog, at phone and desktop width.
import { passkey, recoveryCodes, totp } from '@countersign/core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { launchBrowser } from '../support/browser.ts';
import { type AdapterName, type Host, type HostRoutes, startHost } from '../support/hosts.ts';
import { focusOf, inspectPage } from '../support/inspect-page.ts';
import { until } from '../support/until.ts';

const DESKTOP = { width: 1280, height: 800 };
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'";

const chart = (lang: string) => `<!doctype html>
<html lang="${lang}"><head><title>Chart</title><meta name="viewport" content="width=device-width, initial-scale=1">
<script type="module" src="/chart.js"></script></head>
<body><main><h1>Chart</h1><label for="notes">Notes</label> <textarea id="notes" rows="4"></textarea>
<button id="save">Save</button> <output id="result"></output></main></body></html>`;

const script = `
import { confirmStepUp, stepUpFetch } from '/step-up/assets/step-up.js';
Object.assign(window, { confirmStepUp, stepUpFetch, refused: [], load: (path) => import(path) });
const result = document.querySelector('#result');
document.querySelector('#save').addEventListener('click', async () => {
  const notes = document.querySelector('#notes').value;
  const response = await stepUpFetch('/visits/v1', {
    method: 'PUT',
    headers: { 'content-type': 'application/json', 'x-chart': 'open' },
    body: JSON.stringify({ notes }),
  }, { onRefused: (problem) => refused.push(problem.code) });
  result.textContent = response.status + ' ' + ((await response.json()).code ?? 'saved');
});
document.documentElement.dataset.ready = '';
`;

const files: Readonly<Record<string, readonly [type: string, content: string]>> = {
  '/chart': ['text/html; charset=utf-8', chart('en')],
  '/grafica': ['text/html; charset=utf-8', chart('es')],
  '/chart.js': ['text/javascript; charset=utf-8', script],
};

const routes: HostRoutes = {
  fastify(app) {
    for (const [path, [type, content]] of Object.entries(files)) {
      app.get(path, (_request, reply) => reply.header('content-security-policy', POLICY).type(type).send(content));
    }
  },
  express(app) {
    for (const [path, [type, content]] of Object.entries(files)) {
      app.get(path, (_request, response) => {
        response.set('content-security-policy', POLICY).type(type).send(content);
      });
    }
  },
};

const browser: Browser = await launchBrowser();

interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Faults of scripts and breaches of the policy. */
  readonly problems: string[];
  /** Requests for records, as `PUT /visits/v1`. */
  readonly sent: string[];
}

async function visit(host: Host, userId: string, path = '/chart'): Promise<Visit> {
  const context = await browser.newContext({ baseURL: host.baseUrl, viewport: DESKTOP });
  const page = await context.newPage();
  const problems: string[] = [];
  const sent: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (/Content Security Policy|countersign/i.test(message.text())) problems.push(message.text());
  });
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (/^\/(visits|export)\//.test(pathname)) sent.push(`${request.method()} ${pathname}`);
  });
  const signedIn = await context.request.post('/sign-in', { data: { userId } });
  if (!signedIn.ok()) throw new Error(`Sign-in failed: ${signedIn.status()}`);
  await page.goto(path);
  await page.waitForSelector('html[data-ready]');
  return { page, context, problems, sent };
}

async function enrolTotp(host: Host, { context }: Visit): Promise<string> {
  const enrol = async (data: object) =>
    (await (await context.request.post('/api/v1/auth/mfa/enroll', { data: { factor: 'totp', ...data } })).json()) as {
      manualKey: string;
    };
  const { manualKey } = await enrol({});
  await enrol({ code: host.code(manualKey) });
  host.clock.set(30);
  return manualKey;
}

const focusIs = (page: Page, what: string) => until(async () => (await focusOf(page)) === what);
const results = (page: Page) => page.textContent('#result');
const dialogOf = (page: Page) => page.getByRole('dialog');
const gone = (page: Page) => dialogOf(page).waitFor({ state: 'detached' });

async function onHost(t: Test, adapter: AdapterName): Promise<Host> {
  const host = await startHost(adapter, {
    routes,
    countersign: { factors: [passkey(), totp({ issuer: 'Example EHR' }), recoveryCodes()] },
    web: { patientLabel: () => 'Bed 4, <b>ward 2</b>' },
  });
  t.teardown(() => host.close());
  return host;
}

for (const adapter of ['fastify', 'express5'] as const) {
  t.test(`a refused request is confirmed in place, and goes out once more (${adapter})`, async (t) => {
    const host = await onHost(t, adapter);

    await t.test('with a code, by keyboard alone', async (t) => {
      const visited = await visit(host, 'carol');
      const { page, sent } = visited;
      const secret = await enrolTotp(host, visited);
      await page.fill('#notes', 'typed before the dialog');
      await page.focus('#save');
      await page.keyboard.press('Enter');
      await dialogOf(page).waitFor();
      await focusIs(page, 'code');
      t.equal(await dialogOf(page).getAttribute('aria-labelledby'), 'title');
      t.equal(await page.getByRole('dialog', { name: 'Confirm that it is you' }).count(), 1);
      t.match(await dialogOf(page).textContent(), 'You are about to change a sensitive record.');
      t.match(await dialogOf(page).textContent(), 'Bed 4, <b>ward 2</b>', 'a label is text, whatever it holds');
      t.match(await dialogOf(page).textContent(), 'Ketamine infusion');
      await inspectPage(t, page, 'host-code');

      for (let presses = 0; presses < 6; presses++) {
        await page.keyboard.press('Tab');
        const behind = await page.evaluate(() => document.activeElement?.id === 'notes');
        t.notOk(behind, 'the focus stays out of the page behind');
      }
      await page.getByLabel('Code from your authenticator app').focus();
      await page.keyboard.type(host.wrongCode(secret));
      await page.getByRole('alert').filter({ hasText: 'That code is not right' }).waitFor();
      await focusIs(page, 'code');
      t.equal(await page.getByLabel('Code from your authenticator app').inputValue(), '', 'the field is empty again');
      t.notMatch(await dialogOf(page).textContent(), 'sent with the sixth digit', 'nothing goes off by itself now');
      await inspectPage(t, page, 'host-wrong-code');

      await page.keyboard.insertText(host.code(secret).replace(/^(...)/, '$1 '));
      await page.keyboard.press('Enter');
      await gone(page);
      await until(async () => (await results(page)) === '200 saved');
      t.equal(host.visits.get('v1')?.notes, 'typed before the dialog');
      t.equal(await page.inputValue('#notes'), 'typed before the dialog');
      t.same(sent, ['PUT /visits/v1', 'PUT /visits/v1'], 'sent, refused, and sent once more');
      await focusIs(page, 'save');
      t.same(visited.problems, []);
      await visited.context.close();
    });

    await t.test('with a passkey: one key press', async (t) => {
      const visited = await visit(host, 'dana');
      const { page } = visited;
      const cdp = await visited.context.newCDPSession(page);
      await cdp.send('WebAuthn.enable');
      await cdp.send('WebAuthn.addVirtualAuthenticator', {
        options: {
          protocol: 'ctap2',
          transport: 'internal',
          hasResidentKey: true,
          hasUserVerification: true,
          isUserVerified: true,
          automaticPresenceSimulation: true,
        },
      });
      const enrolled = await page.evaluate(async () => {
        const post = (body: object) =>
          fetch('/api/v1/auth/mfa/enroll', {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ factor: 'passkey', ...body }),
          });
        const { options } = await (await post({})).json();
        type Passkeys = { createPasskey(options: unknown): Promise<{ response: unknown }> };
        const { load } = window as unknown as { load(path: string): Promise<Passkeys> };
        const { createPasskey } = await load('/step-up/assets/passkey.js');
        const { response } = await createPasskey(options);
        return (await post({ response, label: 'This laptop' })).status;
      });
      t.equal(enrolled, 200);
      await page.fill('#notes', 'confirmed by a passkey');
      await page.click('#save');
      await page.getByRole('button', { name: 'Confirm with your passkey' }).waitFor();
      await focusIs(page, 'Confirm with your passkey');
      await inspectPage(t, page, 'host-passkey');
      await page.keyboard.press('Enter');
      await until(async () => (await results(page)) === '200 saved');
      t.equal(host.visits.get('v1')?.notes, 'confirmed by a passkey');
      t.same(visited.problems, []);
      await visited.context.close();
    });

    await t.test('cancelled, the refusal itself is the result, and nothing typed is lost', async (t) => {
      const visited = await visit(host, 'erin');
      const { page, sent } = visited;
      await enrolTotp(host, visited);
      for (const cancel of [
        () => page.keyboard.press('Escape'),
        () => page.getByRole('button', { name: 'Cancel' }).click(),
      ]) {
        await page.fill('#notes', 'kept');
        await page.click('#save');
        await focusIs(page, 'code');
        await cancel();
        await gone(page);
        await until(async () => (await results(page)) === '401 step_up_required');
        t.equal(await page.inputValue('#notes'), 'kept');
        await focusIs(page, 'save');
        await page.evaluate(() => document.querySelector('#result')?.replaceChildren());
      }
      t.same(sent, ['PUT /visits/v1', 'PUT /visits/v1'], 'nothing was sent again');
      t.same(visited.problems, []);
      await visited.context.close();
    });

    await t.test('several refused at once share one dialog, and one answer serves them all', async (t) => {
      const visited = await visit(host, 'fred');
      const { page, sent } = visited;
      const secret = await enrolTotp(host, visited);
      const all = page.evaluate(async () => {
        const { stepUpFetch } = window as unknown as { stepUpFetch: typeof fetch };
        const paths = ['/visits/v1', '/visits/v1?again', '/visits/v8', '/visits/v1?third'];
        return await Promise.all(paths.map(async (path) => (await stepUpFetch(path)).status));
      });
      await focusIs(page, 'code');
      await until(() => sent.length === 4);
      t.equal(await dialogOf(page).count(), 1);
      await page.keyboard.type(host.code(secret));
      t.same(await all, [200, 200, 200, 200]);
      t.equal(sent.length, 8, 'each went out twice');
      t.same(visited.problems, []);
      await visited.context.close();
    });

    await t.test('in Spanish, where the page is', async (t) => {
      const visited = await visit(host, 'gabi', '/grafica');
      const { page } = visited;
      const secret = await enrolTotp(host, visited);
      await page.click('#save');
      await page.getByRole('dialog', { name: 'Confirme que es usted' }).waitFor();
      await focusIs(page, 'code');
      t.equal(await dialogOf(page).getAttribute('lang'), 'es');
      await inspectPage(t, page, 'host-spanish');
      await page.keyboard.type(host.code(secret));
      await until(async () => (await results(page)) === '200 saved');
      t.same(visited.problems, []);
      await visited.context.close();
    });

    await t.test('without a factor nothing is asked, and the host is told', async (t) => {
      const visited = await visit(host, 'nora');
      const { page } = visited;
      await page.click('#save');
      await until(async () => (await results(page)) === '403 factor_required');
      t.same(await page.evaluate(() => (window as unknown as { refused: string[] }).refused), ['factor_required']);
      t.equal(await dialogOf(page).count(), 0);
      await visited.context.close();
    });
  });
}
