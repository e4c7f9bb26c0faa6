import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { parseCategoryList } from '../../src/configuration/category-list.ts';
import { type CountersignOptions, resolveConfiguration } from '../../src/configuration/configuration.ts';
import { categoryDetector } from '../../src/configuration/detect-categories.ts';
import { randomToken, systemClock } from '../../src/configuration/sources.ts';
import { CountersignError } from '../../src/errors/countersign-error.ts';
import { totp } from '../../src/factors/totp.ts';
import { defaultSettings, effectiveSettings, parseStoredSettings } from '../../src/flows/effective-settings.ts';
import { memorySessionState } from '../../src/session-state/memory-session-state.ts';
import { FakeStore } from '../support/fake-store.ts';

const KEY = randomBytes(32).toString('base64');
const optionsOf = (changes: Record<string, unknown> = {}): CountersignOptions =>
  ({
    store: new FakeStore(),
    publicUrl: 'https://ehr.example.org/clinic',
    keys: { current: 'k1', all: { k1: KEY } },
    categories: [
      { id: '5', name: 'Ketamine infusion' },
      { id: '8', name: 'Psychotherapy' },
    ],
    factors: [totp({ issuer: 'Example EHR' })],
    ...changes,
  }) as CountersignOptions;

/** What start-up says to these options; fails the test where it starts. */
function refusal(options: unknown): CountersignError {
  try {
    resolveConfiguration(options as CountersignOptions);
  } catch (error) {
    if (CountersignError.is(error)) return error;
    throw error;
  }
  throw new Error('It started.');
}
const problemsOf = (error: CountersignError) => (error.details.extra?.problems ?? [error.message]) as readonly string[];

t.test('the least that a host must say is enough, and the defaults are those of the docs', async (t) => {
  const configuration = resolveConfiguration(optionsOf());
  t.match(configuration, {
    publicUrl: new URL('https://ehr.example.org/clinic'),
    defaults: { enabled: true, graceSeconds: 900 },
    bounds: { leastGraceSeconds: 0, mostGraceSeconds: 3600 },
    actions: ['view', 'edit', 'export', 'delete', 'payment'],
    enrolment: { first: 'fresh-sign-in', codeSeconds: 86_400 },
    signing: { strength: 'multi-factor' },
    services: [],
    accountGraceSeconds: 300,
    oneShotSeconds: 120,
    challengeSeconds: 600,
    freshSignInSeconds: 900,
    oldBindingSeconds: 10,
    confirmationSeconds: 30,
    attempts: { perWindow: 30, windowSeconds: 86_400, consecutive: 100 },
    unknownCategories: 'refuse',
    nodes: 'one',
    audit: { queueLimit: 10_000 },
    clock: systemClock,
  });
  t.strictSame(
    [...configuration.reauthentication],
    ['export', 'delete', 'payment'].map((action) => [action, { withinSeconds: 0, strength: 'any' }]),
  );
  t.strictSame(configuration.limits, {}, 'session limits are enforced only where they are asked for');
  t.strictSame(configuration.categories.get('5'), {
    id: '5',
    name: 'Ketamine infusion',
    codings: [],
    strength: 'any',
    scope: 'patient',
    sensitive: true,
    accessAudit: 'batched',
  });
  t.equal(configuration.isAdministrator({} as never), false, 'nobody is an administrator by default');
  t.equal(configuration.keyring.current, 'k1');
  t.equal(configuration.random(16).length, 16);
  t.match(configuration.ids(), /^[0-9a-f-]{36}$/);
});

