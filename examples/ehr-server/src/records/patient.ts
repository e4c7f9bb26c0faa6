import type { CalendarDay } from './calendar-day.ts';

export interface Patient {
  /** `p-0001`, also the medical record number. */
  readonly id: string;
  readonly givenName: string;
  readonly familyName: string;
  readonly gender: 'female' | 'male' | 'other' | 'unknown';
  readonly birthDate: CalendarDay;
}

export function isPatientId(value: unknown): value is string {
  return typeof value === 'string' && /^p-\d{4}$/.test(value);
}

export function patientName(patient: Pick<Patient, 'givenName' | 'familyName'>): string {
  return `${patient.givenName} ${patient.familyName}`;
}
