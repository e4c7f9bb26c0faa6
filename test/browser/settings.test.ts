// The settings page in a real browser: every part of it open, checked by axe, no wider than a phone, usable by keyboard, and with
// nothing lost on the way through the challenge.
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { decideProposal, SETTINGS_API } from '../support/administrator.ts';
import { launchBrowser } from '../support/browser.ts';
import { type Host, startHost } from '../support/hosts.ts';
import { focusOf, inspectPage } from '../support/inspect-page.ts';

const browser = await launchBrowser();

/** A browser that is signed in as a client of the host. */
async function pageOf(host: Host, cookies: string): Promise<Page> {
  const context = await browser.newContext({ baseURL: host.baseUrl, viewport: { width: 1280, height: 800 } });
  await context.addCookies(
    cookies.split('; ').map((pair) => {
      const [name = '', ...value] = pair.split('=');
      return { name, value: value.join('='), url: host.baseUrl };
    }),
  );
  return await context.newPage();
}

const openEverything = (page: Page) =>
  page.evaluate(() => {
    for (const part of document.querySelectorAll('details')) part.open = true;
  });

async function confirm(t: Test, page: Page, code: string): Promise<void> {
  await page.waitForSelector('input[name=code]');
  await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'code');
  await page.keyboard.insertText(code);
  await page.waitForSelector('form[action$="/admin/settings"], form[action$="/admin/settings/proposal"]');
  t.match(await page.title(), /Send it now/);
  await page.locator('form[action*="/admin/settings"] button[type=submit]').click();
  await page.waitForURL('**/step-up/admin/settings?*');
}

t.test('the settings page', { timeout: 110_000 }, async (t) => {
  const roles = [
    { id: 'physician', name: 'Physician' },
    { id: 'desk', name: 'Front desk', clinical: false },
  ];
  const host = await startHost('fastify', {
    countersign: { roles, limits: { absoluteSeconds: 43_200 }, treatmentRelationship: () => false },
  });
  const ada = await host.enrolled('ada', { roles: ['administrator'] });
  const abe = await host.enrolled('abe', { roles: ['administrator'] });
  const page = await pageOf(host, ada.client.jar.header());
  await page.goto('/step-up/admin/settings');

  await t.test('is simple first, and opens by keyboard', async (t) => {
    t.equal(await page.locator('details[open]').count(), 0, 'nothing is out of the ordinary');
    await inspectPage(t, page, 'settings-plain');
    await page.focus('input[name=graceMinutes]');
    await page.keyboard.press('Tab');
    t.match(await focusOf(page), 'Single categories');
    await page.keyboard.press('Enter');
    t.equal(await page.locator('details[open]').count(), 1);
    await openEverything(page);
    await inspectPage(t, page, 'settings-open');
  });

  await t.test('says what is wrong, in the part it belongs to', async (t) => {
    await page.fill('input[name="grace.8"]', '99');
    await page.selectOption('select[name="exemption.0.kind"]', 'role');
    await page.getByRole('button', { name: 'Save settings' }).click();
    await page.waitForSelector('[role=alert]');
    t.match(await page.title(), /^Error/);
    t.equal(await page.inputValue('input[name="grace.8"]'), '99');
    t.ok(await page.locator('input[name="grace.8"]').isVisible(), 'its part is open');
    await inspectPage(t, page, 'settings-wrong');
    await page.locator('[role=alert] a').first().click();
    t.equal(await focusOf(page), 'grace.8');
  });

  await t.test('shows what would change, and loses nothing on the way through the challenge', async (t) => {
    await page.fill('input[name="grace.8"]', '3');
    await page.fill('input[name="exemption.0.value"]', 'physician');
    await page.check('input[name="exemption.0.categories"][value="*"]');
    await openEverything(page);
    await page.check('input[name=secondAdministrator]');
    await page.getByRole('button', { name: 'Preview without saving' }).click();
    await page.waitForSelector('#cs-preview');
    await inspectPage(t, page, 'settings-preview');
    t.match(await page.locator('.cs-notice').allTextContents(), [/physician|Physician/], 'exempt from everything');
    await page.getByRole('button', { name: 'Save settings' }).click();
    host.clock.set(30);
    await confirm(t, page, host.code(ada.secret));
    await inspectPage(t, page, 'settings-saved');
    const { settings } = (await abe.client.get(SETTINGS_API)).json();
    t.match(settings, {
      categoryPolicies: { 8: { graceSeconds: 180 } },
      exemptions: [{ kind: 'role', value: 'physician', categories: null }],
      secondAdministrator: true,
    });
  });

  await t.test('a proposal is shown in words, to whoever made it and to the other', async (t) => {
    await page.fill('input[name=graceMinutes]', '30');
    await page.getByRole('button', { name: 'Save settings' }).click();
    await page.waitForURL('**/step-up/admin/settings?proposed');
    await inspectPage(t, page, 'settings-proposed');
    const other = await pageOf(host, abe.client.jar.header());
    await other.goto('/step-up/admin/settings');
    await inspectPage(t, other, 'settings-proposal');
    t.equal(await other.getByRole('button', { name: 'Approve' }).count(), 1);
    await other.goto('/step-up/admin/settings');
    t.equal((await decideProposal(host, abe, 'approve')).status, 200);
    await page.goto('/step-up/admin/settings');
    t.equal(await page.inputValue('input[name=graceMinutes]'), '30');
    await inspectPage(t, page, 'settings-history');
  });
  t.strictSame(host.faults, []);
  await host.close();
});
