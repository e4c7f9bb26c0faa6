/**
 * The OpenAPI document as a server hands it out: it keeps to the specification, misses no endpoint, and the types that
 * `openapi-typescript` makes of it are those that are checked in. After a change that is meant: `npm run openapi:client`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { Web } from '@countersign/web';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import openapiTS, { astToString } from 'openapi-typescript';
import t from 'tap';
import { startHost } from '../support/hosts.ts';

const typesUrl = new URL('../scenarios/openapi-client/countersign-api.generated.ts', import.meta.url);

t.test('the OpenAPI document', async (t) => {
  // Of no machine: what a check of servers says about localhost is of no use here.
  const publicUrl = 'https://ehr.example.org/clinic';
  const host = await startHost('fastify', { publicUrl, web: { openApi: true } });
  const reply = await host.client().get('/api/v1/openapi.json');
  t.equal(reply.status, 200);
  const document = JSON.parse(reply.text);
  await host.close();

  await t.test('keeps to the specification and to the recommended rules, without exception', async (t) => {
    const config = await createConfig({ extends: ['recommended'] });
    const problems = await lintFromString({ source: reply.text, absoluteRef: '/openapi.json', config });
    t.strictSame(
      problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} (${location[0]?.pointer})`),
      [],
    );
  });

  await t.test('has every endpoint of the JSON interface, each with its success and its refusals', async (t) => {
    const api = new Web(host.countersign).endpoints.flatMap(({ endpoint }) =>
      endpoint.face === 'api' ? [endpoint] : [],
    );
    const written = new Map(
      Object.values<Record<string, { operationId: string; responses: object }>>(document.paths)
        .flatMap((item) => Object.values(item))
        .map(({ operationId, responses }) => [operationId, Object.keys(responses)]),
    );
    t.strictSame([...written.keys()].sort(), api.map(({ name }) => name).sort());
    const unsaid = api.flatMap(({ name, output, produces, errors, access }) => {
      const statuses = written.get(name) ?? [];
      const refusals = access === 'principal' ? ['401', '500', '503'] : ['500'];
      return [
        ...(output === undefined && produces === undefined ? [`${name}: what it answers with`] : []),
        ...(errors === undefined ? [`${name}: what it can be refused with`] : []),
        ...(statuses.some((status) => status.startsWith('2')) ? [] : [`${name}: its success`]),
        ...refusals.filter((status) => !statuses.includes(status)).map((status) => `${name}: ${status}`),
      ];
    });
    t.strictSame(unsaid, []);
  });

  await t.test('says where the interface is, and tells of the release and nothing of the installation', async (t) => {
    const manifest = JSON.parse(readFileSync(new URL('../../packages/web/package.json', import.meta.url), 'utf8'));
    t.equal(document.info.version, manifest.version);
    t.strictSame(document.servers, [{ url: `${publicUrl}/api/v1` }]);
    t.equal(document.components.securitySchemes.bindingCookie.name, '__Host-countersign');
    t.notMatch(reply.text, 'Ketamine', 'categories are the workspace’s own business');
    t.same(new Web(host.countersign, { openApi: true }).openApi, document, 'another process writes the same');
  });

  await t.test('the typed client is made from it', async (t) => {
    const types = `// Made by \`npm run openapi:client\` from the OpenAPI document.\n${astToString(await openapiTS(document))}`;
    if (process.env.COUNTERSIGN_UPDATE_OPENAPI_CLIENT === '1') writeFileSync(typesUrl, types);
    t.equal(readFileSync(typesUrl, 'utf8'), types, 'the types are those of the document');
  });
});
