import { Readable } from 'node:stream';
import type { WebReply } from './web-reply.ts';

/**
 * A reply's body as frameworks take it. Of pieces no more is made than the caller takes, but for what fits a buffer of 64 KB;
 * destroying the stream ends the making.
 */
export function replyContent({ body }: Pick<WebReply, 'body'>): string | Buffer | Readable {
  if (typeof body === 'string') return body;
  return body instanceof Uint8Array ? Buffer.from(body) : Readable.from(body, { objectMode: false });
}
