import fc from 'fast-check';
import t from 'tap';
import { decide, type Facts } from '../../src/policy/decide.ts';
import type { Proof } from '../../src/policy/proof.ts';
import type { CategoryPolicy, EffectiveSettings } from '../../src/policy/settings.ts';
import { strengths } from '../../src/policy/strength.ts';
import { memorySessionState } from '../../src/session-state/memory-session-state.ts';
import type { OpenChallenge } from '../../src/session-state/open-challenge.ts';
import type { SessionKey } from '../../src/session-state/session-state.ts';
import { categoryPolicy, NOW, principalOf, reauthenticating, settingsOf } from '../support/facts.ts';

// The attacker may do anything in any order: sign in and out, switch users on one workstation, drop or steal binding cookies,
// wait, have settings loosened, have factors revoked, be exempt. What must never happen is that a request is allowed without a
// proof of this user, this session, this binding, this patient (and category, and operation) that is fresh and strong enough; an
// exemption, or emergency access to this patient before its end, answers for views and edits of records, and for nothing that asks
// again.
//
// Session state and decision together are held against a reference that is too simple to be wrong: the list of every proof
// ever given, each with what it is good for and the bindings that may still see it.

/** An export asks for each operation; a prescription for a strong proof of the last minute. */
const reauthentication: EffectiveSettings['reauthentication'] = new Map([
  ...reauthenticating('export'),
  ['prescribe', { withinSeconds: 60, strength: 'multi-factor' }],
]);

/** Settings an administrator moves between: looser, tighter, stronger, off. */
const variants: readonly EffectiveSettings[] = [
  [{ enabled: true }, 900, 900, 'any', 'patient'],
  [{ enabled: true }, 60, 60, 'any', 'patient'],
  [{ enabled: true }, 900, 300, 'phishing-resistant', 'patient'],
  [{ enabled: true }, 900, 900, 'any', 'category'],
  [{ enabled: true }, 900, 0, 'any', 'patient'],
  [{ enabled: true }, 3600, 3600, 'phishing-resistant', 'category'],
  [{ enabled: true }, 900, 900, 'multi-factor', 'patient'],
  [{ enabled: false }, 900, 900, 'any', 'patient'],
].map(([changes, five, eight, strength, scope]) =>
  settingsOf(
    [
      categoryPolicy('5', { graceSeconds: five } as Partial<CategoryPolicy>),
      categoryPolicy('8', { graceSeconds: eight, strength, scope } as Partial<CategoryPolicy>),
    ],
    { reauthentication, ...(changes as Partial<EffectiveSettings>) },
  ),
);

