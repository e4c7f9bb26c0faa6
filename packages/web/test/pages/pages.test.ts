import { auditCodes, errorCodes } from '@countersign/core';
import { h, type JSX } from 'preact';
import t, { type Test } from 'tap';
import { loadAssets } from '../../dist/assets.js';
import {
  AuditPage,
  ChallengePage,
  type ChallengePageProps,
  ConfirmedPage,
  EnrolmentPage,
  FactorsPage,
  MessagePage,
  messageOf,
  renderPage,
  SettingsPage,
  type SettingsPageProps,
  type Shell,
} from '../../dist/pages/pages.js';
import { english } from '../../dist/strings/english.js';
import { format, formatCount, formatPeriod, formatWait } from '../../dist/strings/format.js';
import { spanish } from '../../dist/strings/spanish.js';
import { resolveStrings } from '../../dist/strings/strings.js';

const shell: Shell = {
  lang: 'en',
  strings: resolveStrings('en'),
  timeZone: 'Europe/Madrid',
  assetsPath: '/step-up/assets',
  csrfToken: 'our-token',
};
const at = new Date('2026-03-01T12:00:00Z');
const challenge: ChallengePageProps = {
  factors: [{ id: 'totp', formAction: '/step-up/challenge/c1/totp' }],
  about: { action: 'view', categoryNames: ['Ketamine infusion'] },
  cancelHref: '/calendar',
};
const settings: SettingsPageProps = {
  formAction: '/step-up/admin/settings',
  version: 7,
  values: { enabled: true, categories: ['5'], graceMinutes: '15' },
  categories: [
    { id: '5', name: 'Ketamine infusion', strength: 'any', fixedGraceSeconds: null },
    { id: '8', name: 'Psychotherapy', strength: 'phishing-resistant', fixedGraceSeconds: 150 },
  ],
  graceBounds: { minMinutes: 0, maxMinutes: 60 },
  history: [],
};

interface Tag {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
}

