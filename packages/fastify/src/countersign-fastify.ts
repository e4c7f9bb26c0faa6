import { type Countersign, CountersignError } from '@countersign/core';
import {
  type CoverageOptions,
  type CoverageRow,
  type Endpoint,
  type HostPort,
  type IdentifiedPrincipal,
  type StatelessSession,
  StepUp,
  Web,
  type WebOptions,
  type WebRequest,
} from '@countersign/web';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { z } from 'zod';
import { hooksOf, RouteRecord } from './coverage.ts';
import { inspectResponses } from './inspect-responses.ts';
import { guardOf } from './require-step-up.ts';
import { rotateSession } from './rotate-session.ts';
import { sendReply } from './send-reply.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Undefined where the plugin is not registered: guards then refuse. */
    readonly countersignWeb: Web | undefined;
    /** Every route, with its guard or the lack of one: see `coverage`. */
    countersignCoverage(options?: CoverageOptions): readonly CoverageRow[];
  }
  interface FastifyRequest {
    /** Countersign in this request. */
    readonly stepUp: StepUp<FastifyRequest>;
  }
  interface FastifyContextConfig {
    /** Marks routes of ours: `page` or `api`. For hosts that exempt them from a CSRF check of their own. */
    countersign?: 'page' | 'api';
  }
}

/** Options of the plugin. */
export interface CountersignFastifyOptions extends WebOptions {
  readonly countersign: Countersign;
  /** Who is signed in, from the host's own session or token; null where nobody is. */
  readonly identify: (request: FastifyRequest) => IdentifiedPrincipal | null | Promise<IdentifiedPrincipal | null>;
  /** For sessions without an id (@fastify/secure-session): `(request) => request.session`. */
  readonly statelessSession?: (request: FastifyRequest) => StatelessSession;
  /** Gives the host's session (@fastify/session) a new id at each success, its data kept. Default false. */
  readonly rotateHostSession?: boolean;
  /** How our routes describe their input to a documentation plugin: JSON Schema (default), the Zod schemas, or not at all. */
  readonly openapi?: 'json' | 'zod' | false;
}

async function plugin(app: FastifyInstance, options: CountersignFastifyOptions): Promise<void> {
  const { countersign, identify, statelessSession, rotateHostSession, openapi, ...webOptions } = options;
  assertOptions(options);
  // Fastify puts the prefix of the registration into what it hands to plugins; one that is not encapsulated applies it itself.
  const { prefix = '', ...rest } = webOptions as WebOptions & { prefix?: string };
  const mountPath = rest.mountPath ?? mountOf(countersign, `${app.prefix}${prefix}`);
  const web = new Web(countersign, { ...rest, ...(mountPath === undefined ? {} : { mountPath }) });
  const port: HostPort<FastifyRequest> = {
    facts,
    identify,
    ...(statelessSession === undefined ? {} : { statelessSession }),
    ...(rotateHostSession === true ? { rotateHostSession: rotateSession } : {}),
  };

  app.decorate('countersignWeb', web);
  const routes = new RouteRecord();
  app.decorate('countersignCoverage', function (this: FastifyInstance, options: CoverageOptions = {}) {
    return routes.rows(this, options);
  });
  app.addHook('onReady', async () => routes.complete());
  const held = Symbol('countersign step-up');
  app.decorateRequest('stepUp', {
    getter(this: FastifyRequest & { [held]?: StepUp<FastifyRequest> }) {
      this[held] ??= new StepUp(web, this, port);
      return this[held];
    },
  });
  app.addHook('onRoute', function (route) {
    for (const hook of hooksOf(route)) guardOf(hook)?.assertDeclared(web);
    answerStepUp(route, web);
    routes.see(route, this);
    if (!routes.isOurs(route)) inspectResponses(route, web);
  });
  await app.register(async (child) => registerEndpoints(child, web, openapi ?? 'json', routes), { prefix });
}

/** The plugin: our routes, `request.stepUp`, and replies to `enforce`. Register it before the routes it guards. */
export const countersignFastify = fastifyPlugin(plugin, { name: '@countersign/fastify', fastify: '5.x' });

/** The prefix that our routes lie under, which the public address must end with, or our links would lead past them. */
function mountOf(countersign: Countersign, prefix: string): string | undefined {
  const path = prefix.replace(/\/+$/, '');
  if (path === '') return undefined;
  const { pathname } = countersign.configuration.publicUrl;
  if (pathname.endsWith(path)) return path;
  throw new CountersignError('configuration_invalid', {
    field: 'publicUrl',
    detail: `countersignFastify is registered under the prefix ${path}, and the path of publicUrl is ${pathname}.`,
    cure: `Let publicUrl end with ${path}, or give mountPath where a proxy renames the path.`,
  });
}