t.test(
  'each bad value is refused: the option is named, its kind and the cure are told, the value is not repeated',
  async (t) => {
    const secret = 'hunter2-not-to-be-repeated';
    const cases: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
      ['store', { store: undefined }, /store \(not given\): .*openStore/],
      ['store', { store: 'postgres://user:hunter2@db/ehr' }, /store \(a string\): .*openStore/],
      ['store', { store: {} }, /store \(an object\): .*openStore/],
      ['publicUrl', { publicUrl: 5 }, /publicUrl \(a number\): .*text/],
      ['publicUrl', { publicUrl: secret }, /publicUrl is not a URL\. Write it whole/],
      ['publicUrl', { publicUrl: 'http://ehr.example.org' }, /publicUrl is not https\. .*localhost only/],
      ['publicUrl', { publicUrl: 'http://localhost.evil.org' }, /publicUrl is not https/],
      ['publicUrl', { publicUrl: 'http://127.0.0.1.evil.org' }, /publicUrl is not https/],
      ['publicUrl', { publicUrl: 'http://notlocalhost' }, /publicUrl is not https/],
      ['publicUrl', { publicUrl: 'javascript:alert(1)' }, /publicUrl is not https/],
      [
        'publicUrl',
        { publicUrl: 'https://user:hunter2@ehr.example.org' },
        /publicUrl has more than scheme, host, port and path/,
      ],
      ['publicUrl', { publicUrl: 'https://ehr.example.org?token=hunter2' }, /publicUrl has more than/],
      ['publicUrl', { publicUrl: 'https://ehr.example.org#hunter2' }, /publicUrl has more than/],
      ['keys', { keys: undefined }, /keys \(not given\)/],
      ['keys', { keys: secret }, /keys \(a string\)/],
      ['keys.current', { keys: { all: { k1: KEY } } }, /keys\.current \(not given\)/],
      [
        'keys.current',
        { keys: { current: 'k9', all: { k1: KEY } } },
        /keys\.current names a key that keys\.all does not hold\. Name one of: k1/,
      ],
      ['keys.all.k1', { keys: { current: 'k1', all: { k1: secret } } }, /keys\.all\.k1 .*openssl rand/],
      ['keys.all.k1', { keys: { current: 'k1', all: { k1: 5 } } }, /keys\.all\.k1 \(a number\): a key is 32 bytes/],
      ['categories', { categories: [] }, /categories \(a list\): at least one category/],
      ['categories', { categories: '5,8' }, /categories \(a string\)/],
      [
        'categories[0].id',
        { categories: [{ id: 5, name: 'x' }] },
        /categories\[0\]\.id \(a number\): .*text, also where it is a number/,
      ],
      ['categories[0].id', { categories: [{ id: '../5', name: 'x' }] }, /categories\[0\]\.id \(a string\): up to 64/],
      [
        'categories[1].name',
        {
          categories: [
            { id: '5', name: 'x' },
            { id: '8', name: ' ' },
          ],
        },
        /categories\[1\]\.name \(a string\): .*must not be empty/,
      ],
      [
        'categories[0].graceSeconds',
        { categories: [{ id: '5', name: 'x', graceSeconds: '10' }] },
        /categories\[0\]\.graceSeconds \(a string\): a whole number of seconds/,
      ],
      [
        'categories[0].strength',
        { categories: [{ id: '5', name: 'x', strength: 'strong' }] },
        /categories\[0\]\.strength \(a string\): any, multi-factor or phishing-resistant/,
      ],
      [
        'categories[0].scope',
        { categories: [{ id: '5', name: 'x', scope: 1 }] },
        /scope \(a number\): patient or category/,
      ],
      [
        'categories[0].sensitive',
        { categories: [{ id: '5', name: 'x', sensitive: 'false' }] },
        /sensitive \(a string\): true or false/,
      ],
      [
        'categories[0].accessAudit',
        { categories: [{ id: '5', name: 'x', accessAudit: 'off' }] },
        /accessAudit \(a string\): batched, awaited or none/,
      ],
      [
        'categories[0].codings[0].system',
        { categories: [{ id: '5', name: 'x', codings: [{ code: 'PSY' }] }] },
        /codings\[0\]\.system \(not given\)/,
      ],
      ['factors', { factors: [] }, /factors \(a list\): at least one factor/],
      ['factors[0]', { factors: ['totp'] }, /factors\[0\] \(a string\): .*totp\(/],
      ['isAdministrator', { isAdministrator: ['admin'] }, /isAdministrator \(a list\): a function of the principal/],
      ['defaults.enabled', { defaults: { enabled: 1 } }, /defaults\.enabled \(a number\): true or false/],
      [
        'defaults.graceSeconds',
        { defaults: { graceSeconds: '10' } },
        /defaults\.graceSeconds \(a string\): a whole number of seconds from 0 to 86400/,
      ],
      [
        'bounds.mostGraceSeconds',
        { bounds: { mostGraceSeconds: 1e9 } },
        /bounds\.mostGraceSeconds \(a number\): at most 86400/,
      ],
      ['reauthenticateActions', { reauthenticateActions: 'export' }, /reauthenticateActions \(a string\)/],
      ['reauthenticateActions[0]', { reauthenticateActions: [''] }, /reauthenticateActions\[0\]/],
      ['accountGraceSeconds', { accountGraceSeconds: 0 }, /accountGraceSeconds \(a number\): at least 30/],
      ['oneShotSeconds', { oneShotSeconds: 901 }, /oneShotSeconds \(a number\): at most 900/],
      ['challengeSeconds', { challengeSeconds: null }, /challengeSeconds \(null\)/],
      ['freshSignInSeconds', { freshSignInSeconds: Number.NaN }, /freshSignInSeconds \(a number\)/],
      ['oldBindingSeconds', { oldBindingSeconds: 1.5 }, /oldBindingSeconds \(a number\): a whole number/],
      ['confirmationSeconds', { confirmationSeconds: Number.POSITIVE_INFINITY }, /confirmationSeconds \(a number\)/],
      ['attempts.perWindow', { attempts: { perWindow: '10' } }, /attempts\.perWindow \(a string\): a whole number/],
      ['attempts.consecutive', { attempts: { consecutive: 101 } }, /attempts\.consecutive \(a number\): at most 100/],
      [
        'attempts.windowSeconds',
        { attempts: { windowSeconds: -1 } },
        /attempts\.windowSeconds \(a number\): at least 60/,
      ],
      [
        'limits.absoluteSeconds',
        { limits: { absoluteSeconds: 5 } },
        /limits\.absoluteSeconds \(a number\): at least 60/,
      ],
      [
        'limits.absoluteSeconds',
        { limits: { absoluteSeconds: 86_401 } },
        /limits\.absoluteSeconds \(a number\): at most 86400/,
      ],
      ['unknownCategories', { unknownCategories: 'allow' }, /unknownCategories \(a string\): refuse or ordinary/],
      ['nodes', { nodes: 2 }, /nodes \(a number\): one or several/],
      ['sessionState', { sessionState: {} }, /sessionState \(an object\): a session state store/],
      ['audit.queueLimit', { audit: { queueLimit: 0 } }, /audit\.queueLimit \(a number\): at least 100/],
      ['clock', { clock: Date }, /clock \(a function\): a clock has now\(\) and elapsed\(\)/],
      ['random', { random: 4 }, /random \(a number\): a function/],
      ['ids', { ids: 'uuid' }, /ids \(a string\): a function/],
      ['an unknown option', { graceSecond: 900 }, /graceSecond is no option\. Check the spelling/],
      ['an unknown option inside', { attempts: { perDay: 5 } }, /attempts: perDay is no option/],
      [
        'an unknown option of a category',
        { categories: [{ id: '5', name: 'x', grace: 0 }] },
        /categories\[0\]: grace is no option/,
      ],
    ];
    for (const [option, changes, expected] of cases) {
      const error = refusal(optionsOf(changes));
      t.equal(error.code, 'configuration_invalid', option);
      t.match(error.message, expected, option);
      t.notMatch(
        JSON.stringify([error.message, error.details, String(error.cause)]),
        /hunter2|10"|postgres:\/\//,
        `${option}: no value`,
      );
      t.equal(error.cause, undefined);
    }
    t.match(refusal(undefined).message, /the options \(not given\)/);
    t.match(refusal('x').message, /the options \(a string\)/);
  },
);

