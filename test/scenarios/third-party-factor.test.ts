/**
 * A kind of factor that somebody else writes, with nothing but the exported contract: a push to a phone. It is enrolled, listed,
 * answers challenges, is limited, audited and removed like those that ship, on every adapter.
 */
import type { Factor, FactorUser } from '@countersign/core';
import { totp } from '@countersign/core';
import t from 'tap';
import { type Host, onEveryAdapter, startHost, testCategories } from '../support/hosts.ts';

/** The push service of somebody else, with the phones that are paired with it. */
class PushService {
  readonly #paired = new Set<string>();
  readonly #pushes: { readonly id: string; readonly device: string; readonly text: string; approved: boolean }[] = [];

  /** On the phone: scans what the enrolment shows. */
  pair(pairing: string): void {
    this.#paired.add(pairing);
  }

  isPaired(device: string): boolean {
    return this.#paired.has(device);
  }

  /** On the phone: what it shows. */
  shown(device: string): readonly string[] {
    return this.#pushes.filter((push) => push.device === device).map(({ text }) => text);
  }

  /** On the phone: the latest push is approved. */
  approve(device: string): void {
    const push = this.#pushes.findLast((sent) => sent.device === device);
    if (push === undefined) throw new Error('Nothing was pushed.');
    push.approved = true;
  }

  send(id: string, device: string, text: string): void {
    this.#pushes.push({ id, device, text, approved: false });
  }

  isApproved(id: string, device: string): boolean {
    return this.#pushes.some((push) => push.id === id && push.device === device && push.approved);
  }
}

const token = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const textOf = (value: unknown): string | null => (typeof value === 'string' && value.length === 22 ? value : null);
const greeting = (user: FactorUser): string => `Is this you, ${user.displayName}?`;

/** The factor itself: what a third party would publish. */
function push(service: PushService): Factor {
  return {
    id: 'push',
    strength: 'multi-factor',
    answeredBy: 'ceremony',
    invite({ random }) {
      const pairing = token(random(16));
      return { secret: pairing, invitation: { pairing } };
    },
    confirm: (_answer, secret) =>
      service.isPaired(secret) ? { result: 'correct', counter: 0 } : { result: 'incorrect' },
    begin({ random, user }, held) {
      const id = token(random(16));
      for (const device of held) service.send(id, device, greeting(user));
      return { invitation: { message: 'Look at your phone.', answer: { push: id } }, ceremony: id, state: id };
    },
    ceremonyOf: (answer) => textOf(answer.push),
    isWellFormed: (answer) => textOf(answer.push) !== null,
    check(answer, { secret, counter, state }) {
      if (state === null || answer.push !== state) return { result: 'incorrect', reason: 'other-push' };
      if (!service.isApproved(state, secret)) return { result: 'incorrect', reason: 'not-approved' };
      return { result: 'correct', counter: counter + 1 };
    },
  };
}

async function setUp(adapter: Parameters<typeof startHost>[0]) {
  const service = new PushService();
  const host = await startHost(adapter, {
    countersign: {
      factors: [totp({ issuer: 'Example EHR' }), push(service)],
      categories: testCategories.map((category) =>
        category.id === '5' ? { ...category, strength: 'multi-factor' as const } : category,
      ),
    },
  });
  return { host, service };
}

const enrolPath = '/api/v1/auth/mfa/enroll';
const verifyPath = '/api/v1/auth/mfa/verify';

async function enrolledBy(host: Host, service: PushService, userId: string) {
  const client = await host.signedIn(userId);
  const begun = await client.post(enrolPath, { json: { factor: 'push' } });
  if (begun.status !== 201) throw new Error(`Enrolment failed: ${begun.status} ${begun.text}`);
  const device = String(begun.json().pairing);
  service.pair(device);
  const confirmed = await client.post(enrolPath, { json: { factor: 'push', response: { paired: true } } });
  if (confirmed.status !== 200) throw new Error(`Enrolment failed: ${confirmed.status} ${confirmed.text}`);
  return { client, device };
}

type Enrolled = Awaited<ReturnType<typeof enrolledBy>>;

async function asked({ client }: Enrolled): Promise<string> {
  return String((await client.get('/visits/v1')).json().challengeId);
}

async function begun({ client }: Enrolled, challengeId: string): Promise<Record<string, unknown>> {
  const answer = await client.post(verifyPath, { json: { challengeId, factor: 'push' } });
  if (answer.status !== 200) throw new Error(`Not begun: ${answer.status} ${answer.text}`);
  return answer.json().invitation as Record<string, unknown>;
}

