// A clinician meets an emergency inside the pages of the host: from the page that asks for a factor to the record in two clicks,
// with everything said before it is done; and what approval, review and the patient's record look like.

import type { AuditRecord } from '@countersign/core';
import { requireStepUp } from '@countersign/fastify';
import type { Test } from 'tap';
import { auditStory, codesOf } from '../support/audit-story.ts';
import type { Answer, Client } from '../support/client.ts';
import { askOnPage, breakGlass, emergencyAccess, emergencyHref, REASON, request } from '../support/emergency.ts';
import { type Host, type HostRoutes, onEveryAdapter } from '../support/hosts.ts';
import { formTo, sendForm } from '../support/page-form.ts';
import { sharedHosts } from '../support/shared-hosts.ts';

/** A handler that has begun to answer, and waits to be let go. */
const slow: { entered: () => void; goOn: Promise<void> } = { entered: () => {}, goOn: Promise.resolve() };
const answerSlowly = async () => {
  slow.entered();
  await slow.goOn;
  return { slow: true };
};
const routes: HostRoutes = {
  fastify(app) {
    app.get('/open', async (request) => request.stepUp.emergencyAccess);
    app.get('/patients/:patientId/slow', { preHandler: requireStepUp('*') }, answerSlowly);
  },
  express(app, made) {
    app.get('/open', (request, response) => void response.json(request.stepUp.emergencyAccess));
    app.get('/patients/:patientId/slow', made.requireStepUp('*'), async (_request, response) => {
      response.json(await answerSlowly());
    });
  },
};

const hostFor = sharedHosts({
  routes,
  countersign: { emergencyAccess: { ...emergencyAccess, mostPerDay: 3, fields: { nature: 'optional' } } },
});
const administrator = { roles: ['administrator'] };

/** Follows a page that refuses a navigation to its challenge. */
async function challengeFor(client: Client, wanted: string): Promise<Answer> {
  const refused = await client.get(wanted, { page: true });
  return await client.get(refused.headers.get('location') ?? '', { page: true });
}

/** What people did; whom their host could not tell of it is another test's. */
const deedsOf = (events: readonly AuditRecord[]): string[] =>
  codesOf(events).filter((code) => code !== 'NOTICE_FAILED');

const idIn = (path: string | null): string => /\/emergency\/([0-9a-f-]{36})/.exec(path ?? '')?.[1] ?? '';

