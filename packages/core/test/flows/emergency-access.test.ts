// Threats 16, 24, 29, 30: emergency access opens what it is for, to whom it is for, for as long as it says, and nothing else. Two
// nodes share a store in memory; what takes a real database is in test/contracts and test/attacks.
import { randomBytes, randomUUID } from 'node:crypto';
import { generateSync } from 'otplib';
import t, { type Test } from 'tap';
import { manualClock } from '../../../../test/support/clock.ts';
import { until } from '../../../../test/support/until.ts';
import type { CountersignOptions } from '../../src/configuration/configuration.ts';
import { createCountersign } from '../../src/countersign.ts';
import type { CountersignError } from '../../src/errors/countersign-error.ts';
import { recoveryCodes } from '../../src/factors/recovery-codes.ts';
import { totp } from '../../src/factors/totp.ts';
import type { EmergencyRequest } from '../../src/flows/emergency-grant.ts';
import { keysInUse } from '../../src/flows/rotate-keys.ts';
import { Keyring } from '../../src/keys/keyring.ts';
import { isSufficientReason, reminderDue } from '../../src/policy/emergency.ts';
import type { Principal } from '../../src/policy/principal.ts';
import { FakeStore } from '../support/fake-store.ts';

const reason = 'Unresponsive after the infusion, dose needed now.';
const clinical = (patientId = 'p1', change: Partial<EmergencyRequest> = {}): EmergencyRequest => ({
  purpose: 'clinical',
  patientId,
  reason,
  purposeOfUse: 'ETREAT',
  ...change,
});
const administrative: EmergencyRequest = { purpose: 'administrative', patientId: null, reason, purposeOfUse: 'BTG' };

async function world(test: Test, changes: Partial<CountersignOptions> = {}, store = new FakeStore()) {
  const keys = { current: 'k1', all: { k1: randomBytes(32) } };
  const clock = manualClock();
  const open = async (own = clock, otherKeys: CountersignOptions['keys'] | null = null) => {
    const node = await createCountersign({
      store,
      clock: own,
      keys,
      publicUrl: 'https://ehr.example.org',
      categories: [
        { id: '5', name: 'Ketamine infusion' },
        { id: '8', name: 'Psychotherapy', accessAudit: 'none' },
      ],
      factors: [totp({ issuer: 'Example EHR' }), recoveryCodes()],
      isAdministrator: (principal) => principal.roles.includes('admin'),
      emergencyAccess: { roles: ['clinician'] },
      ...changes,
      ...(otherKeys === null ? {} : { keys: otherKeys }),
    });
    test.teardown(() => node.close());
    return node;
  };
  const node = await open();
  const principal = (change: Partial<Principal> = {}): Principal => ({
    userId: 'ana',
    workspaceId: 'clinic',
    roles: ['clinician'],
    displayName: 'Dr Ana',
    signedInAt: new Date(clock.now()),
    sessionKey: 'ana’s session',
    ...change,
  });
  const as = (change: Partial<Principal> = {}, at = node) => at.principalOf(principal(change));
  const ana = as();
  const ben = as({ userId: 'ben', sessionKey: 'ben’s session' });
  const admin = as({ userId: 'ada', roles: ['admin'], sessionKey: 'ada’s session' });
  /** What a request for a record ends with. */
  const opens = async (who = ana, patientId = 'p1', action = 'view', at = node) => {
    const operation = { name: 'POST /records', content: 'x' };
    const demand = { workspaceId: 'clinic', patientId, categories: ['5'], action, operation };
    const decision = await at.check(who, demand);
    return decision.outcome === 'allow' ? decision.basis : decision.outcome;
  };
  const since = (from: number) => store.records.slice(from);
  return { store, clock, node, open, as, ana, ben, admin, opens, since, principal };
}

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  await work.then(
    () => 'nothing',
    (error: CountersignError) => error.code,
  );
const refusals = ({ store }: { readonly store: FakeStore }) =>
  store.records.filter(({ code }) => code === 'EMERGENCY_ACCESS_REFUSED').map((record) => record.reason);

t.test('a reason is one: 20 characters that are seen, and not one over and over', async (t) => {
  for (const good of [reason, '患者が点滴のあと反応しない、今すぐ量が必要です', '  x'.repeat(3) + reason])
    t.ok(isSufficientReason(good), good);
  for (const bad of [
    '',
    ' '.repeat(40),
    'x'.repeat(40),
    'x '.repeat(40),
    'short of nineteen..',
    `a${' '.repeat(40)}b`,
    `a${'\u200b'.repeat(40)}b`,
    '\u0000'.repeat(30),
    // 19 characters outside the first plane are 38 units.
    `${'𝒂𝒃'.repeat(9)}𝒂`,
  ]) {
    t.notOk(isSufficientReason(bad), JSON.stringify(bad));
  }
});

