import { requireStepUp } from '@countersign/fastify';
import type { Page } from 'playwright-core';
import t from 'tap';
import { launchBrowser } from '../support/browser.ts';
import { type Host, type HostRoutes, startHost } from '../support/hosts.ts';
import { inspectPage } from '../support/inspect-page.ts';
import { resourceOf, type Visit } from '../support/records.ts';

const DESKTOP = { width: 1280, height: 800 };

const chart = `<!doctype html><html lang="en"><head><title>Chart</title></head><body><main><h1>Chart</h1>
<form method="post" action="/chart/v1?from=chart">
<input type="hidden" name="token" value="stale"><input type="hidden" name="version" value="7">
<label>Title <input name="title"></label> <label>Notes <textarea name="notes" rows="8"></textarea></label>
<label><input type="checkbox" name="drug" value="a" checked> a</label>
<label><input type="checkbox" name="drug" value="b" checked> b</label>
<label>Left empty <input name="empty"></label>
<button>Save</button></form></main></body></html>`;
const saved = '<!doctype html><html lang="en"><head><title>Saved</title></head><body><h1>Saved</h1></body></html>';

const browser = await launchBrowser();

/** What was saved, and the records that the guard loads. */
const received: Record<string, unknown>[] = [];
const held: { visits: ReadonlyMap<string, Visit> } = { visits: new Map() };

const routes: HostRoutes = {
  fastify(app) {
    const guard = requireStepUp('*', {
      resource: async (request) => resourceOf(held.visits, (request.params as { id: string }).id),
      approval: (request) =>
        (request.body as { sign?: string } | null)?.sign === undefined
          ? null
          : {
              title: 'Prescription for a controlled substance',
              lines: [
                { label: 'Drug', value: 'Zolpidem 5 mg, film-coated tablets' },
                { label: 'Directions', value: `One tablet at bedtime. ${'Not with alcohol. '.repeat(20)}` },
              ],
            },
    });
    app.get('/chart', (_request, reply) => reply.type('text/html; charset=utf-8').send(chart));
    app.get('/saved', (_request, reply) => reply.type('text/html; charset=utf-8').send(saved));
    app.post('/chart/:id', { preHandler: guard }, async (request, reply) => {
      received.push(JSON.parse(JSON.stringify({ ...(request.body as object), query: request.query })));
      return reply.redirect('/saved', 303);
    });
    app.put('/chart/:id', { preHandler: guard }, async (request, reply) => {
      received.push({ json: request.body });
      return reply.redirect('/saved', 303);
    });
  },
};

interface Session {
  readonly page: Page;
  readonly code: () => string;
  /** Faults of scripts and breaches of the pages' policy. */
  readonly problems: string[];
}

async function signIn(host: Host, userId: string, javaScriptEnabled = true): Promise<Session> {
  const context = await browser.newContext({ baseURL: host.baseUrl, viewport: DESKTOP, javaScriptEnabled });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) problems.push(message.text());
  });
  await context.request.post('/sign-in', { data: { userId } });
  const enrol = async (data: object) =>
    (await (await context.request.post('/api/v1/auth/mfa/enroll', { data: { factor: 'totp', ...data } })).json()) as {
      manualKey: string;
    };
  const { manualKey } = await enrol({});
  await enrol({ code: host.code(manualKey) });
  host.clock.set(30);
  return { page, problems, code: () => host.code(manualKey) };
}

