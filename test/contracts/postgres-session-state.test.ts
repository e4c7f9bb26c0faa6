// The promises of session state in PostgreSQL, and what is its own: a table that a crash empties, rights, rows that are over.
import type { SessionStateStore } from '@countersign/core';
import { migrate, openStore, postgresSessionState } from '@countersign/postgres';
import postgres from 'postgres';
import t from 'tap';
import { createPglite } from '../support/pglite.ts';
import { createDatabase, startServer } from '../support/postgres-server.ts';
import { until } from '../support/until.ts';
import { sessionStateContract } from './session-state-contract.ts';
import { EPOCHS, grantOf, NOW, Visit } from './session-visit.ts';

const patient = { waitSeconds: 60 };
// Three databases, the same promises on each.
t.setTimeout(300_000);

/** The contract, over and over on the same tables: sessions have keys of their own. */
function contract(name: string, make: () => Promise<readonly [SessionStateStore, SessionStateStore]>): void {
  let made: ReturnType<typeof make> | undefined;
  sessionStateContract(name, async () => {
    made ??= make();
    const [state, other] = await made;
    return { state, other, close: async () => {} };
  });
  t.teardown(async () => {
    for (const state of (await made) ?? []) await state.close();
  });
}

contract('PGlite', async () => {
  const state = await postgresSessionState(await createPglite(), patient);
  return [state, state];
});

contract('PostgreSQL', async () => {
  const { url } = await createDatabase();
  const state = await postgresSessionState(url, patient);
  return [state, await postgresSessionState(url, patient)];
});

// Naming, parsers and isolation of a host's own client must not matter.
contract('PostgreSQL by a client of the host', async () => {
  const { url } = await createDatabase();
  const client = postgres(url, {
    max: 10,
    transform: postgres.camel,
    types: { bigint: postgres.BigInt },
    onnotice: () => {},
    connection: { default_transaction_isolation: 'repeatable read' } as never,
  });
  t.teardown(() => client.end());
  return [await postgresSessionState(client, patient), await postgresSessionState(client, patient)];
});

t.test('it says whether other processes share it', async (t) => {
  const { url } = await createDatabase();
  for (const [target, shared] of [
    [await createPglite(), false],
    [url, true],
  ] as const) {
    const state = await postgresSessionState(target, patient);
    t.equal(state.shared, shared);
    await state.close();
  }
});

t.test('the tables are not logged, and a crash of the server empties them: nothing is undone by it', async (t) => {
  const server = await startServer();
  const store = await openStore(server.url);
  const state = await postgresSessionState(server.url, { waitSeconds: 5 });
  t.teardown(() => Promise.all([store.close(), state.close()]));
  const visit = await new Visit(state).begin();
  t.ok(await visit.pass([visit.proof(), visit.proof('p2', { operation: 'op' })]));
  const challenge = await visit.open();
  await server.crash();
  await t.rejects(visit.read('b1'), { code: 'session_state_unavailable', details: { retryAfterSeconds: 1 } });
  await t.rejects(Promise.resolve(state.consume(visit.key, 'b1', 'op', NOW)), { code: 'session_state_unavailable' });
  await server.start();
  await until(() =>
    visit.read('b1').then(
      () => true,
      () => false,
    ),
  );
  t.equal(await visit.read('b1'), null);
  await visit.begin();
  t.strictSame(await visit.seen('b1'), [], 'begun again, it has nothing');
  t.equal(await state.grant(visit.key, visit.number, EPOCHS, grantOf(visit, challenge?.id), NOW), false);
  t.ok(await visit.pass([visit.proof()]), 'and it goes on');
});

t.test('rows that are over go by themselves as others are written', async (t) => {
  const { url } = await createDatabase();
  const state = await postgresSessionState(url, { ...patient, sessionSeconds: 600 });
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  t.teardown(() => Promise.all([state.close(), sql.end()]));
  const short = { defaultSeconds: 60, accountSeconds: 30, byCategory: {} };
  for (let index = 0; index < 20; index++) {
    const visit = await new Visit(state).begin();
    t.ok(await visit.pass([visit.proof('over', { terms: short }), visit.proof('p1', { terms: short })]));
  }
  const count = async () => {
    const [row] = await sql`select (select count(*) from countersign.session_state)::int as sessions,
      (select count(*) from countersign.session_proof)::int as proofs`;
    return row;
  };
  t.strictSame({ ...(await count()) }, { sessions: 20, proofs: 40 });
  await new Visit(state).begin({ now: NOW + 60_000 });
  t.strictSame({ ...(await count()) }, { sessions: 21, proofs: 0 }, 'proofs when their grace period is over');
  await new Visit(state).begin({ now: NOW + 600_000 });
  await new Visit(state).begin({ now: NOW + 600_000 });
  t.strictSame({ ...(await count()) }, { sessions: 3, proofs: 0 }, 'sessions when nobody used them');
  const logged = await sql`select relname from pg_class where relnamespace = 'countersign'::regnamespace
    and relname like 'session%' and relpersistence <> 'u' and relkind in ('r', 'i')`;
  t.strictSame([...logged], []);
});

t.test("the application's role can do all of it, and no more", async (t) => {
  const { url, name } = await createDatabase();
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  t.teardown(() => sql.end());
  const role = `${name}_app`;
  await sql.unsafe(`create role ${role} login password 'secret'`);
  t.teardown(() => sql.unsafe(`drop owned by ${role}; drop role ${role}`));
  await migrate(url, { applicationRole: role });
  const as = new URL(url);
  as.username = role;
  as.password = 'secret';
  const state = await postgresSessionState(as.href, patient);
  const visit = await new Visit(state).begin();
  t.ok(await visit.pass([visit.proof(), visit.proof('p2', { operation: 'op' })]));
  t.ok(await state.consume(visit.key, 'b1', 'op', NOW));
  const moved = new Visit(state);
  await state.move(visit.key, moved.key.keyHash);
  await state.dropAllProofs();
  t.strictSame(await moved.seen('b1'), []);
  await state.end(moved.key, NOW);
  await state.close();
});

t.test('without its tables it says that the database is not migrated; closed, that it is closed', async (t) => {
  const { url } = await createDatabase();
  const state = await postgresSessionState(url, { ...patient, migrate: false });
  await t.rejects(new Visit(state).read(), { code: 'store_not_migrated' });
  await state.close();
  await state.close();
  await t.rejects(new Visit(state).read(), { code: 'session_state_unavailable' });
  for (const options of [{ sessionSeconds: 86_401 }, { waitSeconds: 0 }, { pool: 3 }]) {
    await t.rejects(postgresSessionState(url, options as never), { code: 'configuration_invalid' });
  }
});
