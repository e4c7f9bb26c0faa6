import { categoryOf } from '../policy/categories.ts';
import type { ListFilter } from '../policy/guarded-record.ts';
import type { Appointment } from '../records/appointment.ts';
import { addDays, startOfDay } from '../records/calendar-day.ts';
import type { Records } from '../records/repository.ts';
import { json, problem, type Reply } from './reply.ts';
import { requestedDay } from './requested-day.ts';
import { saveAppointment } from './save-appointment.ts';

export interface JsonApi {
  /** `?date=YYYY-MM-DD`, default today. A restricted entry is `{ id, start, patientId, restricted: true }` and nothing else. */
  listAppointments(filter: ListFilter, query: unknown): Promise<Reply>;
  readAppointment(appointment: Appointment): Reply;
  /** Absent fields stay. 409 where `version` is not the stored one. */
  replaceAppointment(appointment: Appointment, body: unknown): Promise<Reply>;
}

export function createJsonApi(records: Records, now: () => Date): JsonApi {
  return {
    async listAppointments(filter, query) {
      const day = requestedDay(query, now());
      if (day === null) {
        const errors = { date: 'Give one date as YYYY-MM-DD, from 1900 to 2100.' };
        return problem(400, 'The date is not valid', { errors });
      }
      const all = await records.appointments({ from: startOfDay(day), until: startOfDay(addDays(day, 1)) });
      const visible = new Set((await filter(all)).visible.map((one) => one.id));
      return json({
        date: day,
        appointments: all.map((one) => (visible.has(one.id) ? summary(one) : restricted(one))),
      });
    },

    readAppointment(appointment) {
      return json(detail(appointment));
    },

    async replaceAppointment(appointment, body) {
      const result = await saveAppointment(records, appointment, body);
      switch (result.outcome) {
        case 'saved':
          return json(detail(result.appointment));
        case 'invalid':
          return problem(422, 'The appointment is not valid', { errors: result.errors });
        case 'outdated':
        case 'overtaken': {
          const why = 'It was changed since this version was read. Read it again, and repeat the change.';
          return problem(409, 'The appointment has changed', { detail: why });
        }
      }
    },
  };
}

/** The patient is named so that a program can ask for one step-up per patient; what it is about is not. */
function restricted({ id, start, patientId }: Appointment) {
  return { id, start: start.toISOString(), patientId, restricted: true };
}

function summary(appointment: Appointment) {
  const { notes: _withDetailOnly, start, ...rest } = appointment;
  return { ...rest, start: start.toISOString(), category: categoryOf(rest.categoryId).name, restricted: false };
}

function detail(appointment: Appointment) {
  return { ...summary(appointment), notes: appointment.notes };
}
