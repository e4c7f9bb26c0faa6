import { CountersignError } from '@countersign/core';
import { z } from 'zod';
import { headerOf } from '../http/web-request.ts';
import type { Endpoint, EndpointCall } from './endpoint.ts';

/** Style and script of our pages: the same for everybody, and named by their content, so kept for a year. */
export const assets: Endpoint = Object.freeze({
  name: 'assets',
  summary: 'Style and script of the pages',
  method: 'GET',
  face: 'page',
  path: '/assets/:file',
  access: 'public',
  input: { params: z.object({ file: z.string() }), query: z.unknown(), body: z.unknown() },
  async answer({ web, request }: EndpointCall) {
    const { params, headers } = request;
    const name: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, 'file') : null;
    const file = typeof name === 'string' ? web.assets.files.get(name) : undefined;
    if (file === undefined) throw new CountersignError('not_found');
    const kept = {
      etag: file.etag,
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
    };
    if (headerOf(headers, 'if-none-match') === file.etag) return { status: 304, headers: kept, body: '' };
    return { status: 200, headers: { ...kept, 'content-type': file.contentType }, body: file.body };
  },
});
