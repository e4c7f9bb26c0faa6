import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import { CountersignError } from '@countersign/core';
import { enforceNoStore, Guard, type GuardOptions } from '@countersign/web';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendReply } from './send-reply.ts';

/** A request as far as guards name it: of every server (HTTP/2), schema, type provider and logger. */
type AnyRequest = Pick<FastifyRequest, 'stepUp'>;
interface AnyReply {
  readonly raw: ServerResponse | Http2ServerResponse;
}

/** A guard, to be given to a route as `preHandler`. */
export interface StepUpGuard<V> {
  (request: AnyRequest, reply: AnyReply, done: (error?: Error) => void): void;
  /** The very object that the guard loaded and judged, for the handler behind it. */
  resource(request: AnyRequest): V;
}

const definitions = new WeakMap<object, Guard<FastifyRequest, unknown>>();

/** The definition behind a guard; undefined for any other hook. */
export const guardOf = (hook: unknown): Guard<FastifyRequest, unknown> | undefined =>
  typeof hook === 'function' ? definitions.get(hook) : undefined;

/**
 * Guards a route: `app.get('/appointments/:id', { preHandler: requireStepUp(['5', '8'], { resource }) }, handler)`.
 * `categories` are ids that the configuration declares (checked when the route is registered), or `'*'` for all that the
 * workspace has marked sensitive. Annotate the request of `resource` where the route has types of its own.
 */
export function requireStepUp<V = undefined, Request extends AnyRequest = FastifyRequest>(
  categories: readonly string[] | '*',
  options: GuardOptions<Request, V> = {},
): StepUpGuard<V> {
  // The route's own request type says more than Fastify's, and is the same object.
  const definition = new Guard<FastifyRequest, V>(categories, options as unknown as GuardOptions<FastifyRequest, V>);
  const declaredIn = new WeakSet<object>();
  const judge = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    enforceNoStore(reply.raw);
    const web = request.server.countersignWeb;
    if (web === undefined) {
      done(
        new CountersignError('guard_not_registered', {
          cure: 'Register countersignFastify before the routes it guards.',
        }),
      );
      return;
    }
    // As a hook of a whole scope, or on a route that was there before the plugin, it was not checked at start-up.
    if (!declaredIn.has(web)) {
      try {
        definition.assertDeclared(web);
      } catch (error) {
        done(error as Error);
        return;
      }
      declaredIn.add(web);
    }
    const settle = (outcome: Awaited<ReturnType<typeof definition.run>>): void => {
      if (outcome.kind === 'pass') done();
      else if (outcome.kind === 'not-found') reply.callNotFound();
      else sendReply(reply, outcome.reply);
    };
    const outcome = definition.run(web, request, request.stepUp);
    if (outcome instanceof Promise) outcome.then(settle).catch(done);
    else settle(outcome);
  };
  const guard: StepUpGuard<V> = Object.assign(judge as StepUpGuard<V>, {
    resource: (request: AnyRequest): V => request.stepUp.resourceOf(definition) as V,
  });
  definitions.set(guard, definition as Guard<FastifyRequest, unknown>);
  return guard;
}
