import { categoryOf } from '../policy/categories.ts';
import type { Appointment } from '../records/appointment.ts';
import { dayOf } from '../records/calendar-day.ts';
import { providerName } from '../records/providers.ts';
import { Layout, type PageVisit } from './layout.tsx';
import { statusName } from './status-name.ts';
import { clockTime, longDayName } from './time.ts';

export function AppointmentPage(props: { visit: PageVisit; appointment: Appointment; end: Date; saved: boolean }) {
  const { visit, appointment, end, saved } = props;
  const { id, title, categoryId, patientId, patientName, providerId, status, start, notes } = appointment;
  const category = categoryOf(categoryId);
  const day = dayOf(start);
  return (
    <Layout title={title} visit={visit}>
      {saved && (
        <p class="notice done" role="status">
          Saved.
        </p>
      )}
      <div class="heading">
        <h1>{title}</h1>
        <p>
          <span class={category.sensitive ? 'tag sensitive' : 'tag'}>{category.name}</span>
        </p>
      </div>
      <div class="card">
        <dl>
          <dt>Patient</dt>
          <dd>
            <a href={`/patients/${patientId}`}>{patientName}</a> <span class="muted">{patientId}</span>
          </dd>
          <dt>When</dt>
          <dd>
            <time dateTime={start.toISOString()}>{`${longDayName(day)}, ${clockTime(start)}`}</time>
            {` to ${clockTime(end)}`}
          </dd>
          <dt>With</dt>
          <dd>{providerName(providerId)}</dd>
          <dt>Status</dt>
          <dd>{statusName(status)}</dd>
        </dl>
        <h2>Notes</h2>
        {notes === '' ? <p class="muted">No notes.</p> : <p class="notes">{notes}</p>}
      </div>
      <p class="actions">
        <a class="button primary" href={`/appointments/${id}/edit`}>
          Edit
        </a>
        <a class="button" href={`/?date=${day}`}>
          Schedule of this day
        </a>
      </p>
    </Layout>
  );
}
