import {
  CountersignError,
  type EnrolmentInvitation,
  type ErrorCode,
  type SessionPrincipal,
  StepUpRequiredError,
} from '@countersign/core';
import { h } from 'preact';
import { z } from 'zod';
import { redirectReply, type WebReply, withRetryAfter } from '../http/web-reply.ts';
import { type WebRequest, wantsPage } from '../http/web-request.ts';
import { ConfirmedPage, FactorsPage, type FactorsPageProps } from '../pages/pages.ts';
import type { Web } from '../web.ts';
import { endpoint, type SignedInCall } from './endpoint.ts';
import { enrolmentReply } from './enrolment-reply.ts';
import { factorErrorOf } from './factor-error-of.ts';
import { enrolmentCode, factorId, label, response, returnQuery, rowId } from './factor-input.ts';
import { withReturn } from './return-path.ts';

const PAGE = '/factors';
const notices = ['removed', 'renamed', 'lifted', 'others'] as const;

export const factorsPage = endpoint({
  name: 'factorsPage',
  summary: 'The principal’s own factors',
  method: 'GET',
  face: 'page',
  path: PAGE,
  query: returnQuery.extend({
    done: z.enum(notices).optional().catch(undefined),
    rename: rowId.optional().catch(undefined),
    label: label.optional().catch(undefined),
  }),
  async handle({ web, request, principal, query }) {
    const { done, rename, label: typed } = query;
    return await factorsReply(web, request, principal, web.paths.returnPath(query.returnTo), {
      ...(done === undefined ? {} : { notice: done }),
      ...(rename === undefined ? {} : { typed: { id: rename, label: typed ?? '' } }),
    });
  },
});

export const enrolStart = endpoint({
  name: 'enrolStart',
  summary: 'Begins the enrolment of a factor',
  method: 'POST',
  face: 'page',
  path: '/factors/:factor/enrol',
  params: z.object({ factor: factorId }),
  query: returnQuery,
  async handle(call) {
    const returnTo = call.web.paths.returnPath(call.query.returnTo);
    return await inPlace(call, returnTo, {}, () => begin(call, call.params.factor, returnTo));
  },
});

export const enrolWithCode = endpoint({
  name: 'enrolWithCode',
  summary: 'Begins the enrolment of a factor by an administrator’s one-time code',
  method: 'POST',
  face: 'page',
  path: '/factors/enrol-with-code',
  query: returnQuery,
  body: z.looseObject({ factor: factorId, enrolmentCode }),
  async handle(call) {
    const { factor, enrolmentCode: typed } = call.body;
    const returnTo = call.web.paths.returnPath(call.query.returnTo);
    return await inPlace(call, returnTo, { form: 'withCode', kind: factor }, () =>
      begin(call, factor, returnTo, typed),
    );
  },
});

/** Reached by a redirect, so that a reload shows the same key and sends nothing again. */
export const enrolPage = endpoint({
  name: 'enrolPage',
  summary: 'The enrolment that waits for its first answer',
  method: 'GET',
  face: 'page',
  path: '/factors/:factor/enrol',
  params: z.object({ factor: factorId }),
  query: returnQuery,
  async handle({ web, request, principal, params, query }) {
    const returnTo = web.paths.returnPath(query.returnTo);
    const invitation = await web.countersign.enrolment.pending(principal, params.factor);
    if (invitation === null) return redirectReply(withReturn(web.path(PAGE), returnTo));
    return await enrolmentReply(web, request, principal, { kind: params.factor, invitation, returnTo });
  },
});

export const enrolFinish = endpoint({
  name: 'enrolFinish',
  summary: 'Confirms an enrolment by a first answer',
  method: 'POST',
  face: 'page',
  path: '/factors/:factor/confirm',
  params: z.object({ factor: factorId }),
  query: returnQuery,
  body: z.looseObject({ code: z.string().optional(), response: response.optional(), label: label.optional() }),
  async handle({ web, request, principal, params, query, body }) {
    const { enrolment } = web.countersign;
    const { factor } = params;
    const returnTo = web.paths.returnPath(query.returnTo);
    try {
      await enrolment.finish(principal, factor, body);
    } catch (error) {
      const shown = factorErrorOf(error, factor);
      const invitation = shown === null ? null : await enrolment.pending(principal, factor);
      if (shown === null || invitation === null || !CountersignError.is(error)) throw error;
      return await enrolmentReply(web, request, principal, {
        kind: factor,
        invitation,
        returnTo,
        label: body.label,
        failed: { shown, status: error.status },
      });
    }
    const held = (await enrolment.list(principal)).filter((own) => own.factor === factor);
    const page = h(ConfirmedPage, {
      kind: factor,
      capped: newest(held)?.cap != null,
      factorsHref: web.path(PAGE),
      othersAction: web.path(OTHERS),
      ...(returnTo === null ? {} : { continueHref: returnTo }),
    });
    return web.page(request, principal, page);
  },
});

