import { randomBytes, randomUUID } from 'node:crypto';
import { generateSync } from 'otplib';
import t, { type Test } from 'tap';
import { type ManualClock, manualClock } from '../../../../test/support/clock.ts';
import type { CountersignOptions } from '../../src/configuration/configuration.ts';
import { type Countersign, createCountersign } from '../../src/countersign.ts';
import { CountersignError } from '../../src/errors/countersign-error.ts';
import { totp } from '../../src/factors/totp.ts';
import type { Demand } from '../../src/flows/demand.ts';
import type { SessionPrincipal } from '../../src/flows/services.ts';
import type { Principal } from '../../src/policy/principal.ts';
import { FakeStore, gate } from '../support/fake-store.ts';

// The cases that a real database makes hard to reach: what happens between two of its answers.

const keys = { current: 'k1', all: { k1: randomBytes(32) } };
const view: Demand = {
  workspaceId: 'clinic',
  action: 'view',
  guarded: '*',
  subjects: [{ patientId: 'p1', carried: ['5'] }],
};
const turns = async (count = 10) => {
  for (let index = 0; index < count; index++) await new Promise<void>((resolve) => setImmediate(resolve));
};

interface World {
  readonly store: FakeStore;
  readonly clock: ManualClock;
  readonly node: Countersign;
  /** Another process on the same database, or this one after a restart. */
  another(): Promise<Countersign>;
}

async function world(test: Test, changes: Partial<CountersignOptions> = {}): Promise<World> {
  const store = new FakeStore();
  const clock = manualClock();
  const another = async () => {
    const node = await createCountersign({
      store,
      clock,
      keys,
      publicUrl: 'https://ehr.example.org',
      categories: [{ id: '5', name: 'Ketamine infusion' }],
      factors: [totp({ issuer: 'Example EHR' })],
      isAdministrator: (principal) => principal.roles.includes('admin'),
      ...changes,
    });
    test.teardown(() => node.close());
    return node;
  };
  return { store, clock, node: await another(), another };
}

/** A person at a browser: their authenticator, their cookies. */
class Person {
  readonly world: World;
  node: Countersign;
  secret = '';
  binding: string | null = null;
  principal: Principal;

  constructor(world: World, changes: Partial<Principal> = {}) {
    this.world = world;
    this.node = world.node;
    this.principal = {
      userId: 'ana',
      workspaceId: 'clinic',
      roles: ['clinician'],
      displayName: 'Dr Ana',
      signedInAt: new Date(world.clock.now()),
      sessionKey: randomUUID(),
      ...changes,
    };
  }

  get here(): SessionPrincipal {
    return this.node.principalOf(this.principal, this.binding);
  }

  code(): string {
    return generateSync({ secret: this.secret, epoch: Math.floor(this.world.clock.now() / 1000) });
  }

  async enrol(): Promise<this> {
    this.secret = String((await this.node.enrolment.start(this.here, 'totp')).manualKey);
    await this.node.enrolment.finish(this.here, 'totp', { code: this.code() });
    this.world.clock.advance(30);
    this.world.store.confirm();
    return this;
  }

  async asks(demand: Demand = view): Promise<string> {
    const { decision } = await this.node.authorize(this.here, demand);
    return 'reason' in decision ? `${decision.outcome} ${decision.reason}` : decision.outcome;
  }

  async challenge(demand: Demand = view): Promise<string> {
    const { challenge } = await this.node.authorize(this.here, demand);
    return challenge?.id ?? '';
  }

  answer(challenge: string, code: string = this.code()) {
    return this.node.answerChallenge(this.here, challenge, 'totp', { code });
  }

  /** Asks, answers, and keeps the new cookie. */
  async stepUp(demand: Demand = view): Promise<this> {
    this.binding = (await this.answer(await this.challenge(demand))).binding;
    return this;
  }
}

