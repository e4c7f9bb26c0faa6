import type { WebReply } from '@countersign/web';
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
  response.end(typeof made.body === 'string' ? made.body : Buffer.from(made.body));
}
