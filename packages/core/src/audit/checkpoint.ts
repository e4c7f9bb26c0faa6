import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { CountersignError } from '../errors/countersign-error.ts';
import { HASH_BYTES } from './merkle.ts';

/** What a checkpoint says: this log had so many leaves, with this root (C2SP tlog-checkpoint). */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** Further lines; ours have none. */
  readonly extensions: readonly string[];
}

/** A signed note (C2SP signed-note): its text, and the signatures under it. */
export interface SignedNote {
  /** With its last new line: what is signed. */
  readonly text: string;
  readonly signatures: readonly { readonly name: string; readonly id: string; readonly signature: Uint8Array }[];
}

/** Ed25519 in C2SP signed-note. */
const ALGORITHM = 1;
const SIGNATURE_BYTES = 64;
/** A name has neither white space nor a plus sign, nor anything that a terminal would not show. */
const NAME = /^[^\s+\p{C}]+$/u;
const PKCS8_OF_SEED = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_OF_KEY = Buffer.from('302a300506032b6570032100', 'hex');

/** Checks signatures of one name and key. Its text (`vkey`) is that of C2SP signed-note: `name+id+base64`. */
export class NoteVerifier {
  readonly name: string;
  /** Four bytes, in hex. */
  readonly id: string;
  readonly #key: Uint8Array;
  readonly #object: KeyObject;

  /** `key`: 32 bytes of Ed25519. */
  constructor(name: string, key: Uint8Array) {
    if (!NAME.test(name) || key.length !== 32) throw invalidKey();
    this.name = name;
    this.#key = key;
    this.id = createHash('sha256')
      .update(name)
      .update(Uint8Array.of(0x0a, ALGORITHM))
      .update(key)
      .digest('hex')
      .slice(0, 8);
    this.#object = createPublicKey({ key: Buffer.concat([SPKI_OF_KEY, key]), format: 'der', type: 'spki' });
  }

  /** Reads a `vkey`. Throws `checkpoint_key_invalid`. */
  static parse(vkey: string): NoteVerifier {
    const [, name = '', id, key = ''] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/.exec(vkey.trim()) ?? [];
    const bytes = Buffer.from(key, 'base64');
    if (bytes[0] !== ALGORITHM) throw invalidKey();
    const verifier = new NoteVerifier(name, bytes.subarray(1));
    if (verifier.id !== id) throw invalidKey();
    return verifier;
  }

  get vkey(): string {
    return `${this.name}+${this.id}+${Buffer.concat([Uint8Array.of(ALGORITHM), this.#key]).toString('base64')}`;
  }

  verify(text: string, signature: Uint8Array): boolean {
    return verify(null, Buffer.from(text), this.#object, signature);
  }
}

/** Signs notes under one name. */
export class NoteSigner {
  readonly verifier: NoteVerifier;
  readonly #key: KeyObject;

  /** `key`: a seed of 32 bytes, or PKCS#8 PEM of an Ed25519 key. Throws `checkpoint_key_invalid`. */
  constructor(name: string, key: string | Uint8Array) {
    this.#key = privateKeyOf(key);
    const spki = createPublicKey(this.#key).export({ format: 'der', type: 'spki' });
    this.verifier = new NoteVerifier(name, spki.subarray(SPKI_OF_KEY.length));
  }

  /** The note: the text and its signature. `text` ends with a new line. */
  sign(text: string): string {
    const signature = sign(null, Buffer.from(text), this.#key);
    const line = Buffer.concat([Buffer.from(this.verifier.id, 'hex'), signature]).toString('base64');
    return `${text}\n— ${this.verifier.name} ${line}\n`;
  }
}

function privateKeyOf(key: string | Uint8Array): KeyObject {
  try {
    if (typeof key === 'string' && key.includes('-----BEGIN')) {
      const object = createPrivateKey(key);
      if (object.asymmetricKeyType === 'ed25519') return object;
      throw invalidKey();
    }
    const seed = typeof key === 'string' ? seedOf(key.trim()) : key;
    if (seed.length !== 32) throw invalidKey();
    return createPrivateKey({ key: Buffer.concat([PKCS8_OF_SEED, seed]), format: 'der', type: 'pkcs8' });
  } catch {
    // What the library says may repeat a part of the key.
    throw invalidKey();
  }
}

const seedOf = (text: string): Uint8Array =>
  /^[0-9a-f]{64}$/i.test(text)
    ? Buffer.from(text, 'hex')
    : /^[A-Za-z0-9+/_-]{43}=?$/.test(text)
      ? Buffer.from(text, 'base64')
      : new Uint8Array(0);

/** The text of a checkpoint that a note signs. */
export function checkpointText({ origin, size, root, extensions }: Checkpoint): string {
  return `${[origin, size, Buffer.from(root).toString('base64'), ...extensions].join('\n')}\n`;
}

/** Takes a note apart. Throws `checkpoint_invalid`. */
export function parseNote(note: string): SignedNote {
  const cut = note.lastIndexOf('\n\n');
  const isPlain = /^[^\p{Cc}\ufffd]*$/u.test(note.replaceAll('\n', ''));
  if (cut < 1 || !note.endsWith('\n') || !isPlain || note.length > 100_000) throw invalidCheckpoint();
  const lines = note.slice(cut + 2, -1).split('\n');
  const signatures = lines.map((line) => {
    const [, name = '', text = ''] = /^— ([^ ]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? [];
    const bytes = Buffer.from(text, 'base64');
    if (!NAME.test(name) || bytes.length < 5 || bytes.toString('base64') !== text) throw invalidCheckpoint();
    return { name, id: bytes.toString('hex', 0, 4), signature: new Uint8Array(bytes.subarray(4)) };
  });
  return { text: note.slice(0, cut + 1), signatures };
}

/** What a checkpoint says, whoever signed it. Throws `checkpoint_invalid`. */
export function parseCheckpoint(note: string): Checkpoint {
  const [origin = '', size = '', root = '', ...extensions] = parseNote(note).text.slice(0, -1).split('\n');
  const bytes = Buffer.from(root, 'base64');
  const count = /^(?:0|[1-9]\d{0,15})$/.test(size) ? Number(size) : Number.NaN;
  const isSound = Number.isSafeInteger(count) && bytes.length === HASH_BYTES && bytes.toString('base64') === root;
  if (origin === '' || !isSound || extensions.includes('')) throw invalidCheckpoint();
  return { origin, size: count, root: new Uint8Array(bytes), extensions };
}

/**
 * What a checkpoint says, if one of these keys signed it under the name of its origin; null otherwise. As C2SP signed-note wants:
 * signatures of unknown keys are passed over, one of a known key that does not fit spoils the note. Throws `checkpoint_invalid`.
 */
export function verifyCheckpoint(note: string, verifiers: readonly NoteVerifier[]): Checkpoint | null {
  const { text, signatures } = parseNote(note);
  const checkpoint = parseCheckpoint(note);
  let isSigned = false;
  for (const { name, id, signature } of signatures) {
    const verifier = verifiers.find((each) => each.name === name && each.id === id);
    if (verifier === undefined) continue;
    if (signature.length !== SIGNATURE_BYTES || !verifier.verify(text, signature)) return null;
    isSigned ||= name === checkpoint.origin;
  }
  return isSigned ? checkpoint : null;
}

const invalidKey = () => new CountersignError('checkpoint_key_invalid');
const invalidCheckpoint = () => new CountersignError('checkpoint_invalid');
