// Two server processes behind one address, which sends requests to each in turn. Whatever one node learns the other acts upon: with
// session state in Redis and in the tables of PostgreSQL, on both frameworks.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { generateSync } from 'otplib';
import postgres from 'postgres';
import t, { type Test } from 'tap';
import { storeProcess } from '../contracts/store-process.ts';
import { type Answer, Client } from '../support/client.ts';
import { manualClock } from '../support/clock.ts';
import { createDatabase } from '../support/postgres-server.ts';
import { redisUrl, withoutRedis } from '../support/redis-server.ts';
import { until } from '../support/until.ts';

/** Which of the two nodes gets a request, where the test does not leave it to their turns. */
const NODE = 'x-node';
const first = { headers: { [NODE]: '0' } };
const second = { headers: { [NODE]: '1' } };

/** One address for several servers, each in its turn. */
async function roundRobin() {
  const ports: number[] = [];
  let turn = 0;
  const proxy = createServer((incoming, outgoing) => {
    turn += 1;
    const port = ports[Number(incoming.headers[NODE] ?? turn) % ports.length];
    const { method, url: path, headers } = incoming;
    const passed = send({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    passed.once('error', () => outgoing.destroy());
    incoming.pipe(passed);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.teardown(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return { ports, url: `http://localhost:${(proxy.address() as AddressInfo).port}` };
}

async function severalNodes(framework: string, redis: string | null) {
  const { url } = await createDatabase();
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  t.teardown(() => sql.end());
  await sql`create table host_session (id text primary key, data text not null)`;
  const address = await roundRobin();
  const clock = manualClock();
  const nodes = [0, 1].map(() => storeProcess(new URL('several-nodes-server.mjs', import.meta.url)));
  const keys = { current: 'k1', all: { k1: randomBytes(32).toString('base64') } };
  const prefix = `test.${randomBytes(9).toString('hex')}`;
  const settings = { framework, url, redis, prefix, publicUrl: address.url, keys, at: clock.now() };
  address.ports.push(...(await Promise.all(nodes.map((node) => node.ask<number>('start', settings)))));
  const set = async (seconds: number) => {
    clock.set(seconds);
    await Promise.all(nodes.map((node) => node.ask('setClock', clock.now())));
  };
  const code = (secret: string) => generateSync({ secret, epoch: Math.floor(clock.now() / 1000) });
  const host = {
    nodes,
    set,
    code,
    client: () => new Client(address.url),
    wrongCode(secret: string) {
      const near = [-2, -1, 0, 1, 2].map((steps) =>
        generateSync({ secret, epoch: Math.floor(clock.now() / 1000) + steps * 30 }),
      );
      return ['000000', '111111', '222222', '333333', '444444', '555555'].find((one) => !near.includes(one)) ?? '';
    },
    async enrolled(userId: string) {
      const client = host.client();
      await client.post('/sign-in', { json: { userId } });
      const path = '/api/v1/auth/mfa/enroll';
      const begun = await client.post(path, { json: { factor: 'totp' } });
      const secret = String(begun.json().manualKey);
      const confirmed = await client.post(path, { json: { factor: 'totp', code: code(secret) } });
      if (confirmed.status !== 200) throw new Error(`Enrolment failed: ${confirmed.status} ${confirmed.text}`);
      await set(30);
      return { client, secret };
    },
    /** Asked on one node, answered on the other. */
    async stepUp(client: Client, secret: string, path: string): Promise<Answer> {
      const { challengeId } = (await client.get(path, first)).json();
      const json = { challengeId, factor: 'totp', code: code(secret) };
      const answer = await client.post('/api/v1/auth/mfa/verify', { json, ...second });
      await set(30);
      return answer;
    },
    async faults() {
      return (await Promise.all(nodes.map((node) => node.ask<unknown[]>('faults')))).flat();
    },
    async close() {
      await Promise.all(nodes.map((node) => node.kill()));
    },
  };
  return host;
}

async function story(t: Test, framework: string, redis: string | null) {
  const host = await severalNodes(framework, redis);
  const { client, secret } = await host.enrolled('carol');
  const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status);
  const both = async (path: string, who = client) =>
    statuses([await who.fork().get(path, first), await who.fork().get(path, second)]);

  await t.test('asked on one, answered on the other, honoured on both', async (t) => {
    const before = client.jar.header();
    const passed = await host.stepUp(client, secret, '/visits/p1');
    t.equal(passed.status, 200, passed.text);
    t.not(client.jar.header(), before, 'the host’s session id was rotated');
    t.strictSame(await both('/visits/p1'), [200, 200]);
    t.strictSame(await both('/visits/p2'), [401, 401]);
    const turns = await Promise.all(Array.from({ length: 6 }, () => client.fork().get('/visits/p1')));
    t.strictSame(new Set(statuses(turns)), new Set([200]));
  });

  await t.test('a one-shot proof is taken once, of many requests on both', async (t) => {
    t.equal((await host.stepUp(client, secret, '/export/p1')).status, 200);
    const requests = Array.from({ length: 12 }, () => client.fork().get('/export/p1'));
    const answers = await Promise.all(requests);
    t.equal(statuses(answers).filter((status) => status === 200).length, 1);
    t.equal(statuses(answers).filter((status) => status === 401).length, 11);
    t.equal(new Set(answers.filter(({ status }) => status === 401).map((answer) => answer.json().challengeId)).size, 1);
  });

  await t.test(
    'the session id is rotated while requests are under way: nothing is lost, nothing done twice',
    async (t) => {
      for (const path of ['/visits/p2', '/export/p2', '/visits/p3', '/export/p3']) {
        const old = client.fork();
        const { challengeId } = (await client.get(path, first)).json();
        const json = { challengeId, factor: 'totp', code: host.code(secret) };
        const [passed, ...beside] = await Promise.all([
          client.post('/api/v1/auth/mfa/verify', { json, ...second }),
          ...Array.from({ length: 8 }, (_, at) => old.fork().get('/visits/p1', at % 2 === 0 ? first : second)),
        ]);
        t.equal(passed.status, 200, passed.text);
        for (const status of statuses(beside)) t.ok(status === 200 || status === 401, `${status}`);
        t.strictSame(await both('/visits/p1'), [200, 200], 'earlier proofs moved along');
        const opened = [...(await both(path)), ...(await both(path))];
        t.equal(opened.filter((status) => status === 200).length, path.startsWith('/export') ? 1 : 4, path);
        t.strictSame(statuses([await old.get('/export/p2', first)]), [401], 'and the old cookies have nothing');
        await host.set(30);
      }
    },
  );

  await t.test('delays and lock-outs hold on both', async (t) => {
    const mallory = await host.enrolled('mallory');
    const guess = async (node: typeof first, code = host.wrongCode(mallory.secret)) => {
      const { challengeId } = (await mallory.client.get('/visits/p1', node)).json();
      const json = { challengeId, factor: 'totp', code };
      return (await mallory.client.post('/api/v1/auth/mfa/verify', { json, ...node })).json().code;
    };
    t.equal(await guess(first), 'code_incorrect');
    t.equal(await guess(second), 'code_incorrect');
    t.equal(await guess(first), 'code_incorrect');
    t.equal(await guess(second), 'attempts_delayed', 'the other node knows of the failures');
    await host.set(30);
    t.equal(await guess(second), 'factor_locked');
    await host.set(30);
    t.equal(await guess(first, host.code(mallory.secret)), 'factor_locked', 'not even a right one');
    t.strictSame(await both('/visits/p1', mallory.client), [401, 401]);
  });

  await t.test('revoked on one, over on the other', async (t) => {
    t.strictSame(await both('/visits/p1'), [200, 200]);
    await host.nodes[0]?.ask('revokeProofs', 'carol');
    t.equal((await client.fork().get('/visits/p1', first)).status, 401, 'there at once');
    await until(async () => (await client.fork().get('/visits/p1', second)).status === 401);
    t.equal((await host.stepUp(client, secret, '/visits/p1')).status, 200);
    t.strictSame(await both('/visits/p1'), [200, 200]);
  });

  await t.test('signed out on one, refused on the other at once', async (t) => {
    const kept = client.fork();
    t.equal((await client.post('/sign-out', { json: {}, ...first })).status, 200);
    const refused = await kept.get('/visits/p1', second);
    t.match(refused.json(), { code: 'session_ended', status: 401 });
    t.strictSame(await both('/visits/p1', kept), [401, 401]);
  });

  t.strictSame(await host.faults(), []);
  await host.close();
}

// Eight processes are started, two at a time.
t.setTimeout(300_000);
const skip = await withoutRedis();
for (const framework of ['fastify', 'express']) {
  t.test(`several nodes with tables in PostgreSQL (${framework})`, (t) => story(t, framework, null));
  t.test(`several nodes with Redis (${framework})`, { skip }, (t) => story(t, framework, redisUrl));
}
