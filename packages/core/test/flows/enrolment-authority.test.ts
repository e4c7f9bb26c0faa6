// Threats 6, 13, 15: what may change a user's factors, and how much the new one counts for. A stolen session, a weaker factor, a
// recovery code, or two requests in the same moment must not leave a user with less protection than before.
import { randomBytes, randomUUID } from 'node:crypto';
import { generateSync } from 'otplib';
import t, { type Test } from 'tap';
import { manualClock } from '../../../../test/support/clock.ts';
import type { CountersignOptions } from '../../src/configuration/configuration.ts';
import { createCountersign } from '../../src/countersign.ts';
import type { CountersignError } from '../../src/errors/countersign-error.ts';
import type { StepUpRequiredError } from '../../src/errors/step-up-required-error.ts';
import { type PasskeyInvitation, type PasskeyRequest, passkey } from '../../src/factors/passkey.ts';
import { type RecoveryCodesInvitation, recoveryCodes } from '../../src/factors/recovery-codes.ts';
import { totp } from '../../src/factors/totp.ts';
import type { Principal } from '../../src/policy/principal.ts';
import { SoftwareAuthenticator } from '../factors/software-authenticator.ts';
import { FakeStore } from '../support/fake-store.ts';

const SITE = { rpId: 'ehr.example.org', origin: 'https://ehr.example.org' };
const callbackUrl = new URL('https://ehr.example.org/step-up/recheck/passkey');

