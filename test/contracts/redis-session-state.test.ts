// The promises of session state on Redis, and what is Redis' own: scripts that it forgets, slots, ends of life, refusals.
import { randomBytes } from 'node:crypto';
import type { SessionStateStore } from '@countersign/core';
import { redisSessionState } from '@countersign/redis';
import { createClient, createCluster } from 'redis';
import t from 'tap';
import { redisUrl, startRedis, withoutRedis } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import { sessionStateContract } from './session-state-contract.ts';
import { EPOCHS, grantOf, NOW, Visit } from './session-visit.ts';

const skip = await withoutRedis();
// Before any test is under way: what a busy process waits for here comes late.
const cluster = await startRedis({ cluster: true });
const randomPrefix = () => `test.${randomBytes(9).toString('hex')}`;

if (skip === false) {
  sessionStateContract('Redis', async () => {
    const prefix = randomPrefix();
    const state = redisSessionState({ url: redisUrl, prefix, waitSeconds: 20, sessionSeconds: 600 });
    const other = redisSessionState({ url: redisUrl, prefix, waitSeconds: 20, sessionSeconds: 600 });
    const close = async () => {
      await state.close();
      await other.close();
    };
    return { state, other, close };
  });
}

if (!('missing' in cluster)) {
  const client = createCluster({ rootNodes: [{ url: cluster.url }] });
  client.on('error', () => {});
  await client.connect();
  t.teardown(() => client.destroy());
  sessionStateContract('Redis Cluster', async () => {
    const prefix = randomPrefix();
    const states = [1, 2].map(() => redisSessionState({ client, prefix, waitSeconds: 20, sessionSeconds: 600 }));
    const [state, other] = states as [SessionStateStore, SessionStateStore];
    return { state, other, close: async () => void (await Promise.all(states.map((one) => one.close()))) };
  });
}
t.test(
  'in a cluster sessions lie in many slots, and each in one',
  { skip: 'missing' in cluster && cluster.missing },
  async (t) => {
    if ('missing' in cluster) return;
    const client = createClient({ url: cluster.url });
    client.on('error', () => {});
    await client.connect();
    t.teardown(() => client.destroy());
    const prefix = randomPrefix();
    const state = redisSessionState({ client, prefix, waitSeconds: 20, sessionSeconds: 600 });
    const visits = await Promise.all(Array.from({ length: 8 }, () => new Visit(state).begin()));
    for (const visit of visits) t.ok(await visit.pass([visit.proof()]));
    const keys = await client.keys(`*${prefix}*`);
    t.equal(keys.length, visits.length + 1);
    const slots = await Promise.all(keys.map((key) => client.sendCommand(['CLUSTER', 'KEYSLOT', key])));
    t.ok(new Set(slots).size > 2);
  },
);

/** A client that records which keys each call names, and a state over it. */
async function watched() {
  const client = createClient({ url: redisUrl });
  client.on('error', () => {});
  await client.connect();
  t.teardown(() => client.destroy());
  const prefix = randomPrefix();
  const state = redisSessionState({ client, prefix, waitSeconds: 20, sessionSeconds: 600 });
  return { client, prefix, state, keys: async () => (await client.keys(`*${prefix}*`)).sort() };
}

t.test('a client of the host is used, and stays open', { skip }, async (t) => {
  const { client, state } = await watched();
  t.equal(state.shared, true);
  const visit = await new Visit(state).begin();
  t.ok(await visit.pass([visit.proof()]));
  await state.close();
  await t.rejects(visit.read(), { code: 'session_state_unavailable' });
  t.equal(await client.ping(), 'PONG');
});

t.test('scripts that Redis has forgotten are sent again', { skip }, async (t) => {
  const { client, state } = await watched();
  const visit = await new Visit(state).begin();
  await client.scriptFlush();
  t.ok(await visit.pass([visit.proof()]));
  t.strictSame(await visit.seen('b1'), ['p1']);
});

t.test('every key has an end of life, and no script has keys of two slots', { skip }, async (t) => {
  const { client, state, prefix, keys } = await watched();
  const slots: string[][] = [];
  const evalSha = client.evalSha.bind(client);
  Object.assign(client, {
    evalSha: (sha: string, options: { keys: string[]; arguments: string[] }) => {
      slots.push(options.keys.map((key) => /\{(.+?)\}/.exec(key)?.[1] ?? key));
      return evalSha(sha, options);
    },
  });
  const visit = await new Visit(state).begin();
  t.ok(await visit.pass([visit.proof(), visit.proof('p2', { operation: 'op' })]));
  t.ok(await state.keepCeremony(visit.key, 'name', 'value', NOW + 1000, NOW));
  await state.takeTurn(visit.key, 'totp', NOW);
  const moved = new Visit(state);
  await state.move(visit.key, moved.key.keyHash);
  t.equal(await state.consume(moved.key, 'b1', 'op', NOW), true);
  await state.dropAllProofs();
  for (const one of slots) t.equal(new Set(one).size, 1, one.join(' '));
  const held = await keys();
  t.equal(held.length, 3, 'the session, where it is, and the generation');
  for (const key of held) {
    const life = await client.pTTL(key);
    t.ok(life > 0 && life <= 1_200_000, `${key.replace(prefix, '…')}: ${life} ms`);
  }
  await state.end(moved.key, NOW);
  for (const key of await keys()) t.ok((await client.pTTL(key)) > 0, 'an end as well');
});

