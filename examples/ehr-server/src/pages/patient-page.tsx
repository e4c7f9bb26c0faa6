import type { Appointment } from '../records/appointment.ts';
import { type Patient, patientName } from '../records/patient.ts';
import { AppointmentRows } from './appointment-rows.tsx';
import { Layout, type PageVisit } from './layout.tsx';
import { shortDayName } from './time.ts';

const genders: Readonly<Record<Patient['gender'], string>> = {
  female: 'Female',
  male: 'Male',
  other: 'Other',
  unknown: 'Not recorded',
};

export function PatientPage(props: {
  visit: PageVisit;
  patient: Patient;
  visible: readonly Appointment[];
  withheld: readonly Appointment[];
}) {
  const { visit, patient, visible, withheld } = props;
  return (
    <Layout title={patientName(patient)} visit={visit}>
      <div class="heading">
        <h1>{patientName(patient)}</h1>
        <p class="muted">{patient.id}</p>
      </div>
      <div class="card">
        <dl>
          <dt>Born</dt>
          <dd>
            <time dateTime={patient.birthDate}>{shortDayName(patient.birthDate)}</time>
          </dd>
          <dt>Gender</dt>
          <dd>{genders[patient.gender]}</dd>
        </dl>
      </div>
      <h2>Appointments</h2>
      <AppointmentRows visible={visible} withheld={withheld} of="patient" />
    </Layout>
  );
}