t.test('the fake and the flows fit: asked, answered, allowed, audited', async (t) => {
  const { store, clock, node } = await world(t);
  const ana = await new Person({ store, clock, node, another: async () => node }).enrol();
  t.equal(await ana.asks(), 'challenge');
  await ana.stepUp();
  t.equal(await ana.asks(), 'allow');
  clock.advance(900);
  store.confirm();
  t.equal(await ana.asks(), 'challenge');
  await node.audit.append([]);
  t.strictSame(store.codes(), [
    'FACTOR_ENROLMENT_STARTED',
    'FACTOR_ENROLLED',
    'MFA_REQUIRED',
    'MFA_REQUIRED',
    'MFA_SUCCESS',
    'ACCESS_ALLOWED',
    'MFA_REQUIRED',
  ]);
  t.notMatch(
    JSON.stringify([store.records, [...store.rows.factors.values()]]),
    new RegExp(ana.secret),
    'the secret is nowhere in the clear',
  );
});

t.test(
  'Threat 18: the clock is set back one hour. No proof revives, no code is good again, and the log says why',
  async (t) => {
    const here = await world(t);
    const ana = await new Person(here).enrol();
    const code = ana.code();
    await ana.stepUp();
    here.clock.set(-0.9);
    t.equal(await ana.asks(), 'allow', 'less than a second is slewing');
    here.clock.set(-3600);
    t.equal(await ana.asks(), 'challenge');
    t.equal(
      here.store.records.filter(({ code, reason }) => code === 'CLOCK_SET_BACK' && reason === '3601 s').length,
      1,
    );
    here.clock.set(3601);
    t.equal(await ana.asks(), 'challenge', 'nor when it is put right again');
    here.clock.set(-3600);
    await t.rejects(
      ana.answer(await ana.challenge(), ana.code()),
      { code: 'code_already_used', details: { retryAfterSeconds: Number } },
      'a code of an earlier step',
    );
    here.clock.set(3600);
    here.clock.advance(30);
    await t.rejects(ana.answer(await ana.challenge(), code), { code: 'code_already_used' });
  },
);

t.test(
  'the database has not confirmed for 30 s that nothing was revoked: proofs count as absent, and come back with it',
  async (t) => {
    const here = await world(t);
    const ana = await new Person(here).enrol();
    await ana.stepUp();
    here.store.confirm();
    here.clock.advance(29.999);
    t.equal(await ana.asks(), 'allow');
    here.clock.advance(0.001);
    t.equal(await ana.asks(), 'challenge');
    t.equal((await ana.node.sessions.status(ana.here)).proofs.length, 0);
    here.clock.set(-7200);
    here.clock.set(7200);
    here.store.confirm();
    t.equal(await ana.asks(), 'allow', 'the wall clock has no say in it: nobody looked meanwhile');
  },
);

