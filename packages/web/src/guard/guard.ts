import {
  type Authorization,
  type Coding,
  CountersignError,
  type Demand,
  type OperationSummary,
  operationDigest,
  operationSummary,
  type Principal,
  type SessionPrincipal,
} from '@countersign/core';
import { CSRF_FIELD } from '../http/same-site.ts';
import type { WebReply } from '../http/web-reply.ts';
import { hasContent, isSafeMethod, mediaType, type WebRequest, wantsPage } from '../http/web-request.ts';
import type { Web } from '../web.ts';
import { noPrincipal, refusalReply } from './refusal.ts';
import type { StepUp } from './step-up.ts';

type MaybePromise<T> = T | Promise<T>;

/** Whose record it is and what it carries. */
export interface GuardedRecord {
  readonly workspaceId: string;
  readonly patientId: string;
  /** Category ids, or codings that categories declare. */
  readonly categories: readonly (string | Coding)[];
}

/** A record as the guard's loader gives it, with the very object that the handler will use. */
export interface Resource<V> extends GuardedRecord {
  readonly value: V;
}

/** What a route's guard asks, and how it finds out about the record. All are functions of the framework's own request. */
export interface GuardOptions<Native, V> {
  /** `view`, `edit`, `export`, `delete`, `payment`, or the host's own. Default: `view` for safe methods, else `edit`. */
  readonly action?: string;
  /** Loads the record once. Null: it does not exist, or this principal may not see it at all (the host's own 404). */
  readonly resource?: (request: Native, principal: Principal) => MaybePromise<Resource<V> | null>;
  /** What a create or edit would make of the record; both are judged. `current` is what `resource` loaded. Null: it stays where it is. Alone, on a route that names no patient, it is all that is judged. */
  readonly target?: (request: Native, principal: Principal, current: V) => MaybePromise<GuardedRecord | null>;
  /** Without `resource`: whose record it is. Default `params.patientId`. */
  readonly patientId?: (request: Native) => string | null | undefined;
  /** What is being approved, where the body is not plain parsed data (multipart). */
  readonly content?: (request: Native) => unknown;
  /** Exactly what the person approves by this request: then it is signed, each time and by a factor of its own. Null: nothing to sign. */
  readonly approval?: (request: Native, principal: Principal, value: V) => MaybePromise<OperationSummary | null>;
}

/** A guard's answer. */
export type GuardOutcome =
  | { readonly kind: 'pass' }
  | { readonly kind: 'reply'; readonly reply: WebReply }
  | { readonly kind: 'not-found' };

const passed: GuardOutcome = Object.freeze({ kind: 'pass' });

/** One route's guard, normalised once. The adapters run it and translate its answer. */
export class Guard<Native, V> {
  readonly categories: readonly string[] | '*';
  readonly options: GuardOptions<Native, V>;
  readonly #guarded: ReadonlySet<string> | '*';

  constructor(categories: readonly string[] | '*', options: GuardOptions<Native, V> = {}) {
    if (categories !== '*' && (!Array.isArray(categories) || categories.length === 0)) {
      throw new CountersignError('configuration_invalid', {
        field: 'requireStepUp',
        detail: "requireStepUp needs a list of category ids, or '*'.",
        cure: "Write requireStepUp(['5']) or requireStepUp('*').",
      });
    }
    assertOptions(options);
    this.categories = categories === '*' ? '*' : Object.freeze([...categories]);
    this.options = options;
    this.#guarded = categories === '*' ? '*' : new Set(categories);
  }

  /** Throws `category_unknown` at start-up where the guard names a category that is not declared. */
  assertDeclared(web: Web): void {
    if (this.categories === '*') return;
    const declared = web.countersign.configuration.categories;
    const unknown = this.categories.filter((id) => !declared.has(id));
    if (unknown.length === 0) return;
    throw new CountersignError('category_unknown', {
      field: 'requireStepUp',
      detail: `requireStepUp names ${unknown.map((id) => JSON.stringify(id)).join(', ')}, which is not declared.`,
      cure: `Declare it in categories, or use one of: ${[...declared.keys()].join(', ')}.`,
    });
  }

