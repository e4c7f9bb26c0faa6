import { z } from 'zod';
import { parseDetails } from '../audit/details.ts';
import type { AuditEventInput } from '../audit/event.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { Factor, FactorAnswer, FactorCheck } from '../factors/factor.ts';
import type { NoticeKind } from '../notices/notice.ts';
import { type Strength, satisfiesStrength, strongest, weakest } from '../policy/strength.ts';
import type { FactorRow, StoreTransaction } from '../store/store.ts';
import { type Ceremony, takeCeremony } from './ceremonies.ts';
import { factorContext } from './factor-context.ts';
import { combines, readFactorRows, rowStrength, signedFactorRow } from './factor-rows.ts';
import { eventOf, factorOwner, type Services, type SessionPrincipal } from './services.ts';

export interface Verification {
  /** What the audit events of this attempt carry besides who, when and the outcome. */
  readonly event: Partial<AuditEventInput>;
  /** The challenge or enrolment that the answer is for: what was begun for another does not answer it. */
  readonly purpose: string;
  /** When it was opened, in milliseconds. */
  readonly askedAt: number;
  /** What is asked. Where it takes the password too, the answer must hold it. */
  readonly demanded: Strength;
  /** Added to the details of MFA_SUCCESS. */
  readonly details?: Readonly<Record<string, string>>;
  /** Called where the attempt locked the factor out. */
  voided(): void | Promise<void>;
}

/** What an answer proved. */
export interface Verified {
  readonly strength: Strength;
  readonly remaining: number | null;
}

const detailsSchema = z.object({ row: z.string(), counter: z.number() });

type Correct = Extract<FactorCheck, { result: 'correct' }>;
type Reserved = { readonly id: string; readonly consecutive: number; readonly inWindow: number };
/** A factor that can be answered: a row with its open secret, or none where it is enrolled outside. */
interface Held {
  readonly row: FactorRow | null;
  readonly secret: string;
}

/** Answers that meet a row which another answer has just moved are judged again, this often. */
const ROUNDS = 12;

/**
 * Checks an answer against the person's enrolled factor, under all limits, and consumes it. Resolves once the consumption and
 * its MFA_SUCCESS are committed, together; throws otherwise, after the failure was counted and audited.
 *
 * The attempt is counted before the answer is looked at: parallel guesses share the same budget as sequential ones. What `begin`
 * kept is taken before that, so that an answer to it is looked at once.
 */
export async function verifyFactor(
  services: Services,
  principal: SessionPrincipal,
  session: string,
  factor: Factor,
  answer: FactorAnswer,
  verification: Verification,
): Promise<Verified> {
  const { configuration, state, store, audit } = services;
  const withPassword = !satisfiesStrength(factor.strength, verification.demanded) && combines(configuration, factor);
  if (!factor.isWellFormed(answer) || (withPassword && !isPassword(answer.password))) {
    // A slip of the hand: on the log, and not counted.
    const event = { ...verification.event, code: 'MFA_FAILURE', outcome: 'failure', reason: 'malformed' } as const;
    await audit.append([eventOf(principal, session, event)]);
    throw malformed(factor, answer);
  }

  const owner = factorOwner(principal);
  const attemptKey = { workspaceId: owner.workspaceId, userId: owner.userId, factor: factor.id };
  const now = configuration.clock.now();
  const ceremony = await takeCeremony(services, principal, factor, answer, now);
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
  const refuse = (check: FactorCheck) =>
    failure(services, principal, session, factor, verification, reservation, check, now);

  if (!isBegunFor(factor, ceremony, verification.purpose)) throw await refuse(incorrect('unknown-ceremony'));
  for (let round = 0; round < ROUNDS; round++) {
    const held = await findHeld(services, principal, session, factor, answer, now);
    if (held === null) throw await refuse(incorrect('unknown-credential'));
    const check = await checked(
      services,
      principal,
      session,
      verification,
      async () =>
        await factor.check(
          answer,
          { secret: held.secret, counter: held.row?.counter ?? -1, state: ceremony?.state ?? null },
          { ...factorContext(services, principal, now), askedAt: verification.askedAt },
        ),
    );
    if (check.result !== 'correct') throw await refuse(check);
    // After the code, which is not consumed yet: a wrong password costs an attempt, and no code.
    if (withPassword && !(await isRightPassword(services, principal, answer.password)))
      throw await refuse(incorrect('password'));

    const strength = strengthOf(factor, held.row, check, withPassword, now);
    // Of several of a kind, this one counts for less (a weaker proof enrolled it), or this answer proved less: not consumed.
    if (!satisfiesStrength(strength, verification.demanded)) throw await refuse(incorrect('too-weak'));
    const consumed = await audit.transact(async (transaction) => {
      if (held.row !== null && !(await moveCounter(services, transaction, held.row, check.counter)))
        return { value: false, events: [] };
      await transaction.settleAttempt(attemptKey, reservation.id);
      const details = detailsOf(held.row, check, verification);
      const event = { ...verification.event, code: 'MFA_SUCCESS', outcome: 'success', details } as const;
      const events = [eventOf(principal, session, event)];
      if (check.remaining !== undefined) {
        const used = { ...event, code: 'RECOVERY_CODE_USED', reason: `${check.remaining} left` } as const;
        events.push(eventOf(principal, session, used));
      }
      return { value: true, events };
    });
    if (consumed) {
      await state.clearTurns(principal.key, factor.id);
      return { strength, remaining: check.remaining ?? null };
    }
    // Another request has moved the counter meanwhile: the same code is used by now, another one may still be good.
  }
  throw await refuse({ result: 'already-used', retryAfterSeconds: 1 });
}

