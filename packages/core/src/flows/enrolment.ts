import { hash } from 'node:crypto';
import { CountersignError } from '../errors/countersign-error.ts';
import type { EnrolmentInvitation, Factor } from '../factors/factor.ts';
import type { FactorRow } from '../store/store.ts';
import { demandAccountProof, refuseImpersonation } from './account-authority.ts';
import type { Authorizer } from './authorize.ts';
import { readFactorRows, signedFactorRow } from './factor-rows.ts';
import { eventOf, type Services, type SessionPrincipal } from './services.ts';
import { counterDetails } from './verify-factor.ts';

/** One of a user's own factors, as shown to them. */
export interface FactorSummary {
  readonly id: string;
  readonly factor: string;
  /** The user's own name for it; empty where none was given. */
  readonly label: string;
  readonly enrolledAt: Date;
  /** False where too many failures in a row have disabled it. */
  readonly usable: boolean;
}

/** Enrolment of a principal's own factors. */
export class Enrolment {
  readonly #services: Services;
  readonly #authorizer: Authorizer;

  constructor(services: Services, authorizer: Authorizer) {
    this.#services = services;
    this.#authorizer = authorizer;
  }

  /** The principal's confirmed factors. */
  async list(principal: SessionPrincipal): Promise<readonly FactorSummary[]> {
    const { store, configuration } = this.#services;
    const rows = await readFactorRows(this.#services, principal);
    const { attempts, clock } = configuration;
    const standing = await store.attempts(principal.workspaceId, principal.userId, attempts, clock.now());
    return rows.flatMap(({ id, factor, label, confirmedAt }) => {
      const usable = (standing.get(factor)?.consecutive ?? 0) < attempts.consecutive;
      return confirmedAt === null ? [] : [{ id, factor, label, enrolledAt: new Date(confirmedAt), usable }];
    });
  }

  /**
   * Begins an enrolment: a new secret that counts for nothing until a code confirms it. Replaces an earlier one that waits.
   * The first enrolment needs a fresh sign-in (`fresh_sign_in_required`); a later one a fresh proof (`StepUpRequiredError`).
   */
  async start(
    principal: SessionPrincipal,
    factorId: string,
    returnTo: string | null = null,
  ): Promise<EnrolmentInvitation> {
    const { configuration, audit } = this.#services;
    const factor = this.#factor(factorId);
    const session = await this.#authority(principal, returnTo);
    const { secret, invitation } = factor.invite(principal.displayName, configuration.random);
    const id = configuration.ids();
    const owner = { id, workspaceId: principal.workspaceId, userId: principal.userId };
    const row = signedFactorRow(configuration.keyring, {
      ...owner,
      factor: factor.id,
      label: '',
      secret: await configuration.keyring.seal(secret, owner),
      confirmedAt: null,
      createdAt: configuration.clock.now(),
      counter: -1,
    });
    await audit.transact(async (transaction) => {
      await transaction.putFactor(row);
      const event = { code: 'FACTOR_ENROLMENT_STARTED', outcome: 'success', factor: factor.id } as const;
      return { value: undefined, events: [eventOf(principal, session, event)] };
    });
    return invitation;
  }

  /** The enrolment that waits for its code, to be shown again after a wrong one. Null where there is none. */
  async pending(principal: SessionPrincipal, factorId: string): Promise<EnrolmentInvitation | null> {
    const factor = this.#factor(factorId);
    const row = await this.#pendingRow(principal, factor);
    if (row === null) return null;
    return factor.invitation(principal.displayName, await this.#services.configuration.keyring.open(row.secret, row));
  }

  /**
   * Confirms an enrolment by a first code. From then on the factor counts; an earlier one of its kind is gone, and every proof
   * of this user has ended. Throws `enrolment_unknown`, `code_malformed`, `code_incorrect`, `attempts_delayed`.
   */
  async finish(
    principal: SessionPrincipal,
    factorId: string,
    answer: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const { configuration, audit, state, live } = this.#services;
    const factor = this.#factor(factorId);
    const session = await this.#authority(principal, null);
    const row = await this.#pendingRow(principal, factor);
    if (row === null) throw new CountersignError('enrolment_unknown');
    if (!factor.isWellFormed(answer)) throw new CountersignError('code_malformed', { field: 'code' });
    const now = configuration.clock.now();
    const turn = await state.takeTurn(principal.key, `${factor.id} enrolment`, now);
    if (!turn.granted) {
      throw new CountersignError('attempts_delayed', {
        retryAfterSeconds: Math.max(1, Math.ceil((turn.retryAt - now) / 1000)),
      });
    }
    const check = factor.check(answer, await configuration.keyring.open(row.secret, row), row.counter, now);
    if (check.result !== 'correct') {
      const event = { code: 'MFA_FAILURE', outcome: 'failure', factor: factor.id, reason: 'enrolment' } as const;
      await audit.append([eventOf(principal, session, event)]);
      throw new CountersignError('code_incorrect', { field: 'code' });
    }
    // Confirmed with the counter of this very code, so that it opens nothing else.
    const confirmed = signedFactorRow(configuration.keyring, { ...row, confirmedAt: now, counter: check.counter });
    const earlier = (await readFactorRows(this.#services, principal)).filter(
      (held) => held.factor === factor.id && held.confirmedAt !== null,
    );
    const { workspaceId, userId } = principal;
    const epoch = await audit.transact(async (transaction) => {
      // The same code at the same moment on another request: one of them moves the counter, and this may be the other.
      if (!(await transaction.moveFactorCounter(row, confirmed))) {
        const event = { code: 'MFA_FAILURE', outcome: 'failure', factor: factor.id, reason: 'already-used' } as const;
        return { value: null, events: [eventOf(principal, session, event)] };
      }
      for (const { id } of earlier) await transaction.removeFactor({ workspaceId, id });
      await transaction.putFactor(confirmed);
      await transaction.resetAttempts({ workspaceId, userId, factor: factor.id });
      const raised = await transaction.raiseEpoch(workspaceId, userId);
      const reason = earlier.length > 0 ? 'replaced' : 'first';
      const details = counterDetails(confirmed, confirmed.counter);
      const event = { code: 'FACTOR_ENROLLED', outcome: 'success', factor: factor.id, reason, details } as const;
      return { value: raised, events: [eventOf(principal, session, event)] };
    });
    if (epoch === null) throw new CountersignError('enrolment_unknown');
    // The session is not renewed here: its next request reads its standing, and finds a sign-out that came in between.
    live.raise(workspaceId, userId, epoch);
    await state.clearTurns(principal.key, `${factor.id} enrolment`);
  }

  /**
   * Takes over a factor that was enrolled elsewhere, such as an authenticator's secret from the host's earlier MFA. For set-up
   * code: no request leads here. Returns false, and changes nothing, where the user has a factor of this kind already.
   * Throws `input_invalid` where the secret is not of the factor's form or too weak.
   */
  async importFactor(imported: {
    readonly workspaceId: string;
    readonly userId: string;
    readonly factor: string;
    readonly secret: string;
  }): Promise<boolean> {
    const { configuration, audit, live, store } = this.#services;
    const { workspaceId, userId, secret } = imported;
    const factor = this.#factor(imported.factor);
    if (!factor.isSecret(secret)) {
      throw new CountersignError('input_invalid', {
        field: 'secret',
        detail: `secret: no secret of a ${factor.id} factor.`,
      });
    }
    const held = await store.factors(workspaceId, userId);
    if (held.some((row) => row.factor === factor.id && row.confirmedAt !== null)) return false;
    const now = configuration.clock.now();
    // The same id for the same factor: of two processes that import at once, one row is left.
    const owner = { id: importedId(workspaceId, userId, factor.id), workspaceId, userId };
    const sealed = await configuration.keyring.seal(secret, owner);
    const content = {
      ...owner,
      factor: factor.id,
      label: '',
      secret: sealed,
      confirmedAt: now,
      createdAt: now,
      counter: -1,
    };
    const epoch = await audit.transact(async (transaction) => {
      await transaction.putFactor(signedFactorRow(configuration.keyring, content));
      const raised = await transaction.raiseEpoch(workspaceId, userId);
      const event = { code: 'FACTOR_ENROLLED', outcome: 'success', factor: factor.id, reason: 'imported' } as const;
      return { value: raised, events: [{ ...event, workspaceId, userId }] };
    });
    live.raise(workspaceId, userId, epoch);
    return true;
  }

  #factor(id: string): Factor {
    const factor = this.#services.configuration.factors.find((candidate) => candidate.id === id);
    if (factor === undefined) throw new CountersignError('factor_not_accepted', { field: 'factor' });
    return factor;
  }

  /** Whether this principal may change factors now; returns the session's number. */
  async #authority(principal: SessionPrincipal, returnTo: string | null): Promise<string> {
    const { configuration, store } = this.#services;
    refuseImpersonation(principal);
    if (principal.kind !== undefined && principal.kind !== 'person') throw new CountersignError('person_required');
    const reading = await this.#authorizer.reading(principal, []);
    if (reading.endedAt !== null) throw new CountersignError('session_ended');
    const isEnrolled = async () =>
      (await readFactorRows(this.#services, principal)).some((row) => row.confirmedAt !== null);
    if (await isEnrolled()) {
      await demandAccountProof(this.#authorizer, principal, 'factors', returnTo);
      return reading.number;
    }
    // No factor, though the log says one was enrolled and never reset: the row was removed behind our back.
    const [last] = await store.auditEvents({
      workspaceId: principal.workspaceId,
      userId: principal.userId,
      codes: ['FACTOR_ENROLLED', 'FACTOR_RESET'],
      limit: 1,
    });
    if (last?.code === 'FACTOR_ENROLLED') {
      // Read again, since the row commits with its event: an enrolment may have been confirmed between our two reads.
      if (await isEnrolled()) {
        await demandAccountProof(this.#authorizer, principal, 'factors', returnTo);
        return reading.number;
      }
      const event = { code: 'FACTOR_TAMPERED', outcome: 'failure', factor: last.factor, reason: 'missing' } as const;
      await this.#services.audit.append([eventOf(principal, reading.number, event)]);
      throw new CountersignError('factor_unknown', { cure: 'Ask an administrator to reset this factor.' });
    }
    const age = configuration.clock.now() - principal.signedInAt.getTime();
    // Written so that an unreadable instant (NaN) refuses.
    if (!(age < configuration.freshSignInSeconds * 1000)) throw new CountersignError('fresh_sign_in_required');
    return reading.number;
  }

  async #pendingRow(principal: SessionPrincipal, factor: Factor): Promise<FactorRow | null> {
    const rows = await readFactorRows(this.#services, principal);
    return rows.find((row) => row.factor === factor.id && row.confirmedAt === null) ?? null;
  }
}

/** A UUID made from a name (RFC 9562 §5.8, version 8). */
function importedId(...name: readonly string[]): string {
  const hex = hash('sha256', JSON.stringify(['countersign import', ...name]), 'hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
