import type { Configuration } from '../configuration/configuration.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { Factor } from '../factors/factor.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { EnrolledFactor } from '../policy/decide.ts';
import { type Strength, strongest, weakest } from '../policy/strength.ts';
import type { FactorRow } from '../store/store.ts';
import { eventOf, factorOwner, type Services, type SessionPrincipal } from './services.ts';

const FACTOR_MAC = 'factor';

/** A factor row with its MAC, which covers every other column: a row changed by SQL is unknown, and unknown never allows. */
export function signedFactorRow(keyring: Keyring, row: Omit<FactorRow, 'mac'>): FactorRow {
  return { ...row, mac: keyring.mac(FACTOR_MAC, macValues(row)) };
}

/** The person's factor rows, confirmed and pending. Throws `factor_unknown`, audited, where one was altered behind our back. */
export async function readFactorRows(services: Services, principal: SessionPrincipal): Promise<readonly FactorRow[]> {
  const { store, audit, configuration } = services;
  const { workspaceId, userId } = factorOwner(principal);
  const rows = await store.factors(workspaceId, userId);
  const altered = rows.find((row) => !isFactorRowIntact(configuration.keyring, row));
  if (altered !== undefined) {
    await audit.append([
      eventOf(principal, null, {
        code: 'FACTOR_TAMPERED',
        outcome: 'failure',
        factor: altered.factor,
        reason: 'altered',
      }),
    ]);
    throw new CountersignError('factor_unknown', { cure: 'Ask an administrator to reset this factor.' });
  }
  return rows;
}

/** Whether a row is as we wrote it. */
export const isFactorRowIntact = (keyring: Keyring, row: FactorRow): boolean =>
  keyring.verifyMac(row.mac, FACTOR_MAC, macValues(row));

/** What a row's factor counts for now: less than its kind where a weaker proof enrolled it. */
export function rowStrength(factor: Factor, row: Pick<FactorRow, 'cap' | 'capEndsAt'>, now: number): Strength {
  const capped = row.cap !== null && (row.capEndsAt === null || now < row.capEndsAt);
  return capped && row.cap !== null ? weakest(factor.strength, row.cap) : factor.strength;
}

/** The person's factors as the decision wants them: of each kind the strongest, and those enrolled outside. */
export async function enrolledFactors(
  services: Services,
  principal: SessionPrincipal,
): Promise<readonly EnrolledFactor[]> {
  const { configuration, store } = services;
  const owner = factorOwner(principal);
  const now = configuration.clock.now();
  const rows = (await readFactorRows(services, principal)).filter((row) => row.confirmedAt !== null);
  const attempts = await store.attempts(owner.workspaceId, owner.userId, configuration.attempts, now);
  const found: EnrolledFactor[] = [];
  for (const factor of configuration.factors) {
    const own = rows.filter((row) => row.factor === factor.id);
    if (factor.bearerOnly === true && principal.binding !== 'bearer') continue;
    const outside = own.length === 0 && (await factor.isAvailable?.(owner)) === true;
    if (own.length === 0 && !outside) continue;
    const usedUp = own.length > 0 && own.every((row) => isUsedUp(factor, row));
    if (usedUp) continue;
    const base = outside ? factor.strength : own.map((row) => rowStrength(factor, row, now)).reduce(strongest, 'any');
    found.push({
      factor: factor.id,
      strength: combines(configuration, factor) ? strongest(base, 'multi-factor') : base,
      usable: (attempts.get(factor.id)?.consecutive ?? 0) < configuration.attempts.consecutive,
      ...(factor.accountOnly === true ? { accountOnly: true } : {}),
    });
  }
  return found;
}

/** Whether a factor and the password together are two factors here. */
export const combines = (configuration: Configuration, factor: Factor): boolean =>
  factor.combinesWithPassword === true && configuration.checkPassword !== undefined;

/** Known by the counter alone, for kinds that count their uses. */
const isUsedUp = (factor: Factor, row: FactorRow): boolean => factor.isUsedUp?.(row.counter) === true;

function macValues(row: Omit<FactorRow, 'mac'>): (string | number | null)[] {
  return [
    row.id,
    row.workspaceId,
    row.userId,
    row.factor,
    row.label,
    row.secret,
    row.confirmedAt,
    row.createdAt,
    row.counter,
    row.cap,
    row.capEndsAt,
  ];
}