onEveryAdapter('a push to a phone is enrolled, and answers a challenge', async (t, adapter) => {
  const { host, service } = await setUp(adapter);
  const client = await host.signedIn('ana');
  const invited = await client.post(enrolPath, { json: { factor: 'push' } });
  t.equal(invited.status, 201, invited.text);
  const device = String(invited.json().pairing);
  const early = await client.post(enrolPath, { json: { factor: 'push', response: { paired: true } } });
  t.match([early.status, early.json().code], [422, 'answer_refused'], 'the phone has not said anything yet');
  host.clock.advance(60);
  service.pair(device);
  const confirmed = await client.post(enrolPath, { json: { factor: 'push', response: { paired: true } } });
  t.equal(confirmed.status, 200, confirmed.text);

  const refused = await client.get('/visits/v1');
  t.equal(refused.status, 401);
  const { challengeId } = refused.json();
  const described = await client.get(`/api/v1/auth/mfa/challenges/${challengeId}`);
  t.match(described.json(), {
    strength: 'multi-factor',
    factors: [{ factor: 'push', withPassword: false, answeredBy: 'ceremony' }],
  });
  const begun = await client.post(verifyPath, { json: { challengeId, factor: 'push' } });
  t.equal(begun.status, 200, begun.text);
  t.strictSame(service.shown(device), ['Is this you, ana?']);
  service.approve(device);
  const { message, answer } = begun.json().invitation as { message: string; answer: Record<string, string> };
  t.equal(message, 'Look at your phone.');
  const passed = await client.post(verifyPath, { json: { challengeId, factor: 'push', ...answer } });
  t.match([passed.status, passed.json().verified], [200, true], passed.text);
  t.equal((await client.get('/visits/v1')).status, 200);

  const events = (await host.events('ana')).filter(({ factor }) => factor === 'push');
  t.strictSame(
    events.map(({ code }) => code).filter((code) => code !== 'ACCESS_ALLOWED'),
    ['FACTOR_ENROLMENT_STARTED', 'MFA_FAILURE', 'FACTOR_ENROLLED', 'MFA_SUCCESS'],
  );
  t.notMatch(JSON.stringify(events), device, 'what is sealed is on no event');
  await host.close();
});

onEveryAdapter('a push that is not approved, is used, or is of somebody else opens nothing', async (t, adapter) => {
  const { host, service } = await setUp(adapter);
  const ana = await enrolledBy(host, service, 'ana');
  const bob = await enrolledBy(host, service, 'bob');
  const refused = async (challengeId: string, answer: Record<string, unknown>) => {
    const json = { challengeId, factor: 'push', ...answer };
    const reply = await ana.client.post(verifyPath, { json });
    t.match([reply.status, reply.json().code], [422, 'answer_refused'], reply.text);
    t.equal((await ana.client.get('/visits/v1')).status, 401);
    host.clock.advance(60);
  };
  const challengeId = await asked(ana);
  const unapproved = (await begun(ana, challengeId)).answer as Record<string, unknown>;
  await refused(challengeId, unapproved);
  service.approve(ana.device);
  await refused(challengeId, unapproved);

  const theirs = (await begun(bob, await asked(bob))).answer as Record<string, unknown>;
  service.approve(bob.device);
  await refused(challengeId, theirs);
  await refused(challengeId, { push: 'x'.repeat(22) });
  await refused(challengeId, { push: 7 });

  const failures = (await host.events('ana')).filter(({ code }) => code === 'MFA_FAILURE');
  t.strictSame(
    failures.map(({ reason }) => reason),
    ['not-approved', 'unknown-ceremony', 'unknown-ceremony', 'unknown-ceremony', 'malformed'],
  );

  const answer = (await begun(ana, challengeId)).answer as Record<string, unknown>;
  service.approve(ana.device);
  const json = { challengeId, factor: 'push', ...answer };
  t.equal((await ana.client.post(verifyPath, { json })).status, 200, 'and the right one goes on working');
  host.clock.advance(901);
  const again = await asked(ana);
  await refused(again, answer);
  await host.close();
});

t.test('it is removed, and limited, like those that ship', async (t) => {
  const { host, service } = await setUp('fastify');
  const ana = await enrolledBy(host, service, 'ana');
  const { factors } = (await ana.client.get('/api/v1/auth/mfa/factors')).json() as { factors: { id: string }[] };
  t.match(factors, [{ factor: 'push', strength: 'multi-factor', cap: null, usable: true }]);
  const removal = await ana.client.send('DELETE', `/api/v1/auth/mfa/factors/${factors[0]?.id}`, {
    headers: { 'sec-fetch-site': 'same-origin' },
  });
  t.equal(removal.status, 401, 'a removal takes a step-up');
  const challengeId = String(removal.json().challengeId);
  const answer = (await begun(ana, challengeId)).answer as Record<string, unknown>;
  service.approve(ana.device);
  const json = { challengeId, factor: 'push', ...answer };
  t.equal((await ana.client.post(verifyPath, { json })).status, 200);
  const last = await ana.client.send('DELETE', `/api/v1/auth/mfa/factors/${factors[0]?.id}`, {
    headers: { 'sec-fetch-site': 'same-origin' },
  });
  t.match([last.status, last.json().code], [409, 'last_factor']);
  await host.close();
});
