// Threats 18, 25 and 28 for emergency access without the database: it goes by what this node last knew, never against what it knows
// to have changed, and never without a record on disk. The database that goes away here is in memory; a real one is killed in
// test/scenarios/emergency-without-database.test.ts and test/attacks/database-killed.test.ts.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { manualClock } from '../../../../test/support/clock.ts';
import { until } from '../../../../test/support/until.ts';
import type { CountersignOptions } from '../../src/configuration/configuration.ts';
import { createCountersign } from '../../src/countersign.ts';
import { CountersignError } from '../../src/errors/countersign-error.ts';
import { totp } from '../../src/factors/totp.ts';
import type { Principal } from '../../src/policy/principal.ts';
import { spoolState } from '../../src/spool/spool-state.ts';
import type { AuditConnection } from '../../src/store/store.ts';
import { FakeStore } from '../support/fake-store.ts';

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (error: unknown) => String(Reflect.get(Object(error), 'code')),
  );

/** A store whose every call can be made to fail, as those of a database that is away. */
function breakable(store: FakeStore) {
  let away = false;
  const guard = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(_, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        if (name === 'close' || name === 'outbox') return member.bind(target);
        return async (...values: unknown[]) => {
          if (away) throw new CountersignError('store_unavailable');
          const value: unknown = await Reflect.apply(member, target, values);
          return name === 'openAuditConnection' ? guard(value as AuditConnection) : value;
        };
      },
    });
  return {
    store: guard(store),
    go() {
      away = true;
    },
    comeBack() {
      away = false;
      store.confirm();
    },
  };
}

type Emergency = NonNullable<CountersignOptions['emergencyAccess']>;

async function world(test: Test, emergency: Partial<Emergency> = {}, more: Partial<CountersignOptions> = {}) {
  const fake = new FakeStore();
  const database = breakable(fake);
  const clock = manualClock();
  const place = mkdtempSync(join(tmpdir(), 'countersign-'));
  const folder = join(place, 'spool');
  const signedInAt = new Date(clock.now());
  const options: CountersignOptions = {
    ...{ store: database.store, clock, publicUrl: 'https://ehr.example.org' },
    keys: { current: 'k1', all: { k1: randomBytes(32) } },
    categories: [{ id: '5', name: 'Ketamine infusion' }],
    factors: [totp({ issuer: 'Example EHR' })],
    ...more,
    emergencyAccess: { roles: ['clinician'], spool: { folder }, ...emergency },
  };
  let node = await createCountersign(options);
  test.teardown(async () => {
    await node.close();
    rmSync(place, { recursive: true, force: true });
  });
  const as = (userId: string, change: Partial<Principal> = {}) => {
    const roles = userId === 'ada' ? ['admin'] : ['clinician'];
    const about = { userId, workspaceId: 'clinic', displayName: userId, signedInAt, sessionKey: `${userId}’s session` };
    return node.principalOf({ roles, ...about, ...change });
  };
  const view = (userId: string, patientId: string, change: Partial<Principal> = {}) =>
    Promise.resolve(
      node.authorize(as(userId, change), {
        ...{ workspaceId: 'clinic', action: 'view', guarded: '*' },
        subjects: [{ patientId, carried: ['5'] }],
      }),
    ).then(
      ({ decision }) => (decision.outcome === 'allow' ? decision.basis : decision.outcome),
      (error: unknown) => String(Reflect.get(Object(error), 'code')),
    );
  const start = (userId: string, patientId = 'p1', change: Partial<Principal> = {}) =>
    node.emergency.start(as(userId, change), {
      ...{ purpose: 'clinical', patientId, purposeOfUse: 'ETREAT' },
      reason: 'Unresponsive after the infusion, dose needed now.',
    });
  /** The process ends, and another begins. */
  const restart = async () => {
    await node.close();
    node = await createCountersign(options);
  };
  await view('ana', 'p1');
  await view('ben', 'p1');
  const logged = (code: string) => fake.records.filter((record) => record.code === code);
  const drained = () => until(async () => (await spoolState(folder)).undrained === 0);
  return { fake, database, clock, folder, as, view, start, restart, logged, drained, current: () => node };
}

t.test('what is known to have changed is not gone against', async (t) => {
  const { fake, database, clock, as, view, start, current } = await world(t, {}, { limits: { absoluteSeconds: 7200 } });
  database.go();
  t.equal((await start('ana')).status, 'open');
  t.equal(await view('ana', 'p1'), 'emergency-access');
  t.equal(await codeOf(current().sessions.signOut(as('ben'))), 'store_unavailable');
  t.equal(await codeOf(start('ben')), 'session_ended', 'signed out, though no database could be told');
  for (const listener of fake.listeners) listener.epochRaised('clinic', 'ana', 7);
  t.equal(await view('ana', 'p1'), 'store_unavailable', 'something was revoked, and nobody can say what');
  t.equal(await codeOf(start('ana', 'p2')), 'store_unavailable');

  const other = await world(t, {}, { limits: { absoluteSeconds: 7200 } });
  other.database.go();
  for (const listener of other.fake.listeners) listener.settingsChanged('clinic', 3);
  t.equal(await codeOf(other.start('ana')), 'store_unavailable', 'settings that are known to be other');

  const late = await world(t, {}, { limits: { absoluteSeconds: 7200 } });
  late.database.go();
  late.clock.advance(7200);
  t.equal(await codeOf(late.start('ana')), 'session_locked', 'a limit of the session');
  clock.advance(1);
});

