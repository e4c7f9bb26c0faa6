import type { Keyring } from '../keys/keyring.ts';
import { emergencyStatus, isOverdue } from '../policy/emergency.ts';
import type { Store, StoredEmergencyAccess } from '../store/store.ts';
import { type EmergencyReading, readEmergency } from './emergency-rows.ts';

const PAGE = 200;

/** How the emergency accesses of all workspaces stand, for whoever operates them. */
export interface EmergencyStanding {
  /** Open, or waiting for a second person. */
  readonly open: number;
  /** Ended, and not signed off. */
  readonly unreviewed: number;
  /** Of these, those whose review is overdue. */
  readonly overdue: number;
  /** Rows that are not as we wrote them. */
  readonly altered: number;
}

/** Counts those that nobody has signed off. `reviewSeconds`: as the application has it. Throws what the store throws. */
export async function emergencyStanding(about: {
  readonly store: Store;
  readonly keyring: Keyring;
  readonly now: number;
  readonly reviewSeconds: number;
}): Promise<EmergencyStanding> {
  const { keyring, now, reviewSeconds } = about;
  const bounds = { windowSeconds: 0, mostOpen: 0, mostPerDay: 0, reviewSeconds };
  const standing = { open: 0, unreviewed: 0, overdue: 0, altered: 0 };
  for await (const stored of emergencyAccesses(about.store, ['reviewed', 'declined'])) {
    const reading = readEmergency(keyring, stored);
    if (reading === 'altered') {
      standing.altered += 1;
      continue;
    }
    const status = emergencyStatus(reading.life, now);
    if (status === 'open' || status === 'waiting') standing.open += 1;
    if (status === 'ended') standing.unreviewed += 1;
    if (isOverdue(reading.life, bounds, now)) standing.overdue += 1;
  }
  return standing;
}

/** Those that were not over when the data were as they are. */
export async function* unendedEmergencies(
  store: Store,
  keyring: Keyring,
): AsyncGenerator<EmergencyReading | 'altered'> {
  for await (const stored of emergencyAccesses(store, ['ended', 'declined'])) yield readEmergency(keyring, stored);
}

async function* emergencyAccesses(store: Store, lacking: readonly string[]): AsyncGenerator<StoredEmergencyAccess> {
  let before: { readonly openedAt: number; readonly id: string } | undefined;
  while (true) {
    const page: readonly StoredEmergencyAccess[] = await store.emergencyAccess({
      lacking,
      limit: PAGE,
      ...(before === undefined ? {} : { before }),
    });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    before = last.access;
  }
}
