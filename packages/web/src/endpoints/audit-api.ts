import { type AuditRecord, type AuditRecordJson, auditRecordJson, type ErrorCode, proofJson } from '@countersign/core';
import { z } from 'zod';
import { jsonReply } from '../http/web-reply.ts';
import { auditApiQuery, auditOutcomes, readAuditQuery } from './audit-input.ts';
import { AUDIT_PATH } from './audit-log.ts';
import { endpoint } from './endpoint.ts';

const text = z.string().nullable();

/** Every recorded field. A later release may have codes that this one's clients do not know. */
export const auditEventJson = z.object({
  id: z.string(),
  at: z.iso.datetime(),
  code: z.string(),
  outcome: z.enum(auditOutcomes),
  workspaceId: text,
  userId: text,
  actorId: text,
  session: text,
  patientId: text,
  categories: text,
  action: text,
  method: text,
  route: text,
  factor: text,
  reason: text,
  challengeId: text,
  emergencyAccessId: text,
  ip: text,
  userAgent: text,
  requestId: text,
  details: text,
  stream: z.string(),
  index: z.int(),
  hash: z.string().describe('Hex'),
}) satisfies z.ZodType<Omit<AuditRecordJson, 'code'>>;

export const auditErrors = ['administrator_required', 'input_invalid'] as const satisfies readonly ErrorCode[];

const limit = z.coerce
  .number('a whole number from 1 to 1,000 is needed')
  .int('a whole number is needed')
  .min(1, 'at least 1 is needed')
  .max(1000, 'at most 1,000 are given at once');

export const auditList = endpoint({
  name: 'auditList',
  summary: 'Events of a workspace’s audit log, by any criteria and in any order',
  method: 'GET',
  face: 'api',
  path: AUDIT_PATH,
  query: auditApiQuery.extend({
    limit: limit.default(100),
    /** `next` or `previous` of a reply. */
    cursor: z.string().max(80, 'a cursor is shorter').optional(),
  }),
  output: z.object({
    events: z.array(auditEventJson),
    /** Sent back as `cursor`; null: there is nothing further. */
    next: text,
    previous: text,
    /** How far was searched, where that was too much for one reply: go on with `next`. */
    lookedUntil: z.iso.datetime().nullable(),
  }),
  errors: [...auditErrors, 'audit_sort_too_wide'],
  async handle({ web, principal, query }) {
    const { limit: most, cursor, ...asked } = query;
    const page = await web.countersign.administration.searchAudit(principal, {
      ...readAuditQuery(asked),
      limit: most,
      ...(cursor === undefined ? {} : { cursor }),
    });
    return jsonReply(200, {
      events: page.events.map(eventJson),
      next: page.next,
      previous: page.previous,
      lookedUntil: page.lookedUntil?.toISOString() ?? null,
    });
  },
});

export const auditEventRead = endpoint({
  name: 'auditEventRead',
  summary: 'One event of the audit log, with the proof that it is in the sealed log',
  method: 'GET',
  face: 'api',
  path: `${AUDIT_PATH}/events/:id`,
  params: z.object({ id: z.string().max(64) }),
  output: z.object({
    event: auditEventJson,
    /** Null: not sealed yet, which lasts about a second. Checked by `countersign audit`, or as the audit format says. */
    proof: z.looseObject({ leafIndex: z.int(), treeSize: z.int(), checkpoint: z.string() }).nullable(),
  }),
  errors: ['administrator_required', 'not_found', 'audit_proof_invalid'],
  async handle({ web, principal, params }) {
    const { administration } = web.countersign;
    const event = await administration.auditEvent(principal, params.id);
    const proof = await administration.inclusionProof(principal, params.id);
    return jsonReply(200, { event: eventJson(event), proof: proof === null ? null : JSON.parse(proofJson(proof)) });
  },
});

export const eventJson = (event: AuditRecord): AuditRecordJson => auditRecordJson(event);
