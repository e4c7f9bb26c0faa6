import {
  type Coding,
  type Countersign,
  CountersignError,
  categoryDetector,
  type OpenChallenge,
  type SessionPrincipal,
  StepUpRequiredError,
} from '@countersign/core';
import { type ComponentChild, h } from 'preact';
import { type Assets, loadAssets } from './assets.ts';
import type { Endpoint } from './endpoints/endpoint.ts';
import { endpoints } from './endpoints/endpoints.ts';
import { type Judged, wayFrom, wayFromChallenge } from './guard/emergency-way.ts';
import { noPrincipal, stepUpReply } from './guard/refusal.ts';
import { ResponseInspection } from './guard/response-inspection.ts';
import type { StepUp } from './guard/step-up.ts';
import { BindingCookie } from './http/binding-cookie.ts';
import type { KeptDraft } from './http/draft.ts';
import { PublicPaths } from './http/public-paths.ts';
import { assertSameSite, csrfToken } from './http/same-site.ts';
import { NO_STORE, problemReply, retryAfter, type WebReply, withRetryAfter } from './http/web-reply.ts';
import { isSafeMethod, type WebRequest, wantsPage } from './http/web-request.ts';
import { type OpenApiDocument, openApiDocument } from './openapi/open-api-document.ts';
import { type ResolvedWebOptions, resolveWebOptions, type WebOptions } from './options.ts';
import {
  type ChallengeAbout,
  ChallengePage,
  type ChallengePageProps,
  type FactorError,
  MessagePage,
  messageOf,
  type NavigationLink,
  renderPage,
  type Shell,
  SigningSummary,
} from './pages/pages.ts';
import { resolveStrings, type Strings, shippedLanguages } from './strings/strings.ts';

/** How a challenge page is shown. */
export interface ChallengeView {
  readonly status: number;
  /** What became of the form that was refused. Default: there was none. */
  readonly kept?: KeptDraft;
  readonly error?: FactorError;
  /** A factor that was just begun, and is answered on another device: what to do, and the fields of its answer. */
  readonly begun?: {
    readonly factor: string;
    readonly message: string;
    readonly answer: Readonly<Record<string, string>>;
  };
}

/** Countersign over HTTP, without a framework: what the adapters and the guards share. One per `createCountersign` and mount. */
export class Web {
  readonly countersign: Countersign;
  readonly options: ResolvedWebOptions;
  readonly paths: PublicPaths;
  readonly cookie: BindingCookie;
  readonly assets: Assets;
  readonly detectCategories: (codings: readonly Coding[]) => readonly string[];
  /** Body fields that change with every rendering of a host's form. */
  readonly hostCsrfFields: readonly string[];
  /** Null where responses are not inspected. */
  readonly inspection: ResponseInspection | null;
  readonly #strings = new Map<string, Strings>();
  #openApi: OpenApiDocument | null = null;

  constructor(countersign: Countersign, options: WebOptions = {}) {
    this.countersign = countersign;
    this.options = resolveWebOptions(options);
    const { publicUrl, categories } = countersign.configuration;
    this.paths = new PublicPaths(publicUrl, this.options.mountPath ?? null);
    this.cookie = new BindingCookie(publicUrl);
    this.assets = loadAssets();
    this.detectCategories = categoryDetector(categories.values());
    this.hostCsrfFields = this.options.csrf === undefined ? [] : [this.options.csrf.field];
    const { inspectResponses } = this.options;
    const describe = typeof inspectResponses === 'object' ? inspectResponses.describe : null;
    this.inspection = inspectResponses === false ? null : new ResponseInspection(this, describe);
  }

  /** Our endpoints, with the paths that this host mounts them under. */
  get endpoints(): readonly { readonly endpoint: Endpoint; readonly path: string }[] {
    const { pagesPath, apiPath } = this.options;
    return endpoints.map((endpoint) => ({
      endpoint,
      path: `${endpoint.face === 'page' ? pagesPath : apiPath}${endpoint.path}`,
    }));
  }