/** The start tags of a document as a browser would see them: quoted values may hold anything but a quote. */
function tagsOf(html: string): Tag[] {
  return [...html.matchAll(/<([a-z][a-z0-9-]*)((?:\s+[^\s=>"/]+(?:="[^"]*")?)*)\s*\/?>/gi)].map(
    ([, name = '', rest = '']) => ({
      name: name.toLowerCase(),
      attributes: new Map(
        [...rest.matchAll(/([^\s=>"/]+)(?:="([^"]*)")?/g)].map(([, key = '', value = '']) => [
          key.toLowerCase(),
          value,
        ]),
      ),
    }),
  );
}

function tagWith(html: string, attribute: string, value: string): Tag {
  const tag = tagsOf(html).find((candidate) => candidate.attributes.get(attribute) === value);
  if (tag === undefined) throw new Error(`no tag with ${attribute}="${value}"`);
  return tag;
}

/** What a page may never hold, whatever its props say. */
function assertInert(test: Pick<Test, 'match' | 'notMatch' | 'same' | 'ok' | 'not'>, name: string, html: string): void {
  test.match(html, /^<!doctype html><html lang="[a-zA-Z-]+">/, `${name}: a whole document`);
  test.notMatch(html, /<style/i, `${name}: no style element`);
  test.same(html.match(/<script[^>]*>[^<]*/gi)?.length, 1, `${name}: one script element`);
  for (const { name: tag, attributes } of tagsOf(html)) {
    for (const [attribute, value] of attributes) {
      test.notMatch(attribute, /^on|^style$|^srcdoc$/, `${name}: <${tag} ${attribute}>`);
      if (/^(href|src|action|formaction)$/.test(attribute))
        test.notMatch(value, /^\s*javascript|^\/\//i, `${name}: <${tag}>`);
    }
    if (tag === 'script') test.ok(attributes.get('src')?.startsWith('/'), `${name}: the script is a file of ours`);
    if (tag === 'img') test.not(attributes.get('src'), 'x', `${name}: no image from outside`);
  }
}

t.test(
  'hostile strings in every prop stay text: nothing a patient, user or host names can run on our pages',
  async (t) => {
    const evil = `"'><script>alert(1)</script><img src=x onerror=alert(1)> style="color:red`;
    const away = ['javascript:alert(1)', '//evil.example', '/\\evil.example', '/\t/evil.example', 'data:text/html,x'];
    for (const href of away) {
      const hostile: Shell = {
        ...shell,
        lang: evil,
        csrfToken: evil,
        hostCsrf: { field: evil, token: evil },
        theme: { organisation: evil, cssHref: href, logoHref: href },
        navigation: [{ page: 'factors', href }],
      };
      const pages: Record<string, JSX.Element> = {
        challenge: h(ChallengePage, {
          factors: [
            { id: 'totp', formAction: href },
            { id: evil, formAction: href },
          ],
          about: { action: evil, patientLabel: evil, categoryNames: [evil] },
          cancelHref: href,
          restartHref: href,
          resubmitNotice: true,
        }),
        enrolment: h(EnrolmentPage, {
          formAction: href,
          enrolmentId: evil,
          qrSvg: '<svg></svg>',
          manualKey: evil,
          issuer: evil,
          account: evil,
          otpauthHref: href,
          cancelHref: href,
        }),
        confirmed: h(ConfirmedPage, { continueHref: href, factorsHref: href }),
        factors: h(FactorsPage, {
          factors: [{ id: evil, kind: evil, label: evil, enrolledAt: new Date(Number.NaN), state: 'usable' }],
          enrolTotp: { formAction: href, replaces: false },
        }),
        required: h(FactorsPage, { factors: [], required: { kind: 'fresh-sign-in', href } }),
        settings: h(SettingsPage, {
          formAction: href,
          version: 1,
          values: { enabled: true, categories: [evil], graceMinutes: evil },
          categories: [{ id: evil, name: evil, strength: 'any', fixedGraceSeconds: 0 }],
          graceBounds: { minMinutes: 0, maxMinutes: 60 },
          errors: { graceMinutes: 'grace_not_a_number' },
          conflict: { by: evil, at, saved: { enabled: false, categories: [evil], graceMinutes: evil } },
          confirm: { challengeId: evil, factor: 'totp' },
          history: [{ version: 1, at, by: evil, changes: [{ field: 'other', name: evil, from: evil, to: evil }] }],
        }),
        audit: h(AuditPage, {
          filter: {
            formAction: href,
            values: { from: evil, until: evil, userId: evil, patientId: evil, code: evil },
            errors: { from: 'not_a_date' },
            codes: [evil],
          },
          rows: [
            {
              id: evil,
              at,
              code: evil,
              outcome: 'failure',
              user: evil,
              actor: evil,
              patient: evil,
              categories: [evil],
              action: evil,
              factor: evil,
              reason: evil,
            },
          ],
          olderHref: href,
          newestHref: href,
        }),
        message: h(MessagePage, {
          heading: evil,
          text: evil,
          cure: evil,
          code: evil,
          primary: { label: evil, href },
          secondary: { label: evil, href },
        }),
      };
      for (const [name, page] of Object.entries(pages)) {
        const html = renderPage(page, hostile);
        assertInert(t, `${name} (${JSON.stringify(href)})`, html);
        t.notMatch(html, href === '//evil.example' ? '"//evil' : `"${href}"`, `${name}: the address is left out`);
      }
    }
  },
);

t.test('keys that name a thing of the prototype are data like any other', async (t) => {
  for (const key of ['__proto__', 'constructor', 'toString']) {
    const html = renderPage(h(ChallengePage, { ...challenge, about: { action: key, categoryNames: [] } }), shell);
    t.match(html, english.actions.other);
    t.equal(messageOf(key, shell.strings).heading, english.messages.other.heading);
  }
});

t.test('the code field: what phones, password managers and screen readers need', async (t) => {
  const html = renderPage(h(ChallengePage, challenge), shell);
  const { attributes } = tagWith(html, 'name', 'code');
  t.equal(attributes.get('autocomplete'), 'one-time-code');
  t.equal(attributes.get('inputmode'), 'numeric');
  t.equal(attributes.get('type'), 'text', 'a number field would drop the space of a pasted 123 456');
  t.notOk(attributes.has('maxlength') || attributes.has('pattern'), 'nothing cuts 123 456 short');
  t.ok(attributes.has('autofocus'));
  t.notOk(attributes.has('aria-invalid'));
  t.ok(
    attributes
      .get('aria-describedby')
      ?.split(' ')
      .every((id) => html.includes(`id="${id}"`)),
  );
  t.match(html, /<label[^>]*for="cs-totp-code"/);
  t.ok(tagWith(html, 'method', 'post').attributes.has('data-cs-autosubmit'));
});

t.test(
  'a wrong code says so in the title, at the field and at once, and keeps the person where they are',
  async (t) => {
    const html = renderPage(h(ChallengePage, { ...challenge, error: { code: 'code_incorrect', attemptsLeft: 1 } }), {
      ...shell,
      theme: { organisation: 'Example EHR' },
    });
    t.match(html, '<title>Error: Confirm that it is you – Example EHR</title>');
    const { attributes } = tagWith(html, 'name', 'code');
    t.ok(attributes.has('autofocus'));
    t.equal(attributes.get('aria-invalid'), 'true');
    t.match(attributes.get('aria-describedby') ?? '', 'cs-totp-code-error');
    t.equal(attributes.get('value'), undefined, 'a used code is of no use');
    t.match(html, /role="alert">.*That code is not right.*1 try left\./);
    t.notOk(tagWith(html, 'method', 'post').attributes.has('data-cs-autosubmit'), 'a wrong paste must not loop');
  },
);

t.test('a wait is told by the server and counted down by the script, outside the alert', async (t) => {
  const html = renderPage(
    h(ChallengePage, { ...challenge, error: { code: 'attempts_delayed', retryAfterSeconds: 29.2 } }),
    shell,
  );
  t.match(html, 'You can try again in 30 seconds.');
  t.equal(tagWith(html, 'data-cs-countdown', '30').attributes.get('role'), undefined);
  const used = renderPage(
    h(ChallengePage, { ...challenge, error: { code: 'code_already_used', retryAfterSeconds: 12 } }),
    shell,
  );
  t.match(used, 'Your app shows the next code in 12 seconds.');
});

t.test('a challenge that has ended, and a disabled factor, show no form that cannot work', async (t) => {
  const ended = renderPage(
    h(ChallengePage, { ...challenge, error: { code: 'challenge_unknown' }, restartHref: '/records/1' }),
    shell,
  );
  t.notMatch(ended, '<form');
  t.match(ended, 'href="/records/1"');
  const disabled = renderPage(
    h(ChallengePage, { ...challenge, error: { code: 'factor_disabled', factor: 'totp' } }),
    shell,
  );
  t.notMatch(disabled, '<form');
  t.match(disabled, english.errors.factor_disabled);
  const none = renderPage(
    h(ChallengePage, { ...challenge, factors: [{ id: 'carrier-pigeon', formAction: '/x' }] }),
    shell,
  );
  t.match(none, english.challenge.noFactor);
});

t.test('every POST form carries our CSRF field, and the host’s where it has one', async (t) => {
  const html = renderPage(h(SettingsPage, settings), {
    ...shell,
    hostCsrf: { field: 'csrf_token_form', token: 'theirs' },
  });
  t.equal(tagWith(html, 'name', '_countersign').attributes.get('value'), 'our-token');
  t.equal(tagWith(html, 'name', 'csrf_token_form').attributes.get('value'), 'theirs');
  const audit = renderPage(
    h(AuditPage, {
      filter: { formAction: '/a', values: { from: '', until: '', userId: '', patientId: '', code: '' }, codes: [] },
      rows: [],
    }),
    shell,
  );
  t.notMatch(audit, 'our-token', 'a GET form would put the token into an address');
});

t.test('enrolment: the key in groups of four, and no focus that hides the picture', async (t) => {
  const props = {
    formAction: '/e',
    qrSvg: '<svg viewBox="0 0 1 1"></svg>',
    manualKey: 'JBSWY3DPEHPK3PXP',
    issuer: 'Example EHR',
    account: 'ana',
    otpauthHref: 'otpauth://totp/Example%20EHR:ana?secret=JBSWY3DPEHPK3PXP',
  };
  const html = renderPage(h(EnrolmentPage, props), shell);
  t.match(html, 'JBSW Y3DP EHPK 3PXP');
  t.match(html, props.qrSvg);
  t.match(html, /role="img" aria-label="QR code[^"]*ana at Example EHR/);
  t.match(html, 'href="otpauth://totp/');
  t.notOk(tagWith(html, 'name', 'code').attributes.has('autofocus'));
  const wrong = renderPage(h(EnrolmentPage, { ...props, error: { code: 'code_incorrect' } }), shell);
  t.ok(tagWith(wrong, 'name', 'code').attributes.has('autofocus'));
  t.match(wrong, 'JBSW Y3DP EHPK 3PXP', 'the same key again');
});

t.test('settings: whatever is refused, what was chosen and typed comes back', async (t) => {
  const typed = { enabled: false, categories: ['8'], graceMinutes: '1O min' };
  const html = renderPage(
    h(SettingsPage, { ...settings, values: typed, errors: { graceMinutes: 'grace_not_a_number' } }),
    shell,
  );
  t.equal(tagWith(html, 'name', 'graceMinutes').attributes.get('value'), '1O min');
  t.notOk(tagWith(html, 'name', 'enabled').attributes.has('checked'));
  t.notOk(tagWith(html, 'value', '5').attributes.has('checked'));
  t.ok(tagWith(html, 'value', '8').attributes.has('checked'));
  t.ok(tagWith(html, 'name', 'graceMinutes').attributes.has('autofocus'));
  t.match(html, '<title>Error: Step-up settings</title>');
  t.match(html, 'Always 150 seconds', 'a fixed period is never rounded');

  const confirm = renderPage(
    h(SettingsPage, {
      ...settings,
      values: typed,
      confirm: { challengeId: 'ch', factor: 'totp', error: { code: 'code_incorrect' } },
    }),
    shell,
  );
  t.equal(confirm.match(/<form/g)?.length, 1, 'the code is asked in the same form');
  for (const [name, value] of [
    ['challengeId', 'ch'],
    ['factor', 'totp'],
    ['version', '7'],
    ['graceMinutes', '1O min'],
  ] as const) {
    t.equal(tagWith(confirm, 'name', name).attributes.get('value'), value);
  }
  t.ok(tagWith(confirm, 'name', 'code').attributes.has('autofocus'));
  t.notMatch(confirm, 'data-cs-autosubmit=', 'saving is a decision: never sent by itself');
});

t.test('settings: a conflict shows both sides and keeps the administrator’s own', async (t) => {
  const html = renderPage(
    h(SettingsPage, {
      ...settings,
      version: 8,
      conflict: { by: 'Ruth', at, saved: { enabled: false, categories: ['8'], graceMinutes: '0' } },
    }),
    shell,
  );
  t.match(html, /Ruth saved other settings on Mar 1, 2026, 1:00/, 'in the page’s time zone');
  t.match(html, 'Every time');
  t.ok(tagWith(html, 'value', '5').attributes.has('checked'));
  t.equal(tagWith(html, 'name', 'version').attributes.get('value'), '8');
});

t.test('settings: the history says who changed what, from what to what, and when', async (t) => {
  const html = renderPage(
    h(SettingsPage, {
      ...settings,
      history: [
        {
          version: 2,
          at,
          by: 'Ruth',
          changes: [
            { field: 'graceMinutes', from: 150, to: 0 },
            { field: 'categories', from: ['5'], to: ['5', 'gone'] },
          ],
        },
        { version: 1, at, by: null, changes: [{ field: 'enabled', from: null, to: true }] },
      ],
    }),
    shell,
  );
  t.match(html, '150 minutes → Every time');
  t.match(html, 'Ketamine infusion → Ketamine infusion and gone');
  t.match(html, 'Command line');
  t.match(html, 'datetime="2026-03-01T12:00:00.000Z"');
});

t.test('audit: the filter keeps what was asked, and what is not a date is not thrown away', async (t) => {
  const html = renderPage(
    h(AuditPage, {
      filter: {
        formAction: '/a',
        values: { from: '31.1.2026', until: '2026-02-01', userId: 'u1', patientId: 'p1', code: 'MFA_FAILURE' },
        errors: { from: 'not_a_date' },
        codes: ['MFA_SUCCESS', 'MFA_FAILURE'],
      },
      rows: [],
    }),
    shell,
  );
  const from = tagWith(html, 'name', 'from').attributes;
  t.equal(from.get('type'), 'text');
  t.equal(from.get('value'), '31.1.2026');
  t.equal(tagWith(html, 'name', 'until').attributes.get('type'), 'date');
  t.ok(tagWith(html, 'value', 'MFA_FAILURE').attributes.has('selected'));
  t.match(html, english.audit.empty);
});

t.test('Spanish is complete, with the same placeholders, and speaks on every page', async (t) => {
  const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  const compare = (one: object, other: object, path: string) => {
    t.same(Object.keys(other).sort(), Object.keys(one).sort(), `${path}: the same keys`);
    for (const [key, value] of Object.entries(one)) {
      const theirs: unknown = Object.entries(other).find(([name]) => name === key)?.[1];
      if (typeof value === 'string' && typeof theirs === 'string') {
        t.same(placeholders(theirs), placeholders(value), `${path}.${key}`);
        t.equal(theirs === '', value === '', `${path}.${key} says something`);
      } else if (typeof value === 'object' && typeof theirs === 'object' && theirs !== null) {
        compare(value, theirs, `${path}.${key}`);
      } else t.fail(`${path}.${key}`);
    }
  };
  compare(english, spanish, 'strings');
  const html = renderPage(
    h(ChallengePage, { ...challenge, error: { code: 'attempts_delayed', retryAfterSeconds: 5 } }),
    { ...shell, lang: 'es-MX', strings: resolveStrings('es-MX') },
  );
  t.match(html, '<html lang="es-MX">');
  t.match(html, 'en 5 segundos');
});

t.test('every error a person can cause and every event has words', async (t) => {
  const texts: Record<string, string> = english.errors;
  for (const [code, { status }] of Object.entries(errorCodes)) {
    if (status < 500 || status === 503) t.ok(Object.hasOwn(texts, code), code);
  }
  for (const code of auditCodes) t.ok(Object.hasOwn(english.audit.codes, code), code);
  const unavailable = messageOf('store_unavailable', shell.strings);
  t.equal(unavailable.heading, english.messages.unavailable.heading);
  t.equal(
    messageOf('operation_required', shell.strings).text,
    english.errors.internal,
    'a developer’s mistake is not explained to a clinician',
  );
});

t.test('a host replaces any string, and its own actions get words', async (t) => {
  const strings = resolveStrings('en', {
    challenge: { title: 'One moment' },
    actions: { sign: 'You are about to sign an order.' },
  });
  const html = renderPage(h(ChallengePage, { ...challenge, about: { action: 'sign', categoryNames: [] } }), {
    ...shell,
    strings,
  });
  t.match(html, 'You are about to sign an order.');
  t.match(html, 'One moment');
  t.equal(strings.challenge.cancel, english.challenge.cancel, 'the rest stays');
  t.equal(english.challenge.title, 'Confirm that it is you', 'what ships is not changed');
  t.ok(Object.isFrozen(strings) && Object.isFrozen(strings.challenge));
  t.equal(resolveStrings('xx').challenge.title, english.challenge.title);
});

t.test('words around numbers', async (t) => {
  t.equal(format('{a} of {b}', { a: 1 }), '1 of {b}');
  t.equal(formatCount({ one: '{count} try', other: '{count} tries' }, 1, 'en'), '1 try');
  t.equal(formatCount({ one: '{count} intento', other: '{count} intentos' }, 3, 'es'), '3 intentos');
  t.equal(formatWait(0.2, 'en'), '1 second');
  t.equal(formatWait(121, 'en'), '3 minutes');
  t.equal(formatWait(7201, 'es'), '3 horas');
  t.equal(formatPeriod(9000, 'en'), '150 minutes');
});

t.test('assets are files with types and tags, and pages name them by version', async (t) => {
  const assets = loadAssets();
  t.same([...assets.files.keys()], ['countersign.css', 'countersign.js']);
  t.equal(assets.files.get('countersign.js')?.contentType, 'text/javascript; charset=utf-8');
  t.match(assets.files.get('countersign.css')?.etag, /^"[\w-]{43}"$/);
  const html = renderPage(h(ChallengePage, challenge), { ...shell, assetsVersion: assets.version });
  t.match(html, `src="/step-up/assets/countersign.js?v=${assets.version}"`);
  const css = new TextDecoder().decode(assets.files.get('countersign.css')?.body);
  t.notMatch(css, /url\(|@import/, 'the CSP lets nothing else be loaded');
});

t.test('a bad language tag from a header costs neither the page nor its dates', async (t) => {
  for (const lang of ['*', 'en_US', '', '"><']) {
    t.match(renderPage(h(SettingsPage, settings), { ...shell, lang }), '<html lang="en">', lang);
  }
});
