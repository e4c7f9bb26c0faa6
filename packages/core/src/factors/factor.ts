import type { RandomSource } from '../configuration/sources.ts';
import type { Strength } from '../policy/strength.ts';

type MaybePromise<T> = T | Promise<T>;

/** Whose factor it is. */
export interface FactorUser {
  readonly workspaceId: string;
  readonly userId: string;
  /** Shown on the device or in the app; not an identifier. */
  readonly displayName: string;
}

/** What a factor may work with. */
export interface FactorContext {
  readonly user: FactorUser;
  readonly random: RandomSource;
  /** Our own clock, in milliseconds. */
  readonly now: number;
  /** The configured public address. */
  readonly publicUrl: URL;
}

/** What a person needs to enrol, as plain JSON: shown once. A factor's page and script know its members. */
export type EnrolmentInvitation = Readonly<Record<string, unknown>>;

/**
 * What an answer needs to be given first, as plain JSON. Our pages know three kinds: `options` (WebAuthn request options), an address
 * to go to (`redirectTo`; the answer is then `{ callbackUrl }`, the whole address that was come back to), and for every other factor
 * a `message` (plain text: what to do now, on a phone perhaps) with `answer`, the fields that are sent as the answer once the person
 * says that it is done. Front ends of a host may be given more.
 */
export type AnswerInvitation = Readonly<Record<string, unknown>>;

/** What someone sent: the fields of a form, or the members of a JSON object. Untrusted. */
export type FactorAnswer = Readonly<Record<string, unknown>>;

/**
 * What a check of an answer found. `counter` is written conditionally before anything is granted, so that of any number of equal
 * answers one counts; it never goes down.
 */
export type FactorCheck =
  | {
      readonly result: 'correct';
      readonly counter: number;
      /** Less than the factor's own, where this answer proved less. Never counts for more. */
      readonly strength?: Strength;
      /** What is left of a factor that is used up. */
      readonly remaining?: number;
    }
  | {
      readonly result: 'incorrect';
      /** For the audit log, in kebab case: `counter-regressed`. Never content of the answer. */
      readonly reason?: string;
    }
  | { readonly result: 'already-used'; readonly retryAfterSeconds: number };

/** What a first answer to an enrolment found. `secret` replaces the one of the invitation. */
export type EnrolmentCheck =
  | { readonly result: 'correct'; readonly counter: number; readonly secret?: string; readonly label?: string }
  | { readonly result: 'incorrect'; readonly reason?: string };

/** A factor begun to be answered. */
export interface BegunAnswer {
  readonly invitation: AnswerInvitation;
  /** Finds `state` again, by what `ceremonyOf` reads from the answer. */
  readonly ceremony: string;
  /** Kept in session state until the answer, and given to one `check` alone. */
  readonly state: string;
}

/**
 * A kind of factor. It makes and checks; secrets are sealed, counters moved, attempts counted, events written and proofs given by
 * the flows, the same for every kind. A third party can write one: see the guide *Factors*.
 *
 * Two ways of being enrolled: by `invite` and `confirm`, with a secret of its own (the default); or outside, where `isAvailable` is
 * given in their place (an identity provider).
 */
export interface Factor {
  /** Stable, in URLs and on the audit log: `totp`. Lower-case letters, digits and hyphens, at most 32. */
  readonly id: string;
  readonly strength: Strength;
  /** `code`: what a person types. `ceremony`: begun by `begin`, answered by a device or another site. Default `code`. */
  readonly answeredBy?: 'code' | 'ceremony';
  /** Makes `multi-factor` together with the user's password, where the host can check one. Default false. */
  readonly combinesWithPassword?: boolean;
  /** Several per user, each with a name of its own. Default false: a new one replaces the old. */
  readonly several?: boolean;
  /** Stands in for a factor that was lost: answers the enrolment of another one, whatever strength that takes. Default false. */
  readonly isRecovery?: boolean;
  /** Answered by the token of bearer callers, who have no page: never offered to a session with a cookie. Default false. */
  readonly bearerOnly?: boolean;
  /** Answers changes of the user's own factors only. Default false. */
  readonly accountOnly?: boolean;
  /** Counts at once, without a first answer. Default false. */
  readonly confirmedAtOnce?: boolean;

  /** What keeps it from working at this public address, with the cure; null where nothing does. Asked at the start. */
  problemAt?(publicUrl: URL): string | null;
  /** Whether the user can answer with it, where it is not enrolled here. */
  isAvailable?(user: FactorUser): MaybePromise<boolean>;
  /** A new secret (plain text, to be sealed) and what to show of it. `held`: the secrets the user has of this kind. */
  invite?(
    context: FactorContext,
    held: readonly string[],
  ): MaybePromise<{ readonly secret: string; readonly invitation: EnrolmentInvitation }>;
  /** What to show of a secret that waits for its confirmation; null where it can be shown but once. */
  invitation?(context: FactorContext, secret: string): EnrolmentInvitation | null;
  /** Checks the first answer to an enrolment. */
  confirm?(answer: FactorAnswer, secret: string, context: FactorContext): MaybePromise<EnrolmentCheck>;
  /** Whether a secret made elsewhere can be taken over: of this factor's form, and strong enough. */
  isSecret?(secret: string): boolean;
  /** What is left of a factor that is used up by its uses. */
  remaining?(secret: string, counter: number): number;
  /** Whether nothing is left of it. */
  isUsedUp?(counter: number): boolean;

  /** Begins an answer. `held`: the user's secrets of this kind. */
  begin?(
    context: FactorContext & { readonly demanded: Strength; readonly callbackUrl: URL },
    held: readonly string[],
  ): MaybePromise<BegunAnswer>;
  /** Which begun answer this one belongs to; null where it says none. */
  ceremonyOf?(answer: FactorAnswer): string | null;
  /** Whether an answer has the form of one at all; where it has not, it is not counted as an attempt. */
  isWellFormed(answer: FactorAnswer): boolean;
  /**
   * For `bearerOnly` kinds: what the sign-in is known by that a token speaks of, without a look at its signature; null where it
   * could not answer a challenge of that moment (milliseconds). The token that a caller has anyway is no attempt.
   */
  signInOf?(answer: FactorAnswer, askedAt: number): string | null;
  /** Whether the answer is meant for this one of several. */
  selects?(answer: FactorAnswer, secret: string): boolean;
  /**
   * Checks a well-formed answer.
   * @param held the secret, empty where the factor is enrolled outside; the last accepted counter, -1 where there was none; and
   *   what `begin` kept, null where it keeps nothing
   * @param context `askedAt`: when the challenge was opened, in milliseconds
   */
  check(
    answer: FactorAnswer,
    held: { readonly secret: string; readonly counter: number; readonly state: string | null },
    context: FactorContext & { readonly askedAt: number },
  ): MaybePromise<FactorCheck>;
}
