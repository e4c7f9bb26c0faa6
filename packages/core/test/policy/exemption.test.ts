// Who is not asked, and above all who is asked all the same (threat 29): exempt principals who export, delete, pay, sign or change
// factors; whoever acts as somebody else; a service past what the configuration names.
import t from 'tap';
import { type Decision, decide, type Exemption, type Facts } from '../../src/policy/decide.ts';
import { asksForTreatment, type ExemptionFacts, exemptionFor, type ServiceRule } from '../../src/policy/exemption.ts';
import { ACCOUNT_SUBJECT } from '../../src/policy/proof.ts';
import type { ExemptionRule } from '../../src/policy/settings.ts';
import {
  categoryPolicy,
  factsOf,
  ketamine,
  principalOf,
  proofOf,
  reauthenticating,
  requirementOf,
  settingsOf,
  withProofs,
} from '../support/facts.ts';

const therapy = categoryPolicy('8');
const rule = (kind: ExemptionRule['kind'], value: string | null, categories: readonly string[] | null = null) => ({
  kind,
  value,
  categories: categories === null ? null : new Set(categories),
});
const about = (changes: Partial<ExemptionFacts> = {}, ...exemptions: readonly ExemptionRule[]): ExemptionFacts => ({
  principal: principalOf(),
  requirement: requirementOf(),
  settings: settingsOf([ketamine, therapy], { exemptions }),
  service: null,
  treating: 'unasked',
  ...changes,
});
const touching = (...categories: readonly (typeof ketamine)[]) =>
  requirementOf({ subjects: [{ patientId: 'p1', categories }] });
const exempt: Exemption = { kind: 'role', detail: 'anaesthetist' };
const word = (decision: Decision) => (decision.outcome === 'allow' ? `allow ${decision.basis}` : decision.outcome);

t.test('by role, by provider, by treatment relationship; each for the categories it names', async (t) => {
  const role = rule('role', 'anaesthetist');
  const anaesthetist = principalOf({ roles: ['clinician', 'anaesthetist'] });
  t.equal(exemptionFor(about({}, role)), null, 'another role');
  t.equal(exemptionFor(about({ principal: principalOf({ roles: [] }) }, role)), null);
  t.strictSame(exemptionFor(about({ principal: anaesthetist }, role)), { kind: 'role', detail: 'anaesthetist' });
  const provider = rule('provider', 'ana');
  t.strictSame(exemptionFor(about({}, provider)), { kind: 'provider', detail: 'ana' });
  t.equal(exemptionFor(about({ principal: principalOf({ userId: 'ben' }) }, provider)), null);
  const treatment = rule('treatment-relationship', null);
  t.equal(exemptionFor(about({}, treatment)), null, 'nobody was asked yet');
  t.equal(exemptionFor(about({ treating: false }, treatment)), null);
  t.strictSame(exemptionFor(about({ treating: true }, treatment)), {
    kind: 'treatment-relationship',
    detail: 'treating',
  });
  t.equal(exemptionFor(about({}, rule('role', null))), null, 'a role without a name is nobody’s');

  const ketamineOnly = rule('provider', 'ana', ['5']);
  t.ok(exemptionFor(about({ requirement: touching(ketamine) }, ketamineOnly)));
  t.equal(exemptionFor(about({ requirement: touching(therapy) }, ketamineOnly)), null);
  t.equal(
    exemptionFor(about({ requirement: touching(ketamine, therapy) }, ketamineOnly)),
    null,
    'a record of both is asked for: two rules do not add up',
  );
  t.equal(
    exemptionFor(about({ requirement: touching(ketamine, therapy) }, ketamineOnly, rule('role', 'clinician', ['8']))),
    null,
  );
  const two = requirementOf({
    subjects: [
      { patientId: 'p1', categories: [ketamine] },
      { patientId: 'p2', categories: [therapy] },
    ],
  });
  t.equal(exemptionFor(about({ requirement: two }, ketamineOnly)), null, 'an edit that moves a record');
});

