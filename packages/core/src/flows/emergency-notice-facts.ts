import type { Keyring } from '../keys/keyring.ts';
import { type EmergencyPurpose, emergencyPeriod } from '../policy/emergency.ts';
import type { StoredEmergencyAccess } from '../store/store.ts';
import { readEmergency } from './emergency-rows.ts';

/** Of one person's accesses within so long of each other, the first is told at once and the others together; milliseconds. */
export const GATHERING = 900_000;

/** What a notice says of an emergency access. */
export interface EmergencyFacts {
  readonly id: string;
  readonly userId: string;
  readonly purpose: EmergencyPurpose;
  /** Null where it waits for a second person, or was never approved. */
  readonly beganAt: number | null;
  readonly endsAt: number;
}

/** Null where the rows are not as we wrote them: then a notice says only that something happened. */
export function emergencyFacts(keyring: Keyring, stored: StoredEmergencyAccess): EmergencyFacts | null {
  const reading = readEmergency(keyring, stored);
  if (reading === 'altered') return null;
  const { life, access } = reading;
  const { openedAt, endsAt } = emergencyPeriod(life);
  const beganAt = life.waits && life.approved === null ? null : openedAt;
  return { id: access.id, userId: access.userId, purpose: access.purpose, beganAt, endsAt };
}

/**
 * When the notice of an access that began at `at` goes out together with others of its person: at the end of its quarter of an hour
 * by the clock. Null: at once, since none of theirs began in the quarter of an hour before. It follows from the rows alone, so
 * that every process that asks finds the same.
 */
export function emergencyGathering(begun: readonly EmergencyFacts[], at: number): number | null {
  const hasEarlier = begun.some(({ beganAt }) => beganAt !== null && beganAt < at && beganAt >= at - GATHERING);
  return hasEarlier ? (Math.floor(at / GATHERING) + 1) * GATHERING : null;
}
