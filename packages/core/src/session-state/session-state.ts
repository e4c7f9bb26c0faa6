import type { Proof } from '../policy/proof.ts';
import type { Epochs } from '../store/store.ts';
import type { OpenChallenge } from './open-challenge.ts';

/** In-memory stores answer at once; others may answer later. */
export type MaybePromise<T> = T | Promise<T>;

/** Finds a session: the hash of the host's session key, and whose it is supposed to be. */
export interface SessionKey {
  readonly keyHash: string;
  readonly workspaceId: string;
  readonly userId: string;
}

/** How a request presents itself: its binding cookie's hash, null where none came, or `bearer` where none is needed. */
export type PresentedBinding = string | null | 'bearer';

/** One reading of a session's state. */
export interface SessionReading {
  /** The random internal session number. */
  readonly number: string;
  /** The sign-in it began with. */
  readonly signedInAt: number;
  readonly epochs: Epochs;
  /** When the session was ended; null: it was not. */
  readonly endedAt: number | null;
  /** Whether the person had a confirmed factor when the session's standing was last read. */
  readonly hasFactor: boolean;
  /** Last activity of a person; null: none seen yet, and the idle limit counts from the sign-in. */
  readonly lastActivityAt: number | null;
  /** The proofs this binding may see for the patients asked about, one-shot ones included. May contain expired ones. */
  readonly proofs: readonly Proof[];
}

/** How a session's state begins. */
export interface SessionStart {
  readonly number: string;
  readonly epochs: Epochs;
  readonly endedAt: number | null;
  readonly hasFactor: boolean;
  readonly signedInAt: number;
  readonly now: number;
}

/** What a success puts into the state. */
export interface Grant {
  readonly proofs: readonly Proof[];
  /** What the answering request presented. Earlier proofs that it may not see are dropped, so that the new binding does not see them either. */
  readonly presented: PresentedBinding;
  /** The new binding's hash. The old one goes on seeing earlier proofs for `oldBindingSeconds`, and never these. */
  readonly binding: string | 'bearer';
  readonly oldBindingSeconds: number;
  readonly challengeId: string;
}

/** Whether a session may try a factor now. The try is counted at once. */
export type AttemptTurn =
  | { readonly granted: true; readonly failures: number }
  | { readonly granted: false; readonly retryAt: number };

/**
 * Session state: proofs, bindings, open challenges and growing delays, under a random internal session number. Never durable:
 * losing it may lose a proof, never a lock or a revocation (those are in the store, and read again on first sight of a session).
 *
 * Every method is atomic. `now` is milliseconds of our own clock.
 */
export interface SessionStateStore {
  /** Whether several processes share the state. */
  readonly shared: boolean;
  /** Null where the session is unknown, or belongs to somebody else (whose state the next `begin` erases). */
  read(
    key: SessionKey,
    binding: PresentedBinding,
    patientIds: readonly string[],
    now: number,
  ): MaybePromise<SessionReading | null>;
  /**
   * Begins the state of a session unless it is there already for this very user and sign-in. State of another user or sign-in
   * under the same key is erased; a session that ended stays ended for sign-ins until then.
   */
  begin(key: SessionKey, start: SessionStart): MaybePromise<void>;
  /** Moves a session to newer epochs: proofs, challenges and bindings earned before are gone. */
  renew(key: SessionKey, epochs: Epochs, hasFactor: boolean): MaybePromise<void>;
  /**
   * Moves the session that raised its own epochs along, its proofs kept, if it still has this number and the epochs before, and
   * has not ended; nothing otherwise.
   */
  carry(key: SessionKey, number: string, from: Epochs, to: Epochs, hasFactor: boolean): MaybePromise<void>;
  /** The open challenge of this requirement, or the new one. Bounded per session: the oldest makes room. */
  openChallenge(
    key: SessionKey,
    requirementKey: string,
    create: () => OpenChallenge,
    now: number,
  ): MaybePromise<OpenChallenge | null>;
  challenge(key: SessionKey, id: string, now: number): MaybePromise<OpenChallenge | null>;
  /** Voids a user's open challenges in this session. */
  voidChallenge(key: SessionKey, id: string): MaybePromise<void>;
  /**
   * Takes the challenge and gives its proofs, if the session still has this number and epochs and the challenge is still open;
   * false otherwise, and nothing is given.
   */
  grant(key: SessionKey, number: string, epochs: Epochs, grant: Grant, now: number): MaybePromise<boolean>;
  /** The proofs this binding may see, newest first, at most `limit`. May contain expired ones. */
  proofs(key: SessionKey, binding: PresentedBinding, limit: number, now: number): MaybePromise<readonly Proof[]>;
  /** Takes the one-shot proofs of an operation. True for exactly one caller. */
  consume(key: SessionKey, binding: PresentedBinding, operation: string, now: number): MaybePromise<boolean>;
  /**
   * Keeps what a begun answer needs until `expiresAt`, under a name that nobody else can guess; false where the session is unknown
   * or has ended. Bounded per session (16): the oldest makes room.
   */
  keepCeremony(key: SessionKey, name: string, value: string, expiresAt: number, now: number): MaybePromise<boolean>;
  /** Gives it back, to exactly one caller; null where there is none, or it has expired. */
  takeCeremony(key: SessionKey, name: string, now: number): MaybePromise<string | null>;
  /** Growing delays per session and factor: none for the first three failures, then 1, 2, 4 … seconds, at most 300. */
  takeTurn(key: SessionKey, factor: string, now: number): MaybePromise<AttemptTurn>;
  /** The factor was passed: its delays are forgotten. */
  clearTurns(key: SessionKey, factor: string): MaybePromise<void>;
  /** The host gave the session another key: its state moves along, whole. */
  move(key: SessionKey, keyHash: string): MaybePromise<void>;
  /** Erases the session's state and remembers its end. */
  end(key: SessionKey, endedAt: number): MaybePromise<void>;
  /** The clock was set back: every proof is dropped, so that none revives. */
  dropAllProofs(): MaybePromise<void>;
  close(): MaybePromise<void>;
}