export const factorRenamed = endpoint({
  name: 'factorRenamed',
  summary: 'Gives one of the principal’s factors another name',
  method: 'POST',
  face: 'page',
  path: '/factors/own/:id/rename',
  params: z.object({ id: rowId }),
  body: z.looseObject({ label }),
  async handle(call) {
    const { web, principal, params, body } = call;
    // What was typed waits on the page that a step-up leads back to.
    const back = `${web.path(PAGE)}?${new URLSearchParams({ rename: params.id, label: body.label })}`;
    return await inPlace(call, null, { id: params.id, label: body.label }, async () => {
      await web.countersign.enrolment.rename(principal, params.id, body.label, web.paths.returnPath(back));
      return done(web, 'renamed');
    });
  },
});

export const factorRemoved = endpoint({
  name: 'factorRemoved',
  summary: 'Removes one of the principal’s factors',
  method: 'POST',
  face: 'page',
  path: '/factors/own/:id/remove',
  params: z.object({ id: rowId }),
  async handle(call) {
    const { web, principal, params } = call;
    return await inPlace(call, null, { id: params.id }, async () => {
      await web.countersign.enrolment.remove(principal, params.id, web.path(PAGE));
      return done(web, 'removed');
    });
  },
});

export const capLifted = endpoint({
  name: 'capLifted',
  summary: 'Lets capped factors count in full, by an administrator’s one-time code',
  method: 'POST',
  face: 'page',
  path: '/factors/lift',
  body: z.looseObject({ enrolmentCode }),
  async handle(call) {
    const { web, principal, body } = call;
    return await inPlace(call, null, { form: 'lift' }, async () => {
      await web.countersign.enrolment.liftCaps(principal, body.enrolmentCode);
      return done(web, 'lifted');
    });
  },
});

const OTHERS = '/factors/sign-out-others';

export const othersSignedOut = endpoint({
  name: 'othersSignedOut',
  summary: 'Ends every other session of the principal',
  method: 'POST',
  face: 'page',
  path: OTHERS,
  async handle({ web, principal }) {
    await web.countersign.sessions.signOutOthers(principal);
    return done(web, 'others');
  },
});

/** Answered by a redirect, so that a reload sends nothing again. */
const done = (web: Web, notice: (typeof notices)[number]): WebReply =>
  redirectReply(`${web.path(PAGE)}?done=${notice}`);

const newest = <T extends { readonly enrolledAt: Date }>(held: readonly T[]): T | undefined =>
  held.reduce<T | undefined>(
    (found, one) => (found === undefined || one.enrolledAt >= found.enrolledAt ? one : found),
    undefined,
  );

async function begin(
  { web, request, principal }: SignedInCall<unknown, unknown, unknown>,
  kind: string,
  returnTo: string | null,
  code?: string,
): Promise<WebReply> {
  const { configuration, enrolment } = web.countersign;
  const atOnce = configuration.factors.find((factor) => factor.id === kind)?.confirmedAtOnce === true;
  const replaced = atOnce && (await enrolment.list(principal)).some((held) => held.factor === kind);
  const invitation: EnrolmentInvitation = await enrolment.start(principal, kind, {
    returnTo: withReturn(web.path(PAGE), returnTo),
    enrolmentCode: code,
  });
  // What can be shown again is reached by a redirect; what is shown once stands on the reply itself.
  if (!atOnce && (await enrolment.pending(principal, kind)) !== null)
    return redirectReply(withReturn(web.path(`/factors/${kind}/enrol`), returnTo));
  return await enrolmentReply(web, request, principal, {
    kind,
    invitation,
    returnTo,
    ...(atOnce ? { shownOnce: { replaced, othersAction: web.path(OTHERS) } } : {}),
  });
}

/** Refusals that are shown on the page of factors: there is the way on. */
const shownHere: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'last_factor',
  'factor_limit',
  'factors_changed',
  'factor_not_accepted',
  'factor_disabled',
  'factor_required',
  'input_invalid',
  'enrolment_code_required',
  'enrolment_code_refused',
  'attempts_delayed',
  'factor_locked',
]);