onEveryAdapter('from the page that asks to the record in two clicks', async (t, adapter) => {
  const host = await hostFor(adapter);
  const { client } = await host.enrolled('anna');
  const story = await auditStory(host);

  const asked = await challengeFor(client, '/visits/v1?tab=notes');
  const form = await client.get(emergencyHref(asked), { page: true });
  t.equal(form.status, 200);
  t.match(form.text, 'for 60 minutes', 'it says for how long');
  t.match(form.text, 'administrators are told at once', 'who is told');
  t.match(form.text, 'Every access is recorded', 'and what is recorded');
  t.match(form.text, '<dd>p1</dd>', 'and whose records it is');
  t.strictSame(deedsOf(await story.next()), ['MFA_REQUIRED'], 'looking does nothing');

  const opened = await askOnPage(client, form);
  t.equal(opened.status, 303);
  t.equal(opened.headers.get('location'), '/visits/v1?tab=notes', 'straight back to what was wanted');
  const record = await client.get('/visits/v1?tab=notes', { page: true });
  t.equal(record.status, 200);
  t.match(record.text, 'notes of v1');
  t.match(await client.get('/visits/v2'), { status: 401 }, 'no other patient opens');
  t.match(await client.get('/export/v1'), { status: 401 }, 'and nothing leaves without a factor');

  const events = (await story.next()).filter(({ code }) => code !== 'NOTICE_FAILED');
  t.strictSame(deedsOf(events), ['EMERGENCY_ACCESS_STARTED', 'ACCESS_ALLOWED', 'MFA_REQUIRED', 'MFA_REQUIRED']);
  const id = String(events[0]?.emergencyAccessId);
  t.match(events[0], { userId: 'anna', patientId: 'p1', reason: REASON });
  t.match(events[1], { emergencyAccessId: id, route: '/visits/:id', patientId: 'p1', userId: 'anna' });

  await t.test('what is open is said everywhere, and nothing of it twice', async (t) => {
    const session = (await client.get('/api/v1/auth/session')).json();
    t.match(session, { emergencyAccess: [{ id, patientId: 'p1', purpose: 'clinical' }] });
    t.ok(Number((session.emergencyAccess as { secondsLeft: number }[])[0]?.secondsLeft) > 3500);
    const again = await client.get(emergencyHref(asked), { page: true });
    t.equal(again.status, 303, 'the form of what is open leads to its page');
    const page = await client.get(again.headers.get('location') ?? '', { page: true });
    t.match(page.text, 'Emergency access is open');
    t.match(page.text, 'href="/visits/v1?tab=notes"');
    const own = await client.get('/step-up/emergency', { page: true });
    t.match(own.text, 'See and end');
  });

  await t.test('it is ended early, and locks at once', async (t) => {
    const page = await client.get(`/step-up/emergency/${id}?returnTo=/visits/v1`, { page: true });
    const ended = await sendForm(client, formTo(page.text, `/step-up/emergency/${id}/end`));
    t.equal(ended.status, 303);
    const after = await client.get(ended.headers.get('location') ?? '', { page: true });
    t.match(after.text, 'Emergency access has ended');
    t.equal((await client.get('/visits/v1')).status, 401);
    const twice = await sendForm(client, formTo(page.text, `/step-up/emergency/${id}/end`));
    t.equal(twice.status, 303, 'a second click is no error');
    const events = await story.next();
    t.strictSame(deedsOf(events.filter(({ emergencyAccessId }) => emergencyAccessId === id)), [
      'EMERGENCY_ACCESS_ENDED',
      'EMERGENCY_ACCESS_REFUSED',
    ]);
  });
});

onEveryAdapter('a form in an emergency: shown in place, nothing typed is lost', async (t, adapter) => {
  const host = await hostFor(adapter);
  const { client } = await host.enrolled('bert');
  const form = await client.get('/step-up/emergency?purpose=clinical&patient=p1&returnTo=%2Fvisits%2Fv1', {
    page: true,
  });
  const story = await auditStory(host);
  const refused = await askOnPage(client, form, {
    reason: 'too short',
    nature: 'Cardiac <arrest>',
    purposeOfUse: 'BTG',
  });
  t.equal(refused.status, 422);
  t.match(refused.text, 'Say in at least 20 characters');
  t.match(refused.text, />too short<\/textarea>/);
  t.match(refused.text, 'value="Cardiac &lt;arrest>"');
  t.match(refused.text, /value="BTG" checked/);
  t.match(refused.text, /<title>Error: /);
  for (const reason of ['', ' \n ', 'aaaaaaaaaaaaaaaaaaaaaaaaaaa']) {
    t.equal((await askOnPage(client, form, { reason })).status, 422, JSON.stringify(reason));
  }
  const purpose = await askOnPage(client, form, { purposeOfUse: 'TREAT' });
  t.equal(purpose.status, 400);
  t.match(purpose.text, 'Please choose one');
  t.equal((await client.get('/visits/v1')).status, 401);
  const codes = deedsOf(await story.next());
  t.strictSame(new Set(codes), new Set(['EMERGENCY_ACCESS_REFUSED', 'MFA_REQUIRED']), 'each refusal is on the log');
  t.equal((await askOnPage(client, refused)).status, 303, 'sent again, it opens');

  await t.test('a record that was being changed is sent on a click, once it is open', async (t) => {
    const { client: other } = await host.enrolled('britt');
    const typed = { notes: 'given 5 mg at 9:05' };
    const asked = await other.post('/visits/v2', { page: true, form: typed });
    t.equal(asked.status, 401);
    const shown = await sendForm(other, formTo(asked.text, '/step-up/emergency'));
    t.equal(shown.status, 200);
    t.notMatch(shown.text, 'given 5 mg', 'what is kept is sealed');
    const opened = await askOnPage(other, shown);
    t.equal(opened.status, 200);
    t.match(opened.text, 'Emergency access is open. Send it now?');
    t.match(opened.text, 'given 5 mg at 9:05');
    t.not(host.visits.get('v2')?.notes, 'given 5 mg at 9:05', 'nothing is sent by itself');
    t.equal((await sendForm(other, formTo(opened.text, '/visits/v2'))).status, 200);
    t.equal(host.visits.get('v2')?.notes, 'given 5 mg at 9:05');
  });
});

