import { CountersignError, type EmergencyGrant, type SessionPrincipal } from '@countersign/core';
import { h } from 'preact';
import { z } from 'zod';
import { jsonReply, NO_STORE, redirectReply, type WebReply } from '../http/web-reply.ts';
import type { WebRequest } from '../http/web-request.ts';
import { EmergencyRecordPage, ReviewPage, type ReviewPageProps, ReviewsPage, reviewStates } from '../pages/pages.ts';
import { textFor } from '../strings/format.ts';
import type { Web } from '../web.ts';
import { endUnlessEnded } from './emergency-grant.ts';
import { emergencyId, emergencyText, secondsLeft } from './emergency-input.ts';
import { accessRows, type EmergencyRecord, recordCsv, takeRecord } from './emergency-record.ts';
import { endpoint } from './endpoint.ts';
import { reviewCursor, reviewQueue } from './review-queue.ts';

const PAGE = '/admin/reviews';
const ROWS = 50;
const params = z.object({ id: emergencyId });
const pathOf = (web: Web, id: string): string => web.path(`${PAGE}/${id}`);

export const reviewsPage = endpoint({
  name: 'reviewsPage',
  summary: 'Emergency access to review, open now, and reviewed, for administrators',
  method: 'GET',
  face: 'page',
  path: PAGE,
  query: z.object({
    state: z.enum(reviewStates).catch('to-review').default('to-review'),
    before: reviewCursor.optional().catch(undefined),
  }),
  async handle({ web, request, principal, query }) {
    const { state, before } = query;
    await web.countersign.administration.assertAdministrator(principal);
    const { grants, next } = await reviewQueue(web, principal, { state, limit: ROWS, before });
    const href = (one: string) => `${web.path(PAGE)}?state=${one}`;
    const entries = await Promise.all(
      grants.map(async (grant) => ({
        grant,
        patientLabel: await web.patientLabel(principal, grant.patientId),
        href: pathOf(web, grant.id),
        secondsLeft: secondsLeft(web, grant),
      })),
    );
    const page = h(ReviewsPage, {
      state,
      hrefs: { 'to-review': href('to-review'), open: href('open'), reviewed: href('reviewed') },
      entries,
      olderHref: next === null ? undefined : `${href(state)}&before=${next}`,
    });
    return web.page(request, principal, page);
  },
});

export const reviewPage = endpoint({
  name: 'reviewPage',
  summary: 'One emergency access with everything opened under it, for its reviewer',
  method: 'GET',
  face: 'page',
  path: `${PAGE}/:id`,
  params,
  query: z.object({ done: z.enum(['reviewed', 'ended']).optional().catch(undefined) }),
  async handle(call) {
    const { web, principal, params, query } = call;
    const grant = await found(web, principal, params.id);
    return await reviewReply(call, grant, query.done === undefined ? {} : { notice: query.done });
  },
});

export const reviewSave = endpoint({
  name: 'reviewSave',
  summary: 'Signs an emergency access off, or escalates it',
  method: 'POST',
  face: 'page',
  path: `${PAGE}/:id`,
  params,
  body: z.looseObject({
    outcome: z.string().max(64).catch('').default(''),
    note: emergencyText.catch('').default(''),
  }),
  async handle(call) {
    const { web, request, principal, params, body } = call;
    const { outcome, note } = body;
    const { errors, emergency: texts } = web.strings(request);
    const { detail } = web.strings(request).reviews;
    const again = async (field: 'outcome' | 'note' | null, text: string, status: number) =>
      await reviewReply(
        call,
        await found(web, principal, params.id),
        { refused: { outcome, note, field, text } },
        status,
      );
    if (outcome !== 'signed-off' && outcome !== 'escalated') return await again('outcome', texts.chooseOne, 422);
    try {
      await web.countersign.emergency.review(principal, params.id, { outcome, note });
    } catch (error) {
      if (!CountersignError.is(error)) throw error;
      if (error.code === 'input_invalid') return await again('note', detail.noteWrong, error.status);
      const shown = ['emergency_already_reviewed', 'emergency_own_review', 'emergency_still_open'].includes(error.code);
      if (!shown) throw error;
      return await again(null, textFor(errors, error.code, errors.internal), error.status);
    }
    return redirectReply(`${pathOf(web, params.id)}?done=reviewed`);
  },
});

export const reviewEnd = endpoint({
  name: 'reviewEnd',
  summary: 'Ends somebody’s emergency access early, as an administrator',
  method: 'POST',
  face: 'page',
  path: `${PAGE}/:id/end`,
  params,
  async handle({ web, principal, params }) {
    await web.countersign.administration.assertAdministrator(principal);
    await endUnlessEnded(web, principal, params.id);
    return redirectReply(`${pathOf(web, params.id)}?done=ended`);
  },
});

export const reviewRecord = endpoint({
  name: 'reviewRecord',
  summary: 'What was opened in an emergency, as a record for the patient: a page to print, CSV or JSON',
  method: 'GET',
  face: 'page',
  path: `${PAGE}/:id/record`,
  params,
  query: z.object({ format: z.enum(['csv', 'json']).optional().catch(undefined) }),
  async handle({ web, request, principal, params, query }) {
    const { id } = params;
    const { format } = query;
    const record = await takeRecord(web, principal, id, format ?? 'page');
    if (format !== undefined) return download(id, format, record);
    const here = `${pathOf(web, id)}/record`;
    const page = h(EmergencyRecordPage, {
      record,
      patientLabel: await web.patientLabel(principal, record.patientId),
      backHref: pathOf(web, id),
      csvHref: `${here}?format=csv`,
      jsonHref: `${here}?format=json`,
    });
    return web.page(request, principal, page);
  },
});

function download(id: string, format: 'csv' | 'json', record: EmergencyRecord): WebReply {
  const disposition = { 'content-disposition': `attachment; filename="emergency-access-${id}.${format}"` };
  if (format === 'json') {
    const reply = jsonReply(200, record);
    return { ...reply, headers: { ...reply.headers, ...disposition } };
  }
  return {
    status: 200,
    headers: { 'content-type': 'text/csv; charset=utf-8', 'cache-control': NO_STORE, ...disposition },
    body: recordCsv(record),
  };
}

const isOpened = ({ status }: EmergencyGrant): boolean => status === 'open' || status === 'ended';

/** For administrators only: the person's own page is another one. */
async function found(web: Web, principal: SessionPrincipal, id: string): Promise<EmergencyGrant> {
  await web.countersign.administration.assertAdministrator(principal);
  return await web.countersign.emergency.find(principal, id);
}

async function reviewReply(
  {
    web,
    request,
    principal,
  }: { readonly web: Web; readonly request: WebRequest; readonly principal: SessionPrincipal },
  grant: EmergencyGrant,
  shown: Pick<ReviewPageProps, 'notice' | 'refused'>,
  status = 200,
): Promise<WebReply> {
  const page = h(ReviewPage, {
    grant,
    patientLabel: await web.patientLabel(principal, grant.patientId),
    accesses: await accessRows(web, principal, grant.id),
    own: grant.userId === principal.userId,
    reviewAction: pathOf(web, grant.id),
    endAction: `${pathOf(web, grant.id)}/end`,
    recordHref: isOpened(grant) && grant.patientId !== null ? `${pathOf(web, grant.id)}/record` : undefined,
    queueHref: web.path(PAGE),
    earlierHref: grant.reopens === null ? undefined : pathOf(web, grant.reopens),
    ...shown,
  });
  return web.page(request, principal, page, status);
}
