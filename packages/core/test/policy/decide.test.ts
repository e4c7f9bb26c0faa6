import fc from 'fast-check';
import t from 'tap';
import { type Decision, decide, type Facts } from '../../src/policy/decide.ts';
import { graceSecondsFor, isWithin, secondsLeft } from '../../src/policy/grace.ts';
import { ACCOUNT_SUBJECT, type Proof } from '../../src/policy/proof.ts';
import { isOneShot, touchedCategories } from '../../src/policy/requirement.ts';
import { type Strength, satisfiesStrength, strongest } from '../../src/policy/strength.ts';
import {
  categoryPolicy,
  factsOf,
  graceTerms,
  ketamine,
  NOW,
  principalOf,
  proofOf,
  reauthenticating,
  requirementOf,
  seconds,
  settingsOf,
  withProofs,
} from '../support/facts.ts';

/** What a decision says, in a word. */
function word(decision: Decision): string {
  if (decision.outcome === 'allow') return `allow ${decision.basis}`;
  return decision.outcome === 'challenge' ? 'challenge' : `${decision.outcome} ${decision.reason}`;
}
const kindsOf = (decision: Decision) => ('reasons' in decision ? decision.reasons.map(({ kind }) => kind) : []);
const sensitive = (categories = [ketamine], patientId = 'p1') => ({ patientId, categories });

t.test('the order of the rules is the contract: of any two that apply, the earlier answers', async (t) => {
  const settings = (facts: Facts) => (facts.settings === 'unknown' ? settingsOf() : facts.settings);
  const rules: readonly { readonly says: string; readonly apply: (facts: Facts) => Facts }[] = [
    { says: 'deny no-principal', apply: (facts) => ({ ...facts, principal: null }) },
    {
      says: 'deny not-a-person',
      apply: (facts) => ({ ...facts, principal: { ...facts.principal!, kind: 'service' } }),
    },
    { says: 'deny settings-unknown', apply: (facts) => ({ ...facts, settings: 'unknown' }) },
    {
      says: 'deny another-workspace',
      apply: (facts) => ({ ...facts, requirement: { ...facts.requirement, workspaceId: 'other' } }),
    },
    { says: 'deny session-ended', apply: (facts) => ({ ...facts, session: { ...facts.session, ended: true } }) },
    {
      says: 'locked absolute-limit',
      apply: (facts) => ({
        ...facts,
        settings: { ...settings(facts), limits: { ...settings(facts).limits, absoluteSeconds: 1800 } },
      }),
    },
    {
      says: 'locked idle',
      apply: (facts) => ({
        ...facts,
        session: { ...facts.session, lastActivityAt: NOW - seconds(901) },
        settings: { ...settings(facts), limits: { ...settings(facts).limits, idleSeconds: 900 } },
      }),
    },
    {
      says: 'allow not-sensitive',
      apply: (facts) => ({ ...facts, requirement: { ...facts.requirement, subjects: [sensitive([])] } }),
    },
    { says: 'allow exemption', apply: (facts) => ({ ...facts, exemption: { kind: 'role', detail: 'anaesthetist' } }) },
    {
      says: 'allow emergency-access',
      apply: (facts) => ({
        ...facts,
        emergencyAccess: { id: 'e1', purpose: 'clinical', patientId: 'p1', endsAt: NOW + 1 },
      }),
    },
    {
      says: 'deny operation-unknown',
      apply: (facts) => ({
        ...facts,
        requirement: { ...facts.requirement, subjects: [sensitive([categoryPolicy('5', { graceSeconds: 0 })])] },
      }),
    },
    { says: 'allow proof', apply: (facts) => ({ ...facts, session: { ...facts.session, proofs: [proofOf()] } }) },
    { says: 'deny no-suitable-factor', apply: (facts) => ({ ...facts, factors: [] }) },
    { says: 'challenge', apply: (facts) => facts },
  ];
  for (const [index, earlier] of rules.entries()) {
    t.equal(word(decide(earlier.apply(factsOf()))), earlier.says, `${earlier.says} alone`);
    for (const later of rules.slice(index + 1)) {
      t.equal(
        word(decide(earlier.apply(later.apply(factsOf())))),
        earlier.says,
        `${earlier.says} before ${later.says}`,
      );
    }
  }
});