t.test('every fault is told at once', async (t) => {
  const problems = problemsOf(
    refusal(optionsOf({ publicUrl: 5, nodes: 'two', attempts: { perWindow: '10' }, oops: true })),
  );
  t.equal(problems.length, 4);
  for (const option of ['publicUrl', 'nodes', 'attempts.perWindow', 'oops'])
    t.ok(
      problems.some((problem) => problem.includes(option)),
      option,
    );
});

t.test('options are checked against each other', async (t) => {
  const phishingResistant = { ...totp({ issuer: 'EHR' }), id: 'passkey', strength: 'phishing-resistant' };
  const strict = [{ id: '8', name: 'x', strength: 'phishing-resistant' }];
  const unshared = memorySessionState();
  const shared = { ...Object.fromEntries(['read', 'begin', 'grant'].map((name) => [name, () => {}])), shared: true };
  const embedded = Object.assign(new FakeStore(), { shared: false });
  for (const [what, changes, expected] of [
    [
      'bounds swapped',
      { bounds: { leastGraceSeconds: 900, mostGraceSeconds: 300 } },
      /bounds\.leastGraceSeconds is above bounds\.mostGraceSeconds/,
    ],
    ['emergency access for nobody', { emergencyAccess: {} }, /emergencyAccess says nobody who may use it/],
    [
      'emergency access for a role that is not declared',
      { roles: [{ id: 'nurse', name: 'Nurse' }], emergencyAccess: { roles: ['nurse', 'medic'] } },
      /emergencyAccess\.roles names medic/,
    ],
    ['default above the bounds', { bounds: { mostGraceSeconds: 300 } }, /defaults\.graceSeconds is outside bounds/],
    ['default below the bounds', { bounds: { leastGraceSeconds: 901 } }, /defaults\.graceSeconds is outside bounds/],
    [
      'a category twice',
      {
        categories: [
          { id: '5', name: 'a' },
          { id: '5', name: 'b' },
        ],
      },
      /categories has 5 twice/,
    ],
    ['a factor twice', { factors: [totp({ issuer: 'a' }), totp({ issuer: 'b' })] }, /factors has totp twice/],
    [
      'a coding twice',
      { categories: ['5', '8'].map((id) => ({ id, name: 'a', codings: [{ system: 's', code: 'PSY' }] })) },
      /codings has s\|PSY twice/,
    ],
    [
      'a strength nobody has',
      { categories: strict },
      /categories: 8 asks for a phishing-resistant factor and none is configured\. Add passkey/,
    ],
    ['several nodes, own memory', { nodes: 'several' }, /nodes is several and sessionState is not shared/],
    [
      'several nodes, memory given',
      { nodes: 'several', sessionState: unshared },
      /nodes is several and sessionState is not shared/,
    ],
    [
      'several nodes, embedded database',
      { nodes: 'several', sessionState: shared, store: embedded },
      /the store is an embedded database/,
    ],
  ] as const) {
    t.match(refusal(optionsOf(changes)).message, expected, what);
  }
  for (const [what, changes] of [
    ['a strength somebody has', { categories: strict, factors: [totp({ issuer: 'EHR' }), phishingResistant] }],
    ['several nodes with shared state', { nodes: 'several', sessionState: shared }],
    ['http on this machine', { publicUrl: 'http://localhost:3000' }],
    ['http on 127.0.0.1', { publicUrl: 'http://127.0.0.1:3000/ehr/' }],
    ['http on ::1', { publicUrl: 'http://[::1]:3000' }],
    ['http on a name below localhost', { publicUrl: 'http://ehr.localhost' }],
  ] as const) {
    t.doesNotThrow(() => resolveConfiguration(optionsOf(changes)), what);
  }
  t.equal(
    resolveConfiguration(optionsOf({ publicUrl: 'https://ehr.example.org/a//' })).publicUrl.pathname,
    '/a',
    'without trailing slashes',
  );
});