  /** Judges a request. At once, without a promise, where everything it needs is in memory. Never throws: a fault is a reply. */
  run(web: Web, native: Native, stepUp: StepUp<Native>): MaybePromise<GuardOutcome> {
    try {
      stepUp.renewRequest();
      const principal = stepUp.identify();
      const outcome =
        principal instanceof Promise
          ? principal.then((known) => this.#judge(web, native, stepUp, known))
          : this.#judge(web, native, stepUp, principal);
      return outcome instanceof Promise ? outcome.catch((error: unknown) => fault(web, stepUp, error)) : outcome;
    } catch (error) {
      return fault(web, stepUp, error);
    }
  }

  #judge(
    web: Web,
    native: Native,
    stepUp: StepUp<Native>,
    principal: SessionPrincipal | null,
  ): MaybePromise<GuardOutcome> {
    if (principal === null)
      return this.#refuse(web, stepUp, null, { decision: noPrincipal, settings: null, challenge: null });
    const { resource, target } = this.options;
    if (resource === undefined) {
      const patientId = this.#patientId(native, stepUp.request);
      if (target === undefined) {
        if (patientId === null) throw patientUnresolved();
        return this.#authorize(web, native, stepUp, principal, [{ patientId, carried: null }], undefined);
      }
      // On a route that names no patient there is nothing yet, and what would become of it is all there is to judge.
      const subjects = patientId === null ? [] : [{ patientId, carried: null }];
      return this.#withTarget(web, native, stepUp, principal, subjects, undefined);
    }
    return this.#load(web, native, stepUp, principal, resource);
  }

