import {
  type AuditExamination,
  type AuditOutcome,
  type AuditSortField,
  auditCodes,
  auditSortFields,
  CountersignError,
} from '@countersign/core';
import { TZDate } from '@date-fns/tz';
import { z } from 'zod';
import type { AuditFilterErrors, AuditFilterProps, AuditFilterValues } from '../pages/pages.ts';
import type { Web } from '../web.ts';

export const auditOutcomes = ['success', 'failure', 'refused'] as const satisfies readonly AuditOutcome[];

/** No database holds a NUL in a text: whoever looks for one finds nothing. */
const typed = (longest: number) =>
  z
    .string()
    .trim()
    .max(longest)
    .regex(/^[^\0]*$/)
    .catch('')
    .default('');
const exact = (longest: number) =>
  z
    .string()
    .max(longest, `at most ${longest} characters are allowed`)
    .regex(/^[^\0]*$/, 'a NUL is in no event');

/** What the pages' filter sends. Nothing in it is refused: what is not understood is said beside its field, or asks nothing. */
export const auditFilterQuery = z.object({
  from: typed(20),
  until: typed(20),
  userId: typed(256),
  patientId: typed(256),
  category: typed(64),
  code: typed(64),
  outcome: z
    .enum(['', ...auditOutcomes])
    .catch('')
    .default(''),
  emergencyAccessId: typed(64),
  sort: z
    .enum(['', ...auditSortFields])
    .catch('')
    .default(''),
  order: z.enum(['', 'ascending']).catch('').default(''),
});

/** The same of programs. */
export const auditApiQuery = z.object({
  from: z.iso.datetime({ offset: true, error: 'an instant is needed, such as 2026-01-31T00:00:00Z' }).optional(),
  until: z.iso.datetime({ offset: true, error: 'an instant is needed, such as 2026-01-31T00:00:00Z' }).optional(),
  /** Also as the real person behind an impersonation. */
  userId: exact(256).optional(),
  patientId: exact(256).optional(),
  category: exact(64).optional(),
  code: z.enum(auditCodes, 'an event code is needed').optional(),
  outcome: z.enum(auditOutcomes, 'success, failure or refused is needed').optional(),
  emergencyAccessId: exact(64).optional(),
  sort: z.enum(auditSortFields, 'a field of an event is needed').optional(),
  order: z.enum(['ascending', 'descending'], 'ascending or descending is needed').optional(),
});

/** A filter of the pages as criteria, with what is wrong in it. */
export function readAuditFilter(
  web: Web,
  values: Partial<AuditFilterValues>,
): { readonly asked: AuditExamination; readonly errors: AuditFilterErrors } {
  const { timeZone } = web.options;
  const from = startOfDay(values.from ?? '', timeZone);
  const until = startOfDay(values.until ?? '', timeZone, 1);
  const errors: AuditFilterErrors = {
    ...(from === null ? { from: 'not_a_date' } : {}),
    ...(until === null
      ? { until: 'not_a_date' }
      : typeof from === 'number' && typeof until === 'number' && until <= from
        ? { until: 'until_before_from' }
        : {}),
  };
  const asked = criteriaOf({
    ...values,
    from: from ?? undefined,
    until: until ?? undefined,
    sort: (values.sort || undefined) as AuditSortField | undefined,
    outcome: (values.outcome || undefined) as AuditOutcome | undefined,
  });
  return { asked, errors };
}

/** The same of programs. */
export function readAuditQuery(query: z.output<typeof auditApiQuery>): AuditExamination {
  const { from, until, ...rest } = query;
  return criteriaOf({ ...rest, from: instantOf('from', from), until: instantOf('until', until) });
}

interface Asked {
  readonly from: number | undefined;
  readonly until: number | undefined;
  readonly userId?: string | undefined;
  readonly patientId?: string | undefined;
  readonly category?: string | undefined;
  readonly code?: string | undefined;
  readonly outcome?: AuditOutcome | undefined;
  readonly emergencyAccessId?: string | undefined;
  readonly sort?: AuditSortField | undefined;
  readonly order?: string | undefined;
}

function criteriaOf({ from, until, userId, code, sort, order, ...rest }: Asked): AuditExamination {
  const { patientId, category, outcome, emergencyAccessId } = rest;
  return {
    ...(from === undefined ? {} : { from }),
    ...(until === undefined ? {} : { until }),
    ...(userId ? { person: userId } : {}),
    ...(patientId ? { patientId } : {}),
    ...(category ? { category } : {}),
    ...(code ? { codes: [code] } : {}),
    ...(outcome ? { outcome } : {}),
    ...(emergencyAccessId ? { emergencyAccessId } : {}),
    ...(sort || order ? { sort: { field: sort ?? 'at', descending: order !== 'ascending' } } : {}),
  };
}

/** What the filter offers to choose from. */
export function auditFilterProps(
  web: Web,
  values: AuditFilterValues,
  errors: AuditFilterErrors,
): Omit<AuditFilterProps, 'formAction'> {
  const categories = [...web.countersign.configuration.categories.values()].map(({ id, name }) => ({ id, name }));
  return { values, errors, codes: auditCodes, categories, outcomes: auditOutcomes, sortFields: auditSortFields };
}

/** A query without what is empty. */
export const queryOf = (values: object): string => {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== '' && value !== undefined));
  return query.size === 0 ? '' : `?${query}`;
};

/** Category names; ids that are no longer declared as they are. */
export function categoryNames(web: Web, categories: string | null): string[] {
  const declared = web.countersign.configuration.categories;
  return categories === null ? [] : categories.split(',').map((id) => declared.get(id)?.name ?? id);
}

/** Where a day begins in the zone that the list is shown in, or the day after it; undefined for empty text, null for what is no date. */
function startOfDay(text: string, timeZone: string, daysLater = 0): number | null | undefined {
  if (text === '') return undefined;
  const parsed = z.iso.date().safeParse(text);
  if (!parsed.success) return null;
  const [year = 0, month = 1, day = 1] = parsed.data.split('-').map(Number);
  return new TZDate(year, month - 1, day + daysLater, timeZone).getTime();
}

function instantOf(field: 'from' | 'until', text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new CountersignError('input_invalid', { field, detail: `${field}: is no instant.` });
  return at;
}
