import { type ErrorCode, errorCodes } from '@countersign/core';
import { z } from 'zod';
import type { Endpoint } from '../endpoints/endpoint.ts';
import { isSafeMethod } from '../http/web-request.ts';
import type { JsonSchema } from './component-schemas.ts';

/** A response object of OpenAPI, as far as we write them. */
export interface OpenApiResponse {
  readonly description: string;
  readonly headers?: Readonly<Record<string, JsonSchema>>;
  readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>>;
}

/** What every endpoint for those who are signed in can answer with. */
const everywhere = [
  'sign_in_required',
  'session_ended',
  'session_locked',
  'principal_invalid',
  'identity_unavailable',
  'settings_unknown',
  'session_state_unavailable',
  'store_unavailable',
  'store_wait_exceeded',
  'store_refused',
  'store_closed',
  'audit_backlog',
  'key_unknown',
] as const satisfies readonly ErrorCode[];

export const isNothing = (schema: z.ZodType): boolean => schema instanceof z.ZodUnknown;

/** Every code that an endpoint can answer with, in the order of the table of codes. */
export function codesOf(endpoint: Endpoint): readonly ErrorCode[] {
  const { params, query, body } = endpoint.input;
  const safe = isSafeMethod(endpoint.method);
  const codes = new Set<ErrorCode>(['internal', ...(endpoint.errors ?? [])]);
  if (endpoint.access === 'principal') for (const code of everywhere) codes.add(code);
  if (endpoint.access === 'principal' && !safe) codes.add('cross_site_refused');
  // Content that cannot be read is refused before anybody looks whether it was asked for.
  if (!safe || ![params, query, body].every(isNothing)) codes.add('input_invalid');
  return (Object.keys(errorCodes) as ErrorCode[]).filter((code) => codes.has(code));
}

/** Responses by status: the successes, then the problems, each saying which codes it can have. */
export function responsesOf(
  endpoint: Endpoint,
  output: JsonSchema,
  problem: JsonSchema,
): Readonly<Record<string, OpenApiResponse>> {
  const successes = Object.entries(endpoint.successes ?? { 200: 'Done' });
  const failures = new Map<number, ErrorCode[]>();
  for (const code of codesOf(endpoint)) {
    const { status } = errorCodes[code];
    failures.set(status, [...(failures.get(status) ?? []), code]);
  }
  return Object.fromEntries([
    ...successes.map(([status, description]) => [status, { description, content: contentOf(endpoint, output) }]),
    ...[...failures].map(([status, codes]) => [
      String(status),
      {
        description: codes.map((code) => `- \`${code}\`: ${errorCodes[code].message}`).join('\n'),
        ...headersOf(status),
        content: { 'application/problem+json': { schema: problem } },
      },
    ]),
  ]);
}

function contentOf({ produces }: Endpoint, output: JsonSchema): OpenApiResponse['content'] {
  if (produces === undefined) return { 'application/json': { schema: output } };
  return Object.fromEntries(produces.map((mediaType) => [mediaType, { schema: { type: 'string' } }]));
}

function headersOf(status: number): Pick<OpenApiResponse, 'headers'> {
  if (status === 401) return { headers: { 'WWW-Authenticate': { $ref: '#/components/headers/WwwAuthenticate' } } };
  if (status === 429 || status === 503)
    return { headers: { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } } };
  return {};
}