t.test(
  'Threat 28: a settings row is removed, altered, re-signed, moved or rolled back: unknown, which never allows',
  async (t) => {
    const here = await world(t);
    const admin = await new Person(here, { roles: ['admin'] }).enrol();
    const settings = (graceSeconds: number) => ({ enabled: true, categories: ['5'], graceSeconds });
    const account: Demand = {
      workspaceId: 'clinic',
      action: 'change-settings',
      guarded: new Set(),
      subjects: [{ patientId: '\u0000account', carried: null }],
      account: true,
    };
    await admin.stepUp(account);
    await admin.node.administration.changeSettings(admin.here, 0, settings(300));
    const first = here.store.rows.settings.get('clinic')!;
    await admin.node.administration.changeSettings(admin.here, 1, settings(600));
    const second = here.store.rows.settings.get('clinic')!;
    t.equal((await admin.node.administration.settings(admin.here)).version, 2);

    const forger = await createCountersign({
      store: new FakeStore(),
      keys: { current: 'k1', all: { k1: randomBytes(32) } },
      publicUrl: 'https://ehr.example.org',
      categories: [{ id: '5', name: 'x' }],
      factors: [totp({ issuer: 'x' })],
    });
    t.teardown(() => forger.close());
    const content = JSON.stringify({ enabled: false, categories: [], graceSeconds: 0 });
    const remade = { ...second, content };
    const values = [remade.workspaceId, remade.version, remade.content, remade.changedAt, remade.changedBy];
    for (const [what, row, reason] of [
      ['removed', null, 'missing'],
      ['content altered', { ...second, content }, 'altered'],
      ['version altered', { ...second, version: 9 }, 'altered'],
      ['author altered', { ...second, changedBy: 'ben' }, 'altered'],
      ['signed with another key', { ...remade, mac: forger.configuration.keyring.mac('settings', values) }, 'altered'],
      [
        'signed for another purpose',
        { ...remade, mac: here.node.configuration.keyring.mac('factor', values) },
        'altered',
      ],
      ['rolled back to a version that was once in force', first, 'altered'],
      ['moved from another workspace', { ...second, workspaceId: 'other' }, 'altered'],
      [
        'content that is no settings, rightly signed',
        {
          ...second,
          content: '{}',
          mac: here.node.configuration.keyring.mac('settings', [
            second.workspaceId,
            second.version,
            '{}',
            second.changedAt,
            second.changedBy,
          ]),
        },
        'altered',
      ],
    ] as const) {
      if (row === null) here.store.rows.settings.delete('clinic');
      else here.store.rows.settings.set('clinic', row);
      admin.node = await here.another();
      const before = here.store.records.length;
      t.equal(await admin.asks(), 'deny settings-unknown', what);
      t.match(
        here.store.records.slice(before).find(({ code }) => code === 'SETTINGS_TAMPERED'),
        { workspaceId: 'clinic', reason },
        `${what}: audited`,
      );
      t.equal(
        await admin.asks({ ...view, subjects: [{ patientId: 'p1', carried: [] }] }),
        'deny settings-unknown',
        `${what}: not even what would be ordinary`,
      );
      await t.rejects(admin.node.administration.settings(admin.here), { code: 'settings_unknown' }, what);
      await t.rejects(admin.node.sessions.status(admin.here), { code: 'settings_unknown' }, what);
    }
    here.store.rows.settings.set('clinic', second);
    admin.node = await here.another();
    t.equal(await admin.asks(), 'challenge', 'put back, it is in force again');
  },
);

t.test('Threat 28: a factor row is altered: unknown, and not a way round the factor', async (t) => {
  const here = await world(t);
  const ana = await new Person(here).enrol();
  const ben = await new Person(here, { userId: 'ben' }).enrol();
  const row = [...here.store.rows.factors.values()].find(({ userId }) => userId === 'ana')!;
  const other = [...here.store.rows.factors.values()].find(({ userId }) => userId === 'ben')!;
  const challenge = await ana.challenge();
  for (const [what, changed] of [
    ['the secret of another user', { ...row, secret: other.secret }],
    ["another user's row, given to this one", { ...other, id: row.id, userId: 'ana' }],
    ['the counter set back', { ...row, counter: -1 }],
    ['confirmed by hand', { ...row, confirmedAt: 1 }],
    ['unconfirmed by hand', { ...row, confirmedAt: null }],
    ['another kind', { ...row, factor: 'passkey' }],
    ['a MAC of nothing', { ...row, mac: 'k1.AAAA' }],
  ] as const) {
    here.store.rows.factors.set(row.id, changed);
    await t.rejects(ana.answer(challenge), { code: 'factor_unknown', status: 503 }, what);
    await t.rejects(ana.asks(), { code: 'factor_unknown' }, `${what}: nor is a challenge opened`);
    await t.rejects(ana.node.enrolment.list(ana.here), { code: 'factor_unknown' }, what);
    await t.rejects(
      ana.node.enrolment.start(ana.here, 'totp'),
      { code: 'factor_unknown' },
      `${what}: nor an enrolment`,
    );
  }
  t.ok(
    here.store.records.some(
      ({ code, userId, reason }) => code === 'FACTOR_TAMPERED' && userId === 'ana' && reason === 'altered',
    ),
  );
  here.store.rows.factors.delete(row.id);
  await t.rejects(
    ana.node.enrolment.start(ana.here, 'totp'),
    { code: 'factor_unknown' },
    'removed: not taken for a first enrolment',
  );
  t.ok(here.store.records.some(({ code, reason }) => code === 'FACTOR_TAMPERED' && reason === 'missing'));
  here.store.rows.factors.set(row.id, row);
  t.ok(await ana.answer(challenge), 'put back, the code is accepted: nothing was consumed');
  t.equal(await ben.asks(), 'challenge', 'and nobody else noticed');
});

