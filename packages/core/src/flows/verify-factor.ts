import { z } from 'zod';
import { parseDetails } from '../audit/details.ts';
import type { AuditEventInput } from '../audit/event.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { Factor, FactorCheck } from '../factors/factor.ts';
import type { FactorRow, StoreTransaction } from '../store/store.ts';
import { readFactorRows, signedFactorRow } from './factor-rows.ts';
import { eventOf, type Services, type SessionPrincipal } from './services.ts';

export interface Verification {
  /** What the audit events of this attempt carry besides who, when and the outcome. */
  readonly event: Partial<AuditEventInput>;
  /** Called where the attempt locked the factor out. */
  voided(): void | Promise<void>;
}

const detailsSchema = z.object({ row: z.string(), counter: z.number() });

type Reserved = { readonly id: string; readonly consecutive: number; readonly inWindow: number };

/**
 * Checks an answer against the principal's enrolled factor, under all limits, and consumes it. Resolves once the consumption and
 * its MFA_SUCCESS are committed, together; throws otherwise, after the failure was counted and audited.
 *
 * The attempt is counted before the answer is looked at: parallel guesses share the same budget as sequential ones.
 */
export async function verifyFactor(
  services: Services,
  principal: SessionPrincipal,
  session: string,
  factor: Factor,
  answer: Readonly<Record<string, unknown>>,
  verification: Verification,
): Promise<void> {
  const { configuration, state, store, audit } = services;
  if (!factor.isWellFormed(answer)) {
    // A slip of the hand: on the log, and not counted.
    const event = { ...verification.event, code: 'MFA_FAILURE', outcome: 'failure', reason: 'malformed' } as const;
    await audit.append([eventOf(principal, session, event)]);
    throw new CountersignError('code_malformed', { field: 'code' });
  }

  const attemptKey = { workspaceId: principal.workspaceId, userId: principal.userId, factor: factor.id };
  const now = configuration.clock.now();
  const turn = await state.takeTurn(principal.key, factor.id, now);
  if (!turn.granted)
    throw new CountersignError('attempts_delayed', { retryAfterSeconds: secondsUntil(turn.retryAt, now) });
  const reservation = await store.reserveAttempt(attemptKey, configuration.attempts, now);
  if (!reservation.granted) {
    await verification.voided();
    const reason = reservation.why === 'disabled' ? 'disabled' : 'locked';
    const event = { ...verification.event, code: 'MFA_FAILURE', outcome: 'failure', reason } as const;
    await audit.append([eventOf(principal, session, event)]);
    if (reservation.why === 'disabled') throw new CountersignError('factor_disabled');
    throw new CountersignError('factor_locked', { retryAfterSeconds: secondsUntil(reservation.retryAt, now) });
  }

  // The log first: its events commit together with the row, so the row read after it is at least as new.
  const logged = await loggedCounters(services, principal, now);
  const row = (await readFactorRows(services, principal)).find(
    (held) => held.factor === factor.id && held.confirmedAt !== null,
  );
  if (row === undefined) throw new CountersignError('factor_not_accepted');
  if (row.counter < (logged.get(row.id) ?? -1)) throw await rolledBack(services, principal, session, factor);
  const secret = await configuration.keyring.open(row.secret, row);
  const check = factor.check(answer, secret, row.counter, now);
  if (check.result !== 'correct')
    throw await failure(services, principal, session, verification, reservation, check, now);

  const consumed = await audit.transact(async (transaction) => {
    const moved = await moveCounter(services, transaction, row, check.counter);
    if (!moved) return { value: false, events: [] };
    await transaction.settleAttempt(attemptKey, reservation.id);
    const details = counterDetails(row, check.counter);
    const event = { ...verification.event, code: 'MFA_SUCCESS', outcome: 'success', details } as const;
    return { value: true, events: [eventOf(principal, session, event)] };
  });
  // The same code at the same moment on another request: one of them was first, and this is the other.
  if (!consumed) {
    const again = factor.check(answer, secret, check.counter, now);
    throw await failure(services, principal, session, verification, reservation, again, now);
  }
  await state.clearTurns(principal.key, factor.id);
}

