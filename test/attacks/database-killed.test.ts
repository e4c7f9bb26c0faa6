// PostgreSQL is killed (SIGKILL, with all its sessions) while events are group-committed and codes are checked, again and again
// (threat 18), while emergency access is begun and used, and while what was spooled is drained. What was acknowledged is on the log,
// once; nobody is let in without the event that says so.
//
// COUNTERSIGN_TEST_KILLS sets the rounds, `npm run test:kills` the number that a release takes.
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type AuditRecord, createCountersign, type Store, spoolState, totp, verifyStream } from '@countersign/core';
import { migrate, openStore } from '@countersign/postgres';
import { generateSync } from 'otplib';
import t from 'tap';
import { manualClock } from '../support/clock.ts';
import { crashServer } from '../support/crash-server.ts';
import { testCategories } from '../support/hosts.ts';
import { startServer } from '../support/postgres-server.ts';
import { until } from '../support/until.ts';

const ROUNDS = Number(process.env.COUNTERSIGN_TEST_KILLS ?? 3);
const WRITERS = 48;
const PEOPLE = ['carol', 'dave', 'erin', 'frank', 'grace', 'heidi'];
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Asks again where a connection of the pool had not heard of the kill yet. */
async function eventually<T>(ask: () => T | Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      if (tries === 100 || Reflect.get(Object(error), 'status') !== 503) throw error;
      await pause(20);
    }
  }
}

/** The streams of the log that are not in `known` yet, or have grown, each checked. */
async function newRecords(store: Store, known: Map<string, number>): Promise<readonly AuditRecord[]> {
  const found: AuditRecord[] = [];
  for (const head of await eventually(() => store.auditStreams())) {
    const seen = known.get(head.stream) ?? 0;
    if (head.index + 1 === seen) continue;
    const records = await eventually(() => all(store.auditStream(head.stream)));
    const check = await verifyStream(records, head);
    if (!check.intact) throw new Error(`${head.stream}: ${check.fault} at ${check.index}`);
    found.push(...records.slice(seen));
    known.set(head.stream, records.length);
  }
  return found;
}

