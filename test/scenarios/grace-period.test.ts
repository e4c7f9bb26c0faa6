// A clinician is asked once per patient, and then works in peace for fifteen minutes.
import { onEveryAdapter, startHost } from '../support/hosts.ts';

onEveryAdapter('one code opens the records of one patient for fifteen minutes', async (t, adapter) => {
  const host = await startHost(adapter);
  const { client, secret } = await host.enrolled('carol');
  const refused = await client.get('/visits/v1');
  t.equal(refused.status, 401);
  t.match(refused.headers.get('content-type'), 'application/problem+json');
  t.match(refused.json(), { code: 'step_up_required', reasons: [{ kind: 'missing', category: '5' }] });

  await host.stepUp(client, secret, '/visits/v1');
  const opened = await client.get('/visits/v1');
  t.equal(opened.status, 200);
  t.equal(opened.json().notes, 'notes of v1');
  t.equal(opened.headers.get('cache-control'), 'no-store');

  host.clock.set(899);
  t.equal((await client.get('/visits/v1')).status, 200, 'a second before the end');
  t.equal((await client.get('/visits/v2')).status, 401, 'another patient asks');
  host.clock.set(1);
  const expired = await client.get('/visits/v1');
  t.equal(expired.status, 401);
  t.match(expired.json(), { reasons: [{ kind: 'expired' }] });

  const codes = (await host.events()).map((event) => event.code);
  t.match(
    codes.filter((code) => code.startsWith('MFA_')),
    ['MFA_REQUIRED', 'MFA_REQUIRED', 'MFA_SUCCESS', 'MFA_REQUIRED', 'MFA_REQUIRED'],
  );
  await host.close();
});
