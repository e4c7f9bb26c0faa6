import { createPglite } from '../../../test/support/pglite.ts';
import { categoryOf } from '../src/policy/categories.ts';
import type { ListFilter } from '../src/policy/guarded-record.ts';
import { type Database, databaseOverPglite } from '../src/records/database.ts';
import { prepareRecords } from '../src/records/prepare.ts';
import { createRecords, type Records } from '../src/records/repository.ts';
import type { Visit } from '../src/routes/visit.ts';

/** A Tuesday. */
export const today = '2026-03-10';
export const now = () => new Date(`${today}T09:30:00Z`);

/** The EHR's data on an embedded database of the test file's own. */
export async function openClinic(): Promise<{ database: Database; records: Records }> {
  const database = databaseOverPglite(await createPglite());
  await prepare(database);
  return { database, records: createRecords(database) };
}

export async function prepare(database: Database, day = today): Promise<void> {
  const accounts = [{ username: 'ana', displayName: 'Dr. Ana', roles: ['clinician'] }];
  await prepareRecords(database, { today: day, accounts, hashPassword: async () => 'scrypt$1$1$1$AA$AA' });
}

/** What somebody sees who has not stepped up. */
export const withholdSensitive: ListFilter = (appointments) => ({
  visible: appointments.filter((one) => !categoryOf(one.categoryId).sensitive),
  withheld: appointments.filter((one) => categoryOf(one.categoryId).sensitive),
});

export const visit: Visit = {
  signedIn: { userId: 'ana', displayName: 'Dr. Ana', roles: ['clinician'], signedInAt: now().getTime() },
  csrf: 'the-token',
  emergencyAccess: [],
  filter: withholdSensitive,
};
