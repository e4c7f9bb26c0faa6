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
  /** Default `person`; `service` is denied (`person_required`). */
  readonly kind?: 'person' | 'service';
  /** Under impersonation or delegation: the real person, whose factor is asked and who is audited beside the principal. */
  readonly actor?: { readonly userId: string; readonly displayName: string };
}
