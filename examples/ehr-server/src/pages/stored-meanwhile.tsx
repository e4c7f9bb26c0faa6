import { categoryOf } from '../policy/categories.ts';
import type { Appointment } from '../records/appointment.ts';
import type { AppointmentFormValues } from '../routes/appointment-input.ts';
import { statusName } from './status-name.ts';

/** What somebody else saved since the form was opened, where it differs from what is typed. */
export function StoredMeanwhile(props: {
  appointment: Appointment;
  values: AppointmentFormValues;
  patientName: (id: string) => string;
}) {
  const { appointment, values, patientName } = props;
  const stored = [
    ['Patient', appointment.patientId, values.patientId, patientName(appointment.patientId)],
    ['Category', appointment.categoryId, values.categoryId, categoryOf(appointment.categoryId).name],
    ['Title', appointment.title, values.title, appointment.title],
    ['Notes', appointment.notes, values.notes.replace(/\r\n?/g, '\n'), appointment.notes || 'None'],
    ['Status', appointment.status, values.status, statusName(appointment.status)],
  ] as const;
  const different = stored.filter(([, now, typed]) => now !== typed);
  return (
    <section class="notice error" role="alert" aria-labelledby="conflict">
      <h2 id="conflict">Somebody else has changed this appointment</h2>
      {different.length === 0 ? (
        <p>It now reads just as you have it below.</p>
      ) : (
        <>
          <p>Below is what you typed; nothing of it is saved yet. Saving replaces this:</p>
          <dl>
            {different.map(([label, , , text]) => (
              <div key={label}>
                <dt>{label}</dt>
                <dd class="notes">{text}</dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </section>
  );
}
