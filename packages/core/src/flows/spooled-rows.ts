import { CountersignError } from '../errors/countersign-error.ts';
import type { SpoolEntry, SpoolRow } from '../spool/spool-entry.ts';
import type { OutboxJob } from '../store/outbox.ts';
import type { EmergencyAccessRow, EmergencyStepRow, StoreTransaction } from '../store/store.ts';

/** An emergency access of a spool, with what happened to it there. */
export interface SpooledEmergency {
  readonly access: EmergencyAccessRow;
  readonly steps: readonly EmergencyStepRow[];
}

export const accessRow = (value: EmergencyAccessRow): SpoolRow => ({ kind: 'emergency-access', value });
export const stepRow = (value: EmergencyStepRow): SpoolRow => ({ kind: 'emergency-step', value });
export const jobRow = (value: OutboxJob): SpoolRow => ({ kind: 'job', value });

/** Writes a row that waited in a spool. What a row says is vouched for by its MAC, and its shape by the seal it lay under. */
export async function putSpooled(transaction: StoreTransaction, { kind, value }: SpoolRow): Promise<void> {
  switch (kind) {
    case 'emergency-access':
      return await transaction.putEmergencyAccess(value as EmergencyAccessRow);
    case 'emergency-step':
      // Where another node has ended it meanwhile, that stands; the event of this end is on the log all the same.
      await transaction.putEmergencyStep(value as EmergencyStepRow);
      return;
    case 'job':
      return await transaction.enqueue(value as OutboxJob);
    default:
      throw new CountersignError('internal', { detail: `A spool holds a row of a kind that is not known (${kind}).` });
  }
}

/** The emergency accesses that a spool's entries opened. */
export function spooledEmergencies(entries: readonly SpoolEntry[]): readonly SpooledEmergency[] {
  const found = new Map<string, { access: EmergencyAccessRow; steps: EmergencyStepRow[] }>();
  for (const { kind, value } of entries.flatMap(({ rows }) => rows)) {
    if (kind === 'emergency-access') {
      const access = value as EmergencyAccessRow;
      found.set(access.id, { access, steps: [] });
    } else if (kind === 'emergency-step') {
      const step = value as EmergencyStepRow;
      found.get(step.emergencyAccessId)?.steps.push(step);
    }
  }
  return [...found.values()];
}
