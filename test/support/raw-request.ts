import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import type { Client } from './client.ts';

export interface RawRequest {
  readonly method?: string;
  /** The request target as it goes over the wire: not one character is normalised. */
  readonly target: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** What `fetch` would tidy up before sending it: dot segments, doubled slashes, absolute targets, repeated headers. */
export function rawRequest(client: Client, { method = 'GET', target, headers, body }: RawRequest): Promise<RawAnswer> {
  const { hostname, port } = new URL(client.baseUrl);
  const cookie = client.jar.header();
  return new Promise((resolve, reject) => {
    const sent = request({
      hostname,
      port,
      method,
      path: target,
      headers: { ...(cookie === '' ? {} : { cookie }), ...headers },
      agent: false,
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => {
        client.jar.take(response.headers['set-cookie'] ?? []);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    sent.end(body);
  });
}