t.test(`killed ${ROUNDS} times`, { timeout: 60_000 + ROUNDS * 20_000 }, async (t) => {
  const server = await startServer();
  await migrate(server.url);
  const store = await openStore(server.url, { waitSeconds: 2, migrate: false });
  t.teardown(() => store.close());
  const folder = join(t.testdir(), 'spool');
  const clock = manualClock();
  const countersign = await createCountersign({
    ...{ store, clock, publicUrl: 'http://localhost', categories: testCategories },
    keys: { current: 'k1', all: { k1: randomBytes(32) } },
    factors: [totp({ issuer: 'Example EHR' })],
    emergencyAccess: { roles: ['clinician'], spool: { folder }, windowSeconds: 300, mostOpen: 20, mostPerDay: 100 },
  });
  const { audit } = countersign;
  const signedInAt = new Date(clock.now());
  const principal = (userId: string, binding: string | null = null) =>
    countersign.principalOf(
      {
        userId,
        workspaceId: 'clinic',
        roles: ['clinician'],
        displayName: userId,
        signedInAt,
        sessionKey: userId,
      },
      binding,
    );
  const people = PEOPLE.map((userId) => principal(userId));
  const secrets = new Map<string, string>();
  const codeOf = (userId: string) =>
    generateSync({ secret: secrets.get(userId) ?? '', epoch: Math.floor(clock.now() / 1000) });
  for (const person of people) {
    const { manualKey } = await countersign.enrolment.start(person, 'totp');
    secrets.set(person.userId, String(manualKey));
    await countersign.enrolment.finish(person, 'totp', { code: codeOf(person.userId) });
  }

  const known = new Map<string, number>();
  await newRecords(store, known);
  const total = {
    kills: 0,
    acknowledged: 0,
    passed: 0,
    refused: 0,
    consumedInVain: 0,
    grants: 0,
    accesses: 0,
    twice: 0,
  };
  const kill = async () => {
    await crashServer(server);
    total.kills += 1;
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    clock.set(60);
    const patientId = `p${round}`;
    const demand = {
      workspaceId: 'clinic',
      action: 'view',
      guarded: '*',
      subjects: [{ patientId, carried: ['5'] }],
    } as const;
    const challenges = await Promise.all(
      people.map(async (person) => (await eventually(() => countersign.authorize(person, demand))).challenge?.id ?? ''),
    );
    const acknowledged: string[] = [];
    let stop = false;
    const writers = Array.from({ length: WRITERS }, async () => {
      while (!stop) {
        const reason = randomUUID();
        try {
          await audit.append([
            { code: 'ACCESS_ALLOWED', outcome: 'success', workspaceId: 'clinic', userId: 'carol', reason },
          ]);
        } catch {
          return;
        }
        acknowledged.push(reason);
      }
    });
    const answers = people.map(async (person, at) => {
      await pause(Math.random() * 200);
      const code = codeOf(person.userId);
      return await countersign.answerChallenge(person, challenges[at] ?? '', 'totp', { code }).then(
        ({ binding }) => binding,
        () => null,
      );
    });
    // One of them has a patient who cannot wait, before, while and after the database goes.
    const clinician = people[round % people.length] ?? principal('carol');
    const begun = (async () => {
      await pause(Math.random() * 500);
      const asked = { purpose: 'clinical', patientId: `e${round}`, purposeOfUse: 'BTG' } as const;
      const { id } = await countersign.emergency.start(clinician, {
        ...asked,
        reason: 'Unconscious, allergies unknown.',
      });
      const view = { ...demand, subjects: [{ patientId: `e${round}`, carried: ['5'] }] };
      let allowed = 0;
      for (let access = 0; access < 8; access += 1) {
        const { decision } = await countersign.authorize(clinician, view);
        if (decision.outcome === 'allow') allowed += 1;
      }
      return { id, allowed };
    })();
    await pause(40 + Math.random() * 400);
    await kill();
    const answered = await Promise.all(answers);
    const emergency = await begun;
    stop = true;
    await Promise.all(writers);
    await server.start();
    if (round % 3 === 2) {
      // Again, while what was spooled comes into it.
      await pause(Math.random() * 700);
      await kill();
      await server.start();
    }
    const isBack = async () => {
      await audit.append([]);
      await store.now();
      return (await spoolState(folder)).undrained === 0;
    };
    await until(() => isBack().catch(() => false));

    const records = await newRecords(store, known);
    const onLog = new Map<string, number>();
    for (const { reason } of records) if (reason !== null) onLog.set(reason, (onLog.get(reason) ?? 0) + 1);
    const lost = acknowledged.filter((reason) => !onLog.has(reason));
    const doubled = acknowledged.filter((reason) => (onLog.get(reason) ?? 0) > 1);
    const consumed = new Map<string | null, number>();
    for (const { code, challengeId } of records)
      if (code === 'MFA_SUCCESS') consumed.set(challengeId, (consumed.get(challengeId) ?? 0) + 1);
    const outcomes = await Promise.all(
      people.map(async (person, at) => {
        const bound = principal(person.userId, answered[at] ?? null);
        const asked = { workspaceId: 'clinic', patientId, categories: ['5'] };
        const { outcome } = await eventually(() => countersign.check(bound, asked));
        const isOpen = outcome === 'allow';
        const events = consumed.get(challenges[at] ?? '') ?? 0;
        return { passed: answered[at] != null, isOpen, events };
      }),
    );
    const wrong = outcomes.filter(({ passed, isOpen, events }) =>
      passed ? !isOpen || events !== 1 : isOpen || events > 1,
    );
    const ofGrant = records.filter(({ emergencyAccessId }) => emergencyAccessId === emergency.id);
    const started = ofGrant.filter(({ code }) => code === 'EMERGENCY_ACCESS_STARTED').length;
    const accesses = ofGrant.filter(({ code }) => code === 'ACCESS_ALLOWED').length;
    const [row] = await eventually(() => store.emergencyAccess({ ids: [emergency.id] }));
    const isShort = started !== 1 || accesses < emergency.allowed || emergency.allowed !== 8 || row === undefined;
    if (lost.length + doubled.length + wrong.length > 0 || isShort)
      t.fail(`round ${round}`, { lost, doubled, wrong, emergency, started, accesses, row });
    total.grants += 1;
    total.accesses += emergency.allowed;
    // Spooled, while its commit had succeeded and nobody could know.
    total.twice += accesses - emergency.allowed;
    total.acknowledged += acknowledged.length;
    total.passed += outcomes.filter(({ passed }) => passed).length;
    total.refused += outcomes.filter(({ passed }) => !passed).length;
    total.consumedInVain += outcomes.filter(({ passed, events }) => !passed && events === 1).length;
  }
  t.ok(total.acknowledged > ROUNDS, 'events were being committed');
  t.comment(`killed: ${JSON.stringify(total)}`);
  await countersign.close();
});
