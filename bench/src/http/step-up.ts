import { randomBytes } from 'node:crypto';
import { type Category, type Countersign, createCountersign, totp } from '@countersign/core';
import { openStore } from '@countersign/postgres';
import { generateSync } from 'otplib';
import { CookieClient } from './cookie-client.ts';
import { type SignedIn, VISIT_PATH, type Visit } from './visits.ts';

/** Countersign as the guarded variants use it, and a client's way through its challenge. */
export interface StepUp {
  readonly countersign: Countersign;
  prepare(baseUrl: string): Promise<string>;
}

export async function makeStepUp(databaseUrl: string, accessAudit: Category['accessAudit']): Promise<StepUp> {
  // Moved on once: the code that enrolled a factor is not accepted a second time.
  let ahead = 0;
  const clock = { now: () => Date.now() + ahead, elapsed: () => performance.now() };
  const countersign = await createCountersign({
    store: await openStore(databaseUrl),
    publicUrl: 'http://localhost',
    keys: { current: 'k1', all: { k1: randomBytes(32) } },
    categories: [
      { id: '5', name: 'Ketamine infusion', accessAudit },
      { id: '8', name: 'Psychotherapy', accessAudit },
    ],
    factors: [totp({ issuer: 'Bench' })],
    defaults: { graceSeconds: 14_400 },
    bounds: { mostGraceSeconds: 14_400 },
    clock,
  });
  return {
    countersign,
    async prepare(baseUrl) {
      const client = new CookieClient(baseUrl);
      const code = () => generateSync({ secret, epoch: Math.floor(clock.now() / 1000) });
      await client.send('POST', '/sign-in', 200);
      const begun = await client.send('POST', '/api/v1/auth/mfa/enroll', 201, { factor: 'totp' });
      const secret = String(begun.manualKey);
      await client.send('POST', '/api/v1/auth/mfa/enroll', 200, { factor: 'totp', code: code() });
      ahead = 30_000;
      const refused = await client.send('GET', VISIT_PATH, 401);
      const answer = { challengeId: refused.challengeId, factor: 'totp', code: code() };
      await client.send('POST', '/api/v1/auth/mfa/verify', 200, answer);
      return client.header;
    },
  };
}

/** What a host's `identify` returns. */
export const principalOf = (user: SignedIn | undefined, sessionKey: string) =>
  user === undefined
    ? null
    : {
        userId: user.userId,
        workspaceId: user.workspaceId,
        roles: user.roles,
        displayName: user.userId,
        signedInAt: new Date(user.at),
        sessionKey,
      };

/** What a guard's loader returns. */
export const resourceOf = (visit: Visit | null) =>
  visit === null
    ? null
    : { workspaceId: visit.workspaceId, patientId: visit.patientId, categories: [visit.category], value: visit };
