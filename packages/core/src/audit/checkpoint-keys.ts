import { NoteSigner, NoteVerifier } from './checkpoint.ts';

/** What a log's checkpoints are signed with and checked by. */
export interface CheckpointKeysOptions {
  /** The name of the log, where it was given. */
  readonly origin: string | null;
  /** Its name where none was given and nothing was sealed yet. */
  readonly fallback: string;
  /** A key of its own, PKCS#8 PEM or a seed of 32 bytes; null: the first of `seeds`. */
  readonly key: string | Uint8Array | null;
  /** Derived from the keyring, the current one first. */
  readonly seeds: readonly Uint8Array[];
  /** `vkey`s of keys that are not here any more. */
  readonly earlier: readonly string[];
}

/**
 * The keys of a log's checkpoints. A log keeps its name: where none is configured, that of its newest seal goes on, also after
 * the application has moved to another address.
 */
export class CheckpointKeys {
  readonly #options: CheckpointKeysOptions;
  readonly #earlier: readonly NoteVerifier[];

  /** Throws `checkpoint_key_invalid`. */
  constructor(options: CheckpointKeysOptions) {
    this.#options = options;
    this.#earlier = options.earlier.map((vkey) => NoteVerifier.parse(vkey));
    this.signer(null);
  }

  /** The name that is signed under, after a seal of this name (null: there is none). */
  originAfter(newest: string | null): string {
    return this.#options.origin ?? newest ?? this.#options.fallback;
  }

  /** What signs after a seal of this name. */
  signer(newest: string | null): NoteSigner {
    const { key, seeds } = this.#options;
    return new NoteSigner(this.originAfter(newest), key ?? seeds[0] ?? '');
  }

  /** Every key that may have signed a checkpoint of this name. */
  verifiers(origin: string): readonly NoteVerifier[] {
    const { key, seeds } = this.#options;
    const own = [...(key === null ? [] : [key]), ...seeds].map((each) => new NoteSigner(origin, each).verifier);
    return [...own, ...this.#earlier];
  }
}
