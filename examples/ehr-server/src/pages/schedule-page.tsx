import type { Appointment } from '../records/appointment.ts';
import { addDays, type CalendarDay } from '../records/calendar-day.ts';
import { AppointmentRows } from './appointment-rows.tsx';
import { Layout, type PageVisit } from './layout.tsx';
import { longDayName } from './time.ts';

interface SchedulePageProps {
  visit: PageVisit;
  day: CalendarDay;
  today: CalendarDay;
  visible: readonly Appointment[];
  withheld: readonly Appointment[];
  /** The date asked for was none, and `day` is today instead. */
  badDate: boolean;
}

export function SchedulePage({ visit, day, today, visible, withheld, badDate }: SchedulePageProps) {
  const total = visible.length + withheld.length;
  return (
    <Layout title={badDate ? 'Error: Schedule' : `Schedule, ${longDayName(day)}`} visit={visit} current="/">
      <div class="heading">
        <h1>
          {longDayName(day)}
          {day === today && <span class="tag today">Today</span>}
        </h1>
        <p class="muted">
          {total === 1 ? '1 appointment' : `${total} appointments`}
          {withheld.length > 0 && `, ${withheld.length} restricted`}
        </p>
      </div>
      {badDate && (
        <p class="notice error" role="alert">
          That is not a date. Here is today instead.
        </p>
      )}
      <nav class="days" aria-label="Days">
        <a class="button" rel="prev" href={`/?date=${addDays(day, -1)}`}>
          Previous day
        </a>
        <a class="button" href="/">
          Today
        </a>
        <a class="button" rel="next" href={`/?date=${addDays(day, 1)}`}>
          Next day
        </a>
        <form method="get" action="/">
          <label for="date">Go to</label>
          <input id="date" type="date" name="date" value={day} required />
          <button type="submit">Show</button>
        </form>
      </nav>
      <AppointmentRows visible={visible} withheld={withheld} of="day" />
    </Layout>
  );
}