const some = <T>(...values: readonly T[]) => fc.constantFrom(...values);
// Repeated where the stories should more often stay with one person, one session, one patient.
const who = { user: some('ana', 'ana', 'ana', 'ana', 'ana', 'ben'), hostSession: some('s1', 's1', 's1', 's1', 's2') };
/** What a request carries: no cookie, the newest one, the one before, one from long ago, one made up. */
const presented = some(
  'current',
  'current',
  'current',
  'current',
  'current',
  'previous',
  'previous',
  'ancient',
  'none',
  'forged',
);
const operation = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('request' as const),
      ...who,
      presented,
      patient: some('p1', 'p1', 'p2'),
      categories: some(['5'], ['8'], ['5', '8'], []),
      action: some('view', 'edit', 'export', 'prescribe'),
      exempt: some(false, false, false, true),
      /** Whether emergency access is open, for p1. */
      emergency: some(false, false, false, true),
      operation: some('op1', 'op2'),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('prove' as const),
      ...who,
      presented,
      patient: some('p1', 'p1', 'p2'),
      scopes: some([null], [null, '8'], [null, '5']),
      strength: some('any' as const, 'multi-factor' as const, 'phishing-resistant' as const),
      operation: some(null, null, 'op1'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      seconds: some(1, 1, 5, 9, 10, 59, 60, 119, 120, 299, 300, 899, 900),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('change settings' as const),
      to: fc.integer({ min: 0, max: variants.length - 1 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('sign in again' as const), ...who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sign out' as const), ...who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke' as const), user: some('ana', 'ben', null) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clock was set back' as const) }) },
);
type Step = typeof operation extends fc.Arbitrary<infer S> ? S : never;

/** A proof as the reference remembers it. */
interface Given {
  readonly proof: Proof;
  readonly user: string;
  readonly hostSession: string;
  /** The bindings that may see it, and until when. */
  readonly seenBy: Map<string, number>;
  dead: boolean;
}

interface Tally {
  allowed: number;
  asked: number;
  exempted: number;
}

/** Runs one story; throws where the system and the reference differ. */
function run(steps: readonly Step[], tally: Tally): void {
  const state = memorySessionState();
  const given: Given[] = [];
  const cookies = new Map<string, string[]>();
  const userEpochs = new Map<string, number>();
  const endings = new Map<string, number>();
  const signIns = new Map<string, number>();
  const owners = new Map<string, string>();
  let workspaceEpoch = 0;
  let settings = variants[0]!;
  let now = NOW;
  let counter = 0;

  const place = (user: string, hostSession: string) => `${user}@${hostSession}`;
  const kill = (dies: (one: Given) => boolean) => {
    for (const one of given) if (dies(one)) one.dead = true;
  };
  const cookieOf = (user: string, hostSession: string, which: string): string | null => {
    const jar = cookies.get(place(user, hostSession)) ?? [];
    if (which === 'none') return null;
    if (which === 'forged') return 'made up';
    return jar.at(which === 'current' ? -1 : which === 'previous' ? -2 : 0) ?? null;
  };

  /** What the flows do before every decision: the session as the durable tables know it. */
  const visit = (user: string, hostSession: string) => {
    const key: SessionKey = { keyHash: hostSession, workspaceId: 'clinic', userId: user };
    const epochs = { user: userEpochs.get(user) ?? 0, workspace: workspaceEpoch };
    const signedInAt = signIns.get(place(user, hostSession)) ?? NOW;
    const ending = endings.get(place(user, hostSession)) ?? null;
    const endedAt = ending !== null && signedInAt <= ending ? ending : null;
    const held = state.read(key, null, [], now);
    if (held instanceof Promise) throw new Error('memory answers at once');
    if (held !== null && (held.epochs.user !== epochs.user || held.epochs.workspace !== epochs.workspace))
      state.renew(key, epochs, true);
    state.begin(key, { number: `n${counter++}`, epochs, endedAt, hasFactor: true, signedInAt, now });
    if (endedAt !== null) state.end(key, endedAt);
    // Whoever is there now has erased everybody else's state under this host session.
    if (owners.get(hostSession) !== user) kill((one) => one.hostSession === hostSession);
    owners.set(hostSession, user);
    return { key, epochs, signedInAt };
  };

  for (const step of steps) {
    if (step.do === 'wait') now += step.seconds * 1000;
    else if (step.do === 'change settings') settings = variants[step.to]!;
    else if (step.do === 'clock was set back') {
      state.dropAllProofs();
      kill(() => true);
    } else if (step.do === 'revoke') {
      if (step.user === null) workspaceEpoch += 1;
      else userEpochs.set(step.user, (userEpochs.get(step.user) ?? 0) + 1);
      kill((one) => step.user === null || one.user === step.user);
    } else if (step.do === 'sign in again') {
      now += 1;
      signIns.set(place(step.user, step.hostSession), now);
      // A new sign-in begins anew, also under the same key of the host.
      kill((one) => one.user === step.user && one.hostSession === step.hostSession);
    } else if (step.do === 'sign out') {
      const { key } = visit(step.user, step.hostSession);
      state.end(key, now);
      endings.set(place(step.user, step.hostSession), now);
      kill((one) => one.user === step.user && one.hostSession === step.hostSession);
      now += 1;
    } else if (step.do === 'prove') {
      const { user, hostSession } = step;
      const { key, epochs } = visit(user, hostSession);
      const reading = state.read(key, null, [], now);
      if (reading === null || reading instanceof Promise) throw new Error('no session');
      const binding = cookieOf(user, hostSession, step.presented);
      const id = `c${counter++}`;
      const ended = state.openChallenge(key, id, () => ({ id, expiresAt: now + 1000 }) as OpenChallenge, now) === null;
      const proofs = (step.operation === null ? step.scopes : [null]).map(
        (scope): Proof => ({
          workspaceId: 'clinic',
          userId: user,
          sessionNumber: reading.number,
          patientId: step.patient,
          scope,
          factor: step.strength,
          strength: step.strength,
          verifiedAt: now,
          terms: settings.grace,
          ...(step.operation === null ? {} : { operation: step.operation }),
        }),
      );
      const fresh = `b${counter++}`;
      const granted = state.grant(
        key,
        reading.number,
        epochs,
        { proofs, presented: binding, binding: fresh, oldBindingSeconds: 10, challengeId: id },
        now,
      );
      if (granted === ended) throw new Error(`granted ${granted} in a session that ${ended ? 'ended' : 'is alive'}`);
      if (granted) {
        const jar = cookies.get(place(user, hostSession)) ?? [];
        const current = jar.at(-1);
        for (const one of given) {
          if (one.dead || one.user !== user || one.hostSession !== hostSession) continue;
          const sees = binding !== null && (one.seenBy.get(binding) ?? 0) > now;
          if (!sees) one.dead = true;
          const before = current !== undefined && one.seenBy.has(current);
          one.seenBy.clear();
          one.seenBy.set(fresh, Number.POSITIVE_INFINITY);
          if (before && current !== undefined) one.seenBy.set(current, now + 10_000);
        }
        cookies.set(place(user, hostSession), [...jar, fresh]);
        for (const proof of proofs) {
          // Of one kind and one patient the later proof stands in the earlier one's place.
          const kind = ({ patientId, scope, factor, terms, operation }: Proof) =>
            [patientId, scope, factor, variants.findIndex(({ grace }) => grace === terms), operation].join();
          if (proof.operation === undefined)
            kill((one) => one.user === user && one.hostSession === hostSession && kind(one.proof) === kind(proof));
          given.push({ proof, user, hostSession, seenBy: new Map([[fresh, Number.POSITIVE_INFINITY]]), dead: false });
        }
      }
      now += 1;
    } else {
      const { user, hostSession } = step;
      const { key, signedInAt } = visit(user, hostSession);
      const binding = cookieOf(user, hostSession, step.presented);
      const reading = state.read(key, binding, [step.patient], now);
      if (reading === null || reading instanceof Promise) throw new Error('no session');
      const categories = step.categories.map((category) => settings.categories.get(category)!);
      const facts: Facts = {
        principal: principalOf({ userId: user, sessionKey: hostSession, signedInAt: new Date(signedInAt) }),
        session: {
          number: reading.number,
          ended: reading.endedAt !== null,
          lastActivityAt: null,
          proofs: reading.proofs,
        },
        requirement: {
          workspaceId: 'clinic',
          action: step.action,
          subjects: [{ patientId: step.patient, categories }],
          operation: step.operation,
        },
        settings,
        exemption: step.exempt ? { kind: 'role', detail: 'anaesthetist' } : null,
        emergencyAccess: step.emergency
          ? { id: 'e1', purpose: 'clinical', patientId: 'p1', endsAt: now + 1 }
          : { id: 'e0', purpose: 'clinical', patientId: step.patient, endsAt: now },
        factors: 'not-loaded',
        now,
      };
      const decision = decide(facts);
      const consumed =
        decision.outcome === 'allow' &&
        decision.basis === 'one-shot' &&
        state.consume(key, binding, step.operation, now) === true;
      const allowed = decision.outcome === 'allow' && (decision.basis !== 'one-shot' || consumed);

      // The reference, in one breath.
      const ending = endings.get(place(user, hostSession));
      const ended = ending !== undefined && signedInAt <= ending;
      const exports = step.action === 'export';
      const prescribes = step.action === 'prescribe';
      const asks = settings.enabled ? categories : [];
      const oneShot = exports || asks.some(({ graceSeconds }) => graceSeconds === 0);
      const visible = given.filter(
        (one) =>
          !one.dead &&
          one.user === user &&
          one.hostSession === hostSession &&
          binding !== null &&
          (one.seenBy.get(binding) ?? 0) > now,
      );
      const seen = visible.filter((one) => one.proof.patientId === step.patient);
      const answers = (category: CategoryPolicy | null) =>
        seen.some(({ proof }) => {
          const age = now - proof.verifiedAt;
          const least = Math.max(
            category === null ? 0 : strengths.indexOf(category.strength),
            prescribes ? strengths.indexOf('multi-factor') : 0,
          );
          if (strengths.indexOf(proof.strength) < least) return false;
          if (oneShot) return proof.operation === step.operation && age < 120_000;
          if (proof.operation !== undefined || (prescribes && age >= 60_000)) return false;
          if (category === null) return prescribes;
          if (category.scope === 'category' && proof.scope !== category.id) return false;
          const then = proof.terms.byCategory[category.id] ?? proof.terms.defaultSeconds;
          return age < then * 1000 && age < category.graceSeconds * 1000;
        });
      const asked = asks.length > 0 ? asks : exports || prescribes ? [null] : [];
      const overridden = step.exempt || (step.emergency && step.patient === 'p1');
      const exempted = overridden && asked.length > 0 && !exports && !prescribes;
      const should = !ended && (exempted || asked.every(answers));
      if (should && oneShot && !exempted)
        kill((one) => visible.includes(one) && one.proof.operation === step.operation);

      if (allowed && !should) throw new Error(`allowed without a proof: ${JSON.stringify({ step, decision })}`);
      if (!allowed && should) throw new Error(`asked in spite of a proof: ${JSON.stringify({ step, decision })}`);
      if (exempted) tally.exempted += 1;
      else if (asked.length > 0) tally[allowed ? 'allowed' : 'asked'] += 1;
    }
  }
}

t.test(
  'property: whatever happens in whatever order, nothing sensitive is allowed without a matching, fresh, strong proof',
  async (t) => {
    const tally = { allowed: 0, asked: 0, exempted: 0 };
    const stories = fc.array(operation, { minLength: 5, maxLength: 40, size: 'max' });
    t.doesNotThrow(() =>
      fc.assert(
        fc.property(stories, (steps) => run(steps, tally)),
        { numRuns: 3000 },
      ),
    );
    t.ok(
      tally.allowed > 300 && tally.asked > 300 && tally.exempted > 300,
      `${JSON.stringify(tally)}: the stories reach each`,
    );
  },
);

t.test('the reference sees what it is made for', async (t) => {
  const request = {
    do: 'request',
    user: 'ana',
    hostSession: 's1',
    presented: 'current',
    patient: 'p1',
    categories: ['5'],
    action: 'view',
    operation: 'op1',
  } as const;
  const prove = {
    do: 'prove',
    user: 'ana',
    hostSession: 's1',
    presented: 'current',
    patient: 'p1',
    scopes: [null],
    strength: 'any',
    operation: null,
  } as const;
  const told = (steps: readonly unknown[]) => {
    const tally = { allowed: 0, asked: 0, exempted: 0 };
    run(steps as Step[], tally);
    const { exempted, ...rest } = tally;
    return exempted === 0 ? rest : tally;
  };
  t.same(told([request]), { allowed: 0, asked: 1 });
  t.same(told([prove, request, request]), { allowed: 2, asked: 0 });
  t.same(told([prove, { ...request, presented: 'none' }, { ...request, presented: 'forged' }]), {
    allowed: 0,
    asked: 2,
  });
  t.same(told([prove, { do: 'wait', seconds: 900 }, request]), { allowed: 0, asked: 1 });
  t.same(
    told([prove, { do: 'change settings', to: 1 }, { do: 'wait', seconds: 60 }, request]),
    { allowed: 0, asked: 1 },
    'tightened',
  );
  t.same(
    told([
      { do: 'change settings', to: 1 },
      prove,
      { do: 'change settings', to: 0 },
      { do: 'wait', seconds: 60 },
      request,
    ]),
    { allowed: 0, asked: 1 },
    'loosened',
  );
  t.same(told([prove, { ...request, user: 'ben' }, request]), { allowed: 0, asked: 2 }, 'A, B, A');
  t.same(
    told([
      prove,
      { do: 'sign out', user: 'ana', hostSession: 's1' },
      { do: 'sign in again', user: 'ana', hostSession: 's1' },
      request,
    ]),
    { allowed: 0, asked: 1 },
  );
  t.same(told([prove, { do: 'revoke', user: null }, request]), { allowed: 0, asked: 1 });
  const exporting = { ...request, action: 'export' } as const;
  t.same(
    told([{ ...prove, operation: 'op1' }, { ...exporting, operation: 'op2' }, exporting, exporting]),
    { allowed: 1, asked: 2 },
    'one-shot, once',
  );
  const exempt = { ...request, exempt: true } as const;
  t.same(told([exempt, { ...exempt, action: 'edit' }]), { allowed: 0, asked: 0, exempted: 2 });
  t.same(
    told([
      { ...exempt, action: 'export' },
      { ...exempt, action: 'prescribe' },
    ]),
    { allowed: 0, asked: 2 },
    'Threat 29',
  );
  const emergency = { ...request, emergency: true } as const;
  t.same(
    told([emergency, { ...emergency, patient: 'p2' }, { ...emergency, action: 'export' }]),
    { allowed: 0, asked: 2, exempted: 1 },
    'Threats 16 and 29',
  );
  const prescribing = { ...request, action: 'prescribe' } as const;
  const strong = { ...prove, strength: 'phishing-resistant' } as const;
  t.same(told([prove, prescribing, strong, prescribing, { do: 'wait', seconds: 60 }, prescribing, request]), {
    allowed: 2,
    asked: 2,
  });
});
