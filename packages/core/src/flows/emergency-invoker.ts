import type { ErrorCode } from '../errors/codes.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import { lockOf } from '../policy/decide.ts';
import { type EmergencyPurpose, isPresentPerson } from '../policy/emergency.ts';
import type { EffectiveSettings } from '../policy/settings.ts';
import type { Authorizer } from './authorize.ts';
import { isAllowedRole, isEligible } from './live-emergency-access.ts';
import { eventOf, type Services, type SessionPrincipal } from './services.ts';
import { recordSafely } from './stand-in.ts';

/** What an emergency access is about. */
export interface EmergencySubject {
  readonly purpose: EmergencyPurpose;
  readonly patientId: string | null;
}

/** Somebody who is here, in a session that is alive. */
export interface Present {
  /** The internal session number. */
  readonly session: string;
  readonly settings: EffectiveSettings;
}

/** Who may do something about emergency access, and why not. */
export class EmergencyInvoker {
  readonly #services: Services;
  readonly #authorizer: Authorizer;

  constructor(services: Services, authorizer: Authorizer) {
    this.#services = services;
    this.#authorizer = authorizer;
  }

  /** Whoever acts, or the code that says why they cannot: the first of those below that fits. */
  async find(principal: SessionPrincipal): Promise<Present | ErrorCode> {
    const { configuration, live } = this.#services;
    if (configuration.emergencyAccess === undefined) return 'emergency_unavailable';
    if (!isPresentPerson(principal)) return 'person_required';
    const settings = await live.load(principal.workspaceId);
    if (settings === 'unknown') return 'settings_unknown';
    const { number, endedAt, lastActivityAt } = await this.#authorizer.readingOrStanding(principal);
    if (endedAt !== null) return 'session_ended';
    const session = { number, ended: false, lastActivityAt, proofs: [] };
    if (lockOf(principal, session, settings, this.#authorizer.now) !== null) return 'session_locked';
    return { session: number, settings };
  }

  /** The same; throws the code, audited. */
  async present(
    principal: SessionPrincipal,
    about: Partial<EmergencySubject> & { readonly id?: string } = {},
  ): Promise<Present> {
    const found = await this.find(principal);
    return typeof found === 'string' ? await this.refuse(principal, null, found, about) : found;
  }

  /** Whether this person may have emergency access, or approve another's; the code that says why not. */
  async refusal(
    principal: SessionPrincipal,
    { settings }: Present,
    about: EmergencySubject,
  ): Promise<'emergency_unavailable' | 'emergency_not_eligible' | null> {
    const rules = settings.emergencyAccess;
    if (!rules.enabled) return 'emergency_unavailable';
    const eligible =
      isAllowedRole(principal, rules) && (await isEligible(this.#services.configuration, principal, about));
    return eligible ? null : 'emergency_not_eligible';
  }

  /** Throws, once the refusal is on the log. */
  async refuse(
    principal: SessionPrincipal,
    session: string | null,
    refusal: ErrorCode | CountersignError,
    about: Partial<EmergencySubject> & { readonly id?: string },
  ): Promise<never> {
    const error = typeof refusal === 'string' ? new CountersignError(refusal) : refusal;
    await recordSafely(this.#services, [refusedEvent(principal, session, error.code, about)]);
    throw error;
  }
}

/** A refusal, for the log. */
export function refusedEvent(
  principal: SessionPrincipal,
  session: string | null,
  reason: string,
  { purpose, patientId, id }: Partial<EmergencySubject> & { readonly id?: string },
) {
  return eventOf(principal, session, {
    code: 'EMERGENCY_ACCESS_REFUSED',
    outcome: 'refused',
    patientId: patientId ?? null,
    action: 'emergency-access',
    emergencyAccessId: id ?? null,
    reason,
    details: purpose === undefined ? null : JSON.stringify({ purpose }),
  });
}
