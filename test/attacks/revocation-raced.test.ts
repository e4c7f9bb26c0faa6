// Threat: a proof that outlives what should have ended it. A sign-out or a revocation falls into the middle of a verification; a
// request races the revocation; the next clinician sits down at the same workstation. No proof survives, and the log says so.
import { type Factor, totp } from '@countersign/core';
import type { Test } from 'tap';
import type { Client } from '../support/client.ts';
import { type AdapterName, type Host, onEveryAdapter } from '../support/hosts.ts';
import { sharedHosts } from '../support/shared-hosts.ts';

const inner = totp({ issuer: 'Example EHR' });
let gate: Promise<void> | null = null;
let arrived = () => {};
/** An authenticator whose check can be held up, so that something else happens in its middle. */
const factor: Factor = {
  ...inner,
  async check(...asked) {
    arrived();
    await gate;
    return await inner.check(...asked);
  },
};

function hold(): { readonly reached: Promise<void>; release(): void } {
  let open = () => {};
  gate = new Promise((resolve) => {
    open = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  return {
    reached,
    release() {
      gate = null;
      open();
    },
  };
}

const hostOf = sharedHosts({ countersign: { factors: [factor] } });
let people = 0;

/** A clinician of this test alone. */
async function start(adapter: AdapterName) {
  const host = await hostOf(adapter);
  people += 1;
  const userId = `ana${people}`;
  return { host, userId, ...(await host.enrolled(userId)) };
}

/** Answers the challenge of a page, and lets `meanwhile` happen while the code is being checked. */
async function answeredWhile(
  { host, client, secret }: Awaited<ReturnType<typeof start>>,
  meanwhile: () => Promise<unknown>,
) {
  const { challengeId } = (await client.get('/visits/v1')).json();
  const held = hold();
  const json = { challengeId, factor: 'totp', code: host.code(secret) };
  const answering = client.fork().post('/api/v1/auth/mfa/verify', { json });
  await held.reached;
  await meanwhile();
  held.release();
  return await answering;
}

async function holdsNothing(t: Test, host: Host, userId: string, client: Client): Promise<void> {
  t.equal((await client.get('/visits/v1')).status, 401, 'nothing is granted');
  const codes = (await host.events(userId)).map(({ code }) => code);
  t.notOk(codes.includes('ACCESS_ALLOWED'));
}

onEveryAdapter('signed out while the code is checked', async (t, adapter) => {
  const set = await start(adapter);
  const { host, userId, client } = set;
  const late = client.fork();
  const reply = await answeredWhile(set, () => client.post('/sign-out', { json: {} }));
  t.ok([401, 404].includes(reply.status), `refused: ${reply.status}`);
  t.equal(
    reply.headers.getSetCookie().filter((cookie) => cookie.includes('countersign')).length,
    0,
    'no binding cookie',
  );
  await holdsNothing(t, host, userId, late);
  t.ok((await host.events(userId)).some(({ code }) => code === 'SESSION_SIGNED_OUT'));
});

onEveryAdapter('revoked while the code is checked', async (t, adapter) => {
  const set = await start(adapter);
  const { host, userId, client } = set;
  const { sessions } = host.countersign;
  const reply = await answeredWhile(set, () => sessions.revokeProofs('clinic', userId, 'role changed'));
  t.match([reply.status, reply.json().code], [404, 'challenge_unknown']);
  await holdsNothing(t, host, userId, client);
  const whole = await answeredWhile({ ...set, secret: set.secret }, async () => {
    host.clock.set(60);
    await sessions.revokeProofs('clinic', null, 'key lost');
  });
  t.ok(whole.status >= 400, 'nor while the whole workspace is revoked');
  await holdsNothing(t, host, userId, client);
  t.ok((await host.events()).some(({ code, reason }) => code === 'SESSIONS_REVOKED' && reason === 'key lost'));
});

onEveryAdapter('requests that race a revocation: none that begins after it is allowed', async (t, adapter) => {
  const { host, userId, client, secret } = await start(adapter);
  await host.stepUp(client, secret, '/visits/v1');
  let revoked = false;
  const afterwards: number[] = [];
  const racing = async () => {
    while (afterwards.length < 40) {
      const began = revoked;
      const { status } = await client.fork().get('/visits/v1');
      if (began) afterwards.push(status);
    }
  };
  const revoking = host.countersign.sessions.revokeProofs('clinic', userId, 'role changed').then(() => {
    revoked = true;
  });
  await Promise.all([racing(), racing(), racing(), racing(), revoking]);
  t.strictSame([...new Set(afterwards)], [401]);
});

onEveryAdapter('the next clinician at the same workstation, and the first one again', async (t, adapter) => {
  const { host, userId, client, secret } = await start(adapter);
  await host.stepUp(client, secret, '/visits/v1');
  t.equal((await client.get('/visits/v1')).status, 200);
  const next = `ben of ${userId}`;
  await client.post('/switch-user', { json: { userId: next } });
  t.equal((await client.get('/visits/v1')).status, 403, 'Ben has no factor, and none of Ana’s proofs');
  await client.post('/switch-user', { json: { userId } });
  t.equal((await client.get('/visits/v1')).status, 401, 'Ana’s are gone as well');
  const denied = (await host.events(next)).find(({ code }) => code === 'ACCESS_DENIED');
  t.match(denied, { reason: 'no-suitable-factor', patientId: 'p1' });
});
