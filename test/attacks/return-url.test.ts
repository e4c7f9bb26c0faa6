// An open redirect: a link to our own pages carries the attacker's address as the way back, and after an honest confirmation the
// clinician stands on a copy of the sign-in page. The way back is a path on our own origin, below our own base, or none.
import type { Test } from 'tap';
import type { Answer } from '../support/client.ts';
import { onEveryAdapter, startHost } from '../support/hosts.ts';
import { rawRequest } from '../support/raw-request.ts';
import { createRealStore } from '../support/real-store.ts';

const PUBLIC = 'https://ehr.example.org/clinic';
const CSRF = '_countersign';
const asBrowser = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' };

/** Other origins, other schemes, other applications of this origin, in the spellings that have fooled somebody before. */
const evil: readonly string[] = [
  '//evil.example',
  '///evil.example',
  '////evil.example/%2f..',
  '/\\evil.example',
  '/\\/evil.example',
  '\\\\evil.example',
  '\\/evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '/\r\n//evil.example',
  '\t//evil.example',
  '/clinic/\u0000//evil.example',
  '/clinic/\u0085evil.example',
  ' //evil.example',
  'https://evil.example',
  'HtTpS://evil.example',
  'https:evil.example',
  'https:/evil.example',
  'https:\\evil.example',
  'http:///evil.example',
  'https://ehr.example.org@evil.example/clinic/',
  'https://ehr.example.org.evil.example/clinic/',
  'https://ehr.example.org:444/clinic/evil',
  '//ehr.example.org@evil.example/clinic/',
  'javascript:alert(document.domain)//evil',
  'JaVaScRiPt:alert(1)//evil',
  'java\nscript:alert(1)//evil',
  '\u0001javascript:alert(1)//evil',
  'data:text/html,<script>location="//evil.example"</script>',
  'vbscript:evil',
  '/.//evil.example',
  '/clinic/..//evil.example',
  '/clinic/%2e%2e//evil.example',
  '/./\\evil.example',
  '/evil',
  '/clinical/evil',
  '/clinic.evil',
  '/clinic@evil.example',
  '/clinic:80@evil.example',
  '/clinic/../evil',
  '/clinic/%2e%2e/evil',
  '/clinic/./.%2E/evil',
  'evil.example',
  'clinic/evil',
  '?evil',
  '#evil',
  '%2F%2Fevil.example',
  '/%5c/../..//evil.example',
  `/clinic/${'evil'.repeat(600)}`,
];

onEveryAdapter('the way back after an enrolment, in the query', async (t, adapter) => {
  const host = await startHost(adapter, { store: await createRealStore(), publicUrl: PUBLIC });
  const client = await host.signedIn('carol');
  const factors = (returnTo: string) =>
    client.get(`/step-up/factors?returnTo=${encodeURIComponent(returnTo)}`, { page: true });

  await t.test('one of our own is kept, without its fragment', async (t) => {
    for (const [given, kept] of [
      ['/clinic', '/clinic'],
      ['/clinic/visits/v1?tab=notes#evil', '/clinic/visits/v1?tab=notes'],
      ['/clinic/../clinic/visits/v1', '/clinic/visits/v1'],
      ['/clinic/visits/%2F%2Fevil.example', '/clinic/visits/%2F%2Fevil.example'],
    ] as const) {
      t.match((await factors(given)).text, `?returnTo=${encodeURIComponent(kept)}"`, given);
    }
  });

  await t.test('any other is dropped, on every page of the way', async (t) => {
    const token = (await client.get('/step-up/factors', { page: true })).field(CSRF);
    const post = (path: string, form: Record<string, string>) =>
      client.post(path, {
        form: { [CSRF]: token, ...form },
        page: true,
        headers: { origin: 'https://ehr.example.org' },
      });
    for (const returnTo of evil) {
      const query = `?returnTo=${encodeURIComponent(returnTo)}`;
      leadsNowhere(t, await factors(returnTo), returnTo);
      const started = await post(`/step-up/factors/totp/enrol${query}`, {});
      t.equal(started.headers.get('location'), '/clinic/step-up/factors/totp/enrol', returnTo);
      const wrong = await post(`/step-up/factors/totp/confirm${query}`, { code: '12345' });
      t.equal(wrong.status, 400);
      leadsNowhere(t, wrong, returnTo);
    }
    const twice = await client.get('/step-up/factors?returnTo=/clinic/a&returnTo=//evil.example', { page: true });
    leadsNowhere(t, twice, 'given twice');
    const nested = await client.get('/step-up/factors?returnTo[evil]=//evil.example', { page: true });
    leadsNowhere(t, nested, 'given as an object');
  });

  await t.test('the last page links back only to what was checked', async (t) => {
    for (const returnTo of ['/clinic/visits/v1', '//evil.example', 'javascript:alert(1)//evil']) {
      const user = await host.signedIn(`user of ${returnTo}`);
      const secret = String((await user.post('/api/v1/auth/mfa/enroll', { json: {} })).json().manualKey);
      const token = (await user.get('/step-up/factors/totp/enrol', { page: true })).field(CSRF);
      const confirmed = await user.post(`/step-up/factors/totp/confirm?returnTo=${encodeURIComponent(returnTo)}`, {
        form: { [CSRF]: token, code: host.code(secret) },
        headers: { origin: 'https://ehr.example.org' },
        page: true,
      });
      t.equal(confirmed.status, 200);
      t.equal(confirmed.text.includes('href="/clinic/visits/v1"'), returnTo === '/clinic/visits/v1');
      leadsNowhere(t, confirmed, returnTo);
    }
  });
  await host.close();
});

