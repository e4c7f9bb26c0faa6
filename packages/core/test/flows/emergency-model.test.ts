// Threats 16 and 30, in any order anybody can think of: whatever people ask for, approve, end and wait for, on two nodes that share a
// store and hear of each other late or at once, a record opens only under an access that is open: for its person, its patient, inside
// its window, before its end; and nobody has more of them open, or opened in a day, than the bounds allow without a second person.
//
// The system is held against a list of what was opened, which is too simple to be wrong.
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { manualClock } from '../../../../test/support/clock.ts';
import { type Countersign, createCountersign } from '../../src/countersign.ts';
import type { CountersignError } from '../../src/errors/countersign-error.ts';
import { totp } from '../../src/factors/totp.ts';
import { FakeStore } from '../support/fake-store.ts';

const WINDOW = 600_000;
const DAY = 86_400_000;
const WAIT = 900_000;
const MOST_OPEN = 2;
const MOST_PER_DAY = 4;
const keys = { current: 'k1', all: { k1: randomBytes(32) } };

/** One access, as the model remembers it. */
interface Opened {
  readonly id: string;
  readonly user: string;
  readonly patient: string;
  readonly askedAt: number;
  /** Null while it waits. */
  openedAt: number | null;
  over: boolean;
}

interface Model {
  now: number;
  readonly all: Opened[];
}

interface Real {
  readonly store: FakeStore;
  readonly clock: ReturnType<typeof manualClock>;
  readonly nodes: readonly Countersign[];
  readonly tally: Record<string, number>;
}

const isOpen = (one: Opened, now: number) => !one.over && one.openedAt !== null && now < one.openedAt + WINDOW;
const isWaiting = (one: Opened, now: number) => !one.over && one.openedAt === null && now < one.askedAt + WAIT;
const count = (real: Real, what: string) => {
  real.tally[what] = (real.tally[what] ?? 0) + 1;
};

const principalOf = (node: Countersign, userId: string) =>
  node.principalOf({
    userId,
    workspaceId: 'clinic',
    roles: ['clinician'],
    displayName: userId,
    signedInAt: new Date('2026-03-02T09:00:00.000Z'),
    sessionKey: userId,
  });

type Command = fc.AsyncCommand<Model, Real>;
const always = { check: () => true };

const ask = (user: string, patient: string, at: 0 | 1): Command => ({
  ...always,
  toString: () => `ask(${user}, ${patient}, node ${at})`,
  async run(model, real) {
    const { now, all } = model;
    const own = all.filter((one) => one.user === user);
    const held = own.find((one) => one.patient === patient && (isOpen(one, now) || isWaiting(one, now)));
    const used = own.filter((one) => one.openedAt !== null);
    const beyond =
      used.filter((one) => isOpen(one, now)).length >= MOST_OPEN ||
      used.filter((one) => now < (one.openedAt ?? 0) + DAY).length >= MOST_PER_DAY;
    const full = own.filter((one) => isWaiting(one, now)).length >= MOST_OPEN;
    const node = real.nodes[at]!;
    const request = {
      purpose: 'clinical',
      patientId: patient,
      reason: 'Unresponsive after the infusion, dose needed now.',
      purposeOfUse: 'ETREAT',
    } as const;
    const grant = await node.emergency
      .start(principalOf(node, user), request)
      .catch((error: CountersignError) => error.code);
    if (held === undefined && beyond && full) {
      if (grant !== 'attempts_delayed') throw new Error(`more wait than may: ${JSON.stringify(grant)}`);
      return count(real, 'delayed');
    }
    if (typeof grant === 'string') throw new Error(`refused: ${grant}`);
    if (held !== undefined) {
      if (grant.id !== held.id) throw new Error('a second one for the same patient');
      return count(real, 'held');
    }
    if (grant.status !== (beyond ? 'waiting' : 'open'))
      throw new Error(`${grant.status}, beyond the bounds: ${beyond}`);
    const earlier = used.filter((one) => one.patient === patient).at(-1);
    if (grant.reopens !== (earlier?.id ?? null)) throw new Error('it does not name the one it opens again');
    all.push({ id: grant.id, user, patient, askedAt: now, openedAt: beyond ? null : now, over: false });
    count(real, grant.status);
  },
});

