import type { PresentedBinding } from './session-state.ts';

/** The bindings of a session, by their hashes. */
export interface SessionBindings {
  readonly binding: string | null;
  readonly oldBinding: string | null;
  readonly oldBindingUntil: number;
  /** Proofs from this moment on are invisible to the old binding. */
  readonly rotatedAt: number;
}

/** The moment up to which (exclusive) a binding sees proofs: 0 sees none. */
export function visibleUntil(session: SessionBindings, presented: PresentedBinding, now: number): number {
  if (presented === 'bearer') return Number.POSITIVE_INFINITY;
  if (presented === null || session.binding === null) return 0;
  if (presented === session.binding) return Number.POSITIVE_INFINITY;
  return presented === session.oldBinding && now < session.oldBindingUntil ? session.rotatedAt : 0;
}
