// What one process does for all: only while it leads, again after a failure, and by another where the leader is gone.
import t from 'tap';
import { Duties } from '../../src/flows/duties.ts';
import { FakeStore } from '../support/fake-store.ts';

const until = async (fits: () => boolean) => {
  while (!fits()) await new Promise((resolve) => setTimeout(resolve, 5));
};

t.test('one process does the duties, and another when it has let go', async (t) => {
  const store = new FakeStore();
  const done: string[] = [];
  const duty = (by: string) => [{ name: 'count', run: async () => void done.push(by) }];
  const one = new Duties(store, duty('one'), () => {});
  const other = new Duties(store, duty('other'), () => {});
  one.start();
  await until(() => one.leads && done.length >= 2);
  other.start();
  await until(() => done.length >= 4);
  t.notOk(other.leads);
  t.strictSame(new Set(done), new Set(['one']));
  await one.close();
  await until(() => done.includes('other'));
  await other.close();
  t.equal(store.leader, null);
});

t.test('a duty that fails is told, keeps no other from its turn, and has another turn itself', async (t) => {
  const failed: unknown[] = [];
  let turns = 0;
  const bad = { name: 'bad', run: () => Promise.reject(new Error('out of paper')) };
  const good = { name: 'good', run: async () => void turns++ };
  const duties = new Duties(new FakeStore(), [bad, good], (name, error) =>
    failed.push([name, (error as Error).message]),
  );
  duties.start();
  await until(() => turns >= 2);
  await duties.close();
  t.strictSame(failed[0], ['bad', 'out of paper']);
  t.ok(failed.length >= 2);
});

t.test('a database that is away: nobody leads, until it is back', async (t) => {
  const store = new FakeStore();
  let away = false;
  const open = store.openLeadership.bind(store);
  store.openLeadership = async () => {
    const held = await open();
    return { ...held, take: () => (away ? Promise.reject(new Error('away')) : held.take()) };
  };
  let turns = 0;
  const duties = new Duties(store, [{ name: 'count', run: async () => void turns++ }], () => {});
  duties.start();
  await until(() => turns > 0);
  away = true;
  await until(() => !duties.leads);
  away = false;
  const before = turns;
  await until(() => turns > before);
  t.ok(duties.leads);
  await duties.close();
});