  /** A path of one of our pages, as browsers ask for it. */
  path(page: string): string {
    return this.paths.of(`${this.options.pagesPath}${page}`);
  }

  /** The same with the origin in front. */
  url(page: string): string {
    return `${this.paths.origin}${this.path(page)}`;
  }

  /** Where our JSON endpoints are, as browsers ask for them: without a slash at the end. */
  get apiUrl(): string {
    return `${this.paths.origin}${this.paths.of(this.options.apiPath)}`;
  }

  /** Our JSON endpoints as an OpenAPI document, made when it is first asked for. */
  get openApi(): OpenApiDocument {
    this.#openApi ??= openApiDocument(this);
    return this.#openApi;
  }

  challengePath(id: string): string {
    return this.path(`/challenge/${id}`);
  }

  get homePath(): string {
    return this.paths.of(this.options.homePath);
  }

  /** The host's sign-in page, or null where none is configured. */
  signInPath(returnTo: string | null): string | null {
    return this.options.signIn?.(this.paths.returnPath(returnTo) ?? this.homePath) ?? null;
  }

  /** Answers a request to one of our endpoints. Never throws. */
  async dispatch<Native>(endpoint: Endpoint, stepUp: StepUp<Native>): Promise<WebReply> {
    const { request } = stepUp;
    let principal: SessionPrincipal | null = null;
    try {
      if (endpoint.access === 'principal') {
        principal = await stepUp.identify();
        if (principal === null) {
          return await stepUpReply(this, request, null, new StepUpRequiredError('sign_in_required', noPrincipal, null));
        }
        if (!isSafeMethod(request.method)) await this.#refuseForeign(request, principal);
      }
      return await endpoint.answer({ web: this, stepUp: stepUp as StepUp, request, principal });
    } catch (error) {
      this.report(error);
      return await this.errorReply(request, error, principal);
    }
  }

  /** The reply to an error of ours that a host's handler threw, in place of what its error handlers would make of it. */
  async thrownReply<Native>(stepUp: StepUp<Native>, error: CountersignError): Promise<WebReply> {
    this.report(error);
    // What was asked before the content was read says nothing of it.
    stepUp.renewRequest();
    const { judged } = stepUp;
    const known = error instanceof StepUpRequiredError || judged !== null;
    const principal = known ? await stepUp.identify() : null;
    return await this.errorReply(stepUp.request, error, principal, judged);
  }

  /**
   * Any error as a reply: ours with its code, others as `internal`.
   *
   * @param judged what was asked when it happened: what cannot be decided right now may still be opened in an emergency
   */
  async errorReply(
    request: WebRequest,
    error: unknown,
    principal: SessionPrincipal | null = null,
    judged: Judged | null = null,
  ): Promise<WebReply> {
    if (error instanceof StepUpRequiredError) return await stepUpReply(this, request, principal, error, judged);
    const known = CountersignError.is(error) ? error : new CountersignError('internal');
    const way = known.status === 503 ? await wayFrom(this, principal, judged, this.#wanted(request)) : null;
    if (wantsPage(request.headers)) return this.messagePage(request, principal, known, way?.href);
    return problemReply(known, way === null ? {} : { emergencyUrl: `${this.paths.origin}${way.href}` });
  }

  /** The page that a request asked for, to come back to; null where it sent something. */
  #wanted(request: WebRequest): string | null {
    return isSafeMethod(request.method) ? this.paths.returnPath(this.paths.fromSeen(request.url)) : null;
  }

