import { hash } from 'node:crypto';
import { CountersignError } from '../errors/countersign-error.ts';
import { enrollableFactor } from './enrollable-factor.ts';
import { signedFactorRow } from './factor-rows.ts';
import type { Services } from './services.ts';

/** A factor that was enrolled elsewhere, and whose it is. */
export interface ImportedFactor {
  readonly workspaceId: string;
  readonly userId: string;
  readonly factor: string;
  readonly secret: string;
}

/**
 * Takes over a factor that was enrolled elsewhere, such as an authenticator's secret from the host's earlier MFA. For set-up
 * code: no request leads here. Returns false, and changes nothing, where the user has a factor of this kind already.
 * Throws `input_invalid` where the secret is not of the factor's form or too weak.
 */
export async function importFactor(services: Services, imported: ImportedFactor): Promise<boolean> {
  const { configuration, audit, live, store } = services;
  const { workspaceId, userId, secret } = imported;
  const factor = enrollableFactor(configuration, imported.factor);
  if (factor.isSecret?.(secret) !== true) {
    throw new CountersignError('input_invalid', {
      field: 'secret',
      detail: `secret: no secret of a ${factor.id} factor.`,
    });
  }
  const held = await store.factors(workspaceId, userId);
  if (held.some((row) => row.factor === factor.id && row.confirmedAt !== null)) return false;
  const now = configuration.clock.now();
  // The same id for the same factor: of two processes that import at once, one row is left.
  const owner = { id: importedId(workspaceId, userId, factor.id), workspaceId, userId };
  const sealed = await configuration.keyring.seal(secret, owner);
  const content = {
    ...owner,
    factor: factor.id,
    label: '',
    secret: sealed,
    confirmedAt: now,
    createdAt: now,
    counter: -1,
    cap: null,
    capEndsAt: null,
  };
  const epoch = await audit.transact(async (transaction) => {
    await transaction.putFactor(signedFactorRow(configuration.keyring, content));
    const raised = await transaction.raiseEpoch(workspaceId, userId);
    const event = { code: 'FACTOR_ENROLLED', outcome: 'success', factor: factor.id, reason: 'imported' } as const;
    return { value: raised, events: [{ ...event, workspaceId, userId }] };
  });
  live.raise(workspaceId, userId, epoch);
  return true;
}

/** A UUID made from a name (RFC 9562 §5.8, version 8). */
function importedId(...name: readonly string[]): string {
  const hex = hash('sha256', JSON.stringify(['countersign import', ...name]), 'hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
