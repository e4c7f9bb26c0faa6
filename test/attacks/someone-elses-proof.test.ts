// A proof is stolen or lent: everything of it is right but one thing, the user, the session, the patient or the workspace. On a
// shared workstation each of these happens without any malice. A proof counts for exactly what it was earned for.
import type { Test } from 'tap';
import type { Client } from '../support/client.ts';
import { type Host, onEveryAdapter, startHost } from '../support/hosts.ts';
import { createRealStore } from '../support/real-store.ts';

const BINDING = 'countersign';

onEveryAdapter(
  'a proof of one user, session, patient and workspace, with any one of them changed',
  async (t, adapter) => {
    const host = await startHost(adapter, { store: await createRealStore() });
    host.visits.set('e1', { id: 'e1', workspaceId: 'elsewhere', patientId: 'p1', category: '5', notes: 'notes of e1' });
    const { client: carol, secret } = await host.enrolled('carol');
    await host.stepUp(carol, secret, '/visits/v1');
    const holds = async (t: Test, why: string) => t.equal((await carol.get('/visits/v1')).status, 200, why);
    await holds(t, 'the proof itself is good');
    const binding = String(carol.jar.get(BINDING));

    await t.test('another patient', async (t) => {
      await refused(t, host, carol, '/visits/v2', { userId: 'carol', patientId: 'p2' });
      const patients = await carol.get('/patients/p2/notes');
      t.equal(patients.status, 401, 'also where the path alone says whose record it is');
      const moved = await carol.send('PUT', '/visits/v1', { json: { patientId: 'p2' } });
      t.equal(moved.status, 401, 'also where an edit would move the record there');
      t.equal(host.visits.get('v1')?.patientId, 'p1');
      t.strictSame(await proofsOf(carol), ['p1']);
    });

    await t.test('another session of the same user', async (t) => {
      const other = await host.signedIn('carol');
      await refused(t, host, other, '/visits/v1', { userId: 'carol', patientId: 'p1' });
      other.jar.set(BINDING, binding);
      await refused(t, host, other, '/visits/v1', { userId: 'carol', patientId: 'p1' });
      t.strictSame(await proofsOf(other), []);
    });

    await t.test('the binding cookie of another session that holds a proof of its own', async (t) => {
      const other = await host.signedIn('carol');
      host.clock.set(30);
      await host.stepUp(other, secret, '/visits/v2');
      const [mine, theirs] = [carol.fork(), other.fork()];
      mine.jar.set(BINDING, String(other.jar.get(BINDING)));
      theirs.jar.set(BINDING, binding);
      for (const [swapped, own] of [
        [mine, 'the first session'],
        [theirs, 'the second session'],
      ] as const) {
        for (const [path, patientId] of [
          ['/visits/v1', 'p1'],
          ['/visits/v2', 'p2'],
        ] as const) {
          await refused(t, host, swapped, path, { userId: 'carol', patientId }, `${own}, ${path}`);
        }
        t.strictSame(await proofsOf(swapped), []);
      }
      await holds(t, 'with their own cookies both go on');
      t.equal((await other.get('/visits/v2')).status, 200);
    });

    await t.test('another user, with the binding cookie or with the open challenge', async (t) => {
      const { client: dave, secret: daves } = await host.enrolled('dave');
      dave.jar.set(BINDING, binding);
      const asked = await refused(t, host, dave, '/visits/v1', { userId: 'dave', patientId: 'p1' });
      const hers = String((await carol.get('/visits/v2')).json().challengeId);
      t.not(hers, asked);
      const code = host.code(daves);
      for (const path of ['/api/v1/auth/mfa/verify', `/step-up/challenge/${hers}/totp`]) {
        const answer = await dave.post(path, { json: { challengeId: hers, factor: 'totp', code } });
        t.match([answer.status, answer.json().code], [404, 'challenge_unknown'], path);
      }
      const hisOfHers = await dave.post('/api/v1/auth/mfa/verify', {
        json: { challengeId: asked, factor: 'totp', code: host.code(secret) },
      });
      t.equal(hisOfHers.json().code, 'code_incorrect', 'her code is nothing to his factor');
      t.strictSame(await proofsOf(dave), []);
      t.equal((await succeeded(host, 'dave')).length, 0);
      await host.stepUp(dave, daves, '/visits/v1');
      t.equal((await dave.get('/visits/v1')).status, 200, 'his code was not used up by her challenge');
      await holds(t, 'and nothing of hers has changed');
    });

    await t.test('fields that name somebody else change nothing', async (t) => {
      const { client: erin, secret: hers } = await host.enrolled('erin');
      const asked = await erin.get('/visits/v1');
      const answer = await erin.post('/api/v1/auth/mfa/verify', {
        json: {
          challengeId: asked.json().challengeId,
          code: host.code(hers),
          userId: 'carol',
          patientId: 'p2',
          workspaceId: 'elsewhere',
          subjects: [{ patientId: 'p2', categoryIds: ['5'] }],
        },
      });
      t.equal(answer.status, 200);
      t.strictSame(await proofsOf(erin), ['p1']);
      await refused(t, host, erin, '/visits/v2', { userId: 'erin', patientId: 'p2' });
      t.match((await succeeded(host, 'erin')).at(-1), { patientId: 'p1', workspaceId: 'clinic' });
    });

    await t.test('another workspace, by the same user in the same session', async (t) => {
      const elsewhere = { userId: 'frank', workspaceId: 'elsewhere' };
      await host.enrolled('frank', { workspaceId: 'elsewhere' });
      const { client: frank, secret: his } = await host.enrolled('frank');
      await host.stepUp(frank, his, '/visits/v1');
      t.equal((await frank.get('/visits/e1')).status, 404, 'a record of another workspace does not exist here');
      await frank.post('/switch-user', { json: elsewhere });
      await refused(t, host, frank, '/visits/e1', { userId: 'frank', patientId: 'p1', workspaceId: 'elsewhere' });
      t.equal((await frank.get('/visits/v1')).status, 404, 'nor does one of the first workspace there');
      t.strictSame(await proofsOf(frank), []);
    });

    await t.test('another user takes over the very session, and hands it back', async (t) => {
      await carol.post('/switch-user', { json: { userId: 'dave' } });
      await refused(t, host, carol, '/visits/v1', { userId: 'dave', patientId: 'p1' });
      t.strictSame(await proofsOf(carol), []);
      await carol.post('/switch-user', { json: { userId: 'carol' } });
      await refused(t, host, carol, '/visits/v1', { userId: 'carol', patientId: 'p1' }, 'what was erased stays erased');
      t.strictSame(await proofsOf(carol), []);
    });
    await host.close();
  },
);

/** The request is asked for a factor, its refusal is on the log, and nothing of the record is in it. Resolves with the challenge. */
async function refused(
  t: Test,
  host: Host,
  client: Client,
  path: string,
  expected: { readonly userId: string; readonly patientId: string; readonly workspaceId?: string },
  why: string = path,
): Promise<string> {
  const before = (await host.events(expected.userId)).length;
  const answer = await client.get(path);
  t.match([answer.status, answer.json().code], [401, 'step_up_required'], why);
  t.notMatch(answer.text, 'notes of');
  const [event, ...others] = (await host.events(expected.userId)).slice(before);
  t.match(event, { code: 'MFA_REQUIRED', outcome: 'refused', ...expected });
  t.strictSame(others, []);
  return String(answer.json().challengeId);
}

async function proofsOf(client: Client): Promise<readonly string[]> {
  const { proofs } = (await client.get('/api/v1/auth/session')).json();
  return (proofs as { patientId: string }[]).map((proof) => proof.patientId);
}

const succeeded = async (host: Host, userId: string) =>
  (await host.events(userId)).filter((event) => event.code === 'MFA_SUCCESS');
