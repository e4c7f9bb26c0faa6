import type { AuditWriter } from '../audit/writer.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { Store } from '../store/store.ts';

/** A reset that needs no administrator: for whoever may run commands on the server, and so for the last administrator. */
export interface OperatorReset {
  readonly store: Store;
  readonly audit: AuditWriter;
  readonly workspaceId: string;
  readonly userId: string;
  /** One kind of factor; null: all. */
  readonly factor: string | null;
  /** At least 10 characters. */
  readonly reason: string;
  /** Who ran it, as the operating system says. */
  readonly account: string;
}

/**
 * Removes a user's factors and their failures, so that they can be enrolled anew after a fresh sign-in, and ends every proof of
 * that user. Audited as `FACTOR_RESET`, with the account that did it. Returns how many were removed. Throws `input_invalid`.
 */
export async function resetFactorsAsOperator(reset: OperatorReset): Promise<number> {
  const { store, audit, workspaceId, userId, factor, account } = reset;
  const reason = reset.reason.trim();
  for (const [field, value, least] of [
    ['workspace', workspaceId, 1],
    ['user', userId, 1],
    ['reason', reason, 10],
  ] as const) {
    if (value.length < least)
      throw new CountersignError('input_invalid', {
        field,
        detail: `${field}: at least ${least} characters are needed.`,
      });
  }
  const rows = (await store.factors(workspaceId, userId)).filter((row) => factor === null || row.factor === factor);
  if (rows.length === 0)
    throw new CountersignError('input_invalid', {
      field: 'user',
      detail: 'user: has no such factor in this workspace.',
    });
  const kinds = [...new Set(rows.map((row) => row.factor))];
  return await audit.transact(async (transaction) => {
    for (const { id } of rows) await transaction.removeFactor({ workspaceId, id });
    for (const kind of kinds) await transaction.resetAttempts({ workspaceId, userId, factor: kind });
    await transaction.raiseEpoch(workspaceId, userId);
    const details = JSON.stringify({ by: 'command-line', account });
    return {
      value: rows.length,
      events: kinds.map((kind) => ({
        code: 'FACTOR_RESET',
        outcome: 'success',
        workspaceId,
        userId,
        factor: kind,
        reason,
        details,
      })),
    };
  });
}