  async #load(
    web: Web,
    native: Native,
    stepUp: StepUp<Native>,
    principal: SessionPrincipal,
    resource: NonNullable<GuardOptions<Native, V>['resource']>,
  ): Promise<GuardOutcome> {
    // A look-up in JavaScript that finds nothing gives undefined as often as null.
    const loaded = (await unavailableOnThrow(() => resource(native, principal))) ?? null;
    // A record of another workspace does not exist here.
    if (loaded === null || loaded.workspaceId !== principal.workspaceId)
      return await this.#absent(web, stepUp, principal);
    const subjects = [{ patientId: loaded.patientId, carried: carriedBy(web, loaded) }];
    if (this.options.target === undefined)
      return await this.#authorize(web, native, stepUp, principal, subjects, loaded.value);
    return await this.#withTarget(web, native, stepUp, principal, subjects, loaded.value);
  }

  /** What does not exist, once the session itself was found good. */
  async #absent(web: Web, stepUp: StepUp<Native>, principal: SessionPrincipal): Promise<GuardOutcome> {
    const { decision, settings, challenge } = await web.countersign.authorize(principal, {
      workspaceId: principal.workspaceId,
      action: this.#action(stepUp.request),
      guarded: none,
      subjects: [],
      purpose: 'judge',
    });
    const asks = decision.outcome === 'allow' || decision.outcome === 'challenge' || isActionsOwn(decision);
    return asks ? { kind: 'not-found' } : this.#refuse(web, stepUp, principal, { decision, settings, challenge });
  }

  /** Both what is and what would become are judged: no edit declassifies a record or moves it past the guard. */
  async #withTarget(
    web: Web,
    native: Native,
    stepUp: StepUp<Native>,
    principal: SessionPrincipal,
    subjects: Demand['subjects'],
    value: V | undefined,
  ): Promise<GuardOutcome> {
    const { target } = this.options;
    const become = target === undefined ? null : await unavailableOnThrow(() => target(native, principal, value as V));
    if (become === null) {
      if (subjects.length === 0) throw patientUnresolved();
      return await this.#authorize(web, native, stepUp, principal, subjects, value);
    }
    if (become.workspaceId !== principal.workspaceId) return await this.#absent(web, stepUp, principal);
    const both = [...subjects, { patientId: become.patientId, carried: carriedBy(web, become) }];
    return await this.#authorize(web, native, stepUp, principal, merged(both), value);
  }

  #authorize(
    web: Web,
    native: Native,
    stepUp: StepUp<Native>,
    principal: SessionPrincipal,
    subjects: Demand['subjects'],
    value: V | undefined,
  ): MaybePromise<GuardOutcome> {
    const { approval } = this.options;
    if (approval === undefined) return this.#ask(web, native, stepUp, principal, subjects, value, null);
    return unavailableOnThrow(() => approval(native, principal, value as V)).then((given) => {
      const summary = (given ?? null) === null ? null : operationSummary(given);
      return this.#ask(web, native, stepUp, principal, subjects, value, summary);
    });
  }

  #ask(
    web: Web,
    native: Native,
    stepUp: StepUp<Native>,
    principal: SessionPrincipal,
    subjects: Demand['subjects'],
    value: V | undefined,
    summary: OperationSummary | null,
  ): MaybePromise<GuardOutcome> {
    const { request } = stepUp;
    stepUp.judging(this.#action(request), subjects);
    const authorize = () =>
      web.countersign.authorize(principal, {
        workspaceId: principal.workspaceId,
        action: this.#action(request),
        guarded: this.#guarded,
        subjects,
        summary,
        operation: () => this.#operation(web, native, request, summary),
        returnTo: () =>
          isSafeMethod(request.method) && wantsPage(request.headers)
            ? web.paths.returnPath(web.paths.fromSeen(request.url))
            : null,
      });
    const authorization = authorize();
    if (authorization instanceof Promise) {
      return authorization.then(async (settled) => {
        const answered = settled.challenge !== null && (await stepUp.answerByToken(settled.challenge));
        return await this.#settle(web, stepUp, principal, answered ? await authorize() : settled, subjects, value);
      });
    }
    return this.#settle(web, stepUp, principal, authorization, subjects, value);
  }

  #settle(
    web: Web,
    stepUp: StepUp<Native>,
    principal: SessionPrincipal,
    authorization: Authorization,
    subjects: Demand['subjects'],
    value: V | undefined,
  ): MaybePromise<GuardOutcome> {
    if (authorization.decision.outcome !== 'allow') return this.#refuse(web, stepUp, principal, authorization);
    if (web.inspection !== null) this.#remember(stepUp, subjects);
    stepUp.passed(this, authorization.decision, value);
    return passed;
  }

  /** For the inspection of the response: what this guard has let through. */
  #remember(stepUp: StepUp<Native>, subjects: Demand['subjects']): void {
    const guarded = this.#guarded;
    for (const { patientId, carried } of subjects) {
      const covered =
        carried === null || guarded === '*' ? (carried ?? guarded) : carried.filter((id) => guarded.has(id));
      stepUp.allowed(patientId, covered);
    }
  }

  async #refuse(
    web: Web,
    stepUp: StepUp<Native>,
    principal: SessionPrincipal | null,
    authorization: Authorization,
  ): Promise<GuardOutcome> {
    return { kind: 'reply', reply: await refusalReply(web, stepUp.request, principal, authorization, stepUp.judged) };
  }

  #action(request: WebRequest): string {
    return this.options.action ?? (isSafeMethod(request.method) ? 'view' : 'edit');
  }

  /** Whose record the route says it is; null where neither the guard nor the route speaks of a patient. */
  #patientId(native: Native, request: WebRequest): string | null {
    const { patientId } = this.options;
    const { params } = request;
    const found: unknown =
      patientId !== undefined
        ? patientId(native)
        : typeof params === 'object' && params !== null
          ? Reflect.get(params, 'patientId')
          : undefined;
    if (patientId === undefined && found === undefined) return null;
    if (typeof found === 'string' && found !== '') return found;
    throw patientUnresolved();
  }

  #operation(web: Web, native: Native, request: WebRequest, summary: OperationSummary | null): string {
    const { content } = this.options;
    const carries = hasContent(request.headers);
    // Content that nobody has parsed must not pass for no content.
    if (
      content === undefined &&
      carries &&
      (request.body === undefined || mediaType(request.headers)?.startsWith('multipart/') === true)
    ) {
      throw new CountersignError('body_unreadable', {
        cure: 'Put the guard behind the body parser; for multipart give options.content.',
      });
    }
    return operationDigest({
      name: `${request.method} ${web.paths.fromSeen(request.url)}`,
      contentType: carries ? mediaType(request.headers) : null,
      content: content === undefined ? request.body : content(native),
      leftOut: [CSRF_FIELD, ...web.hostCsrfFields],
      summary,
    });
  }
}

