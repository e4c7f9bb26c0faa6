import fc from 'fast-check';
import t from 'tap';
import { type CountersignOptions, resolveConfiguration } from '../../src/configuration/configuration.ts';
import { totp } from '../../src/factors/totp.ts';
import { effectiveSettings, settingsBounds, type WorkspaceSettings } from '../../src/flows/effective-settings.ts';
import { decide, type Facts } from '../../src/policy/decide.ts';
import { exemptionFor } from '../../src/policy/exemption.ts';
import type { Proof } from '../../src/policy/proof.ts';
import type { Requirement } from '../../src/policy/requirement.ts';
import type { EffectiveSettings } from '../../src/policy/settings.ts';
import { isLoosening, type Loosening, type SettingsBounds } from '../../src/policy/settings-change.ts';
import { settingsWarnings } from '../../src/policy/settings-warnings.ts';
import { strengths } from '../../src/policy/strength.ts';
import { FakeStore } from '../support/fake-store.ts';

const configuration = resolveConfiguration({
  store: new FakeStore(),
  publicUrl: 'https://ehr.example.org',
  keys: { current: 'k1', all: { k1: Buffer.from(Array.from({ length: 32 }, (_, at) => at * 7)) } },
  categories: [
    { id: '5', name: 'Ketamine infusion' },
    { id: '8', name: 'Psychotherapy', graceSeconds: 300, actions: ['view', 'edit'] },
    { id: '12', name: 'Substance use treatment', scope: 'category' },
  ],
  factors: [totp({ issuer: 'Example EHR' })],
  roles: [
    { id: 'physician', name: 'Physician' },
    { id: 'desk', name: 'Front desk', clinical: false },
  ],
  limits: { absoluteSeconds: 3600 },
  emergencyAccess: { roles: ['physician', 'desk'], windowSeconds: 3600 },
  reauthenticateActions: ['export', { action: 'delete', withinSeconds: 60 }],
} satisfies CountersignOptions);
const bounds: SettingsBounds = settingsBounds(configuration);

