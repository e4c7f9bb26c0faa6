import { CountersignError } from '../errors/countersign-error.ts';
import type { Factor } from '../factors/factor.ts';
import type { Strength } from '../policy/strength.ts';
import type { Epochs, FactorRow, StoreTransaction } from '../store/store.ts';
import { demandAccountProof, refuseImpersonation } from './account-authority.ts';
import type { Authorizer } from './authorize.ts';
import { carryOn } from './carry-on.ts';
import { isEnrolledOutside } from './enrolled-outside.ts';
import { checkEnrolmentCode } from './enrolment-code.ts';
import { readFactorRows } from './factor-rows.ts';
import { eventOf, type Services, type SessionPrincipal } from './services.ts';

/** How an enrolment is begun. */
export interface EnrolmentOptions {
  /** A checked path to go back to after a step-up that it takes. */
  readonly returnTo?: string | null;
  /** An administrator's one-time code, in place of a proof or a fresh sign-in. */
  readonly enrolmentCode?: string | undefined;
}

/** What allows a change of factors: whose session it is, and how strong the proof was. */
export interface Authority {
  readonly session: string;
  /** What was in force when it was found: a change of factors or a revocation since then ends it. */
  readonly epochs: Epochs;
  /** The proof's strength, which caps a new factor's; null where nothing caps it (the first one, or an administrator's code). */
  readonly proof: Strength | null;
  readonly code: FactorRow | null;
  /** The administrative emergency access that it stands on; null: none. */
  readonly emergencyAccessId: string | null;
}

/** What a change of factors may stand on. */
export interface Change {
  /** An administrator's code in place of a proof. */
  readonly adding: boolean;
  /** A recovery code, whatever the strongest factor is. */
  readonly byRecovery: boolean;
}
export const changing: Change = { adding: false, byRecovery: false };

/** A recovery code replaces what was lost. It makes no more of its kind where more than `any` is asked: it would never run out. */
export const addingOf = (factor: Factor): Change => ({ adding: true, byRecovery: factor.isRecovery !== true });

/** Finds what allows a principal to change its own factors, and refuses where nothing does. */
export class EnrolmentAuthority {
  readonly #services: Services;
  readonly #authorizer: Authorizer;

  constructor(services: Services, authorizer: Authorizer) {
    this.#services = services;
    this.#authorizer = authorizer;
  }

  /** Whether this principal may change factors now. */
  async demand(principal: SessionPrincipal, options: EnrolmentOptions, change: Change): Promise<Authority> {
    const { configuration } = this.#services;
    refuseImpersonation(principal);
    if (principal.kind !== undefined && principal.kind !== 'person') throw new CountersignError('person_required');
    const reading = await this.#authorizer.reading(principal, []);
    if (reading.endedAt !== null) throw new CountersignError('session_ended');
    const { number: session, epochs } = reading;
    const { enrolmentCode, returnTo } = options;
    if (change.adding && enrolmentCode !== undefined) {
      const code = await checkEnrolmentCode(this.#services, principal, session, enrolmentCode);
      return { session, epochs, proof: null, code, emergencyAccessId: null };
    }
    if (await this.#hasFactors(principal, session)) {
      // Capped as by the weakest proof: nobody has shown anything. It makes no recovery codes, which would outlive its cap.
      const open = change.adding && change.byRecovery ? await this.#emergency(principal, epochs) : null;
      if (open !== null) return { session, epochs, proof: 'any', code: null, emergencyAccessId: open };
      const { strength } = await demandAccountProof(this.#services, this.#authorizer, principal, {
        action: 'factors',
        returnTo: returnTo ?? null,
        orRecovery: change.byRecovery,
      });
      return { session, epochs, proof: strength, code: null, emergencyAccessId: null };
    }
    if (configuration.enrolment.first === 'administrator-code') throw new CountersignError('enrolment_code_required');
    const age = configuration.clock.now() - principal.signedInAt.getTime();
    // Written so that an unreadable instant (NaN) refuses.
    if (!(age < configuration.freshSignInSeconds * 1000)) throw new CountersignError('fresh_sign_in_required');
    return { session, epochs, proof: null, code: null, emergencyAccessId: null };
  }