onEveryAdapter('it locks by itself, in the middle of a session', async (t, adapter) => {
  const host = await hostFor(adapter);
  const { client } = await host.enrolled('cleo');
  const id = await breakGlass(client, { patientId: 'p2' });
  host.clock.advance(3599);
  t.equal((await client.get('/visits/v2')).status, 200, 'in the last second');
  t.match((await client.get(`/step-up/emergency/${id}`, { page: true })).text, '1 second left');
  const [told] = (await client.get('/open')).json() as unknown as Record<string, unknown>[];
  t.match(told, { id, patientId: 'p2', purpose: 'clinical', secondsLeft: 1 }, 'a host knows without a script');
  let goOn = () => {};
  slow.goOn = new Promise((resolve) => {
    goOn = resolve;
  });
  const entered = new Promise<void>((resolve) => {
    slow.entered = resolve;
  });
  const begun = client.get('/patients/p2/slow');
  await entered;
  host.clock.advance(1);
  goOn();
  t.match(await begun, { status: 200, text: '{"slow":true}' }, 'what began inside is not cut');
  t.equal((await client.get('/patients/p2/slow')).status, 401, 'the next is');
  t.strictSame((await client.get('/open')).json(), []);
  t.equal((await client.get('/visits/v2')).status, 401);
  t.strictSame((await client.get('/api/v1/auth/session')).json().emergencyAccess, []);
  t.match((await client.get(`/step-up/emergency/${id}`, { page: true })).text, 'Its time was up');
  t.match((await client.post(`/api/v1/break-glass/${id}/end`, { json: {} })).json(), { code: 'emergency_ended' });
});

onEveryAdapter('who has no factor, or none that works, is shown the way', async (t, adapter) => {
  const host = await hostFor(adapter);
  const nobody = await host.signedIn('dora');
  const page = await nobody.get('/visits/v1', { page: true });
  t.equal(page.status, 403);
  t.match(page.text, 'You need a second factor');
  const form = await nobody.get(emergencyHref(page), { page: true });
  t.equal((await askOnPage(nobody, form)).headers.get('location'), '/visits/v1');
  t.equal((await nobody.get('/visits/v1')).status, 200);
  const problem = (await nobody.get('/visits/v2')).json();
  t.match(problem, { code: 'factor_required' });
  t.equal(
    problem.emergencyUrl,
    `${host.baseUrl}/step-up/emergency?purpose=clinical&patient=p2&returnTo=%2Fvisits%2Fv2`,
    'and programs are told',
  );

  const desk = await host.signedIn('desk', { roles: ['desk'] });
  const refused = await desk.get('/visits/v1', { page: true });
  t.notMatch(refused.text, '/step-up/emergency', 'nobody is shown a way that ends at a refusal');
  t.notOk('emergencyUrl' in (await desk.get('/visits/v1')).json());
  const tried = await desk.get('/step-up/emergency?patient=p1', { page: true });
  t.equal(tried.status, 403);
  t.match(tried.text, 'Emergency access is not for everybody');
});