t.test('Threat 13: sign-out during verification. The code is spent, and no proof survives', async (t) => {
  const here = await world(t);
  const ana = await new Person(here).enrol();
  const challenge = await ana.challenge();
  const commit = here.store.hold('commit');
  const answered = ana.answer(challenge);
  answered.catch(() => {});
  await commit.reached;
  const signedOut = ana.node.sessions.signOut(ana.here);
  await turns();
  commit.open();
  await t.rejects(answered, { code: 'challenge_unknown' });
  await signedOut;
  t.equal(await ana.asks(), 'deny session-ended');
  await t.rejects(ana.answer(challenge), { code: 'session_ended' });
  t.strictSame(here.store.codes().slice(-4, -1), ['MFA_REQUIRED', 'MFA_SUCCESS', 'SESSION_SIGNED_OUT']);
});

t.test('Threat 13: proofs are revoked during verification. What was being proved is gone with them', async (t) => {
  for (const meanwhile of ['nothing else', 'another request'] as const) {
    const here = await world(t);
    const ana = await new Person(here).enrol();
    const challenge = await ana.challenge();
    const commit = here.store.hold('commit');
    const answered = ana.answer(challenge).then((passed) => {
      ana.binding = passed.binding;
    });
    answered.catch(() => {});
    await commit.reached;
    // Another process did it, and the watch tells.
    here.store.rows.epochs.set(JSON.stringify(['clinic', 'ana']), 9);
    for (const listener of here.store.listeners) listener.epochRaised('clinic', 'ana', 9);
    if (meanwhile === 'another request')
      t.equal(await Promise.race([ana.node.sessions.status(ana.here).then(() => 'read'), answered]), 'read');
    commit.open();
    // The store's rollback copy was taken before; the epoch is told again, as the watch does.
    here.store.rows.epochs.set(JSON.stringify(['clinic', 'ana']), 9);
    await t.rejects(answered, { code: 'challenge_unknown' }, 'and nobody is told otherwise');
    t.equal(await ana.asks(), 'challenge', meanwhile);
    t.equal((await ana.node.sessions.status(ana.here)).proofs.length, 0);
  }
});

t.test(
  'Threat 18: the database dies between commit and reply. Nothing is granted, and the code is spent',
  async (t) => {
    const here = await world(t);
    const ana = await new Person(here).enrol();
    const challenge = await ana.challenge();
    const away = () => {
      throw new CountersignError('store_unavailable');
    };
    here.store.once('committed', away).at('openAuditConnection', away);
    await t.rejects(ana.answer(challenge), { code: 'store_unavailable' });
    here.store.at('openAuditConnection', null);
    t.equal(await ana.asks(), 'challenge');
    t.equal(here.store.codes().filter((code) => code === 'MFA_SUCCESS').length, 1, 'the event is there, once');
    await t.rejects(ana.answer(challenge), { code: 'code_already_used' });
    here.clock.advance(30);
    here.store.confirm();
    await ana.stepUp();
    t.equal(await ana.asks(), 'allow', 'one more code, and the session goes on');
  },
);

