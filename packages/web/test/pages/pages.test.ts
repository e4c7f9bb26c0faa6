import {
  auditCodes,
  auditExportFormats,
  auditSortFields,
  type EmergencyGrant,
  errorCodes,
  type WorkspaceSettings,
} from '@countersign/core';
import { h, type JSX } from 'preact';
import t, { type Test } from 'tap';
import { loadAssets } from '../../dist/assets.js';
import {
  AuditEventPage,
  AuditExportPage,
  type AuditFilterValues,
  AuditPage,
  ChallengePage,
  type ChallengePageProps,
  ConfirmedPage,
  ElsewherePage,
  EmergencyApprovalPage,
  type EmergencyField,
  EmergencyGrantPage,
  EmergencyPage,
  EmergencyRecordPage,
  EnrolmentPage,
  FactorsPage,
  GeneralEnrolmentPage,
  MessagePage,
  messageOf,
  OwnEmergencyPage,
  PasskeyEnrolmentPage,
  PatientReportPage,
  RecoveryCodesPage,
  RemainingPage,
  ReviewPage,
  ReviewsPage,
  renderPage,
  type SettingsFieldError,
  SettingsPage,
  type SettingsPageProps,
  type Shell,
  UsersPage,
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
const chosen: WorkspaceSettings = {
  enabled: true,
  categories: ['5'],
  graceSeconds: 900,
  categoryPolicies: {},
  reauthenticateActions: [],
  exemptions: [],
  mustEnrolRoles: null,
  untilEnrolled: 'sensitive-only',
  roleLimits: {},
  secondAdministrator: false,
  emergencyAccess: { enabled: true, roles: null, windowSeconds: null },
};
const usual = { graceMinutes: '', strength: '', scope: '', actions: ['view', 'edit'] };
const settings: SettingsPageProps = {
  formAction: '/step-up/admin/settings',
  version: 7,
  values: {
    enabled: true,
    categories: ['5'],
    graceMinutes: '15',
    policies: { 5: usual, 8: usual },
    reauthenticate: [],
    exemptions: [],
    mustEnrol: 'clinical',
    mustEnrolRoles: [],
    untilEnrolled: 'sensitive-only',
    limits: [],
    secondAdministrator: false,
    emergency: { enabled: true, who: 'all', roles: [], minutes: '' },
  },
  catalogue: {
    categories: [
      { id: '5', name: 'Ketamine infusion', strength: 'any', fixedGraceSeconds: null, scope: 'patient', actions: null },
      {
        id: '8',
        name: 'Psychotherapy',
        strength: 'phishing-resistant',
        fixedGraceSeconds: 150,
        scope: 'patient',
        actions: null,
      },
    ],
    roles: [],
    actions: ['view', 'edit'],
    reauthenticated: ['export'],
    strengths: ['any', 'multi-factor', 'phishing-resistant'],
    treatment: true,
    graceBounds: { minMinutes: 0, maxMinutes: 60 },
    mostMinutes: null,
    emergencyAccess: { roles: ['clinician'], mostMinutes: 60 },
  },
  history: [],
};

const hostileSettings = (evil: string): WorkspaceSettings => ({
  ...chosen,
  categories: [evil],
  categoryPolicies: { [evil]: { actions: [evil] } },
  reauthenticateActions: [evil],
  exemptions: [{ kind: 'role', value: evil, categories: [evil] }],
  mustEnrolRoles: [evil],
  roleLimits: { [evil]: { idleSeconds: 60 } },
});

const hostileGrant = (evil: string): EmergencyGrant => ({
  id: evil,
  workspaceId: evil,
  userId: evil,
  purpose: 'clinical',
  patientId: evil,
  status: 'ended',
  requestedAt: at,
  openedAt: at,
  endsAt: at,
  endedAt: at,
  endedBy: 'person',
  approvedBy: evil,
  reason: evil,
  purposeOfUse: evil,
  recipient: evil,
  facility: evil,
  nature: evil,
  reopens: evil,
  review: { outcome: 'escalated', note: evil, by: evil, at },
  reviewDueAt: at,
  overdue: true,
});

/** Every page of emergency access, with the same text in every prop. */
function emergencyPages(evil: string, href: string): Record<string, JSX.Element> {
  const grant = hostileGrant(evil);
  const own = {
    patientLabel: evil,
    secondsLeft: 61,
    endAction: href,
    continueHref: href,
    homeHref: href,
    hereHref: href,
  };
  const entry = { grant, patientLabel: evil, href, secondsLeft: 61 };
  const access = { id: evil, at, code: evil, action: evil, categories: [evil], route: evil };
  const said = { who: evil, why: evil, purposeOfUse: evil, recipient: evil, facility: evil, nature: evil };
  return {
    emergency: h(EmergencyPage, {
      formAction: href,
      purpose: 'clinical',
      patientId: evil,
      patientLabel: evil,
      windowSeconds: 3600,
      purposesOfUse: [evil, 'ETREAT'],
      fields: { recipient: 'required', facility: 'optional', nature: 'required' },
      needsApproval: true,
      values: { reason: evil, purposeOfUse: evil, recipient: evil, facility: evil, nature: evil },
      errors: new Map<EmergencyField, string>([
        ['reason', evil],
        ['purposeOfUse', evil],
        ['nature', evil],
      ]),
      problem: evil,
      returnTo: evil,
      draft: evil,
      cancelHref: href,
    }),
    'emergency that is open': h(EmergencyGrantPage, { ...own, grant: { ...grant, status: 'open' } }),
    'emergency that waits': h(EmergencyGrantPage, { ...own, grant: { ...grant, status: 'waiting' } }),
    'emergency that has ended': h(EmergencyGrantPage, { ...own, grant, againHref: href }),
    'emergency that was declined': h(EmergencyGrantPage, { ...own, grant: { ...grant, status: 'declined' } }),
    'own emergencies': h(OwnEmergencyPage, { own: [entry], toApprove: [entry], recoveryHref: href, notice: 'gone' }),
    'emergency to approve': h(EmergencyApprovalPage, {
      grant: { ...grant, status: 'waiting' },
      patientLabel: evil,
      windowSeconds: 3600,
      approveAction: href,
      declineAction: href,
      cancelHref: href,
      refusedNote: evil,
    }),
    reviews: h(ReviewsPage, {
      state: 'to-review',
      hrefs: { 'to-review': href, open: href, reviewed: href },
      entries: [entry],
      olderHref: href,
    }),
    review: h(ReviewPage, {
      grant,
      patientLabel: evil,
      accesses: [access],
      own: false,
      reviewAction: href,
      endAction: href,
      recordHref: href,
      queueHref: href,
      earlierHref: href,
      notice: 'reviewed',
      refused: { outcome: evil, note: evil, field: 'note', text: evil },
    }),
    'record for a patient': h(EmergencyRecordPage, {
      record: {
        ...said,
        patientId: evil,
        from: at.toISOString(),
        until: at.toISOString(),
        opened: [{ at: at.toISOString(), action: evil, categories: [evil], route: evil }],
      },
      patientLabel: evil,
      backHref: href,
      csvHref: href,
      jsonHref: href,
    }),
  };
}

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
            { id: 'totp', formAction: href, withPassword: true },
            { id: 'passkey', formAction: href, begin: { href, challengeId: evil } },
            { id: evil, formAction: href, answeredBy: 'code' },
            {
              id: 'push',
              formAction: href,
              answeredBy: 'ceremony',
              begun: { message: evil, answer: { [evil]: evil } },
            },
          ],
          about: { action: evil, patientLabel: evil, categoryNames: [evil] },
          cancelHref: href,
          restartHref: href,
          draft: { sealed: evil, notKept: null },
          emergency: { href, purpose: 'clinical' },
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
          factors: [
            {
              id: evil,
              kind: evil,
              label: evil,
              enrolledAt: new Date(Number.NaN),
              state: 'usable',
              strength: 'any',
              cap: { full: 'phishing-resistant', liftsAt: null },
              remaining: 1,
              renameAction: href,
              removeAction: href,
            },
          ],
          add: [{ kind: evil, formAction: href, replaces: false }],
          withCode: { formAction: href, kinds: [evil, 'totp'], kind: evil, error: { code: 'enrolment_code_refused' } },
          lift: { formAction: href, kinds: [] },
          othersAction: href,
          notice: 'renamed',
          typed: { id: evil, label: evil },
          continueHref: href,
        }),
        required: h(FactorsPage, { factors: [], add: [], required: { kind: 'fresh-sign-in', href } }),
        passkey: h(PasskeyEnrolmentPage, { formAction: href, options: evil, label: evil, cancelHref: href }),
        recovery: h(RecoveryCodesPage, { codes: [evil], replaced: true, continueHref: href, othersAction: href }),
        remaining: h(RemainingPage, { remaining: 1, continueHref: href, factorsHref: href }),
        general: h(GeneralEnrolmentPage, {
          kind: evil,
          formAction: href,
          message: evil,
          facts: { [evil]: evil },
          answer: { [evil]: evil },
          cancelHref: href,
        }),
        elsewhere: h(ElsewherePage, { factor: evil, href }),
        users: h(UsersPage, {
          formAction: href,
          userId: evil,
          user: {
            factors: [{ kind: evil, label: evil, enrolledAt: at, state: 'usable', capped: true }],
            self: false,
            resetAction: href,
            codeAction: href,
          },
          issued: { code: evil, expiresAt: at },
          error: { code: 'input_invalid', at: 'code' },
          typedReason: evil,
        }),
        settings: h(SettingsPage, {
          formAction: href,
          version: 1,
          values: {
            enabled: true,
            categories: [evil],
            graceMinutes: evil,
            policies: { [evil]: { graceMinutes: evil, strength: evil, scope: evil, actions: [evil] } },
            reauthenticate: [evil],
            exemptions: [{ kind: evil, value: evil, all: true, categories: [evil] }],
            mustEnrol: 'chosen',
            mustEnrolRoles: [evil],
            untilEnrolled: evil,
            limits: [{ role: evil, idleMinutes: evil, absoluteMinutes: evil }],
            secondAdministrator: true,
            emergency: { enabled: true, who: 'chosen', roles: [evil], minutes: evil },
          },
          catalogue: {
            ...settings.catalogue,
            categories: [
              { id: evil, name: evil, strength: 'any', fixedGraceSeconds: 0, scope: 'patient', actions: [evil] },
            ],
            roles: [{ id: evil, name: evil, clinical: true }],
            actions: [evil],
            reauthenticated: [evil],
            emergencyAccess: { roles: [evil], mostMinutes: 60 },
          },
          errors: new Map<string, SettingsFieldError>([
            ['graceSeconds', { code: 'not-a-number' }],
            [`categoryPolicies.${evil}.strength`, { code: 'strength-unreachable' }],
            [`roleLimits.${evil}.idleSeconds`, { code: 'idle-above-absolute' }],
          ]),
          conflict: { by: evil, at, saved: chosen, yours: hostileSettings(evil) },
          proposal: {
            formAction: href,
            id: evil,
            by: evil,
            at,
            own: false,
            outdated: false,
            current: chosen,
            proposed: hostileSettings(evil),
            loosening: [{ kind: 'exemption-added', about: evil }],
          },
          preview: {
            from: at,
            until: at,
            cut: true,
            accesses: 1,
            asked: { before: 1, after: 2 },
            refused: { before: 1, after: 2 },
            users: [{ userId: evil, before: 1, after: 2 }],
            categories: [{ categoryId: evil, before: 1, after: 2 }],
            people: 1,
            withoutStrongFactor: 1,
            unknown: ['roles'],
          },
          warnings: [{ kind: 'exempt-from-everything', about: evil }],
          history: [{ version: 1, at, by: evil, proposedBy: evil, before: chosen, after: hostileSettings(evil) }],
        }),
        audit: h(AuditPage, {
          filter: {
            formAction: href,
            values: filterOf(evil),
            errors: { from: 'not_a_date', sort: 'too_wide' },
            codes: [evil],
            categories: [{ id: evil, name: evil }],
            outcomes: [evil],
            sortFields: [evil],
          },
          rows: [
            {
              id: evil,
              href,
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
          sorted: { field: evil, descending: true },
          sortHref: () => href,
          nextHref: href,
          previousHref: href,
          firstHref: href,
          lookedUntil: at,
          exportHref: href,
          reportHref: href,
        }),
        auditEvent: h(AuditEventPage, {
          at,
          code: evil,
          fields: Object.fromEntries(auditSortFields.map((field) => [field, evil])),
          proof: { state: 'sealed', leaf: 1, size: 2, checkpoint: evil, json: evil, downloadHref: href },
          listHref: href,
          emergencyHref: href,
        }),
        patientReport: h(PatientReportPage, {
          formAction: href,
          values: { patientId: evil, from: evil, until: evil },
          errors: { from: 'not_a_date' },
          listHref: href,
          report: {
            people: [{ user: evil, actor: evil, accesses: 2, emergency: 1, first: at, last: at }],
            accesses: [
              {
                id: evil,
                href,
                at,
                user: evil,
                actor: evil,
                action: evil,
                categories: [evil],
                route: evil,
                basis: 'exemption',
                rule: evil,
              },
            ],
            more: true,
            allHref: href,
          },
        }),
        auditExport: h(AuditExportPage, {
          formAction: href,
          formats: auditExportFormats,
          chosen: 'csv',
          values: filterOf(evil),
          listHref: href,
        }),
        ...emergencyPages(evil, href),
        message: h(MessagePage, {
          emergency: { label: evil, href },
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
      filter: { formAction: '/a', values: filterOf(''), codes: [], categories: [], outcomes: [], sortFields: [] },
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

t.test('settings: whatever is refused, what was chosen and typed comes back, in a part that is open', async (t) => {
  const values = {
    ...settings.values,
    enabled: false,
    categories: ['8'],
    graceMinutes: '1O min',
    policies: { 5: { ...usual, graceMinutes: 'soon' }, 8: usual },
    exemptions: [{ kind: 'role', value: '', all: true, categories: [] }],
  };
  const errors = new Map([
    ['graceSeconds', { code: 'not-a-number' as const }],
    ['categoryPolicies.5.graceSeconds', { code: 'not-a-number' as const }],
    ['exemptions.0.value', { code: 'value-missing' as const }],
  ]);
  const html = renderPage(h(SettingsPage, { ...settings, values, errors }), shell);
  t.equal(tagWith(html, 'name', 'graceMinutes').attributes.get('value'), '1O min');
  t.equal(tagWith(html, 'name', 'grace.5').attributes.get('value'), 'soon');
  t.equal(tagWith(html, 'name', 'exemption.0.value').attributes.get('aria-invalid'), 'true');
  t.notOk(tagWith(html, 'name', 'enabled').attributes.has('checked'));
  t.notOk(tagWith(html, 'value', '5').attributes.has('checked'));
  t.ok(tagWith(html, 'value', '8').attributes.has('checked'));
  t.match(html, '<title>Error: Step-up settings</title>');
  t.match(html, 'Ketamine infusion: Enter a whole number of minutes');
  t.match(html, 'At most 150 seconds', 'a fixed period is never rounded');
  const links = tagsOf(html).flatMap(({ attributes }) => /^#(cs-.+)$/.exec(attributes.get('href') ?? '')?.[1] ?? []);
  for (const id of links) t.ok(tagWith(html, 'id', id), 'each error leads to its field');
  t.equal(tagsOf(html).filter(({ name, attributes }) => name === 'details' && attributes.has('open')).length, 3);
  const calm = tagsOf(renderPage(h(SettingsPage, settings), shell));
  t.notOk(calm.some(({ name, attributes }) => name === 'details' && attributes.has('open')));
});

t.test('settings: a conflict shows where both sides differ and keeps the administrator’s own', async (t) => {
  const saved = { ...chosen, enabled: false, graceSeconds: 0 };
  const html = renderPage(
    h(SettingsPage, { ...settings, version: 8, conflict: { by: 'Ruth', at, saved, yours: chosen } }),
    shell,
  );
  t.match(html, /Ruth saved other settings on Mar 1, 2026, 1:00/, 'in the page’s time zone');
  t.match(html, 'Every time');
  t.ok(tagWith(html, 'value', '5').attributes.has('checked'));
  t.equal(tagWith(html, 'name', 'version').attributes.get('value'), '8');
});

t.test('settings: the history says who changed what, from what to what, and when', async (t) => {
  const after: WorkspaceSettings = {
    ...chosen,
    graceSeconds: 0,
    categories: ['5', 'gone'],
    exemptions: [{ kind: 'treatment-relationship', value: null, categories: null }],
    roleLimits: { nurse: { absoluteSeconds: 3600 } },
    secondAdministrator: true,
  };
  const html = renderPage(
    h(SettingsPage, {
      ...settings,
      history: [
        { version: 2, at, by: 'Ruth', proposedBy: 'Ann', before: { ...chosen, graceSeconds: 9000 }, after },
        { version: 1, at, by: null, proposedBy: null, before: null, after: chosen },
      ],
    }),
    shell,
  );
  t.match(html, '150 minutes → Every time');
  t.match(html, 'Ketamine infusion → Ketamine infusion and gone');
  t.match(html, 'None → whoever treats the patient: all categories');
  t.match(html, 'None → nurse: at most 60 minutes');
  t.match(html, 'Off → On');
  t.match(html, 'Ruth, proposed by Ann');
  t.match(html, 'Command line');
  t.match(html, 'datetime="2026-03-01T12:00:00.000Z"');
});

/** A filter with the same text in every field. */
function filterOf(text: string): AuditFilterValues {
  return {
    from: text,
    until: text,
    userId: text,
    patientId: text,
    category: text,
    code: text,
    outcome: text,
    emergencyAccessId: text,
    sort: text,
    order: text,
  };
}

t.test('audit: the filter keeps what was asked, and what is not a date is not thrown away', async (t) => {
  const html = renderPage(
    h(AuditPage, {
      filter: {
        formAction: '/a',
        values: {
          ...filterOf(''),
          ...{ from: '31.1.2026', until: '2026-02-01', userId: 'u1', patientId: 'p1', code: 'MFA_FAILURE' },
          ...{ category: 'gone', sort: 'reason', order: 'ascending' },
        },
        errors: { from: 'not_a_date' },
        codes: ['MFA_SUCCESS', 'MFA_FAILURE'],
        categories: [{ id: '5', name: 'Ketamine' }],
        outcomes: ['success'],
        sortFields: ['at', 'reason'],
      },
      rows: [],
    }),
    shell,
  );
  const from = tagWith(html, 'name', 'from').attributes;
  t.equal(from.get('type'), 'text');
  t.equal(from.get('value'), '31.1.2026');
  t.equal(tagWith(html, 'name', 'until').attributes.get('type'), 'date');
  for (const value of ['MFA_FAILURE', 'gone', 'reason', 'ascending'])
    t.ok(tagWith(html, 'value', value).attributes.has('selected'), value);
  t.ok(tagWith(html, 'class', 'cs-filter-more cs-details').attributes.has('open'), 'what is used is not folded away');
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
  t.same([...assets.files.keys()], ['countersign.css', 'countersign.js', 'step-up.js', 'passkey.js', 'emergency.js']);
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
