// An emergency in a real browser: from the page that asks for a factor to the record, by keyboard and without a script; the banner on
// every page of the host; a second person; the review. Every page is checked by axe and must fit a phone.
//
// COUNTERSIGN_SCREENSHOTS=folder keeps pictures of every page, at phone and desktop width.
import type { Page } from 'playwright-core';
import t from 'tap';
import { launchBrowser } from '../support/browser.ts';
import { startExampleEhr } from '../support/example-ehr.ts';
import { inspectPage } from '../support/inspect-page.ts';

const DESKTOP = { width: 1280, height: 800 };
const REASON = 'Unconscious in the emergency room; the last doses are not known.';

const browser = await launchBrowser();

t.test('an emergency, from the challenge to its review', { timeout: 110_000 }, async (t) => {
  const ehr = await startExampleEhr('fastify');
  const problems: string[] = [];
  const visit = async (username: string, javaScriptEnabled = true): Promise<Page> => {
    const context = await browser.newContext({ baseURL: ehr.baseUrl, viewport: DESKTOP, javaScriptEnabled });
    t.teardown(() => context.close());
    const page = await context.newPage();
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (said) => said.text().includes('Content Security Policy') && problems.push(said.text()));
    await page.goto('/sign-in');
    await page.fill('input[name=username]', username);
    await page.fill('input[name=password]', 'demo');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${ehr.baseUrl}/`);
    return page;
  };
  const banner = (page: Page) => page.locator('countersign-emergency section[lang]');
  const clinician = await visit('clinician');

  await t.test('in two clicks, by keyboard alone', async (t) => {
    const page = clinician;
    const wanted = (await page.locator('li.restricted a.open').first().getAttribute('href')) ?? '';
    await page.goto(wanted);
    await page.waitForSelector('input[name=code]');
    await inspectPage(t, page, 'emergency-challenge');
    await page.getByRole('link', { name: 'Emergency: open without confirming' }).press('Enter');
    await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'reason');
    await inspectPage(t, page, 'emergency-form');
    await page.keyboard.type('help');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.cs-field-wrong');
    t.match(await page.title(), /^Error/);
    t.equal(await page.inputValue('textarea'), 'help', 'nothing typed is lost');
    await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'reason');
    await inspectPage(t, page, 'emergency-form-wrong');
    await page.keyboard.press('Control+A');
    await page.keyboard.type(REASON);
    await page.getByRole('button', { name: 'Open this patient’s records for 60 minutes' }).press('Enter');
    await page.waitForURL(`**${wanted}`);
    await banner(page).waitFor();
    t.match(await banner(page).textContent(), /Emergency access is open for patient \S+: (60|59) minutes left\./);
    await inspectPage(t, page, 'emergency-record');
    await page.goto('/');
    await banner(page).waitFor();
    await inspectPage(t, page, 'emergency-banner');
  });

  await t.test('the banner leads to the end', async (t) => {
    const page = clinician;
    await banner(page).getByRole('link', { name: 'See and end it' }).click();
    await page.waitForURL('**/step-up/emergency/**');
    await inspectPage(t, page, 'emergency-open');
    await page.getByRole('button', { name: 'End emergency access now' }).click();
    await page.getByRole('heading', { name: 'Emergency access has ended' }).waitFor();
    await inspectPage(t, page, 'emergency-ended');
    await page.goto('/');
    await page.waitForFunction(
      () => document.querySelector('countersign-emergency')?.shadowRoot?.querySelector('slot') === null,
    );
    t.equal(await banner(page).count(), 0);
  });

  await t.test('the last minutes are announced, the seconds are not', async (t) => {
    const page = await clinician.context().newPage();
    await page.clock.install();
    let secondsLeft = 603;
    const grant = { id: 'g', purpose: 'clinical', patientId: 'p', patientLabel: null, status: 'open' };
    await page.route('**/api/v1/break-glass', (route) =>
      route.fulfill({ json: { own: secondsLeft > 0 ? [{ ...grant, secondsLeft, url: '/step-up/emergency/g' }] : [] } }),
    );
    await page.goto('/');
    await banner(page).waitFor();
    const said = page.locator('countersign-emergency [role=status]');
    const pass = async (seconds: number) => {
      for (let second = 0; second < seconds; second += 1) {
        secondsLeft -= 1;
        await page.clock.runFor(1000);
      }
    };
    /** Said within a few seconds: what the page last looked up is as old as its way here was long. */
    const announced = async (text: RegExp) => {
      for (let late = 0; late < 5 && !text.test((await said.textContent()) ?? ''); late += 1) await pass(1);
      t.match(await said.textContent(), text);
    };
    await pass(2);
    t.equal(await said.textContent(), '');
    await pass(1);
    await announced(/10 minutes left/);
    await pass(100);
    t.match(await banner(page).textContent(), '9 minutes left');
    t.match(await said.textContent(), '10 minutes left', 'nothing is said in between');
    await pass(200);
    await announced(/5 minutes left/);
    await pass(240);
    await announced(/(60|5\d) seconds left/);
    await pass(60);
    await announced(/Emergency access has ended/);
    t.match(await banner(page).textContent(), 'Emergency access has ended');
    await page.close();
  });

  await t.test('without JavaScript, told by the server', async (t) => {
    const page = await visit('clinician2', false);
    await page.locator('li.restricted a.open').last().click();
    await page.getByRole('link', { name: 'Emergency: open without confirming' }).click();
    await page.fill('textarea', REASON);
    await page.getByRole('button', { name: 'Open this patient' }).click();
    await page.waitForURL('**/appointments/*');
    const told = page.locator('countersign-emergency .emergency');
    t.match(await told.textContent(), /Emergency access is open for patient \S+ until \d\d:\d\d/);
    await told.getByRole('link').click();
    await page.getByRole('button', { name: 'End emergency access now' }).click();
    await page.getByRole('heading', { name: 'Emergency access has ended' }).waitFor();
  });

  await t.test('beyond the bounds a second person approves', async (t) => {
    const page = clinician;
    for (const patientId of ['x1', 'x2', 'x3']) {
      const data = { patientId, reason: REASON, purposeOfUse: 'ETREAT' };
      const opened = await page.request.post('/api/v1/break-glass', { data });
      t.equal(opened.status(), 201);
    }
    await page.goto('/step-up/emergency?patient=x4');
    await inspectPage(t, page, 'emergency-form-approval');
    await page.fill('textarea', REASON);
    await page.getByRole('button', { name: 'Ask a second person to approve' }).click();
    await page.getByRole('heading', { name: 'Waiting for approval' }).waitFor();
    await inspectPage(t, page, 'emergency-waiting');

    const second = await visit('clinician2');
    await second.goto('/step-up/emergency');
    await inspectPage(t, second, 'emergency-own');
    await second.getByRole('link', { name: 'Look at the request' }).click();
    await second.getByRole('heading', { name: 'Approve emergency access?' }).waitFor();
    await inspectPage(t, second, 'emergency-approval');
    await second.getByRole('button', { name: 'Approve for 60 minutes' }).click();
    await second.getByText('Approved: it is open now.').waitFor();
    await page.getByRole('link', { name: 'Look whether it was approved' }).click();
    await page.getByRole('heading', { name: 'Emergency access is open' }).waitFor();
    await page.goto('/');
    await banner(page).waitFor();
    t.equal(await banner(page).getByRole('link').count(), 4, 'each has its line');
  });

  await t.test('an administrator reviews it', async (t) => {
    const page = await visit('admin');
    await page.goto('/step-up/admin/reviews');
    await inspectPage(t, page, 'reviews');
    await page.getByRole('link', { name: 'clinician', exact: true }).first().click();
    await page.getByRole('heading', { name: 'Emergency access of clinician' }).waitFor();
    await inspectPage(t, page, 'review');
    await page.getByLabel('Sign off: it was justified').check();
    await page.fill('textarea', 'short');
    await page.getByRole('button', { name: 'Save review' }).click();
    await page.waitForSelector('.cs-field-wrong');
    t.ok(await page.getByLabel('Sign off: it was justified').isChecked());
    await page.fill('textarea', 'Seen with the person; the phone was left at home.');
    await page.getByRole('button', { name: 'Save review' }).click();
    await page.getByText('The review is saved.').waitFor();
    await inspectPage(t, page, 'review-done');
    await page.getByRole('link', { name: 'Record for the patient' }).click();
    await page.getByRole('button', { name: 'Print' }).waitFor();
    await inspectPage(t, page, 'emergency-patient-record');
    const saved = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Save as CSV' }).click();
    t.match((await saved).suggestedFilename(), /^emergency-access-.*\.csv$/);
    await page.goto('/step-up/admin/settings');
    await page.getByText('Emergency access', { exact: true }).last().click();
    await inspectPage(t, page, 'settings-emergency');
  });
  t.same(problems, [], 'no script failed, and no page broke its own policy');
});
