// A first factor by an administrator's code, and what administrators do for those who have lost theirs.
import { SoftwareAuthenticator } from '../../packages/core/test/factors/software-authenticator.ts';
import { auditStory } from '../support/audit-story.ts';
import { actionsOf, createOn, FACTORS, follow, ownFactors, send, start } from '../support/factor-pages.ts';
import { onEveryAdapter } from '../support/hosts.ts';

onEveryAdapter('where a first factor takes an administrator’s code', async (t, adapter) => {
  const host = await start(adapter, { enrolment: { first: 'administrator-code' } });
  const client = await host.signedIn('nora');
  const page = await client.get(FACTORS, { page: true });
  t.match(page.text, 'a first factor is added with a code');
  t.same(actionsOf(page), [`${FACTORS}/enrol-with-code`], 'and nothing is offered that would only be refused');
  const story = await auditStory(host);
  const wrong = await send(client, page, '/enrol-with-code', { factor: 'totp', enrolmentCode: '1111-1111-1111-1111' });
  t.equal(wrong.status, 422);
  t.match(wrong.text, /<input[^>]*value="totp"[^>]*checked|<input[^>]*checked[^>]*value="totp"/, 'the choice stays');
  t.match(await story.next(), [{ code: 'MFA_FAILURE', factor: 'enrolment-code', userId: 'nora' }]);
  const api = await client.post('/api/v1/auth/mfa/enroll', { json: { factor: 'totp' } });
  t.match([api.status, api.json().code], [403, 'enrolment_code_required']);
  t.match((await client.get('/api/v1/auth/session')).json(), { factors: [], mustEnrol: false });

  // The administrator's own first factor came from an earlier MFA.
  const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
  await host.countersign.enrolment.importFactor({ workspaceId: 'clinic', userId: 'ada', factor: 'totp', secret });
  const admin = await host.signedIn('ada', { roles: ['administrator'] });
  const search = await admin.get('/step-up/admin/users', { page: true });
  t.match(search.text, 'aria-current="page"', 'it is in the navigation');
  const own = await admin.get('/step-up/admin/users?userId=ada', { page: true });
  t.same(actionsOf(own).slice(1), [], 'nothing can be done to oneself');
  t.equal((await client.get('/step-up/admin/users', { page: true })).status, 403);

  const found = await admin.get('/step-up/admin/users?userId=nora', { page: true });
  t.match(found.text, 'No factors.');
  const asked = await send(admin, found, '/admin/users/enrolment-code', {
    userId: 'nora',
    reason: 'First day, seen in person',
  });
  t.equal(asked.status, 401);
  const sure = await send(admin, asked, '/totp', { code: host.code(secret) });
  t.match(sure.text, 'First day, seen in person', 'the form was kept');
  const issued = await send(admin, sure, '/admin/users/enrolment-code', {
    userId: 'nora',
    reason: 'First day, seen in person',
  });
  t.equal(issued.status, 200);
  const code = /id="cs-issued-code">\s*([0-9A-Z-]{19})/.exec(issued.text)?.[1] ?? '';
  t.match(code, /^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/);
  const short = await send(admin, found, '/admin/users/enrolment-code', { userId: 'nora', reason: 'because' });
  t.equal(short.status, 400);
  t.match(short.text, 'value="because"', 'what was typed stays');

  const begun = await send(client, wrong, '/enrol-with-code', { factor: 'passkey', enrolmentCode: code });
  const shown = await follow(client, begun);
  const response = createOn(host, shown, new SoftwareAuthenticator());
  t.equal((await send(client, shown, '/passkey/confirm', { response, label: 'Key' })).status, 200);
  t.match(await ownFactors(client), [{ factor: 'passkey', label: 'Key', cap: null }]);
  const again = await send(client, wrong, '/enrol-with-code', { factor: 'totp', enrolmentCode: code });
  t.equal(again.status, 422, 'a code is good once');

  const reset = await send(admin, await admin.get('/step-up/admin/users?userId=nora', { page: true }), '/users/reset', {
    userId: 'nora',
    factor: 'passkey',
    reason: 'Lost, identified by telephone',
  });
  t.match((await follow(admin, reset)).text, 'The factor was reset');
  t.same(await ownFactors(client), []);
  const events = await host.events();
  t.match(
    events.find((event) => event.code === 'ENROLMENT_CODE_ISSUED'),
    { userId: 'nora', actorId: 'ada', reason: 'First day, seen in person' },
  );
  t.notMatch(JSON.stringify(events), code);
  await host.close();
});