t.test('proofs that are over go by themselves as others are earned, live ones stay', { skip }, async (t) => {
  const { client, state, prefix } = await watched();
  const visit = await new Visit(state).begin();
  const short = { defaultSeconds: 60, accountSeconds: 30, byCategory: {} };
  const over = Array.from({ length: 100 }, (_, at) => visit.proof(`over ${at}`, { terms: short }));
  t.ok(await visit.pass([...over, visit.proof('live')]));
  let now = NOW + 60_000;
  for (let index = 1; index < 20; index++) {
    now += 1000;
    const proof = visit.proof('again', { verifiedAt: now });
    t.ok(await visit.pass([proof], { presented: `b${index}`, binding: `b${index + 1}` }, now));
  }
  const fields = await client.hKeys(`{${prefix}:${visit.key.keyHash}}`);
  t.strictSame(fields.filter((field) => field.startsWith('p:')).sort(), ['p:again', 'p:live']);
});

t.test('FLUSHALL, as far as it is ours: proofs are gone, and nothing revives', { skip }, async (t) => {
  const { client, state, keys, prefix } = await watched();
  const visit = await new Visit(state).begin();
  t.ok(await visit.pass([visit.proof()]));
  const generation = `{${prefix}:}generation`;
  const before = await client.get(generation);
  await client.del(generation);
  t.strictSame(await visit.seen('b1'), [], 'evicted the generation alone: no proof counts');
  const challenge = await visit.open();
  t.ok(await state.grant(visit.key, visit.number, EPOCHS, grantOf(visit, challenge?.id, { presented: 'b1' }), NOW));
  t.not(await client.get(generation), before);
  await client.del(await keys());
  t.equal(await visit.read('b1'), null);
  t.equal(await state.grant(visit.key, visit.number, EPOCHS, grantOf(visit, challenge?.id), NOW), false);
});

t.test('what Redis itself refuses is one of our errors, without its words', { skip }, async (t) => {
  const { client, state, prefix } = await watched();
  const visit = new Visit(state);
  await client.set(`{${prefix}:${visit.key.keyHash}}`, 'no hash');
  const error = await visit.begin().then(
    () => null,
    (error: Error & { code: string; cause: Error }) => error,
  );
  t.match(error, { code: 'session_state_unavailable', status: 503, details: { retryAfterSeconds: 1 } });
  t.notMatch(`${error?.message} ${error?.cause}`, visit.key.keyHash);
});

t.test('options that are none are refused by name, and no URL is repeated', async (t) => {
  const url = 'redis://:secret-word@127.0.0.1:1';
  for (const [field, options] of [
    ['options', undefined],
    ['url', {}],
    ['url', { url: 'http://:secret-word@127.0.0.1' }],
    ['url', { url, client: {} }],
    ['client', { client: {} }],
    ['prefix', { url, prefix: '{a}' }],
    ['prefix', { url, prefix: '' }],
    ['sessionSeconds', { url, sessionSeconds: 86_401 }],
    ['sessionSeconds', { url, sessionSeconds: '600' }],
    ['waitSeconds', { url, waitSeconds: 0 }],
    ['waitSeconds', { url, waitSeconds: Number.NaN }],
    ['prefixes', { url, prefixes: 'a' }],
  ] as const) {
    try {
      await redisSessionState(options as never).close();
      t.fail(`${field} was taken`);
    } catch (error) {
      t.match(error, { code: 'configuration_invalid', details: { field: `redisSessionState.${field}` } });
      t.notMatch(String(error), 'secret-word');
    }
  }
});

t.test('nobody listens at the address: each call is refused in its time, and the process lives', async (t) => {
  const state = redisSessionState({ url: 'redis://127.0.0.1:1', waitSeconds: 0.2 });
  const visit = new Visit(state);
  for (const call of [() => visit.read(), () => visit.begin(), () => visit.open(), () => state.dropAllProofs()]) {
    await t.rejects(Promise.resolve(call()), { code: 'session_state_unavailable' });
  }
  await state.close();
  await state.close();
});

const server = await startRedis();
t.test('Redis is killed, and comes back empty', { skip: 'missing' in server && server.missing }, async (t) => {
  if ('missing' in server) return;
  const state = redisSessionState({ url: server.url, waitSeconds: 20 });
  t.teardown(() => state.close());
  const visit = await new Visit(state).begin();
  t.ok(await visit.pass([visit.proof()]));
  await server.kill();
  await t.rejects(visit.read('b1'), { code: 'session_state_unavailable' });
  await t.rejects(visit.open(), { code: 'session_state_unavailable' });
  await t.rejects(Promise.resolve(state.consume(visit.key, 'b1', 'op', NOW)), { code: 'session_state_unavailable' });
  await server.start();
  const answers = () =>
    visit.read('b1').then(
      (reading) => reading === null,
      () => false,
    );
  await until(answers);
  t.equal(await visit.read('b1'), null, 'nothing is left');
  await visit.begin();
  t.ok(await visit.pass([visit.proof()]), 'and it goes on');
});

t.test('Redis hangs: calls end in their time', { skip: 'missing' in server && server.missing }, async (t) => {
  if ('missing' in server) return;
  const state = redisSessionState({ url: server.url, waitSeconds: 1 });
  t.teardown(() => state.close());
  const visit = new Visit(state);
  await until(() =>
    visit.begin().then(
      () => true,
      () => false,
    ),
  );
  server.pause();
  try {
    await t.rejects(visit.read('b1'), { code: 'session_state_unavailable' });
  } finally {
    server.resume();
  }
  await until(() =>
    visit.read('b1').then(
      (reading) => reading?.number === visit.number,
      () => false,
    ),
  );
});