t.test('a long text survives an expired grace period', async (t) => {
  const host = await startHost('fastify', {
    routes,
    web: { csrf: { field: 'token', token: () => 'fresh' } },
    countersign: { checkPassword: (_user, password) => password === 'correct horse' },
  });
  t.teardown(() => host.close());
  held.visits = host.visits;
  const notes = Array.from({ length: 60 }, (_, at) => `${at + 1}. “Quoted” <b>text</b> & more – 🩺`).join('\n');

  for (const script of [true, false]) {
    await t.test(script ? 'with a script' : 'without one', async (t) => {
      const { page, code, problems } = await signIn(host, script ? 'carol' : 'dave', script);
      await page.goto('/chart');
      await page.fill('input[name=title]', 'A plan');
      await page.fill('textarea', notes);
      host.clock.set(1800);
      await page.getByRole('button', { name: 'Save' }).click();
      await page.locator('input[name=code]').waitFor();
      t.match(await page.textContent('main'), 'kept on this page');
      if (script) await inspectPage(t, page, 'draft-challenge');

      await page.locator('input[name=code]').fill('000000');
      // The script sends the first code by itself.
      if (!script) await page.keyboard.press('Enter');
      await page.getByRole('alert').waitFor();
      await page.locator('input[name=code]').fill(code());
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Confirmed. Send it now?' }).waitFor();
      t.strictSame(received, [], 'nothing went out by itself');
      t.equal(await page.getByRole('region', { name: 'notes' }).textContent(), notes, 'all of it is shown');
      t.match(await page.textContent('main'), /drug\s*a\s*drug\s*b\s*empty\s*Empty/);
      t.notMatch(await page.textContent('main'), /token|fresh|stale/);
      if (script) {
        await inspectPage(t, page, 'draft-resend');
        await page.getByRole('region', { name: 'notes' }).focus();
        await page.keyboard.press('End');
        await page.waitForFunction(() => (document.activeElement?.scrollTop ?? 0) > 0);
        t.strictSame(received, [], 'reading sends nothing');
      }
      await page.getByRole('button', { name: 'Send now' }).click();
      await page.getByRole('heading', { name: 'Saved' }).waitFor();
      t.strictSame(received.splice(0), [
        {
          token: 'fresh',
          version: '7',
          title: 'A plan',
          notes: notes.replaceAll('\n', '\r\n'),
          drug: ['a', 'b'],
          empty: '',
          query: { from: 'chart' },
        },
      ]);
      t.strictSame(problems, []);
      await page.context().close();
    });
  }

  await t.test('what is signed is shown above the form', async (t) => {
    const { page, code, problems } = await signIn(host, 'erin');
    await page.goto('/chart');
    await page.evaluate(() => {
      const field = Object.assign(document.createElement('input'), { type: 'hidden', name: 'sign', value: 'yes' });
      document.forms[0]?.append(field);
    });
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Prescription for a controlled substance' }).waitFor();
    t.match(await page.textContent('main'), 'Zolpidem 5 mg, film-coated tablets');
    await inspectPage(t, page, 'signing');
    await page.fill('input[name=password]', 'correct horse');
    await page.fill('input[name=code]', code());
    await page.locator('input[name=code]').press('Enter');
    await page.getByRole('button', { name: 'Send now' }).click();
    await page.getByRole('heading', { name: 'Saved' }).waitFor();
    t.match(received.splice(0), [{ sign: 'yes' }]);
    t.strictSame(problems, []);
    await page.context().close();
  });

  await t.test('JSON is sent by the script, on a click', async (t) => {
    const { page, code, problems } = await signIn(host, 'fred');
    const asked = await page.context().request.put('/chart/v1', {
      data: { title: 'By a script', list: [1, 2] },
      headers: { accept: 'text/html', origin: host.baseUrl, 'sec-fetch-site': 'same-origin' },
    });
    // The page under the address that a navigation would have left it at.
    await page.route('**/chart/v1', async (route) => {
      if (route.request().method() === 'GET')
        await route.fulfill({ status: 401, contentType: 'text/html', body: await asked.text() });
      else await route.fallback();
    });
    await page.goto('/chart/v1');
    await page.locator('input[name=code]').fill(code());
    const button = page.getByRole('button', { name: 'Send now' });
    await button.waitFor();
    await inspectPage(t, page, 'draft-json');
    t.strictSame(received, []);
    t.equal(await page.locator('[data-cs-json-hint]').count(), 0, 'nothing has to be copied');
    await button.click();
    await page.getByRole('heading', { name: 'Saved' }).waitFor();
    t.strictSame(received.splice(0), [{ json: { title: 'By a script', list: [1, 2] } }]);
    t.strictSame(problems, []);
    await page.context().close();
  });
  t.strictSame(host.faults, []);
});