onEveryAdapter('the way back after a step-up, by the request’s own path', async (t, adapter) => {
  const signIn = (returnTo: string) => `/sign-in?next=${encodeURIComponent(returnTo)}`;
  const host = await startHost(adapter, { store: await createRealStore(), web: { signIn } });
  const { client, secret } = await host.enrolled('carol');
  const stranger = host.client();
  const own = `${new URL(host.baseUrl).host}`;

  for (const [target, home] of [
    ['/visits/v1?tab=notes', false],
    ['//evil.example/documents/v1', true],
    ['http://evil.example/visits/v1', true],
    [`http://${own}/visits/v1`, true],
    [`http://${own}@evil.example/visits/v1`, true],
    ['/visits/v1?next=\\\\evil.example', true],
    [`/visits/v1?${'evil'.repeat(600)}`, true],
  ] as const) {
    const headers = { ...asBrowser, 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'javascript' };
    const turnedAway = await rawRequest(stranger, { target, headers });
    t.equal(turnedAway.status, 303, target.slice(0, 60));
    t.equal(turnedAway.headers.location, signIn(home ? '/' : target), 'those who are not signed in');

    // @fastify/session knows nobody under an absolute target: that caller was turned away above.
    if (adapter === 'fastify' && target.startsWith('http:')) continue;
    const asked = await rawRequest(client, { target, headers });
    t.equal(asked.status, 303);
    const challenge = String(asked.headers.location);
    t.match(challenge, /^\/step-up\/challenge\/[\w-]{22}$/);
    const page = await client.get(challenge, { page: true });
    leadsNowhere(t, page, target, host.baseUrl);
    host.clock.set(30);
    const form = { [CSRF]: page.field(CSRF), code: host.code(secret) };
    const passed = await client.post(`${challenge}/totp`, { form, page: true });
    if (home) t.match([passed.status, passed.headers.get('location')], [200, null], 'the host’s own page');
    else t.match([passed.status, passed.headers.get('location')], [303, target]);
    leadsNowhere(t, passed, target, host.baseUrl);
    // Without its binding cookie the session holds no proof, and the next request asks again.
    client.jar.delete('countersign');
  }

  // The same through the API, where the reply is data.
  const asked = await rawRequest(client, { target: '//evil.example/documents/v2', headers: asBrowser });
  const challengeId = String(asked.headers.location).split('/').at(-1);
  host.clock.set(30);
  const answer = await client.post('/api/v1/auth/mfa/verify', { json: { challengeId, code: host.code(secret) } });
  t.match([answer.status, answer.json().returnTo], [200, null]);

  const codes = (await host.events('carol')).map(({ code }) => code);
  const times = (wanted: string) => codes.filter((code) => code === wanted).length;
  t.ok(
    times('MFA_REQUIRED') > 3 && times('MFA_REQUIRED') === times('MFA_SUCCESS'),
    'each is on the log, asked and passed',
  );
  t.equal(times('ACCESS_ALLOWED'), 0, 'no way back has opened anything by itself');
  await host.close();
});

/** No address on the page or in the reply's head leads to another origin, or out of our base. */
function leadsNowhere(t: Test, answer: Answer, why: string, base = PUBLIC): void {
  const { origin, pathname } = new URL(base);
  const below = pathname === '/' ? '/' : `${pathname}/`;
  const written = [...answer.text.matchAll(/\b(?:href|action|src|formaction|content)="([^"]*)"/g)].map(([, value]) =>
    String(value).replaceAll('&amp;', '&').replaceAll('&#39;', "'"),
  );
  const location = answer.headers.get('location');
  for (const address of location === null ? written : [...written, location]) {
    if (!/^[/\\]|^\w+:|evil/.test(address) || /^(?:data:,|otpauth:)/.test(address)) continue;
    const url = new URL(address, origin);
    const inside = url.origin === origin && (url.pathname === pathname || url.pathname.startsWith(below));
    t.ok(inside, `${JSON.stringify(why.slice(0, 60))} leads to ${address.slice(0, 80)}`);
    const carried = url.searchParams.get('returnTo');
    if (why.includes('evil') && carried !== null) t.fail(`${why.slice(0, 60)} is carried on: ${carried.slice(0, 80)}`);
  }
}
