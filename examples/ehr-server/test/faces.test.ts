import t from 'tap';
import { categoryOf } from '../src/policy/categories.ts';
import type { ListFilter } from '../src/policy/guarded-record.ts';
import { type Appointment, appointmentStatuses } from '../src/records/appointment.ts';
import { addDays, startOfDay } from '../src/records/calendar-day.ts';
import { patientName } from '../src/records/patient.ts';
import { createClinicPages } from '../src/routes/clinic-pages.tsx';
import { createFhir } from '../src/routes/fhir.ts';
import { createJsonApi } from '../src/routes/json-api.ts';
import type { Reply } from '../src/routes/reply.ts';
import { now, openClinic, today, visit, withholdSensitive } from './clinic.ts';

const { records } = await openClinic();
const pages = createClinicPages(records, now);
const api = createJsonApi(records, now);
const fhir = createFhir(records, 'https://ehr.example.org');
const ofToday = await records.appointments({ from: startOfDay(today), until: startOfDay(addDays(today, 1)) });
const { visible, withheld } = await withholdSensitive(ofToday);
const everything: ListFilter = (appointments) => ({ visible: appointments, withheld: [] });
const bodyOf = (reply: Reply) => JSON.parse(reply.body);

/** What a face may not say of a restricted appointment. The notes are checked only where there are any. */
function leaks(body: string, appointment: Appointment, more: readonly string[] = []): string[] {
  const secrets = [appointment.title, appointment.notes, categoryOf(appointment.categoryId).name, ...more];
  return secrets.filter((secret) => secret !== '' && body.includes(secret));
}

t.test('the schedule shows a restricted appointment as a time and a link', async (t) => {
  const { status, body } = await pages.schedule(visit, {});
  t.equal(status, 200);
  t.ok(withheld.length > 2 && visible.length > 2);
  for (const one of withheld) {
    t.same(leaks(body, one, [one.patientName, one.patientId]), [], one.id);
    t.ok(body.includes(`href="/appointments/${one.id}"`));
    t.ok(body.includes(`<time datetime="${one.start.toISOString()}">`));
  }
  for (const one of visible) t.ok(body.includes(one.patientName) && body.includes(one.title));
  t.equal(body.match(/>Restricted</g)?.length, withheld.length);
  t.ok(body.includes(`${withheld.length} restricted`));
});

t.test('after a step-up the schedule shows the whole row', async (t) => {
  const { body } = await pages.schedule({ ...visit, filter: everything }, { date: today });
  for (const one of ofToday) t.ok(body.includes(one.title) && body.includes(one.patientName));
  t.notMatch(body, 'Restricted');
  t.ok(
    ofToday.filter((one) => one.notes !== '').every((one) => !body.includes(one.notes)),
    'notes are in no list',
  );
});

t.test('the patient page hides restricted appointments likewise', async (t) => {
  const { patientId } = withheld[0]!;
  const { withheld: hidden } = await withholdSensitive(await records.appointments({ patientId }));
  const { status, body } = await pages.patient(visit, patientId);
  t.equal(status, 200);
  for (const one of hidden) t.same(leaks(body, one), [], one.id);
  t.equal(body.match(/>Restricted</g)?.length, hidden.length);
  t.equal((await pages.patient(visit, 'p-9999')).status, 404);
});

t.test('the JSON list names when and whose, and nothing of what', async (t) => {
  const reply = await api.listAppointments(withholdSensitive, { date: today });
  const { appointments } = bodyOf(reply);
  t.same(
    appointments.map((one: { id: string }) => one.id),
    ofToday.map((one) => one.id),
    'in order, none missing',
  );
  for (const { id, start, patientId } of withheld) {
    const entry = appointments.find((one: { id: string }) => one.id === id);
    t.same(entry, { id, start: start.toISOString(), patientId, restricted: true });
  }
  for (const one of withheld) t.same(leaks(reply.body, one, [one.patientName]), []);
  const { id } = visible[0]!;
  t.match(
    appointments.find((one: { id: string }) => one.id === id),
    { restricted: false, title: visible[0]!.title, version: 1 },
  );
  t.ok(appointments.every((one: object) => !('notes' in one)));
});

t.test('the FHIR searchset leaves restricted appointments out and says that it does', async (t) => {
  const reply = await fhir.searchAppointments(withholdSensitive, { date: today });
  const bundle = bodyOf(reply);
  t.match(reply.headers['content-type'], /^application\/fhir\+json/);
  t.match(bundle, { resourceType: 'Bundle', type: 'searchset', total: visible.length });
  const matches = bundle.entry.filter((one: { search: { mode: string } }) => one.search.mode === 'match');
  t.same(
    matches.map((one: { resource: { id: string } }) => one.resource.id),
    visible.map((one) => one.id),
  );
  t.equal(matches[0].fullUrl, `https://ehr.example.org/fhir/Appointment/${visible[0]!.id}`);
  t.match(bundle.entry.at(-1), {
    search: { mode: 'outcome' },
    resource: { resourceType: 'OperationOutcome', issue: [{ severity: 'information', code: 'suppressed' }] },
  });
  for (const one of withheld) t.same(leaks(reply.body, one, [one.id, one.patientId, one.patientName]), []);
});