t.test(
  'it opens one patient’s records to view and edit, and every access is on the log before it is answered',
  async (t) => {
    const here = await world(t);
    const { node, store, ana, opens, since } = here;
    t.equal(await opens(), 'deny', 'Ana has no factor');
    const grant = await node.emergency.start(ana, clinical());
    t.match(grant, {
      status: 'open',
      userId: 'ana',
      patientId: 'p1',
      reason,
      reopens: null,
      endedAt: null,
      review: null,
    });
    t.equal(grant.endsAt.getTime() - grant.openedAt.getTime(), 3_600_000);
    const [started] = since(0).filter(({ code }) => code === 'EMERGENCY_ACCESS_STARTED');
    t.match(started, {
      userId: 'ana',
      patientId: 'p1',
      reason,
      emergencyAccessId: grant.id,
      action: 'emergency-access',
    });
    t.match(JSON.parse(started?.details ?? ''), { purpose: 'clinical', purposeOfUse: 'ETREAT' });
    const [job] = [...store.rows.jobs.values()];
    t.strictSame(Object.keys(JSON.parse(job?.job.content ?? '')).sort(), ['at', 'by', 'emergencyAccessId', 'event']);
    t.notMatch(job?.job.content, /p1|Unresponsive/, 'without patient or reason');

    const before = store.records.length;
    t.equal(await opens(), 'emergency-access');
    t.equal(await opens(ana, 'p1', 'edit'), 'emergency-access');
    t.match(since(before), [
      { code: 'ACCESS_ALLOWED', emergencyAccessId: grant.id, patientId: 'p1', action: 'view' },
      { code: 'ACCESS_ALLOWED', emergencyAccessId: grant.id, patientId: 'p1', action: 'edit' },
    ]);
    for (const action of ['export', 'delete', 'payment']) t.equal(await opens(ana, 'p1', action), 'deny', action);
    t.equal(await opens(ana, 'p2'), 'deny', 'another patient');
    t.equal(await opens(here.ben), 'deny', 'another person');
    const demand = { workspaceId: 'clinic', patientId: 'p1', categories: ['8'] };
    const signing = {
      ...demand,
      action: 'edit',
      operation: { name: 'sign', content: 'x' },
      approval: { title: 'Sign', lines: [] },
    };
    t.equal((await node.check(ana, signing as never)).outcome, 'deny', 'nothing is signed');

    const between = store.records.length;
    await node.enforce(ana, demand);
    const items = ['p1', 'p2'].map((patientId) => ({ patientId }));
    const labels = ({ patientId }: { patientId: string }) => ({ workspaceId: 'clinic', patientId, categories: ['8'] });
    const { visible } = await node.filter(ana, items, labels);
    t.strictSame(visible, [{ patientId: 'p1' }]);
    t.match(
      since(between),
      [
        { code: 'ACCESS_ALLOWED', emergencyAccessId: grant.id, categories: '8' },
        { code: 'ACCESS_ALLOWED', emergencyAccessId: grant.id, reason: 'listed' },
      ],
      'also where the category is not audited',
    );
    const two = await node.authorize(ana, {
      workspaceId: 'clinic',
      action: 'edit',
      guarded: '*',
      subjects: ['p1', 'p2'].map((patientId) => ({ patientId, carried: ['5'] })),
    });
    t.not(two.decision.outcome, 'allow', 'an edit that moves it to another patient');

    store.at('append', () => {
      throw Object.assign(new Error('away'), { name: 'CountersignError', code: 'store_unavailable', details: {} });
    });
    t.equal(await codeOf(node.enforce(ana, demand)), 'store_unavailable', 'what cannot be written is not shown');
    store.at('append', null);
  },
);