function facts(request: FastifyRequest): WebRequest {
  return {
    method: request.method,
    url: request.originalUrl,
    headers: request.headers,
    params: request.params,
    query: request.query,
    body: request.body,
    ip: request.ip,
    requestId: request.id,
    route: request.routeOptions.url ?? null,
    native: request,
  };
}

/**
 * What `enforce` throws in a handler becomes our reply on every route, whatever error handler the host has set: a route's own
 * error handler comes first. All other errors go the way they would have gone; not async, so that a handler which returns nothing
 * and replies later still may.
 */
function answerStepUp(route: RouteOptions, web: Web): void {
  const original = route.errorHandler;
  route.errorHandler = function (
    this: FastifyInstance,
    error: FastifyError,
    request: FastifyRequest,
    reply: FastifyReply,
  ) {
    if (CountersignError.is(error)) {
      return web.thrownReply(request.stepUp, error).then((made) => sendReply(reply, made));
    }
    if (original === undefined) throw error;
    return original.call(this, error, request, reply);
  };
}

/** Our routes, in a child of their own: its parsers, validator and serializer are not the host's. */
function registerEndpoints(
  child: FastifyInstance,
  web: Web,
  openapi: 'json' | 'zod' | false,
  routes: RouteRecord,
): void {
  child.removeContentTypeParser('application/x-www-form-urlencoded');
  child.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 65_536 },
    (_request, body, done) => {
      done(null, formFields(String(body)));
    },
  );
  // Programs name JSON also where they send nothing (DELETE).
  const json = child.getDefaultJsonParser('error', 'error');
  child.removeContentTypeParser('application/json');
  child.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit: 65_536 }, (request, body, done) => {
    if (body === '') done(null, {});
    else json(request, String(body), done);
  });
  // The endpoint validates; what stands in the schema is for documents.
  child.setValidatorCompiler(() => (value) => ({ value }));
  child.setSerializerCompiler(() => (value) => (typeof value === 'string' ? value : JSON.stringify(value)));
  for (const { endpoint, path } of web.endpoints) {
    child.route({
      method: endpoint.method,
      url: path,
      config: { countersign: endpoint.face },
      bodyLimit: endpoint.bodyLimit ?? 65_536,
      ...schemaOf(endpoint, openapi),
      handler: routes.own(async (request: FastifyRequest, reply: FastifyReply) =>
        sendReply(reply, await web.dispatch(endpoint, request.stepUp)),
      ),
      errorHandler: async (error, request, reply) => {
        const unread = error.statusCode !== undefined && error.statusCode < 500;
        const known = unread
          ? new CountersignError('input_invalid', { field: 'body', detail: 'The content could not be read.' })
          : error;
        if (!unread) web.report(error);
        return sendReply(reply, await web.errorReply(request.stepUp.request, known));
      },
    });
  }
}

/** Fields in order; one that is sent twice becomes a list. */
function formFields(text: string): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  for (const [name, value] of new URLSearchParams(text)) {
    const earlier = fields[name];
    fields[name] = earlier === undefined ? value : [earlier, value].flat();
  }
  return fields;
}

function schemaOf(endpoint: Endpoint, openapi: 'json' | 'zod' | false): { schema?: object } {
  if (openapi === false) return {};
  const { params, query, body } = endpoint.input;
  const write = (schema: z.ZodType) =>
    openapi === 'zod' ? schema : z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const part = (name: string, schema: z.ZodType) => (schema instanceof z.ZodUnknown ? {} : { [name]: write(schema) });
  return {
    schema: {
      summary: endpoint.summary,
      operationId: endpoint.name,
      tags: ['countersign'],
      ...part('params', params),
      ...part('querystring', query),
      ...(endpoint.method === 'GET' ? {} : part('body', body)),
    },
  };
}

function assertOptions(options: CountersignFastifyOptions): void {
  if (typeof options.identify === 'function' && typeof options.countersign === 'object') return;
  throw new CountersignError('configuration_invalid', {
    field: typeof options.identify === 'function' ? 'countersign' : 'identify',
    detail: 'countersignFastify needs countersign (from createCountersign) and identify (a function of the request).',
  });
}
