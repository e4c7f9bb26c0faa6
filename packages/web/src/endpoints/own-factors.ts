import { CountersignError, type EnrolmentInvitation, type SessionPrincipal } from '@countersign/core';
import { h } from 'preact';
import QRCode from 'qrcode';
import { z } from 'zod';
import { jsonReply, redirectReply, type WebReply, withRetryAfter } from '../http/web-reply.ts';
import type { WebRequest } from '../http/web-request.ts';
import { ConfirmedPage, EnrolmentPage, type FactorError, FactorsPage } from '../pages/pages.ts';
import type { Web } from '../web.ts';
import { endpoint } from './endpoint.ts';
import { factorErrorOf } from './factor-error-of.ts';

const factorId = z.string().regex(/^[a-z0-9-]{1,32}$/, 'this is no factor');
const code = z.string('a code is needed, as text').max(64, 'a code is much shorter');
const returnQuery = z.object({ returnTo: z.string().max(2000).optional().catch(undefined) });

export const factorsPage = endpoint({
  name: 'factorsPage',
  summary: 'The principal’s own factors',
  method: 'GET',
  face: 'page',
  path: '/factors',
  query: returnQuery,
  async handle({ web, request, principal, query }) {
    return await factorsReply(web, request, principal, query.returnTo ?? null);
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
  async handle({ web, principal, params, query }) {
    const page = enrolPath(web, params.factor, query.returnTo ?? null);
    await web.countersign.enrolment.start(principal, params.factor, web.paths.returnPath(web.path('/factors')));
    return redirectReply(page);
  },
});

/** Reached by a redirect, so that a reload shows the same key and sends nothing again. */
export const enrolPage = endpoint({
  name: 'enrolPage',
  summary: 'The enrolment that waits for its first code',
  method: 'GET',
  face: 'page',
  path: '/factors/:factor/enrol',
  params: z.object({ factor: factorId }),
  query: returnQuery,
  async handle({ web, request, principal, params, query }) {
    const invitation = await web.countersign.enrolment.pending(principal, params.factor);
    if (invitation === null) {
      return redirectReply(withReturn(web.path('/factors'), web.paths.returnPath(query.returnTo)));
    }
    return await enrolReply(web, request, principal, params.factor, query.returnTo ?? null, invitation);
  },
});

export const enrolFinish = endpoint({
  name: 'enrolFinish',
  summary: 'Confirms an enrolment by a first code',
  method: 'POST',
  face: 'page',
  path: '/factors/:factor/confirm',
  params: z.object({ factor: factorId }),
  query: returnQuery,
  body: z.looseObject({ code }),
  async handle({ web, request, principal, params, query, body }) {
    const { enrolment } = web.countersign;
    try {
      await enrolment.finish(principal, params.factor, body);
    } catch (error) {
      const shown = factorErrorOf(error, params.factor);
      const invitation = shown === null ? null : await enrolment.pending(principal, params.factor);
      if (shown === null || invitation === null || !CountersignError.is(error)) throw error;
      return await enrolReply(web, request, principal, params.factor, query.returnTo ?? null, invitation, {
        shown,
        status: error.status,
      });
    }
    const continueHref = web.paths.returnPath(query.returnTo);
    const props = { factorsHref: web.path('/factors'), ...(continueHref === null ? {} : { continueHref }) };
    return web.page(request, principal, h(ConfirmedPage, props));
  },
});

/** The same flow for hosts with their own front end: without `code` it begins, with it it confirms. */
export const enrol = endpoint({
  name: 'enrol',
  summary: 'Begins the enrolment of a factor, or with a code confirms it',
  method: 'POST',
  face: 'api',
  path: '/auth/mfa/enroll',
  body: z.looseObject({ factor: factorId.default('totp'), code: code.optional() }),
  async handle({ web, principal, body }) {
    const { enrolment } = web.countersign;
    if (body.code === undefined)
      return jsonReply(201, { factor: body.factor, ...(await enrolment.start(principal, body.factor)) });
    await enrolment.finish(principal, body.factor, body);
    return jsonReply(200, { factor: body.factor, enrolled: true });
  },
});

export const session = endpoint({
  name: 'session',
  summary: 'Who is signed in, the factors enrolled, and the proofs held with the seconds they have left',
  method: 'GET',
  face: 'api',
  path: '/auth/session',
  handle: async ({ web, principal }) => jsonReply(200, await web.countersign.sessions.status(principal)),
});

async function factorsReply(
  web: Web,
  request: WebRequest,
  principal: SessionPrincipal,
  returnTo: string | null,
): Promise<WebReply> {
  const { configuration, enrolment } = web.countersign;
  const held = await enrolment.list(principal);
  const factors = held.map(({ id, factor, label, enrolledAt, usable }) => ({
    id,
    kind: factor,
    ...(label === '' ? {} : { label }),
    enrolledAt,
    state: usable ? ('usable' as const) : ('disabled' as const),
  }));
  const offered = configuration.factors.some((factor) => factor.id === 'totp');
  const replaces = held.some((factor) => factor.factor === 'totp');
  const age = configuration.clock.now() - principal.signedInAt.getTime();
  const signIn =
    held.length === 0 && age >= configuration.freshSignInSeconds * 1000
      ? web.signInPath(withReturn(web.path('/factors'), web.paths.returnPath(returnTo)))
      : null;
  return web.page(
    request,
    principal,
    h(FactorsPage, {
      factors,
      enrolTotp: offered ? { formAction: enrolPath(web, 'totp', returnTo), replaces } : undefined,
      required: signIn === null ? undefined : { kind: 'fresh-sign-in', href: signIn },
    }),
  );
}

async function enrolReply(
  web: Web,
  request: WebRequest,
  principal: SessionPrincipal,
  factor: string,
  returnTo: string | null,
  invitation: EnrolmentInvitation,
  failed?: { readonly shown: FactorError; readonly status: number },
): Promise<WebReply> {
  const qrSvg = await QRCode.toString(invitation.uri, { type: 'svg', margin: 2, errorCorrectionLevel: 'M' });
  const page = h(EnrolmentPage, {
    formAction: withReturn(web.path(`/factors/${factor}/confirm`), web.paths.returnPath(returnTo)),
    qrSvg,
    manualKey: invitation.manualKey,
    issuer: invitation.issuer,
    account: invitation.account,
    otpauthHref: invitation.uri,
    error: failed?.shown,
    cancelHref: web.path('/factors'),
  });
  return withRetryAfter(web.page(request, principal, page, failed?.status ?? 200), failed?.shown.retryAfterSeconds);
}

const enrolPath = (web: Web, factor: string, returnTo: string | null): string =>
  withReturn(web.path(`/factors/${factor}/enrol`), web.paths.returnPath(returnTo));

const withReturn = (path: string, returnTo: string | null): string =>
  returnTo === null ? path : `${path}?returnTo=${encodeURIComponent(returnTo)}`;