  /** The way to emergency access for a request that no factor can answer now, or null. */
  async emergencyWay(request: WebRequest, principal: SessionPrincipal | null, judged: Judged | null) {
    return await wayFrom(this, principal, judged, this.#wanted(request));
  }

  /** Tells the host's log of faults: what was not the caller's doing. */
  report(error: unknown): void {
    const known = CountersignError.is(error) ? error : new CountersignError('internal', { cause: error });
    if (known.status >= 500) this.options.onFault?.(known);
  }

  /** Renders one of our pages, with the headers that every page has. */
  page(request: WebRequest, principal: SessionPrincipal | null, page: ComponentChild, status = 200): WebReply {
    return { status, headers: this.#pageHeaders(), body: renderPage(page, this.#shell(request, principal)) };
  }

  /** @param emergencyHref the way to emergency access, where there is one */
  messagePage(
    request: WebRequest,
    principal: SessionPrincipal | null,
    error: CountersignError,
    emergencyHref?: string,
  ): WebReply {
    const strings = this.strings(request);
    const message = messageOf(error.code, strings);
    const emergency =
      emergencyHref === undefined ? {} : { emergency: { label: strings.challenge.emergency, href: emergencyHref } };
    const page = h(MessagePage, { ...message, ...this.#waysOn(request, error, strings), ...emergency });
    const reply = this.page(request, principal, page, error.status);
    return { ...reply, headers: { ...reply.headers, ...retryAfter(error) } };
  }

  async challengePage(
    request: WebRequest,
    principal: SessionPrincipal,
    challenge: OpenChallenge,
    view: ChallengeView,
  ): Promise<WebReply> {
    const { configuration } = this.countersign;
    const answering = await this.countersign.answeringFactors(principal, challenge);
    const factors = answering.map(({ factor, withPassword }) => ({
      id: factor,
      withPassword,
      formAction: `${this.challengePath(challenge.id)}/${factor}`,
      answeredBy: configuration.factors.find((own) => own.id === factor)?.answeredBy ?? 'code',
      begin: { href: this.paths.of(`${this.options.apiPath}/auth/mfa/verify`), challengeId: challenge.id },
      ...(view.begun?.factor === factor ? { begun: view.begun } : {}),
    }));
    const tooWeak = challenge.reasons.some((reason) => reason.kind === 'too-weak');
    const props: ChallengePageProps = {
      factors,
      about: await this.aboutChallenge(principal, challenge),
      error: view.error,
      tooWeak: tooWeak ? challenge.strength : undefined,
      ...(challenge.summary === null ? {} : { summary: h(SigningSummary, { summary: challenge.summary }) }),
      ...this.#keptProps(view.kept),
      emergency: (await wayFromChallenge(this, principal, challenge)) ?? undefined,
      restartHref: challenge.returnTo ?? this.homePath,
      cancelHref: this.homePath,
      // Without a proof of any factor, an administrator's code is the way to a new one.
      helpHref: `${this.path('/factors')}#cs-enrolment-code`,
    };
    const reply = this.page(request, principal, h(ChallengePage, props), view.status);
    return withRetryAfter(reply, view.error?.retryAfterSeconds);
  }

  #keptProps(kept: KeptDraft | undefined): Partial<ChallengePageProps> {
    return kept === undefined ? {} : { draft: kept, resendAction: this.path('/resend') };
  }

  /** What may be told of a challenge before it is answered. */
  async aboutChallenge(principal: SessionPrincipal, challenge: OpenChallenge): Promise<ChallengeAbout> {
    const { categories } = this.countersign.configuration;
    const categoryIds = this.options.nameCategories ? challenge.subjects.flatMap((subject) => subject.categoryIds) : [];
    const categoryNames = [...new Set(categoryIds)].map((id) => categories.get(id)?.name ?? id);
    const [subject, ...others] = challenge.subjects;
    const one = others.length > 0 || challenge.account ? null : (subject?.patientId ?? null);
    const patientLabel = await this.patientLabel(principal, one);
    return { action: challenge.action, categoryNames, ...(patientLabel === undefined ? {} : { patientLabel }) };
  }

  /** What the host calls a patient on our pages; undefined where it calls them nothing. */
  async patientLabel(principal: SessionPrincipal, patientId: string | null): Promise<string | undefined> {
    if (patientId === null) return undefined;
    return (await this.options.patientLabel?.(patientId, principal)) ?? undefined;
  }

  /** The words of a request's language. */
  strings(request: WebRequest): Strings {
    const language = this.#language(request);
    let strings = this.#strings.get(language);
    if (strings === undefined) {
      strings = resolveStrings(language, this.options.strings);
      // Languages come from the host, but may come through it from a header.
      if (this.#strings.size < 50) this.#strings.set(language, strings);
    }
    return strings;
  }

  /** A forged request leaves a trace: somebody's page has tried it in this person's name. */
  async #refuseForeign(request: WebRequest, principal: SessionPrincipal): Promise<void> {
    const { configuration, audit } = this.countersign;
    try {
      assertSameSite(configuration.keyring, this.paths.origin, request.headers, request.body, principal);
    } catch (error) {
      const { workspaceId, userId, actor } = principal;
      const who = { workspaceId, userId, actorId: actor?.userId ?? null, ...principal.request };
      await audit.append([{ ...who, code: 'ACCESS_DENIED', outcome: 'refused', reason: 'cross-site' }]);
      throw error;
    }
  }

  #language(request: WebRequest): string {
    const { language, strings } = this.options;
    const asked = typeof language === 'string' ? language : language(request);
    // Without words of the host's own, a page says that it is in the language it is really in.
    const known = strings !== undefined || shippedLanguages.includes(asked.toLowerCase().split('-', 1)[0] ?? '');
    return known ? asked : 'en';
  }

  #shell(request: WebRequest, principal: SessionPrincipal | null): Shell {
    const { options, assets } = this;
    const { keyring } = this.countersign.configuration;
    return {
      lang: this.#language(request),
      strings: this.strings(request),
      timeZone: options.timeZone,
      assetsPath: this.path('/assets'),
      assetsVersion: assets.version,
      csrfToken: principal === null ? '' : csrfToken(keyring, principal),
      ...(options.csrf === undefined
        ? {}
        : { hostCsrf: { field: options.csrf.field, token: options.csrf.token(request) } }),
      ...(options.theme === undefined ? {} : { theme: options.theme }),
      ...(principal === null ? {} : { navigation: this.#navigation(principal) }),
    };
  }

  #navigation(principal: SessionPrincipal): NonNullable<Shell['navigation']> {
    const to = (page: NavigationLink['page'], path: string): NavigationLink => ({ page, href: this.path(path) });
    const emergencies = this.countersign.configuration.emergencyAccess !== undefined;
    const own: readonly NavigationLink[] = [
      { page: 'home', href: this.homePath },
      to('factors', '/factors'),
      ...(emergencies ? [to('emergency', '/emergency')] : []),
    ];
    if (!this.countersign.administration.isAdministrator(principal)) return own;
    return [
      ...own,
      to('users', '/admin/users'),
      to('settings', '/admin/settings'),
      ...(emergencies ? [to('reviews', '/admin/reviews')] : []),
      to('audit', '/admin/audit'),
    ];
  }

  #waysOn(request: WebRequest, error: CountersignError, strings: Strings) {
    const home = { label: strings.links.home, href: this.homePath };
    const returnTo = this.#wanted(request);
    if (error.code === 'factor_required') {
      const query = returnTo === null ? '' : `?returnTo=${encodeURIComponent(returnTo)}`;
      return { primary: { label: strings.links.enrol, href: `${this.path('/factors')}${query}` }, secondary: home };
    }
    const signIn = ['sign_in_required', 'session_ended', 'session_locked', 'fresh_sign_in_required'].includes(
      error.code,
    )
      ? this.signInPath(returnTo)
      : null;
    return signIn === null
      ? { primary: home }
      : { primary: { label: strings.links.signIn, href: signIn }, secondary: home };
  }

  #pageHeaders(): Record<string, string> {
    const { frameAncestors } = this.options;
    const frames = frameAncestors.length === 0 ? "'none'" : frameAncestors.join(' ');
    return {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': NO_STORE,
      'content-security-policy': `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors ${frames}`,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
      ...(frameAncestors.length === 0 ? { 'x-frame-options': 'DENY' } : {}),
    };
  }
}
