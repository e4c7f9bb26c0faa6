import type { IncomingMessage, ServerResponse } from 'node:http';
import type { StepUp } from '@countersign/web';

/** A request as far as guards name it: nothing that Express infers a route's own types from, so that they stay the route's. */
export interface AnyExpressRequest extends IncomingMessage {
  readonly originalUrl: string;
  readonly baseUrl: string;
}

/** What we use of an Express request; the requests of Express 4 and 5 both fit. */
export interface ExpressRequest extends AnyExpressRequest {
  readonly params?: unknown;
  readonly query?: unknown;
  body?: unknown;
  readonly ip?: string | undefined;
  readonly route?: unknown;
  stepUp?: StepUp<never>;
}

/** What we use of an Express response. */
export type ExpressResponse = ServerResponse;
/** Passes on to the next handler, or with an error to the error handlers. */
export type Next = (error?: unknown) => void;

/** A handler that both versions accept. */
export type ExpressHandler = (request: ExpressRequest, response: ExpressResponse, next: Next) => void;
/** An error handler that both versions accept. */
export type ExpressErrorHandler = (
  error: unknown,
  request: ExpressRequest,
  response: ExpressResponse,
  next: Next,
) => void;
