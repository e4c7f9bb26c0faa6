import type { EmergencyGrant, ErrorCode, SessionPrincipal } from '@countersign/core';
import { z } from 'zod';
import { jsonReply } from '../http/web-reply.ts';
import type { Web } from '../web.ts';
import {
  emergencyId,
  emergencyPurpose,
  emergencyText,
  grantPath,
  patientId,
  secondsLeft,
  waitingOrNone,
} from './emergency-input.ts';
import { emergencyRecordSchema, takeRecord } from './emergency-record.ts';
import { endpoint } from './endpoint.ts';
import { reviewCursor, reviewQueue } from './review-queue.ts';

const params = z.object({ id: emergencyId });
const instant = z.iso.datetime();

const grantSchema = z.object({
  id: z.string(),
  userId: z.string(),
  purpose: emergencyPurpose,
  /** When it was asked for. */
  requestedAt: instant,
  patientId: z.string().nullable(),
  /** What the host calls the patient; null where it calls them nothing. */
  patientLabel: z.string().nullable(),
  /** `waiting`: for the approval of a second person; nothing is open until then. */
  status: z.enum(['waiting', 'open', 'ended', 'declined']),
  openedAt: instant,
  endsAt: instant,
  endedAt: instant.nullable(),
  endedBy: z.enum(['time', 'person']).nullable(),
  /** The second person, where it took one. */
  approvedBy: z.string().nullable(),
  /** 0 where it is not open. */
  secondsLeft: z.int(),
  reason: z.string(),
  purposeOfUse: z.string(),
  recipient: z.string().nullable(),
  facility: z.string().nullable(),
  nature: z.string().nullable(),
  /** The earlier access to the same patient that this one opens again. */
  reopens: z.string().nullable(),
  review: z
    .object({ outcome: z.enum(['signed-off', 'escalated']), note: z.string(), by: z.string(), at: instant })
    .nullable(),
  reviewDueAt: instant,
  overdue: z.boolean(),
  /** Its page, with the button that ends it. */
  url: z.string(),
});

async function shownGrant(
  web: Web,
  principal: SessionPrincipal,
  grant: EmergencyGrant,
): Promise<z.output<typeof grantSchema>> {
  const { workspaceId: _, ...shown } = grant;
  return {
    ...shown,
    patientLabel: (await web.patientLabel(principal, grant.patientId)) ?? null,
    requestedAt: grant.requestedAt.toISOString(),
    openedAt: grant.openedAt.toISOString(),
    endsAt: grant.endsAt.toISOString(),
    endedAt: grant.endedAt?.toISOString() ?? null,
    secondsLeft: secondsLeft(web, grant),
    review: grant.review === null ? null : { ...grant.review, at: grant.review.at.toISOString() },
    reviewDueAt: grant.reviewDueAt.toISOString(),
    url: `${web.paths.origin}${grantPath(web, grant.id)}`,
  };
}

const mayNot = ['emergency_unavailable', 'emergency_not_eligible', 'person_required'] as const;
const administrators = ['administrator_required', 'emergency_unavailable', 'not_found'] as const;

const field = z.enum(['required', 'optional']).nullable();

export const emergencyOptions = endpoint({
  name: 'emergencyOptions',
  summary: 'Whether emergency access is available for a patient or purpose, and what it asks for',
  method: 'GET',
  face: 'api',
  path: '/break-glass/options',
  query: z.object({ purpose: emergencyPurpose.default('clinical'), patientId: patientId.optional() }),
  output: z.object({
    available: z.boolean(),
    /** Why not. */
    refusal: z.string().nullable(),
    purposesOfUse: z.array(z.string()),
    fields: z.object({ recipient: field, facility: field, nature: field }),
    windowSeconds: z.int(),
    /** Beyond the bounds, a second person has to approve. */
    needsApproval: z.boolean(),
    open: grantSchema.nullable(),
  }),
  errors: [],
  async handle({ web, principal, query }) {
    const about = {
      purpose: query.purpose,
      patientId: query.purpose === 'clinical' ? (query.patientId ?? null) : null,
    };
    const { purposes: _, open, ...options } = await web.countersign.emergency.options(principal, about);
    return jsonReply(200, { ...options, open: open === null ? null : await shownGrant(web, principal, open) });
  },
});

export const breakGlass = endpoint({
  name: 'breakGlass',
  summary: 'Opens emergency access, or asks a second person to approve it',
  method: 'POST',
  face: 'api',
  path: '/break-glass',
  body: z.object({
    purpose: emergencyPurpose.default('clinical'),
    /** Needed where the purpose is `clinical`. */
    patientId: patientId.nullable().default(null),
    reason: emergencyText.default(''),
    purposeOfUse: z.string().max(64).default(''),
    recipient: emergencyText.optional(),
    facility: emergencyText.optional(),
    nature: emergencyText.optional(),
  }),
  output: grantSchema,
  successes: { 201: 'It is open', 202: 'It waits for the approval of a second person' },
  errors: [...mayNot, 'emergency_review_overdue', 'emergency_reason_insufficient', 'emergency_field_required'],
  async handle({ web, principal, body }) {
    const grant = await web.countersign.emergency.start(principal, body);
    return jsonReply(grant.status === 'open' ? 201 : 202, await shownGrant(web, principal, grant));
  },
});

