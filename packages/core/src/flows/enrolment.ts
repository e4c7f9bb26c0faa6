import { CountersignError } from '../errors/countersign-error.ts';
import type { EnrolmentInvitation, Factor, FactorAnswer } from '../factors/factor.ts';
import { satisfiesStrength, weakest } from '../policy/strength.ts';
import type { FactorRow, StoreTransaction } from '../store/store.ts';
import { refuseImpersonation } from './account-authority.ts';
import type { Authorizer } from './authorize.ts';
import { enrollableFactor } from './enrollable-factor.ts';
import {
  type Authority,
  addingOf,
  EnrolmentAuthority,
  type EnrolmentOptions,
  raiseOnce,
} from './enrolment-authority.ts';
import { useEnrolmentCode } from './enrolment-code.ts';
import { factorContext } from './factor-context.ts';
import { readFactorRows, signedFactorRow } from './factor-rows.ts';
import { type ImportedFactor, importFactor } from './import-factor.ts';
import { type FactorSummary, labelOf, OwnFactors, tellOwner } from './own-factors.ts';
import { eventOf, type Services, type SessionPrincipal } from './services.ts';
import { counterDetails } from './verify-factor.ts';

const FACTORS_PER_KIND = 10;

/** Enrolment and management of a principal's own factors. */
export class Enrolment {
  readonly #services: Services;
  readonly #authority: EnrolmentAuthority;
  readonly #own: OwnFactors;

  constructor(services: Services, authorizer: Authorizer) {
    this.#services = services;
    this.#authority = new EnrolmentAuthority(services, authorizer);
    this.#own = new OwnFactors(services, authorizer);
  }