t.test('Threat 28: the connection breaks at COMMIT. What is found committed counts, once', async (t) => {
  const here = await world(t);
  const ana = await new Person(here).enrol();
  const challenge = await ana.challenge();
  here.store.once('committed', () => {
    throw new CountersignError('store_unavailable');
  });
  ana.binding = (await ana.answer(challenge)).binding;
  t.equal(await ana.asks(), 'allow');
  t.equal(here.store.codes().filter((code) => code === 'MFA_SUCCESS').length, 1);
});

t.test('nothing is granted without its event: the audit log refuses', async (t) => {
  const here = await world(t);
  const ana = await new Person(here).enrol();
  const challenge = await ana.challenge();
  here.store.once('commit', () => {
    throw new Error('disk full');
  });
  await t.rejects(ana.answer(challenge), /disk full/);
  t.equal(await ana.asks(), 'challenge');
  t.notOk(here.store.codes().includes('MFA_SUCCESS'));
  here.store.at('append', () => {
    throw new Error('disk full');
  });
  await t.rejects(ana.asks(), /disk full/, 'nor is a challenge told that is on no log');
  here.store.at('append', null);
  t.ok(await ana.answer(challenge), 'the code was not consumed either');
});

t.test('Threat 2: one code in twenty sessions at once. One success', async (t) => {
  const here = await world(t);
  const ana = await new Person(here).enrol();
  const visits = Array.from({ length: 20 }, () => {
    const visit = new Person(here);
    visit.secret = ana.secret;
    return visit;
  });
  const challenges = await Promise.all(visits.map((visit) => visit.challenge()));
  const results = await Promise.allSettled(visits.map((visit, index) => visit.answer(challenges[index] ?? '')));
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
  const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []));
  t.strictSame([...new Set(refused)], ['code_already_used']);
  t.equal(here.store.codes().filter((code) => code === 'MFA_SUCCESS').length, 1);
  t.equal(here.store.codes().filter((code) => code === 'MFA_FAILURE').length, 19);
});

t.test('Threat 3: one one-shot proof, twenty requests at once. One passes, and the audit says one', async (t) => {
  const here = await world(t, { categories: [{ id: '5', name: 'x', graceSeconds: 0 }] });
  const ana = await new Person(here).enrol();
  const operation = { name: 'POST /infusions', content: { dose: 5 } };
  const enforce = (content: unknown = operation.content) =>
    ana.node.enforce(ana.here, {
      workspaceId: 'clinic',
      patientId: 'p1',
      categories: ['5'],
      action: 'edit',
      operation: { ...operation, content },
    });
  const refusal = await enforce().catch((error: unknown) => error);
  const challenge = Reflect.get(refusal as object, 'challenge') as { readonly id: string };
  ana.binding = (await ana.answer(challenge.id)).binding;
  await t.rejects(enforce({ dose: 50 }), { code: 'step_up_required' }, 'another dose is another operation');
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => enforce()));
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
  await t.rejects(enforce(), { code: 'step_up_required' });
  await here.node.audit.append([]);
  t.equal(here.store.codes().filter((code) => code === 'ACCESS_ALLOWED').length, 1);
  await t.rejects(ana.node.enforce(ana.here, { workspaceId: 'clinic', patientId: 'p1', categories: ['5'] }), {
    code: 'operation_required',
  });
});

t.test('settings are read once, however many requests arrive together', async (t) => {
  const here = await world(t);
  const people = Array.from({ length: 30 }, (_, index) => new Person(here, { userId: `user ${index}` }));
  const reading = gate();
  here.store.at('settings', () => reading.passed);
  const asked = people.map((person) => person.asks({ ...view, subjects: [{ patientId: 'p1', carried: [] }] }));
  await turns();
  reading.open();
  t.strictSame([...new Set(await Promise.all(asked))], ['allow']);
  t.equal(here.store.calls.get('settings'), 1);
  await people[0]?.asks();
  t.equal(here.store.calls.get('settings'), 1, 'and are kept');
});

