import { hash } from 'node:crypto';
import type { AuditEventInput } from '../audit/event.ts';
import type { AuditWriter } from '../audit/writer.ts';
import type { Configuration } from '../configuration/configuration.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { FactorUser } from '../factors/factor.ts';
import { actingPerson, isImpersonated, type Principal } from '../policy/principal.ts';
import type { PresentedBinding, SessionKey, SessionStateStore } from '../session-state/session-state.ts';
import type { Store } from '../store/store.ts';
import type { EmergencyNotices } from './emergency-notices.ts';
import type { LiveEmergencyAccess } from './live-emergency-access.ts';
import type { LiveWorkspaces } from './live-workspaces.ts';
import type { Notices } from './notices.ts';
import type { StandIn } from './stand-in.ts';

/** What the flows work with. One per `createCountersign`. */
export interface Services {
  readonly configuration: Configuration;
  readonly store: Store;
  readonly state: SessionStateStore;
  readonly audit: AuditWriter;
  readonly live: LiveWorkspaces;
  readonly emergency: LiveEmergencyAccess;
  readonly notices: Notices;
  readonly emergencyNotices: EmergencyNotices;
  /** What stands in for the database while it is away; null where none is configured. */
  readonly standIn: StandIn | null;
}

/** What is known of the request, for the audit log. */
export interface RequestContext {
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly requestId: string | null;
  readonly method: string | null;
  /** The route's template, never the URL. */
  readonly route: string | null;
}

/** A principal together with how the request presented itself. Made by the adapters; `request.stepUp.principal`. */
export interface SessionPrincipal extends Principal {
  /** Where its session state is found. */
  readonly key: SessionKey;
  readonly binding: PresentedBinding;
  readonly request: RequestContext;
}

export const noRequest: RequestContext = Object.freeze({
  ip: null,
  userAgent: null,
  requestId: null,
  method: null,
  route: null,
});

/** SHA-256 of a text, base64url. */
export const digest = (text: string): string => hash('sha256', text, 'base64url');

/**
 * Binds a principal to its session and request. `binding` is the binding cookie's value, null where none came.
 * Throws `principal_invalid`, naming the field, where the host did not say clearly who it is.
 */
export function bindPrincipal(principal: Principal, binding: string | null, request: RequestContext): SessionPrincipal {
  const field = faultyField(principal);
  if (field !== null) {
    throw new CountersignError('principal_invalid', {
      field,
      cure: `identify() must return ${field}: see Principal in the reference.`,
    });
  }
  // Under impersonation the state is the real person's, and one of its own for each they act as.
  const { sessionKey } = principal;
  const keyed = isImpersonated(principal) ? JSON.stringify([sessionKey, principal.userId]) : sessionKey;
  // Once per request: a literal that goes on after a spread takes V8 twenty times as long.
  return Object.assign({}, principal, {
    key: { keyHash: digest(keyed), workspaceId: principal.workspaceId, userId: actingPerson(principal) },
    binding: principal.credential === 'bearer' ? 'bearer' : binding === null ? null : digest(binding),
    request,
  });
}

function faultyField(principal: Principal): string | null {
  if (!isName(principal.userId)) return 'userId';
  if (!isName(principal.workspaceId)) return 'workspaceId';
  if (!isName(principal.sessionKey)) return 'sessionKey';
  if (typeof principal.displayName !== 'string') return 'displayName';
  if (!Array.isArray(principal.roles)) return 'roles';
  if (principal.actor !== undefined && !isName(principal.actor?.userId)) return 'actor';
  return principal.signedInAt instanceof Date && !Number.isNaN(principal.signedInAt.getTime()) ? null : 'signedInAt';
}

const isName = (value: unknown): boolean => typeof value === 'string' && value.length > 0 && value.length <= 4096;

/** Whose factor a principal answers with: their own, or under impersonation the real person's. */
export function factorOwner(principal: Principal): FactorUser {
  const { workspaceId, displayName, actor } = principal;
  return { workspaceId, userId: actingPerson(principal), displayName: actor?.displayName ?? displayName };
}

/** The part of an audit event that says who and from where. */
export function eventOf(
  principal: SessionPrincipal,
  session: string | null,
  event: Pick<AuditEventInput, 'code' | 'outcome'> & Partial<AuditEventInput>,
): AuditEventInput {
  return {
    workspaceId: principal.workspaceId,
    userId: principal.userId,
    actorId: principal.actor?.userId ?? null,
    session,
    ...principal.request,
    ...event,
  };
}