onEveryAdapter('lost factors: recovery opens, and no record', async (t, adapter) => {
  const host = await hostFor(adapter);
  const { client } = await host.enrolled('emil');
  host.clock.advance(1200);
  const factors = await client.get('/step-up/factors', { page: true });
  const asked = await sendForm(client, formTo(factors.text, '/step-up/factors/totp/enrol'));
  t.equal(asked.status, 401, 'another authenticator takes the one that is lost');
  const form = await client.get(emergencyHref(asked), { page: true });
  t.match(form.text, 'No records open');
  const opened = await askOnPage(client, form);
  t.equal(opened.status, 303);
  const way = opened.headers.get('location') ?? '';
  const story = await auditStory(host);
  t.equal((await client.get('/visits/v1')).status, 401, 'it is no way to a record');
  const again = await sendForm(client, formTo(factors.text, '/step-up/factors/totp/enrol'));
  t.equal(again.status, 303, 'the new factor can be added');
  t.equal(again.headers.get('location'), '/step-up/factors/totp/enrol');
  t.ok(way.startsWith('/step-up/'), way);
  t.ok(deedsOf(await story.next()).includes('FACTOR_ENROLMENT_STARTED'));
});

onEveryAdapter('beyond the bounds a second person approves', async (t, adapter) => {
  const host = await hostFor(adapter);
  const { client } = await host.enrolled('fred');
  for (const patientId of ['x1', 'x2', 'x3']) {
    const id = await breakGlass(client, { patientId });
    t.equal((await client.post(`/api/v1/break-glass/${id}/end`, { json: {} })).status, 200);
  }
  const form = await client.get('/step-up/emergency?patient=p1&returnTo=/visits/v1', { page: true });
  t.match(form.text, 'a second person has to approve first');
  const story = await auditStory(host);
  const waits = await askOnPage(client, form);
  const place = waits.headers.get('location') ?? '';
  const id = idIn(place);
  t.match((await client.get(place, { page: true })).text, 'Nothing is open yet');
  t.equal((await client.get('/visits/v1')).status, 401);
  t.strictSame(deedsOf(await story.next()), ['EMERGENCY_ACCESS_REQUESTED', 'MFA_REQUIRED']);
  t.equal((await client.post(`/api/v1/break-glass/${id}/approve`, { json: {} })).status, 403, 'not by oneself');

  const { client: desk } = await host.enrolled('gerd', { roles: ['desk'] });
  t.equal((await desk.get(`/step-up/emergency/${id}`, { page: true })).status, 404, 'not by somebody who may not');
  const { client: second } = await host.enrolled('gina');
  t.match((await second.get('/step-up/emergency', { page: true })).text, `/step-up/emergency/${id}`);
  const page = await second.get(`/step-up/emergency/${id}`, { page: true });
  t.match(page.text, 'Approve emergency access?');
  t.match(page.text, REASON);
  host.clock.advance(60);
  const approved = await sendForm(second, formTo(page.text, `/step-up/emergency/${id}/approve`));
  t.equal(approved.headers.get('location'), '/step-up/emergency?done=approved');
  const open = await client.get(place, { page: true });
  t.match(open.text, 'Emergency access is open');
  t.match(open.text, '60 minutes left', 'counted from the approval');
  t.match(open.text, '<dd>gina</dd>');
  t.equal((await client.get('/visits/v1')).status, 200);
  const late = await sendForm(second, formTo(page.text, `/step-up/emergency/${id}/decline`), { note: 'no' });
  t.equal(late.headers.get('location'), '/step-up/emergency?done=gone');

  await t.test('or declines', async (t) => {
    const asked = await client.post('/api/v1/break-glass', { json: { ...request, patientId: 'p2' } });
    t.equal(asked.status, 202);
    const other = String(asked.json().id);
    const shown = await second.get(`/step-up/emergency/${other}`, { page: true });
    const long = await sendForm(second, formTo(shown.text, `/step-up/emergency/${other}/decline`), {
      note: 'x'.repeat(501),
    });
    t.match(long.text, 'Enter at most 500 characters');
    const declined = await sendForm(second, formTo(shown.text, `/step-up/emergency/${other}/decline`), { note: '' });
    t.equal(declined.headers.get('location'), '/step-up/emergency?done=declined');
    t.match((await client.get(`/step-up/emergency/${other}`, { page: true })).text, 'was declined');
    t.equal((await client.get('/visits/v2')).status, 401);
  });
});