  /**
   * The authority of the enrolment's beginning holds for its end, in the session it was begun in. Without it (another session, a
   * restart) the enrolment's end asks for one of its own: whoever sees the secret that waits could confirm it.
   */
  async toFinish(principal: SessionPrincipal, factor: Factor, row: FactorRow): Promise<Authority> {
    const { configuration, state } = this.#services;
    const reading = await this.#authorizer.reading(principal, []);
    if (reading.endedAt !== null) throw new CountersignError('session_ended');
    const now = configuration.clock.now();
    const begun = await state.takeCeremony(principal.key, enrolmentName(factor), now);
    const [id, emergencyAccessId = null] = begun?.split(' ') ?? [];
    // What was begun under emergency access is confirmed under it, or by an authority of its own.
    const stands =
      emergencyAccessId === null || (await this.#emergency(principal, reading.epochs)) === emergencyAccessId;
    if (id !== row.id || !stands) return await this.demand(principal, {}, addingOf(factor));
    await this.keepBeginning(principal, factor, row, now, emergencyAccessId);
    return { session: reading.number, epochs: reading.epochs, proof: null, code: null, emergencyAccessId };
  }

  /** Keeps for `toFinish`, in the session, that the enrolment was begun in it. */
  async keepBeginning(
    principal: SessionPrincipal,
    factor: Factor,
    row: Pick<FactorRow, 'id' | 'createdAt'>,
    now: number,
    emergencyAccessId: string | null,
  ) {
    const { configuration, state } = this.#services;
    const until = row.createdAt + configuration.freshSignInSeconds * 1000;
    const kept = emergencyAccessId === null ? row.id : `${row.id} ${emergencyAccessId}`;
    await state.keepCeremony(principal.key, enrolmentName(factor), kept, until, now);
  }

  /** Every other session's proofs have ended; this one, whose proof allowed the change, keeps its own. */
  async carryOn(principal: SessionPrincipal, { session, epochs }: Authority, epoch: number): Promise<void> {
    await carryOn(this.#services, principal, { number: session, epochs, hasFactor: true }, epoch);
  }

  /** The id of the administrative emergency access that is open for this principal; null: none. */
  async #emergency(principal: SessionPrincipal, epochs: Epochs): Promise<string | null> {
    const { emergency, live, standIn } = this.#services;
    const settings = await live.load(principal.workspaceId);
    if (settings === 'unknown') throw new CountersignError('settings_unknown');
    const open = emergency.openFor(principal, null, settings, this.#authorizer.now);
    if (open === null || open.purpose !== 'administrative') return null;
    const { confirmed } = live;
    const counts =
      emergency.isCertain(open, epochs, confirmed) ||
      (await emergency.confirm(open, principal, epochs, confirmed, standIn));
    return counts ? open.id : null;
  }

  /** Throws `factor_unknown`, audited, where the log says one was enrolled and never removed, and there is none. */
  async #hasFactors(principal: SessionPrincipal, session: string): Promise<boolean> {
    const { store } = this.#services;
    const isEnrolled = async () =>
      (await readFactorRows(this.#services, principal)).some((row) => row.confirmedAt !== null) ||
      (await isEnrolledOutside(this.#services, principal));
    if (await isEnrolled()) return true;
    const [last] = await store.auditEvents({
      workspaceId: principal.workspaceId,
      userId: principal.userId,
      codes: ['FACTOR_ENROLLED', 'FACTOR_RESET'],
      limit: 1,
    });
    if (last?.code !== 'FACTOR_ENROLLED') return false;
    // Read again, since the row commits with its event: an enrolment may have been confirmed between our two reads.
    if (await isEnrolled()) return true;
    const event = { code: 'FACTOR_TAMPERED', outcome: 'failure', factor: last.factor, reason: 'missing' } as const;
    await this.#services.audit.append([eventOf(principal, session, event)]);
    throw new CountersignError('factor_unknown', { cure: 'Ask an administrator to reset this factor.' });
  }
}

/**
 * Raises the user's epoch over this one step; throws, and undoes the transaction, where something else raised it since the
 * authority was found. So a revocation that is under way wins, and of two removals of the last two factors one is made.
 */
export async function raiseOnce(
  transaction: StoreTransaction,
  { workspaceId, userId }: SessionPrincipal,
  { epochs }: Authority,
): Promise<number> {
  const raised = await transaction.raiseEpoch(workspaceId, userId);
  if (raised !== epochs.user + 1) throw new CountersignError('factors_changed');
  return raised;
}

const enrolmentName = (factor: Factor): string => `enrolment:${factor.id}`;
