// The whole story in a real browser: a clinician opens a sensitive appointment, is asked, answers, and works on; a newcomer
// enrols; an administrator changes the settings and reads the log. Every page is checked by axe and must fit a phone.
//
// COUNTERSIGN_SCREENSHOTS=folder keeps pictures of every page, at phone and desktop width.
import { generateSync } from 'otplib';
import type { Browser, Page } from 'playwright-core';
import t from 'tap';
import { launchBrowser } from '../support/browser.ts';
import { type RunningEhr, startExampleEhr } from '../support/example-ehr.ts';
import { inspectPage } from '../support/inspect-page.ts';

const DESKTOP = { width: 1280, height: 800 };

const browser: Browser = await launchBrowser();
t.teardown(() => browser.close());

async function signIn(page: Page, ehr: RunningEhr, username: string): Promise<void> {
  await page.goto(`${ehr.baseUrl}/sign-in`);
  await page.fill('input[name=username]', username);
  await page.fill('input[name=password]', 'demo');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${ehr.baseUrl}/`);
}

/** The code of the next step that was not used yet: a code opens nothing twice, so a second one has to wait for its time. */
function authenticator(secret: string): () => Promise<string> {
  let used = -1;
  return async () => {
    let step = Math.floor(Date.now() / 30_000);
    while (step <= used) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      // The server accepts the code of the step to come, so half of the wait is spared.
      step = Math.floor((Date.now() + 29_000) / 30_000);
    }
    used = step;
    return generateSync({ secret, epoch: step * 30 });
  };
}

const hrefOfRestricted = (page: Page) => page.locator('li.restricted a.open').first().getAttribute('href');

for (const adapter of ['fastify', 'express'] as const) {
  t.test(`the story on ${adapter}`, { timeout: 110_000 }, async (t) => {
    const ehr = await startExampleEhr(adapter);
    const accounts = await ehr.accounts();
    const secretOf = (username: string) => accounts.find((account) => account.username === username)?.totpSecret ?? '';
    const problems: string[] = [];
    const visit = async () => {
      const context = await browser.newContext({ baseURL: ehr.baseUrl, viewport: DESKTOP });
      const page = await context.newPage();
      page.on('pageerror', (error) => problems.push(String(error)));
      page.on(
        'console',
        (message) => message.text().includes('Content Security Policy') && problems.push(message.text()),
      );
      return page;
    };

    await t.test('a clinician confirms once and lands on the page they wanted', async (t) => {
      const page = await visit();
      await signIn(page, ehr, 'clinician');
      await inspectPage(t, page, 'schedule');
      const wanted = (await hrefOfRestricted(page)) ?? '';
      await page.locator('li.restricted a.open').first().click();
      await page.waitForURL('**/step-up/challenge/*');
      // The address changes before the page is there.
      await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'code');
      t.equal(await page.getAttribute('input[name=code]', 'autocomplete'), 'one-time-code');
      await inspectPage(t, page, 'challenge');

      await page.keyboard.type('000000');
      await page.waitForSelector('[role=alert]');
      t.match(await page.title(), /^Error/);
      t.equal(await page.inputValue('input[name=code]'), '', 'the field is empty again');
      await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'code');
      await inspectPage(t, page, 'challenge-wrong');

      const next = authenticator(secretOf('clinician'));
      await page.keyboard.insertText((await next()).replace(/^(...)/, '$1 '));
      await page.keyboard.press('Enter');
      await page.waitForURL(`**${wanted}`);
      await inspectPage(t, page, 'appointment');
      await page.goto(`${wanted}/edit`);
      t.equal(await page.locator('textarea').count(), 1, 'editing asks nothing more');
      await inspectPage(t, page, 'edit');
      await page.goto('/');
      t.equal(await page.locator(`a[href="${wanted}"]`).count(), 1);
      t.notOk(await page.locator(`li.restricted a[href="${wanted}"]`).count(), 'the list shows what may be opened');

      const link = await page.context().request.get(wanted, { headers: { accept: 'text/html' }, maxRedirects: 0 });
      t.equal(link.status(), 200);
      t.equal(link.headers()['cache-control'], 'no-store');
      await page.goto('/step-up/factors');
      await inspectPage(t, page, 'factors');
      await page.goto('/');
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.waitForURL('**/sign-in');
      await page.goBack();
      t.match(page.url(), /sign-in|\/$/, 'the back button shows no record');
      t.equal(await page.locator('li.restricted, .rows').count(), 0);
      await page.context().close();
    });

    await t.test('a newcomer enrols and goes on to the page they wanted', async (t) => {
      const page = await visit();
      await signIn(page, ehr, 'newcomer');
      const wanted = (await hrefOfRestricted(page)) ?? '';
      await page.locator('li.restricted a.open').first().click();
      await inspectPage(t, page, 'no-factor');
      await page.getByRole('link', { name: 'Add a factor' }).click();
      await page.getByRole('button', { name: 'Add authenticator app' }).click();
      await page.waitForSelector('.cs-qr svg');
      await inspectPage(t, page, 'enrolment');
      await page.locator('summary').first().click();
      const key = ((await page.textContent('#cs-manual-key')) ?? '').replace(/\s/g, '');
      t.match(key, /^[A-Z2-7]{32}$/);
      await page.fill('input[name=code]', '000000');
      await page.keyboard.press('Enter');
      await page.waitForSelector('[role=alert]');
      t.equal(((await page.textContent('#cs-manual-key')) ?? '').replace(/\s/g, ''), key, 'a wrong code keeps the key');
      const next = authenticator(key);
      await page.fill('input[name=code]', await next());
      await page.keyboard.press('Enter');
      await page.getByRole('link', { name: 'Continue' }).waitFor();
      await inspectPage(t, page, 'enrolled');
      await page.getByRole('link', { name: 'Continue' }).click();
      await page.waitForURL('**/step-up/challenge/*');
      await page.fill('input[name=code]', await next());
      await page.waitForURL(`**${wanted}`);
      await page.context().close();
    });

    await t.test('without JavaScript everything works with the Enter key', async (t) => {
      const context = await browser.newContext({ baseURL: ehr.baseUrl, javaScriptEnabled: false });
      const page = await context.newPage();
      await signIn(page, ehr, 'clinician2');
      const wanted = (await hrefOfRestricted(page)) ?? '';
      await page.locator('li.restricted a.open').first().click();
      await page.locator('input[name=code]').fill(await authenticator(secretOf('clinician2'))());
      await page.keyboard.press('Enter');
      await page.waitForURL(`**${wanted}`);
      t.ok(await page.locator('main').count());
      await context.close();
    });

    await t.test('an administrator changes the settings and reads the log', async (t) => {
      const page = await visit();
      await signIn(page, ehr, 'admin');
      await page.goto('/step-up/admin/settings');
      await inspectPage(t, page, 'settings');
      await page.fill('input[name=graceMinutes]', '10');
      await page.getByLabel('Office visit').first().check();
      await page.getByRole('button', { name: 'Save settings' }).click();
      await page.waitForSelector('input[name=code]');
      await inspectPage(t, page, 'settings-confirm');
      await page.fill('input[name=code]', await authenticator(secretOf('admin'))());
      await page.keyboard.press('Enter');
      // Nothing typed is lost, and nothing is sent by itself.
      await page.locator('form[action$="/admin/settings"] button[type=submit]').click();
      await page.waitForURL('**/step-up/admin/settings?saved');
      t.equal(await page.inputValue('input[name=graceMinutes]'), '10');
      t.ok(await page.getByLabel('Office visit').first().isChecked());
      await inspectPage(t, page, 'settings-saved');
      await page.goto('/step-up/admin/audit');
      await inspectPage(t, page, 'audit');
      const codes = (await page.locator('table').first().textContent()) ?? '';
      for (const told of ['settings', 'enrol']) t.match(codes.toLowerCase(), told);

      // The pages behind it are the same whatever serves them; test/scenarios/audit-examination.test.ts has both.
      if (adapter === 'express') {
        await page.context().close();
        return;
      }

      // By keyboard alone: the order is turned round, one event opened, and its proof read.
      await page.getByRole('link', { name: 'Event', exact: true }).focus();
      await page.keyboard.press('Enter');
      await page.waitForURL('**/admin/audit?sort=code&order=ascending');
      t.equal(await page.getByRole('columnheader', { name: 'Event' }).getAttribute('aria-sort'), 'ascending');
      await page.goto('/step-up/admin/audit?code=SETTINGS_CHANGED');
      const opened = page.getByRole('link', { name: /all about this event/ }).first();
      await opened.focus();
      await page.keyboard.press('Enter');
      await page.waitForURL('**/admin/audit/events/*');
      // Sealing takes up to a second.
      while ((await page.getByRole('heading', { name: 'Checkpoint' }).count()) === 0) await page.reload();
      await inspectPage(t, page, 'audit-event');
      t.match(await page.textContent('dl'), '"graceSeconds"');

      await page.goto('/step-up/admin/audit?code=ACCESS_ALLOWED');
      const patients = await page.locator('tbody td:nth-child(5):not(.cs-cell-empty) .cs-cell').allTextContents();
      await page.goto(`/step-up/admin/audit?outcome=success&patientId=${encodeURIComponent(patients[0] ?? '')}`);
      await inspectPage(t, page, 'audit-filtered');
      await page.getByRole('link', { name: 'Who opened this patient’s records' }).click();
      await page.getByRole('heading', { name: 'People' }).waitFor();
      await inspectPage(t, page, 'patient-report');

      await page.goto('/step-up/admin/audit?outcome=success');
      await page.getByRole('link', { name: 'Export' }).click();
      await page.getByLabel('CSV, for spreadsheets').waitFor();
      await inspectPage(t, page, 'audit-export');
      const download = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Download' }).click();
      t.match((await download).suggestedFilename(), /^audit-.*\.csv$/);
      await page.context().close();
    });

    t.same(problems, [], 'no script failed, and no page broke its own policy');
  });
}