onEveryAdapter('review, by somebody else, and the patient’s record', async (t, adapter) => {
  const host = await hostFor(adapter);
  const { client } = await host.enrolled('hans', { roles: ['clinician', 'administrator'] });
  const { client: reviewer } = await host.enrolled('ines', administrator);
  const id = await breakGlass(client, { nature: '=Cardiac' });
  t.equal((await client.get('/visits/v1')).status, 200);
  const path = `/step-up/admin/reviews/${id}`;
  t.match((await reviewer.get('/step-up/admin/reviews?state=open', { page: true })).text, path);
  t.match((await reviewer.get(path, { page: true })).text, 'It can be reviewed once it has ended');
  const open = await reviewer.get(path, { page: true });
  t.equal((await sendForm(reviewer, formTo(open.text, `${path}/end`))).headers.get('location'), `${path}?done=ended`);
  t.equal((await client.get('/visits/v1')).status, 401, 'an administrator has ended it');

  t.match((await reviewer.get('/step-up/admin/reviews', { page: true })).text, path);
  t.match((await client.get(path, { page: true })).text, 'Another administrator must review your own');
  const page = await reviewer.get(path, { page: true });
  t.match(page.text, REASON);
  t.match(page.text, 'GET /visits/:id');
  const form = formTo(page.text, path);
  t.match((await sendForm(reviewer, form, { note: 'long enough' })).text, 'Please choose one');
  const short = await sendForm(reviewer, form, { outcome: 'signed-off', note: 'short' });
  t.match(short.text, 'Enter a note of at least 10 characters');
  t.match(short.text, />short<\/textarea>/);
  const own = await client.post(`/api/v1/break-glass/${id}/review`, {
    json: { outcome: 'signed-off', note: 'I was there myself.' },
  });
  t.match(own.json(), { code: 'emergency_own_review', status: 403 });
  const story = await auditStory(host);
  const escalated = await sendForm(reviewer, form, { outcome: 'escalated', note: 'Why no factor at hand?' });
  t.equal(escalated.headers.get('location'), `${path}?done=reviewed`);
  const done = await sendForm(reviewer, form, { outcome: 'signed-off', note: 'Phone was broken, seen.' });
  t.equal(done.headers.get('location'), `${path}?done=reviewed`);
  const twice = await sendForm(reviewer, form, { outcome: 'escalated', note: 'One more time, please' });
  t.equal(twice.status, 409);
  t.match(twice.text, 'was reviewed in the meantime');
  t.match((await reviewer.get('/step-up/admin/reviews?state=reviewed', { page: true })).text, path);
  t.strictSame(deedsOf(await story.next()), [
    'EMERGENCY_ACCESS_REVIEWED',
    'EMERGENCY_ACCESS_REVIEWED',
    'EMERGENCY_ACCESS_REFUSED',
  ]);

  await t.test('what a patient may be given', async (t) => {
    const record = await reviewer.get(`${path}/record`, { page: true });
    t.equal(record.status, 200);
    t.match(record.text, REASON);
    t.match(record.text, 'Ketamine infusion');
    t.notMatch(record.text, 'Phone was broken', 'no note of the reviewer');
    const csv = await reviewer.get(`${path}/record?format=csv`, { page: true });
    t.match(csv.headers.get('content-disposition'), `emergency-access-${id}.csv`);
    t.match(csv.text, "'=Cardiac", 'nothing that a spreadsheet would run');
    t.match(csv.text.split('\r\n')[1], `${id},p1,hans,`);
    const json = (await reviewer.get(`/api/v1/break-glass/${id}/record`)).json();
    t.match(json, {
      patientId: 'p1',
      who: 'hans',
      nature: '=Cardiac',
      opened: [{ action: 'view', route: '/visits/:id' }],
    });
    t.strictSame((await reviewer.get(`${path}/record?format=json`, { page: true })).json(), json);
    const codes = deedsOf(await story.next());
    t.strictSame(codes, ['AUDIT_EXPORTED', 'AUDIT_EXPORTED', 'AUDIT_EXPORTED', 'AUDIT_EXPORTED'], 'each on the log');
    t.equal((await client.get(`/step-up/admin/reviews/${id}/record`, { page: true })).status, 200);
    const { client: plain } = await host.enrolled('jana');
    t.equal((await plain.get(`${path}/record`, { page: true })).status, 403);
    t.equal((await plain.get(`/api/v1/break-glass/${id}`)).status, 404);
  });

  await t.test('the queue, for programs', async (t) => {
    const queue = (await reviewer.get('/api/v1/admin/break-glass?state=reviewed')).json();
    t.match(queue, { accesses: [{ id, review: { outcome: 'signed-off', by: 'ines' } }] });
    const first = (await reviewer.get('/api/v1/admin/break-glass?limit=1')).json();
    t.equal((first.accesses as unknown[]).length, 1);
    const next = (await reviewer.get(`/api/v1/admin/break-glass?limit=1&before=${first.next}`)).json();
    t.not((next.accesses as { id: string }[])[0]?.id, (first.accesses as { id: string }[])[0]?.id);
    t.equal((await reviewer.get('/api/v1/admin/break-glass?before=x')).status, 400);
  });
});

