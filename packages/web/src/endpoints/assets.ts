import { CountersignError } from '@countersign/core';
import { z } from 'zod';
import { headerOf } from '../http/web-request.ts';
import type { Endpoint, EndpointCall } from './endpoint.ts';

/**
 * Style and scripts, the same for everybody. Asked for by content, as our pages do (`?v=`), they are kept for a year; without it,
 * as a host's page or one script of another does, a cache asks each time whether they are still the same.
 */
export const assets: Endpoint = Object.freeze({
  name: 'assets',
  summary: 'Style and scripts of the pages',
  method: 'GET',
  face: 'page',
  path: '/assets/:file',
  access: 'public',
  input: { params: z.object({ file: z.string() }), query: z.unknown(), body: z.unknown() },
  async answer({ web, request }: EndpointCall) {
    const { params, query, headers } = request;
    const name = memberOf(params, 'file');
    const file = typeof name === 'string' ? web.assets.files.get(name) : undefined;
    if (file === undefined) throw new CountersignError('not_found');
    const kept = {
      etag: file.etag,
      'cache-control':
        memberOf(query, 'v') === web.assets.version ? 'public, max-age=31536000, immutable' : 'public, no-cache',
      'x-content-type-options': 'nosniff',
    };
    if (headerOf(headers, 'if-none-match') === file.etag) return { status: 304, headers: kept, body: '' };
    return { status: 200, headers: { ...kept, 'content-type': file.contentType }, body: file.body };
  },
});

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : null;
