import { and, asc, eq, gte, lt, type SQL } from 'drizzle-orm';
import { type Appointment, type AppointmentChanges, isAppointmentId } from './appointment.ts';
import type { Database } from './database.ts';
import { isPatientId, type Patient, patientName } from './patient.ts';
import { accountTable, appointmentTable, patientTable } from './schema.ts';

export interface Account {
  readonly username: string;
  readonly displayName: string;
  readonly roles: readonly string[];
  readonly passwordHash: string;
}

export interface AppointmentQuery {
  /** Starting at or after. */
  readonly from?: Date | undefined;
  /** Starting before. */
  readonly until?: Date | undefined;
  readonly patientId?: string | undefined;
}

/** The EHR's data. An id that nobody has, whatever its form, is answered with null. */
export interface Records {
  appointment(id: string): Promise<Appointment | null>;
  /** By start, then id. */
  appointments(query: AppointmentQuery): Promise<readonly Appointment[]>;
  /** Makes the changes if the stored version is still `appointment.version`, in one conditional write; otherwise null. */
  saveAppointment(appointment: Appointment, changes: AppointmentChanges): Promise<Appointment | null>;
  patient(id: string): Promise<Patient | null>;
  /** By family name, then given name. */
  patients(): Promise<readonly Patient[]>;
  account(username: string): Promise<Account | null>;
}

export function createRecords(database: Database): Records {
  const find = async (where: SQL | undefined): Promise<readonly Appointment[]> => {
    const rows = await database
      .select()
      .from(appointmentTable)
      .innerJoin(patientTable, eq(patientTable.id, appointmentTable.patientId))
      .where(where)
      .orderBy(asc(appointmentTable.start), asc(appointmentTable.id));
    return rows.map((row) => ({ ...row.appointment, patientName: patientName(row.patient) }));
  };

  const appointment = async (id: string) =>
    isAppointmentId(id) ? ((await find(eq(appointmentTable.id, id)))[0] ?? null) : null;

  return {
    appointment,

    appointments({ from, until, patientId }) {
      return find(
        and(
          from && gte(appointmentTable.start, from),
          until && lt(appointmentTable.start, until),
          patientId === undefined ? undefined : eq(appointmentTable.patientId, patientId),
        ),
      );
    },

    async saveAppointment({ id, version }, changes) {
      const saved = await database
        .update(appointmentTable)
        .set({ ...changes, version: version + 1 })
        .where(and(eq(appointmentTable.id, id), eq(appointmentTable.version, version)))
        .returning();
      const [row] = saved;
      if (row === undefined) return null;
      const [patient] = await database.select().from(patientTable).where(eq(patientTable.id, row.patientId));
      return { ...row, patientName: patient === undefined ? '' : patientName(patient) };
    },

    async patient(id) {
      if (!isPatientId(id)) return null;
      return (await database.select().from(patientTable).where(eq(patientTable.id, id)))[0] ?? null;
    },

    patients() {
      return database.select().from(patientTable).orderBy(asc(patientTable.familyName), asc(patientTable.givenName));
    },

    async account(username) {
      return (await database.select().from(accountTable).where(eq(accountTable.username, username)))[0] ?? null;
    },
  };
}
