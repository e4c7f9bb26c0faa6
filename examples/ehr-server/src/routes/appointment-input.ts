import { z } from 'zod';
import { isCategoryId } from '../policy/categories.ts';
import { type Appointment, type AppointmentChanges, appointmentStatuses } from '../records/appointment.ts';
import { isPatientId } from '../records/patient.ts';
import type { FieldErrors } from './reply.ts';

/** What the edit form shows: always strings, as typed. */
export interface AppointmentFormValues {
  readonly patientId: string;
  readonly categoryId: string;
  readonly title: string;
  readonly notes: string;
  readonly status: string;
  /** The version that the form was made from. */
  readonly version: string;
}

export type ParsedEdit =
  | { readonly ok: true; readonly changes: AppointmentChanges; readonly version: number }
  | { readonly ok: false; readonly errors: FieldErrors };

// Control characters other than tab and newline have no place here, and PostgreSQL refuses NUL.
const printable = /^[\P{Cc}\t\n]*$/u;
const titleLength = 120;
const notesLength = 4000;

const edit = z.object({
  patientId: z.string({ error: 'Choose a patient.' }).refine(isPatientId, 'Choose a patient from the list.').optional(),
  categoryId: z
    .string({ error: 'Choose a category.' })
    .refine(isCategoryId, 'Choose a category from the list.')
    .optional(),
  title: z
    .string({ error: 'Enter the title as one text.' })
    .trim()
    .min(1, 'Enter a title.')
    .max(titleLength, `Keep the title to ${titleLength} characters.`)
    .regex(printable, 'Remove the characters from the title that cannot be shown.')
    .optional(),
  notes: z
    .string({ error: 'Enter the notes as one text.' })
    .transform((text) => text.replace(/\r\n?/g, '\n'))
    .pipe(
      z
        .string()
        .max(notesLength, `Keep the notes to ${notesLength} characters.`)
        .regex(printable, 'Remove the characters from the notes that cannot be shown.'),
    )
    .optional(),
  status: z.enum(appointmentStatuses, { error: 'Choose a status from the list.' }).optional(),
  version: z
    .union(
      [
        z.int().min(1),
        z
          .string()
          .regex(/^[1-9]\d{0,8}$/)
          .transform(Number),
      ],
      { error: 'The version must be a whole number.' },
    )
    .optional(),
});

/** Read-only here: a caller that sends the whole appointment back may carry them, unchanged. */
const fixed = { id: 'id', start: 'start', minutes: 'minutes', providerId: 'providerId' } as const;

/**
 * Reads a posted form or a JSON body into changes. An absent field stays as it is. An absent version means the appointment
 * that the guard judged; it is that version's write in any case.
 */
export function parseAppointmentEdit(current: Appointment, body: unknown): ParsedEdit {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { ok: false, errors: { body: 'Send the fields of an appointment.' } };
  }
  const errors: Record<string, string> = {};
  const given = body as Record<string, unknown>;
  for (const name of Object.values(fixed)) {
    const now = name === 'start' ? current.start.toISOString() : current[name];
    if (given[name] !== undefined && given[name] !== now) errors[name] = `The ${name} cannot be changed here.`;
  }
  const parsed = edit.safeParse(body);
  for (const issue of parsed.error?.issues ?? []) errors[String(issue.path[0])] ??= issue.message;
  if (!parsed.success || Object.keys(errors).length > 0) return { ok: false, errors };
  const { version, ...changes } = parsed.data;
  // Absent keys stay absent, for exactOptionalPropertyTypes and for the update statement.
  const present = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  return { ok: true, changes: present, version: version ?? current.version };
}

export function formValuesOf(appointment: Appointment): AppointmentFormValues {
  const { patientId, categoryId, title, notes, status, version } = appointment;
  return { patientId, categoryId, title, notes, status, version: String(version) };
}

/** The form as it was posted, so that nothing typed is lost; a field that was not posted shows what is stored. */
export function postedFormValues(current: Appointment, body: unknown): AppointmentFormValues {
  const stored = formValuesOf(current);
  if (typeof body !== 'object' || body === null) return stored;
  const posted = body as Record<string, unknown>;
  const entries = Object.entries(stored).map(([name, value]) => {
    const given = posted[name];
    return [name, typeof given === 'string' ? given : value] as const;
  });
  return { ...stored, ...Object.fromEntries(entries) };
}
