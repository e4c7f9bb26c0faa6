// A host has protections and documents of its own; ours fit in beside them.
import { countersignFastify } from '@countersign/fastify';
import fastifySwagger from '@fastify/swagger';
import Fastify, { type FastifySchema } from 'fastify';
import t from 'tap';
import { z } from 'zod';
import { auditStory, codesOf } from '../support/audit-story.ts';
import type { Answer, Client } from '../support/client.ts';
import { type HostRoutes, onEveryVersion, startHost } from '../support/hosts.ts';

const isToken = (token: unknown): boolean => typeof token === 'string' && /^token-\d+$/.test(token);
const isForm = (headers: { readonly 'content-type'?: string | undefined }): boolean =>
  headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;

/** Refuses every form without the host's own token, ours included. */
const csrfProtection: HostRoutes = {
  fastify(app) {
    app.addHook('preHandler', async (request, reply) => {
      const { _csrf } = (request.body ?? {}) as { _csrf?: unknown };
      if (isForm(request.headers) && !isToken(_csrf)) return await reply.code(403).send('no token of the host');
    });
  },
  express(app, _made, express) {
    app.use(express.urlencoded({ extended: false }), (request, response, next) => {
      if (isForm(request.headers) && !isToken(request.body._csrf)) response.status(403).send('no token of the host');
      else next();
    });
  },
};

onEveryVersion('the host’s own CSRF protection takes our forms', async (t, adapter) => {
  let rendered = 0;
  const token = () => {
    rendered += 1;
    return `token-${rendered}`;
  };
  const host = await startHost(adapter, { before: csrfProtection, web: { csrf: { field: '_csrf', token } } });
  const { client, secret } = await host.enrolled('carol');
  const story = await auditStory(host);
  const answer = (from: Client, page: Answer, fields: Record<string, string>) => {
    const action = /<form[^>]*action="([^"]+)"/.exec(page.text)?.[1] ?? '';
    return from.post(action, { page: true, form: { code: host.code(secret), ...fields } });
  };

  const refused = await client.get('/visits/v1', { page: true });
  const page = await client.get(refused.headers.get('location') ?? '', { page: true });
  t.match(page.field('_csrf'), /^token-\d+$/, 'the host’s token is in our form');
  const ours = { _countersign: page.field('_countersign') };
  const hosts = { _csrf: page.field('_csrf') };
  t.equal((await answer(client, page, ours)).text, 'no token of the host', 'which the host asks for');
  const without = await answer(client, page, hosts);
  t.equal(without.status, 403, 'and does not make up for ours');
  t.match(without.text, 'its form has expired');
  t.equal((await answer(client, page, { ...ours, ...hosts })).status, 303);
  t.equal((await client.get('/visits/v1')).status, 200);

  await t.test('a form confirmed for one operation may be rendered anew', async (t) => {
    host.clock.set(30);
    const form = { notes: 'asked every time' };
    const asked = await client.post('/visits/v0', { page: true, form: { ...form, _csrf: 'token-1' } });
    t.equal(asked.status, 401);
    const fields = { _countersign: asked.field('_countersign'), _csrf: asked.field('_csrf') };
    t.equal((await answer(client, asked, fields)).status, 200);
    const other = { page: true, form: { notes: 'something else', _csrf: 'token-1' } };
    t.equal((await client.post('/visits/v0', other)).status, 401, 'what is sent still counts');
    t.equal((await client.post('/visits/v0', { page: true, form: { ...form, _csrf: 'token-999' } })).status, 200);
  });
  const events = (await story.next()).filter((event) => event.code !== 'ACCESS_DENIED');
  t.strictSame(codesOf(events), [
    'MFA_REQUIRED',
    'MFA_SUCCESS',
    'ACCESS_ALLOWED',
    'MFA_REQUIRED',
    'MFA_SUCCESS',
    'MFA_REQUIRED',
    'ACCESS_ALLOWED',
  ]);
  t.strictSame(host.faults, []);
  await host.close();
});

