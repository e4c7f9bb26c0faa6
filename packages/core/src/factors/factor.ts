import type { RandomSource } from '../configuration/sources.ts';
import type { Strength } from '../policy/strength.ts';

/** What a person needs to enrol: shown once, on the enrolment page. */
export interface EnrolmentInvitation {
  /** `otpauth://…` for an authenticator app. */
  readonly uri: string;
  /** The key for typing by hand, in base32. */
  readonly manualKey: string;
  readonly issuer: string;
  readonly account: string;
}

/** What a check of an answer found. `counter` must be written conditionally before anything is granted. */
export type FactorCheck =
  | { readonly result: 'correct'; readonly counter: number }
  | { readonly result: 'incorrect' }
  | { readonly result: 'already-used'; readonly retryAfterSeconds: number };

/**
 * A kind of second factor. Pure: it makes and checks, and does no I/O; secrets are sealed, counters moved and attempts counted
 * by the flows.
 */
export interface Factor {
  /** Stable, in URLs and on the audit log: `totp`. Lower-case letters, digits and hyphens. */
  readonly id: string;
  readonly strength: Strength;
  /** A new secret (plain text, to be sealed) and what to show of it. */
  invite(account: string, random: RandomSource): { readonly secret: string; readonly invitation: EnrolmentInvitation };
  /** Whether a secret made elsewhere can be taken over: of this factor's form, and strong enough. */
  isSecret(secret: string): boolean;
  /** What to show of a secret that waits for its confirmation. */
  invitation(account: string, secret: string): EnrolmentInvitation;
  /** Whether an answer has the form of one at all; where it has not, it is not counted as an attempt. */
  isWellFormed(answer: Readonly<Record<string, unknown>>): boolean;
  /**
   * Checks a well-formed answer.
   * @param counter the last accepted counter; -1 where there was none
   * @param now milliseconds
   */
  check(answer: Readonly<Record<string, unknown>>, secret: string, counter: number, now: number): FactorCheck;
}
