import { pipeline } from 'node:stream';
import { replyContent, type WebReply } from '@countersign/web';
import type { ExpressResponse } from './express-types.ts';

/** Sends one of our replies. Cookies are added to those that the host set. */
export function sendReply(response: ExpressResponse, made: WebReply): void {
  if (response.headersSent) {
    // A handler has begun to answer and then called `enforce`: what was sent cannot be taken back, only ended.
    response.destroy();
    return;
  }
  response.statusCode = made.status;
  for (const [name, value] of Object.entries(made.headers)) response.setHeader(name, value);
  for (const cookie of made.cookies ?? []) response.appendHeader('set-cookie', cookie);
  const content = replyContent(made);
  if (typeof content === 'string' || Buffer.isBuffer(content)) {
    response.end(content);
    return;
  }
  // What cannot be finished is cut off, so that nobody takes it for whole; a caller who goes away ends the making.
  pipeline(content, response, () => {});
}