t.test('nobody who acts as somebody else is exempt, and the host is not even asked', async (t) => {
  const rules = [rule('role', 'clinician'), rule('provider', 'ana'), rule('treatment-relationship', null)];
  const support = principalOf({ actor: { userId: 'support', displayName: 'Support' } });
  t.equal(exemptionFor(about({ principal: support, treating: true }, ...rules)), null);
  t.equal(asksForTreatment(about({ principal: support }, ...rules)), false);
  const herself = principalOf({ actor: { userId: 'ana', displayName: 'Dr Ana' } });
  t.ok(exemptionFor(about({ principal: herself }, ...rules)));
});

t.test('a service: what the configuration names, and no rule made for people', async (t) => {
  const queue = principalOf({ userId: 'queue', kind: 'service', roles: ['clinician'] });
  const named: ServiceRule = {
    userId: 'queue',
    workspaceId: null,
    categories: new Set(['5']),
    actions: new Set(['view']),
  };
  const asked = (changes: Partial<ExemptionFacts>) => exemptionFor(about({ principal: queue, ...changes }));
  t.strictSame(asked({ service: named }), { kind: 'service', detail: 'queue' });
  t.equal(asked({ service: named, requirement: touching(therapy) }), null);
  t.equal(asked({ service: named, requirement: requirementOf({ action: 'edit' }) }), null);
  t.equal(exemptionFor(about({ principal: queue }, rule('role', 'clinician'), rule('provider', 'queue'))), null);
  t.equal(asksForTreatment(about({ principal: queue }, rule('treatment-relationship', null))), false);
});

t.test('the host is asked about a treatment relationship only where it could change the answer', async (t) => {
  const treatment = rule('treatment-relationship', null, ['5']);
  t.equal(asksForTreatment(about({}, treatment)), true);
  t.equal(asksForTreatment(about({ requirement: requirementOf({ action: 'edit' }) }, treatment)), true);
  t.equal(asksForTreatment(about({ requirement: requirementOf({ action: 'export' }) }, treatment)), false);
  t.equal(asksForTreatment(about({ requirement: touching(therapy) }, treatment)), false);
  t.equal(asksForTreatment(about({ requirement: touching() }, treatment)), false, 'nothing sensitive');
  t.equal(asksForTreatment(about({}, rule('role', 'clinician'))), false);
});

t.test('Threat 29: an exempt principal views and edits, and is asked for everything else', async (t) => {
  const decided = (changes: Partial<Facts>) =>
    word(decide(factsOf({ exemption: exempt, factors: 'not-loaded', ...changes })));
  const settings = settingsOf([ketamine], {
    reauthentication: new Map([
      ...reauthenticating('export', 'delete', 'payment'),
      ['edit-late', { withinSeconds: 60, strength: 'any' }],
    ]),
  });
  t.equal(decided({}), 'allow exemption');
  t.equal(decided({ requirement: requirementOf({ action: 'edit' }) }), 'allow exemption');
  for (const action of ['export', 'delete', 'payment', 'edit-late', 'share', 'View']) {
    t.equal(decided({ settings, requirement: requirementOf({ action, operation: 'op' }) }), 'challenge', action);
  }
  for (const action of ['view', 'edit']) {
    t.equal(
      decided({ requirement: requirementOf({ action, signing: true, operation: 'op' }) }),
      'challenge',
      `${action}, signed`,
    );
    const forced = settingsOf([ketamine], { reauthentication: reauthenticating(action) });
    const requirement = requirementOf({ action, operation: 'op' });
    t.equal(decided({ settings: forced, requirement }), 'challenge', `${action}, always asked again`);
    const account = requirementOf({
      action,
      account: true,
      subjects: [{ patientId: ACCOUNT_SUBJECT, categories: [] }],
    });
    t.equal(decided({ requirement: account }), 'challenge', `${action} of one's own account`);
  }
  for (const [action, expected] of [
    ['view', 'allow exemption'],
    ['export', 'deny'],
    ['delete', 'deny'],
  ] as const) {
    const service = { principal: principalOf({ kind: 'service' }), servicesNamed: true };
    const requirement = requirementOf({ action, operation: 'op' });
    t.equal(decided({ ...service, requirement }), expected, `a service: ${action}`);
  }
  t.match(decide(withProofs([proofOf()], { exemption: exempt })), { basis: 'exemption', exemption: exempt });
});
