import type { Appointment } from '../records/appointment.ts';
import { isPatientId } from '../records/patient.ts';
import { isCategoryId } from './categories.ts';
import { workspaceId } from './workspace.ts';

/** Whose a record is and what it carries: what a guard judges. */
export interface RecordLabels {
  readonly workspaceId: string;
  readonly patientId: string;
  readonly categories: readonly string[];
}

/** The labels together with the very object they were read from, for the handler behind the guard. */
export interface GuardedAppointment extends RecordLabels {
  readonly value: Appointment;
}

export function describeAppointment(appointment: Appointment): GuardedAppointment {
  return { workspaceId, patientId: appointment.patientId, categories: [appointment.categoryId], value: appointment };
}

/**
 * What an appointment would become by a posted body: the guard judges this beside what it is now, so that an edit cannot
 * carry a record out of a sensitive category, nor to a patient whose proof is missing. A field that is absent or malformed
 * changes nothing: `parseAppointmentEdit` refuses the malformed one before anything is written.
 */
export function describeEdit(current: Appointment, body: unknown): RecordLabels {
  const { patientId, categoryId } = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  return {
    workspaceId,
    patientId: isPatientId(patientId) ? patientId : current.patientId,
    categories: [isCategoryId(categoryId) ? categoryId : current.categoryId],
  };
}

/** A list split into what the reader may see and what is withheld until a step-up. */
export interface Split {
  readonly visible: readonly Appointment[];
  readonly withheld: readonly Appointment[];
}

export type ListFilter = (appointments: readonly Appointment[]) => Split | Promise<Split>;
