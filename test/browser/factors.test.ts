// Factors in a real browser: a passkey from its making to a step-up by one click, what happens where the device refuses, recovery
// codes, names and removals, and the way back in with an administrator's help. Every page is checked by axe and must fit a phone.
//
// COUNTERSIGN_SCREENSHOTS=folder keeps pictures of every page, at phone and desktop width.
import { readFileSync } from 'node:fs';
import { passkey, recoveryCodes, totp } from '@countersign/core';
import type { BrowserContext, CDPSession, Page } from 'playwright-core';
import t from 'tap';
import { launchBrowser } from '../support/browser.ts';
import type { Client } from '../support/client.ts';
import { type Host, startHost } from '../support/hosts.ts';
import { inspectPage } from '../support/inspect-page.ts';

const FACTORS = '/step-up/factors';

const browser = await launchBrowser();

/** A browser signed in as somebody. */
async function visit(host: Host, userId: string, roles = ['clinician'], javaScriptEnabled = true) {
  const context = await browser.newContext({ baseURL: host.baseUrl, javaScriptEnabled });
  await context.request.post('/sign-in', { data: { userId, roles } });
  return { context, page: await context.newPage() };
}

/** A device that makes passkeys and verifies its user, until it is told otherwise. */
async function deviceOf(page: Page): Promise<{ verifies(verified: boolean): Promise<unknown> }> {
  const session: CDPSession = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable', { enableUI: false });
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    verifies: (isUserVerified) => session.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
  };
}

const factorsOf = async (context: BrowserContext) =>
  (await (await context.request.get('/api/v1/auth/mfa/factors')).json()).factors as { factor: string; label: string }[];

/** An administrator's one-time code, issued over HTTP by somebody who has just confirmed. */
async function confirmed(host: Host, client: Client, secret: string): Promise<void> {
  const refused = await client.post('/api/v1/admin/users/x/enrolment-code', {
    json: { reason: 'a reason long enough' },
  });
  const { challengeId } = refused.json();
  await client.post('/api/v1/auth/mfa/verify', { json: { challengeId, factor: 'totp', code: host.code(secret) } });
}

