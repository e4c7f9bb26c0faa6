// What a requirement asks beyond a category's grace period: strength, freshness by action, signing, enrolment, role limits.
import fc from 'fast-check';
import t from 'tap';
import { type Decision, decide, type EnrolledFactor, type Facts, limitsFor } from '../../src/policy/decide.ts';
import { ACCOUNT_SUBJECT, type Proof } from '../../src/policy/proof.ts';
import { touchedCategories } from '../../src/policy/requirement.ts';
import { satisfiesStrength, strengths, strongest } from '../../src/policy/strength.ts';
import {
  categoryPolicy,
  factsOf,
  graceTerms,
  ketamine,
  NOW,
  principalOf,
  proofOf,
  requirementOf,
  seconds,
  settingsOf,
  withProofs,
} from '../support/facts.ts';

function word(decision: Decision): string {
  if (decision.outcome === 'allow') return `allow ${decision.basis}`;
  return decision.outcome === 'challenge' ? 'challenge' : `${decision.outcome} ${decision.reason}`;
}
const kindsOf = (decision: Decision) => ('reasons' in decision ? decision.reasons.map(({ kind }) => kind) : []);

t.test(
  'each strength is answered by itself and those above, and a challenge names the strongest that is asked',
  async (t) => {
    for (const asked of strengths) {
      const strict = categoryPolicy('8', { strength: asked });
      const requirement = requirementOf({ subjects: [{ patientId: 'p1', categories: [ketamine, strict] }] });
      for (const had of strengths) {
        const decision = decide(withProofs([proofOf({ strength: had })], { requirement, factors: 'not-loaded' }));
        const enough = satisfiesStrength(had, asked);
        t.equal(word(decision), enough ? 'allow proof' : 'challenge', `${had} for ${asked}`);
        if (!enough) t.match(decision, { strength: asked, reasons: [{ kind: 'too-weak', categoryId: '8' }] });
        const factors: EnrolledFactor[] = [{ factor: 'it', strength: had, usable: true }];
        t.equal(word(decide(factsOf({ requirement, factors }))), enough ? 'challenge' : 'deny no-suitable-factor');
      }
    }
  },
);

t.test('a category asks for the actions it names, and for every one where it names none', async (t) => {
  const edits = categoryPolicy('8', { actions: new Set(['edit', 'sign']) });
  const settings = settingsOf([ketamine, edits]);
  const ids = (action: string, carried: readonly string[] | null, guarded: ReadonlySet<string> | '*' = '*') =>
    touchedCategories(guarded, carried, settings, action).map(({ id }) => id);
  t.strictSame(ids('view', ['5', '8']), ['5']);
  t.strictSame(ids('edit', ['5', '8']), ['5', '8']);
  t.strictSame(ids('view', ['8']), []);
  t.strictSame(ids('sign', null), ['5', '8'], 'a route that is sensitive itself');
  t.strictSame(ids('view', null, new Set(['8'])), []);
  t.strictSame(ids('Edit', ['8']), [], 'an action is what the guard says, to the letter');
});

t.test(
  'an action that asks again within so many seconds: fresher than the grace period, and not one-shot',
  async (t) => {
    const settings = settingsOf([ketamine], {
      reauthentication: new Map([['prescribe', { withinSeconds: 60, strength: 'any' }]]),
    });
    const asked = (age: number, changes: Partial<Proof> = {}, subjects = requirementOf().subjects) =>
      decide(
        withProofs([proofOf({ verifiedAt: NOW - seconds(age), ...changes })], {
          settings,
          requirement: requirementOf({ action: 'prescribe', subjects }),
        }),
      );
    t.equal(word(asked(59)), 'allow proof');
    t.strictSame(kindsOf(asked(60)), ['expired']);
    t.match(asked(60), { oneShot: false, reasons: [{ graceSeconds: 60 }] });
    t.strictSame(kindsOf(asked(10, { patientId: 'p2' })), ['missing'], 'for this patient');
    const ordinary = [{ patientId: 'p1', categories: [] }];
    t.equal(word(asked(59, {}, ordinary)), 'allow proof', 'also where nothing sensitive is touched');
    t.strictSame(kindsOf(asked(60, {}, ordinary)), ['expired']);
    t.strictSame(kindsOf(asked(30, { terms: graceTerms(20, { 5: 20 }) })), ['expired'], 'a shorter grace period wins');
    const brief = categoryPolicy('5', { graceSeconds: 30 });
    t.strictSame(kindsOf(asked(45, {}, [{ patientId: 'p1', categories: [brief] }])), ['expired']);
    const off = decide(
      withProofs([proofOf({ verifiedAt: NOW - seconds(100) })], {
        settings: { ...settings, enabled: false },
        requirement: requirementOf({ action: 'prescribe' }),
      }),
    );
    t.equal(word(off), 'challenge', 'and where the workspace has switched step-up off');
  },
);

