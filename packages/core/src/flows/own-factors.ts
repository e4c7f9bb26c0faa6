import { CountersignError } from '../errors/countersign-error.ts';
import type { NoticeKind } from '../notices/notice.ts';
import type { Strength } from '../policy/strength.ts';
import type { FactorRow } from '../store/store.ts';
import { refuseImpersonation } from './account-authority.ts';
import type { Authorizer } from './authorize.ts';
import { changing, EnrolmentAuthority, raiseOnce } from './enrolment-authority.ts';
import { checkEnrolmentCode, ENROLMENT_CODE, useEnrolmentCode } from './enrolment-code.ts';
import { readFactorRows, rowStrength, signedFactorRow } from './factor-rows.ts';
import { eventOf, type Services, type SessionPrincipal } from './services.ts';

/** One of a user's own factors, as shown to them. */
export interface FactorSummary {
  readonly id: string;
  readonly factor: string;
  /** The user's own name for it; empty where none was given. */
  readonly label: string;
  readonly enrolledAt: Date;
  /** False where too many failures in a row have disabled it. */
  readonly usable: boolean;
  /** What it counts for now. */
  readonly strength: Strength;
  /** Present where it counts for less than its kind, because a weaker proof enrolled it. `liftsAt` null: an administrator's code lifts it. */
  readonly cap: { readonly full: Strength; readonly liftsAt: Date | null } | null;
  /** What is left of recovery codes; null for others. */
  readonly remaining: number | null;
}

const LABEL_LENGTH = 60;

/** Management of a principal's own factors, once they are enrolled. */
export class OwnFactors {
  readonly #services: Services;
  readonly #authorizer: Authorizer;
  readonly #authority: EnrolmentAuthority;

  constructor(services: Services, authorizer: Authorizer) {
    this.#services = services;
    this.#authorizer = authorizer;
    this.#authority = new EnrolmentAuthority(services, authorizer);
  }