/** A factor that asks elsewhere may find nobody there: an attempt too, and on the log. */
async function checked(
  services: Services,
  principal: SessionPrincipal,
  session: string,
  verification: Verification,
  check: () => Promise<FactorCheck>,
): Promise<FactorCheck> {
  try {
    return await check();
  } catch (error) {
    const event = { ...verification.event, code: 'MFA_FAILURE', outcome: 'failure', reason: 'unavailable' } as const;
    await services.audit.append([eventOf(principal, session, event)]);
    throw error;
  }
}

const incorrect = (reason: string): FactorCheck => ({ result: 'incorrect', reason });

const isPassword = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= 1024;

function malformed(factor: Factor, answer: FactorAnswer): CountersignError {
  if (factor.isWellFormed(answer)) return new CountersignError('password_required', { field: 'password' });
  return factor.answeredBy === 'ceremony'
    ? new CountersignError('answer_refused')
    : new CountersignError('code_malformed', { field: 'code' });
}

/** What was begun for another challenge, or never, answers nothing. */
const isBegunFor = (factor: Factor, ceremony: Ceremony | null, purpose: string): boolean =>
  factor.begin === undefined || ceremony?.purpose === purpose;

async function isRightPassword(services: Services, principal: SessionPrincipal, password: unknown): Promise<boolean> {
  const { checkPassword } = services.configuration;
  if (checkPassword === undefined || !isPassword(password)) return false;
  const { workspaceId, userId } = factorOwner(principal);
  return (await checkPassword({ workspaceId, userId }, password)) === true;
}

/** Never more than the kind's own, nor than the proof that enrolled it; together with the password, two factors. */
function strengthOf(
  factor: Factor,
  row: FactorRow | null,
  check: Correct,
  withPassword: boolean,
  now: number,
): Strength {
  const base = row === null ? factor.strength : rowStrength(factor, row, now);
  const proved = weakest(base, check.strength ?? base);
  return withPassword ? strongest(proved, 'multi-factor') : proved;
}

async function findHeld(
  services: Services,
  principal: SessionPrincipal,
  session: string,
  factor: Factor,
  answer: FactorAnswer,
  now: number,
): Promise<Held | null> {
  const { keyring } = services.configuration;
  // The log first: its events commit together with the row, so the row read after it is at least as new.
  const logged = await loggedCounters(services, principal, factor, now);
  const rows = (await readFactorRows(services, principal)).filter(
    (row) => row.factor === factor.id && row.confirmedAt !== null,
  );
  for (const row of rows) {
    const secret = await keyring.open(row.secret, row);
    if (factor.selects !== undefined && !factor.selects(answer, secret)) continue;
    if (row.counter < (logged.get(row.id) ?? -1)) throw await rolledBack(services, principal, session, factor);
    return { row, secret };
  }
  const outside = rows.length === 0 && (await factor.isAvailable?.(factorOwner(principal))) === true;
  return outside ? { row: null, secret: '' } : null;
}