t.test('settings are saved elsewhere while they are being read here for the first time', async (t) => {
  const here = await world(t);
  const admin = await new Person(here, { roles: ['admin'] }).enrol();
  const second = await here.another();
  const account: Demand = {
    workspaceId: 'clinic',
    action: 'change-settings',
    guarded: new Set(),
    subjects: [{ patientId: '\u0000account', carried: null }],
    account: true,
  };
  await admin.stepUp(account);
  const late = new Person(here, { userId: 'ben' });
  late.node = second;
  const reading = here.store.hold('settings');
  const ordinary: Demand = { ...view, subjects: [{ patientId: 'p1', carried: [] }] };
  const asked = late.asks(ordinary);
  await reading.reached;
  await admin.node.administration.changeSettings(admin.here, 0, { enabled: true, categories: ['5'], graceSeconds: 60 });
  reading.open();
  await asked;
  const { settings } = await second.authorize(late.here, ordinary);
  t.equal(settings?.version, 1, 'what was told meanwhile is not forgotten');
});

t.test('a failed read of settings is not kept', async (t) => {
  const here = await world(t);
  const ana = new Person(here);
  here.store.once('settings', () => {
    throw new CountersignError('store_unavailable');
  });
  await t.rejects(ana.asks(), { code: 'store_unavailable' });
  t.equal(await ana.asks(), 'deny no-suitable-factor');
});

t.test('Threat 13: everybody is signed out while a session is seen here for the first time', async (t) => {
  const here = await world(t);
  const ana = await new Person(here).enrol();
  await ana.stepUp();
  const elsewhere = new Person(here, { signedInAt: ana.principal.signedInAt, sessionKey: 'stolen' });
  elsewhere.node = await here.another();
  const reading = here.store.hold('sessionStanding');
  const asked = elsewhere.asks();
  await reading.reached;
  await ana.node.sessions.signOutEverywhere(ana.here);
  reading.open();
  await asked;
  t.equal(await elsewhere.asks(), 'deny session-ended', 'the standing that was read too early is read again');
  t.equal(await ana.asks(), 'deny session-ended');
});

t.test(
  'Threats 13, 15: an enrolment is finished while its user signs out everywhere. Neither session nor factor outlives it',
  async (t) => {
    const here = await world(t);
    const thief = new Person(here);
    thief.secret = String((await thief.node.enrolment.start(thief.here, 'totp')).manualKey);
    const owner = new Person(here, { signedInAt: thief.principal.signedInAt });
    owner.node = await here.another();
    // At the second look at the factors, after the enrolment has seen that its session is alive.
    const checked = gate();
    const ended = gate();
    here.store.once('factors', () => {
      here.store.once('factors', async () => {
        checked.open();
        await ended.passed;
      });
    });
    const finished = t.rejects(thief.node.enrolment.finish(thief.here, 'totp', { code: thief.code() }), {
      code: 'factors_changed',
    });
    await checked.passed;
    await owner.node.sessions.signOutEverywhere(owner.here);
    ended.open();
    await finished;
    t.equal(await thief.asks(), 'deny session-ended');
    t.notOk(here.store.codes().includes('FACTOR_ENROLLED'));
    t.ok([...here.store.rows.factors.values()].every((row) => row.confirmedAt === null));
  },
);

