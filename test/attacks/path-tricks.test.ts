// The clinician holds a proof for one patient, and writes the address of another’s record in a way that a guard on URLs would read
// differently from the router behind it: letter case, doubled slashes, dots, semicolons, percent signs, another method, a
// parameter twice or in another place. Our guard stands on the matched handler and judges the very record that the handler gets.
import type { Test } from 'tap';
import type { Client } from '../support/client.ts';
import { type Host, onEveryVersion, startHost } from '../support/hosts.ts';
import { type RawRequest, rawRequest } from '../support/raw-request.ts';
import { createRealStore } from '../support/real-store.ts';

/** All of them aim at v2, whose patient is p2. */
const targets: readonly string[] = [
  '/visits/v2',
  '/visits/v2/',
  '/visits/v2//',
  '/visits//v2',
  '//visits/v2',
  '//visits//v2//',
  '/./visits/v2',
  '/visits/./v2',
  '/visits/v1/../v2',
  '/free/../visits/v2',
  '/visits/%2e/v2',
  '/visits/v1/%2e%2e/v2',
  '/free/%2E%2E/visits/v2',
  '/visits/v1%2f..%2fv2',
  '/visits/v1%2F%2E%2E%2Fv2',
  '/visits%2fv2',
  '/visits/%2fv2',
  '/VISITS/v2',
  '/Visits/V2',
  '/visits/V2',
  '/%76isits/v2',
  '/visits/%76%32',
  '/visits/%2576%2532',
  '/visits/v2;x=1',
  '/visits/v2;/v1',
  '/visits/v1;v2',
  '/visits;x/v2',
  '/visits/v2%3Bx',
  '/visits/v2%20',
  '/visits/v2%00',
  '/visits/v2%0a',
  '/visits/v2.json',
  '/visits/v2?',
  '/visits/v2?id=v1',
  '/visits/v2?id=v1&id=v1',
  '/visits/v2#/visits/v1',
  '/visits\\v2',
  '/visits/v%',
  '/visits/v2%',
  '/cached/v2',
  '/raw/v2',
  '/resolver/v2',
  '/export/v2',
  '/patients/p2/notes',
  '/patients/P2/notes',
  '/patients/p1%2f..%2fp2/notes',
  '/patients/p2/notes?patientId=p1',
  '/lenient/v2',
  '/lenient/V2',
  '/lenient/%56%32',
  '/lenient/%20v2%20',
  '/lenient/v2?id=v1',
  '/lookup?id=v2',
  '/lookup?id=V2',
  '/lookup?id=v1&id=v2',
  '/lookup?id=v1&id=%20V2',
  '//evil.example/documents/v2',
  'http://localhost/visits/v2',
  'http://localhost/visits/v1/../v2',
];

/** What some frameworks and proxies take for another method or another address. */
const overrides: Readonly<Record<string, string>> = {
  'x-http-method-override': 'GET',
  'x-http-method': 'HEAD',
  'x-method-override': 'OPTIONS',
  'x-original-url': '/visits/v1',
  'x-rewrite-url': '/visits/v1',
  'x-forwarded-prefix': '/free',
  'x-forwarded-uri': '/visits/v1',
};