/** Every option, and whether a value is one: a misspelt `target` would be a hole that nobody sees. */
const optionChecks: Readonly<Record<keyof GuardOptions<never, never>, (value: unknown) => boolean>> = {
  action: (value) => typeof value === 'string' && value.trim() !== '',
  resource: (value) => typeof value === 'function',
  target: (value) => typeof value === 'function',
  patientId: (value) => typeof value === 'function',
  content: (value) => typeof value === 'function',
  approval: (value) => typeof value === 'function',
};

function assertOptions(options: object): void {
  const problems = Object.entries(options).flatMap(([name, value]) => {
    if (!Object.hasOwn(optionChecks, name)) return [`${name} is no option.`];
    if (value === undefined || optionChecks[name as keyof typeof optionChecks](value)) return [];
    return [`${name} (a ${typeof value}): ${name === 'action' ? 'a name' : 'a function of the request'} is needed.`];
  });
  if (problems.length === 0) return;
  throw new CountersignError('configuration_invalid', {
    field: 'requireStepUp',
    detail: `The options of requireStepUp are not valid: ${problems.join(' ')}`,
    extra: { problems },
  });
}

const none: ReadonlySet<string> = new Set();

/** The action asks for itself (export of what does not exist): says nothing about the session. */
const ownReasons: ReadonlySet<string> = new Set(['operation-unknown', 'no-suitable-factor', 'factor-disabled']);
const isActionsOwn = (decision: Authorization['decision']): boolean =>
  decision.outcome === 'deny' && ownReasons.has(decision.reason);

async function unavailableOnThrow<T>(load: () => MaybePromise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw CountersignError.is(cause) ? cause : new CountersignError('resource_unavailable', { cause });
  }
}

/** The category ids of a record; anything but ids and codings is refused, since it would silently count as ordinary. */
function carriedBy(web: Web, record: GuardedRecord): readonly string[] {
  const { categories } = record;
  if (!Array.isArray(categories)) throw unclearCategories();
  if (categories.every((category) => typeof category === 'string')) return categories as readonly string[];
  const ids = categories.filter((category) => typeof category === 'string');
  const codings = categories.filter(isCoding);
  if (ids.length + codings.length !== categories.length) throw unclearCategories();
  return [...ids, ...web.detectCategories(codings)];
}

/** Not a list, and not a host's own category object: `['5']` or `{ id: '5' }` would be codings of nothing, and so ordinary. */
function isCoding(category: unknown): category is Coding {
  if (typeof category !== 'object' || category === null || Array.isArray(category)) return false;
  const [system, code]: unknown[] = [Reflect.get(category, 'system'), Reflect.get(category, 'code')];
  const isText = (value: unknown) => value === undefined || typeof value === 'string';
  return isText(system) && isText(code) && (system !== undefined || code !== undefined || 'display' in category);
}

const patientUnresolved = (): CountersignError =>
  new CountersignError('patient_unresolved', {
    field: 'patientId',
    cure: 'Give the guard a resource loader, or patientId, or a route parameter named patientId.',
  });

const unclearCategories = (): CountersignError =>
  new CountersignError('resource_invalid', {
    field: 'categories',
    cure: 'categories is a list of category ids (as text) and codings { system, code }.',
  });

/** One subject per patient, with the union of what is and what would become. */
function merged(subjects: Demand['subjects']): Demand['subjects'] {
  const [is, becomes] = subjects;
  if (is === undefined || becomes === undefined || is.patientId !== becomes.patientId) return subjects;
  const carried = is.carried === null || becomes.carried === null ? null : [...is.carried, ...becomes.carried];
  return [{ patientId: is.patientId, carried }];
}

async function fault<Native>(web: Web, stepUp: StepUp<Native>, error: unknown): Promise<GuardOutcome> {
  web.report(error);
  const { request, judged } = stepUp;
  // Known by then, where anything was judged.
  const principal = judged === null ? null : await stepUp.identify();
  return { kind: 'reply', reply: await web.errorReply(request, error, principal, judged) };
}