t.test('a passkey, recovery codes, and the way back in', { timeout: 110_000 }, async (t) => {
  const host = await startHost('fastify', {
    countersign: { factors: [passkey(), totp({ issuer: 'Example EHR' }), recoveryCodes()] },
    web: { theme: { organisation: 'Example EHR' } },
  });
  const { context, page } = await visit(host, 'nora');
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => message.text().includes('Content Security Policy') && problems.push(message.text()));
  const device = await deviceOf(page);
  const confirm = page.getByRole('button', { name: 'Confirm with your passkey' });
  let codes: string[] = [];

  await t.test('it is made by one click, with a name', async (t) => {
    await page.goto(FACTORS);
    await inspectPage(t, page, 'factors-none');
    await page.getByRole('button', { name: 'Add passkey' }).click();
    await page.waitForURL(`**${FACTORS}/passkey/enrol`);
    await inspectPage(t, page, 'factors-passkey-enrolment');
    await device.verifies(false);
    await page.getByLabel('A name for it').fill('Work laptop');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-cs-passkey-status]:not([hidden]):has-text("No passkey was created")');
    await inspectPage(t, page, 'factors-passkey-enrolment-refused');
    await device.verifies(true);
    t.equal(await page.getByLabel('A name for it').inputValue(), 'Work laptop', 'the name stays');
    await page.getByRole('button', { name: 'Create passkey' }).click();
    await page.getByRole('heading', { name: 'Your passkey is ready' }).waitFor();
    await inspectPage(t, page, 'factors-passkey-enrolled');
    t.match(await factorsOf(context), [{ factor: 'passkey', label: 'Work laptop' }]);
  });

  await t.test('a step-up is one click, or the Enter key', async (t) => {
    await page.goto('/visits/v1');
    await page.waitForURL('**/step-up/challenge/*');
    await inspectPage(t, page, 'factors-challenge-passkey');
    await confirm.click();
    await page.waitForURL('**/visits/v1');
    t.match(await page.textContent('body'), 'notes of v1');
    await page.goto('/visits/v2');
    await page.waitForURL('**/step-up/challenge/*');
    await page.waitForFunction(() => document.activeElement?.getAttribute('type') === 'submit');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/visits/v2');
  });

  await t.test('recovery codes are shown once, to be copied, saved or printed', async (t) => {
    await page.goto(FACTORS);
    await page.getByRole('button', { name: 'Make recovery codes' }).click();
    await confirm.click();
    await page.waitForURL(`**${FACTORS}`);
    await page.getByRole('button', { name: 'Make recovery codes' }).click();
    await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor();
    await inspectPage(t, page, 'factors-recovery-codes');
    codes = await page.locator('#cs-recovery-codes li').allTextContents();
    t.equal(codes.length, 10);
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save as text file' }).click();
    t.equal(readFileSync(await (await saved).path(), 'utf8'), `${codes.join('\n')}\n`);
    t.ok(await page.getByRole('button', { name: 'Print' }).isVisible());
    t.ok(await page.getByRole('button', { name: 'Copy codes' }).isVisible());
    await page.getByRole('link', { name: 'I have kept them' }).click();
    await page.waitForURL(`**${FACTORS}`);
    await inspectPage(t, page, 'factors-list');
  });

  await t.test('it is renamed', async (t) => {
    await page.locator('summary', { hasText: 'Rename Work laptop' }).click();
    await page.getByLabel('Name').first().fill('Ward laptop');
    await page.keyboard.press('Enter');
    await page.getByText('The new name is saved.').waitFor();
    await inspectPage(t, page, 'factors-renamed');
  });

  await t.test('a device that does not check its user is refused in place, and a recovery code goes on', async (t) => {
    host.clock.set(901);
    await device.verifies(false);
    await page.goto('/visits/v1');
    await page.waitForURL('**/step-up/challenge/*');
    await confirm.click();
    await page.waitForSelector('[data-cs-passkey-status]:not([hidden]):has-text("Nothing was confirmed")');
    await inspectPage(t, page, 'factors-challenge-refused');
    await page.locator('summary', { hasText: 'Recovery codes' }).click();
    await page.locator('#cs-recovery-code').fill('ABCD-EFGH');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#cs-recovery-code-error');
    await inspectPage(t, page, 'factors-challenge-recovery-wrong');
    await page.locator('#cs-recovery-code').fill(codes[0] ?? '');
    await page.keyboard.press('Enter');
    await page.getByText('9 recovery codes left.').waitFor();
    await inspectPage(t, page, 'factors-remaining');
    await page.getByRole('link', { name: 'Continue' }).click();
    await page.waitForURL('**/visits/v1');
    await device.verifies(true);
  });

  await t.test('the count warns when few are left', async (t) => {
    for (const [index, left] of [3, 1].entries()) {
      const before = index === 0 ? 9 : 3;
      for (const code of codes.slice(10 - before, 10 - left)) {
        host.clock.set(901);
        const { challengeId } = await (await context.request.get('/visits/v2')).json();
        const data = { challengeId, factor: 'recovery-codes', code };
        t.equal((await context.request.post('/api/v1/auth/mfa/verify', { data })).status(), 200);
      }
      await page.goto(`${FACTORS}/remaining`);
      t.match(await page.textContent('main'), 'Make new ones before you need them');
      await inspectPage(t, page, `factors-remaining-${left}`);
    }
  });

  await t.test('a passkey that a recovery code added is capped, and says what lifts that', async (t) => {
    const other = await visit(host, 'nora');
    await deviceOf(other.page);
    await other.page.goto(FACTORS);
    await other.page.getByRole('button', { name: 'Add passkey' }).click();
    await other.page.locator('summary', { hasText: 'Recovery codes' }).click();
    await other.page.locator('#cs-recovery-code').fill(codes[9] ?? '');
    await other.page.keyboard.press('Enter');
    await other.page.getByText('No recovery codes left.').waitFor();
    await other.page.getByRole('link', { name: 'Continue' }).click();
    await other.page.getByRole('button', { name: 'Add passkey' }).click();
    await other.page.getByLabel('A name for it').fill('New phone');
    await other.page.getByRole('button', { name: 'Create passkey' }).click();
    await other.page.getByText('It does not count in full yet').waitFor();
    await other.page.getByRole('link', { name: 'See my factors' }).click();
    await other.page.getByText('A code from an administrator changes that.').waitFor();
    await other.page.locator('summary', { hasText: 'count in full' }).click();
    await other.page.locator('#cs-lift-code').fill('0000 0000 0000 0000');
    await other.page.keyboard.press('Enter');
    await other.page.waitForSelector('#cs-lift-code-error');
    await inspectPage(t, other.page, 'capped');
    await other.context.close();
  });

  await t.test('the last one stays, and says so', async (t) => {
    host.clock.set(901);
    const removeNow = async (name: string) => {
      await page.locator('summary', { hasText: `Remove ${name}` }).click();
      await page.getByRole('button', { name: 'Remove it' }).locator('visible=true').click();
    };
    await page.goto(FACTORS);
    await removeNow('New phone');
    await confirm.click();
    await page.waitForURL(`**${FACTORS}`);
    await removeNow('New phone');
    await page.getByText('The factor was removed.').waitFor();
    await removeNow('Ward laptop');
    await page.getByText('This is your last factor').waitFor();
    await inspectPage(t, page, 'factors-last-factor');
  });

  await t.test('an administrator resets it, and hands out a code that adds a new one', async (t) => {
    const { client, secret } = await host.enrolled('ada', { roles: ['administrator'] });
    await confirmed(host, client, secret);
    const admin = await visit(host, 'ada', ['administrator']);
    // The same session as the one that has just confirmed.
    await admin.context.addCookies(
      client.jar
        .header()
        .split('; ')
        .map((pair) => ({
          name: pair.split('=')[0] ?? '',
          value: pair.slice(pair.indexOf('=') + 1),
          url: host.baseUrl,
        })),
    );
    await admin.page.goto('/step-up/admin/users');
    await inspectPage(t, admin.page, 'users');
    await admin.page.getByLabel('User id').fill('nora');
    await admin.page.keyboard.press('Enter');
    await admin.page.getByRole('heading', { name: 'Factors of nora' }).waitFor();
    await admin.page.locator('summary', { hasText: 'Reset: Passkey' }).click();
    await inspectPage(t, admin.page, 'user');
    await admin.page.locator('#cs-reset-passkey-reason').fill('too short');
    await admin.page.keyboard.press('Enter');
    await admin.page.waitForSelector('#cs-reset-passkey-reason-error');
    await inspectPage(t, admin.page, 'user-reason');
    await admin.page.locator('#cs-reset-passkey-reason').fill('Lost, identified in person');
    await admin.page.keyboard.press('Enter');
    await admin.page.getByText('The factor was reset.').waitFor();
    await admin.page.locator('summary', { hasText: 'Issue a one-time code' }).click();
    await admin.page.locator('#cs-code-reason').fill('Lost, identified in person');
    await admin.page.keyboard.press('Enter');
    const code = ((await admin.page.textContent('#cs-issued-code')) ?? '').trim();
    await inspectPage(t, admin.page, 'user-code');
    await admin.context.close();

    await page.goto(FACTORS);
    await page.locator('summary', { hasText: 'I have a code from an administrator' }).click();
    await inspectPage(t, page, 'factors-with-code');
    await page.getByLabel('Authenticator app').check();
    await page.locator('#cs-enrolment-code').fill(code);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.cs-qr svg');
    const key = ((await page.textContent('#cs-manual-key')) ?? '').replace(/\s/g, '');
    await page.locator('input[name=code]').fill(host.code(key));
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Your authenticator app is ready' }).waitFor();
    await page.getByRole('button', { name: 'End my other sessions' }).click();
    await page.getByText('Your other sessions were ended.').waitFor();
    await inspectPage(t, page, 'factors-others-ended');
  });

  await t.test('without JavaScript the others are offered first, and codes are answered', async (t) => {
    const { client } = await host.enrolled('dora');
    await client.get(FACTORS);
    const plain = await visit(host, 'nora', ['clinician'], false);
    host.clock.set(30);
    await plain.page.goto('/visits/v1');
    await plain.page.locator('input[name=code]').first().waitFor();
    t.ok(await plain.page.getByRole('button', { name: 'Confirm' }).first().isVisible());
    await plain.context.close();
  });

  t.same(problems, [], 'no script failed, and no page broke its own policy');
  t.strictSame(host.faults, []);
  await host.close();
});
