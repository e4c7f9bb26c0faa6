import { workspaceId } from '../policy/workspace.ts';

/** Who is signed in, as the session keeps it: plain JSON. */
export interface SignedIn {
  readonly userId: string;
  readonly displayName: string;
  readonly roles: readonly string[];
  /** Milliseconds. */
  readonly signedInAt: number;
}

/** The session's person in the shape that Countersign calls a principal. `sessionKey` is the session's id. */
export function principalOf(signedIn: SignedIn, sessionKey: string) {
  const { userId, displayName, roles } = signedIn;
  return { userId, workspaceId, displayName, roles, signedInAt: new Date(signedIn.signedInAt), sessionKey };
}