onEveryVersion('another patient’s record, by another spelling', async (t, adapter) => {
  const host = await startHost(adapter, { store: await createRealStore() });
  const { client, secret } = await host.enrolled('carol');
  await host.stepUp(client, secret, '/visits/v1');

  await t.test('nothing of it is served, and every time we asked it is on the log', async (t) => {
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      await areKept(
        t,
        host,
        client,
        targets.map((target) => ({ method, target })),
      );
    }
    await areKept(
      t,
      host,
      client,
      targets.map((target) => ({ method: 'GET', target, headers: overrides })),
    );
  });

  await t.test('what the proof is for opens under any spelling that the router takes', async (t) => {
    for (const target of ['/visits/v1', '/visits/%76%31', '/visits/v1?id=v2', '/lenient/V1', '/lookup?id=v2&id=v1']) {
      const opened = await rawRequest(client, { target });
      t.match([opened.status, JSON.parse(opened.text).notes], [200, 'notes of v1'], target);
      t.equal(opened.headers['cache-control'], 'no-store');
    }
  });

  await t.test('query, body and path name different records', async (t) => {
    const json = { 'content-type': 'application/json' };
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const requests = [
      ['/lookup?id=v1', json, '{"id":"v2"}'],
      ['/lookup?id=v1', json, '{"id":"v1","id":"v2"}'],
      ['/lookup?id=v1', json, '{"id":["v1","v2"]}'],
      ['/lookup?id=v1', form, 'id=v1&id=v2'],
      ['/lookup?id=v1', form, 'id=v2&_method=GET'],
      ['/lenient/v2?id=v1', json, '{"id":"v1"}'],
    ] as const;
    await areKept(
      t,
      host,
      client,
      requests.map(([target, headers, body]) => ({ method: 'POST', target, headers, body })),
    );
    const own = await rawRequest(client, {
      method: 'POST',
      target: '/lookup?id=v2',
      headers: json,
      body: '{"id":"v1"}',
    });
    t.match([own.status, JSON.parse(own.text).notes], [200, 'notes of v1'], 'the record that the handler gets decides');
  });

  await t.test('an edit that names its patient twice, or elsewhere, moves nothing', async (t) => {
    for (const [target, sent] of [
      ['/visits/v1?patientId=p1', { json: { patientId: 'p2' } }],
      ['/visits/v1?patientId=p2', { json: { patientId: ['p1', 'p2'] } }],
      ['/visits/v1', { form: { patientId: ['p1', 'p2'] } }],
      ['/visits/v1', { form: { patientId: ['p2', 'p1'], _method: 'GET' } }],
      ['/visits/v1', { json: { patientId: { p1: 'p2' } } }],
      ['/visits/v1', { json: { patientId: '' } }],
      ['/visits/v1', { json: { patientId: 'p1\u0000' } }],
    ] as const) {
      const answer = await client.post(target, { ...sent, headers: overrides });
      t.ok([400, 401].includes(answer.status), `${answer.status} ${JSON.stringify(sent)}`);
      t.match(host.visits.get('v1'), { patientId: 'p1', category: '5' });
    }
  });

  await t.test('a one-shot proof fits its own operation, and no other spelling of it', async (t) => {
    host.clock.set(30);
    await host.stepUp(client, secret, '/export/v1');
    for (const [method, target] of [
      ['HEAD', '/export/v1'],
      ['GET', '/export/v1?all=1'],
      ['GET', '/export/v1/'],
      ['GET', '/EXPORT/v1'],
      ['GET', '/export/%76%31'],
      ['GET', '/export/v2'],
      ['GET', 'http://evil.example/export/v1'],
    ] as const) {
      const refused = await rawRequest(client, { method, target });
      t.ok([401, 404].includes(refused.status), `${method} ${target}: ${refused.status}`);
    }
    t.equal((await client.get('/export/v1')).status, 200);
    t.equal((await client.get('/export/v1')).status, 401, 'once');
  });
  t.strictSame(host.faults, []);
  await host.close();
});

onEveryVersion('a host that lets callers override the method', async (t, adapter) => {
  const host = await startHost(adapter, {
    store: await createRealStore(),
    onRequest: (request) => {
      const method = request.headers['x-http-method-override'];
      if (typeof method === 'string') request.method = method;
    },
  });
  const { client, secret } = await host.enrolled('carol');
  for (const sent of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS']) {
    for (const override of ['GET', 'PUT', 'POST', 'OPTIONS', 'get', 'TRACE', 'PROPFIND']) {
      const body = sent === 'POST' || sent === 'PUT' ? '{"notes":"overwritten"}' : undefined;
      const answer = await rawRequest(client, {
        method: sent,
        target: '/visits/v2',
        headers: {
          'x-http-method-override': override,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body }),
      });
      t.notMatch(answer.text, 'notes of v2', `${sent} as ${override}`);
      if (answer.status < 300) t.match(override, 'OPTIONS', `${sent} as ${override}: ${answer.status}`);
      t.equal(host.visits.get('v2')?.notes, 'notes of v2');
    }
  }
  // What it is judged as is what it is handled as: a proof to read by GET reads by an overridden GET.
  await host.stepUp(client, secret, '/visits/v2');
  const read = await rawRequest(client, {
    method: 'POST',
    target: '/visits/v2',
    headers: { 'x-http-method-override': 'GET' },
  });
  t.equal(read.status, 200);
  t.match((await host.events('carol')).at(-1), {
    code: 'ACCESS_ALLOWED',
    action: 'view',
    method: 'GET',
    patientId: 'p2',
  });
  await host.close();
});

/**
 * Nothing of v2 comes back; where we asked for a factor, the log says for whose record, and it knows of no access.
 * Judged at the end, since the log is read whole.
 */
async function areKept(t: Test, host: Host, client: Client, requests: readonly RawRequest[]): Promise<void> {
  const before = (await host.events('carol')).length;
  let asked = 0;
  for (const request of requests) {
    const answer = await rawRequest(client, request);
    const why = `${request.method} ${request.target}: ${answer.status}`;
    t.notMatch(answer.text, 'notes of v2', why);
    t.ok([400, 401, 404, 405].includes(answer.status) || request.method === 'OPTIONS', why);
    if (String(answer.headers['www-authenticate']).includes('insufficient_user_authentication')) asked += 1;
  }
  const written = (await host.events('carol')).slice(before);
  const required = written.filter((event) => event.code === 'MFA_REQUIRED');
  t.equal(required.length, asked);
  t.ok(required.every((event) => /p2$/i.test(String(event.patientId))));
  t.notOk(written.some((event) => event.code === 'ACCESS_ALLOWED'));
}