onEveryAdapter('what asks for it by JSON', async (t, adapter) => {
  const host = await hostFor(adapter);
  const { client } = await host.enrolled('karl');
  const options = (await client.get('/api/v1/break-glass/options?patientId=p1')).json();
  t.match(options, { available: true, refusal: null, windowSeconds: 3600, needsApproval: false, open: null });
  t.strictSame(options.fields, { recipient: null, facility: null, nature: 'optional' });
  await eachRefusal(t, host, client);
  const started = await client.post('/api/v1/break-glass', { json: { ...request, nature: 'Cardiac arrest' } });
  t.equal(started.status, 201);
  const { id, url } = started.json();
  t.match(started.json(), {
    status: 'open',
    secondsLeft: 3600,
    patientId: 'p1',
    nature: 'Cardiac arrest',
    review: null,
  });
  t.equal(url, `${host.baseUrl}/step-up/emergency/${id}`);
  const held = await client.post('/api/v1/break-glass', { json: request });
  t.equal(held.json().id, id, 'the same again, and not a second longer');
  t.match((await client.get('/api/v1/break-glass')).json(), { own: [{ id }], waitingForApproval: [] });
  t.match((await client.get(`/api/v1/break-glass/${id}`)).json(), { id, userId: 'karl' });
  t.match((await client.get('/api/v1/break-glass/options?patientId=p1')).json(), { open: { id } });
  t.match((await client.post(`/api/v1/break-glass/${id}/end`, { json: {} })).json(), {
    status: 'ended',
    endedBy: 'person',
  });
});

async function eachRefusal(t: Test, host: Host, client: Client): Promise<void> {
  const cases: [Readonly<Record<string, unknown>>, number, string, string | undefined][] = [
    [{ reason: 'short' }, 422, 'emergency_reason_insufficient', 'reason'],
    [{ reason: undefined }, 422, 'emergency_reason_insufficient', 'reason'],
    [{ purposeOfUse: 'TREAT' }, 400, 'input_invalid', 'purposeOfUse'],
    [{ purpose: 'curiosity' }, 400, 'input_invalid', 'purpose'],
    [{ purpose: 'administrative' }, 400, 'input_invalid', 'patientId'],
    [{ reason: 17 }, 400, 'input_invalid', 'reason'],
  ];
  for (const [more, status, code, field] of cases) {
    const refused = await client.post('/api/v1/break-glass', { json: { ...request, ...more } });
    t.match(refused.json(), { status, code, ...(field === undefined ? {} : { field }) }, JSON.stringify(more));
  }
  t.equal((await client.get('/visits/v1')).status, 401, 'and nothing is open');
  t.strictSame(host.faults, []);
}