t.test('who may is as last known, for a day, and never against what is known now', async (t) => {
  const { database, clock, view, start } = await world(t);
  database.go();
  t.equal(await codeOf(start('eve')), 'store_unavailable', 'a session that was never seen');
  t.equal(await codeOf(start('ana', 'p1', { roles: ['clerk'] })), 'emergency_not_eligible', 'a role that is gone');
  t.equal(await codeOf(start('ana', 'p1', { kind: 'service' })), 'person_required');
  t.equal((await start('ana')).status, 'open');
  t.equal(await view('ana', 'p1', { roles: ['clerk'] }), 'store_unavailable');
  clock.advance(86_400);
  t.equal(await codeOf(start('ana', 'p2')), 'emergency_not_eligible', 'a day later nothing is known any more');

  let answer: boolean | Error = true;
  const eligible = async () => {
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const asked = await world(t, { roles: undefined, eligible });
  asked.database.go();
  answer = new Error('the host’s own database is away too');
  t.equal((await asked.start('ana')).status, 'open', 'found eligible at sight');
  answer = false;
  t.equal(await codeOf(asked.start('ben')), 'emergency_not_eligible', 'the host says no');
  t.equal(await asked.view('ana', 'p1'), 'store_unavailable', 'also under way');
});

t.test('nothing is opened, and nothing shown, without a record on disk', async (t) => {
  const { database, folder, view, start, logged, drained } = await world(t);
  database.go();
  t.equal((await start('ana')).status, 'open');
  rmSync(folder, { recursive: true });
  t.equal(await codeOf(start('ana', 'p2')), 'spool_unavailable');
  t.equal(await view('ana', 'p2'), 'store_unavailable', 'it was not opened');
  t.equal(await view('ana', 'p1'), 'spool_unavailable', 'no access without its event');
  mkdirSync(folder);
  t.equal(await view('ana', 'p1'), 'emergency-access');
  database.comeBack();
  await drained();
  t.equal(logged('ACCESS_ALLOWED').length, 1);
});

t.test('bounds hold, also for requests at once, and administrators are told before it opens', async (t) => {
  const told: string[] = [];
  const mail = {
    send: async ({ to }: { readonly to: string }) => {
      told.push(to);
      if (to.startsWith('bob')) throw new CountersignError('mail_unavailable');
    },
  };
  const contacts = {
    contactOf: async (_workspace: string, userId: string) => ({ email: `${userId}@example.org` }),
    administrators: async () => ['ada', 'bob'],
  };
  const { fake, database, clock, as, view, start, logged, drained, current } = await world(
    t,
    { mostOpen: 1 },
    { notices: { mail, contacts } },
  );
  database.go();
  const [one, same, second] = await Promise.allSettled([start('ana'), start('ana'), start('ana', 'p2')]);
  t.match([one, same], [{ status: 'fulfilled' }, { status: 'fulfilled' }]);
  t.strictSame(one, same, 'the same patient, the same access');
  t.match(second, { status: 'rejected', reason: { code: 'attempts_delayed' } });
  t.strictSame(told.sort(), ['ada@example.org', 'bob@example.org']);
  const options = await current().emergency.options(as('ana'), { purpose: 'clinical', patientId: 'p2' });
  t.match(options, { available: false, refusal: 'attempts_delayed', purposes: ['clinical'] });
  clock.advance(3600);
  t.equal(await view('ana', 'p1'), 'store_unavailable', 'over at its end');
  await until(async () => (await current().emergency.own(as('ana'))).length === 0);
  t.match(await start('ana'), { status: 'open' }, 'its time has made room');
  database.comeBack();
  await drained();
  t.equal(logged('EMERGENCY_ACCESS_STARTED').length, 2);
  t.match(logged('EMERGENCY_ACCESS_ENDED'), [{ reason: 'time', userId: 'ana' }]);
  t.match(logged('EMERGENCY_ACCESS_REFUSED'), [{ reason: 'attempts_delayed', patientId: 'p2' }]);
  t.equal(logged('NOTICE_DELIVERED').length, 2);
  t.match(logged('NOTICE_FAILED'), [{ userId: 'bob', reason: 'mail-unavailable' }, {}]);
  t.equal(fake.rows.accesses.length, 2, 'and the rows are there');
});

t.test('a process that starts without the database knows what the one before knew, and no more', async (t) => {
  const { database, folder, as, view, start, restart, drained, current, logged } = await world(t);
  database.go();
  const { id } = await start('ana');
  const ended = await start('ben');
  t.match(await current().emergency.end(as('ben'), ended.id), { status: 'ended' });
  await restart();
  t.equal(await view('ana', 'p1'), 'emergency-access');
  t.equal(await view('ben', 'p1'), 'store_unavailable', 'an end stays one');
  t.equal(await view('eve', 'p1'), 'store_unavailable');
  t.match(await current().emergency.find(as('ana'), id), { status: 'open' });
  t.equal(await codeOf(current().emergency.find(as('ben'), id)), 'not_found');
  t.match(await start('ben', 'p4'), { status: 'open' });

  // Altered: an end may have stood there.
  await current().close();
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.spool'))) {
    const bytes = readFileSync(join(folder, name));
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    writeFileSync(join(folder, name), bytes);
    break;
  }
  await restart();
  t.equal(await view('ben', 'p4'), 'store_unavailable');
  database.comeBack();
  await drained();
  await until(() => logged('AUDIT_SPOOL_DRAINED').some(({ outcome }) => outcome === 'failure'));
  await until(async () => (await view('ben', 'p9')) !== 'store_unavailable');
});