/** Somebody approves, declines or ends one of those there are, whatever its state. */
const decide = (what: 'approve' | 'decline' | 'end', which: number, user: string, at: 0 | 1): Command => ({
  check: ({ all }) => all.length > 0,
  toString: () => `${what}(${which}, ${user}, node ${at})`,
  async run(model, real) {
    const one = model.all[which % model.all.length]!;
    const node = real.nodes[at]!;
    const who = principalOf(node, user);
    const code = await (what === 'approve'
      ? node.emergency.approve(who, one.id)
      : what === 'decline'
        ? node.emergency.decline(who, one.id, 'not now')
        : node.emergency.end(who, one.id)
    ).then(
      () => 'done',
      (error: CountersignError) => error.code,
    );
    const own = user === one.user;
    const waiting = isWaiting(one, model.now);
    const may = what === 'end' ? own && (waiting || isOpen(one, model.now)) : !own && waiting;
    if ((code === 'done') !== may) throw new Error(`${what} by ${user}: ${code}, and it ${may ? 'may' : 'may not'} be`);
    if (!may) return count(real, `${what} refused`);
    if (what === 'approve') one.openedAt = model.now;
    else one.over = true;
    count(real, `${what}: done`);
  },
});

const wait = (seconds: number): Command => ({
  ...always,
  toString: () => `wait(${seconds} s)`,
  async run(model, real) {
    real.clock.advance(seconds);
    model.now += seconds * 1000;
  },
});

/** Looks at every record of everybody on both nodes: what is open is what the model says. */
const look: Command = {
  ...always,
  toString: () => 'look',
  async run(model, real) {
    // Whatever was told is read by now, on a store that answers at once.
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    for (const node of real.nodes) {
      for (const user of ['ana', 'ben']) {
        for (const patient of ['p1', 'p2', 'p3']) {
          const demand = { workspaceId: 'clinic', patientId: patient, categories: ['5'] };
          const { outcome } = await node.check(principalOf(node, user), demand);
          const open = model.all.some((one) => one.user === user && one.patient === patient && isOpen(one, model.now));
          if ((outcome === 'allow') !== open) throw new Error(`${user} and ${patient}: ${outcome}, open: ${open}`);
          const exported = await node.check(principalOf(node, user), {
            ...demand,
            action: 'export',
            operation: { name: 'x', content: 'x' },
          });
          if (exported.outcome === 'allow') throw new Error('an export');
          count(real, open ? 'seen' : 'unseen');
        }
      }
    }
    const doubles = model.all.filter((one, at) => model.all.findIndex(({ id }) => id === one.id) !== at);
    if (doubles.length > 0) throw new Error('an id twice');
  },
};

const users = fc.constantFrom('ana', 'ana', 'ana', 'ben');
const nodes = fc.constantFrom<0 | 1>(0, 1);
const commands = [
  fc.tuple(users, fc.constantFrom('p1', 'p2', 'p3'), nodes).map((args) => ask(...args)),
  fc.tuple(users, fc.constantFrom('p1', 'p2', 'p3'), nodes).map((args) => ask(...args)),
  fc
    .tuple(
      fc.constantFrom('approve' as const, 'approve' as const, 'decline' as const, 'end' as const),
      fc.nat(20),
      fc.constantFrom('ana', 'ben'),
      nodes,
    )
    .map((args) => decide(...args)),
  fc.constantFrom(1, 60, 299, 300, 599, 600, 900, 3600, 43_200).map(wait),
  fc.constant(look),
];

t.test('no sequence opens a record without an access that is open', async (t) => {
  const tally: Record<string, number> = {};
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { size: '+1' }), async (story) => {
      const store = new FakeStore();
      const clock = manualClock();
      const open = () =>
        createCountersign({
          store,
          clock,
          keys,
          publicUrl: 'https://ehr.example.org',
          categories: [{ id: '5', name: 'Ketamine infusion' }],
          factors: [totp({ issuer: 'Example EHR' })],
          emergencyAccess: { roles: ['clinician'], windowSeconds: 600, mostOpen: MOST_OPEN, mostPerDay: MOST_PER_DAY },
        });
      const both = [await open(), await open()];
      try {
        const setup = () => ({ model: { now: clock.now(), all: [] }, real: { store, clock, nodes: both, tally } });
        await fc.asyncModelRun(setup, [...story, look]);
      } finally {
        for (const node of both) await node.close();
      }
    }),
    { numRuns: 60 },
  );
  const met = ['open', 'waiting', 'held', 'delayed', 'approve: done', 'decline: done', 'end: done', 'seen', 'unseen'];
  for (const what of met) t.ok((tally[what] ?? 0) > 0, `${what}: ${tally[what]}`);
});
