import { replyContent, type WebReply } from '@countersign/web';
import type { FastifyReply } from 'fastify';

/** Sends one of our replies. Cookies are added to those that the host and its session plugin set. */
export function sendReply(reply: FastifyReply, made: WebReply): FastifyReply {
  void reply.code(made.status).headers(made.headers);
  for (const cookie of made.cookies ?? []) void reply.header('set-cookie', cookie);
  // Past the host's serializers: what is sent is text or bytes already.
  return reply.serializer((body: unknown) => body as string).send(replyContent(made));
}