t.test('a service is denied until policy names it, and then answers by its exemption alone', async (t) => {
  const principal = principalOf({ kind: 'service' });
  t.equal(word(decide(factsOf({ principal }))), 'deny not-a-person');
  t.equal(word(decide(factsOf({ principal, servicesNamed: false }))), 'deny not-a-person');
  t.equal(
    word(decide(factsOf({ principal, servicesNamed: true }))),
    'deny not-a-person',
    'it has no factor to prove by',
  );
  const exemption = { kind: 'service', detail: 'queue' } as const;
  t.equal(word(decide(factsOf({ principal, servicesNamed: true, exemption }))), 'allow exemption');
  t.equal(word(decide(factsOf({ principal, servicesNamed: false, exemption }))), 'deny not-a-person');
  t.equal(word(decide(factsOf({ principal: principalOf({ kind: 'person' }) }))), 'challenge');
});

t.test('settings of another workspace never answer', async (t) => {
  t.equal(word(decide(factsOf({ settings: settingsOf([], { workspaceId: 'other' }) }))), 'deny another-workspace');
});

t.test('a session idle or too old is locked, also where nothing sensitive is touched', async (t) => {
  const locked = (limits: { idleSeconds?: number; absoluteSeconds?: number }, facts: Partial<Facts> = {}) =>
    word(
      decide(
        factsOf({
          requirement: requirementOf({ subjects: [sensitive([])] }),
          ...facts,
          settings: settingsOf([ketamine], { limits }),
        }),
      ),
    );
  const idleFor = (ms: number | null) => ({
    session: { number: 'session-1', ended: false, lastActivityAt: ms === null ? null : NOW - ms, proofs: [] },
  });
  const signedIn = (ms: number) => ({ principal: principalOf({ signedInAt: new Date(NOW - ms) }) });

  t.equal(
    locked({ idleSeconds: 900 }, idleFor(seconds(900) - 1)),
    'allow not-sensitive',
    'the last millisecond is not idle',
  );
  t.equal(locked({ idleSeconds: 900 }, idleFor(seconds(900))), 'locked idle');
  t.equal(locked({ absoluteSeconds: 3600 }, signedIn(seconds(3600) - 1)), 'allow not-sensitive');
  t.equal(locked({ absoluteSeconds: 3600 }, signedIn(seconds(3600))), 'locked absolute-limit');
  t.equal(locked({}, { ...idleFor(null), ...signedIn(seconds(1e6)) }), 'allow not-sensitive', 'no limit, no lock');
  t.equal(
    locked({ idleSeconds: 900, absoluteSeconds: 3600 }, { ...idleFor(0), ...signedIn(seconds(7200)) }),
    'locked absolute-limit',
    'activity never lengthens the session',
  );
  t.equal(
    word(decide(withProofs([proofOf()], { settings: settingsOf([ketamine], { limits: { absoluteSeconds: 60 } }) }))),
    'locked absolute-limit',
    'a proof never lengthens the session',
  );
});

t.test('losing session state never undoes a lock: an unknown key is as idle as its sign-in is old', async (t) => {
  const unknown = { number: 'session-1', ended: false, lastActivityAt: null, proofs: [] };
  const settings = settingsOf([ketamine], { limits: { idleSeconds: 900 } });
  const at = (signedInAt: Date) =>
    word(decide(factsOf({ session: unknown, settings, principal: principalOf({ signedInAt }) })));
  t.equal(at(new Date(NOW - seconds(900))), 'locked idle');
  t.equal(at(new Date(NOW - seconds(899))), 'challenge');
});

t.test('an instant of sign-in that cannot be read locks rather than passes', async (t) => {
  const principal = principalOf({ signedInAt: new Date(Number.NaN) });
  const session = { number: 'session-1', ended: false, lastActivityAt: null, proofs: [] };
  for (const limits of [{ idleSeconds: 900 }, { absoluteSeconds: 3600 }]) {
    t.match(word(decide(factsOf({ principal, session, settings: settingsOf([ketamine], { limits }) }))), /^locked /);
  }
  const idle = { ...session, lastActivityAt: Number.NaN };
  const settings = settingsOf([ketamine], { limits: { idleSeconds: 900 } });
  t.equal(word(decide(factsOf({ session: idle, settings }))), 'locked idle', 'nor does an instant of activity');
});

