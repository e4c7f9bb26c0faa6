import type { Epochs } from '../store/store.ts';
import type { Services, SessionPrincipal } from './services.ts';

/**
 * After a user's epoch was raised: every other session's proofs have ended; this one, whose change it was, keeps its own.
 * @param before the session as it was read before the change: read after it, it may have learnt of the new epoch already
 */
export async function carryOn(
  { live, state }: Services,
  { key }: SessionPrincipal,
  before: { readonly number: string; readonly epochs: Epochs; readonly hasFactor: boolean },
  epoch: number,
): Promise<void> {
  const { number, epochs, hasFactor } = before;
  // Only over this one step: where something else was raised meanwhile, the session reads its standing anew, and holds nothing.
  if (epochs.user + 1 === epoch) await state.carry(key, number, epochs, { ...epochs, user: epoch }, hasFactor);
  live.raise(key.workspaceId, key.userId, epoch);
}
