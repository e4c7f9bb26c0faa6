import { randomBytes } from 'node:crypto';
import type { FactorContext } from '../../src/factors/factor.ts';
import { NOW } from './facts.ts';

/** With the moment an answer was asked for. */
type Context = FactorContext & { readonly askedAt: number };

/** What a factor of Dr Ana's works with, at the public address of a real server. */
export function factorContextOf(changes: Partial<Context> = {}): Context {
  return {
    user: { workspaceId: 'clinic', userId: 'ana', displayName: 'Dr Ana' },
    random: randomBytes,
    now: NOW,
    askedAt: NOW,
    publicUrl: new URL('https://ehr.example.org/clinic'),
    ...changes,
  };
}
