import { type CalendarDay, startOfDay } from '../records/calendar-day.ts';

const longDay = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeZone: 'UTC' });
const shortDay = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' });

export function longDayName(day: CalendarDay): string {
  return longDay.format(startOfDay(day));
}

export function shortDayName(day: CalendarDay): string {
  return shortDay.format(startOfDay(day));
}

export function clockTime(instant: Date): string {
  return instant.toISOString().slice(11, 16);
}