t.test('what is not sensitive is allowed, and why is said', async (t) => {
  t.equal(word(decide(factsOf({ requirement: requirementOf({ subjects: [sensitive([])] }) }))), 'allow not-sensitive');
  t.equal(word(decide(factsOf({ settings: settingsOf([ketamine], { enabled: false }) }))), 'allow disabled');
  t.match(decide(factsOf({ requirement: requirementOf({ subjects: [sensitive([])] }) })), {
    proof: null,
    exemption: null,
    emergencyAccess: null,
  });
});

t.test(
  'a workspace that has step-up disabled still asks before export, delete, payment and changes of factors',
  async (t) => {
    const settings = settingsOf([ketamine], { enabled: false });
    for (const action of ['export', 'delete', 'payment']) {
      const decision = decide(factsOf({ settings, requirement: requirementOf({ action, operation: 'op' }) }));
      t.match(decision, { outcome: 'challenge', oneShot: true, strength: 'any' }, action);
      t.match(
        decision,
        { reasons: [{ kind: 'missing', categoryId: null, graceSeconds: 0 }] },
        `${action}: no category asks, the action does`,
      );
    }
    const account = requirementOf({
      action: 'change-factors',
      account: true,
      subjects: [sensitive([], ACCOUNT_SUBJECT)],
    });
    t.match(decide(factsOf({ settings, requirement: account })), { outcome: 'challenge', oneShot: false });
  },
);

t.test('Threat 29: an exempt or emergency principal exports, deletes, pays, signs or changes factors', async (t) => {
  // Exemptions and emergency access answer what a category asks for viewing and editing. Nothing else, ever.
  const exemption = { kind: 'role', detail: 'anaesthetist' } as const;
  const emergencyAccess = { id: 'e1', purpose: 'clinical', patientId: 'p1', endsAt: NOW + seconds(60) } as const;
  for (const lent of [{ exemption }, { emergencyAccess }, { exemption, emergencyAccess }]) {
    for (const action of ['view', 'edit']) {
      t.match(
        word(decide(factsOf({ ...lent, requirement: requirementOf({ action }) }))),
        /^allow (exemption|emergency)/,
        action,
      );
    }
    for (const action of ['export', 'delete', 'payment', 'sign', 'print', 'VIEW', '', 'toString']) {
      const decision = decide(factsOf({ ...lent, requirement: requirementOf({ action, operation: 'op' }) }));
      t.equal(word(decision), 'challenge', `${action || '(no action)'} is asked all the same`);
    }
    const account = requirementOf({ account: true, subjects: [sensitive([], ACCOUNT_SUBJECT)] });
    t.equal(word(decide(factsOf({ ...lent, requirement: account }))), 'challenge', 'changes of factors and settings');
    const forced = settingsOf([ketamine], { reauthentication: reauthenticating('view') });
    const view = requirementOf({ operation: 'op' });
    t.equal(
      word(decide(factsOf({ ...lent, settings: forced, requirement: view }))),
      'challenge',
      'a view that must ask again',
    );
  }
  t.match(decide(factsOf({ exemption, emergencyAccess })), { basis: 'exemption', exemption, emergencyAccess: null });
});

t.test('emergency access answers for its own patient, its purpose and its window only', async (t) => {
  const open = { id: 'e1', purpose: 'clinical', patientId: 'p1', endsAt: NOW + 1 } as const;
  t.match(decide(factsOf({ emergencyAccess: open })), { basis: 'emergency-access', emergencyAccess: { id: 'e1' } });
  for (const [why, changes] of [
    ['over', { endsAt: NOW }],
    ['over (an unreadable end)', { endsAt: Number.NaN }],
    ['administrative', { purpose: 'administrative' }],
    ['another patient', { patientId: 'p2' }],
  ] as const) {
    t.equal(word(decide(factsOf({ emergencyAccess: { ...open, ...changes } }))), 'challenge', why);
  }
  const moved = requirementOf({ action: 'edit', subjects: [sensitive(), sensitive([ketamine], 'p2')] });
  t.equal(
    word(decide(factsOf({ emergencyAccess: open, requirement: moved }))),
    'challenge',
    'an edit that moves the record to somebody else',
  );
});

