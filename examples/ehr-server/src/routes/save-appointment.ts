import type { Appointment } from '../records/appointment.ts';
import type { Records } from '../records/repository.ts';
import { parseAppointmentEdit } from './appointment-input.ts';
import type { FieldErrors } from './reply.ts';

export type SaveOutcome =
  | { readonly outcome: 'saved'; readonly appointment: Appointment }
  | { readonly outcome: 'invalid'; readonly errors: FieldErrors }
  /** The editor saw an older version than the stored one. */
  | { readonly outcome: 'outdated' }
  /** Somebody else's change came between the guard's read and this write. What is stored now has been judged by no guard. */
  | { readonly outcome: 'overtaken' };

/**
 * One flow for the form and for the JSON API. `judged` is the appointment as the guard read it; the write is conditional on
 * its version, so that nothing is changed that was not judged.
 */
export async function saveAppointment(records: Records, judged: Appointment, body: unknown): Promise<SaveOutcome> {
  const parsed = parseAppointmentEdit(judged, body);
  if (!parsed.ok) return { outcome: 'invalid', errors: parsed.errors };
  const { changes, version } = parsed;
  const moves = changes.patientId !== undefined && changes.patientId !== judged.patientId;
  if (moves && (await records.patient(changes.patientId ?? '')) === null) {
    return { outcome: 'invalid', errors: { patientId: 'Choose a patient from the list.' } };
  }
  if (version !== judged.version) return { outcome: 'outdated' };
  const appointment = await records.saveAppointment(judged, changes);
  return appointment === null ? { outcome: 'overtaken' } : { outcome: 'saved', appointment };
}
