import { CountersignError, type SessionPrincipal } from '@countersign/core';
import { h } from 'preact';
import { z } from 'zod';
import { jsonReply, redirectReply, type WebReply } from '../http/web-reply.ts';
import { type WebRequest, wantsPage } from '../http/web-request.ts';
import { UsersPage, type UsersPageProps } from '../pages/pages.ts';
import type { Web } from '../web.ts';
import { endpoint, type SignedInCall } from './endpoint.ts';
import { factorId } from './factor-input.ts';

const PAGE = '/admin/users';
const userId = z.string('a user id is needed, as text').min(1, 'a user id is needed').max(256, 'a user id is shorter');
const reason = z.string('a reason is needed, as text').max(1000, 'at most 1,000 characters are allowed');

const errors = [
  'administrator_required',
  'input_invalid',
  'step_up_required',
  'factor_required',
  'person_required',
  'session_ended',
] as const;

export const usersPage = endpoint({
  name: 'usersPage',
  summary: 'Another user’s factors, for administrators',
  method: 'GET',
  face: 'page',
  path: PAGE,
  query: z.object({
    userId: z.string().trim().max(256).catch('').default(''),
    done: z.literal('reset').optional().catch(undefined),
  }),
  async handle({ web, request, principal, query }) {
    const notice = query.done === undefined ? {} : { notice: query.done };
    return await usersReply(web, request, principal, query.userId, notice);
  },
});

export const userReset = endpoint({
  name: 'userReset',
  summary: 'Resets a user’s factor',
  method: 'POST',
  face: 'page',
  path: '/admin/users/reset',
  body: z.looseObject({ userId, factor: factorId, reason }),
  async handle(call) {
    const { web, principal, body } = call;
    return await inPlace(call, { at: 'reset', kind: body.factor }, async () => {
      await web.countersign.administration.resetFactor(principal, body);
      return redirectReply(`${web.path(PAGE)}?${new URLSearchParams({ userId: body.userId, done: 'reset' })}`);
    });
  },
});

export const userCode = endpoint({
  name: 'userCode',
  summary: 'Issues a one-time code with which a user enrols a factor',
  method: 'POST',
  face: 'page',
  path: '/admin/users/enrolment-code',
  body: z.looseObject({ userId, reason }),
  async handle(call) {
    const { web, request, principal, body } = call;
    return await inPlace(call, { at: 'code' }, async () => {
      // On this reply and nowhere else: it is not kept in a form that could be shown again.
      const issued = await web.countersign.administration.issueEnrolmentCode(principal, body);
      return await usersReply(web, request, principal, body.userId, { issued });
    });
  },
});

export const adminReset = endpoint({
  name: 'adminReset',
  summary: 'Resets a user’s factor',
  method: 'POST',
  face: 'api',
  path: '/admin/users/:userId/reset',
  params: z.object({ userId }),
  body: z.object({ factor: factorId, reason }),
  output: z.object({ userId: z.string(), factor: z.string(), reset: z.literal(true) }),
  errors,
  async handle({ web, principal, params, body }) {
    await web.countersign.administration.resetFactor(principal, { ...body, userId: params.userId });
    return jsonReply(200, { userId: params.userId, factor: body.factor, reset: true });
  },
});

export const adminEnrolmentCode = endpoint({
  name: 'adminEnrolmentCode',
  summary: 'Issues a one-time code with which a user enrols a factor',
  method: 'POST',
  face: 'api',
  path: '/admin/users/:userId/enrolment-code',
  params: z.object({ userId }),
  body: z.object({ reason }),
  output: z.object({ userId: z.string(), code: z.string(), expiresAt: z.iso.datetime() }),
  successes: { 201: 'The code, shown this once' },
  errors,
  async handle({ web, principal, params, body }) {
    const target = { userId: params.userId, reason: body.reason };
    const { code, expiresAt } = await web.countersign.administration.issueEnrolmentCode(principal, target);
    return jsonReply(201, { userId: params.userId, code, expiresAt: expiresAt.toISOString() });
  },
});

export const adminUserFactors = endpoint({
  name: 'adminUserFactors',
  summary: 'Another user’s factors, for administrators',
  method: 'GET',
  face: 'api',
  path: '/admin/users/:userId/factors',
  params: z.object({ userId }),
  output: z.object({
    userId: z.string(),
    factors: z.array(
      z.object({
        factor: z.string(),
        label: z.string(),
        enrolledAt: z.iso.datetime(),
        state: z.enum(['usable', 'disabled', 'altered']),
        capped: z.boolean(),
      }),
    ),
  }),
  errors: ['administrator_required'],
  async handle({ web, principal, params }) {
    const factors = await web.countersign.administration.userFactors(principal, params.userId);
    return jsonReply(200, {
      userId: params.userId,
      factors: factors.map((held) => ({ ...held, enrolledAt: held.enrolledAt.toISOString() })),
    });
  },
});

/** A reason that is too short is asked for again where it was typed; a demand for a proof keeps the form, and leads back to it. */
async function inPlace(
  { web, request, principal, body }: SignedInCall<unknown, unknown, { userId: string; reason: string }>,
  place: { readonly at: 'reset' | 'code'; readonly kind?: string },
  work: () => Promise<WebReply>,
): Promise<WebReply> {
  try {
    return await work();
  } catch (error) {
    const shown = CountersignError.is(error) && error.code === 'input_invalid' && error.details.field === 'reason';
    if (!shown || !wantsPage(request.headers)) throw error;
    const view = { error: { code: error.code, ...place }, typedReason: body.reason };
    return await usersReply(web, request, principal, body.userId, view, error.status);
  }
}

async function usersReply(
  web: Web,
  request: WebRequest,
  principal: SessionPrincipal,
  searched: string,
  view: Pick<UsersPageProps, 'notice' | 'error' | 'issued' | 'typedReason'>,
  status = 200,
): Promise<WebReply> {
  const { administration } = web.countersign;
  await administration.assertAdministrator(principal);
  const factors = searched === '' ? null : await administration.userFactors(principal, searched);
  const page = h(UsersPage, {
    formAction: web.path(PAGE),
    userId: searched,
    user:
      factors === null
        ? undefined
        : {
            factors: factors.map(({ factor, ...held }) => ({ ...held, kind: factor })),
            self: searched === principal.userId,
            resetAction: web.path('/admin/users/reset'),
            codeAction: web.path('/admin/users/enrolment-code'),
          },
    ...view,
  });
  return web.page(request, principal, page, status);
}
