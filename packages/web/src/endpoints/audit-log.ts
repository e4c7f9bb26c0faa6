import { type AuditRecord, auditCodes } from '@countersign/core';
import { TZDate } from '@date-fns/tz';
import { h } from 'preact';
import { z } from 'zod';
import { AuditPage, type AuditRow } from '../pages/pages.ts';
import type { Web } from '../web.ts';
import { endpoint } from './endpoint.ts';

export const auditPage = endpoint({
  name: 'auditPage',
  summary: 'A workspace’s audit log',
  method: 'GET',
  face: 'page',
  path: '/admin/audit',
  query: z.object({
    from: z.string().max(20).catch('').default(''),
    until: z.string().max(20).catch('').default(''),
    userId: z.string().max(256).catch('').default(''),
    patientId: z.string().max(256).catch('').default(''),
    code: z.string().max(64).catch('').default(''),
    before: z.string().max(80).optional().catch(undefined),
  }),
  async handle({ web, request, principal, query }) {
    const { before, ...values } = query;
    const { timeZone } = web.options;
    const from = startOfDay(values.from, timeZone);
    const until = startOfDay(values.until, timeZone, 1);
    const errors = {
      ...(from === null ? { from: 'not_a_date' as const } : {}),
      ...(until === null
        ? { until: 'not_a_date' as const }
        : typeof from === 'number' && typeof until === 'number' && until <= from
          ? { until: 'until_before_from' as const }
          : {}),
    };
    const cursor = before === undefined ? null : /^(\d{1,15})~([0-9a-f-]{36})$/.exec(before);
    const wrong = Object.keys(errors).length > 0;
    await web.countersign.administration.assertAdministrator(principal);
    const events = wrong
      ? []
      : await web.countersign.administration.auditEvents(principal, {
          limit: AUDIT_ROWS + 1,
          ...(typeof from === 'number' ? { from } : {}),
          ...(typeof until === 'number' ? { until } : {}),
          ...(values.userId === '' ? {} : { userId: values.userId }),
          ...(values.patientId === '' ? {} : { patientId: values.patientId }),
          ...(values.code === '' ? {} : { codes: [values.code] }),
          ...(cursor?.[1] === undefined || cursor[2] === undefined
            ? {}
            : { before: { at: Number(cursor[1]), id: cursor[2] } }),
        });
    const rows = events.slice(0, AUDIT_ROWS);
    const last = events.length > AUDIT_ROWS ? rows.at(-1) : undefined;
    const formAction = web.path('/admin/audit');
    const filtered = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== ''));
    const page = h(AuditPage, {
      filter: { formAction, values, errors, codes: auditCodes },
      rows: rows.map((event) => auditRow(web, event)),
      olderHref:
        last === undefined
          ? undefined
          : `${formAction}?${new URLSearchParams([...filtered, ['before', `${last.at}~${last.id}`]])}`,
      newestHref: before === undefined ? undefined : `${formAction}?${filtered}`,
    });
    return web.page(request, principal, page, wrong ? 422 : 200);
  },
});

const AUDIT_ROWS = 100;

/** Where a day begins in the zone that the list is shown in, or the day after it; undefined for empty text, null for what is no date. */
function startOfDay(text: string, timeZone: string, daysLater = 0): number | null | undefined {
  if (text === '') return undefined;
  const parsed = z.iso.date().safeParse(text);
  if (!parsed.success) return null;
  const [year = 0, month = 1, day = 1] = parsed.data.split('-').map(Number);
  return new TZDate(year, month - 1, day + daysLater, timeZone).getTime();
}

function auditRow(web: Web, event: AuditRecord): AuditRow {
  const declared = web.countersign.configuration.categories;
  const categories =
    event.categories === null ? [] : event.categories.split(',').map((id) => declared.get(id)?.name ?? id);
  const { id, code, outcome, action, factor, reason } = event;
  return {
    id,
    at: new Date(event.at),
    code,
    outcome,
    user: event.userId,
    actor: event.actorId,
    patient: event.patientId,
    categories,
    action,
    factor,
    reason,
  };
}