  /**
   * Begins an enrolment: a new secret that counts for nothing until an answer confirms it (a kind that is `confirmedAtOnce` counts
   * from here on, in place of the earlier one). Replaces an earlier one that waits. The first enrolment needs a fresh sign-in
   * (`fresh_sign_in_required`) or, by policy or in its place, an administrator's code (`enrolment_code_required`,
   * `enrolment_code_refused`); a later one a fresh proof (`StepUpRequiredError`). Throws `factor_limit`.
   */
  async start(
    principal: SessionPrincipal,
    factorId: string,
    options: EnrolmentOptions = {},
  ): Promise<EnrolmentInvitation> {
    const { configuration, audit } = this.#services;
    const factor = enrollableFactor(configuration, factorId);
    const authority = await this.#authority.demand(principal, options, addingOf(factor));
    const now = configuration.clock.now();
    const confirmed = (await readFactorRows(this.#services, principal)).filter(
      (row) => row.factor === factor.id && row.confirmedAt !== null,
    );
    if (factor.several === true && confirmed.length >= FACTORS_PER_KIND) throw new CountersignError('factor_limit');
    const held = await Promise.all(confirmed.map((row) => configuration.keyring.open(row.secret, row)));
    const invited = await factor.invite?.(factorContext(this.#services, principal, now), held);
    if (invited === undefined) throw new CountersignError('factor_not_accepted', { field: 'factor' });
    const owner = { id: configuration.ids(), workspaceId: principal.workspaceId, userId: principal.userId };
    const row: Omit<FactorRow, 'mac'> = {
      ...owner,
      factor: factor.id,
      label: '',
      secret: await configuration.keyring.seal(invited.secret, owner),
      confirmedAt: null,
      createdAt: now,
      counter: -1,
      ...this.#capOf(factor, authority, now),
    };
    if (factor.confirmedAtOnce === true) {
      await this.#confirm(principal, factor, authority, null, { ...row, counter: 0, confirmedAt: now });
      return invited.invitation;
    }
    const begun = await audit.transact(async (transaction) => {
      if (!(await useCode(transaction, authority))) return { value: false, events: [] };
      await transaction.putFactor(signedFactorRow(configuration.keyring, row));
      const { emergencyAccessId } = authority;
      const about = { factor: factor.id, emergencyAccessId };
      const event = { code: 'FACTOR_ENROLMENT_STARTED', outcome: 'success', ...about } as const;
      return { value: true, events: [eventOf(principal, authority.session, event)] };
    });
    if (!begun) throw new CountersignError('enrolment_code_refused', { field: 'enrolmentCode' });
    await this.#authority.keepBeginning(principal, factor, row, now, authority.emergencyAccessId);
    return invited.invitation;
  }

  /** The enrolment that waits for its answer, to be shown again after a wrong one. Null where there is none to show. */
  async pending(principal: SessionPrincipal, factorId: string): Promise<EnrolmentInvitation | null> {
    const { configuration } = this.#services;
    const factor = enrollableFactor(configuration, factorId);
    const row = await this.#pendingRow(principal, factor);
    if (row === null) return null;
    await this.#authority.toFinish(principal, factor, row);
    const context = factorContext(this.#services, principal, configuration.clock.now());
    return factor.invitation?.(context, await configuration.keyring.open(row.secret, row)) ?? null;
  }

  /**
   * Confirms an enrolment by a first answer, with the name the user gave it (`label`). From then on the factor counts, and every
   * other session's proofs of this user have ended; an earlier one of its kind is gone, unless the kind allows several.
   * Throws `enrolment_unknown`, `code_malformed`, `code_incorrect`, `answer_refused`, `attempts_delayed`.
   */
  async finish(principal: SessionPrincipal, factorId: string, answer: FactorAnswer): Promise<void> {
    const { configuration, audit, state } = this.#services;
    const factor = enrollableFactor(configuration, factorId);
    refuseImpersonation(principal);
    const row = await this.#pendingRow(principal, factor);
    if (row === null) throw new CountersignError('enrolment_unknown');
    const authority = await this.#authority.toFinish(principal, factor, row);
    const refused = () =>
      factor.answeredBy === 'ceremony'
        ? new CountersignError('answer_refused')
        : new CountersignError('code_incorrect', { field: 'code' });
    if (factor.answeredBy !== 'ceremony' && !factor.isWellFormed(answer))
      throw new CountersignError('code_malformed', { field: 'code' });
    const now = configuration.clock.now();
    const turn = await state.takeTurn(principal.key, `${factor.id} enrolment`, now);
    if (!turn.granted) {
      throw new CountersignError('attempts_delayed', {
        retryAfterSeconds: Math.max(1, Math.ceil((turn.retryAt - now) / 1000)),
      });
    }
    const context = factorContext(this.#services, principal, now);
    const check = await factor.confirm?.(answer, await configuration.keyring.open(row.secret, row), context);
    if (check?.result !== 'correct') {
      const reason = check?.reason ?? 'enrolment';
      const event = { code: 'MFA_FAILURE', outcome: 'failure', factor: factor.id, reason } as const;
      await audit.append([eventOf(principal, authority.session, event)]);
      throw refused();
    }
    const label = labelOf(answer.label) ?? check.label ?? '';
    const secret = check.secret === undefined ? row.secret : await configuration.keyring.seal(check.secret, row);
    await this.#confirm(principal, factor, authority, row, {
      ...row,
      ...this.#tighterCap(factor, row, authority, now),
      label,
      secret,
      confirmedAt: now,
      counter: check.counter,
    });
    await state.clearTurns(principal.key, `${factor.id} enrolment`);
  }

  /** The principal's confirmed factors. */
  list(principal: SessionPrincipal): Promise<readonly FactorSummary[]> {
    return this.#own.list(principal);
  }

  /** Gives one of the principal's factors another name. Needs a fresh proof. Throws `factor_not_accepted`, `input_invalid`. */
  rename(principal: SessionPrincipal, id: string, label: string, returnTo: string | null = null): Promise<void> {
    return this.#own.rename(principal, id, label, returnTo);
  }

  /**
   * Removes one of the principal's factors. Needs a fresh proof; ends the proofs of every other session of this user. The last
   * one that can answer a step-up stays (`last_factor`): without any, a password alone would enrol the next.
   */
  remove(principal: SessionPrincipal, id: string, returnTo: string | null = null): Promise<void> {
    return this.#own.remove(principal, id, returnTo);
  }

  /** Lets capped factors count in full, by an administrator's one-time code. Throws `enrolment_code_refused`, `attempts_delayed`. */
  liftCaps(principal: SessionPrincipal, enrolmentCode: string): Promise<void> {
    return this.#own.liftCaps(principal, enrolmentCode);
  }

  /**
   * Takes over a factor that was enrolled elsewhere, such as an authenticator's secret from the host's earlier MFA. For set-up
   * code: no request leads here. Returns false, and changes nothing, where the user has a factor of this kind already.
   * Throws `input_invalid` where the secret is not of the factor's form or too weak.
   */
  importFactor(imported: ImportedFactor): Promise<boolean> {
    return importFactor(this.#services, imported);
  }

  /** Puts a confirmed factor in place of what it replaces, in one commit with its event. */
  async #confirm(
    principal: SessionPrincipal,
    factor: Factor,
    authority: Authority,
    pending: FactorRow | null,
    row: Omit<FactorRow, 'mac'>,
  ): Promise<void> {
    const { configuration, audit } = this.#services;
    const { workspaceId, userId } = principal;
    const confirmed = signedFactorRow(configuration.keyring, row);
    const earlier = (await readFactorRows(this.#services, principal)).filter(
      (held) => held.factor === factor.id && held.confirmedAt !== null && factor.several !== true,
    );
    const epoch = await audit.transact(async (transaction) => {
      // The same answer at the same moment on another request: one of them moves the row, and this may be the other.
      const mine = pending === null || (await transaction.moveFactorCounter(pending, confirmed));
      if (!mine || !(await useCode(transaction, authority))) {
        const event = { code: 'MFA_FAILURE', outcome: 'failure', factor: factor.id, reason: 'already-used' } as const;
        return { value: null, events: [eventOf(principal, authority.session, event)] };
      }
      for (const { id } of earlier) await transaction.removeFactor({ workspaceId, id });
      await transaction.putFactor(confirmed);
      await transaction.resetAttempts({ workspaceId, userId, factor: factor.id });
      const raised = await raiseOnce(transaction, principal, authority);
      const reason = earlier.length > 0 ? 'replaced' : row.cap === null ? 'new' : 'capped';
      const details = counterDetails(confirmed, confirmed.counter);
      const about = { factor: factor.id, emergencyAccessId: authority.emergencyAccessId };
      const event = { code: 'FACTOR_ENROLLED', outcome: 'success', ...about, reason, details } as const;
      return { value: raised, events: [eventOf(principal, authority.session, event)] };
    });
    if (epoch === null) throw new CountersignError('enrolment_unknown');
    await this.#authority.carryOn(principal, authority, epoch);
    const kind = factor.isRecovery === true ? 'recovery-codes-made' : 'factor-enrolled';
    tellOwner(this.#services, principal, kind, factor.id);
  }

  #capOf(factor: Factor, { proof }: Authority, now: number): Pick<FactorRow, 'cap' | 'capEndsAt'> {
    if (proof === null || satisfiesStrength(proof, factor.strength)) return { cap: null, capEndsAt: null };
    const { capLiftSeconds } = this.#services.configuration.enrolment;
    return { cap: proof, capEndsAt: capLiftSeconds === undefined ? null : now + capLiftSeconds * 1000 };
  }

  /** Where the end of an enrolment took an authority of its own, the weaker one of beginning and end caps the factor. */
  #tighterCap(
    factor: Factor,
    begun: Pick<FactorRow, 'cap' | 'capEndsAt'>,
    authority: Authority,
    now: number,
  ): Pick<FactorRow, 'cap' | 'capEndsAt'> {
    const { cap, capEndsAt } = this.#capOf(factor, authority, now);
    const begunWeaker = cap === null || (begun.cap !== null && weakest(begun.cap, cap) === begun.cap);
    return begunWeaker ? { cap: begun.cap, capEndsAt: begun.capEndsAt } : { cap, capEndsAt };
  }

  async #pendingRow(principal: SessionPrincipal, factor: Factor): Promise<FactorRow | null> {
    const rows = await readFactorRows(this.#services, principal);
    return rows.find((row) => row.factor === factor.id && row.confirmedAt === null) ?? null;
  }
}

async function useCode(transaction: StoreTransaction, { code }: Authority): Promise<boolean> {
  return code === null || (await useEnrolmentCode(transaction, code));
}
