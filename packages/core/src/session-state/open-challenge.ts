import type { OperationSummary } from '../operation/operation-summary.ts';
import type { UnmetReason } from '../policy/decide.ts';
import type { Strength } from '../policy/strength.ts';

/** An open demand for a factor, bound to the session it was made in. */
export interface OpenChallenge {
  /** 128 random bits, base64url. Finds the challenge; knowing it proves nothing. */
  readonly id: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly action: string;
  /** Whom and what it is about; on success each becomes a proof. */
  readonly subjects: readonly { readonly patientId: string; readonly categoryIds: readonly string[] }[];
  readonly account: boolean;
  readonly strength: Strength;
  /** Kinds of factor that answer whatever their strength. */
  readonly orFactors: readonly string[];
  /** Present where the proof will be good for this operation alone. */
  readonly operation: string | null;
  /** What is approved, in the host's words, where the operation is signed. */
  readonly summary: OperationSummary | null;
  readonly reasons: readonly UnmetReason[];
  /** A checked path on our own origin to go back to; null where there is none (a form post, an API call). */
  readonly returnTo: string | null;
  /** What the request was: for the audit log and the page. */
  readonly method: string | null;
  readonly route: string | null;
}