export const breakGlassOwn = endpoint({
  name: 'breakGlassOwn',
  summary: 'The principal’s own emergency access that is open or waits, and what waits for their approval',
  method: 'GET',
  face: 'api',
  path: '/break-glass',
  output: z.object({ own: z.array(grantSchema), waitingForApproval: z.array(grantSchema) }),
  errors: mayNot,
  async handle({ web, principal }) {
    const own = await web.countersign.emergency.own(principal);
    const waiting = await waitingOrNone(web, principal);
    const shown = (grant: EmergencyGrant) => shownGrant(web, principal, grant);
    return jsonReply(200, {
      own: await Promise.all(own.map(shown)),
      waitingForApproval: await Promise.all(waiting.map(shown)),
    });
  },
});

export const breakGlassFind = endpoint({
  name: 'breakGlassFind',
  summary: 'One emergency access, for its person and for administrators',
  method: 'GET',
  face: 'api',
  path: '/break-glass/:id',
  params,
  output: grantSchema,
  errors: ['emergency_unavailable', 'not_found'],
  handle: async ({ web, principal, params }) =>
    jsonReply(200, await shownGrant(web, principal, await web.countersign.emergency.find(principal, params.id))),
});

const decisionErrors = [...mayNot, 'not_found', 'emergency_ended'] as const satisfies readonly ErrorCode[];

export const breakGlassEnd = endpoint({
  name: 'breakGlassEnd',
  summary: 'Ends emergency access early, or withdraws a request for it',
  method: 'POST',
  face: 'api',
  path: '/break-glass/:id/end',
  params,
  output: grantSchema,
  errors: ['emergency_unavailable', 'not_found', 'emergency_ended'],
  handle: async ({ web, principal, params }) =>
    jsonReply(200, await shownGrant(web, principal, await web.countersign.emergency.end(principal, params.id))),
});

export const breakGlassApprove = endpoint({
  name: 'breakGlassApprove',
  summary: 'Approves somebody else’s emergency access: it opens from now',
  method: 'POST',
  face: 'api',
  path: '/break-glass/:id/approve',
  params,
  output: grantSchema,
  errors: decisionErrors,
  handle: async ({ web, principal, params }) =>
    jsonReply(200, await shownGrant(web, principal, await web.countersign.emergency.approve(principal, params.id))),
});

export const breakGlassDecline = endpoint({
  name: 'breakGlassDecline',
  summary: 'Declines somebody else’s request for emergency access',
  method: 'POST',
  face: 'api',
  path: '/break-glass/:id/decline',
  params,
  body: z.object({ note: emergencyText }),
  output: grantSchema,
  errors: decisionErrors,
  handle: async ({ web, principal, params, body }) =>
    jsonReply(
      200,
      await shownGrant(web, principal, await web.countersign.emergency.decline(principal, params.id, body.note)),
    ),
});

export const breakGlassReview = endpoint({
  name: 'breakGlassReview',
  summary: 'Signs an emergency access off, or escalates it',
  method: 'POST',
  face: 'api',
  path: '/break-glass/:id/review',
  params,
  body: z.object({
    outcome: z.enum(['signed-off', 'escalated'], 'signed-off or escalated is needed'),
    note: emergencyText,
  }),
  output: grantSchema,
  errors: [
    ...administrators,
    'emergency_own_review',
    'emergency_already_reviewed',
    'emergency_still_open',
    'person_required',
  ],
  handle: async ({ web, principal, params, body }) =>
    jsonReply(
      200,
      await shownGrant(web, principal, await web.countersign.emergency.review(principal, params.id, body)),
    ),
});

export const breakGlassQueue = endpoint({
  name: 'breakGlassQueue',
  summary: 'A workspace’s emergency access, for administrators: overdue first where it waits for review',
  method: 'GET',
  face: 'api',
  path: '/admin/break-glass',
  query: z.object({
    state: z
      .enum(['to-review', 'open', 'reviewed', 'all'], 'to-review, open, reviewed or all is needed')
      .default('all'),
    /** `next` of the reply before. */
    before: reviewCursor.optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  }),
  output: z.object({ accesses: z.array(grantSchema), next: z.string().nullable() }),
  errors: ['administrator_required', 'emergency_unavailable'],
  async handle({ web, principal, query }) {
    const { state, before, limit } = query;
    await web.countersign.administration.assertAdministrator(principal);
    const { grants, next } = await reviewQueue(web, principal, { state, limit, before });
    const accesses = await Promise.all(grants.map((grant) => shownGrant(web, principal, grant)));
    return jsonReply(200, { accesses, next });
  },
});

export const breakGlassRecord = endpoint({
  name: 'breakGlassRecord',
  summary: 'What was opened in an emergency, as a record for the patient',
  method: 'GET',
  face: 'api',
  path: '/break-glass/:id/record',
  params,
  output: emergencyRecordSchema,
  errors: administrators,
  handle: async ({ web, principal, params }) => jsonReply(200, await takeRecord(web, principal, params.id, 'json')),
});
