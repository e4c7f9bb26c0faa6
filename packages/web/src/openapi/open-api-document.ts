import { readFileSync } from 'node:fs';
import { storedSettingsSchema } from '@countersign/core';
import { z } from 'zod';
import type { Endpoint } from '../endpoints/endpoint.ts';
import type { Web } from '../web.ts';
import { ComponentSchemas, inlineSchema, type JsonSchema } from './component-schemas.ts';
import { errorCodeSchema, problemSchema } from './problem-schema.ts';
import { isNothing, type OpenApiResponse, responsesOf } from './responses.ts';

/** An operation as far as we write it. */
export interface OpenApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security?: readonly [];
  readonly parameters?: readonly JsonSchema[];
  readonly requestBody?: JsonSchema;
  readonly responses: Readonly<Record<string, OpenApiResponse>>;
}

export interface OpenApiDocument {
  readonly openapi: '3.1.1';
  readonly info: Readonly<Record<string, unknown>>;
  readonly servers: readonly { readonly url: string }[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  /** By path, then by method in lower case. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, JsonSchema>>>>;
}

/** By the beginning of the path, the longer one first. */
const areas = [
  { path: '/auth/mfa/verify', name: 'Step-up', description: 'Open challenges, and their answers' },
  { path: '/auth/mfa/challenges', name: 'Step-up', description: '' },
  { path: '/auth/mfa', name: 'Factors', description: 'One’s own factors' },
  { path: '/auth/session', name: 'Session', description: 'Who is signed in, and what is proven' },
  { path: '/admin/users', name: 'Users', description: 'For administrators: the factors of others' },
  { path: '/admin/settings', name: 'Settings', description: 'For administrators: what a workspace asks' },
  { path: '/admin/audit', name: 'Audit log', description: 'For administrators: what happened, and who saw what' },
  { path: '/', name: 'Interface', description: 'This document' },
] as const;

/**
 * The JSON interface as an OpenAPI 3.1 document, from the same table that the adapters register. The same for the same release
 * and options: nothing of a request or of the clock is in it, and nothing secret.
 */
export function openApiDocument(web: Pick<Web, 'endpoints' | 'apiUrl' | 'cookie'>): OpenApiDocument {
  const requests = new ComponentSchemas('input');
  const replies = new ComponentSchemas('output');
  requests.add(storedSettingsSchema, 'SettingsInput');
  replies.add(storedSettingsSchema, 'Settings');
  replies.add(errorCodeSchema, 'ErrorCode');
  const problem = replies.add(problemSchema, 'Problem');

  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const { endpoint } of web.endpoints) {
    if (endpoint.face !== 'api') continue;
    const path = endpoint.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = {
      ...paths[path],
      [endpoint.method.toLowerCase()]: operationOf(endpoint, requests, replies, problem),
    };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Countersign',
      summary: 'Step-up authentication before sensitive records',
      description:
        'Requests that change something carry `Content-Type: application/json`. ' +
        'Where they are refused, the reply is a problem document (RFC 9457); go by its `code`.',
      version: ownVersion(),
      license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: web.apiUrl }],
    security: [{ hostSession: [], bindingCookie: [] }, { hostSession: [] }, { bearer: [] }],
    tags: areas.filter(({ description }) => description !== '').map(({ name, description }) => ({ name, description })),
    paths,
    components: {
      securitySchemes: securitySchemes(web.cookie.name),
      headers: {
        RetryAfter: { description: 'Seconds to wait', schema: { type: 'integer' } },
        WwwAuthenticate: { description: 'What would be enough (RFC 9470 §3)', schema: { type: 'string' } },
      },
      schemas: { ...requests.written(), ...replies.written() },
    },
  };
}

function operationOf(
  endpoint: Endpoint,
  requests: ComponentSchemas,
  replies: ComponentSchemas,
  problem: JsonSchema,
): OpenApiOperation {
  const { name, summary, path, access, input, output } = endpoint;
  const Name = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  const parameters = [...parametersOf('path', input.params), ...parametersOf('query', input.query)];
  const content = isNothing(input.body) ? null : jsonContent(requests.add(input.body, `${Name}Request`));
  return {
    operationId: name,
    summary,
    tags: areas
      .filter((area) => path.startsWith(area.path))
      .map((area) => area.name)
      .slice(0, 1),
    ...(access === 'public' ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(content === null ? {} : { requestBody: { required: true, content } }),
    responses: responsesOf(endpoint, output === undefined ? {} : replies.add(output, `${Name}Reply`), problem),
  };
}

const jsonContent = (schema: JsonSchema) => ({ 'application/json': { schema } });

function parametersOf(place: 'path' | 'query', schema: z.ZodType): JsonSchema[] {
  if (isNothing(schema)) return [];
  const { properties, required } = objectSchema.parse(inlineSchema(schema));
  return Object.entries(properties).map(([name, own]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: own,
  }));
}

const objectSchema = z.object({
  properties: z.record(z.string(), z.record(z.string(), z.unknown())),
  required: z.array(z.string()).default([]),
});

const securitySchemes = (bindingCookie: string): Record<string, JsonSchema> => ({
  hostSession: {
    type: 'apiKey',
    in: 'cookie',
    name: 'session',
    description: 'The session cookie of the server that Countersign is part of, under the name that it has there.',
  },
  bindingCookie: {
    type: 'apiKey',
    in: 'cookie',
    name: bindingCookie,
    description: 'Set with each confirmation. Without it, proofs that this session has earned do not count.',
  },
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'An access token, where the server takes them.',
  },
});

function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return z.object({ version: z.string() }).parse(manifest).version;
}
