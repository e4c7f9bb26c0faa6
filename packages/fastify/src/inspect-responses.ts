import { enforceNoStore, type Web } from '@countersign/web';
import type { preSerializationAsyncHookHandler, RouteOptions } from 'fastify';

/** Puts the inspection behind a route's own hooks: what leaves is what is looked at. */
export function inspectResponses(route: RouteOptions, web: Web): void {
  const { inspection } = web;
  if (inspection === null) return;
  const inspect: preSerializationAsyncHookHandler = async (request, reply, payload) => {
    const { payload: left, labelled } = await inspection.inspect(request.stepUp, request, payload);
    if (labelled) enforceNoStore(reply.raw);
    return left;
  };
  route.preSerialization = [route.preSerialization ?? [], inspect].flat();
}