interface Operation {
  readonly summary?: string;
  readonly operationId?: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: { readonly properties?: object } }> };
}
type Paths = Record<string, Record<string, Operation>>;

/** As a documentation plugin for Zod does it (fastify-type-provider-zod). */
function zodToJson({ schema, url }: { schema: FastifySchema; url: string }): { schema: FastifySchema; url: string } {
  const written = Object.entries(schema ?? {}).map(([part, value]) => [
    part,
    value instanceof z.ZodType ? z.toJSONSchema(value, { io: 'input', unrepresentable: 'any' }) : value,
  ]);
  return { schema: Object.fromEntries(written) as FastifySchema, url };
}

t.test('@fastify/swagger documents our routes', async (t) => {
  const host = await startHost('fastify');
  const { countersign } = host;
  const pathsWith = async (openapi: 'json' | 'zod' | false | undefined, transform?: typeof zodToJson) => {
    const app = Fastify();
    t.teardown(() => app.close());
    await app.register(fastifySwagger, {
      openapi: { openapi: '3.1.0', info: { title: 'EHR', version: '1' } },
      ...(transform === undefined ? {} : { transform: transform as never }),
    });
    await app.register(countersignFastify, {
      countersign,
      identify: () => null,
      ...(openapi === undefined ? {} : { openapi }),
    });
    app.get('/own', { schema: { summary: 'The host’s own' } }, async () => ({}));
    await app.ready();
    const answered = await app.inject({ method: 'POST', url: '/api/v1/auth/mfa/verify', payload: { code: 7 } });
    t.equal(answered.statusCode, 401, 'our routes judge their input themselves, whoever documents it');
    t.match(answered.json(), { code: 'sign_in_required' });
    const { paths } = app.swagger() as unknown as { paths: Paths };
    t.equal(paths['/own']?.get?.summary, 'The host’s own');
    return paths;
  };

  const byDefault = await pathsWith(undefined);
  t.strictSame(await pathsWith('json'), byDefault, 'JSON Schema is the default');
  t.strictSame(await pathsWith('zod', zodToJson), byDefault, 'the Zod schemas say the same');
  const verify = byDefault['/api/v1/auth/mfa/verify']?.post;
  t.equal(verify?.operationId, 'verify');
  t.match(verify?.requestBody?.content['application/json']?.schema.properties, {
    challengeId: { type: 'string' },
    factor: { type: 'string', default: 'totp' },
    code: { type: 'string', maxLength: 64 },
  });
  t.match(byDefault['/step-up/challenge/{id}']?.get?.parameters, [{ name: 'id', in: 'path' }]);
  t.match(
    byDefault['/step-up/admin/audit']?.get?.parameters?.map((parameter) => parameter.name),
    [
      ...['from', 'until', 'userId', 'patientId', 'category', 'code', 'outcome', 'emergencyAccessId'],
      ...['sort', 'order', 'cursor'],
    ],
  );
  for (const { endpoint, path } of await endpointsOf(countersign)) {
    const documented = byDefault[path.replace(/:(\w+)/g, '{$1}')]?.[endpoint.method.toLowerCase()];
    t.equal(documented?.operationId, endpoint.name, `${endpoint.method} ${path}`);
  }

  const silent = await pathsWith(false);
  t.notOk(silent['/api/v1/auth/mfa/verify']?.post?.requestBody, 'switched off, nothing is said of their input');
  t.notOk(silent['/api/v1/auth/mfa/verify']?.post?.operationId);
  t.strictSame(
    codesOf(await host.events()).filter((code) => code.startsWith('MFA_')),
    [],
  );
  await host.close();
});

async function endpointsOf(countersign: Awaited<ReturnType<typeof startHost>>['countersign']) {
  const { Web } = await import('@countersign/web');
  return new Web(countersign).endpoints;
}
