import { type Countersign, CountersignError } from '@countersign/core';
import {
  type Endpoint,
  enforceNoStore,
  Guard,
  type GuardOptions,
  type HostPort,
  type IdentifiedPrincipal,
  type StatelessSession,
  StepUp,
  Web,
  type WebOptions,
  type WebRequest,
} from '@countersign/web';
import bodyParser from 'body-parser';
import Router from 'router';
import type {
  AnyExpressRequest,
  ExpressErrorHandler,
  ExpressHandler,
  ExpressRequest,
  ExpressResponse,
  Next,
} from './express-types.ts';
import { guardDefinitions, ourRouters } from './guard-definitions.ts';
import { inspectResponses } from './inspect-responses.ts';
import { rotateSession } from './rotate-session.ts';
import { sendReply } from './send-reply.ts';

declare global {
  namespace Express {
    interface Request {
      /** Countersign in this request. Present behind the router and behind guards. */
      stepUp: StepUp<never>;
    }
  }
}

/** Options of the adapter. `Req` is the host's own request type; annotate `identify`'s parameter with it. */
export interface CountersignExpressOptions<Req extends ExpressRequest> extends WebOptions {
  readonly countersign: Countersign;
  /** Who is signed in, from the host's own session or token; null where nobody is. */
  readonly identify: (request: Req) => IdentifiedPrincipal | null | Promise<IdentifiedPrincipal | null>;
  /** For sessions without an id: read and write access to one field. */
  readonly statelessSession?: (request: Req) => StatelessSession;
  /** Gives the host's session (express-session) a new id at each success, its data kept. Default false. */
  readonly rotateHostSession?: boolean;
  /** The host's own reply to what does not exist. Default: ours, a 404 page or problem document. */
  readonly notFound?: (request: Req, response: ExpressResponse) => void;
}

/** A guard, to stand before a route's handler, behind the body parser. */
export interface StepUpMiddleware<V> {
  (request: AnyExpressRequest, response: ExpressResponse, next: Next): void;
  /** The very object that the guard loaded and judged, for the handler behind it. */
  resource(request: AnyExpressRequest): V;
}

/** What an Express application takes from {@link countersignExpress}. */
export interface CountersignExpress<Req extends ExpressRequest> {
  /** Our routes, and `request.stepUp` for everything behind it. */
  readonly router: ExpressHandler;
  /**
   * Guards a route. Throws `category_unknown` at once where a category is not declared. Annotate the request of `resource` where
   * the route has types of its own.
   */
  requireStepUp<V = undefined, R extends ExpressRequest = Req>(
    categories: readonly string[] | '*',
    options?: GuardOptions<R, V>,
  ): StepUpMiddleware<V>;
  /** Turns what `enforce` throws into our reply. Goes before the host's own error handler; passes everything else on. */
  readonly errors: ExpressErrorHandler;
  /**
   * Wraps an async handler: what `enforce` throws in it is answered at once, whatever error handlers stand before `errors`, and
   * everything else it throws reaches the host's error handlers, on Express 4 too.
   */
  guarded<R extends ExpressRequest, S extends ExpressResponse>(
    handler: (request: R, response: S, next: Next) => unknown,
  ): (request: R, response: S, next: Next) => void;
}

/** Countersign for Express 4 and 5. */
export function countersignExpress<Req extends ExpressRequest = ExpressRequest>(
  options: CountersignExpressOptions<Req>,
): CountersignExpress<Req> {
  const { countersign, identify, statelessSession, rotateHostSession, notFound, ...webOptions } = options;
  if (typeof identify !== 'function' || typeof countersign !== 'object') {
    throw new CountersignError('configuration_invalid', {
      field: typeof identify === 'function' ? 'countersign' : 'identify',
      detail: 'countersignExpress needs countersign (from createCountersign) and identify (a function of the request).',
    });
  }
  const web = new Web(countersign, webOptions);
  const port: HostPort<Req> = {
    facts,
    identify,
    ...(statelessSession === undefined ? {} : { statelessSession }),
    ...(rotateHostSession === true ? { rotateHostSession: rotateSession } : {}),
  };
  const held = Symbol('countersign step-up');

  /** The one `StepUp` of a request, whoever asks first. */
  const stepUpOf = (request: ExpressRequest & { [held]?: StepUp<Req> }): StepUp<Req> => {
    let stepUp = request[held];
    if (stepUp === undefined) {
      stepUp = new StepUp(web, request as Req, port);
      request[held] = stepUp;
      request.stepUp = stepUp as unknown as StepUp<never>;
    }
    return stepUp;
  };

  const refuse = (request: ExpressRequest, response: ExpressResponse, next: Next): void => {
    if (notFound !== undefined) notFound(request as Req, response);
    else
      web
        .errorReply(stepUpOf(request).request, new CountersignError('not_found'))
        .then((made) => sendReply(response, made))
        .catch(next);
  };

  const errors: ExpressErrorHandler = (error, request, response, next) => {
    if (!CountersignError.is(error)) {
      next(error);
      return;
    }
    web
      .thrownReply(stepUpOf(request), error)
      .then((made) => sendReply(response, made))
      .catch(next);
  };

  return Object.freeze({
    router: makeRouter(web, stepUpOf),
    requireStepUp<V, R extends ExpressRequest>(
      categories: readonly string[] | '*',
      guardOptions: GuardOptions<R, V> = {},
    ): StepUpMiddleware<V> {
      // The route's own request type says more than the host's, and is the same object.
      const definition = new Guard<Req, V>(categories, guardOptions as unknown as GuardOptions<Req, V>);
      definition.assertDeclared(web);
      const guard = (request: AnyExpressRequest, response: ExpressResponse, next: Next): void => {
        enforceNoStore(response);
        const settle = (outcome: Awaited<ReturnType<typeof definition.run>>): void => {
          if (outcome.kind === 'pass') next();
          else if (outcome.kind === 'not-found') refuse(request, response, next);
          else sendReply(response, outcome.reply);
        };
        const outcome = definition.run(web, request as Req, stepUpOf(request));
        if (outcome instanceof Promise) outcome.then(settle).catch(next);
        else settle(outcome);
      };
      guardDefinitions.set(guard, definition as unknown as Guard<never, unknown>);
      return Object.assign(guard, {
        resource: (request: AnyExpressRequest): V => stepUpOf(request).resourceOf(definition) as V,
      });
    },
    errors,
    guarded<R extends ExpressRequest, S extends ExpressResponse>(
      handler: (request: R, response: S, next: Next) => unknown,
    ) {
      return (request: R, response: S, next: Next): void => {
        const failed = (error: unknown) => errors(error, request, response, next);
        try {
          const returned = handler(request, response, next);
          if (returned instanceof Promise) returned.catch(failed);
        } catch (error) {
          failed(error);
        }
      };
    },
  });
}