async function world(test: Test, changes: Partial<CountersignOptions> = {}) {
  const store = new FakeStore();
  const clock = manualClock();
  const node = await createCountersign({
    store,
    clock,
    keys: { current: 'k1', all: { k1: randomBytes(32) } },
    publicUrl: SITE.origin,
    categories: [{ id: '5', name: 'Ketamine infusion' }],
    factors: [passkey(), totp({ issuer: 'Example EHR' }), recoveryCodes()],
    isAdministrator: (principal) => principal.roles.includes('admin'),
    ...changes,
  });
  test.teardown(() => node.close());

  /** A browser that is signed in. */
  class Session {
    readonly principal: Principal;
    #binding: string | null = null;

    constructor(changed: Partial<Principal> = {}) {
      this.principal = {
        userId: 'ana',
        workspaceId: 'clinic',
        roles: ['clinician'],
        displayName: 'Dr Ana',
        signedInAt: new Date(clock.now()),
        sessionKey: randomUUID(),
        ...changed,
      };
    }

    get here() {
      return node.principalOf(this.principal, this.#binding);
    }

    /** Tries, and where a step-up is asked passes it by `answer`, and tries again. */
    async steppedUp<T>(work: () => Promise<T>, factor: string, answer: (id: string) => Promise<object>): Promise<T> {
      const asked = await work().then(
        () => null,
        (error: StepUpRequiredError) => error,
      );
      const id = asked?.challenge?.id;
      if (id === undefined) throw asked ?? new Error('nothing was asked');
      const { binding } = await node.answerChallenge(this.here, id, factor, { ...(await answer(id)) });
      this.#binding = binding;
      return await work();
    }

    byPasskey(device: SoftwareAuthenticator) {
      return async (id: string) => {
        const begun = (await node.beginAnswer(this.here, id, 'passkey', callbackUrl)) as PasskeyRequest;
        return { response: device.get({ ...SITE, challenge: begun.options.challenge }) };
      };
    }

    async finishPasskey(invitation: object, device = new SoftwareAuthenticator()) {
      const { options } = invitation as PasskeyInvitation;
      const response = device.create(options, { ...SITE, challenge: options.challenge });
      await node.enrolment.finish(this.here, 'passkey', { response });
      store.confirm();
      return device;
    }

    async enrolPasskey() {
      return await this.finishPasskey(await node.enrolment.start(this.here, 'passkey'));
    }

    async enrolTotp() {
      const { manualKey } = await node.enrolment.start(this.here, 'totp');
      const code = () => generateSync({ secret: String(manualKey), epoch: Math.floor(clock.now() / 1000) });
      await node.enrolment.finish(this.here, 'totp', { code: code() });
      clock.set(30);
      return async () => ({ code: code() });
    }

    async held() {
      return await node.enrolment.list(this.here);
    }
  }
  return { store, clock, node, Session };
}

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  await work.then(
    () => 'nothing',
    (error: CountersignError) => error.code,
  );

t.test(
  'a stronger factor enrolled by a weaker one counts for the weaker, until an administrator’s code lifts it',
  async (t) => {
    const { node, Session, store } = await world(t);
    const ana = new Session();
    const byCode = await ana.enrolTotp();
    const device = await ana.finishPasskey(
      await ana.steppedUp(() => node.enrolment.start(ana.here, 'passkey'), 'totp', byCode),
    );
    t.match(
      (await ana.held()).find(({ factor }) => factor === 'passkey'),
      { strength: 'any', cap: { full: 'phishing-resistant', liftsAt: null } },
    );
    t.match(
      store.records.findLast(({ code }) => code === 'FACTOR_ENROLLED'),
      { factor: 'passkey', reason: 'capped' },
    );

    const admin = new Session({ userId: 'admin', roles: ['admin'] });
    const adminDevice = await admin.enrolPasskey();
    const issue = () =>
      node.administration.issueEnrolmentCode(admin.here, { userId: 'ana', reason: 'Badge checked at the desk' });
    const { code } = await admin.steppedUp(issue, 'passkey', admin.byPasskey(adminDevice));
    t.equal(await codeOf(node.enrolment.liftCaps(new Session({ userId: 'ben' }).here, code)), 'enrolment_code_refused');
    await node.enrolment.liftCaps(ana.here, code.toLowerCase());
    t.match(
      (await ana.held()).find(({ factor }) => factor === 'passkey'),
      { strength: 'phishing-resistant', cap: null },
    );
    t.equal(await codeOf(node.enrolment.liftCaps(ana.here, code)), 'enrolment_code_refused', 'once');
    const again = new Session();
    await again.steppedUp(() => node.enrolment.start(again.here, 'totp'), 'passkey', again.byPasskey(device));
  },
);

t.test(
  'an enrolment that a strong proof began, and a weak one in another session finished, counts for the weak one',
  async (t) => {
    const { node, Session } = await world(t);
    const ana = new Session();
    const device = await ana.enrolPasskey();
    const { codes } = (await ana.steppedUp(
      () => node.enrolment.start(ana.here, 'recovery-codes'),
      'passkey',
      ana.byPasskey(device),
    )) as RecoveryCodesInvitation;
    const begun = await node.enrolment.start(ana.here, 'passkey');

    const thief = new Session();
    const theirs = new SoftwareAuthenticator();
    await thief.steppedUp(
      () => thief.finishPasskey(begun, theirs),
      'recovery-codes',
      async () => ({ code: codes[0] }),
    );
    const passkeys = (await thief.held()).filter(({ factor }) => factor === 'passkey');
    t.strictSame(
      passkeys.map(({ strength }) => strength),
      ['phishing-resistant', 'any'],
    );
  },
);

t.test('the last factor stays: whatever it is, and of two removals in the same moment one is refused', async (t) => {
  const { node, Session, store } = await world(t);
  const ana = new Session();
  const device = await ana.enrolPasskey();
  const [only] = await ana.held();
  const remove = (id = only?.id ?? '') => node.enrolment.remove(ana.here, id);
  t.equal(await codeOf(ana.steppedUp(remove, 'passkey', ana.byPasskey(device))), 'last_factor');
  await ana.enrolPasskey();
  const both = await ana.held();
  t.equal(both.length, 2);
  const outcomes = await Promise.all(both.map(({ id }) => codeOf(remove(id))));
  t.strictSame(outcomes.sort(), ['factors_changed', 'nothing']);
  t.equal((await ana.held()).length, 1);
  t.equal(store.codes().filter((code) => code === 'FACTOR_REMOVED').length, 1);

  // An administrator resets the rest; recovery codes alone are left, and cannot go either.
  const [rest] = await ana.held();
  await node.enrolment.start(ana.here, 'recovery-codes');
  t.equal(await codeOf(remove(rest?.id)), 'last_factor', 'recovery codes answer no step-up for long');
  store.rows.factors.delete(rest?.id ?? '');
  const [codes] = await ana.held();
  t.equal(codes?.factor, 'recovery-codes');
  t.equal(await codeOf(remove(codes?.id)), 'last_factor', 'a password alone would enrol the next');
});

t.test('guessing a strong factor into its lock is no way to change factors by a weak one', async (t) => {
  const { node, Session, store } = await world(t, { attempts: { consecutive: 3 } });
  const ana = new Session();
  const device = await ana.enrolPasskey();
  await ana.steppedUp(() => node.enrolment.start(ana.here, 'totp'), 'passkey', ana.byPasskey(device));
  const byCode = await ana.enrolTotp();
  for (let count = 0; count < 3; count++) {
    await store.reserveAttempt(
      { workspaceId: 'clinic', userId: 'ana', factor: 'passkey' },
      { perWindow: 30, windowSeconds: 60, consecutive: 3 },
      0,
    );
  }
  const thief = new Session();
  const [target] = await thief.held();
  t.equal(target?.usable, false);
  const change = () => node.enrolment.remove(thief.here, target?.id ?? '');
  t.equal(await codeOf(change()), 'factor_disabled');
  t.equal(await codeOf(thief.steppedUp(change, 'totp', byCode)), 'factor_disabled', 'and there is nothing to answer');
  t.equal((await thief.held()).length, 2);
  t.match(store.records.at(-1), { code: 'ACCESS_DENIED', reason: 'factor-disabled' });
});

t.test('the session that changed its factors keeps its proof, also where it hears of the change first', async (t) => {
  const { node, Session } = await world(t);
  const ana = new Session();
  const other = new Session();
  const device = await ana.enrolPasskey();
  await ana.steppedUp(() => node.enrolment.start(ana.here, 'totp'), 'passkey', ana.byPasskey(device));
  await other.steppedUp(() => node.enrolment.start(other.here, 'totp'), 'passkey', other.byPasskey(device));
  // The store of this test tells of the new epoch in the commit itself, before the change returns.
  await ana.enrolPasskey();
  await ana.enrolPasskey();
  t.equal(await codeOf(node.enrolment.start(other.here, 'totp')), 'step_up_required', 'every other one is asked again');
  t.equal(await codeOf(node.enrolment.start(ana.here, 'totp')), 'nothing');
});
