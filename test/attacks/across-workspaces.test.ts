// Two organisations share one server. A loader that forgets to ask whose record it loads, an administrator of one who reaches for the
// other, a person with the same user id in both, a challenge or a proof carried over (threat 24): nothing of one workspace may be
// seen, changed or answered from the other, and what belongs to the other looks exactly like what does not exist.
import { CountersignError } from '@countersign/core';
import type { Answer } from '../support/client.ts';
import { breakGlass, emergencyAccess, request } from '../support/emergency.ts';
import { type Host, onEveryAdapter } from '../support/hosts.ts';
import { answerAndResend } from '../support/settings-form.ts';
import { sharedHosts } from '../support/shared-hosts.ts';

const hostOf = sharedHosts({ countersign: { emergencyAccess: { ...emergencyAccess, mostOpen: 1 } } });
const administrator = { roles: ['administrator'] };
const elsewhere = { workspaceId: 'elsewhere' };

/** An answer with the asked id taken out, so that two answers can be compared to the letter. */
const comparable = (answer: Answer, id: string) => ({
  status: answer.status,
  headers: [...answer.headers].filter(([name]) => !['date', 'content-length', 'etag', 'set-cookie'].includes(name)),
  text: answer.text.replaceAll(id, '…'),
});

const eventsOf = async (host: Host, userId: string) => (await host.events()).filter((event) => event.userId === userId);

onEveryAdapter('a record of another workspace is a record that does not exist', async (t, adapter) => {
  const host = await hostOf(adapter);
  const { client, secret } = await host.enrolled('carol');
  await host.stepUp(client, secret, '/visits/v1');
  const before = await eventsOf(host, 'carol');
  for (const page of [false, true]) {
    for (const path of ['/visits/', '/export/', '/cached/', '/raw/']) {
      const far = await client.get(`${path}far`, { page });
      t.equal(far.status, 404);
      t.strictSame(comparable(far, 'far'), comparable(await client.get(`${path}nil`, { page }), 'nil'), path);
      t.notMatch(far.text, /(?<![\w-])p9(?![\w-])|elsewhere|notes of far/);
    }
  }
  for (const method of ['POST', 'PUT']) {
    const far = await client.send(method, '/visits/far', { json: { notes: 'mine now' } });
    t.strictSame(
      comparable(far, 'far'),
      comparable(await client.send(method, '/visits/nil', { json: { notes: 'x' } }), 'nil'),
    );
  }
  t.equal(host.visits.get('far')?.notes, 'notes of far');
  t.strictSame(await eventsOf(host, 'carol'), before, 'nor does the log say that there is something');

  // Asked for by hand, it is refused, and that is on the log.
  const enforced = await client.get('/resolver/far');
  t.equal(enforced.status, 404);
  t.match(enforced.json(), { code: 'not_found' });
  t.notMatch(enforced.text, /(?<![\w-])p9(?![\w-])|elsewhere/);
  const denied = (await eventsOf(host, 'carol')).at(-1);
  t.match(denied, { code: 'ACCESS_DENIED', outcome: 'refused', reason: 'another-workspace', workspaceId: 'clinic' });

  const stranger = host.client();
  t.strictSame(
    comparable(await stranger.get('/visits/far'), 'far'),
    comparable(await stranger.get('/visits/v1'), 'v1'),
    'nobody signed in: no difference at all',
  );
});