t.test('Threat 1: a proof counts with its own user, workspace, session and patient, and with no other', async (t) => {
  t.match(decide(withProofs([proofOf()])), {
    outcome: 'allow',
    basis: 'proof',
    proof: { verifiedAt: NOW - seconds(60) },
  });
  for (const changes of [
    { userId: 'ben' },
    { workspaceId: 'other' },
    { sessionNumber: 'session-2' },
    { patientId: 'p2' },
    { patientId: ACCOUNT_SUBJECT },
    { patientId: 'P1' },
    { operation: 'op' },
  ] satisfies Partial<Proof>[]) {
    const decision = decide(withProofs([proofOf(changes)]));
    t.equal(word(decision), 'challenge', JSON.stringify(changes));
    t.strictSame(kindsOf(decision), ['missing'], 'and nothing is told of the other proof');
  }
});

t.test('reasons say what is wrong with the best proof there is', async (t) => {
  const strict = requirementOf({ subjects: [sensitive([categoryPolicy('8', { strength: 'phishing-resistant' })])] });
  const passkey = { factor: 'passkey', strength: 'phishing-resistant', usable: true } as const;
  const expired = proofOf({ verifiedAt: NOW - seconds(900) });
  const asked = (proofs: readonly Proof[]) =>
    kindsOf(decide(withProofs(proofs, { requirement: strict, factors: [passkey] })));
  t.strictSame(asked([]), ['missing']);
  t.strictSame(asked([expired]), ['expired']);
  t.strictSame(asked([proofOf()]), ['too-weak']);
  t.strictSame(asked([proofOf(), expired]), ['too-weak']);
  t.strictSame(asked([expired, proofOf()]), ['too-weak'], 'in any order');
  t.strictSame(asked([proofOf({ strength: 'phishing-resistant' }), proofOf()]), [], 'the strong one answers');
  t.match(decide(withProofs([], { requirement: strict, factors: [passkey] })), {
    reasons: [{ kind: 'missing', patientId: 'p1', categoryId: '8', strength: 'phishing-resistant', graceSeconds: 900 }],
    strength: 'phishing-resistant',
    factors: ['passkey'],
    oneShot: false,
  });
});

t.test('a proof from the future (the clock was set back) does not count', async (t) => {
  t.strictSame(kindsOf(decide(withProofs([proofOf({ verifiedAt: NOW + 1 })]))), ['expired']);
  t.equal(word(decide(withProofs([proofOf({ verifiedAt: NOW })]))), 'allow proof');
  t.strictSame(kindsOf(decide(withProofs([proofOf({ verifiedAt: Number.NaN })]))), ['expired']);
});

t.test('of several proofs the newest answers; over several demands the one that ends first is told', async (t) => {
  const newer = proofOf({ verifiedAt: NOW - seconds(5) });
  t.match(decide(withProofs([proofOf(), newer, proofOf({ verifiedAt: NOW - seconds(30) })])), { proof: newer });
  const both = requirementOf({ subjects: [sensitive(), sensitive([ketamine], 'p2')] });
  const other = proofOf({ patientId: 'p2', verifiedAt: NOW - seconds(700) });
  t.match(decide(withProofs([newer, other], { requirement: both })), { outcome: 'allow', proof: other });
});

t.test('Threat 23: an edit that declassifies a record or moves it is judged on both sides', async (t) => {
  const both = requirementOf({ action: 'edit', subjects: [sensitive(), sensitive([ketamine], 'p2')] });
  const half = decide(withProofs([proofOf()], { requirement: both }));
  t.match(half, { outcome: 'challenge', reasons: [{ patientId: 'p2', kind: 'missing' }] });
  t.equal(half.outcome === 'challenge' && half.reasons.length, 1, 'only the other side is missing');
  t.equal(word(decide(withProofs([proofOf(), proofOf({ patientId: 'p2' })], { requirement: both }))), 'allow proof');
  const away = requirementOf({ action: 'edit', subjects: [sensitive(), sensitive([])] });
  t.equal(word(decide(factsOf({ requirement: away }))), 'challenge', 'what it was, still counts');
  t.equal(word(decide(withProofs([proofOf()], { requirement: away }))), 'allow proof');
});

t.test('a category with a scope of its own takes only proofs earned for it', async (t) => {
  const own = categoryPolicy('8', { scope: 'category' });
  const requirement = requirementOf({ subjects: [sensitive([own])] });
  const asked = (proofs: readonly Proof[]) => word(decide(withProofs(proofs, { requirement })));
  t.equal(asked([proofOf({ scope: null })]), 'challenge', 'a proof for the patient does not');
  t.equal(asked([proofOf({ scope: '5' })]), 'challenge', 'one for another category does not');
  t.equal(asked([proofOf({ scope: '8' })]), 'allow proof');
  t.equal(
    word(decide(withProofs([proofOf({ scope: '8' })]))),
    'allow proof',
    'and such a one answers per-patient categories',
  );
  const mixed = requirementOf({ subjects: [sensitive([ketamine, own])] });
  t.match(decide(withProofs([proofOf()], { requirement: mixed })), { reasons: [{ categoryId: '8' }] });
});

