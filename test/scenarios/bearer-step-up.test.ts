// Bearer callers (RFC 9470): refused with what would be enough, they authenticate anew at their authorization server and come back
// with a new token. Its claims answer the challenge that we issued, for the patient it was about, and nothing else. Off by default.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type Principal, totp } from '@countersign/core';
import { accessToken } from '@countersign/sign-in';
import type { IdentifiedPrincipal } from '@countersign/web';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { Test } from 'tap';
import { type Host, onEveryAdapter } from '../support/hosts.ts';
import { sharedHosts } from '../support/shared-hosts.ts';

const ISSUER = 'https://issuer.example';
const AUDIENCE = 'https://ehr.example/api';
const { publicKey, privateKey } = await generateKeyPair('ES256');
const stranger = await generateKeyPair('ES256');
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }] };

interface Claims {
  readonly sub?: string;
  readonly sid?: string;
  readonly acr?: string;
  readonly auth_time?: number;
  readonly iss?: string;
  readonly aud?: string;
}

const seconds = (host: Host) => Math.floor(host.clock.now() / 1000);

/** A token as the authorization server would make it; signed by somebody else where `forged`. */
async function token(host: Host, claims: Claims, forged = false): Promise<string> {
  const expires = seconds(host) + 3600;
  const { sub = '', sid = 's1', iss = ISSUER, aud = AUDIENCE, ...rest } = claims;
  return await new SignJWT({ sid, jti: randomUUID(), ...rest })
    .setProtectedHeader({ alg: 'ES256', kid: 'k' })
    .setSubject(sub)
    .setIssuer(iss)
    .setAudience(aud)
    .setExpirationTime(expires)
    .sign(forged ? stranger.privateKey : privateKey);
}

/** What a host does with the tokens of its API: here without a look at the signature, which is not what is tested. */
function identify(request: IncomingMessage): IdentifiedPrincipal | null {
  const bearer = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (bearer === undefined) return null;
  const { sub = '', sid, iss } = decodeJwt<Claims>(bearer);
  return {
    userId: sub,
    workspaceId: 'clinic',
    roles: ['clinician'],
    displayName: sub,
    signedInAt: new Date(Date.UTC(2026, 0, 1)),
    sessionKey: JSON.stringify([iss, sub, sid]),
    credential: 'bearer',
  };
}

const strengths = { mfa: 'any', phr: 'phishing-resistant' } as const;

const off = totp({ issuer: 'Example EHR' });
const on = accessToken({ issuer: ISSUER, audience: AUDIENCE, jwks, strengths });
const hostWith = sharedHosts({
  identify,
  countersign: { factors: [off, on], reauthenticateActions: [{ action: 'export', strength: 'phishing-resistant' }] },
});
const hostWithout = sharedHosts({ identify, countersign: { factors: [off] } });
let people = 0;
/** A caller of one test alone. */
const person = (): string => {
  people += 1;
  return `caller ${people}`;
};

const ask = (host: Host, bearer: string, path: string) =>
  host.client().get(path, { headers: { authorization: `Bearer ${bearer}` } });

async function refused(t: Test, host: Host, bearer: string, path: string, what: string): Promise<void> {
  const reply = await ask(host, bearer, path);
  t.equal(reply.status, 401, what);
  t.notMatch(reply.text, 'notes', 'nothing of the record is told');
}

onEveryAdapter('a new token answers the challenge, for this patient, once', async (t, adapter) => {
  const host = await hostWith(adapter);
  const sub = person();
  const early = await token(host, { sub, acr: 'mfa', auth_time: seconds(host) - 60 });
  const first = await ask(host, early, '/visits/v1');
  t.equal(first.status, 401, 'claims of a token that was there before prove nothing');
  t.match(
    first.headers.get('www-authenticate'),
    /^Bearer error="insufficient_user_authentication".*acr_values="mfa".*max_age="/,
  );
  await refused(t, host, early, '/visits/v1', 'nor when it is shown again');
  host.clock.set(5);
  const anew = await token(host, { sub, acr: 'mfa', auth_time: seconds(host) });
  t.equal((await ask(host, anew, '/visits/v1')).status, 200);
  t.equal((await ask(host, early, '/visits/v1')).status, 200, 'the proof is the session’s, inside the grace period');
  await refused(t, host, anew, '/visits/v2', 'another patient is another challenge, later than the sign-in');

  host.clock.set(901);
  await refused(t, host, anew, '/visits/v1', 'the grace period is over, and the token is older than the new challenge');
  const codes = (await host.events(sub)).map(({ code, factor, patientId }) => [code, factor, patientId].join(' '));
  t.equal(codes.filter((code) => code === 'MFA_SUCCESS access-token p1').length, 1);
});

