import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose';
import { CountersignError } from '../errors/countersign-error.ts';

/** Keys from the host's secret manager: 32 random bytes each, as base64, base64url, hex or bytes. */
export interface KeyringOptions {
  /** Id of the key that new secrets are sealed with. */
  readonly current: string;
  /** Every key that something may still be sealed with, by id. */
  readonly all: Readonly<Record<string, string | Uint8Array>>;
}

/** Whose a sealed secret is. Part of the protected header, so that a row copied to another user does not open. */
export interface SecretOwner {
  readonly workspaceId: string;
  readonly userId: string;
  readonly id: string;
}

/** What {@link Keyring.openTicket} found. */
export type OpenedTicket =
  | { readonly result: 'opened'; readonly text: string }
  /** Genuine, and sealed for another owner. */
  | { readonly result: 'foreign' }
  /** Changed since, cut, of an unknown key, of another purpose, or never ours. */
  | { readonly result: 'altered' };

interface DerivedKeys {
  readonly sealing: Uint8Array;
  readonly tickets: Uint8Array;
  readonly authentication: Uint8Array;
  readonly checkpoints: Uint8Array;
}

/** Seals secrets (JWE, `dir` with A256GCM, RFC 7516) and authenticates rows (HMAC-SHA-256) with keys that can be rotated. */
export class Keyring {
  readonly current: string;
  readonly #keys: ReadonlyMap<string, DerivedKeys>;

  constructor(options: KeyringOptions) {
    this.#keys = new Map(Object.entries(options.all).map(([id, key]) => [id, derive(keyBytes(id, key))]));
    this.current = options.current;
    if (!this.#keys.has(options.current)) {
      throw new CountersignError('configuration_invalid', {
        field: 'keys.current',
        detail: 'keys.current names a key that keys.all does not hold.',
        cure: `Name one of: ${[...this.#keys.keys()].join(', ') || '(keys.all is empty)'}.`,
      });
    }
  }

  /** Every key that is there, the current one included. */
  get ids(): readonly string[] {
    return [...this.#keys.keys()];
  }

  /** Seals text under the current key, for one owner. Returns a compact JWE. */
  async seal(text: string, owner: SecretOwner): Promise<string> {
    return await new CompactEncrypt(new TextEncoder().encode(text))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: this.current, own: ownerText(owner) })
      .encrypt(this.#key(this.current).sealing);
  }

