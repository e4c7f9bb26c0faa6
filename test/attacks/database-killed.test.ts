// PostgreSQL is killed (SIGKILL, with all its sessions) while events are group-committed and codes are checked, again and again
// (threat 18). What was acknowledged is on the log, once; nobody is let in without the event that says so.
//
// COUNTERSIGN_TEST_KILLS sets the rounds, `npm run test:kills` the number that a release takes.
import { randomBytes, randomUUID } from 'node:crypto';
import { type AuditRecord, createCountersign, type Store, totp, verifyStream } from '@countersign/core';
import { openStore } from '@countersign/postgres';
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

/** The streams of the log that are not in `known` yet, or have grown, each checked. */
async function newRecords(store: Store, known: Map<string, number>): Promise<readonly AuditRecord[]> {
  const found: AuditRecord[] = [];
  for (const head of await store.auditStreams()) {
    const seen = known.get(head.stream) ?? 0;
    if (head.index + 1 === seen) continue;
    const records: AuditRecord[] = [];
    for await (const record of store.auditStream(head.stream)) records.push(record);
    const check = await verifyStream(records, head);
    if (!check.intact) throw new Error(`${head.stream}: ${check.fault} at ${check.index}`);
    found.push(...records.slice(seen));
    known.set(head.stream, records.length);
  }
  return found;
}

t.test(`killed ${ROUNDS} times`, { timeout: 60_000 + ROUNDS * 20_000 }, async (t) => {
  const server = await startServer();
  const store = await openStore(server.url, { waitSeconds: 2 });
  const clock = manualClock();
  const countersign = await createCountersign({
    ...{ store, clock, publicUrl: 'http://localhost', categories: testCategories },
    keys: { current: 'k1', all: { k1: randomBytes(32) } },
    factors: [totp({ issuer: 'Example EHR' })],
  });
  const { audit } = countersign;
  const signedInAt = new Date(clock.now());
  const principal = (userId: string, binding: string | null = null) =>
    countersign.principalOf(
      {
        userId,
        workspaceId: 'clinic',
        roles: [],
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
  const total = { acknowledged: 0, passed: 0, refused: 0, consumedInVain: 0 };
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
      people.map(async (person) => (await countersign.authorize(person, demand)).challenge?.id ?? ''),
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
    await pause(20 + Math.random() * 150);
    await crashServer(server);
    const answered = await Promise.all(answers);
    stop = true;
    await Promise.all(writers);
    await server.start();
    await until(() =>
      audit
        .append([])
        .then(() => store.now())
        .then(
          () => true,
          () => false,
        ),
    );

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
        const isOpen = await until(async () => (await countersign.check(bound, asked).catch(() => null)) !== null)
          .then(() => countersign.check(bound, asked))
          .then(({ outcome }) => outcome === 'allow');
        const events = consumed.get(challenges[at] ?? '') ?? 0;
        return { passed: answered[at] != null, isOpen, events };
      }),
    );
    const wrong = outcomes.filter(({ passed, isOpen, events }) =>
      passed ? !isOpen || events !== 1 : isOpen || events > 1,
    );
    if (lost.length + doubled.length + wrong.length > 0) t.fail(`round ${round}`, { lost, doubled, wrong });
    total.acknowledged += acknowledged.length;
    total.passed += outcomes.filter(({ passed }) => passed).length;
    total.refused += outcomes.filter(({ passed }) => !passed).length;
    total.consumedInVain += outcomes.filter(({ passed, events }) => !passed && events === 1).length;
  }
  t.ok(total.acknowledged > ROUNDS, 'events were being committed');
  t.comment(`${ROUNDS} kills: ${JSON.stringify(total)}`);
  await countersign.close();
  await store.close();
});