function facts(request: ExpressRequest): WebRequest {
  return {
    method: request.method ?? 'GET',
    url: request.originalUrl,
    headers: request.headers,
    params: request.params,
    query: request.query,
    body: bodyOf(request),
    ip: request.ip ?? null,
    requestId: idOf(request),
    route: routeOf(request),
    native: request,
  };
}

/** body-parser 1 (Express 4) leaves an empty object behind for content that it did not read, and a later parser may still read it. */
function bodyOf({ body, readableDidRead }: ExpressRequest): unknown {
  const left = !readableDidRead && typeof body === 'object' && body !== null && Object.keys(body).length === 0;
  return left ? undefined : body;
}

/** pino-http and express-request-id put it there. */
function idOf(request: object): string | null {
  const id: unknown = Reflect.get(request, 'id');
  return typeof id === 'string' ? id : typeof id === 'number' ? String(id) : null;
}

function routeOf(request: ExpressRequest): string | null {
  const { route } = request;
  const path: unknown = typeof route === 'object' && route !== null ? Reflect.get(route, 'path') : null;
  return typeof path === 'string' ? `${request.baseUrl}${path}` : null;
}

const FORM_LIMIT = 65_536;

const lowerCase = { GET: 'get', POST: 'post', PUT: 'put', PATCH: 'patch', DELETE: 'delete' } as const;

function makeRouter(
  web: Web,
  stepUpOf: (request: ExpressRequest) => StepUp<never> | StepUp<ExpressRequest>,
): ExpressHandler {
  // Express 5's own router, used under both versions: matching is the same, and the host's settings do not change it.
  const router = Router({ caseSensitive: true, strict: true });
  for (const { endpoint, path } of web.endpoints) {
    const answer = (request: ExpressRequest, response: ExpressResponse, next: Next): void => {
      web
        .dispatch(endpoint, stepUpOf(request) as StepUp<unknown>)
        .then((made) => sendReply(response, made))
        .catch(next);
    };
    const limit = endpoint.bodyLimit ?? FORM_LIMIT;
    // Bounded by its bytes alone: the settings of a long catalogue have more than the usual thousand fields.
    const form = bodyParser.urlencoded({ extended: false, limit, parameterLimit: 10_000 });
    const json = bodyParser.json({ limit });
    const method = lowerCase[endpoint.method];
    if (method === 'get') router.get(path, answer);
    else router[method](path, form, json, answer, unreadable(web, endpoint, stepUpOf));
  }
  // Every request of the host comes by here: those that no route of ours can match are not tried against each of them. A URL
  // with scheme and host in front (RFC 9112 §3.2.2) is left to the router.
  const { pagesPath, apiPath } = web.options;
  const mayBeOurs = (url: string): boolean =>
    url.startsWith(pagesPath) || url.startsWith(apiPath) || !url.startsWith('/');
  const ours: ExpressHandler = (request, response, next) => {
    const stepUp = stepUpOf(request);
    if (web.inspection !== null) inspectResponses(web, stepUp as StepUp<never>, request, response);
    if (mayBeOurs(request.url ?? '')) router(request, response, next);
    else next();
  };
  ourRouters.set(ours, web);
  return ours;
}

/** A body that our parsers refuse is the caller's slip, and is said in our own words. */
function unreadable(
  web: Web,
  _endpoint: Endpoint,
  stepUpOf: (request: ExpressRequest) => { readonly request: WebRequest },
): ExpressErrorHandler {
  return (error, request, response, next) => {
    if (CountersignError.is(error)) {
      next(error);
      return;
    }
    const known = new CountersignError('input_invalid', { field: 'body', detail: 'The content could not be read.' });
    web
      .errorReply(stepUpOf(request).request, known)
      .then((made) => sendReply(response, made))
      .catch(next);
  };
}