  /** The principal's confirmed factors. */
  async list(principal: SessionPrincipal): Promise<readonly FactorSummary[]> {
    const { store, configuration } = this.#services;
    const { attempts, clock, keyring, factors } = configuration;
    const now = clock.now();
    const rows = await readFactorRows(this.#services, principal);
    const standing = await store.attempts(principal.workspaceId, principal.userId, attempts, now);
    const summaries = rows.map(async (row): Promise<FactorSummary | null> => {
      const factor = factors.find((candidate) => candidate.id === row.factor);
      if (row.confirmedAt === null || factor === undefined) return null;
      const strength = rowStrength(factor, row, now);
      const liftsAt = row.capEndsAt === null ? null : new Date(row.capEndsAt);
      return {
        id: row.id,
        factor: row.factor,
        label: row.label,
        enrolledAt: new Date(row.confirmedAt),
        usable: (standing.get(row.factor)?.consecutive ?? 0) < attempts.consecutive,
        strength,
        cap: strength === factor.strength ? null : { full: factor.strength, liftsAt },
        remaining: factor.remaining?.(await keyring.open(row.secret, row), row.counter) ?? null,
      };
    });
    return (await Promise.all(summaries)).filter((summary) => summary !== null);
  }

  /** Gives one of the principal's factors another name. Needs a fresh proof. Throws `factor_not_accepted`, `input_invalid`. */
  async rename(principal: SessionPrincipal, id: string, label: string, returnTo: string | null = null): Promise<void> {
    const { configuration, audit } = this.#services;
    const name = labelOf(label);
    if (name === null)
      throw new CountersignError('input_invalid', {
        field: 'label',
        detail: `label: a name of 1 to ${LABEL_LENGTH} characters is needed.`,
      });
    const authority = await this.#authority.demand(principal, { returnTo }, changing);
    const row = await this.#own(principal, id);
    const renamed = signedFactorRow(configuration.keyring, { ...row, label: name });
    const done = await audit.transact(async (transaction) => {
      if (!(await transaction.replaceFactor(row, renamed))) return { value: false, events: [] };
      const event = { code: 'FACTOR_RENAMED', outcome: 'success', factor: row.factor } as const;
      return { value: true, events: [eventOf(principal, authority.session, event)] };
    });
    if (!done) throw new CountersignError('factor_not_accepted', { field: 'id' });
    tellOwner(this.#services, principal, 'factor-renamed', row.factor);
  }

  /**
   * Removes one of the principal's factors. Needs a fresh proof; ends the proofs of every other session of this user. The last
   * one that can answer a step-up stays (`last_factor`): without any, a password alone would enrol the next.
   */
  async remove(principal: SessionPrincipal, id: string, returnTo: string | null = null): Promise<void> {
    const { audit } = this.#services;
    const authority = await this.#authority.demand(principal, { returnTo }, changing);
    const row = await this.#own(principal, id);
    const rest = (await readFactorRows(this.#services, principal)).filter(
      (held) => held.id !== id && held.confirmedAt !== null,
    );
    const answering = rest.filter((held) => !this.#isRecovery(held.factor));
    if (rest.length === 0 || (answering.length === 0 && !this.#isRecovery(row.factor)))
      throw new CountersignError('last_factor');
    const { workspaceId } = principal;
    const epoch = await audit.transact(async (transaction) => {
      if (!(await transaction.removeFactor({ workspaceId, id }))) return { value: null, events: [] };
      const raised = await raiseOnce(transaction, principal, authority);
      const event = { code: 'FACTOR_REMOVED', outcome: 'success', factor: row.factor } as const;
      return { value: raised, events: [eventOf(principal, authority.session, event)] };
    });
    if (epoch === null) throw new CountersignError('factor_not_accepted', { field: 'id' });
    await this.#authority.carryOn(principal, authority, epoch);
    tellOwner(this.#services, principal, 'factor-removed', row.factor);
  }

  /** Lets capped factors count in full, by an administrator's one-time code. Throws `enrolment_code_refused`, `attempts_delayed`. */
  async liftCaps(principal: SessionPrincipal, enrolmentCode: string): Promise<void> {
    const { configuration, audit } = this.#services;
    refuseImpersonation(principal);
    const reading = await this.#authorizer.reading(principal, []);
    if (reading.endedAt !== null) throw new CountersignError('session_ended');
    const code = await checkEnrolmentCode(this.#services, principal, reading.number, enrolmentCode);
    const capped = (await readFactorRows(this.#services, principal)).filter((row) => row.cap !== null);
    const done = await audit.transact(async (transaction) => {
      if (!(await useEnrolmentCode(transaction, code))) return { value: false, events: [] };
      for (const row of capped) {
        const lifted = signedFactorRow(configuration.keyring, { ...row, cap: null, capEndsAt: null });
        // Used in this very moment: the code is not used up, and can be sent again.
        if (!(await transaction.replaceFactor(row, lifted))) throw new CountersignError('factors_changed');
      }
      const event = { code: 'FACTOR_CAP_LIFTED', outcome: 'success', reason: 'administrator-code' } as const;
      return { value: true, events: [eventOf(principal, reading.number, event)] };
    });
    if (!done) throw new CountersignError('enrolment_code_refused', { field: 'enrolmentCode' });
  }

  #isRecovery(id: string): boolean {
    return this.#services.configuration.factors.find((factor) => factor.id === id)?.isRecovery === true;
  }

  async #own(principal: SessionPrincipal, id: string): Promise<FactorRow> {
    const rows = await readFactorRows(this.#services, principal);
    const row = rows.find((held) => held.id === id && held.confirmedAt !== null && held.factor !== ENROLMENT_CODE);
    if (row === undefined) throw new CountersignError('factor_not_accepted', { field: 'id' });
    return row;
  }
}

/** A name as it is kept: without control characters, cut to its bound; null where nothing is left. */
export function labelOf(typed: unknown): string | null {
  if (typeof typed !== 'string') return null;
  const name = typed
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .trim()
    .slice(0, LABEL_LENGTH)
    .toWellFormed();
  return name === '' ? null : name;
}

/** Tells the user of a change of their own factors. */
export function tellOwner(services: Services, principal: SessionPrincipal, kind: NoticeKind, factor: string): void {
  const { workspaceId, userId } = principal;
  services.notices.tell({
    kind,
    workspaceId,
    to: { userId },
    factor,
    at: services.configuration.clock.now(),
  });
}
