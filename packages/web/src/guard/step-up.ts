import {
  type CheckDemand,
  type Coding,
  type Countersign,
  CountersignError,
  type Decision,
  type DescribeResource,
  type EmergencyPurpose,
  fhirLabels,
  type ItemLabels,
  type ListSifter,
  type OpenChallenge,
  type Principal,
  type RequestContext,
  type SessionPrincipal,
  type SiftedList,
  StepUpRequiredError,
  siftBundle,
} from '@countersign/core';
import { headerOf, type WebRequest } from '../http/web-request.ts';
import type { Web } from '../web.ts';
import { AllowedRecords } from './allowed-records.ts';
import type { Judged } from './emergency-way.ts';
import { noPrincipal } from './refusal.ts';

type MaybePromise<T> = T | Promise<T>;

/** What a host's `identify` returns: a principal, whose session key may be left to us where its sessions have none. */
export type IdentifiedPrincipal = Omit<Principal, 'sessionKey'> & { readonly sessionKey?: string };

/** One emergency access that is open now. */
export interface CurrentEmergencyAccess {
  readonly id: string;
  /** Null where it is for the recovery of the person's own factors. */
  readonly patientId: string | null;
  readonly purpose: EmergencyPurpose;
  readonly endsAt: Date;
  readonly secondsLeft: number;
}

/** A question about one record; what it carries may be said by codings. */
export type RecordDemand = Omit<CheckDemand, 'categories'> & {
  /** Category ids, or codings that categories declare. */
  readonly categories: readonly (string | Coding)[];
};

/** Read and write access to a stateless host session (@fastify/secure-session), for the id that we give it. */
export interface StatelessSession {
  get(name: string): unknown;
  set(name: string, value: string): void;
}

/** What an adapter knows of its framework. */
export interface HostPort<Native> {
  facts(native: Native): WebRequest;
  identify(native: Native): MaybePromise<IdentifiedPrincipal | null>;
  /** Present where the host's sessions have no id of their own. */
  statelessSession?(native: Native): StatelessSession;
  /** Present where the host's session id is rotated at each success; resolves after the session was saved under its new id. */
  rotateHostSession?(native: Native): Promise<void>;
}

const SID = 'countersignSid';

/**
 * Countersign in one request: `request.stepUp`. Cheap to make; who is signed in is found out once, when a guard or the host asks.
 */
export class StepUp<Native = unknown> {
  readonly #web: Web;
  readonly #native: Native;
  readonly #port: HostPort<Native>;
  #facts: WebRequest | null = null;
  #identified: MaybePromise<SessionPrincipal | null> | undefined;
  #decision: Decision | null = null;
  #resources: { readonly guard: object; readonly value: unknown }[] | null = null;
  #allowed: AllowedRecords | null = null;
  #judged: Judged | null = null;

  constructor(web: Web, native: Native, port: HostPort<Native>) {
    this.#web = web;
    this.#native = native;
    this.#port = port;
  }

  get countersign(): Countersign {
    return this.#web.countersign;
  }

  /** The request in our own terms. Taken when first asked, and by each guard anew. */
  get request(): WebRequest {
    this.#facts ??= this.#port.facts(this.#native);
    return this.#facts;
  }

  /** The decision of the guard that let this request pass; null before one ran. */
  get decision(): Decision | null {
    return this.#decision;
  }

  /** Who is signed in, bound to this session and request; null where nobody is. Throws `identity_unavailable`, `principal_invalid`. */
  identify(): MaybePromise<SessionPrincipal | null> {
    this.#identified ??= this.#identify();
    return this.#identified;
  }

  /** The same, where a guard has already asked. Throws `sign_in_required` otherwise. */
  get principal(): SessionPrincipal {
    const identified = this.#identified;
    if (identified === undefined || identified === null || identified instanceof Promise) {
      throw new CountersignError('sign_in_required');
    }
    return identified;
  }

