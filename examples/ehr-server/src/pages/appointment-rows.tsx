import { categoryOf } from '../policy/categories.ts';
import { type Appointment, endOf } from '../records/appointment.ts';
import { dayOf } from '../records/calendar-day.ts';
import { providerName } from '../records/providers.ts';
import { statusName } from './status-name.ts';
import { clockTime, shortDayName } from './time.ts';

interface RowsProps {
  visible: readonly Appointment[];
  withheld: readonly Appointment[];
  /** A day's list shows times and patients; a patient's list shows days, the newest first. */
  of: 'day' | 'patient';
}

/** A list of appointments in which the withheld ones show when they begin and nothing else. */
export function AppointmentRows({ visible, withheld, of }: RowsProps) {
  const seen = new Set(visible.map((one) => one.id));
  const direction = of === 'day' ? 1 : -1;
  const rows = [...visible, ...withheld].sort(
    (a, b) => direction * (a.start.getTime() - b.start.getTime() || (a.id < b.id ? -1 : 1)),
  );
  if (rows.length === 0) return <p class="empty">No appointments.</p>;
  return (
    <ol class="rows">
      {rows.map((row) =>
        seen.has(row.id) ? (
          <VisibleRow key={row.id} appointment={row} of={of} />
        ) : (
          <RestrictedRow key={row.id} id={row.id} start={row.start} of={of} />
        ),
      )}
    </ol>
  );
}

function VisibleRow({ appointment, of }: { appointment: Appointment; of: RowsProps['of'] }) {
  const { id, start, title, categoryId, patientId, patientName, providerId, status } = appointment;
  const category = categoryOf(categoryId);
  return (
    <li>
      <RowTime start={start} end={endOf(appointment)} of={of} />
      <div class="what">
        <a class="title" href={`/appointments/${id}`}>
          {title}
        </a>
        <span class={category.sensitive ? 'tag sensitive' : 'tag'}>{category.name}</span>
      </div>
      <div class="who">
        {of === 'day' && <a href={`/patients/${patientId}`}>{patientName}</a>}
        <span class="muted">{providerName(providerId)}</span>
      </div>
      <span class={`status ${status}`}>{statusName(status)}</span>
    </li>
  );
}

/** Takes the id and the start, not the appointment, so that nothing else can slip onto the page. */
function RestrictedRow({ id, start, of }: { id: string; start: Date; of: RowsProps['of'] }) {
  return (
    <li class="restricted">
      <RowTime start={start} of={of} />
      <div class="what">
        <span class="lock">Restricted</span>
      </div>
      <a class="open" href={`/appointments/${id}`}>
        Open
        <span class="visually-hidden">{` the restricted appointment of ${shortDayName(dayOf(start))}, ${clockTime(start)}`}</span>
      </a>
    </li>
  );
}

function RowTime({ start, end, of }: { start: Date; end?: Date; of: RowsProps['of'] }) {
  return (
    <div class="when">
      {of === 'patient' && <span class="day">{shortDayName(dayOf(start))}</span>}
      <time dateTime={start.toISOString()}>{clockTime(start)}</time>
      {end && <span class="until">{`to ${clockTime(end)}`}</span>}
    </div>
  );
}