/** What an event says of a counter that moved: with it, a row that was put back later contradicts the log. */
export const counterDetails = (row: Pick<FactorRow, 'id'>, counter: number): string =>
  JSON.stringify({ row: row.id, counter });

/** Longer than any used code could be replayed, and short enough to be found at once in a log of any length. */
const REPLAY_SECONDS = 300;

/** The greatest counter that the log has of each factor row since a while ago. */
async function loggedCounters(
  services: Services,
  { workspaceId, userId }: SessionPrincipal,
  now: number,
): Promise<ReadonlyMap<string, number>> {
  const from = now - REPLAY_SECONDS * 1000;
  const codes = ['MFA_SUCCESS', 'FACTOR_ENROLLED'];
  const counters = new Map<string, number>();
  for (const { details } of await services.store.auditEvents({ workspaceId, userId, codes, from })) {
    const parsed = detailsSchema.safeParse(parseDetails(details));
    if (!parsed.success) continue;
    const { row, counter } = parsed.data;
    counters.set(row, Math.max(counter, counters.get(row) ?? counter));
  }
  return counters;
}

/** The row is older than the log: its seal fits, and it would make used codes new. */
async function rolledBack(
  services: Services,
  principal: SessionPrincipal,
  session: string,
  factor: Factor,
): Promise<CountersignError> {
  const event = { code: 'FACTOR_TAMPERED', outcome: 'failure', factor: factor.id, reason: 'rolled-back' } as const;
  await services.audit.append([eventOf(principal, session, event)]);
  return new CountersignError('factor_unknown', { cure: 'Ask an administrator to reset this factor.' });
}

/** Writes the counter only if nobody else has moved it since `row` was read. */
export async function moveCounter(
  services: Services,
  transaction: StoreTransaction,
  row: FactorRow,
  counter: number,
): Promise<boolean> {
  const { mac } = signedFactorRow(services.configuration.keyring, { ...row, counter });
  return await transaction.moveFactorCounter(row, { counter, mac });
}

/** Audits a failed attempt, and the lock-out where this was the last one; returns the error to throw. */
async function failure(
  services: Services,
  principal: SessionPrincipal,
  session: string,
  verification: Verification,
  reserved: Reserved,
  check: FactorCheck,
  now: number,
): Promise<CountersignError> {
  const { attempts } = services.configuration;
  const disabled = reserved.consecutive >= attempts.consecutive;
  const locked = reserved.inWindow >= attempts.perWindow;
  const used = check.result === 'already-used';
  const event = (code: AuditEventInput['code'], reason: string) =>
    eventOf(principal, session, { ...verification.event, code, outcome: 'failure', reason });
  const events = [event('MFA_FAILURE', used ? 'already-used' : 'incorrect')];
  if (disabled) events.push(event('FACTOR_DISABLED', `${reserved.consecutive} failures in a row`));
  else if (locked)
    events.push(event('FACTOR_LOCKED', `${reserved.inWindow} attempts within ${attempts.windowSeconds} s`));
  if (disabled || locked) await verification.voided();
  await services.audit.append(events);

  if (disabled) return new CountersignError('factor_disabled');
  if (locked) {
    const standing = await services.store.attempts(principal.workspaceId, principal.userId, attempts, now);
    const retryAt = standing.get(verification.event.factor ?? '')?.retryAt ?? now + attempts.windowSeconds * 1000;
    return new CountersignError('factor_locked', { retryAfterSeconds: secondsUntil(retryAt, now) });
  }
  if (used)
    return new CountersignError('code_already_used', { field: 'code', retryAfterSeconds: check.retryAfterSeconds });
  const attemptsLeft = Math.min(attempts.perWindow - reserved.inWindow, attempts.consecutive - reserved.consecutive);
  return new CountersignError('code_incorrect', { field: 'code', extra: { attemptsLeft } });
}

const secondsUntil = (instant: number, now: number): number => Math.max(1, Math.ceil((instant - now) / 1000));