t.test('it locks again at its end by itself, on every node, and no clock opens it again', async (t) => {
  const here = await world(t);
  const { node, clock, store, ana, opens } = here;
  const behind = manualClock();
  behind.set(-600);
  const other = await here.open(behind);
  const there = here.as({}, other);
  const grant = await node.emergency.start(ana, clinical());
  await until(async () => (await opens(there, 'p1', 'view', other)) === 'emergency-access');
  clock.advance(3599.999);
  behind.advance(3599.999);
  store.confirm();
  t.equal(await opens(), 'emergency-access', 'the last moment');
  t.same((await node.emergency.start(ana, clinical())).id, grant.id, 'asking again is no extension');
  clock.advance(0.001);
  behind.advance(0.001);
  t.equal(await opens(), 'deny');
  t.equal(await opens(there, 'p1', 'view', other), 'deny', 'ten minutes early by its own clock, and over all the same');
  await until(() => store.codes().includes('EMERGENCY_ACCESS_ENDED'));
  clock.set(-3000);
  store.confirm();
  t.equal(await opens(), 'deny', 'a clock set back opens nothing');
  t.equal(
    store.codes().filter((code) => code === 'EMERGENCY_ACCESS_ENDED').length,
    1,
    'written once, though two nodes saw it',
  );
  t.match(
    store.records.find(({ code }) => code === 'EMERGENCY_ACCESS_ENDED'),
    { reason: 'time', userId: 'ana' },
  );
  const again = await node.emergency.start(ana, clinical());
  t.equal(again.reopens, grant.id, 'and the next one names it');
  t.match([...store.rows.jobs.values()].at(-1)?.job.content, /"reopened"/);
});

t.test('a node that first hears of it late goes by its age', async (t) => {
  const here = await world(t);
  const { node, store, ana } = here;
  const { id } = await node.emergency.start(ana, clinical());
  store.ages.set(id, 3_599_000);
  const behind = manualClock();
  behind.set(-3000);
  const late = await here.open(behind);
  const there = here.as({}, late);
  t.equal(await here.opens(there, 'p1', 'view', late), 'emergency-access');
  behind.advance(1);
  t.equal(await here.opens(there, 'p1', 'view', late), 'deny', 'its own clock would allow 50 minutes more');
});

t.test('an early end reaches the other node, and until it was read again nothing is open', async (t) => {
  const here = await world(t);
  const { node, store, ana, admin, opens } = here;
  const other = await here.open();
  const there = here.as({}, other);
  const grant = await node.emergency.start(ana, clinical());
  await until(async () => (await opens(there, 'p1', 'view', other)) === 'emergency-access');
  await other.emergency.end(admin, grant.id);
  t.equal(await codeOf(node.emergency.end(ana, grant.id)), 'emergency_ended');
  await until(async () => (await opens()) === 'deny' && (await opens(there, 'p1', 'view', other)) === 'deny');
  t.match(await node.emergency.find(ana, grant.id), { status: 'ended', endedBy: 'person' });

  const next = await node.emergency.start(ana, clinical('p2'));
  store.once('emergencyAccess', () => {
    throw new Error('away');
  });
  for (const listener of store.listeners) listener.emergencyChanged('clinic', next.id, 9);
  t.equal(await opens(ana, 'p2'), 'deny', 'something happened to it, and nobody knows what');
});

t.test('who may: refused to everybody else, and on the log', async (t) => {
  const here = await world(t);
  const { node, clock, as } = here;
  const start = (change: Partial<Principal>) => codeOf(node.emergency.start(as(change), clinical()));
  t.equal(await start({ roles: ['desk'] }), 'emergency_not_eligible');
  t.equal(await start({ kind: 'service' }), 'person_required');
  t.equal(await start({ credential: 'bearer' }), 'person_required', 'a token without a person');
  t.equal(await start({ actor: { userId: 'eve', displayName: 'Eve' } }), 'person_required', 'while impersonating');
  t.equal(await start({ credential: 'bearer', kind: 'person', sessionKey: 'token' }), 'nothing');
  t.strictSame(refusals(here), ['emergency_not_eligible', 'person_required', 'person_required', 'person_required']);
  t.equal(
    await here.opens(as({ actor: { userId: 'eve', displayName: 'Eve' } })),
    'deny',
    'nor is one lent to an impersonator',
  );
  t.equal(await here.opens(as({ credential: 'bearer' })), 'deny', 'nor to a token');
  t.equal(await here.opens(as({ roles: ['desk'] })), 'deny', 'nor kept by whoever lost the role');
  t.equal(await here.opens(as()), 'emergency-access');
  await node.sessions.signOut(as());
  t.equal(await here.opens(as()), 'deny', 'nor by a session that has ended');
  t.equal(await codeOf(node.emergency.start(as(), clinical('p2'))), 'session_ended');
  clock.advance(1);
  t.equal(
    await here.opens(as({ signedInAt: new Date(clock.now()), sessionKey: 'next' })),
    'emergency-access',
    'a new one has it',
  );

  const limited = await world(t, { limits: { absoluteSeconds: 3600 } });
  limited.clock.advance(3600);
  limited.store.confirm();
  t.equal(await codeOf(limited.node.emergency.start(limited.ana, clinical())), 'session_locked');
  const off = await world(t, { emergencyAccess: undefined });
  t.equal(await codeOf(off.node.emergency.start(off.ana, clinical())), 'emergency_unavailable');
  t.match(await off.node.emergency.options(off.ana, { purpose: 'clinical', patientId: 'p1' }), {
    available: false,
    refusal: 'emergency_unavailable',
  });
});

