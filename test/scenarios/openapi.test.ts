/**
 * A front end of the host's own, written against the OpenAPI document with types made from it. Its code is the one that
 * docs/guides/front-ends.md shows.
 */
import { readFileSync } from 'node:fs';
import { Web } from '@countersign/web';
import t, { type Test } from 'tap';
import type { Client } from '../support/client.ts';
import { type Host, onEveryAdapter, startHost } from '../support/hosts.ts';
import { countersignApi, sendConfirmed } from './openapi-client/send-confirmed.ts';

/** `fetch` with a client's cookies, as a browser has it. */
const fetchOf =
  (client: Client): typeof fetch =>
  async (input, init) => {
    const request = new Request(input, init);
    request.headers.set('cookie', client.jar.header());
    const response = await fetch(request);
    client.jar.take(response.headers.getSetCookie());
    return response;
  };

interface Documented {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
}
interface DocumentedOperation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content: object }>>;
}

onEveryAdapter('the document is served, and a client made from it steps up', async (t, adapter) => {
  const host = await startHost(adapter, { web: { openApi: true } });
  const served = await host.client().get('/api/v1/openapi.json');
  t.equal(served.status, 200, 'to anybody');
  t.match(served.headers.get('content-type'), 'application/json');
  t.match(served.json(), { openapi: '3.1.1', servers: [{ url: `${host.baseUrl}/api/v1` }] });

  const { client, secret } = await host.enrolled('carol');
  const ownFetch = fetchOf(client);
  const api = countersignApi(`${host.baseUrl}/api/v1`, ownFetch);
  const session = await api.GET('/auth/session');
  t.equal(session.data?.principal.userId, 'carol');
  t.strictSame(session.data?.proofs, []);

  const open = () => ownFetch(`${host.baseUrl}/visits/v1`);
  t.equal((await sendConfirmed(api, open, async () => null)).status, 401, 'who does not answer gets the refusal');
  const wrong = sendConfirmed(api, open, async () => host.wrongCode(secret));
  await t.rejects(wrong, { message: 'code_incorrect' });
  const asked: string[] = [];
  const opened = await sendConfirmed(api, open, async (challenge) => {
    asked.push(challenge.action, ...challenge.categoryNames);
    return host.code(secret);
  });
  t.equal(opened.status, 200);
  t.match(await opened.json(), { id: 'v1', notes: 'notes of v1' });
  t.strictSame(asked, ['view', 'Ketamine infusion']);
  t.strictSame(
    (await api.GET('/auth/session')).data?.proofs.map(({ patientId, factor }) => [patientId, factor]),
    [['p1', 'totp']],
  );
  if (adapter === 'fastify') await t.test('replies are what it says', (t) => repliesAsDocumented(t, host));
  await host.close();
});

/** Calls the main endpoints, and holds each reply against the document and the schemas that it is written from. */
async function repliesAsDocumented(t: Test, host: Host): Promise<void> {
  const { paths } = (await host.client().get('/api/v1/openapi.json')).json() as unknown as Documented;
  const operations = new Map(
    Object.values(paths)
      .flatMap((item) => Object.values(item))
      .map((operation) => [operation.operationId, operation]),
  );
  const endpoints = new Map(new Web(host.countersign).endpoints.map(({ endpoint }) => [endpoint.name, endpoint]));

  const call = async (as: Client, name: string, status: number, json?: object, id = '') => {
    const { method, path, output } = endpoints.get(name)!;
    const url = `/api/v1${path.replace(/:\w+/, id)}`;
    // A DELETE says that it is JSON, and sends nothing.
    const headers = method === 'DELETE' ? { 'content-type': 'application/json' } : {};
    const reply = await as.send(method, url, json === undefined ? { headers } : { json });
    const body = reply.json();
    t.equal(reply.status, status, `${name}: ${reply.text}`);
    const documented = operations.get(name)?.responses[status];
    const type = reply.headers.get('content-type')?.split(';')[0] ?? '';
    t.strictSame(Object.keys(documented?.content ?? {}), [type], `${name}: ${status} is documented`);
    if (status < 300) t.strictSame(output?.parse(body), body, `${name}: nothing more and nothing less`);
    else t.match(documented?.description, `\`${body.code}\``, `${name}: ${body.code} is documented`);
    return body;
  };

  const { client, secret } = await host.enrolled('dora');
  await call(client, 'session', 200);
  await call(host.client(), 'session', 401);
  const { challengeId } = (await client.get('/visits/v1')).json();
  await call(client, 'challenge', 200, undefined, String(challengeId));
  await call(client, 'challenge', 404, undefined, 'x'.repeat(22));
  await call(client, 'challenge', 400, undefined, 'x');
  await call(client, 'verify', 400, { challengeId });
  await call(client, 'verify', 422, { challengeId, code: host.wrongCode(secret) });
  await call(client, 'verify', 200, { challengeId, code: host.code(secret) });
  await call(client, 'verify', 404, { challengeId, code: host.code(secret) });

  const { factors } = await call(client, 'factors', 200);
  const [held] = factors as { id: string }[];
  const elsewhere = { headers: { origin: 'https://evil.example' }, json: { label: 'Phone' } };
  const forged = await client.send('PATCH', `/api/v1/auth/mfa/factors/${held!.id}`, elsewhere);
  t.match(operations.get('renameFactor')?.responses[forged.status]?.description, `\`${forged.json().code}\``);
  await call(client, 'renameFactor', 401, { label: 'Phone' }, held!.id);
  await call(client, 'removeFactor', 401, undefined, held!.id);
  await call(client, 'enrol', 401, { factor: 'totp' });
  await call(client, 'liftCaps', 422, { enrolmentCode: 'wrong' });
  await call(client, 'signOutOthers', 200, {});

  await call(client, 'settingsRead', 403);
  await call(client, 'adminUserFactors', 403, undefined, 'carol');
  const { client: administrator } = await host.enrolled('adam', { roles: ['administrator'] });
  await call(administrator, 'adminUserFactors', 200, undefined, 'dora');
  await call(administrator, 'adminReset', 401, { factor: 'totp', reason: 'The phone was lost.' }, 'dora');
  await call(administrator, 'adminEnrolmentCode', 401, { reason: 'The phone was lost.' }, 'dora');
  const { version, settings } = await call(administrator, 'settingsRead', 200);
  await call(administrator, 'settingsPreview', 200, { settings });
  await call(administrator, 'settingsPreview', 400, { settings: { enabled: 'yes' } });
  await call(administrator, 'settingsReplace', 401, { version, settings });
  await call(administrator, 'settingsDecide', 404, { decision: 'approve', proposal: 'none' });
}

t.test('a host that does not want the document served serves none', async (t) => {
  const host = await startHost('fastify');
  const { client } = await host.enrolled('carol');
  for (const asking of [client, host.client()]) {
    const reply = await asking.get('/api/v1/openapi.json');
    t.equal(reply.status, 404);
    t.match(reply.json(), { code: 'not_found' });
  }
  await host.close();
});

t.test('the guide shows the client that was run here', async (t) => {
  const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
  const shown = read('openapi-client/send-confirmed.ts').replace('countersign-api.generated.ts', 'countersign-api.ts');
  t.ok(read('../../docs/guides/front-ends.md').includes(`\`\`\`mts\n${shown}\`\`\`\n`));
});