const plain: WorkspaceSettings = {
  enabled: true,
  categories: ['5', '8', '12'],
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
const settingsOf = (change: Partial<WorkspaceSettings>): WorkspaceSettings => ({ ...plain, ...change });
const emergency = (change: Partial<WorkspaceSettings['emergencyAccess']>) => ({ ...plain.emergencyAccess, ...change });
const words = (found: readonly Loosening[]) =>
  found.map(({ kind, about }) => (about === null ? kind : `${kind} ${about}`));
const between = (before: Partial<WorkspaceSettings>, after: Partial<WorkspaceSettings>) =>
  words(isLoosening(settingsOf(before), settingsOf(after), bounds));

t.test('each way of asking less has its name, and its opposite is none', async (t) => {
  const exempt = (value: string, categories: string[] | null) => ({ kind: 'role' as const, value, categories });
  const cases: [Partial<WorkspaceSettings>, Partial<WorkspaceSettings>, string[]][] = [
    [{ enabled: true }, { enabled: false }, ['disabled']],
    [{}, { categories: ['5', '12'] }, ['category-removed 8']],
    [{ graceSeconds: 300 }, { graceSeconds: 600 }, ['grace-longer', 'grace-longer 5', 'grace-longer 12']],
    [{ categoryPolicies: { 5: { graceSeconds: 60 } } }, {}, ['grace-longer 5']],
    [{ categoryPolicies: { 5: { strength: 'multi-factor' } } }, {}, ['strength-weaker 5']],
    [{ categoryPolicies: { 5: { scope: 'category' } } }, {}, ['scope-wider 5']],
    [{}, { categoryPolicies: { 5: { actions: ['view'] } } }, ['actions-fewer 5']],
    [{ categoryPolicies: { 8: { actions: ['export'] } } }, {}, ['actions-fewer 8']],
    [{}, { exemptions: [exempt('physician', ['5'])] }, ['exemption-added physician']],
    [
      { exemptions: [exempt('physician', ['5'])] },
      { exemptions: [exempt('physician', ['5', '8'])] },
      ['exemption-widened physician'],
    ],
    [
      { exemptions: [exempt('physician', ['5']), exempt('physician', ['8'])] },
      { exemptions: [exempt('physician', ['5', '8'])] },
      // A record of both was exempt by neither.
      ['exemption-widened physician'],
    ],
    [
      { exemptions: [exempt('physician', ['5', '8', '12'])] },
      { exemptions: [exempt('physician', null)] },
      ['exemption-widened physician'],
    ],
    [{}, { mustEnrolRoles: [] }, ['roles-removed physician']],
    [{ mustEnrolRoles: ['desk', 'physician'] }, {}, ['roles-removed desk']],
    [{ untilEnrolled: 'refuse' }, {}, ['until-enrolled-looser']],
    [{ roleLimits: { desk: { absoluteSeconds: 600 } } }, {}, ['limit-longer desk']],
    [
      { roleLimits: { desk: { idleSeconds: 600 } } },
      { roleLimits: { desk: { idleSeconds: 601 } } },
      ['limit-longer desk'],
    ],
    [
      { reauthenticateActions: ['view', 'delete'] },
      {},
      ['reauthentication-removed view', 'reauthentication-removed delete'],
    ],
    [{ secondAdministrator: true }, {}, ['second-administrator-off']],
    [{ emergencyAccess: emergency({ enabled: false }) }, {}, ['emergency-access-wider']],
    [{ emergencyAccess: emergency({ roles: ['physician'] }) }, {}, ['emergency-access-wider']],
    [
      { emergencyAccess: emergency({ roles: ['physician'] }) },
      { emergencyAccess: emergency({ roles: ['physician', 'desk'] }) },
      ['emergency-access-wider'],
    ],
    [{ emergencyAccess: emergency({ windowSeconds: 600 }) }, {}, ['emergency-access-wider']],
  ];
  for (const [before, after, expected] of cases) {
    t.strictSame(between(before, after), expected, expected.join());
    t.strictSame(between(after, before), [], `and back: ${expected.join()}`);
  }
});

t.test('what changes nothing that is asked is no loosening', async (t) => {
  t.strictSame(
    between({ emergencyAccess: emergency({ windowSeconds: 3600 }) }, {}),
    [],
    'no emergency access is longer anyway',
  );
  const off = emergency({ enabled: false });
  t.strictSame(
    between({ emergencyAccess: off }, { emergencyAccess: { ...off, roles: null, windowSeconds: null } }),
    [],
    'and nobody has any',
  );
  t.strictSame(
    words(isLoosening({ ...plain, emergencyAccess: off }, plain, { ...bounds, emergencySeconds: undefined })),
    [],
    'where code knows none',
  );
  t.strictSame(between({ roleLimits: { desk: { absoluteSeconds: 3600 } } }, {}), [], 'every session has that limit');
  t.strictSame(between({ reauthenticateActions: ['export'] }, {}), [], 'code asks for it each time');
  t.strictSame(between({ categoryPolicies: { 8: { graceSeconds: 600 } } }, {}), [], 'code held it below');
  t.strictSame(between({ mustEnrolRoles: ['physician'] }, {}), [], 'the clinical roles are just these');
  t.strictSame(between({ categories: ['5', '8', '12', 'retired'] }, {}), [], 'what is not declared asks nothing');
});

t.test('what this release does not know counts as loosening', async (t) => {
  const odd = { ...plain, nightShift: true } as WorkspaceSettings;
  t.strictSame(words(isLoosening(plain, odd, bounds)), ['unrecognised nightShift']);
  t.strictSame(words(isLoosening(odd, plain, bounds)), ['unrecognised nightShift']);
  t.strictSame(words(isLoosening(odd, odd, bounds)), []);
  const policy = { ...plain, categoryPolicies: { 5: { colour: 'red' } } } as unknown as WorkspaceSettings;
  t.strictSame(words(isLoosening(plain, policy, bounds)), ['unrecognised 5']);
  const limit = (colour: string) => ({ ...plain, roleLimits: { desk: { colour } } }) as unknown as WorkspaceSettings;
  t.strictSame(words(isLoosening(limit('red'), limit('blue'), bounds)), ['unrecognised desk']);
});

const some = <T>(values: readonly T[]) => fc.subarray([...values]);
const absent = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const ids = ['5', '8', '12'];
const actions = ['view', 'edit', 'export', 'delete'];
const seconds = fc.constantFrom(0, 60, 300, 600, 900);

const policies = fc.dictionary(
  fc.constantFrom(...ids),
  fc.record({
    graceSeconds: absent(seconds),
    strength: absent(fc.constantFrom(...strengths)),
    scope: absent(fc.constantFrom('patient' as const, 'category' as const)),
    actions: absent(fc.subarray(actions, { minLength: 1 })),
  }),
);
const exemption = fc.oneof(
  fc.record({
    kind: fc.constant('role' as const),
    value: fc.constantFrom<string | null>('physician', 'desk'),
    categories: fc.option(fc.subarray(ids, { minLength: 1 })),
  }),
  fc.record({
    kind: fc.constant('provider' as const),
    value: fc.constantFrom<string | null>('carol', 'dan'),
    categories: fc.option(fc.subarray(ids, { minLength: 1 })),
  }),
);
const anySettings: fc.Arbitrary<WorkspaceSettings> = fc.record({
  enabled: fc.boolean(),
  categories: some(ids),
  graceSeconds: seconds,
  categoryPolicies: policies,
  reauthenticateActions: some(actions),
  exemptions: fc.array(exemption, { maxLength: 3 }),
  mustEnrolRoles: fc.option(some(['physician', 'desk'])),
  untilEnrolled: fc.constantFrom('sensitive-only' as const, 'refuse' as const),
  roleLimits: fc.dictionary(
    fc.constantFrom('physician', 'desk'),
    fc.record({
      absoluteSeconds: absent(fc.constantFrom(600, 1800, 3600)),
      idleSeconds: absent(fc.constantFrom(300, 600)),
    }),
  ),
  secondAdministrator: fc.boolean(),
  emergencyAccess: fc.record({
    enabled: fc.boolean(),
    roles: fc.option(some(['physician', 'desk'])),
    windowSeconds: fc.option(fc.constantFrom(300, 600, 3600)),
  }),
});
const loosens = (before: WorkspaceSettings, after: WorkspaceSettings) => isLoosening(before, after, bounds).length > 0;

/** As much of `other` as can be taken over without asking less. */
function tightened(base: WorkspaceSettings, other: WorkspaceSettings): WorkspaceSettings {
  let so = base;
  for (const name of Object.keys(base) as (keyof WorkspaceSettings)[]) {
    const next = { ...so, [name]: other[name] };
    if (!loosens(so, next)) so = next;
  }
  return so;
}

t.test('of two settings that ask differently, one loosens the other; nothing loosens itself', async (t) => {
  const effect = (chosen: WorkspaceSettings) => {
    const settings = effectiveSettings(configuration, 'clinic', 1, chosen);
    const { categories, reauthentication, exemptions, enrolment, roleLimits, enabled, grace, emergencyAccess } =
      settings;
    const sorted = (values: Iterable<string>) => [...values].sort();
    return JSON.stringify([
      enabled,
      grace.defaultSeconds,
      [...categories.values()].map(({ actions: asked, ...rest }) => [rest, asked === null ? null : sorted(asked)]),
      sorted(reauthentication.keys()),
      exemptions.map(({ kind, value, categories: named }) => [kind, value, named === null ? null : sorted(named)]),
      [sorted(enrolment.roles), enrolment.until],
      [...roleLimits],
      chosen.roleLimits,
      chosen.secondAdministrator,
      emergencyAccess.enabled
        ? [emergencyAccess.roles === null ? null : sorted(emergencyAccess.roles), emergencyAccess.windowSeconds]
        : null,
    ]);
  };
  // But for exemptions that another one covers, and limits that all sessions have.
  const settled = (chosen: WorkspaceSettings) => effect({ ...chosen, exemptions: [], roleLimits: {} });
  fc.assert(
    fc.property(anySettings, anySettings, anySettings, (base, other, third) => {
      for (const [one, two] of [
        [base, other],
        [base, tightened(base, other)],
      ] as const) {
        if (!loosens(one, two) && !loosens(two, one)) t.equal(settled(one), settled(two), 'they ask the same');
      }
      if (loosens(base, base)) t.fail(`loosens itself: ${JSON.stringify(base)}`);
      const stricter = tightened(base, other);
      if (loosens(base, tightened(stricter, third)))
        t.fail(`loosened in steps: ${JSON.stringify({ base, other, third })}`);
    }),
    { numRuns: 500 },
  );
  t.pass('held');
});

const NOW = 1_800_000_000_000;
const request = fc.record({
  action: fc.constantFrom(...actions),
  categories: some(ids),
  roles: some(['physician', 'desk']),
  userId: fc.constantFrom('carol', 'dan'),
  hasFactor: fc.boolean(),
  signedInAgo: fc.constantFrom(0, 700, 2000, 3599),
  proofs: fc.array(
    fc.record({
      ago: fc.constantFrom(0, 59, 60, 299, 300, 600, 899),
      strength: fc.constantFrom(...strengths),
      scope: fc.option(fc.constantFrom(...ids)),
      grace: seconds,
    }),
    { maxLength: 3 },
  ),
});

function outcomeUnder(settings: EffectiveSettings, asked: typeof request extends fc.Arbitrary<infer T> ? T : never) {
  const principal = {
    userId: asked.userId,
    workspaceId: 'clinic',
    roles: asked.roles,
    displayName: '',
    signedInAt: new Date(NOW - asked.signedInAgo * 1000),
    sessionKey: 's',
  };
  const requirement: Requirement = {
    workspaceId: 'clinic',
    action: asked.action,
    operation: 'op',
    subjects: [
      {
        patientId: 'p1',
        categories: asked.categories
          .map((id) => settings.categories.get(id))
          .filter((one) => one !== undefined)
          .filter((one) => one.actions === null || one.actions.has(asked.action)),
      },
    ],
  };
  const proofs = asked.proofs.map(
    ({ ago, strength, scope, grace }): Proof => ({
      workspaceId: 'clinic',
      userId: asked.userId,
      sessionNumber: 'n',
      patientId: 'p1',
      scope,
      factor: 'totp',
      strength,
      verifiedAt: NOW - ago * 1000,
      terms: { defaultSeconds: grace, byCategory: {}, accountSeconds: 300 },
    }),
  );
  const session = { number: 'n', ended: false, hasFactor: asked.hasFactor, lastActivityAt: NOW, proofs };
  const exemption = exemptionFor({ principal, requirement, settings, service: null, treating: 'unasked' });
  const facts: Facts = { principal, session, requirement, settings, exemption, factors: 'not-loaded', now: NOW };
  return decide(facts).outcome;
}

t.test('whatever a change without loosening allows, was allowed before', async (t) => {
  fc.assert(
    fc.property(anySettings, anySettings, request, (before, other, asked) => {
      const after = tightened(before, other);
      const under = (chosen: WorkspaceSettings) =>
        outcomeUnder(effectiveSettings(configuration, 'clinic', 1, chosen), asked);
      if (under(after) === 'allow' && under(before) !== 'allow')
        t.fail(`allowed by tightening: ${JSON.stringify({ before, after, asked })}`);
    }),
    { numRuns: 1500 },
  );
  t.pass('held');
});

t.test('what is allowed and seldom meant is warned about', async (t) => {
  const warned = (change: Partial<WorkspaceSettings>) =>
    settingsWarnings(settingsOf(change), configuration.roles).map(({ kind, about }) => [kind, about].join(' ').trim());
  const exempt = (value: string, categories: string[] | null = null) => ({ kind: 'role' as const, value, categories });
  t.strictSame(warned({}), []);
  t.strictSame(warned({ enabled: false }), ['disabled']);
  t.strictSame(warned({ categories: [] }), ['nothing-sensitive']);
  t.strictSame(warned({ exemptions: [exempt('desk')] }), ['exempt-from-everything desk']);
  t.strictSame(warned({ exemptions: [exempt('desk', ['5', '8', '12'])] }), ['exempt-from-everything desk']);
  t.strictSame(warned({ exemptions: [exempt('desk', ['5'])] }), []);
  t.strictSame(warned({ exemptions: [exempt('desk'), exempt('physician')] }), ['everybody-exempt']);
  t.strictSame(warned({ mustEnrolRoles: [] }), ['nobody-must-enrol']);
  t.strictSame(warned({ untilEnrolled: 'refuse' }), ['refused-until-enrolled']);
});