t.test('by the host’s word: asked again after a revocation; a host that fails says no', async (t) => {
  let word: unknown = true;
  const eligible = () => {
    if (word === 'fails') throw new Error('the host fails');
    return word as boolean;
  };
  const { node, ana, opens } = await world(t, { emergencyAccess: { eligible } });
  for (word of [false, 'yes', 'fails'])
    t.equal(await codeOf(node.emergency.start(ana, clinical())), 'emergency_not_eligible');
  word = true;
  await node.emergency.start(ana, clinical());
  t.equal(await opens(), 'emergency-access');
  word = false;
  t.equal(await opens(), 'emergency-access', 'nothing was revoked');
  await node.sessions.revokeProofs('clinic', 'ana', 'roles changed');
  t.equal(await opens(), 'deny');
});

t.test('what is missing is named, and nothing opens', async (t) => {
  const fields = { recipient: 'required', nature: 'optional' } as const;
  const here = await world(t, { emergencyAccess: { roles: ['clinician'], purposesOfUse: ['BTG'], fields } });
  const { node, ana } = here;
  const asked = { ...clinical(), purposeOfUse: 'BTG', recipient: 'Dr Ana' };
  for (const [change, code, field] of [
    [{ reason: ' '.repeat(30) }, 'emergency_reason_insufficient', 'reason'],
    [{ reason: 'why '.repeat(600) }, 'emergency_reason_insufficient', 'reason'],
    [{ recipient: '  ' }, 'emergency_field_required', 'recipient'],
    [{ purposeOfUse: 'ETREAT' }, 'input_invalid', 'purposeOfUse'],
    [{ patientId: null }, 'patient_unresolved', 'patientId'],
    [{ patientId: '\u0000account' }, 'patient_unresolved', 'patientId'],
    [{ purpose: 'administrative' }, 'input_invalid', 'patientId'],
    [{ purpose: 'curious' as never }, 'input_invalid', 'purpose'],
    [{ nature: 'n'.repeat(201) }, 'input_invalid', 'nature'],
  ] as const) {
    await t.rejects(
      node.emergency.start(ana, { ...asked, ...change }),
      { code, details: { field } },
      JSON.stringify(change),
    );
  }
  t.equal(refusals(here).length, 9, 'each is on the log');
  t.equal(here.store.rows.accesses.length, 0);
  t.match(await node.emergency.start(ana, { ...asked, nature: ' Shock ' }), {
    recipient: 'Dr Ana',
    facility: null,
    nature: 'Shock',
  });
});