t.test('zero grace: the proof is for one operation, and no other proof will do', async (t) => {
  const requirement = requirementOf({
    subjects: [sensitive([categoryPolicy('5', { graceSeconds: 0 })])],
    operation: 'op-1',
  });
  const asked = (proofs: readonly Proof[], changes: Partial<Facts> = {}) =>
    decide(withProofs(proofs, { requirement, ...changes }));
  t.match(asked([]), { outcome: 'challenge', oneShot: true, reasons: [{ kind: 'missing', graceSeconds: 0 }] });
  t.strictSame(kindsOf(asked([proofOf()])), ['missing'], 'a proof with a grace period');
  t.strictSame(kindsOf(asked([proofOf({ operation: 'op-2' })])), ['missing'], 'another operation');
  t.equal(word(asked([proofOf({ operation: 'op-1' })])), 'allow one-shot');
  t.equal(word(asked([proofOf({ operation: 'op-1', verifiedAt: NOW - seconds(120) + 1 })])), 'allow one-shot');
  t.strictSame(kindsOf(asked([proofOf({ operation: 'op-1', verifiedAt: NOW - seconds(120) })])), ['expired']);
  t.equal(
    word(asked([], { requirement: requirementOf({ subjects: requirement.subjects }) })),
    'deny operation-unknown',
  );
  const strong = {
    ...requirement,
    subjects: [sensitive([categoryPolicy('8', { graceSeconds: 0, strength: 'phishing-resistant' })])],
  };
  const passkey = { factor: 'passkey', strength: 'phishing-resistant', usable: true } as const;
  t.strictSame(kindsOf(asked([proofOf({ operation: 'op-1' })], { requirement: strong, factors: [passkey] })), [
    'too-weak',
  ]);
});

t.test('one category without grace makes the whole operation ask for a proof of its own', async (t) => {
  const subjects = [sensitive([ketamine, categoryPolicy('8', { graceSeconds: 0 })]), sensitive([ketamine], 'p2')];
  const requirement = requirementOf({ subjects, operation: 'op' });
  t.match(decide(withProofs([proofOf(), proofOf({ patientId: 'p2' })], { requirement })), {
    outcome: 'challenge',
    oneShot: true,
  });
  const answers = [proofOf({ operation: 'op' }), proofOf({ operation: 'op', patientId: 'p2' })];
  t.equal(word(decide(withProofs(answers, { requirement }))), 'allow one-shot');
  t.equal(word(decide(withProofs(answers.slice(0, 1), { requirement }))), 'challenge', 'for each patient');
});

t.test('export, delete and payment ask again whatever the grace period says', async (t) => {
  for (const action of ['export', 'delete', 'payment']) {
    const requirement = requirementOf({ action, operation: 'op', subjects: [sensitive([])] });
    t.equal(word(decide(withProofs([proofOf({ verifiedAt: NOW })], { requirement }))), 'challenge', action);
    t.equal(word(decide(withProofs([proofOf({ operation: 'op' })], { requirement }))), 'allow one-shot', action);
    t.equal(word(decide(factsOf({ requirement: requirementOf({ action }) }))), 'deny operation-unknown', action);
  }
});

