import { z } from 'zod';
import { addDays, startOfDay } from '../records/calendar-day.ts';
import type { AppointmentQuery } from '../records/repository.ts';

export interface AppointmentSearch {
  readonly query: AppointmentQuery;
  readonly count: number;
  readonly offset: number;
  /** The parameters that were understood, for the self link; others are ignored, as FHIR allows. */
  readonly understood: readonly (readonly [string, string])[];
}

const several = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (Array.isArray(value) ? value : [value]));
const parameters = z.object({
  date: several.default([]),
  patient: z
    .string()
    .regex(/^(Patient\/)?[A-Za-z0-9.-]{1,64}$/)
    .optional(),
  _count: z
    .string()
    .regex(/^\d{1,4}$/)
    .transform(Number)
    .pipe(z.int().min(1).max(200))
    .default(50),
  _offset: z
    .string()
    .regex(/^\d{1,6}$/)
    .transform(Number)
    .default(0),
});
const dateValue = /^(eq|ge|gt|le|lt|sa|eb)?(\d{4}-\d{2}-\d{2})(T.+)?$/;
const dateTime = z.iso.datetime({ offset: true });

/** Reads `date` (with prefixes, repeatable), `patient`, `_count` and `_offset`; or names the parameter that is wrong. */
export function parseAppointmentSearch(given: unknown): AppointmentSearch | { readonly wrong: string } {
  const parsed = parameters.safeParse(given);
  if (!parsed.success) return { wrong: String(parsed.error.issues[0]?.path[0]) };
  const { date, patient, _count: count, _offset: offset } = parsed.data;
  let from: Date | undefined;
  let until: Date | undefined;
  for (const value of date) {
    const range = parseDate(value);
    if (range === null) return { wrong: 'date' };
    if (range.from !== undefined && (from === undefined || range.from > from)) from = range.from;
    if (range.until !== undefined && (until === undefined || range.until < until)) until = range.until;
  }
  const understood: [string, string][] = date.map((value) => ['date', value]);
  if (patient !== undefined) understood.push(['patient', patient]);
  return { query: { from, until, patientId: patient?.replace(/^Patient\//, '') }, count, offset, understood };
}

/** A FHIR search value stands for a range: a day for its 24 hours, an instant for its second (R4 search, 3.1.1.4.7). */
function parseDate(value: string): { readonly from?: Date; readonly until?: Date } | null {
  const [, prefix = 'eq', day, time] = dateValue.exec(value) ?? [];
  if (day === undefined || !z.iso.date().safeParse(day).success) return null;
  let start = startOfDay(day);
  let end = startOfDay(addDays(day, 1));
  if (time !== undefined) {
    if (!dateTime.safeParse(`${day}${time}`).success) return null;
    start = new Date(`${day}${time}`);
    end = new Date(start.getTime() + 1000);
  }
  switch (prefix) {
    case 'ge':
      return { from: start };
    case 'gt':
    case 'sa':
      return { from: end };
    case 'le':
      return { until: end };
    case 'lt':
    case 'eb':
      return { until: start };
    default:
      return { from: start, until: end };
  }
}