t.test('the configuration is frozen, all through, and the host’s own objects are not', async (t) => {
  const store = new FakeStore();
  const clock = { now: () => 0, elapsed: () => 0, skew: { seconds: 0 } };
  const given = optionsOf({
    store,
    clock,
    categories: [{ id: '5', name: 'x', codings: [{ system: 's', code: 'c' }] }],
  });
  const configuration = resolveConfiguration(given);
  for (const [what, part] of Object.entries({
    configuration,
    defaults: configuration.defaults,
    bounds: configuration.bounds,
    attempts: configuration.attempts,
    limits: configuration.limits,
    actions: configuration.actions,
    enrolment: configuration.enrolment,
    signing: configuration.signing,
    factors: configuration.factors,
    category: configuration.categories.get('5'),
    codings: configuration.categories.get('5')?.codings,
    coding: configuration.categories.get('5')?.codings[0],
  })) {
    t.ok(Object.isFrozen(part), what);
  }
  t.throws(() => Object.assign(configuration.attempts, { perWindow: 1e9 }), TypeError);
  for (const [what, part] of Object.entries({
    store,
    rows: store.rows,
    clock,
    skew: clock.skew,
    options: given,
    given: given.categories,
  })) {
    t.notOk(Object.isFrozen(part), `${what} is the host's`);
  }
  (given.categories[0] as { name: string }).name = 'changed later';
  t.equal(configuration.categories.get('5')?.name, 'x', 'a later change of what was given changes nothing');
});

