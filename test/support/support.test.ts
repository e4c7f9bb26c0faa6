import { PGlite } from '@electric-sql/pglite';
import postgres from 'postgres';
import t from 'tap';
import { launchBrowser } from './browser.ts';
import { manualClock } from './clock.ts';
import { createPglite } from './pglite.ts';
import { createDatabase, startServer } from './postgres-server.ts';

t.test('each database is empty and its own', async (t) => {
  const [one, other] = await Promise.all([createDatabase(), createDatabase()]);
  const sql = postgres(one.url);
  const otherSql = postgres(other.url);
  t.teardown(() => Promise.all([sql.end(), otherSql.end()]));
  await sql`create table only_here (n int)`;
  await t.rejects(otherSql`select * from only_here`, { code: '42P01' });
});

t.test('a server of its own comes back after a kill with what was committed', async (t) => {
  const server = await startServer();
  const before = postgres(server.url, { max: 1 });
  await before`create table kept (n int)`;
  await before`insert into kept values (7)`;
  await server.crash();
  await t.rejects(before`select 1`);
  await before.end({ timeout: 0 });
  await server.start();
  const after = postgres(server.url, { max: 1 });
  t.teardown(() => after.end());
  t.strictSame([...(await after`select n from kept`)], [{ n: 7 }]);
});

t.test('PGlite starts empty, twice', async (t) => {
  const [one, other] = await Promise.all([createPglite(), createPglite()]);
  t.type(one, PGlite);
  await one.exec('create table only_here (n int)');
  await t.rejects(other.query('select * from only_here'), { code: '42P01' });
});

t.test('the browser opens a page', async (t) => {
  const page = await (await launchBrowser()).newPage();
  await page.setContent('<title>Countersign</title>');
  t.equal(await page.title(), 'Countersign');
});

t.test('the clock moves when told', async (t) => {
  const clock = manualClock('2026-01-01T00:00:00Z');
  clock.advance(1.5);
  clock.set(-60);
  t.equal(new Date(clock.now()).toISOString(), '2025-12-31T23:59:01.500Z');
  t.equal(clock.elapsed(), 1500);
  t.throws(() => clock.advance(-1), RangeError);
});
