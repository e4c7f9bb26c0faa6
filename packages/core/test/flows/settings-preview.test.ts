// "Who would have been asked?", answered from a log that is made up: no database, no clock.
import t from 'tap';
import type { AuditCode, AuditRecord } from '../../src/audit/event.ts';
import { type CountersignOptions, resolveConfiguration } from '../../src/configuration/configuration.ts';
import { totp } from '../../src/factors/totp.ts';
import { effectiveSettings, type WorkspaceSettings } from '../../src/flows/effective-settings.ts';
import type { Services } from '../../src/flows/services.ts';
import { previewOf, previewPeriod } from '../../src/flows/settings-preview.ts';
import { FakeStore } from '../support/fake-store.ts';

const NOW = 1_800_000_000_000;
const configuration = resolveConfiguration({
  store: new FakeStore(),
  publicUrl: 'https://ehr.example.org',
  keys: { current: 'k1', all: { k1: Buffer.from(Array.from({ length: 32 }, (_, at) => at * 7)) } },
  categories: [
    { id: '5', name: 'Ketamine infusion' },
    { id: '8', name: 'Psychotherapy' },
    { id: '12', name: 'Substance use treatment', accessAudit: 'none' },
  ],
  factors: [
    totp({ issuer: 'Example EHR' }),
    { ...totp({ issuer: 'Example EHR' }), id: 'strong', strength: 'phishing-resistant' },
  ],
  clock: { now: () => NOW, elapsed: () => 0 },
} satisfies CountersignOptions);