t.test('beyond the bounds a second eligible person approves, and the window runs from then', async (t) => {
  const here = await world(t, { emergencyAccess: { roles: ['clinician'], mostPerDay: 4 } });
  const { node, clock, store, ana, ben, admin, opens } = here;
  for (const patient of ['p1', 'p2', 'p3'])
    t.equal((await node.emergency.start(ana, clinical(patient))).status, 'open');
  const about = { purpose: 'clinical', patientId: 'p4' } as const;
  t.match(await node.emergency.options(ana, about), { available: true, needsApproval: true, open: null });
  const fourth = await node.emergency.start(ana, clinical('p4'));
  t.equal(fourth.status, 'waiting');
  t.equal(await opens(ana, 'p4'), 'deny');
  t.same((await node.emergency.start(ana, clinical('p4'))).id, fourth.id);
  for (const [who, code] of [
    [ana, 'emergency_not_eligible'],
    [admin, 'emergency_not_eligible'],
    [here.as({ userId: 'ben', actor: { userId: 'ana', displayName: 'Ana' } }), 'person_required'],
    [here.as({ userId: 'ben', workspaceId: 'elsewhere' }), 'not_found'],
  ] as const) {
    t.equal(await codeOf(node.emergency.approve(who, fourth.id)), code);
  }
  t.strictSame(await node.emergency.waitingForApproval(ana), []);
  t.strictSame(
    (await node.emergency.waitingForApproval(ben)).map(({ id }) => id),
    [fourth.id],
  );
  clock.advance(600);
  store.confirm();
  const approved = await node.emergency.approve(ben, fourth.id);
  t.match(approved, { status: 'open', approvedBy: 'ben' });
  t.equal(approved.endsAt.getTime(), clock.now() + 3_600_000);
  t.equal(await opens(ana, 'p4'), 'emergency-access');
  t.equal(await codeOf(node.emergency.decline(ben, fourth.id, '')), 'emergency_ended');
  const started = store.records.filter(({ code }) => code === 'EMERGENCY_ACCESS_STARTED').at(-1);
  t.match(started, { userId: 'ana', patientId: 'p4', reason });
  t.match(
    store.records.find(({ code }) => code === 'EMERGENCY_ACCESS_APPROVED'),
    { userId: 'ben', emergencyAccessId: fourth.id },
  );

  for (const patient of ['p1', 'p2', 'p3', 'p4']) {
    const own = (await node.emergency.own(ana)).find(({ patientId }) => patientId === patient);
    await node.emergency.end(ana, own?.id ?? '');
  }
  t.match(await node.emergency.options(ana, about), { needsApproval: true }, 'four today');
  const waiting = [];
  for (const patient of ['p5', 'p6', 'p7']) waiting.push(await node.emergency.start(ana, clinical(patient)));
  t.equal(
    await codeOf(node.emergency.start(ana, clinical('p8'))),
    'attempts_delayed',
    'nor do they wait without bound',
  );
  t.equal((await node.emergency.decline(ben, waiting[0]?.id ?? '', 'Not on shift')).status, 'declined');
  t.equal((await node.emergency.end(ana, waiting[1]?.id ?? '')).status, 'declined', 'withdrawn');
  clock.advance(900);
  store.confirm();
  t.equal(await codeOf(node.emergency.approve(ben, waiting[2]?.id ?? '')), 'emergency_ended', 'it lapsed');
  await until(() =>
    store.records.some(({ code, reason: why }) => code === 'EMERGENCY_ACCESS_DECLINED' && why === 'lapsed'),
  );
  t.strictSame(
    store.records.filter(({ code }) => code === 'EMERGENCY_ACCESS_DECLINED').map(({ reason: why }) => why),
    ['Not on shift', 'withdrawn', 'lapsed'],
  );
  clock.advance(86_400);
  store.confirm();
  t.match(await node.emergency.options(ana, about), { needsApproval: false }, 'tomorrow');
});

t.test('requests in parallel find room for as many as there is', async (t) => {
  const { node, ana } = await world(t);
  const patients = Array.from({ length: 20 }, (_, at) => `p${at}`);
  const results = await Promise.allSettled(patients.map((patient) => node.emergency.start(ana, clinical(patient))));
  const statuses = results.map((result) => (result.status === 'fulfilled' ? result.value.status : 'refused'));
  t.strictSame(
    ['open', 'waiting', 'refused'].map((status) => statuses.filter((one) => one === status).length),
    [3, 3, 14],
  );
  const same = await Promise.all(patients.map(() => node.emergency.start(ana, clinical('p0'))));
  t.equal(new Set(same.map(({ id }) => id)).size, 1);
});

t.test('a row or a step that was changed behind our back opens nothing, and the log is told', async (t) => {
  for (const [what, alter] of [
    [
      'its end',
      (store: FakeStore) => Object.assign(store.rows.accesses[0]!, { endsAt: store.rows.accesses[0]!.endsAt + 1 }),
    ],
    ['its patient', (store: FakeStore) => Object.assign(store.rows.accesses[0]!, { patientId: 'p2' })],
    ['its person', (store: FakeStore) => Object.assign(store.rows.accesses[0]!, { userId: 'ben' })],
    ['its content', (store: FakeStore) => Object.assign(store.rows.accesses[0]!, { content: '{}' })],
    [
      'an approval that nobody gave',
      (store: FakeStore) =>
        store.rows.steps.push({
          emergencyAccessId: store.rows.accesses[0]!.id,
          kind: 'approved',
          at: 0,
          byUserId: 'ben',
          content: '{"endsAt":9999999999999}',
          mac: store.rows.accesses[0]!.mac,
        }),
    ],
  ] as const) {
    const here = await world(t);
    const { id } = await here.node.emergency.start(here.ana, clinical());
    here.store.rows.accesses[0] = { ...here.store.rows.accesses[0]! };
    alter(here.store);
    const restarted = await here.open();
    for (const [userId, patientId] of [
      ['ana', 'p1'],
      ['ana', 'p2'],
      ['ben', 'p1'],
    ] as const) {
      t.equal(await here.opens(here.as({ userId }, restarted), patientId, 'view', restarted), 'deny', what);
    }
    t.equal(await codeOf(restarted.emergency.find(here.admin, id)), 'not_found');
    await until(() => refusals(here).includes('altered'));
    t.strictSame(refusals(here), ['altered'], 'once');
  }
});