t.test('a change of factors or settings takes an account proof, for as long as both settings allow', async (t) => {
  const requirement = requirementOf({
    action: 'change-factors',
    account: true,
    subjects: [sensitive([], ACCOUNT_SUBJECT)],
  });
  const account = (changes: Partial<Proof> = {}) => proofOf({ patientId: ACCOUNT_SUBJECT, ...changes });
  const asked = (proofs: readonly Proof[], changes: Partial<Facts> = {}) =>
    decide(withProofs(proofs, { requirement, ...changes }));
  t.match(asked([]), { outcome: 'challenge', oneShot: false, reasons: [{ categoryId: null, graceSeconds: 300 }] });
  t.equal(word(asked([proofOf()])), 'challenge', 'a proof for a patient is none for the account');
  t.equal(word(asked([account({ verifiedAt: NOW - seconds(299) })])), 'allow proof');
  t.strictSame(kindsOf(asked([account({ verifiedAt: NOW - seconds(300) })])), ['expired']);
  t.strictSame(kindsOf(asked([account({ terms: graceTerms(900, {}, 60) })])), ['expired'], 'then shorter');
  const shorter = settingsOf([ketamine], { grace: graceTerms(900, {}, 30) });
  t.strictSame(kindsOf(asked([account()], { settings: shorter })), ['expired'], 'now shorter');
  t.equal(word(decide(withProofs([account()]))), 'challenge', 'nor does it open a record');
  const forced = settingsOf([ketamine], { reauthentication: reauthenticating('change-factors') });
  t.equal(word(asked([account()], { settings: forced })), 'allow proof', 'an account change is never one-shot');
});

t.test(
  'Threat 6: never a weaker factor than asked, never a disabled one, and no dead end called a challenge',
  async (t) => {
    const strict = requirementOf({
      subjects: [sensitive([ketamine, categoryPolicy('8', { strength: 'phishing-resistant' })])],
    });
    const app = { factor: 'totp', strength: 'any', usable: true } as const;
    const passkey = { factor: 'passkey', strength: 'phishing-resistant', usable: true } as const;
    t.match(decide(factsOf({ requirement: strict, factors: [app, passkey] })), {
      outcome: 'challenge',
      strength: 'phishing-resistant',
    });
    t.strictSame(Reflect.get(decide(factsOf({ requirement: strict, factors: [app, passkey] })), 'factors'), [
      'passkey',
    ]);
    t.match(decide(factsOf({ requirement: strict, factors: [app] })), {
      outcome: 'deny',
      reason: 'no-suitable-factor',
      reasons: [{}, {}],
    });
    t.strictSame(
      Reflect.get(decide(factsOf({ factors: [app, passkey] })), 'factors'),
      ['totp', 'passkey'],
      'a stronger one may answer',
    );
    t.strictSame(Reflect.get(decide(factsOf({ factors: [{ ...app, usable: false }, passkey] })), 'factors'), [
      'passkey',
    ]);
    t.equal(word(decide(factsOf({ factors: [{ ...app, usable: false }] }))), 'deny factor-disabled');
    t.match(
      decide(factsOf({ factors: 'not-loaded' })),
      { outcome: 'challenge', factors: [] },
      'not loaded is not none',
    );
  },
);

t.test('a requirement about nobody is never answered by a proof', async (t) => {
  const requirement = requirementOf({ action: 'export', operation: 'op', subjects: [] });
  t.equal(word(decide(withProofs([proofOf({ operation: 'op' })], { requirement }))), 'challenge');
});

t.test('touched categories: declared by the guard, carried by the record, sensitive in the workspace', async (t) => {
  const settings = settingsOf([ketamine, categoryPolicy('8')]);
  const ids = (guarded: ReadonlySet<string> | '*', carried: readonly string[] | null) =>
    touchedCategories(guarded, carried, settings, 'view').map(({ id }) => id);
  t.strictSame(ids(new Set(['5']), ['5', '8']), ['5']);
  t.strictSame(ids('*', ['5', '8', '5', '12']), ['5', '8'], 'each once, and only those marked sensitive');
  t.strictSame(ids(new Set(['5', '12']), null), ['5'], 'the route itself is sensitive');
  t.strictSame(ids('*', null), ['5', '8']);
  t.strictSame(ids('*', []), []);
  t.strictSame(ids(new Set(['8']), ['5']), []);
});

t.test(
  'one-shot is asked by the action or by a category, never for the account, never by categories while disabled',
  async (t) => {
    const zero = requirementOf({ subjects: [sensitive([categoryPolicy('5', { graceSeconds: 0 })])] });
    t.equal(isOneShot(zero, settingsOf()), true);
    t.equal(isOneShot(zero, settingsOf([], { enabled: false })), false);
    t.equal(isOneShot({ ...zero, account: true }, settingsOf()), false);
    t.equal(isOneShot(requirementOf({ action: 'export' }), settingsOf([], { enabled: false })), true);
    t.equal(isOneShot(requirementOf(), settingsOf()), false);
  },
);