t.test(
  'settings: the workspace chooses within what code declares, and today’s bounds hold for yesterday’s choice',
  async (t) => {
    const configuration = resolveConfiguration(
      optionsOf({
        categories: [
          { id: '5', name: 'a' },
          { id: '8', name: 'b', graceSeconds: 60 },
          { id: '9', name: 'c', sensitive: false },
          { id: '0', name: 'd', graceSeconds: 0 },
        ],
        bounds: { leastGraceSeconds: 30, mostGraceSeconds: 1200 },
      }),
    );
    const graceOf = (graceSeconds: number, categories = ['5', '8', '0']) => {
      const settings = effectiveSettings(configuration, 'clinic', 1, {
        ...defaultSettings(configuration),
        categories,
        graceSeconds,
      });
      return { ...settings.grace.byCategory, default: settings.grace.defaultSeconds };
    };
    t.strictSame(defaultSettings(configuration), {
      enabled: true,
      graceSeconds: 900,
      categories: ['5', '8', '0'],
      categoryPolicies: {},
      reauthenticateActions: [],
      exemptions: [],
      mustEnrolRoles: null,
      untilEnrolled: 'sensitive-only',
      roleLimits: {},
      secondAdministrator: false,
      emergencyAccess: { enabled: true, roles: null, windowSeconds: null },
    });
    t.strictSame(graceOf(900), { 5: 900, 8: 60, 0: 0, default: 900 });
    t.strictSame(graceOf(45), { 5: 45, 8: 45, 0: 0, default: 45 }, 'a category is at most what the workspace chose');
    t.strictSame(graceOf(3600), { 5: 1200, 8: 60, 0: 0, default: 1200 });
    t.strictSame(graceOf(0), { 5: 30, 8: 30, 0: 0, default: 30 });
    t.strictSame(
      graceOf(900, ['9', 'gone']),
      { 9: 900, default: 900 },
      'a category that code no longer declares is none',
    );
    for (const bad of [
      '',
      '{',
      'null',
      '[]',
      '{"enabled":true}',
      '{"enabled":"true","categories":[],"graceSeconds":1}',
      '{"enabled":true,"categories":[],"graceSeconds":-1}',
      '{"enabled":true,"categories":[],"graceSeconds":1,"x":1}',
    ]) {
      t.throws(() => parseStoredSettings(bad), bad);
    }
  },
);

t.test('the list of OpenEMR: digits and commas, each once, in order', async (t) => {
  for (const [list, ids] of [
    ['5,8,12', ['5', '8', '12']],
    [' 5 , 8\t,\n12 ', ['5', '8', '12']],
    ['', []],
    ['   ', []],
    ['5,5,05', ['5']],
    ['0', ['0']],
    ['000', ['0']],
    ['007', ['7']],
  ] as const) {
    t.strictSame(parseCategoryList(list), [...ids], JSON.stringify(list));
  }
  for (const bad of [
    '5,',
    ',5',
    '5,,8',
    '5;8',
    '5 8',
    '-5',
    '5.0',
    '0x5',
    '1e3',
    '٥',
    '5,8; DROP TABLE',
    'all',
    '*',
    '1'.repeat(19),
    '5,'.repeat(3000),
  ]) {
    t.throws(
      () => parseCategoryList(bad),
      { code: 'input_invalid', status: 400, details: { field: 'stepup_mfa_categories', cure: /5,8,12/ } },
      bad.slice(0, 20),
    );
  }
  const property = fc.property(
    fc.uniqueArray(fc.nat({ max: 999_999 }), { maxLength: 50 }),
    fc.constantFrom('', ' ', '\t'),
    (numbers, blank) => {
      const ids = numbers.map(String);
      return (
        JSON.stringify(parseCategoryList(ids.map((id) => `${blank}${id}${blank}`).join(','))) === JSON.stringify(ids)
      );
    },
  );
  t.doesNotThrow(() => fc.assert(property), 'what is printed is read back');
});

t.test('codings mean a category by system and code together', async (t) => {
  const { categories } = resolveConfiguration(
    optionsOf({
      categories: [
        {
          id: '8',
          name: 'x',
          codings: [
            { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY' },
            { system: 'urn:x', code: 'PSYTHPN' },
          ],
        },
        { id: '5', name: 'y', codings: [{ system: 'urn:x', code: 'KET' }] },
      ],
    }),
  );
  const detect = categoryDetector(categories.values());
  const actCode = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
  t.strictSame(detect([{ system: actCode, code: 'PSY' }]), ['8']);
  t.strictSame(detect([{ system: 'urn:other', code: 'PSY' }]), [], 'bare codes collide between systems');
  t.strictSame(detect([{ code: 'PSY' }, { system: actCode }, {}]), []);
  t.strictSame(detect([{ system: actCode, code: 'psy' }]), []);
  t.strictSame(
    detect([
      { system: 'urn:x', code: 'PSYTHPN' },
      { system: actCode, code: 'PSY' },
      { system: 'urn:x', code: 'KET' },
    ]),
    ['8', '5'],
    'each once',
  );
  t.strictSame(detect([{ system: `${actCode}","PSY`, code: '' }]), [], 'no way to write one as the other');
  t.strictSame(detect([]), []);
});

t.test('random tokens have the bits they say', async (t) => {
  t.equal(
    randomToken((count) => new Uint8Array(count).fill(255), 128),
    '_____________________w',
  );
  t.equal(
    Buffer.from(
      randomToken((count) => randomBytes(count), 256),
      'base64url',
    ).length,
    32,
  );
});