t.test('somebody else reviews it, after its end, once; an overdue review is told of each day', async (t) => {
  const here = await world(t);
  const { node, clock, store, ana, admin } = here;
  const both = here.as({ roles: ['clinician', 'admin'] });
  const grant = await node.emergency.start(ana, clinical());
  await here.opens();
  const review = { outcome: 'signed-off', note: 'Looked at with the ward.' } as const;
  t.equal(await codeOf(node.emergency.review(admin, grant.id, review)), 'emergency_still_open');
  await node.emergency.end(admin, grant.id);
  t.equal(await codeOf(node.emergency.review(here.ben, grant.id, review)), 'administrator_required');
  t.equal(await codeOf(node.emergency.review(both, grant.id, review)), 'emergency_own_review');
  t.equal(await codeOf(node.emergency.review(admin, grant.id, { ...review, note: 'ok' })), 'input_invalid');
  const elsewhere = here.as({ userId: 'ada', roles: ['admin'], workspaceId: 'elsewhere' });
  for (const work of [
    node.emergency.find(elsewhere, grant.id),
    node.emergency.end(elsewhere, grant.id),
    node.emergency.review(elsewhere, grant.id, review),
    node.emergency.accesses(elsewhere, grant.id),
    node.emergency.patientRecord(elsewhere, grant.id),
    node.emergency.find(here.ben, grant.id),
    node.emergency.find(admin, 'no such id'),
  ]) {
    t.equal(await codeOf(work), 'not_found');
  }
  const queued = async (state: 'to-review' | 'reviewed' | 'open' | 'all') =>
    (await node.emergency.queue(admin, { state })).map(({ id }) => id);
  t.strictSame(await Promise.all((['to-review', 'reviewed', 'open', 'all'] as const).map(queued)), [
    [grant.id],
    [],
    [],
    [grant.id],
  ]);
  t.match(await node.emergency.patientRecord(admin, grant.id), {
    who: 'ana',
    why: reason,
    opened: [{ action: 'view', categories: ['5'] }],
  });
  const events = (await node.emergency.accesses(ana, grant.id)).map(({ code }) => code);
  t.strictSame(
    events.filter((code) => code !== 'EMERGENCY_ACCESS_REFUSED'),
    ['EMERGENCY_ACCESS_ENDED', 'ACCESS_ALLOWED', 'EMERGENCY_ACCESS_STARTED'],
  );
  t.equal(events.length, 5, 'and the two reviews that were refused');

  t.match((await node.emergency.review(admin, grant.id, { ...review, outcome: 'escalated' })).review, {
    outcome: 'escalated',
  });
  t.equal(
    await codeOf(node.emergency.review(admin, grant.id, { ...review, outcome: 'escalated' })),
    'emergency_already_reviewed',
  );
  t.strictSame(await queued('to-review'), [grant.id], 'it stays until it is signed off');
  const overdue = () => store.codes().filter((code) => code === 'EMERGENCY_ACCESS_OVERDUE').length;
  clock.advance(259_200 + 3599);
  store.confirm();
  t.match(await node.emergency.find(ana, grant.id), { overdue: false });
  t.equal((await node.emergency.start(ana, administrative)).status, 'open', 'until then');
  await node.emergency.end(ana, (await node.emergency.own(ana))[0]?.id ?? '');
  clock.advance(1);
  await until(async () => {
    clock.advance(0.5);
    return overdue() === 1;
  });
  t.match(await node.emergency.find(ana, grant.id), { overdue: true });
  t.equal(await codeOf(node.emergency.start(ana, administrative)), 'emergency_review_overdue');
  t.match(await node.emergency.options(ana, { purpose: 'administrative', patientId: null }), { available: false });
  t.equal((await node.emergency.start(ana, clinical())).status, 'open', 'a patient does not wait for a review');
  clock.advance(86_400);
  await until(() => overdue() === 2);
  t.match([...store.rows.jobs.values()].at(-1)?.job.content, /"overdue"/);
  t.match(await node.emergency.review(admin, grant.id, review), {
    review: { outcome: 'signed-off', by: 'ada' },
    overdue: false,
  });
  t.equal(await codeOf(node.emergency.review(admin, grant.id, review)), 'emergency_already_reviewed');
  t.equal(
    await codeOf(node.emergency.review(admin, grant.id, { ...review, outcome: 'escalated' })),
    'emergency_already_reviewed',
  );
  t.strictSame(await queued('reviewed'), [grant.id]);
});