function detailsOf(row: FactorRow | null, check: Correct, { details }: Verification): string | null {
  if (row === null && details === undefined) return null;
  return JSON.stringify({ ...(row === null ? {} : { row: row.id, counter: check.counter }), ...details });
}

/** What an event says of a counter that moved: with it, a row that was put back later contradicts the log. */
export const counterDetails = (row: Pick<FactorRow, 'id'>, counter: number): string =>
  JSON.stringify({ row: row.id, counter });

/** Longer than any used code of an app could be replayed, and short enough to be found at once in a log of any length. */
const REPLAY_SECONDS = 300;

/** The greatest counter that the log has of each factor row: since a while ago, or ever where each use has an event of its own. */
async function loggedCounters(
  services: Services,
  principal: SessionPrincipal,
  factor: Factor,
  now: number,
): Promise<ReadonlyMap<string, number>> {
  const since =
    factor.remaining === undefined
      ? { codes: ['MFA_SUCCESS', 'FACTOR_ENROLLED'], from: now - REPLAY_SECONDS * 1000 }
      : { codes: ['RECOVERY_CODE_USED'] };
  const counters = new Map<string, number>();
  const { workspaceId } = principal;
  // Under impersonation the event has the principal's name, and the person's own session has the person's.
  for (const userId of new Set([principal.userId, factorOwner(principal).userId])) {
    for (const { details } of await services.store.auditEvents({ workspaceId, userId, ...since })) {
      const parsed = detailsSchema.safeParse(parseDetails(details));
      if (!parsed.success) continue;
      const { row, counter } = parsed.data;
      counters.set(row, Math.max(counter, counters.get(row) ?? counter));
    }
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
  factor: Factor,
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
  const why = check.result === 'incorrect' ? (check.reason ?? 'incorrect') : 'already-used';
  const events = [event('MFA_FAILURE', why)];
  if (disabled) events.push(event('FACTOR_DISABLED', `${reserved.consecutive} failures in a row`));
  else if (locked)
    events.push(event('FACTOR_LOCKED', `${reserved.inWindow} attempts within ${attempts.windowSeconds} s`));
  if (disabled || locked) await verification.voided();
  await services.audit.append(events);
  if (disabled || locked) tellOwner(services, principal, disabled ? 'factor-disabled' : 'factor-locked', factor);

  if (disabled) return new CountersignError('factor_disabled');
  if (locked) {
    const owner = factorOwner(principal);
    const standing = await services.store.attempts(owner.workspaceId, owner.userId, attempts, now);
    const retryAt = standing.get(factor.id)?.retryAt ?? now + attempts.windowSeconds * 1000;
    return new CountersignError('factor_locked', { retryAfterSeconds: secondsUntil(retryAt, now) });
  }
  if (used)
    return new CountersignError('code_already_used', { field: 'code', retryAfterSeconds: check.retryAfterSeconds });
  if (why === 'too-weak') return new CountersignError('factor_not_accepted', { extra: { reason: why } });
  const attemptsLeft = Math.min(attempts.perWindow - reserved.inWindow, attempts.consecutive - reserved.consecutive);
  return factor.answeredBy === 'ceremony'
    ? new CountersignError('answer_refused', { extra: { attemptsLeft } })
    : new CountersignError('code_incorrect', { field: 'code', extra: { attemptsLeft } });
}

/** Somebody may be guessing: the one whose factor it is learns of it. */
function tellOwner(services: Services, principal: SessionPrincipal, kind: NoticeKind, factor: Factor): void {
  const { workspaceId, userId } = factorOwner(principal);
  const at = services.configuration.clock.now();
  services.notices.tell({ kind, workspaceId, to: { userId }, factor: factor.id, at });
}

const secondsUntil = (instant: number, now: number): number => Math.max(1, Math.ceil((instant - now) / 1000));
