import { CountersignError, type ErrorCode, type SessionPrincipal } from '@countersign/core';
import { z } from 'zod';
import type { StepUp } from '../guard/step-up.ts';
import type { WebReply } from '../http/web-reply.ts';
import type { WebRequest } from '../http/web-request.ts';
import type { Web } from '../web.ts';

/** What every endpoint is given. `principal` is null on public endpoints only. */
export interface EndpointCall {
  readonly web: Web;
  readonly stepUp: StepUp;
  readonly request: WebRequest;
  readonly principal: SessionPrincipal | null;
}

/** The same, with who is signed in and the validated input. */
export interface SignedInCall<P, Q, B> extends EndpointCall {
  readonly principal: SessionPrincipal;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
}

/** One endpoint, as data: the adapters register it natively, the OpenAPI document is made from it. */
export interface Endpoint {
  /** Stable, for documents and logs. */
  readonly name: string;
  readonly summary: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `page` lies under the pages' path, `api` under the API's. */
  readonly face: 'page' | 'api';
  /** With `:name` parameters. */
  readonly path: string;
  /** Most bytes of content. Default 65,536. */
  readonly bodyLimit?: number;
  readonly access: 'public' | 'principal';
  readonly input: { readonly params: z.ZodType; readonly query: z.ZodType; readonly body: z.ZodType };
  /** The body of a success, as JSON. Pages have none. */
  readonly output?: z.ZodType;
  /** Media types of a success that is no JSON but a file. */
  readonly produces?: readonly string[];
  /** By status, what each success means. Default: 200 alone. */
  readonly successes?: Readonly<Partial<Record<200 | 201 | 202, string>>>;
  /** The codes that its problem documents can have, besides those that every endpoint has. */
  readonly errors?: readonly ErrorCode[];
  /** Validates the input, then handles it. */
  answer(call: EndpointCall): Promise<WebReply>;
}

type Definition<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> = Omit<
  Endpoint,
  'input' | 'answer' | 'access'
> & {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly handle: (call: SignedInCall<z.output<P>, z.output<Q>, z.output<B>>) => Promise<WebReply>;
};

const nothing = z.unknown();

/** An endpoint for those who are signed in. */
export function endpoint<
  P extends z.ZodType = z.ZodUnknown,
  Q extends z.ZodType = z.ZodUnknown,
  B extends z.ZodType = z.ZodUnknown,
>(definition: Definition<P, Q, B>): Endpoint {
  const { params, query, body, handle, ...rest } = definition;
  const input = { params: params ?? nothing, query: query ?? nothing, body: body ?? nothing };
  return Object.freeze({
    ...rest,
    access: 'principal',
    input,
    async answer(call: EndpointCall) {
      const { principal, request } = call;
      if (principal === null) throw new CountersignError('sign_in_required');
      return await handle({
        ...call,
        principal,
        params: parsed(input.params, request.params) as z.output<P>,
        query: parsed(input.query, request.query) as z.output<Q>,
        body: parsed(input.body, request.body) as z.output<B>,
      });
    },
  });
}

/** Zod compares lengths before it looks at types: an object whose `length` is one too makes it throw. */
function checked(schema: z.ZodType, value: unknown): z.ZodSafeParseResult<unknown> {
  try {
    return schema.safeParse(value);
  } catch {
    throw new CountersignError('input_invalid', { detail: 'The content cannot be read.' });
  }
}

/** Validates one part of the input. Throws `input_invalid`, naming the field and never repeating its value. */
function parsed(schema: z.ZodType, value: unknown): unknown {
  const result = checked(schema, value ?? {});
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => ({ field: issue.path.join('.'), problem: issue.message }));
  const [first] = problems;
  throw new CountersignError('input_invalid', {
    ...(first === undefined
      ? {}
      : { field: first.field, detail: `${first.field || 'The content'}: ${first.problem}.` }),
    extra: { problems },
  });
}
