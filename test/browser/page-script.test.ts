// What the script of our own pages does with their markup, under their own policy.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import t from 'tap';
import { launchBrowser } from '../support/browser.ts';
import { until } from '../support/until.ts';

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'";
const script = (name: string) =>
  readFileSync(new URL(`../../packages/web/dist/browser/${name}.js`, import.meta.url), 'utf8');

const passkeyForm = (kind: string, data: string) => `
<form method="post" action="/posted" novalidate data-cs-once data-cs-passkey="${kind}" ${data}
  data-cs-text-waiting="Waiting." data-cs-text-cancelled="Cancelled." data-cs-text-failed="Failed.">
  <input type="hidden" name="_countersign" value="token"><input type="hidden" name="response" value="">
  <input name="label" value="Laptop"><p role="status" data-cs-passkey-status hidden></p>
  <button type="submit">Go</button></form>`;
const creation = JSON.stringify({
  challenge: 'AAAA',
  rp: { id: 'localhost', name: 'Test' },
  user: { id: 'AAAA', name: 'carol', displayName: 'carol' },
  pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
  authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
});

const pages: Readonly<Record<string, string>> = {
  '/codes': `<ol id="codes"><li><code>abcd-efgh</code></li><li><code>jkmn-pqrs</code></li></ol><p><code id="key">AB CD</code></p>
    <p><button type="button" data-cs-copy="codes" data-cs-copied="Copied" hidden>Copy codes</button></p>
    <p><button type="button" data-cs-copy="key" hidden>Copy key</button></p>
    <button type="button" data-cs-save="codes" data-cs-file="recovery-codes.txt" hidden>Save</button>
    <button type="button" data-cs-print hidden>Print</button>`,
  '/enrol': passkeyForm('enrol', `data-cs-options='${creation}'`),
  '/verify': passkeyForm('verify', 'data-cs-begin="/begin" data-cs-challenge="challenge-1"'),
  '/refused': passkeyForm('verify', 'data-cs-begin="/none" data-cs-challenge="challenge-1"'),
};

const received: { readonly path: string; readonly text: string }[] = [];
const server = createServer(async (request, response) => {
  const { url = '' } = request;
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  if (request.method === 'POST') received.push({ path: url, text });
  const body = pages[url];
  if (body !== undefined || url === '/posted') {
    response.writeHead(200, { 'content-type': 'text/html', 'content-security-policy': POLICY });
    response.end(
      `<!doctype html><html lang="en"><title>${url}</title><script type="module" src="/countersign.js"></script>${body}`,
    );
  } else if (/^\/(countersign|passkey)\.js$/.test(url)) {
    response.writeHead(200, { 'content-type': 'text/javascript' }).end(script(url.slice(1, -3)));
  } else if (url === '/begin') {
    const options = { challenge: 'BBBB', rpId: 'localhost', userVerification: 'required' };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ invitation: { options } }));
  } else response.writeHead(404, { 'content-type': 'application/problem+json' }).end('{}');
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const base = `http://localhost:${(server.address() as AddressInfo).port}`;
const browser = await launchBrowser();
const context = await browser.newContext({ baseURL: base, permissions: ['clipboard-read', 'clipboard-write'] });
const page = await context.newPage();
const problems: string[] = [];
page.on('pageerror', (error) => problems.push(String(error)));
page.on('console', (message) => /Content Security Policy/.test(message.text()) && problems.push(message.text()));
t.teardown(() => {
  server.closeAllConnections();
  server.close();
});

const clipboard = () => page.evaluate(() => navigator.clipboard.readText());

t.test('recovery codes are copied, saved and printed, one a line', async (t) => {
  await page.goto('/codes');
  await page.getByRole('button', { name: 'Copy codes' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  t.equal(await clipboard(), 'abcd-efgh\njkmn-pqrs\n');
  await page.getByRole('button', { name: 'Copy key' }).click();
  await until(async () => (await clipboard()) === 'ABCD');

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save' }).click(),
  ]);
  t.equal(download.suggestedFilename(), 'recovery-codes.txt');
  t.equal(readFileSync(await download.path(), 'utf8'), 'abcd-efgh\njkmn-pqrs\n');

  await page.evaluate(() => Object.assign(window, { print: () => Object.assign(window, { printed: true }) }));
  await page.getByRole('button', { name: 'Print' }).click();
  t.equal(await page.evaluate(() => Reflect.get(window, 'printed')), true);
});

t.test('a passkey fills in its form, and the form is posted as any other', async (t) => {
  const cdp = await context.newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  const posted = async (path: string) => {
    received.length = 0;
    await page.goto(path);
    await page.getByRole('button', { name: 'Go' }).click();
    await page.waitForURL('**/posted');
    const form = new URLSearchParams(received.find((it) => it.path === '/posted')?.text);
    t.equal(form.get('_countersign'), 'token');
    t.equal(received.filter((it) => it.path === '/posted').length, 1);
    return JSON.parse(form.get('response') ?? 'null');
  };
  t.match(await posted('/enrol'), { type: 'public-key', response: { attestationObject: String } });
  t.match(await posted('/verify'), { type: 'public-key', response: { signature: String } });
  t.same(JSON.parse(received[0]?.text ?? ''), { challengeId: 'challenge-1', factor: 'passkey' });
  t.same(await posted('/refused'), {}, 'where it cannot be begun, the post says why');

  await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
  for (const path of ['/enrol', '/verify']) {
    await page.goto(path);
    await page.getByRole('button', { name: 'Go' }).click();
    await sayingOf(page, 'Cancelled.');
    t.match(page.url(), path, 'nothing is posted');
    t.equal(await page.getByRole('button', { name: 'Go' }).getAttribute('aria-disabled'), null);
  }
});

t.test('no page broke its policy, and no script failed', async (t) => {
  t.same(problems, []);
});

const sayingOf = (page: Page, text: string) => page.getByRole('status').filter({ hasText: text }).waitFor();
