import { CountersignError } from '@countersign/core';
import { enforceNoStore, type StepUp, type Web } from '@countersign/web';
import type { ExpressRequest, ExpressResponse } from './express-types.ts';
import { sendReply } from './send-reply.ts';

type Send = (this: unknown, ...given: unknown[]) => unknown;

/**
 * Puts the inspection into `response.json` and `response.jsonp`, which `send` of an object goes through as well. Where there is
 * something to ask about, the reply is sent once that is known; else at once.
 */
export function inspectResponses(
  web: Web,
  stepUp: StepUp<never>,
  request: ExpressRequest,
  response: ExpressResponse,
): void {
  const { inspection } = web;
  if (inspection === null) return;
  for (const name of ['json', 'jsonp'] as const) {
    const send: unknown = Reflect.get(response, name);
    if (typeof send !== 'function') continue;
    Reflect.set(response, name, (...given: unknown[]) => {
      const at = given.findIndex((one) => typeof one === 'object' && one !== null);
      const finish = ({ payload, labelled }: { readonly payload: unknown; readonly labelled: boolean }) => {
        if (labelled) enforceNoStore(response);
        (send as Send).apply(response, at === -1 ? given : given.with(at, payload));
      };
      const refuse = (error: unknown) => {
        if (response.headersSent) return;
        const known = CountersignError.is(error) ? error : new CountersignError('internal', { cause: error });
        return web.thrownReply(stepUp, known).then((reply) => sendReply(response, reply));
      };
      try {
        const inspected = inspection.inspect(stepUp, request as never, given[at]);
        if (!(inspected instanceof Promise)) finish(inspected);
        else
          inspected
            .then((made) => (response.headersSent ? undefined : finish(made)))
            .catch(refuse)
            .catch(() => response.destroy());
      } catch (error) {
        refuse(error)?.catch(() => response.destroy());
      }
      return response;
    });
  }
}
