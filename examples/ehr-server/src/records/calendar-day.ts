/** A day of the clinic's calendar as `YYYY-MM-DD`. The clinic lives in UTC, and its pages say so. */
export type CalendarDay = string;

const millisecondsPerDay = 86_400_000;

export function dayOf(instant: Date): CalendarDay {
  return instant.toISOString().slice(0, 10);
}

export function startOfDay(day: CalendarDay): Date {
  return new Date(`${day}T00:00:00Z`);
}

export function addDays(day: CalendarDay, days: number): CalendarDay {
  return dayOf(new Date(startOfDay(day).getTime() + days * millisecondsPerDay));
}

export function isWeekend(day: CalendarDay): boolean {
  const weekday = startOfDay(day).getUTCDay();
  return weekday === 0 || weekday === 6;
}