t.test('strengths are ordered', async (t) => {
  const strengths: readonly Strength[] = ['any', 'phishing-resistant'];
  for (const had of strengths) {
    for (const asked of strengths) {
      t.equal(satisfiesStrength(had, asked), had === 'phishing-resistant' || asked === 'any', `${had} for ${asked}`);
      t.equal(strongest(had, asked), had === asked ? had : 'phishing-resistant');
    }
  }
  t.equal(satisfiesStrength('unheard-of' as Strength, 'any'), false, 'an unknown strength satisfies nothing');
  t.equal(satisfiesStrength('any', 'unheard-of' as Strength), false);
});

t.test(
  'property: a grace period is the shorter of then and now, from the moment of verification, and never slides',
  async (t) => {
    const grace = fc.integer({ min: 1, max: 3600 });
    const property = fc.property(
      grace,
      grace,
      fc.option(grace),
      fc.integer({ min: -5000, max: 4_000_000 }),
      (then, now, byCategory, age) => {
        const category = categoryPolicy('5', { graceSeconds: now });
        const terms = graceTerms(then, byCategory === null ? {} : { 5: byCategory });
        const proof = proofOf({ verifiedAt: NOW - age, terms });
        const bound = Math.min(byCategory ?? then, now);
        const facts = withProofs([proof], { requirement: requirementOf({ subjects: [sensitive([category])] }) });
        const allowed = decide(facts).outcome === 'allow';
        return (
          graceSecondsFor(proof, category) === bound &&
          allowed === (age >= 0 && age < bound * 1000) &&
          allowed === isWithin(proof.verifiedAt, bound, NOW)
        );
      },
    );
    t.doesNotThrow(() =>
      fc.assert(property, {
        numRuns: 2000,
        examples: [
          [900, 900, null, 899_999],
          [900, 900, null, 900_000],
        ],
      }),
    );
  },
);

t.test('the seconds left are never more than what decide would still allow', async (t) => {
  const property = fc.property(
    fc.integer({ min: 1, max: 3600 }),
    fc.integer({ min: -2000, max: 4_000_000 }),
    (then, age) => {
      const proof = proofOf({ verifiedAt: NOW - age, terms: graceTerms(then) });
      const left = secondsLeft(proof, settingsOf(), NOW);
      const bound = Math.min(then, 900);
      return left >= 0 && left <= bound && (left === 0 || (age >= 0 && left * 1000 + age <= bound * 1000));
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 1000 }));
});

t.test('property: decide is total, pure and leaves its facts as they were', async (t) => {
  const some = <T>(...values: readonly T[]) => fc.constantFrom(...values);
  const instant = some(NOW, NOW - 1, NOW + 1, NOW - seconds(900), 0, Number.NaN);
  const proof = fc.record({
    userId: some('ana', 'ben'),
    patientId: some('p1', 'p2', ACCOUNT_SUBJECT),
    scope: some(null, '5', '8'),
    strength: some<Strength>('any', 'phishing-resistant'),
    verifiedAt: instant,
    operation: some(undefined, 'op', 'op-2'),
  });
  const facts = fc.record({
    proofs: fc.array(proof, { maxLength: 4 }),
    action: some('view', 'edit', 'export', 'sign'),
    account: fc.boolean(),
    enabled: fc.boolean(),
    grace: some(0, 1, 900),
    operation: some(undefined, 'op'),
    signedInAt: instant,
    limits: some({}, { idleSeconds: 900 }, { absoluteSeconds: 900 }),
  });
  const property = fc.property(facts, (drawn) => {
    const { operation } = drawn;
    const given = withProofs(
      drawn.proofs.map(({ operation, ...rest }) =>
        proofOf({ ...rest, ...(operation === undefined ? {} : { operation }) }),
      ),
      {
        principal: principalOf({ signedInAt: new Date(drawn.signedInAt) }),
        requirement: requirementOf({
          action: drawn.action,
          account: drawn.account,
          subjects: [sensitive([categoryPolicy('5', { graceSeconds: drawn.grace })])],
          ...(operation === undefined ? {} : { operation }),
        }),
        settings: settingsOf([ketamine], { enabled: drawn.enabled, limits: drawn.limits }),
      },
    );
    const before = JSON.stringify(given);
    const [one, other] = [decide(given), decide(given)];
    return (
      ['allow', 'challenge', 'locked', 'deny'].includes(one.outcome) &&
      JSON.stringify(one) === JSON.stringify(other) &&
      JSON.stringify(given) === before
    );
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 1000 }));
});
