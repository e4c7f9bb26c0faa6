import { type AuditRecord, auditRecordJson, type PatientReport } from '@countersign/core';
import { h } from 'preact';
import { z } from 'zod';
import { jsonReply } from '../http/web-reply.ts';
import { type PatientAccessRow, PatientReportPage } from '../pages/pages.ts';
import type { Web } from '../web.ts';
import { auditErrors, auditEventJson } from './audit-api.ts';
import {
  auditApiQuery,
  auditFilterQuery,
  categoryNames,
  queryOf,
  readAuditFilter,
  readAuditQuery,
} from './audit-input.ts';
import { AUDIT_PATH } from './audit-log.ts';
import { endpoint } from './endpoint.ts';

const PATH = `${AUDIT_PATH}/patient`;

export const patientReportPage = endpoint({
  name: 'patientReportPage',
  summary: 'Who opened a patient’s records, to be read and printed',
  method: 'GET',
  face: 'page',
  path: PATH,
  query: auditFilterQuery.pick({ patientId: true, from: true, until: true }),
  async handle({ web, request, principal, query: values }) {
    const { administration } = web.countersign;
    await administration.assertAdministrator(principal);
    const { asked, errors } = readAuditFilter(web, values);
    const wrong = Object.keys(errors).length > 0;
    const { patientId } = values;
    const read =
      wrong || patientId === '' ? null : await administration.patientReport(principal, { ...asked, patientId });
    const report = read === null ? undefined : reportProps(web, read);
    const listHref = web.path(AUDIT_PATH);
    const page = h(PatientReportPage, { formAction: web.path(PATH), values, errors, listHref, report });
    return web.page(request, principal, page, wrong ? 422 : 200);
  },
});

function reportProps(web: Web, { patientId, people, accesses, more }: PatientReport) {
  return {
    people: people.map(({ userId: user, actorId: actor, ...counts }) => ({ user, actor, ...counts })),
    accesses: accesses.map((event) => accessRow(web, event)),
    more,
    allHref: `${web.path(AUDIT_PATH)}${queryOf({ patientId })}`,
  };
}

function accessRow(web: Web, event: AuditRecord): PatientAccessRow {
  const { id, reason: rule, action, route } = event;
  return {
    id,
    href: web.path(`${AUDIT_PATH}/events/${id}`),
    at: new Date(event.at),
    user: event.userId,
    actor: event.actorId,
    action,
    categories: categoryNames(web, event.categories),
    route,
    basis: basisOf(event),
    rule,
  };
}

/** What an access was allowed by, in a word; null: by what this release does not know. */
export function basisOf({ code, reason }: Pick<AuditRecord, 'code' | 'reason'>): PatientAccessRow['basis'] {
  if (code === 'EMERGENCY_ACCESS_STARTED') return 'started';
  if (code === 'EMERGENCY_ACCESS_ENDED') return 'ended';
  if (code === 'EXEMPTION_APPLIED') return 'exemption';
  const known = ['proof', 'one-shot', 'emergency-access', 'listed'] as const;
  return known.find((basis) => basis === reason) ?? null;
}

export const patientReportRead = endpoint({
  name: 'patientReportRead',
  summary: 'Who opened a patient’s records, when and under which basis; reading it is audited',
  method: 'GET',
  face: 'api',
  path: PATH,
  query: auditApiQuery.pick({ from: true, until: true }).extend({
    patientId: z
      .string('a patient is needed')
      .min(1, 'a patient is needed')
      .max(256, 'a patient’s id is shorter')
      .regex(/^[^\0]*$/, 'a NUL is in no event'),
  }),
  output: z.object({
    patientId: z.string(),
    people: z.array(
      z.object({
        userId: z.string().nullable(),
        actorId: z.string().nullable(),
        accesses: z.int(),
        emergency: z.int(),
        first: z.iso.datetime(),
        last: z.iso.datetime(),
      }),
    ),
    /** Newest first. */
    accesses: z.array(auditEventJson.extend({ basis: z.string().nullable() })),
    /** There are older ones: ask for a shorter period. */
    more: z.boolean(),
  }),
  errors: auditErrors,
  async handle({ web, principal, query }) {
    const { patientId, ...period } = query;
    const report = await web.countersign.administration.patientReport(principal, {
      ...readAuditQuery(period),
      patientId,
    });
    return jsonReply(200, {
      patientId,
      people: report.people.map(({ first, last, ...person }) => ({
        ...person,
        first: first.toISOString(),
        last: last.toISOString(),
      })),
      accesses: report.accesses.map((event) => ({ ...auditRecordJson(event), basis: basisOf(event) })),
      more: report.more,
    });
  },
});