t.test('an action may ask for strength, which adds to the category’s', async (t) => {
  const settings = (strength: (typeof strengths)[number]) =>
    settingsOf([ketamine], { reauthentication: new Map([['export', { withinSeconds: 120, strength }]]) });
  for (const asked of strengths) {
    for (const category of strengths) {
      const subjects = [{ patientId: 'p1', categories: [categoryPolicy('5', { strength: category })] }];
      const decision = decide(
        factsOf({
          settings: settings(asked),
          factors: 'not-loaded',
          requirement: requirementOf({ action: 'export', subjects }),
        }),
      );
      t.match(decision, { outcome: 'challenge', strength: strongest(asked, category) }, `${asked} and ${category}`);
    }
  }
});

t.test('signing: one-shot, of the strength that is set, whatever action and grace period', async (t) => {
  const requirement = requirementOf({ action: 'view', signing: true, operation: 'op' });
  t.match(decide(factsOf({ requirement, factors: 'not-loaded' })), {
    outcome: 'challenge',
    oneShot: true,
    strength: 'multi-factor',
  });
  t.strictSame(kindsOf(decide(withProofs([proofOf({ strength: 'phishing-resistant' })], { requirement }))), [
    'missing',
  ]);
  const proof = (changes: Partial<Proof>) => [proofOf({ operation: 'op', ...changes })];
  t.strictSame(kindsOf(decide(withProofs(proof({ strength: 'any' }), { requirement }))), ['too-weak']);
  t.equal(word(decide(withProofs(proof({ strength: 'multi-factor' }), { requirement }))), 'allow one-shot');
  t.strictSame(kindsOf(decide(withProofs(proof({ strength: 'multi-factor', operation: 'other' }), { requirement }))), [
    'missing',
  ]);
  t.equal(word(decide(factsOf({ requirement: requirementOf({ signing: true }) }))), 'deny operation-unknown');
  const lenient = settingsOf([ketamine], { signingStrength: 'any', enabled: false });
  t.equal(word(decide(withProofs(proof({ strength: 'any' }), { requirement, settings: lenient }))), 'allow one-shot');
});

t.test('must enrol: nothing guarded until then, for those whose role it is; their own factors excepted', async (t) => {
  const settings = settingsOf([ketamine], { enrolment: { roles: new Set(['nurse']), until: 'refuse' } });
  const session = (hasFactor?: boolean) => ({
    ...factsOf().session,
    ...(hasFactor === undefined ? {} : { hasFactor }),
  });
  const nurse = principalOf({ roles: ['nurse'] });
  const ordinary = requirementOf({ subjects: [{ patientId: 'p1', categories: [] }] });
  const decided = (changes: Partial<Facts>) =>
    word(decide(factsOf({ settings, principal: nurse, requirement: ordinary, session: session(false), ...changes })));
  t.equal(decided({}), 'deny must-enrol');
  t.equal(decided({ session: session(true) }), 'allow not-sensitive');
  t.equal(decided({ session: session() }), 'allow not-sensitive', 'not known is not none');
  t.equal(decided({ principal: principalOf() }), 'allow not-sensitive', 'another role');
  t.equal(decided({ settings: { ...settings, enabled: false } }), 'allow disabled');
  const gentle = { ...settings, enrolment: { ...settings.enrolment, until: 'sensitive-only' as const } };
  t.equal(decided({ settings: gentle }), 'allow not-sensitive');
  t.equal(decided({ settings: gentle, requirement: requirementOf(), factors: [] }), 'deny no-suitable-factor');
  const account = requirementOf({ account: true, subjects: [{ patientId: ACCOUNT_SUBJECT, categories: [] }] });
  t.not(decided({ requirement: account }), 'deny must-enrol', 'the way to enrol stays open');
  const exemption = { kind: 'role', detail: 'nurse' } as const;
  t.equal(decided({ requirement: requirementOf(), exemption }), 'deny must-enrol', 'an exemption is no factor');
});

