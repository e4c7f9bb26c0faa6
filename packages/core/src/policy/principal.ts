/** Who acts. Made by the host's `identify` and never by a header that a caller chose. */
export interface Principal {
  readonly userId: string;
  readonly workspaceId: string;
  readonly roles: readonly string[];
  readonly displayName: string;
  /** When the host's sign-in was completed. Idle, absolute and fresh-sign-in rules stand on it. */
  readonly signedInAt: Date;
  /**
   * The host's own key of this session: its session id, or for bearer callers issuer, subject and `sid` joined.
   * Hashed before it is kept anywhere.
   */
  readonly sessionKey: string;
  /** `bearer`: the credential is sent on purpose by the caller, so no binding cookie and no CSRF token is asked. Default `cookie`. */
  readonly credential?: 'cookie' | 'bearer';
  /** Default `person`; a `service` is denied (`person_required`) unless the configuration names it in `services`. */
  readonly kind?: 'person' | 'service';
  /** Under impersonation or delegation: the real person, whose factor is asked and who is audited beside the principal. */
  readonly actor?: { readonly userId: string; readonly displayName: string };
}

/** The person whose factor is asked: under impersonation or delegation the one who really acts. */
export function actingPerson(principal: Principal): string {
  return principal.actor?.userId ?? principal.userId;
}

/** Whether somebody acts as somebody else. */
export function isImpersonated(principal: Principal): boolean {
  return principal.actor !== undefined && principal.actor.userId !== principal.userId;
}
