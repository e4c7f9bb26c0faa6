import type { FactorContext } from '../factors/factor.ts';
import { factorOwner, type Services, type SessionPrincipal } from './services.ts';

/** What factors are given to work with. */
export function factorContext(services: Services, principal: SessionPrincipal, now: number): FactorContext {
  const { random, publicUrl } = services.configuration;
  return { user: factorOwner(principal), random, now, publicUrl };
}
