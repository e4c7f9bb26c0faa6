import { CountersignError } from '@countersign/core';
import { z } from 'zod';
import { jsonReply } from '../http/web-reply.ts';
import type { Endpoint, EndpointCall } from './endpoint.ts';

/** For whoever asks, since it tells what the documentation tells; `not_found` unless the host has switched it on. */
export const openApi: Endpoint = Object.freeze({
  name: 'openApi',
  summary: 'This interface as an OpenAPI 3.1 document',
  method: 'GET',
  face: 'api',
  path: '/openapi.json',
  access: 'public',
  input: { params: z.unknown(), query: z.unknown(), body: z.unknown() },
  output: z.looseObject({ openapi: z.string() }),
  errors: ['not_found'] as const,
  async answer({ web }: EndpointCall) {
    if (!web.options.openApi) throw new CountersignError('not_found');
    return jsonReply(200, web.openApi);
  },
});
