import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createDatabase } from '../../../test/support/postgres-server.ts';
import { categories } from '../src/policy/categories.ts';
import { addDays, dayOf, startOfDay } from '../src/records/calendar-day.ts';
import { type OpenDatabase, openDatabase } from '../src/records/database.ts';
import { lockFolder } from '../src/records/folder-lock.ts';
import { createRecords } from '../src/records/repository.ts';
import { accountTable, appointmentTable, patientTable } from '../src/records/schema.ts';
import { syntheticAppointments } from '../src/records/synthetic-appointments.ts';
import { syntheticPatients } from '../src/records/synthetic-patients.ts';
import { openClinic, prepare, today } from './clinic.ts';

const patients = syntheticPatients();
const range = { from: addDays(today, -14), until: addDays(today, 28), today, firstNumber: 1, patients };

t.test('the invented data is the same on every run', async (t) => {
  t.same(syntheticPatients(), patients);
  t.same(syntheticAppointments(range), syntheticAppointments(range));
  t.notSame(syntheticAppointments({ ...range, from: addDays(today, -13) })[0], syntheticAppointments(range)[0]);
});

t.test('several hundred patients, none named twice', async (t) => {
  t.equal(patients.length, 300);
  t.equal(new Set(patients.map((one) => `${one.givenName} ${one.familyName}`)).size, 300);
  t.equal(patients[0]!.id, 'p-0001');
});

t.test('every day, weekends too, has each category within working hours', async (t) => {
  const rows = syntheticAppointments(range);
  t.ok(rows.length > 600 && rows.length < 1000, `${rows.length} appointments`);
  t.equal(rows[0]!.id, 'a-00001');
  const allCategories = new Set(categories.map((one) => one.id));
  for (let day = range.from; day <= range.until; day = addDays(day, 1)) {
    const ofDay = rows.filter((row) => dayOf(row.start) === day);
    const overlaps = ofDay.filter((one) => {
      const next = ofDay.find((other) => other.providerId === one.providerId && other.start > one.start);
      return next !== undefined && next.start.getTime() < one.start.getTime() + one.minutes * 60_000;
    });
    const facts = {
      categories: new Set(ofDay.map((row) => row.categoryId)),
      patientsTwice: ofDay.length - new Set(ofDay.map((row) => row.patientId)).size,
      overlaps,
      outsideHours: ofDay.filter((row) => row.start.getUTCHours() < 8 || row.start.getUTCHours() >= 17),
    };
    t.same(facts, { categories: allCategories, patientsTwice: 0, overlaps: [], outsideHours: [] }, day);
  }
});

t.test('a second start leaves what is there, a later one fills the new days only', async (t) => {
  const { database, records } = await openClinic();
  const first = await records.appointment('a-00001');
  await records.saveAppointment(first!, { title: 'Edited' });
  const before = await database.$count(appointmentTable);

  await prepare(database);
  t.equal(await database.$count(appointmentTable), before);
  t.equal(await database.$count(patientTable), 300);
  t.equal(await database.$count(accountTable), 1);
  t.match(await records.appointment('a-00001'), { title: 'Edited', version: 2 });

  const later = addDays(today, 7);
  await prepare(database, later);
  const all = await records.appointments({});
  t.equal(dayOf(all.at(-1)!.start), addDays(later, 28));
  t.equal(new Set(all.map((one) => one.id)).size, all.length);
  t.same(
    all.slice(before).map((one) => dayOf(one.start) > range.until),
    all.slice(before).map(() => true),
  );
});

t.test('a day is half open, a patient has their own, and strange ids are nobody', async (t) => {
  const { records } = await openClinic();
  const ofToday = await records.appointments({ from: startOfDay(today), until: startOfDay(addDays(today, 1)) });
  t.ok(ofToday.length > 5);
  t.ok(ofToday.every((one) => dayOf(one.start) === today));
  const { patientId } = ofToday[0]!;
  t.ok((await records.appointments({ patientId })).every((one) => one.patientId === patientId));
  t.equal((await records.patients()).length, 300);
  t.match(await records.account('ana'), { displayName: 'Dr. Ana', roles: ['clinician'] });
  t.equal(await records.account('nobody'), null);
  for (const id of ['', 'a-99999', "a-00001' or '1'='1", 'a-00001\u0000', 'A-00001', 'p-0001']) {
    t.equal(await records.appointment(id), null, JSON.stringify(id));
  }
  t.equal(await records.patient('p-0001\u0000'), null);
});

t.test('PostgreSQL: two processes that start at once, and two that save at once', async (t) => {
  const { url: databaseUrl } = await createDatabase();
  const processes: OpenDatabase[] = [];
  for (let index = 0; index < 2; index += 1) processes.push(await openDatabase({ databaseUrl, dataDir: '/nowhere' }));
  t.teardown(() => Promise.all(processes.map((one) => one.close())));

  await Promise.all(processes.map((one) => prepare(one.database)));
  const [one, other] = processes.map(({ database }) => createRecords(database));
  t.equal((await one!.patients()).length, 300);
  t.equal((await one!.appointments({})).length, syntheticAppointments(range).length);

  const read = await one!.appointment('a-00001');
  t.equal(read!.start.getTime(), syntheticAppointments(range)[0]!.start.getTime());
  const saves = [one!.saveAppointment(read!, { title: 'One' }), other!.saveAppointment(read!, { title: 'Other' })];
  const saved = (await Promise.all(saves)).filter((appointment) => appointment !== null);
  t.equal(saved.length, 1, 'one of them is told');
  t.match(await other!.appointment('a-00001'), { title: saved[0]!.title, version: 2 });
});

t.test('a folder is opened by one process at a time', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'ehr-lock-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const lock = join(folder, 'ehr.lock');

  await writeFile(lock, String(process.ppid));
  await t.rejects(lockFolder(folder), { message: /is in use by process \d+/ });

  // Left behind by a process that is gone: numbers this high are not given out.
  await writeFile(lock, '4194305');
  const unlock = await lockFolder(folder);
  t.equal(await readFile(lock, 'utf8'), String(process.pid));
  await unlock();
  await t.rejects(readFile(lock), { code: 'ENOENT' });
});