onEveryAdapter('claims that do not answer: refused, on the log, and nothing is granted', async (t, adapter) => {
  const host = await hostWith(adapter);
  const sub = person();
  const plain = await token(host, { sub });
  await refused(t, host, plain, '/visits/v1', 'a challenge is opened');
  const cases = [
    [(now: number) => token(host, { sub, acr: 'mfa', auth_time: now }, true), 'token-not-verified'],
    [(now: number) => token(host, { sub, acr: 'mfa', auth_time: now, aud: 'https://other.example' }), 'wrong-aud'],
    [(now: number) => token(host, { sub, acr: 'pwd', auth_time: now }), 'acr-unknown'],
    [(now: number) => token(host, { sub, acr: 'mfa', auth_time: now + 120 }), 'auth-time-ahead'],
  ] as const;
  for (const [make, reason] of cases) {
    host.clock.set(5);
    await refused(t, host, await make(seconds(host)), '/visits/v1', reason);
    const failure = (await host.events(sub)).findLast(({ code }) => code === 'MFA_FAILURE');
    t.match(failure, { factor: 'access-token', reason, patientId: 'p1' });
    host.clock.set(301);
    await refused(t, host, plain, '/visits/v1', 'still asked');
  }
  const other = await token(host, { sub: `not ${sub}`, acr: 'mfa', auth_time: seconds(host) });
  await refused(t, host, other, '/visits/v1', 'somebody else’s token is somebody else’s session');
  t.notOk((await host.events(sub)).some(({ code }) => code === 'MFA_SUCCESS' || code === 'ACCESS_ALLOWED'));
});

onEveryAdapter('too weak is no downgrade; one operation takes one proof', async (t, adapter) => {
  const host = await hostWith(adapter);
  const sub = person();
  const plain = await token(host, { sub });
  const first = await ask(host, plain, '/visits/v0');
  t.equal(first.status, 401, 'a category without grace period');
  host.clock.set(2);
  const anew = await token(host, { sub, acr: 'mfa', auth_time: seconds(host) });
  t.equal((await ask(host, anew, '/visits/v0')).status, 200);
  await refused(t, host, anew, '/visits/v0', 'the next operation asks anew');
  await refused(
    t,
    host,
    await token(host, { sub, acr: 'mfa', auth_time: seconds(host) - 1 }),
    '/visits/v0',
    'and again',
  );

  const principal = host.countersign.principalOf(identify(requestOf(anew)) as Principal);
  const demand = {
    workspaceId: 'clinic',
    patientId: 'p9',
    categories: [],
    action: 'export',
    operation: { name: 'export p9' },
  };
  const asked = await host.countersign.enforce(principal, demand).catch((error) => error);
  t.match(asked, { code: 'step_up_required', decision: { strength: 'phishing-resistant' } });
  host.clock.set(2);
  const weak = await token(host, { sub, acr: 'mfa', auth_time: seconds(host) });
  const answered = await host.countersign.answerByToken(principal, asked.challenge, weak);
  t.match(await host.countersign.check(principal, demand), { outcome: 'challenge' }, `answered: ${answered}`);
  const strong = await token(host, { sub, acr: 'phr', auth_time: seconds(host) });
  const again = await host.countersign.enforce(principal, demand).catch((error) => error);
  host.clock.set(2);
  const stronger = await token(host, { sub, acr: 'phr', auth_time: seconds(host) });
  t.ok(strong !== stronger && (await host.countersign.answerByToken(principal, again.challenge, stronger)));
  await host.countersign.enforce(principal, demand);
  await t.rejects(host.countersign.enforce(principal, demand), { code: 'step_up_required' }, 'once');
});

onEveryAdapter('off by default: no claim proves anything', async (t, adapter) => {
  const host = await hostWithout(adapter);
  const sub = person();
  const plain = await token(host, { sub });
  t.equal((await ask(host, plain, '/visits/v1')).status, 403, 'no factor is enrolled');
  host.clock.set(5);
  const anew = await token(host, { sub, acr: 'phr', auth_time: seconds(host) });
  t.equal((await ask(host, anew, '/visits/v1')).status, 403);
  t.notOk((await host.events(sub)).some(({ code }) => code === 'MFA_SUCCESS' || code === 'ACCESS_ALLOWED'));
});

const requestOf = (bearer: string) => ({ headers: { authorization: `Bearer ${bearer}` } }) as IncomingMessage;