t.test(
  'Threat 25: the process restarts. A session past its absolute limit is still locked, one that was ended still ended',
  async (t) => {
    const here = await world(t, { limits: { absoluteSeconds: 3600 } });
    const ana = new Person(here);
    const ben = new Person(here, { userId: 'ben' });
    t.equal(await ana.asks(), 'deny no-suitable-factor');
    await ben.node.sessions.signOut(ben.here);
    here.clock.advance(3600);
    here.store.confirm();
    t.equal(await ana.asks(), 'locked absolute-limit');
    ana.node = await here.another();
    ben.node = ana.node;
    t.equal(await ana.asks(), 'locked absolute-limit');
    t.match(
      await ben.asks(),
      /^(deny session-ended|locked absolute-limit)$/,
      'a stateless session cookie is replayed after sign-out',
    );
  },
);

t.test('a host that keeps its session id: signed out, signed in again, and not locked out for ever', async (t) => {
  const here = await world(t);
  const ana = await new Person(here).enrol();
  await ana.stepUp();
  await ana.node.sessions.signOut(ana.here);
  t.equal(await ana.asks(), 'deny session-ended');
  here.clock.advance(5);
  const old = ana.principal;
  ana.principal = { ...old, signedInAt: new Date(here.clock.now()) };
  t.equal(await ana.asks(), 'challenge', 'a session of its own, without the old proofs');
  ana.node = await here.another();
  t.equal(await ana.asks(), 'challenge', 'on a node that never saw the first one as well');
  ana.principal = old;
  ana.node = await here.another();
  t.equal(await ana.asks(), 'deny session-ended', 'the old sign-in stays ended');
});

t.test(
  'Threat 19: the audit log cannot keep up. What is refused is refused with a code, and nothing crashes',
  async (t) => {
    const here = await world(t, { audit: { queueLimit: 100 } });
    const ana = await new Person(here).enrol();
    await ana.stepUp();
    const second: Demand = {
      ...view,
      subjects: [
        { patientId: 'p1', carried: ['5'] },
        { patientId: 'p1', carried: ['5'] },
      ],
    };
    const flush = gate();
    here.store.at('append', () => flush.passed);
    const event = { code: 'MFA_FAILURE', outcome: 'failure', workspaceId: 'clinic', userId: 'eve' } as const;
    const waiting = Array.from({ length: 100 }, () => here.node.audit.append([event]));
    await t.rejects(
      async () => await ana.asks(second),
      { code: 'audit_backlog', details: { retryAfterSeconds: 1 } },
      'an access that would be on no log',
    );
    here.clock.set(-3600);
    await t.rejects(async () => await ana.asks(), { code: 'audit_backlog' }, 'the clock is set back meanwhile');
    await turns();
    flush.open();
    await Promise.all(waiting);
    t.equal(await ana.asks(), 'challenge', 'and the proofs are dropped all the same');
  },
);

t.test('who asks must be said clearly, or nothing is decided', async (t) => {
  const { node, clock } = await world(t);
  const person = {
    userId: 'ana',
    workspaceId: 'clinic',
    roles: [],
    displayName: 'Ana',
    signedInAt: new Date(clock.now()),
    sessionKey: 's',
  };
  t.doesNotThrow(() => node.principalOf(person));
  for (const [field, value] of [
    ['userId', ''],
    ['userId', 5],
    ['userId', undefined],
    ['userId', 'x'.repeat(4097)],
    ['workspaceId', null],
    ['sessionKey', ''],
    ['displayName', undefined],
    ['roles', 'admin'],
    ['signedInAt', undefined],
    ['signedInAt', '2026-03-02'],
    ['signedInAt', new Date(Number.NaN)],
    ['signedInAt', clock.now()],
    ['actor', null],
    ['actor', {}],
    ['actor', { userId: 5, displayName: 'x' }],
  ] as const) {
    t.throws(
      () => node.principalOf({ ...person, [field]: value } as never),
      { code: 'principal_invalid', details: { field } },
      `${field}: ${String(value).slice(0, 20)}`,
    );
  }
  const { key, binding } = node.principalOf(person, 'cookie value');
  t.notMatch(JSON.stringify([key, binding]), /cookie value|"s"/, 'neither cookie nor session key is kept as it is');
  t.equal(node.principalOf({ ...person, credential: 'bearer' }).binding, 'bearer');
  t.equal(
    node.principalOf({ ...person, credential: 'BEARER' } as never).binding,
    null,
    'what is not said is not assumed',
  );
});

