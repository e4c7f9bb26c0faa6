import type { AuditEventInput } from '../audit/event.ts';
import type { AuditWriter } from '../audit/writer.ts';
import type { Clock } from '../configuration/sources.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import { RECOVERY_CODES } from '../factors/recovery-codes.ts';
import { TOTP, totpStepAfter } from '../factors/totp.ts';
import type { Keyring } from '../keys/keyring.ts';
import { emergencyPeriod } from '../policy/emergency.ts';
import type { FactorRow, Store } from '../store/store.ts';
import { emergencyEvent } from './emergency-events.ts';
import { emergencyStep } from './emergency-rows.ts';
import { unendedEmergencies } from './emergency-standing.ts';
import { isFactorRowIntact, signedFactorRow } from './factor-rows.ts';

/** What is to be done after data were restored from a backup, and who does it. */
export interface AfterRestore {
  readonly store: Store;
  readonly audit: AuditWriter;
  readonly keyring: Keyring;
  readonly clock: Clock;
  /** At least 10 characters. */
  readonly reason: string;
  /** Who ran it, as the operating system says. */
  readonly account: string;
  /** Events that the newest checkpoint outside covers and that are gone; null where none was compared. */
  readonly lost: number | null;
  /** Rows per commit. Default 200. */
  readonly batchSize?: number;
}

/** What was done. */
export interface Restored {
  /** Rows of recovery codes, enrolment codes and unfinished enrolments that were removed. */
  readonly voided: number;
  /** Authenticator apps whose codes of until now are used up. */
  readonly raised: number;
  /** Emergency accesses that were open or waited, and were ended. */
  readonly emergencies: number;
  /** Rows that are not as we wrote them, and were left alone: they count for nothing. */
  readonly unreadable: number;
  readonly workspaces: number;
}

/**
 * Takes back what a backup brings back and should not: codes that were used since, enrolments that were under way, sessions that had
 * ended. Nobody's proof survives, and every code has to be a new one. Can be stopped and run again, and run twice. Each step is
 * audited, and the whole as `RESTORED_FROM_BACKUP`, last. Run it while no process of the application does. Throws `input_invalid`, and
 * what the store throws.
 */
export async function afterRestore(restore: AfterRestore): Promise<Restored> {
  const reason = restore.reason.trim();
  if (reason.length < 10)
    throw new CountersignError('input_invalid', {
      field: 'reason',
      detail: 'reason: at least 10 characters are needed.',
    });
  const factors = await distrustFactors(restore);
  const emergencies = await endEmergencies(restore);
  const counts = {
    voided: factors.voided,
    raised: factors.raised,
    emergencies: emergencies.ended,
    unreadable: factors.unreadable + emergencies.unreadable,
  };
  const { store: _, audit, clock, account, lost } = restore;
  const workspaces = await audit.transact(async (transaction) => {
    const value = await transaction.distrustSessions(clock.now());
    const details = JSON.stringify({ by: 'command-line', account, lost, ...counts });
    const event = (workspaceId: string | null): AuditEventInput => ({
      ...{ code: 'RESTORED_FROM_BACKUP', outcome: 'success', workspaceId, userId: null, reason, details },
    });
    // In the log of each workspace, and in that of none: for those who operate it.
    return { value, events: [null, ...value].map(event) };
  });
  return { ...counts, workspaces: workspaces.length };
}

type OfFactors = Pick<Restored, 'voided' | 'raised' | 'unreadable'>;

async function distrustFactors(restore: AfterRestore): Promise<OfFactors> {
  const { store, batchSize = 200 } = restore;
  const total = { voided: 0, raised: 0, unreadable: 0 };
  let after: FactorRow | null = null;
  while (true) {
    const page: readonly FactorRow[] = await store.factorPage(after, batchSize);
    const done = await distrustPage(restore, page);
    total.voided += done.voided;
    total.raised += done.raised;
    total.unreadable += done.unreadable;
    after = page.at(-1) ?? null;
    if (after === null || page.length < batchSize) return total;
  }
}

/** Codes on paper and codes of an administrator are good once, and nobody knows which were used. What was begun was perhaps finished. */
const isVoid = (row: FactorRow): boolean => row.factor === RECOVERY_CODES || row.confirmedAt === null;

async function distrustPage({ audit, keyring, clock }: AfterRestore, page: readonly FactorRow[]): Promise<OfFactors> {
  const counter = totpStepAfter(clock.now());
  const voided = page.filter(isVoid);
  // A row that was altered stays unknown: signing it anew would make it look sound.
  const unreadable = page.filter((row) => !isVoid(row) && !isFactorRowIntact(keyring, row)).length;
  const raised = page.filter(
    (row) => !isVoid(row) && row.factor === TOTP && row.counter < counter && isFactorRowIntact(keyring, row),
  );
  if (voided.length + raised.length > 0) {
    await audit.transact(async (transaction) => {
      const events: AuditEventInput[] = [];
      for (const row of voided) {
        const removed = await transaction.removeFactor(row);
        if (removed && row.confirmedAt !== null) events.push(removedEvent(row));
      }
      for (const row of raised) await transaction.replaceFactor(row, signedFactorRow(keyring, { ...row, counter }));
      return { value: null, events };
    });
  }
  return { voided: voided.length, raised: raised.length, unreadable };
}

/** One that was ended since, or whose hour is over, must not be open again; one that is open has lost the events of its accesses. */
async function endEmergencies({
  store,
  audit,
  keyring,
  clock,
}: AfterRestore): Promise<{ ended: number; unreadable: number }> {
  const total = { ended: 0, unreadable: 0 };
  for await (const reading of unendedEmergencies(store, keyring)) {
    if (reading === 'altered') {
      total.unreadable += 1;
      continue;
    }
    const { access, life } = reading;
    const waits = life.waits && life.approved === null;
    const at = Math.min(clock.now(), emergencyPeriod(life).endsAt);
    const about = { emergencyAccessId: access.id, kind: waits ? 'declined' : 'ended', at, byUserId: null };
    const step = emergencyStep(keyring, about, waits ? { why: 'lapsed' } : { by: 'time' });
    const reason = 'restored from backup';
    const ended = await audit.transact(async (transaction) => {
      if (!(await transaction.putEmergencyStep(step))) return { value: false, events: [] };
      const event = waits
        ? ({ code: 'EMERGENCY_ACCESS_DECLINED', outcome: 'refused', reason } as const)
        : ({ code: 'EMERGENCY_ACCESS_ENDED', reason } as const);
      return { value: true, events: [emergencyEvent(reading, event)] };
    });
    if (ended) total.ended += 1;
  }
  return total;
}

/** One factor of several: not `FACTOR_RESET`, after which the person may enrol as if they never had one. */
const removedEvent = ({ workspaceId, userId, factor }: FactorRow): AuditEventInput => ({
  code: 'FACTOR_REMOVED',
  outcome: 'success',
  workspaceId,
  userId,
  factor,
  reason: 'restored from backup',
});