  /**
   * What is open for this principal by emergency access, for a host that tells so on its pages without a script. From memory, and
   * empty before it is known who is signed in.
   */
  get emergencyAccess(): readonly CurrentEmergencyAccess[] {
    const principal = this.identify();
    if (principal === null || principal instanceof Promise) return [];
    const now = this.countersign.configuration.clock.now();
    return this.countersign.emergency.current(principal).map(({ id, patientId, purpose, endsAt }) => ({
      id,
      patientId,
      purpose,
      endsAt: new Date(endsAt),
      secondsLeft: Math.max(0, Math.ceil((endsAt - now) / 1000)),
    }));
  }

  /** The decision about another record, for this principal: see `Countersign.check`. */
  async check(demand: RecordDemand): Promise<Decision> {
    const resolved = this.#resolved(demand);
    const decision = await this.countersign.check(await this.#signedIn(), resolved);
    // A one-shot proof was looked at, not taken.
    const stands = decision.outcome === 'allow' && decision.basis !== 'one-shot';
    if (stands && this.#web.inspection !== null) this.allowed(resolved.patientId, resolved.categories);
    return decision;
  }

  /** Resolves where the principal may go on; throws `StepUpRequiredError`, which the adapters turn into our reply. */
  async enforce(demand: RecordDemand): Promise<void> {
    const resolved = this.#resolved(demand);
    const principal = await this.#signedIn();
    this.judging(resolved.action ?? 'view', [resolved]);
    try {
      await this.countersign.enforce(principal, resolved);
    } catch (error) {
      const challenge = error instanceof StepUpRequiredError ? error.challenge : null;
      if (challenge === null || !(await this.answerByToken(challenge))) throw error;
      await this.countersign.enforce(principal, resolved);
    }
    if (this.#web.inspection !== null) this.allowed(resolved.patientId, resolved.categories);
  }

  /**
   * For guards and `enforce`: answers a challenge by the token of a bearer caller that has authenticated anew since it was opened
   * (RFC 9470). False where there is none, or it does not answer it.
   */
  async answerByToken(challenge: OpenChallenge): Promise<boolean> {
    const principal = await this.identify();
    const token = /^Bearer +([\w.~+/-]+=*)$/i.exec(headerOf(this.request.headers, 'authorization') ?? '')?.[1];
    if (principal?.binding !== 'bearer' || token === undefined) return false;
    return await this.countersign.answerByToken(principal, challenge, token);
  }

  /** Splits a list into what may be seen now and what is withheld until a step-up: see `Countersign.filter`. */
  async filter<Item>(items: readonly Item[], describe: (item: Item) => ItemLabels): Promise<SiftedList<Item>> {
    const sifted = await this.countersign.filter(await this.#signedIn(), items, describe);
    if (this.#web.inspection !== null) for (const item of sifted.visible) this.#shown(describe(item));
    return sifted;
  }

  /** A copy of a FHIR Bundle without what may not be seen now, saying so: see `siftBundle` of core. */
  async siftBundle<B extends object>(bundle: B, describe?: DescribeResource): Promise<B> {
    const principal = await this.#signedIn();
    const labels = describe ?? ((resource: unknown) => fhirLabels(resource, principal.workspaceId));
    const sifter: ListSifter<SessionPrincipal> = { filter: (_principal, items, of) => this.filter(items, of) };
    return await siftBundle(sifter, principal, bundle, labels);
  }

  /** Ends the session on our side. Call it in the host's sign-out, before its own session is dropped. */
  async signOut(): Promise<void> {
    const principal = await this.identify();
    if (principal !== null) await this.countersign.sessions.signOut(principal);
  }

  /** The host's session id is given anew, and the state moves along. Nothing where the host did not ask for it. */
  async rotateHostSession(): Promise<void> {
    if (this.#port.rotateHostSession === undefined) return;
    const before = await this.#signedIn();
    // Bearer callers have no session with the host, and are not given one.
    if (before.binding === 'bearer') return;
    await this.#port.rotateHostSession(this.#native);
    const after = await this.#identify();
    if (after === null) throw new CountersignError('identity_unavailable');
    await this.countersign.sessions.moved(before, after);
    this.#identified = after;
  }

  /** What a guard loaded and judged. Throws `guard_not_registered` where that guard did not run on this request. */
  resourceOf(guard: object): unknown {
    const held = this.#resources?.find((entry) => entry.guard === guard);
    if (held === undefined) throw new CountersignError('guard_not_registered');
    return held.value;
  }

  /** Where this request comes from, for audit events about it. */
  get context(): RequestContext {
    return contextOf(this.request);
  }

  /** For guards, where responses are inspected: this patient's records of these categories may leave. */
  allowed(patientId: string, categories: Iterable<string> | '*'): void {
    this.#allowed ??= new AllowedRecords();
    this.#allowed.add(patientId, categories);
  }

  /** Whether something in this request has allowed it. */
  allows(patientId: string | null, categories: readonly string[]): boolean {
    return this.#allowed?.covers(patientId, categories) ?? false;
  }

  /** For guards: the request as it is by now. A host that asked before may have done so without its content, route and parameters. */
  renewRequest(): void {
    if (this.#facts === null) return;
    this.#facts = null;
    const identified = this.#identified;
    if (identified === undefined || identified === null || identified instanceof Promise) return;
    this.#identified = { ...identified, request: contextOf(this.request) };
  }

  /** For guards and `enforce`: what is judged now, for whatever refuses it. */
  judging(action: string, subjects: readonly { readonly patientId: string }[]): void {
    this.#judged = { action, patientIds: subjects.map(({ patientId }) => patientId) };
  }

  get judged(): Judged | null {
    return this.#judged;
  }

  /** For guards: this request passed. */
  passed(guard: object, decision: Decision, value: unknown): void {
    this.#decision = decision;
    this.#resources ??= [];
    this.#resources.push({ guard, value });
  }

  #resolved(demand: RecordDemand): CheckDemand {
    return { ...demand, categories: this.#idsOf(demand.categories) };
  }

  #idsOf(categories: readonly (string | Coding)[]): readonly string[] {
    const ids = categories.filter((category) => typeof category === 'string');
    const codings = categories.filter((category) => typeof category !== 'string');
    return [...ids, ...this.#web.detectCategories(codings)];
  }

  #shown({ patientId, categories }: ItemLabels): void {
    if (patientId !== null) this.allowed(patientId, this.#idsOf(categories));
  }

  async #signedIn(): Promise<SessionPrincipal> {
    const principal = await this.identify();
    if (principal === null) throw new StepUpRequiredError('sign_in_required', noPrincipal, null);
    return principal;
  }

  #identify(): MaybePromise<SessionPrincipal | null> {
    let identified: MaybePromise<IdentifiedPrincipal | null>;
    try {
      identified = this.#port.identify(this.#native);
    } catch (cause) {
      throw new CountersignError('identity_unavailable', { cause });
    }
    if (!(identified instanceof Promise)) return this.#bind(identified);
    return identified.then(
      (principal) => {
        const bound = this.#bind(principal);
        // Kept without its promise, so that `principal` answers at once after a guard.
        this.#identified = bound;
        return bound;
      },
      (cause: unknown) => {
        throw new CountersignError('identity_unavailable', { cause });
      },
    );
  }

  #bind(identified: IdentifiedPrincipal | null | undefined): SessionPrincipal | null {
    // Hosts in JavaScript that find nobody return undefined as often as null.
    if (identified === null || identified === undefined) return null;
    const { request } = this;
    const binding = this.#web.cookie.read(request.headers);
    // Copied only where a key has to be put in: this runs on each request.
    const principal = hasSessionKey(identified) ? identified : { ...identified, sessionKey: this.#statelessKey() };
    return this.#web.countersign.principalOf(principal, binding, contextOf(request));
  }

  #statelessKey(): string {
    const session = this.#port.statelessSession?.(this.#native);
    if (session === undefined) return '';
    const held = session.get(SID);
    if (typeof held === 'string' && held.length >= 22) return `sid:${held}`;
    const sid = Buffer.from(this.#web.countersign.configuration.random(16)).toString('base64url');
    session.set(SID, sid);
    return `sid:${sid}`;
  }
}

const hasSessionKey = (identified: IdentifiedPrincipal): identified is Principal => identified.sessionKey !== undefined;

const contextOf = ({ ip, headers, requestId, method, route }: WebRequest): RequestContext => ({
  ip,
  userAgent: headerOf(headers, 'user-agent'),
  requestId,
  method,
  route,
});
