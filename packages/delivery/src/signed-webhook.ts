import { createHmac, randomUUID } from 'node:crypto';
import { refusal } from './endpoint-url.ts';

/** Least length of a key, in bytes. */
const LEAST_KEY = 24;

/** The key of a webhook: `whsec_` and base64, as Standard Webhooks write it, or base64 alone. */
export function webhookKey(secret: unknown, where: string): Buffer {
  const encoded = typeof secret === 'string' ? secret.replace(/^whsec_/, '') : '';
  const key = /^[A-Za-z0-9+/]+={0,2}$/.test(encoded) ? Buffer.from(encoded, 'base64') : Buffer.alloc(0);
  if (key.length >= LEAST_KEY) return key;
  throw refusal(where, 'is no key of at least 24 bytes, in base64', 'Make one: openssl rand -base64 32');
}

/**
 * The headers by which a receiver knows a message as ours (Standard Webhooks 1.0.0): `webhook-signature` is `v1,` and the base64 of
 * HMAC-SHA-256 over `{webhook-id}.{webhook-timestamp}.{body}`. A receiver compares it in constant time, refuses timestamps (seconds
 * since 1970) more than five minutes off, and takes each id once.
 */
export function signedHeaders(key: Buffer, body: string, now: number, id: string = randomUUID()) {
  const timestamp = String(Math.floor(now / 1000));
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  } as const;
}