t.test('a record must say whose it is, and what it carries must be known', async (t) => {
  const here = await world(t);
  const ana = new Person(here);
  for (const patientId of ['', '\u0000account', 'p\n1', 'x'.repeat(257), undefined, 5]) {
    await t.rejects(
      async () => await ana.asks({ ...view, subjects: [{ patientId: patientId as string, carried: ['5'] }] }),
      { code: 'patient_unresolved' },
      JSON.stringify(patientId)?.slice(0, 12) ?? 'undefined',
    );
  }
  await t.rejects(async () => await ana.asks({ ...view, subjects: [{ patientId: 'p1', carried: ['55'] }] }), {
    code: 'resource_invalid',
    details: { cure: /unknownCategories/ },
  });
  t.equal(await ana.asks({ ...view, workspaceId: 'other' }), 'deny another-workspace');
});

t.test('Threat 12: a list that contains guarded rows shows what was proved, and withholds the rest', async (t) => {
  const here = await world(t, {
    categories: [
      { id: '5', name: 'x' },
      { id: '8', name: 'y', graceSeconds: 0 },
      { id: '9', name: 'z', sensitive: false },
    ],
  });
  const ana = await new Person(here).enrol();
  const rows: readonly (readonly [string, readonly string[], string])[] = [
    ['p1', ['5'], 'clinic'],
    ['p1', [], 'clinic'],
    ['p1', ['9'], 'clinic'],
    ['p2', ['5'], 'clinic'],
    ['p1', ['8'], 'clinic'],
    ['p1', [], 'other'],
    ['p1', ['55'], 'clinic'],
    ['p1', ['5'], 'clinic'],
  ];
  const items = rows.map(([patientId, categories, workspaceId], row) => ({ row, patientId, categories, workspaceId }));
  const sift = async () => {
    const { visible, withheld } = await ana.node.filter(ana.here, items, (item) => item);
    return { visible: visible.map(({ row }) => row), withheld: withheld.map(({ row }) => row) };
  };
  const before = here.store.records.length;
  t.strictSame(await sift(), { visible: [1, 2], withheld: [0, 3, 4, 5, 6, 7] });
  t.equal(here.store.records.length, before, 'a list asks nobody anything');
  await ana.stepUp();
  t.strictSame(await sift(), { visible: [0, 1, 2, 7], withheld: [3, 4, 5, 6] });
  await here.node.audit.append([]);
  const listed = here.store.records.filter(({ reason }) => reason === 'listed');
  t.strictSame(
    listed.map(({ patientId, categories }) => [patientId, categories]),
    [['p1', '5']],
    'audited once',
  );
  ana.binding = null;
  t.strictSame((await sift()).visible, [1, 2], 'without its cookie the proof is none');
  const faulty = () => {
    throw new Error('a bug');
  };
  await t.rejects(
    ana.node.filter(ana.here, items, faulty),
    /a bug/,
    'nothing is shown of a list that cannot be judged',
  );
});

t.test('Threat 20: the clock of the machine is off by more than thirty seconds. Nothing starts', async (t) => {
  for (const [seconds, starts] of [
    [29, true],
    [31, false],
    [-31, false],
  ] as const) {
    const store = new FakeStore();
    store.now = async () => Date.now() + seconds * 1000;
    const started = createCountersign({
      store,
      keys,
      publicUrl: 'https://ehr.example.org',
      categories: [{ id: '5', name: 'Ketamine infusion' }],
      factors: [totp({ issuer: 'Example EHR' })],
    });
    if (starts) await (await started).close();
    else await t.rejects(started, { code: 'clock_skewed', message: /NTP/ }, `${seconds} s`);
  }
});
