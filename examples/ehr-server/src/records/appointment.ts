/** A subset of FHIR R4's appointment statuses, which the database also keeps. */
export const appointmentStatuses = ['booked', 'arrived', 'fulfilled', 'cancelled', 'noshow'] as const;
export type AppointmentStatus = (typeof appointmentStatuses)[number];

export interface Appointment {
  /** `a-00001` */
  readonly id: string;
  readonly patientId: string;
  readonly patientName: string;
  readonly providerId: string;
  readonly start: Date;
  readonly minutes: number;
  readonly categoryId: string;
  readonly title: string;
  readonly notes: string;
  readonly status: AppointmentStatus;
  /** Raised by one with each change; a change names the version it was made from. */
  readonly version: number;
}

/** What an edit may change. Absent: stays. */
export type AppointmentChanges = Partial<Pick<Appointment, 'patientId' | 'categoryId' | 'title' | 'notes' | 'status'>>;

export function isAppointmentId(value: string): boolean {
  return /^a-\d{5,9}$/.test(value);
}

export function endOf(appointment: Pick<Appointment, 'start' | 'minutes'>): Date {
  return new Date(appointment.start.getTime() + appointment.minutes * 60_000);
}