onEveryAdapter('one user id in two workspaces is two people', async (t, adapter) => {
  const host = await hostOf(adapter);
  const here = await host.enrolled('dave');
  const there = await host.signedIn('dave', elsewhere);
  t.match((await there.get('/visits/far')).json(), { code: 'factor_required' }, 'his factor here is none there');
  const session = (await there.get('/api/v1/auth/session')).json();
  t.match(session, { factors: [], proofs: [], principal: elsewhere });

  const challengeId = String((await here.client.get('/visits/v1')).json().challengeId);
  const json = { challengeId, factor: 'totp', code: host.code(here.secret) };
  const carried = await there.post('/api/v1/auth/mfa/verify', { json });
  t.match(carried.json(), { code: 'challenge_unknown', status: 404 });
  const unknown = await there.post('/api/v1/auth/mfa/verify', { json: { ...json, challengeId: 'A'.repeat(22) } });
  t.equal(carried.text, unknown.text);
  t.equal((await there.get(`/step-up/challenge/${challengeId}`, { page: true })).status, 404);
  // Nor in another session of the same person.
  const again = await host.signedIn('dave');
  t.match((await again.post('/api/v1/auth/mfa/verify', { json })).json(), { code: 'challenge_unknown' });
  t.equal((await here.client.post('/api/v1/auth/mfa/verify', { json })).status, 200, 'it was not used up by that');

  // The same host session moves to the other workspace: everything of the first is gone.
  const moved = here.client;
  t.equal((await moved.get('/visits/v1')).status, 200);
  await moved.post('/switch-user', { json: { userId: 'dave', ...elsewhere } });
  t.equal((await moved.get('/visits/v1')).status, 404);
  t.match((await moved.get('/visits/far')).json(), { code: 'factor_required' });
  await moved.post('/switch-user', { json: { userId: 'dave' } });
  t.match((await moved.get('/visits/v1')).json(), { code: 'step_up_required', reasons: [{ kind: 'missing' }] });
  const events = await eventsOf(host, 'dave');
  const allowed = events.filter((event) => event.code === 'ACCESS_ALLOWED');
  t.match(allowed, [{ workspaceId: 'clinic', patientId: 'p1' }]);
  t.equal(allowed.length, 1);
  t.ok(events.filter((event) => event.workspaceId === 'elsewhere').every((event) => event.code === 'ACCESS_DENIED'));
});

onEveryAdapter('an emergency of one workspace is nothing in the other', async (t, adapter) => {
  const host = await hostOf(adapter);
  const { client: there } = await host.enrolled('ivan', elsewhere);
  const open = await breakGlass(there);
  const asked = await there.post('/api/v1/break-glass', { json: { ...request, patientId: 'p9' } });
  t.equal(asked.status, 202);
  const waits = String(asked.json().id);
  const { client: colleague } = await host.enrolled('judy');
  const { client: admin } = await host.enrolled('kim', administrator);
  // The same user id here is somebody else.
  const { client: namesake } = await host.enrolled('ivan');

  t.equal((await namesake.get('/visits/v1')).status, 401, 'the same patient id here is somebody else, too');
  t.strictSame((await namesake.get('/api/v1/break-glass')).json(), { own: [], waitingForApproval: [] });
  t.strictSame((await colleague.get('/api/v1/break-glass')).json().waitingForApproval, []);
  t.strictSame((await admin.get('/api/v1/admin/break-glass')).json(), { accesses: [], next: null });
  const nil = '00000000-0000-7000-8000-000000000000';
  for (const id of [open, waits]) {
    for (const client of [namesake, colleague, admin]) {
      for (const path of ['/step-up/emergency/', '/api/v1/break-glass/']) {
        const page = path.startsWith('/step-up');
        const far = await client.get(`${path}${id}`, { page });
        t.equal(far.status, 404);
        t.strictSame(comparable(far, id), comparable(await client.get(`${path}${nil}`, { page }), nil));
      }
      for (const [deed, json] of Object.entries({ end: {}, approve: {}, decline: { note: 'no' } })) {
        t.equal((await client.post(`/api/v1/break-glass/${id}/${deed}`, { json })).status, 404, deed);
      }
    }
    t.equal((await admin.get(`/step-up/admin/reviews/${id}`, { page: true })).status, 404);
    t.equal((await admin.get(`/api/v1/break-glass/${id}/record`)).status, 404);
    const json = { outcome: 'signed-off', note: 'Nothing to see here.' };
    t.equal((await admin.post(`/api/v1/break-glass/${id}/review`, { json })).status, 404);
  }
  t.match((await there.get(`/api/v1/break-glass/${open}`)).json(), { status: 'open', review: null });
  t.match((await there.get(`/api/v1/break-glass/${waits}`)).json(), { status: 'waiting' });
});