t.test('limits: the shortest of the workspace’s and those of the roles', async (t) => {
  const settings = settingsOf([ketamine], {
    limits: { absoluteSeconds: 36_000 },
    roleLimits: new Map([
      ['admin', { absoluteSeconds: 3600, idleSeconds: 900 }],
      ['nurse', { absoluteSeconds: 7200, idleSeconds: 300 }],
      ['guest', { absoluteSeconds: 86_000 }],
    ]),
  });
  t.strictSame(limitsFor(settings, ['clinician']), { absoluteSeconds: 36_000 });
  t.strictSame(limitsFor(settings, ['guest']), { absoluteSeconds: 36_000 }, 'a role never lengthens');
  t.strictSame(limitsFor(settings, ['nurse']), { absoluteSeconds: 7200, idleSeconds: 300 });
  t.strictSame(limitsFor(settings, ['nurse', 'admin']), { absoluteSeconds: 3600, idleSeconds: 300 });
  t.strictSame(limitsFor(settingsOf(), ['nurse']), {});
  const at = (role: string, age: number, idle: number) =>
    word(
      decide(
        factsOf({
          settings,
          principal: principalOf({ roles: [role], signedInAt: new Date(NOW - seconds(age)) }),
          session: { ...factsOf().session, lastActivityAt: NOW - seconds(idle) },
        }),
      ),
    );
  t.equal(at('nurse', 7199, 299), 'challenge');
  t.equal(at('nurse', 7199, 300), 'locked idle');
  t.equal(at('nurse', 7200, 0), 'locked absolute-limit');
  t.equal(at('clinician', 7200, 5000), 'challenge');
});

t.test(
  'a lost factor: kinds that answer whatever their strength do so for this requirement, and no other',
  async (t) => {
    const account = requirementOf({
      action: 'factors',
      account: true,
      strength: 'phishing-resistant',
      subjects: [{ patientId: ACCOUNT_SUBJECT, categories: [] }],
    });
    const byRecovery = { ...account, orFactors: new Set(['recovery-codes']) };
    const factors: EnrolledFactor[] = [
      { factor: 'totp', strength: 'multi-factor', usable: true },
      { factor: 'recovery-codes', strength: 'any', usable: true },
    ];
    t.equal(word(decide(factsOf({ requirement: account, factors }))), 'deny no-suitable-factor');
    t.match(decide(factsOf({ requirement: byRecovery, factors })), {
      outcome: 'challenge',
      strength: 'phishing-resistant',
      factors: ['recovery-codes'],
    });
    const proof = (changes: Partial<Proof>) => [proofOf({ patientId: ACCOUNT_SUBJECT, strength: 'any', ...changes })];
    const code = proof({ factor: 'recovery-codes' });
    t.equal(word(decide(withProofs(code, { requirement: byRecovery }))), 'allow proof');
    t.strictSame(kindsOf(decide(withProofs(code, { requirement: account }))), ['too-weak']);
    t.strictSame(kindsOf(decide(withProofs(proof({ factor: 'totp' }), { requirement: byRecovery }))), ['too-weak']);
  },
);

t.test('factors for the account alone answer no record', async (t) => {
  const factors: EnrolledFactor[] = [{ factor: 'recovery-codes', strength: 'any', usable: true, accountOnly: true }];
  t.equal(word(decide(factsOf({ factors }))), 'deny no-suitable-factor');
  const account = requirementOf({ account: true, subjects: [{ patientId: ACCOUNT_SUBJECT, categories: [] }] });
  t.match(decide(factsOf({ requirement: account, factors })), { outcome: 'challenge', factors: ['recovery-codes'] });
});

t.test('property: no proof answers for longer than the shortest bound it is under', async (t) => {
  const bound = fc.integer({ min: 0, max: 4000 });
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(bound, bound, bound, bound, fc.integer({ min: -5, max: 4005 }), fc.boolean(), (...given) => {
        const [then, now, category, within, age, forced] = given;
        const policy = categoryPolicy('5', { graceSeconds: Math.min(category, now) });
        const settings = settingsOf([policy], {
          grace: graceTerms(now, { 5: policy.graceSeconds }),
          reauthentication: forced ? new Map([['view', { withinSeconds: within, strength: 'any' }]]) : new Map(),
        });
        const proof = proofOf({ verifiedAt: NOW - seconds(age), terms: graceTerms(then, { 5: then }) });
        const requirement = requirementOf({ subjects: [{ patientId: 'p1', categories: [policy] }], operation: 'op' });
        const decision = decide(withProofs([proof], { settings, requirement }));
        const longest = Math.min(then, policy.graceSeconds, forced ? within : Number.POSITIVE_INFINITY);
        const allowed = decision.outcome === 'allow';
        // Where a bound is 0 the proof would have to be for the one operation, and this one is not.
        return allowed === (age >= 0 && age < longest && policy.graceSeconds > 0 && !(forced && within === 0));
      }),
      { numRuns: 2000 },
    ),
  );
});
