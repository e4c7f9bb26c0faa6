import { factorOwner, type Services, type SessionPrincipal } from './services.ts';

/** Whether the person can answer with a factor that is enrolled elsewhere (an identity provider). */
export async function isEnrolledOutside(services: Services, principal: SessionPrincipal): Promise<boolean> {
  const owner = factorOwner(principal);
  for (const factor of services.configuration.factors) {
    if (factor.bearerOnly === true && principal.binding !== 'bearer') continue;
    if ((await factor.isAvailable?.(owner)) === true) return true;
  }
  return false;
}