onEveryAdapter('an administrator of one workspace reaches nothing of the other', async (t, adapter) => {
  const host = await hostOf(adapter);
  const here = await host.enrolled('erin', administrator);
  const there = await host.enrolled('frank', { ...administrator, ...elsewhere });
  const victim = await host.enrolled('grace', elsewhere);
  t.equal((await victim.client.get('/visits/far')).status, 401);
  await host.events();

  const principalOf = (userId: string, workspaceId: string) => {
    const signedInAt = new Date(host.clock.now());
    const principal = { userId, workspaceId, roles: ['administrator'], displayName: userId, signedInAt };
    return host.countersign.principalOf({ ...principal, sessionKey: `direct ${userId} ${workspaceId}` });
  };
  const mine = principalOf('erin', 'clinic');
  const { administration, sessions } = host.countersign;
  const seen = await administration.auditEvents(mine, { limit: 1000, ...({ workspaceId: 'elsewhere' } as object) });
  t.ok(seen.length > 0);
  t.ok(
    seen.every((event) => event.workspaceId === 'clinic'),
    'whatever is asked for',
  );
  t.strictSame(await administration.auditEvents(mine, { userId: 'grace' }), []);
  const log = await here.client.get('/step-up/admin/audit?userId=grace&workspaceId=elsewhere', { page: true });
  t.equal(log.status, 200);
  t.notMatch(log.text, /(?<![\w-])p9(?![\w-])|<td[^>]*>grace/);
  const cursor = (await host.events()).find((event) => event.workspaceId === 'elsewhere');
  const before = `${(cursor?.at ?? 0) + 1}~${cursor?.id}`;
  const paged = await here.client.get(`/step-up/admin/audit?before=${encodeURIComponent(before)}`, { page: true });
  t.notMatch(paged.text, /<td[^>]*>(grace|frank)/);

  // A factor of somebody elsewhere, by their user id: nothing of that name exists here.
  const fresh = await here.client.get('/step-up/admin/settings', { page: true });
  t.equal(fresh.status, 200);
  const refusal = await administration
    .resetFactor(mine, { userId: 'grace', factor: 'totp', reason: 'she lost her phone' })
    .catch((error: unknown) => error);
  t.ok(CountersignError.is(refusal), 'without a fresh proof not even asked');
  t.equal((await host.store.factors('elsewhere', 'grace')).length, 1);
  await sessions.signOutEverywhere(mine, 'grace');
  await sessions.revokeProofs('clinic', 'grace', 'roles changed');
  t.equal((await victim.client.get('/visits/far')).status, 401, 'she is still signed in');
  t.match((await victim.client.get('/visits/far')).json(), { code: 'step_up_required' });
  await host.stepUp(victim.client, victim.secret, '/visits/far');
  t.equal((await victim.client.get('/visits/far')).status, 200);

  // Settings changed here hold here.
  const page = await here.client.get('/step-up/admin/settings', { page: true });
  const form = { _countersign: page.field('_countersign'), version: page.field('version'), graceMinutes: '15' };
  const asked = await here.client.post('/step-up/admin/settings', { form, page: true });
  t.equal(asked.status, 401);
  host.clock.set(30);
  const saved = await answerAndResend(here.client, asked, host.code(here.secret));
  t.equal(saved.status, 303, saved.text);
  t.equal((await here.client.get('/visits/v1')).status, 200, 'step-up is off here');
  t.equal((await there.client.get('/visits/far')).status, 401, 'and on there');
  t.equal((await there.client.get('/step-up/admin/settings', { page: true })).field('version'), '0');
  t.strictSame(
    (await host.events()).filter((event) => event.code === 'SETTINGS_CHANGED').map((event) => event.workspaceId),
    ['clinic'],
  );
  t.notMatch(
    (await there.client.get('/step-up/admin/audit?code=SETTINGS_CHANGED', { page: true })).text,
    /<td[^>]*>erin/,
  );

  // A clinician who is none is refused, on the log of their own workspace.
  const clinician = await host.signedIn('heidi');
  for (const path of ['/step-up/admin/settings', '/step-up/admin/audit']) {
    t.equal((await clinician.get(path, { page: true })).status, 403);
  }
  t.match(await eventsOf(host, 'heidi'), [
    { code: 'ACCESS_DENIED', workspaceId: 'clinic', action: 'administer' },
    { code: 'ACCESS_DENIED', workspaceId: 'clinic', action: 'administer' },
  ]);
});
