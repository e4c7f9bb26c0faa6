import type { GraceTerms } from './settings.ts';
import type { Strength } from './strength.ts';

/**
 * The subject of proofs that are about the principal's own factors or a workspace's settings, not about a patient.
 * It begins with a control character, which no patient id may contain.
 */
export const ACCOUNT_SUBJECT = '\u0000account';

/** The record that a principal passed a factor. Instants are milliseconds of our own clock. */
export interface Proof {
  readonly workspaceId: string;
  readonly userId: string;
  /** The internal session number it was earned in. */
  readonly sessionNumber: string;
  /** A patient id, or {@link ACCOUNT_SUBJECT}. */
  readonly patientId: string;
  /** The category it was earned for, or null where it answers every category that accepts proofs per patient. */
  readonly scope: string | null;
  readonly factor: string;
  readonly strength: Strength;
  readonly verifiedAt: number;
  /** The grace periods in force when it was earned: a later, longer one never lengthens it. */
  readonly terms: GraceTerms;
  /** Present on a one-shot proof: the one operation it is good for. */
  readonly operation?: string;
}