  /** Opens what was sealed for this owner. Rejects with `key_unknown`, or `factor_unknown` where it was altered or is another's. */
  async open(sealed: string, owner: SecretOwner): Promise<string> {
    try {
      const { kid, own } = decodeProtectedHeader(sealed);
      if (typeof kid !== 'string' || own !== ownerText(owner)) throw new CountersignError('factor_unknown');
      const { plaintext } = await compactDecrypt(sealed, this.#key(kid).sealing, {
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
      });
      return new TextDecoder().decode(plaintext);
    } catch (error) {
      throw CountersignError.is(error) ? error : new CountersignError('factor_unknown');
    }
  }

  /** Seals text that travels through a browser and comes back, under a key that seals no stored secret. Returns a compact JWE. */
  async sealTicket(purpose: string, text: string, owner: SecretOwner): Promise<string> {
    return await new CompactEncrypt(new TextEncoder().encode(text))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: this.current, use: purpose, own: ownerText(owner) })
      .encrypt(this.#key(this.current).tickets);
  }

  /** Opens what {@link sealTicket} made. It is authenticated first: nothing unauthenticated says whose it is or why it does not open. */
  async openTicket(purpose: string, sealed: string, owner: SecretOwner): Promise<OpenedTicket> {
    try {
      const { plaintext, protectedHeader } = await compactDecrypt(sealed, ({ kid }) => this.#key(String(kid)).tickets, {
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
      });
      if (protectedHeader.use !== purpose) return { result: 'altered' };
      if (protectedHeader.own !== ownerText(owner)) return { result: 'foreign' };
      return { result: 'opened', text: new TextDecoder().decode(plaintext) };
    } catch {
      return { result: 'altered' };
    }
  }

  /** Authenticates values under a purpose. Returns `keyId.base64url`. */
  mac(purpose: string, values: readonly (string | number | null)[]): string {
    return `${this.current}.${this.#tag(this.current, purpose, values).toString('base64url')}`;
  }

  /** Whether a tag of {@link mac} fits purpose and values. Constant time in the tag; false for unknown keys. */
  verifyMac(tag: string, purpose: string, values: readonly (string | number | null)[]): boolean {
    const dot = tag.lastIndexOf('.');
    const id = tag.slice(0, dot);
    if (dot < 1 || !this.#keys.has(id)) return false;
    const given = Buffer.from(tag.slice(dot + 1), 'base64url');
    const expected = this.#tag(id, purpose, values);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  /** Seeds of Ed25519 keys that sign checkpoints, by the id of the key each is derived from; the current one's is the first. */
  get checkpointSeeds(): ReadonlyMap<string, Uint8Array> {
    const ids = [this.current, ...[...this.#keys.keys()].filter((id) => id !== this.current)];
    return new Map(ids.map((id) => [id, this.#key(id).checkpoints]));
  }

  /** The key that a secret of {@link seal} or a tag of {@link mac} was made with; null where it is neither. */
  keyOf(made: string): string | null {
    try {
      // A JWE (RFC 7516 §3.1) has five parts; a tag has two, and its key's id may hold dots.
      if (made.split('.').length === 5 && made.startsWith('ey')) {
        const { kid } = decodeProtectedHeader(made);
        return typeof kid === 'string' ? kid : null;
      }
    } catch {
      return null;
    }
    const dot = made.lastIndexOf('.');
    return dot < 1 ? null : made.slice(0, dot);
  }

  #tag(id: string, purpose: string, values: readonly (string | number | null)[]): Buffer {
    // A JSON array of strings and numbers is unambiguous: ["ab","c"] and ["a","bc"] differ.
    return createHmac('sha256', this.#key(id).authentication)
      .update(JSON.stringify([purpose, ...values]))
      .digest();
  }

  #key(id: string): DerivedKeys {
    const key = this.#keys.get(id);
    if (key === undefined) {
      throw new CountersignError('key_unknown', { cure: 'Add the key under its old id to keys.all.' });
    }
    return key;
  }
}

const ownerText = (owner: SecretOwner): string => JSON.stringify([owner.workspaceId, owner.userId, owner.id]);

/** Separate keys for separate uses (RFC 5869; NIST SP 800-57 part 1 §5.2). */
function derive(key: Uint8Array): DerivedKeys {
  const part = (info: string) => new Uint8Array(hkdfSync('sha256', key, new Uint8Array(0), info, 32));
  return {
    sealing: part('countersign 1 sealing'),
    tickets: part('countersign 1 tickets'),
    authentication: part('countersign 1 authentication'),
    checkpoints: part('countersign 1 checkpoints'),
  };
}

function keyBytes(id: string, key: string | Uint8Array): Uint8Array {
  const bytes = typeof key === 'string' ? decode(key.trim()) : key;
  const refuse = (detail: string) =>
    new CountersignError('configuration_invalid', {
      field: `keys.all.${id}`,
      detail: `keys.all.${id} ${detail}`,
      cure: 'Make one with: openssl rand -base64 32',
    });
  if (bytes === null) throw refuse('is text that is neither base64 nor hex: a passphrase is no key.');
  // Chances that 32 random bytes look so: 1 in 10^13 for printable bytes, 1 in 10^9 for base64 in one case of letters.
  const isHex = typeof key === 'string' && key.trim().length === 64;
  const oneCase = typeof key === 'string' && !isHex && !(/[a-z]/.test(key) && /[A-Z]/.test(key));
  if (bytes.length === 32 && (oneCase || bytes.every((byte) => byte >= 0x20 && byte < 0x7f)))
    throw refuse('is text: a passphrase is no key.');
  if (bytes.length !== 32) throw refuse(`has ${bytes.length} bytes; 32 are needed.`);
  // 32 random bytes have about 30 distinct values; a repeated pattern or padding has few.
  if (new Set(bytes).size < 12) throw refuse('is not random.');
  return bytes;
}

function decode(text: string): Uint8Array | null {
  if (/^(?:[0-9a-f]{2})+$/i.test(text) && text.length === 64) return Buffer.from(text, 'hex');
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return Buffer.from(text, 'base64');
  if (/^[A-Za-z0-9_-]+$/.test(text)) return Buffer.from(text, 'base64url');
  return null;
}
