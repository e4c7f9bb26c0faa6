import { z } from 'zod';
import { type CalendarDay, dayOf } from '../records/calendar-day.ts';

const day = z.iso.date().refine((value) => value >= '1900-01-01' && value <= '2100-12-31');
const query = z.object({ date: day.optional() });

/** The day that `?date=YYYY-MM-DD` asks for, today where it is absent, null where it is no such day. */
export function requestedDay(given: unknown, now: Date): CalendarDay | null {
  const parsed = query.safeParse(given);
  return parsed.success ? (parsed.data.date ?? dayOf(now)) : null;
}
