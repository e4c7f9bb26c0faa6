import t from 'tap';
import { describeAppointment, describeEdit } from '../src/policy/guarded-record.ts';
import type { Appointment } from '../src/records/appointment.ts';
import { createClinicPages } from '../src/routes/clinic-pages.tsx';
import { createJsonApi } from '../src/routes/json-api.ts';
import { now, openClinic, visit } from './clinic.ts';

const { records } = await openClinic();
const pages = createClinicPages(records, now);
const api = createJsonApi(records, now);
const read = async (id: string): Promise<Appointment> => (await records.appointment(id))!;
const form = ({ patientId, categoryId, title, notes, status, version }: Appointment) => ({
  ...{ csrf: visit.csrf, patientId, categoryId, title, notes, status },
  version: String(version),
});

t.test('a form that is right is saved, and the next page is the appointment', async (t) => {
  const before = await read('a-00001');
  const posted = { ...form(before), title: ' New title ', notes: 'one\r\ntwo', status: 'arrived' };
  const reply = await pages.saveAppointment(visit, before, posted);
  t.equal(reply.status, 303);
  t.equal(reply.headers.location, '/appointments/a-00001?saved');
  t.match(await read('a-00001'), { title: 'New title', notes: 'one\ntwo', status: 'arrived', version: 2 });
});

t.test('a form that is wrong comes back with all that was typed and an error at each field', async (t) => {
  const before = await read('a-00002');
  const typed = '\n <script>alert("&amp;")</script>\n';
  const posted = { ...form(before), title: ' ', notes: typed, categoryId: '99', status: 'lost', patientId: 'p-9999' };
  const { status, body } = await pages.saveAppointment(visit, before, posted);
  t.equal(status, 422);
  for (const name of ['title', 'categoryId', 'status']) t.match(body, `id="${name}-error"`);
  t.match(body, 'Enter a title.');
  // A textarea's first newline is dropped by the parser, so the page gives one away.
  t.match(body, '>\n\n &lt;script>alert(&quot;&amp;amp;&quot;)&lt;/script>\n</textarea>');
  t.match(body, '<title>Error: Edit appointment');
  t.same(await read('a-00002'), before, 'nothing is saved');

  const stranger = await pages.saveAppointment(visit, before, { ...form(before), patientId: 'p-9999' });
  t.equal(stranger.status, 422);
  t.match(stranger.body, 'id="patientId-error"');
});

t.test('whoever saves second is shown what the first one saved, and may then replace it', async (t) => {
  const opened = await read('a-00003');
  await pages.saveAppointment(visit, opened, { ...form(opened), title: 'By the first' });
  const stored = await read('a-00003');
  const second = await pages.saveAppointment(visit, stored, { ...form(opened), title: 'By the second' });
  t.equal(second.status, 409);
  t.match(second.body, 'By the first');
  t.match(second.body, 'value="By the second"');
  t.match(second.body, 'name="version" value="2"');
  t.match(await read('a-00003'), { title: 'By the first' });

  const meant = await pages.saveAppointment(visit, stored, { ...form(stored), title: 'By the second' });
  t.equal(meant.status, 303);
});

t.test('a change between the guard and the write is refused without showing what no guard has judged', async (t) => {
  const judged = await read('a-00004');
  await records.saveAppointment(judged, { categoryId: '8', title: 'Grew sensitive meanwhile' });
  const reply = await pages.saveAppointment(visit, judged, { ...form(judged), title: 'Mine' });
  t.equal(reply.status, 409);
  t.match(reply.body, 'value="Mine"');
  t.notMatch(reply.body, 'Grew sensitive meanwhile');
  t.match(await read('a-00004'), { title: 'Grew sensitive meanwhile', version: 2 });

  const viaApi = await api.replaceAppointment(judged, { title: 'Mine' });
  t.equal(viaApi.status, 409);
  t.notMatch(viaApi.body, 'Grew sensitive meanwhile');
});

t.test('JSON: what was read can be sent back, a part suffices, and what is fixed stays', async (t) => {
  const before = await read('a-00005');
  const whole = JSON.parse(api.readAppointment(before).body);
  const replaced = await api.replaceAppointment(before, { ...whole, title: 'Sent back' });
  t.equal(replaced.status, 200);
  t.match(JSON.parse(replaced.body), { title: 'Sent back', version: 2, notes: before.notes });

  const again = await read('a-00005');
  t.equal((await api.replaceAppointment(again, { status: 'cancelled' })).status, 200);
  t.match(await read('a-00005'), { status: 'cancelled', title: 'Sent back', version: 3 });

  const current = await read('a-00005');
  const wrong: readonly (readonly [unknown, string])[] = [
    [{ start: '2030-01-01T00:00:00.000Z' }, 'start'],
    [{ id: 'a-00006' }, 'id'],
    [{ title: 5 }, 'title'],
    [{ title: 'NUL \u0000' }, 'title'],
    [{ title: 'x'.repeat(121) }, 'title'],
    [{ notes: 'x'.repeat(4001) }, 'notes'],
    [{ categoryId: ['1', '5'] }, 'categoryId'],
    [{ version: 'latest' }, 'version'],
    [[], 'body'],
    [null, 'body'],
  ];
  for (const [body, field] of wrong) {
    const reply = await api.replaceAppointment(current, body);
    t.equal(reply.status, 422, JSON.stringify(body)?.slice(0, 60));
    t.match(reply.headers['content-type'], /^application\/problem\+json/);
    t.type(JSON.parse(reply.body).errors[field], 'string');
  }
  t.equal((await api.replaceAppointment(current, { title: 'Late', version: 1 })).status, 409);
  t.same(await read('a-00005'), current);
});

t.test('a guard is told what an edit would make of the record', async (t) => {
  const current = { ...(await read('a-00006')), categoryId: '5', patientId: 'p-0007' };
  t.match(describeAppointment(current), { workspaceId: 'clinic', patientId: 'p-0007', categories: ['5'] });
  t.match(describeEdit(current, { categoryId: '1' }), { patientId: 'p-0007', categories: ['1'] });
  t.match(describeEdit(current, { patientId: 'p-0008', categoryId: '12' }), {
    patientId: 'p-0008',
    categories: ['12'],
  });
  for (const body of [undefined, null, 'text', { categoryId: ['1'] }, { categoryId: '99', patientId: 7 }]) {
    t.match(
      describeEdit(current, body),
      { patientId: 'p-0007', categories: ['5'] },
      'a malformed field changes nothing',
    );
  }
});