t.test('a searchset is paged, and one without entries has no entry', async (t) => {
  const search = async (query: object) => bodyOf(await fhir.searchAppointments(everything, query));
  const first = await search({ date: [`ge${today}`, `le${addDays(today, 1)}`], _count: '5' });
  t.equal(first.entry.length, 5);
  const next = new URL(first.link.find((one: { relation: string }) => one.relation === 'next').url);
  t.same(next.searchParams.getAll('date'), [`ge${today}`, `le${addDays(today, 1)}`]);
  const second = await search({ date: next.searchParams.getAll('date'), _count: '5', _offset: '5' });
  t.ok(second.link.some((one: { relation: string }) => one.relation === 'previous'));
  t.not(second.entry[0].resource.id, first.entry[0].resource.id);

  const none = await search({ patient: 'Patient/p-9999' });
  t.match(none, { total: 0 });
  t.notOk('entry' in none);
  const { patientId } = ofToday[0]!;
  const own = await search({ patient: `Patient/${patientId}` });
  t.ok(own.total > 0 && own.entry.every((one: object) => JSON.stringify(one).includes(`Patient/${patientId}`)));
});

t.test('search dates mean what FHIR says they mean', async (t) => {
  const total = async (date: string | string[]) => bodyOf(await fhir.searchAppointments(everything, { date })).total;
  const whole = await total([`ge${addDays(today, -14)}`, `le${addDays(today, 28)}`]);
  t.equal(await total(today), ofToday.length);
  t.equal(await total(`eq${today}`), ofToday.length);
  t.equal((await total(`lt${today}`)) + ofToday.length + (await total(`gt${today}`)), whole);
  t.equal((await total(`eb${today}`)) + (await total(`ge${today}`)), whole);
  const { start } = ofToday[0]!;
  t.equal(await total(start.toISOString()), ofToday.filter((one) => one.start.getTime() === start.getTime()).length);
  for (const date of ['2026-02-30', 'yesterday', 'ap2026-03-10', '2026-03-10T25:00:00Z']) {
    const reply = await fhir.searchAppointments(everything, { date });
    t.equal(reply.status, 400, date);
    t.match(bodyOf(reply), { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'value' }] });
  }
});

t.test('FHIR resources have what R4 requires and nothing that is empty', async (t) => {
  const empty = (value: unknown): boolean =>
    value === null ||
    value === '' ||
    (typeof value === 'object' && (Object.keys(value).length === 0 || Object.values(value).some(empty)));
  for (const one of ofToday) {
    const reply = fhir.readAppointment(one);
    const resource = bodyOf(reply);
    t.notOk(empty(resource), one.id);
    t.match(resource, { resourceType: 'Appointment', id: one.id, minutesDuration: one.minutes });
    t.ok(appointmentStatuses.includes(resource.status));
    t.equal(Date.parse(resource.end) - Date.parse(resource.start), one.minutes * 60_000);
    t.ok(
      resource.participant.length > 0 && resource.participant.every((p: { status: string }) => p.status === 'accepted'),
    );
    t.equal(resource.serviceType[0].coding[0].code, one.categoryId);
    t.equal(reply.headers.etag, 'W/"1"');
  }
  const { patientId } = ofToday[0]!;
  const patient = await records.patient(patientId);
  const resource = bodyOf(await fhir.readPatient(patientId));
  t.notOk(empty(resource));
  t.match(resource, { resourceType: 'Patient', id: patientId, name: [{ text: patientName(patient!) }] });
  t.match(resource.birthDate, /^\d{4}-\d{2}-\d{2}$/);
  t.equal((await fhir.readPatient('p-9999')).status, 404);
});

t.test('a date that is none is said to be none', async (t) => {
  for (const date of ['2026-02-30', '10/03/2026', '0000-01-01', ['2026-03-10', '2026-03-11']]) {
    t.match(bodyOf(await api.listAppointments(everything, { date })), { status: 400, errors: { date: String } });
    const page = await pages.schedule(visit, { date });
    t.equal(page.status, 400);
    t.match(page.body, 'That is not a date');
  }
});

t.test('no page carries a script or a style of its own, and none is kept', async (t) => {
  const replies = [
    await pages.schedule(visit, {}),
    pages.appointment(visit, ofToday[0]!, {}),
    await pages.editAppointment(visit, ofToday[0]!),
    pages.notFound(visit),
  ];
  for (const { headers, body } of replies) {
    t.match(headers['content-security-policy'], "default-src 'none'");
    t.equal(headers['cache-control'], 'no-store');
    t.notMatch(body, /<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=/);
  }
});
