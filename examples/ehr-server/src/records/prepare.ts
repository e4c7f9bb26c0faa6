import { count, max, sql } from 'drizzle-orm';
import { addDays, type CalendarDay, dayOf } from './calendar-day.ts';
import type { Database } from './database.ts';
import { accountTable, appointmentTable, createStatements, patientTable } from './schema.ts';
import { syntheticAppointments } from './synthetic-appointments.ts';
import { syntheticPatients } from './synthetic-patients.ts';

/** Any number, as long as every process of this EHR uses the same. */
const preparationLock = 7_305_198;
const rowsPerInsert = 200;

export interface NewAccount {
  readonly username: string;
  readonly displayName: string;
  readonly roles: readonly string[];
}

/**
 * Creates schema and tables, and fills them: patients and accounts where there are none, appointments from two weeks before
 * `today` to four weeks after it, leaving days that have been filled before as they are. Safe to run at each start, and in two
 * processes at once: the second waits for the first, and finds nothing left to do.
 */
export async function prepareRecords(
  database: Database,
  wish: {
    readonly today: CalendarDay;
    readonly accounts: readonly NewAccount[];
    readonly hashPassword: (account: NewAccount) => Promise<string>;
  },
): Promise<void> {
  await database.transaction(async (transaction) => {
    await transaction.execute(sql`select pg_advisory_xact_lock(${preparationLock}::bigint)`);
    for (const statement of createStatements) await transaction.execute(sql.raw(statement));

    const patients = syntheticPatients();
    if ((await transaction.$count(patientTable)) === 0) {
      for (const rows of chunks(patients)) await transaction.insert(patientTable).values([...rows]);
    }
    if ((await transaction.$count(accountTable)) === 0) {
      for (const account of wish.accounts) {
        const passwordHash = await wish.hashPassword(account);
        await transaction.insert(accountTable).values({ ...account, passwordHash });
      }
    }

    const [filled] = await transaction
      .select({ rows: count(), last: max(appointmentTable.start) })
      .from(appointmentTable);
    const earliest = addDays(wish.today, -14);
    const filledUntil = filled?.last ? dayOf(filled.last) : null;
    const appointments = syntheticAppointments({
      from: filledUntil === null || filledUntil < earliest ? earliest : addDays(filledUntil, 1),
      until: addDays(wish.today, 28),
      today: wish.today,
      firstNumber: (filled?.rows ?? 0) + 1,
      patients,
    });
    for (const rows of chunks(appointments)) await transaction.insert(appointmentTable).values([...rows]);
  });
}

function* chunks<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < rows.length; from += rowsPerInsert) yield rows.slice(from, from + rowsPerInsert);
}
