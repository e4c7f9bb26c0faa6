import { categories } from '../policy/categories.ts';
import { type Appointment, appointmentStatuses } from '../records/appointment.ts';
import { dayOf } from '../records/calendar-day.ts';
import { type Patient, patientName } from '../records/patient.ts';
import type { AppointmentFormValues } from '../routes/appointment-input.ts';
import type { FieldErrors } from '../routes/reply.ts';
import { ErrorSummary, Field, fieldAttributes } from './field.tsx';
import { CsrfField, Layout, type PageVisit } from './layout.tsx';
import { statusName } from './status-name.ts';
import { StoredMeanwhile } from './stored-meanwhile.tsx';
import { clockTime, longDayName } from './time.ts';

interface AppointmentFormPageProps {
  visit: PageVisit;
  /** As it is stored. */
  appointment: Appointment;
  patients: readonly Patient[];
  /** As it is typed. */
  values: AppointmentFormValues;
  errors?: FieldErrors;
  /** Somebody else saved: `shown` lists what is stored now, `unseen` only says so. */
  conflict?: 'shown' | 'unseen';
}

const labels = { patientId: 'Patient', categoryId: 'Category', title: 'Title', notes: 'Notes', status: 'Status' };

export function AppointmentFormPage(props: AppointmentFormPageProps) {
  const { visit, appointment, patients, values, errors = {}, conflict } = props;
  const { id, start } = appointment;
  const failed = Object.keys(errors).length > 0 || conflict !== undefined;
  const options = {
    patientId: patients.map((one) => [one.id, `${one.familyName}, ${one.givenName} (${one.id})`] as const),
    categoryId: categories.map((one) => [one.id, one.name] as const),
    status: appointmentStatuses.map((one) => [one, statusName(one)] as const),
  };
  const attributes = (name: keyof typeof labels) => fieldAttributes(name, errors);
  const choice = (name: keyof typeof options) => (
    <Field name={name} label={labels[name]} errors={errors}>
      <select {...attributes(name)} required>
        {options[name].map(([value, text]) => (
          <option key={value} value={value} selected={value === values[name]}>
            {text}
          </option>
        ))}
      </select>
    </Field>
  );
  return (
    <Layout title={`${failed ? 'Error: ' : ''}Edit appointment`} visit={visit}>
      <div class="heading">
        <h1>Edit appointment</h1>
        <p class="muted">{`${longDayName(dayOf(start))}, ${clockTime(start)}`}</p>
      </div>
      <ErrorSummary errors={errors} />
      {conflict === 'shown' && (
        <StoredMeanwhile appointment={appointment} patientName={nameOf(patients)} values={values} />
      )}
      {conflict === 'unseen' && (
        <p class="notice error" role="alert">
          Somebody else saved this appointment at the same moment. Nothing of yours was saved or lost: press Save to see
          what has changed.
        </p>
      )}
      <form class="card form" method="post" action={`/appointments/${id}`} novalidate>
        <CsrfField token={visit.csrf} />
        <input type="hidden" name="version" value={values.version} />
        {choice('patientId')}
        {choice('categoryId')}
        <Field name="title" label={labels.title} errors={errors}>
          <input
            {...attributes('title')}
            type="text"
            maxLength={120}
            value={values.title}
            required
            autocomplete="off"
          />
        </Field>
        <Field name="notes" label={labels.notes} errors={errors}>
          <textarea {...attributes('notes')} rows={8} maxLength={4000}>
            {/* HTML drops the first newline of a textarea, so one is given away. */}
            {`\n${values.notes}`}
          </textarea>
        </Field>
        {choice('status')}
        <p class="actions">
          <button class="primary" type="submit">
            Save
          </button>
          <a class="button" href={`/appointments/${id}`}>
            Cancel
          </a>
        </p>
      </form>
    </Layout>
  );
}

function nameOf(patients: readonly Patient[]): (id: string) => string {
  return (id) => {
    const patient = patients.find((one) => one.id === id);
    return patient === undefined ? id : patientName(patient);
  };
}