/** Where on the page a change was asked for. */
interface Place {
  readonly id?: string;
  readonly label?: string;
  readonly form?: 'withCode' | 'lift';
  readonly kind?: string;
}

/** A change that needs a proof leads to the challenge and back; one that is refused is shown where it was asked for. */
async function inPlace(
  { web, request, principal }: SignedInCall<unknown, unknown, unknown>,
  returnTo: string | null,
  place: Place,
  work: () => Promise<WebReply>,
): Promise<WebReply> {
  try {
    return await work();
  } catch (error) {
    if (!CountersignError.is(error) || !wantsPage(request.headers)) throw error;
    if (error instanceof StepUpRequiredError && error.challenge !== null)
      return await web.challengePage(request, principal, error.challenge, { status: error.status });
    if (!shownHere.has(error.code)) throw error;
    web.report(error);
    return await factorsReply(web, request, principal, returnTo, shownAt(error, place), error);
  }
}

type Shown = Pick<FactorsPageProps, 'notice' | 'error' | 'typed'> & {
  readonly form?: { readonly name: 'withCode' | 'lift'; readonly kind?: string; readonly error: CountersignError };
};

function shownAt(error: CountersignError, { id, label: typed, form, kind }: Place): Shown {
  if (form !== undefined) return { form: { name: form, error, ...(kind === undefined ? {} : { kind }) } };
  return {
    error: { code: error.code, ...(id === undefined ? {} : { id }) },
    ...(id === undefined || typed === undefined ? {} : { typed: { id, label: typed } }),
  };
}

async function factorsReply(
  web: Web,
  request: WebRequest,
  principal: SessionPrincipal,
  returnTo: string | null,
  { form, ...shown }: Shown = {},
  failed?: CountersignError,
): Promise<WebReply> {
  const { configuration, enrolment } = web.countersign;
  const held = await enrolment.list(principal);
  const enrollable = configuration.factors.filter((factor) => factor.invite !== undefined);
  // Recovery codes stand in for another factor, and are no first one.
  const addable = enrollable.filter((factor) => held.length > 0 || factor.isRecovery !== true);
  const error = form === undefined ? undefined : (factorErrorOf(form.error, form.kind ?? '') ?? undefined);
  const page = h(FactorsPage, {
    factors: held.map(({ id, factor, usable, label: name, ...rest }) => ({
      ...rest,
      id,
      kind: factor,
      state: usable ? ('usable' as const) : ('disabled' as const),
      // There is one set of recovery codes: nothing to tell apart.
      ...(rest.remaining === null ? { renameAction: web.path(`/factors/own/${id}/rename`) } : {}),
      removeAction: web.path(`/factors/own/${id}/remove`),
      ...(name === '' ? {} : { label: name }),
    })),
    add: addable.map(({ id, several }) => ({
      kind: id,
      formAction: withReturn(web.path(`/factors/${id}/enrol`), returnTo),
      replaces: several !== true && held.some((own) => own.factor === id),
    })),
    required: held.length > 0 ? undefined : firstTakes(web, principal, returnTo),
    withCode: {
      formAction: withReturn(web.path('/factors/enrol-with-code'), returnTo),
      kinds: enrollable.filter((factor) => factor.isRecovery !== true).map((factor) => factor.id),
      ...(form?.name === 'withCode' ? { kind: form.kind, error } : {}),
    },
    lift: held.some((own) => own.cap !== null)
      ? { formAction: web.path('/factors/lift'), kinds: [], ...(form?.name === 'lift' ? { error } : {}) }
      : undefined,
    othersAction: web.path(OTHERS),
    continueHref: returnTo ?? undefined,
    ...shown,
  });
  return withRetryAfter(web.page(request, principal, page, failed?.status ?? 200), failed?.details.retryAfterSeconds);
}

/** What must come before a first factor; undefined where nothing does. */
function firstTakes(web: Web, principal: SessionPrincipal, returnTo: string | null): FactorsPageProps['required'] {
  const { clock, enrolment, freshSignInSeconds } = web.countersign.configuration;
  if (enrolment.first === 'administrator-code') return { kind: 'administrator-code' };
  const age = clock.now() - principal.signedInAt.getTime();
  if (age < freshSignInSeconds * 1000) return undefined;
  const href = web.signInPath(withReturn(web.path(PAGE), returnTo)) ?? undefined;
  return { kind: 'fresh-sign-in', href };
}
