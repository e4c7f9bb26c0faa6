import { AppointmentFormPage } from '../pages/appointment-form-page.tsx';
import { AppointmentPage } from '../pages/appointment-page.tsx';
import { MessagePage } from '../pages/message-page.tsx';
import { PatientPage } from '../pages/patient-page.tsx';
import { SchedulePage } from '../pages/schedule-page.tsx';
import { type Appointment, endOf } from '../records/appointment.ts';
import { addDays, dayOf, startOfDay } from '../records/calendar-day.ts';
import type { Records } from '../records/repository.ts';
import { formValuesOf, postedFormValues } from './appointment-input.ts';
import { page, type Reply, seeOther } from './reply.ts';
import { requestedDay } from './requested-day.ts';
import { saveAppointment } from './save-appointment.ts';
import type { Visit } from './visit.ts';

/** The pages for people. Those about one appointment are handed the object that the guard judged. */
export interface ClinicPages {
  schedule(visit: Visit, query: unknown): Promise<Reply>;
  appointment(visit: Visit, appointment: Appointment, query: unknown): Reply;
  editAppointment(visit: Visit, appointment: Appointment): Promise<Reply>;
  saveAppointment(visit: Visit, appointment: Appointment, body: unknown): Promise<Reply>;
  patient(visit: Visit, id: string): Promise<Reply>;
  notFound(visit: Visit | null): Reply;
}

export function createClinicPages(records: Records, now: () => Date): ClinicPages {
  const notFound: ClinicPages['notFound'] = (visit) =>
    page(
      <MessagePage title="Not found" visit={visit}>
        <p>There is no such page, or nothing here that you may see.</p>
      </MessagePage>,
      404,
    );

  return {
    notFound,

    async schedule(visit, query) {
      const today = dayOf(now());
      const asked = requestedDay(query, now());
      const day = asked ?? today;
      const span = { from: startOfDay(day), until: startOfDay(addDays(day, 1)) };
      const { visible, withheld } = await visit.filter(await records.appointments(span));
      const props = { visit, day, today, visible, withheld, badDate: asked === null };
      return page(<SchedulePage {...props} />, asked === null ? 400 : 200);
    },

    appointment(visit, appointment, query) {
      const saved = typeof query === 'object' && query !== null && 'saved' in query;
      return page(<AppointmentPage visit={visit} appointment={appointment} end={endOf(appointment)} saved={saved} />);
    },

    async editAppointment(visit, appointment) {
      const patients = await records.patients();
      const values = formValuesOf(appointment);
      return page(<AppointmentFormPage visit={visit} appointment={appointment} patients={patients} values={values} />);
    },

    async saveAppointment(visit, appointment, body) {
      const result = await saveAppointment(records, appointment, body);
      if (result.outcome === 'saved') return seeOther(`/appointments/${appointment.id}?saved`);
      const patients = await records.patients();
      const posted = postedFormValues(appointment, body);
      const form = { visit, appointment, patients };
      switch (result.outcome) {
        case 'invalid':
          return page(<AppointmentFormPage {...form} values={posted} errors={result.errors} />, 422);
        case 'outdated': {
          // The person has now been shown what is stored: saving again is meant.
          const values = { ...posted, version: String(appointment.version) };
          return page(<AppointmentFormPage {...form} values={values} conflict="shown" />, 409);
        }
        case 'overtaken':
          return page(<AppointmentFormPage {...form} values={posted} conflict="unseen" />, 409);
      }
    },

    async patient(visit, id) {
      const patient = await records.patient(id);
      if (patient === null) return notFound(visit);
      const { visible, withheld } = await visit.filter(await records.appointments({ patientId: id }));
      return page(<PatientPage visit={visit} patient={patient} visible={visible} withheld={withheld} />);
    },
  };
}