t.test(
  'a key stays in use until what it sealed is signed off; without it nothing is known, and nothing opens',
  async (t) => {
    const old = randomBytes(32);
    const here = await world(t, { keys: { current: 'old', all: { old } } });
    const { node, store, ana, admin } = here;
    const next = { current: 'new', all: { old, new: randomBytes(32) } };
    const { id } = await node.emergency.start(ana, clinical());
    const counted = async () => {
      const { inUse, unreadable } = await keysInUse({ store, keyring: new Keyring(next) });
      return [[...inUse], unreadable];
    };
    t.strictSame(await counted(), [[['old', 1]], 0]);
    const bereft = await here.open(here.clock, { current: 'new', all: { new: next.all.new } });
    t.equal(await here.opens(here.as({}, bereft), 'p1', 'view', bereft), 'deny');
    await node.emergency.end(ana, id);
    await node.emergency.review(admin, id, { outcome: 'signed-off', note: 'All of it was needed.' });
    t.strictSame(await counted(), [[], 0]);
  },
);

t.test('reminders: one when it is overdue, then one a day', async (t) => {
  const bounds = { windowSeconds: 3600, mostOpen: 3, mostPerDay: 10, reviewSeconds: 3600 };
  const life = {
    openedAt: 0,
    endsAt: 3_600_000,
    waits: false,
    approved: null,
    declinedAt: null,
    endedAt: 1,
    signedOffAt: null,
  };
  const day = 86_400_000;
  for (const [now, count] of [
    [7_199_999, 0],
    [7_200_000, 1],
    [7_200_000 + day - 1, 1],
    [7_200_000 + day, 2],
  ] as const) {
    t.equal(reminderDue(life, bounds, now), count);
  }
  t.equal(reminderDue({ ...life, signedOffAt: 2 }, bounds, day * 9), 0);
  t.equal(reminderDue({ ...life, declinedAt: 2 }, bounds, day * 9), 0);
});

t.test('administrative: a new factor without a proof of an old one, capped, and nothing else', async (t) => {
  const here = await world(t);
  const { node, clock, ana, opens, store } = here;
  const enrol = async () => {
    const { manualKey } = await node.enrolment.start(ana, 'totp');
    const code = generateSync({ secret: String(manualKey), epoch: Math.floor(clock.now() / 1000) });
    await node.enrolment.finish(ana, 'totp', { code });
  };
  await enrol();
  store.confirm();
  t.equal(await codeOf(node.enrolment.start(ana, 'totp')), 'step_up_required');
  await node.emergency.start(ana, clinical());
  t.equal(await codeOf(node.enrolment.start(ana, 'totp')), 'step_up_required', 'clinical opens no factors');
  const grant = await node.emergency.start(ana, administrative);
  t.equal(await opens(ana, 'p2'), 'challenge', 'it opens no record');
  t.equal(await codeOf(node.enrolment.start(ana, 'recovery-codes')), 'step_up_required', 'makes no recovery codes');
  const [held] = await node.enrolment.list(ana);
  t.equal(await codeOf(node.enrolment.remove(ana, held?.id ?? '')), 'step_up_required', 'and removes nothing');
  const boss = here.as({ roles: ['clinician', 'admin'] });
  t.equal(
    await codeOf(node.administration.changeSettings(boss, 0, { enabled: false, categories: [], graceSeconds: 60 })),
    'step_up_required',
  );
  const before = store.records.length;
  clock.advance(30);
  await enrol();
  t.match(here.since(before), [
    { code: 'FACTOR_ENROLMENT_STARTED', emergencyAccessId: grant.id },
    { code: 'FACTOR_ENROLLED', emergencyAccessId: grant.id, reason: 'replaced' },
  ]);
  await node.enrolment.start(ana, 'totp');
  await node.emergency.end(ana, grant.id);
  t.equal(
    await codeOf(node.enrolment.finish(ana, 'totp', { code: '000000' })),
    'step_up_required',
    'begun under it, confirmed under it',
  );
});

