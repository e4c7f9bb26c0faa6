import { CountersignError } from '../errors/countersign-error.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { EnrolledFactor } from '../policy/decide.ts';
import type { FactorRow } from '../store/store.ts';
import { eventOf, type Services, type SessionPrincipal } from './services.ts';

const FACTOR_MAC = 'factor';

/** A factor row with its MAC, which covers every other column: a row changed by SQL is unknown, and unknown never allows. */
export function signedFactorRow(keyring: Keyring, row: Omit<FactorRow, 'mac'>): FactorRow {
  return { ...row, mac: keyring.mac(FACTOR_MAC, macValues(row)) };
}

/** The user's factors, confirmed and pending. Throws `factor_unknown`, audited, where a row was altered behind our back. */
export async function readFactorRows(services: Services, principal: SessionPrincipal): Promise<readonly FactorRow[]> {
  const { store, audit, configuration } = services;
  const rows = await store.factors(principal.workspaceId, principal.userId);
  const altered = rows.find((row) => !configuration.keyring.verifyMac(row.mac, FACTOR_MAC, macValues(row)));
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

/** The principal's confirmed factors as the decision wants them. */
export async function enrolledFactors(
  services: Services,
  principal: SessionPrincipal,
): Promise<readonly EnrolledFactor[]> {
  const { configuration, store } = services;
  const rows = (await readFactorRows(services, principal)).filter((row) => row.confirmedAt !== null);
  if (rows.length === 0) return [];
  const attempts = await store.attempts(
    principal.workspaceId,
    principal.userId,
    configuration.attempts,
    configuration.clock.now(),
  );
  return configuration.factors
    .filter((factor) => rows.some((row) => row.factor === factor.id))
    .map((factor) => ({
      factor: factor.id,
      strength: factor.strength,
      usable: (attempts.get(factor.id)?.consecutive ?? 0) < configuration.attempts.consecutive,
    }));
}

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
  ];
}
