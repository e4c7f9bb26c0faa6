import {
  type AuditPage as AuditFound,
  type AuditRecord,
  auditRecordJson,
  CountersignError,
  proofJson,
} from '@countersign/core';
import { h } from 'preact';
import { z } from 'zod';
import { NO_STORE } from '../http/web-reply.ts';
import { AuditEventPage, type AuditEventProof, AuditPage, type AuditRow, type auditColumns } from '../pages/pages.ts';
import type { Web } from '../web.ts';
import { auditFilterProps, auditFilterQuery, categoryNames, queryOf, readAuditFilter } from './audit-input.ts';
import { endpoint, type SignedInCall } from './endpoint.ts';

export const AUDIT_PATH = '/admin/audit';
const ROWS = 100;

export const auditPage = endpoint({
  name: 'auditPage',
  summary: 'A workspace’s audit log',
  method: 'GET',
  face: 'page',
  path: AUDIT_PATH,
  query: auditFilterQuery.extend({ cursor: z.string().max(80).optional().catch(undefined) }),
  async handle({ web, request, principal, query }) {
    const { cursor, ...values } = query;
    const { asked, errors } = readAuditFilter(web, values);
    await web.countersign.administration.assertAdministrator(principal);
    const wrong = Object.keys(errors).length > 0;
    const found = wrong ? NOTHING : await search(web, principal, { ...asked, limit: ROWS }, cursor);
    const formAction = web.path(AUDIT_PATH);
    const here = (changes: object) => `${formAction}${queryOf({ ...values, ...changes })}`;
    const href = (next: string | null) => (next === null ? undefined : here({ cursor: next }));
    const sorted = asked.sort ?? { field: 'at', descending: true };
    const shownErrors = found === 'too-wide' ? { ...errors, sort: 'too_wide' as const } : errors;
    const page = found === 'too-wide' ? NOTHING : found;
    const props = {
      filter: { formAction, ...auditFilterProps(web, values, shownErrors) },
      rows: page.events.map((event) => auditRow(web, event)),
      sorted,
      sortHref: (field: (typeof auditColumns)[number]) => here(sortedBy(field, sorted)),
      nextHref: href(page.next),
      previousHref: href(page.previous),
      firstHref: cursor === undefined ? undefined : here({}),
      lookedUntil: page.lookedUntil ?? undefined,
      exportHref: wrong ? undefined : `${web.path(`${AUDIT_PATH}/export`)}${queryOf(values)}`,
      reportHref:
        values.patientId === ''
          ? undefined
          : `${web.path(`${AUDIT_PATH}/patient`)}${queryOf({ patientId: values.patientId, from: values.from, until: values.until })}`,
    };
    return web.page(request, principal, h(AuditPage, props), Object.keys(shownErrors).length > 0 ? 422 : 200);
  },
});

const NOTHING: AuditFound = { events: [], next: null, previous: null, lookedUntil: null };

/** A place that is none is the beginning; a search too wide for its order is said beside the order. */
async function search(
  web: Web,
  principal: SignedInCall<unknown, unknown, unknown>['principal'],
  asked: Parameters<Web['countersign']['administration']['searchAudit']>[1],
  cursor: string | undefined,
): Promise<AuditFound | 'too-wide'> {
  const { administration } = web.countersign;
  try {
    return await administration.searchAudit(principal, { ...asked, ...(cursor === undefined ? {} : { cursor }) });
  } catch (error) {
    if (!CountersignError.is(error)) throw error;
    if (error.code === 'audit_sort_too_wide') return 'too-wide';
    if (error.code === 'input_invalid' && error.details.field === 'cursor' && cursor !== undefined)
      return await search(web, principal, asked, undefined);
    throw error;
  }
}

/** Another column first, time with the newest first; the same column the other way round. */
function sortedBy(
  field: (typeof auditColumns)[number],
  sorted: { readonly field: string; readonly descending: boolean },
) {
  const descending = field === sorted.field ? !sorted.descending : field === 'at';
  return { sort: field === 'at' ? '' : field, order: descending ? '' : 'ascending' };
}

function auditRow(web: Web, event: AuditRecord): AuditRow {
  const { id, code, outcome, action, factor, reason } = event;
  return {
    id,
    href: web.path(`${AUDIT_PATH}/events/${id}`),
    at: new Date(event.at),
    code,
    outcome,
    user: event.userId,
    actor: event.actorId,
    patient: event.patientId,
    categories: categoryNames(web, event.categories),
    action,
    factor,
    reason,
  };
}

const eventId = z.object({ id: z.string().max(64) });

export const auditEventPage = endpoint({
  name: 'auditEventPage',
  summary: 'One event of the audit log, with the proof that it is in it',
  method: 'GET',
  face: 'page',
  path: `${AUDIT_PATH}/events/:id`,
  params: eventId,
  async handle({ web, request, principal, params }) {
    const event = await web.countersign.administration.auditEvent(principal, params.id);
    const { emergencyAccessId } = event;
    const fields = Object.entries(auditRecordJson(event)).map(([name, value]) => [
      name,
      name === 'details' ? indented(event.details) : value === null ? null : String(value),
    ]);
    const page = h(AuditEventPage, {
      at: new Date(event.at),
      code: event.code,
      fields: Object.fromEntries(fields),
      proof: await proofOf(web, principal, event.id),
      listHref: web.path(AUDIT_PATH),
      emergencyHref:
        emergencyAccessId === null ? undefined : `${web.path(AUDIT_PATH)}${queryOf({ emergencyAccessId })}`,
    });
    return web.page(request, principal, page);
  },
});

export const auditProofFile = endpoint({
  name: 'auditProofFile',
  summary: 'The proof that an event is in the sealed log, as a file',
  method: 'GET',
  face: 'page',
  path: `${AUDIT_PATH}/events/:id/proof`,
  params: eventId,
  async handle({ web, principal, params }) {
    const proof = await web.countersign.administration.inclusionProof(principal, params.id);
    if (proof === null) throw new CountersignError('not_found');
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'content-disposition': `attachment; filename="audit-proof-${proof.event.id}.json"`,
      'cache-control': NO_STORE,
      'x-content-type-options': 'nosniff',
    };
    return { status: 200, headers, body: proofJson(proof) };
  },
});

async function proofOf(
  web: Web,
  principal: SignedInCall<unknown, unknown, unknown>['principal'],
  id: string,
): Promise<AuditEventProof> {
  try {
    const proof = await web.countersign.administration.inclusionProof(principal, id);
    if (proof === null) return { state: 'not-sealed' };
    return {
      state: 'sealed',
      leaf: proof.leafIndex + 1,
      size: proof.treeSize,
      checkpoint: proof.checkpoint,
      json: proofJson(proof),
      downloadHref: web.path(`${AUDIT_PATH}/events/${id}/proof`),
    };
  } catch (error) {
    if (CountersignError.is(error) && error.code === 'audit_proof_invalid') return { state: 'unproven' };
    throw error;
  }
}

/** Details are JSON text: with a line for each member. */
function indented(details: string | null): string | null {
  try {
    return details === null ? null : JSON.stringify(JSON.parse(details), null, 2);
  } catch {
    return details;
  }
}