t.test('a workspace narrows it, at once; settings that cannot be read refuse', async (t) => {
  const here = await world(t, { emergencyAccess: { roles: ['clinician', 'nurse'] } });
  const { node, clock, ana, opens, as } = here;
  const boss = as({ userId: 'ada', roles: ['admin'], sessionKey: 'ada' });
  const { manualKey } = await node.enrolment.start(boss, 'totp');
  const code = () => generateSync({ secret: String(manualKey), epoch: Math.floor(clock.now() / 1000) });
  await node.enrolment.finish(boss, 'totp', { code: code() });
  let binding: string | null = null;
  let version = 0;
  const save = async (emergencyAccess: { enabled?: boolean; roles?: string[]; windowSeconds?: number }) => {
    here.store.confirm();
    const here_ = node.principalOf(boss, binding);
    const change = () =>
      node.administration.changeSettings(node.principalOf(boss, binding), version, {
        enabled: true,
        categories: ['5'],
        graceSeconds: 900,
        emergencyAccess,
      });
    const asked = await change().then(
      () => null,
      (error: { challenge?: { id: string } }) => error,
    );
    if (asked !== null) {
      clock.advance(30);
      here.store.confirm();
      if (asked.challenge === undefined) throw asked;
      ({ binding } = await node.answerChallenge(here_, asked.challenge.id, 'totp', { code: code() }));
      await change();
    }
    version += 1;
  };
  await node.emergency.start(ana, clinical());
  t.equal(await opens(), 'emergency-access');
  await save({ windowSeconds: 300 });
  t.equal(await opens(), 'emergency-access', 'what is open keeps its end');
  const short = await node.emergency.start(ana, clinical('p3'));
  t.equal(short.endsAt.getTime() - short.openedAt.getTime(), 300_000);
  clock.advance(300);
  here.store.confirm();
  t.equal(await opens(ana, 'p3'), 'deny');
  t.equal(await opens(), 'emergency-access');
  await save({ roles: ['nurse'] });
  t.equal(await opens(), 'deny');
  t.equal(await codeOf(node.emergency.start(ana, clinical('p2'))), 'emergency_not_eligible');
  const odd = (emergencyAccess: object) => ({ enabled: true, categories: ['5'], graceSeconds: 900, emergencyAccess });
  const saving = (emergencyAccess: object) =>
    codeOf(node.administration.changeSettings(node.principalOf(boss, binding), version, odd(emergencyAccess)));
  for (const wider of [{ windowSeconds: 3601 }, { windowSeconds: 299 }, { roles: ['desk'] }, { mostOpen: 9 }])
    t.equal(await saving(wider), 'input_invalid', JSON.stringify(wider));
  await save({ enabled: false });
  t.equal(
    await codeOf(node.emergency.start(as({ roles: ['clinician', 'nurse'] }), clinical('p2'))),
    'emergency_unavailable',
  );
  const row = here.store.rows.settings.get('clinic');
  here.store.rows.settings.set('clinic', {
    ...row!,
    content: row!.content.replace('"enabled":false', '"enabled":true'),
  });
  const restarted = await here.open();
  t.equal(await codeOf(restarted.emergency.start(as({}, restarted), clinical())), 'settings_unknown');
});

t.test('whoever has no factor yet is kept from no patient in an emergency', async (t) => {
  const { node, ana, opens } = await world(t, {
    roles: [{ id: 'clinician', name: 'Clinician' }],
    defaults: { untilEnrolled: 'refuse' },
  });
  t.equal(await opens(), 'deny');
  await node.emergency.start(ana, clinical());
  t.equal(await opens(), 'emergency-access');
  t.equal(await opens(ana, 'p2'), 'deny');
  t.match((await node.sessions.status(ana)).emergencyAccess, [
    { patientId: 'p1', purpose: 'clinical', secondsLeft: 3600 },
  ]);
});

t.test('a request of whoever has none reads nothing for it', async (t) => {
  const { node, store, ben, ana, opens } = await world(t);
  await node.emergency.start(ana, clinical());
  await opens(ben);
  const reads = store.calls.get('emergencyAccess');
  const ids = randomUUID();
  for (let at = 0; at < 10; at++) await opens(ben, ids);
  t.equal(store.calls.get('emergencyAccess'), reads);
});