const plain: WorkspaceSettings = {
  enabled: true,
  categories: ['5', '8'],
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
const under = (change: Partial<WorkspaceSettings> = {}) =>
  effectiveSettings(configuration, 'clinic', 1, { ...plain, ...change });

let count = 0;
/** An event, `minutes` after the week began. */
function event(minutes: number, code: AuditCode, members: Partial<AuditRecord> = {}): AuditRecord {
  count += 1;
  return {
    code,
    outcome: 'success',
    workspaceId: 'clinic',
    userId: 'carol',
    actorId: null,
    session: 's1',
    patientId: 'p1',
    categories: '5',
    action: 'view',
    method: 'GET',
    route: '/visits/:id',
    factor: null,
    reason: null,
    challengeId: null,
    emergencyAccessId: null,
    ip: null,
    userAgent: null,
    requestId: `r${count}`,
    details: null,
    id: `00000000-0000-7000-8000-${String(count).padStart(12, '0')}`,
    at: NOW - 7 * 86_400_000 + minutes * 60_000,
    stream: 'x',
    index: count,
    hash: new Uint8Array(32),
    ...members,
  };
}
const seen = (minutes: number, members: Partial<AuditRecord> = {}) => event(minutes, 'ACCESS_ALLOWED', members);
const period = { from: NOW - 7 * 86_400_000, until: NOW, cut: false };
const previewed = (events: readonly AuditRecord[], change: Partial<WorkspaceSettings>, now = under()) =>
  previewOf(configuration, events, now, under(change), period);

t.test('a shorter grace period asks more often, a longer one less, each once per window', async (t) => {
  const events = [0, 4, 8, 14, 16, 40].map((minutes) => seen(minutes));
  t.match(previewed(events, {}).asked, { before: 3, after: 3 }, 'at 0, 16 and 40');
  t.match(previewed(events, { graceSeconds: 300 }).asked, { before: 3, after: 4 }, 'at 0, 8, 14 and 40');
  t.match(previewed(events, { graceSeconds: 3600 }).asked, { before: 3, after: 1 });
  t.match(previewed(events, { graceSeconds: 0 }).asked, { before: 3, after: 6 }, 'every operation');
  t.match(previewed(events, { enabled: false }).asked, { before: 3, after: 0 });
});

t.test('a refusal and the access that follows its answer are one access, also where each operation asks', async (t) => {
  const asked = (challengeId: string, members: Partial<AuditRecord> = {}) => ({ challengeId, ...members });
  const events = [
    event(0, 'MFA_REQUIRED', asked('c1')),
    event(0, 'MFA_REQUIRED', asked('c1')),
    event(1, 'MFA_SUCCESS', { factor: 'totp', challengeId: 'c1' }),
    seen(1, { reason: 'one-shot' }),
    event(2, 'MFA_REQUIRED', asked('c2')),
    event(3, 'MFA_SUCCESS', { factor: 'totp', challengeId: 'c2' }),
    seen(3, { reason: 'one-shot' }),
  ];
  const { accesses, asked: counts } = previewed(events, { graceSeconds: 0 });
  t.equal(accesses, 2, 'refused side by side, they share a challenge');
  t.strictSame(counts, { before: 1, after: 2 });
});

t.test('one request about two patients is one question', async (t) => {
  const events = [
    event(0, 'MFA_REQUIRED', { challengeId: 'c1', requestId: 'a' }),
    event(0, 'MFA_REQUIRED', { challengeId: 'c1', requestId: 'a', patientId: 'p2' }),
    seen(20, { requestId: 'b' }),
    seen(20, { requestId: 'b', patientId: 'p2' }),
  ];
  t.match(previewed(events, {}), { accesses: 2, asked: { before: 2, after: 2 } });
});

t.test('sessions, patients and people have windows of their own', async (t) => {
  const events = [
    seen(0),
    seen(1, { session: 's2' }),
    seen(2, { patientId: 'p2' }),
    seen(3, { userId: 'dan' }),
    seen(4, { userId: 'dan', actorId: 'eve' }),
    seen(5),
  ];
  const preview = previewed(events, { enabled: false });
  t.strictSame(preview.asked, { before: 5, after: 0 });
  t.strictSame(
    preview.users,
    [
      { userId: 'carol', before: 3, after: 0 },
      { userId: 'dan', before: 1, after: 0 },
      { userId: 'eve', before: 1, after: 0 },
    ],
    'under impersonation the person who really acts is asked',
  );
  t.equal(preview.people, 3);
});

t.test('categories: which ones ask, for which actions, in which scope', async (t) => {
  const events = [
    seen(0, { categories: '5' }),
    seen(1, { categories: '8' }),
    seen(2, { action: 'edit', categories: '5' }),
  ];
  t.strictSame(previewed(events, { categories: ['8'] }).categories, [
    { categoryId: '5', before: 1, after: 0 },
    { categoryId: '8', before: 0, after: 1 },
  ]);
  t.match(previewed(events, { categoryPolicies: { 8: { scope: 'category' } } }).asked, { before: 1, after: 2 });
  t.match(previewed(events, { categoryPolicies: { 5: { actions: ['edit'] } } }).asked, { before: 1, after: 1 });
  t.match(previewed(events, { categoryPolicies: { 5: { actions: ['edit'] }, 8: { actions: ['edit'] } } }).users, [
    { before: 1, after: 1 },
  ]);
});

t.test('actions that ask again', async (t) => {
  const exported = { action: 'export', categories: null };
  const events = [seen(0), seen(1, exported), seen(2, exported), seen(3, { action: 'edit' })];
  t.strictSame(previewed(events, { reauthenticateActions: ['edit'] }).asked, { before: 3, after: 4 });
  t.match(
    previewed(events, {}).categories.filter(({ categoryId }) => categoryId === null),
    [{ before: 2, after: 2 }],
    'the action alone',
  );
});

t.test('exemptions: a person by name, a role and a treatment only where the log has shown them', async (t) => {
  const exempted = (minutes: number, members: Partial<AuditRecord>) => event(minutes, 'EXEMPTION_APPLIED', members);
  const events = [
    seen(0),
    exempted(10, { userId: 'dan', reason: 'role: nurse' }),
    exempted(20, { userId: 'eve', reason: 'treatment-relationship: treating', patientId: 'p7' }),
    seen(30, { userId: 'dan', action: 'export' }),
  ];
  const rule = (kind: 'role' | 'provider' | 'treatment-relationship', value: string | null) => ({
    exemptions: [{ kind, value, categories: null }],
  });
  t.strictSame(previewed(events, {}).asked, { before: 4, after: 4 });
  t.strictSame(previewed(events, rule('provider', 'carol')).asked, { before: 4, after: 3 });
  t.strictSame(previewed(events, rule('role', 'nurse')).asked, { before: 4, after: 3 }, 'not for the export');
  t.strictSame(previewed(events, rule('role', 'surgeon')).asked, { before: 4, after: 4 });
  t.strictSame(previewed(events, rule('treatment-relationship', null)).asked, { before: 4, after: 3 });
  t.strictSame(previewed(events, rule('role', 'nurse')).unknown, ['roles']);
  t.strictSame(previewed(events, rule('treatment-relationship', null)).unknown, ['treatment']);
});

t.test('whoever has no factor is refused, each time; other refusals are left out', async (t) => {
  const denied = (minutes: number, reason: string, members: Partial<AuditRecord> = {}) =>
    event(minutes, 'ACCESS_DENIED', { outcome: 'refused', reason, ...members });
  const events = [
    denied(0, 'no-suitable-factor'),
    denied(1, 'no-suitable-factor'),
    denied(2, 'must-enrol'),
    denied(3, 'session-ended'),
    denied(4, 'cross-site', { patientId: null, action: null }),
    denied(5, 'not-an-administrator', { patientId: null, action: 'administer', session: null }),
  ];
  t.match(previewed(events, { categories: [] }), {
    accesses: 3,
    asked: { before: 0, after: 0 },
    refused: { before: 3, after: 0 },
  });
});

t.test('a stronger factor: who was not seen with one', async (t) => {
  const events = [
    seen(0),
    event(0, 'MFA_SUCCESS', { factor: 'totp' }),
    seen(0, { userId: 'dan' }),
    event(0, 'MFA_SUCCESS', { userId: 'dan', factor: 'strong' }),
  ];
  const { withoutStrongFactor } = previewed(events, { categoryPolicies: { 5: { strength: 'phishing-resistant' } } });
  t.equal(withoutStrongFactor, 1);
  t.equal(previewed(events, {}).withoutStrongFactor, 0);
});

t.test('what the log cannot tell is said', async (t) => {
  const unknown = (change: Partial<WorkspaceSettings>, now = under()) => previewed([], change, now).unknown;
  t.strictSame(unknown({}), []);
  t.strictSame(unknown({ categories: ['5', '8', '12'] }), ['unmarked-categories', 'unlogged-accesses']);
  t.strictSame(unknown({}, under({ enabled: false })), ['unmarked-categories']);
  t.strictSame(unknown({ roleLimits: { desk: { absoluteSeconds: 600 } } }), ['session-limits']);
  t.strictSame(unknown({ untilEnrolled: 'refuse' }), ['enrolment']);
});

t.test('the log is read in bounded pages, the newest first, and a cut is said', async (t) => {
  const events = Array.from({ length: 25 }, (_, index) => seen(index * 20));
  const pages: number[] = [];
  const store = {
    async auditEvents(query: { limit: number; from: number; before?: { at: number; id: string } }) {
      pages.push(query.limit);
      const newest = events.filter(({ at }) => at >= query.from).reverse();
      const from = query.before === undefined ? 0 : newest.findIndex(({ id }) => id === query.before?.id) + 1;
      return newest.slice(from, from + query.limit);
    },
  };
  const services = { configuration, store } as unknown as Services;
  const whole = await previewPeriod(services, 'clinic', under(), under({ enabled: false }));
  t.match(whole, { cut: false, accesses: 25, asked: { before: 25, after: 0 } });
  t.equal(whole.from.getTime(), period.from);
  t.strictSame(pages, [1000]);
  const part = await previewPeriod(services, 'clinic', under(), under(), 10);
  t.match(part, { cut: true, accesses: 10 });
  t.equal(part.from.getTime(), events[15]?.at, 'the period begins where the events do');
  const just = await previewPeriod(services, 'clinic', under(), under(), 25);
  t.match(just, { cut: false, accesses: 25 });
});
