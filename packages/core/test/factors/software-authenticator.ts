import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** What a ceremony is for, as the server's options say it; only what a device and a browser look at. */
interface Ceremony {
  readonly challenge: string;
  readonly rpId: string;
  readonly origin: string;
  readonly crossOrigin?: boolean;
  readonly topOrigin?: string;
  /** Default: that of the ceremony. */
  readonly type?: string;
  /** User presence and verification. Default true. */
  readonly present?: boolean;
  readonly verified?: boolean;
  /** Sent in place of the next value of the signature counter. */
  readonly counter?: number;
  /** Signed by another key. */
  readonly forged?: boolean;
}

/** `RegistrationResponseJSON` and `AuthenticationResponseJSON` in one, as a browser sends them. */
export interface CredentialJson {
  readonly id: string;
  readonly rawId: string;
  readonly type: 'public-key';
  readonly response: Readonly<Record<string, unknown>>;
  readonly clientExtensionResults: Readonly<Record<string, unknown>>;
  readonly authenticatorAttachment: 'platform';
}

export interface SoftwareAuthenticatorOptions {
  /** Whether its credentials can be backed up (a synced passkey). Default true. */
  readonly synced?: boolean;
  /** Whether it counts signatures. Default false: the counter stays 0, as with synced passkeys. */
  readonly counts?: boolean;
  /** Attestation statement to send in place of `none`. */
  readonly attestation?: { readonly format: string; readonly statement: ReadonlyMap<string, Cbor> };
}

/** What a device and a browser do together, with one ES256 credential, and with switches for what they never should. */
export class SoftwareAuthenticator {
  readonly id = randomBytes(32);
  userHandle: string | null = null;
  counter = 0;
  readonly #options: SoftwareAuthenticatorOptions;
  readonly #key = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  constructor(options: SoftwareAuthenticatorOptions = {}) {
    this.#options = options;
  }

  /** `navigator.credentials.create`. */
  create(options: { readonly user: { readonly id: string } }, ceremony: Ceremony): CredentialJson {
    this.userHandle = options.user.id;
    const jwk = this.#key.publicKey.export({ format: 'jwk' });
    const publicKey = cbor(
      new Map<number, Cbor>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, Buffer.from(jwk.x ?? '', 'base64url')],
        [-3, Buffer.from(jwk.y ?? '', 'base64url')],
      ]),
    );
    const length = Buffer.alloc(2);
    length.writeUInt16BE(this.id.length);
    const attested = Buffer.concat([Buffer.alloc(16), length, this.id, publicKey]);
    const clientData = clientDataOf('webauthn.create', ceremony);
    const { format, statement } = this.#options.attestation ?? { format: 'none', statement: new Map() };
    const attestationObject = cbor(
      new Map<string, Cbor>([
        ['fmt', format],
        ['attStmt', statement],
        ['authData', this.#data(ceremony, attested)],
      ]),
    );
    return this.#credential({
      clientDataJSON: base64url(clientData),
      attestationObject: base64url(attestationObject),
      transports: ['internal', 'hybrid'],
    });
  }

  /** `navigator.credentials.get`. */
  get(ceremony: Ceremony): CredentialJson {
    const clientData = clientDataOf('webauthn.get', ceremony);
    const authenticatorData = this.#data(ceremony, null);
    const signed = Buffer.concat([authenticatorData, createHash('sha256').update(clientData).digest()]);
    const key: KeyObject =
      ceremony.forged === true ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey : this.#key.privateKey;
    return this.#credential({
      clientDataJSON: base64url(clientData),
      authenticatorData: base64url(authenticatorData),
      signature: base64url(sign('sha256', signed, key)),
      ...(this.userHandle === null ? {} : { userHandle: this.userHandle }),
    });
  }

  /** WebAuthn L3 §6.1. */
  #data({ rpId, present, verified, counter }: Ceremony, attested: Buffer | null): Buffer {
    if (this.#options.counts === true) this.counter += 1;
    const synced = this.#options.synced !== false;
    const flags =
      (present === false ? 0 : 0x01) |
      (verified === false ? 0 : 0x04) |
      (synced ? 0x18 : 0) |
      (attested === null ? 0 : 0x40);
    const tail = Buffer.alloc(5);
    tail.writeUInt8(flags, 0);
    tail.writeUInt32BE(counter ?? this.counter, 1);
    return Buffer.concat([createHash('sha256').update(rpId).digest(), tail, attested ?? Buffer.alloc(0)]);
  }

  #credential(response: Readonly<Record<string, unknown>>): CredentialJson {
    const id = base64url(this.id);
    return {
      id,
      rawId: id,
      type: 'public-key',
      response,
      clientExtensionResults: {},
      authenticatorAttachment: 'platform',
    };
  }
}

function clientDataOf(type: string, ceremony: Ceremony): Buffer {
  const { challenge, origin, crossOrigin = false, topOrigin } = ceremony;
  const data = {
    type: ceremony.type ?? type,
    challenge,
    origin,
    crossOrigin,
    ...(topOrigin === undefined ? {} : { topOrigin }),
  };
  return Buffer.from(JSON.stringify(data));
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

/** What attestation objects and keys are made of. */
export type Cbor = number | string | Uint8Array | readonly Cbor[] | ReadonlyMap<number | string, Cbor>;

/** RFC 8949, in its shortest form. */
export function cbor(value: Cbor): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  if (value instanceof Map)
    return Buffer.concat([head(5, value.size), ...[...value].flatMap(([key, held]) => [cbor(key), cbor(held)])]);
  const list = value as readonly Cbor[];
  return Buffer.concat([head(4, list.length), ...list.map(cbor)]);
}

function head(major: number, count: number): Buffer {
  const type = major << 5;
  if (count < 24) return Buffer.from([type | count]);
  if (count < 0x100) return Buffer.from([type | 24, count]);
  return Buffer.from([type | 25, count >> 8, count & 0xff]);
}
