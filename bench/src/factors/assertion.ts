import { createHash, createSign, createVerify, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';

/** A key pair as an authenticator holds it, and what it signs: enough of WebAuthn L3 §7.2 to be verified, and no more. */
export interface Signer {
  /** As a passkey's secret is kept. */
  readonly secret: string;
  readonly id: string;
  readonly publicKey: KeyObject;
  assert(challenge: string, origin: string, rpId: string): SignedAssertion;
}

export interface SignedAssertion {
  readonly response: Readonly<Record<string, unknown>>;
  /** What was signed, for a bare verification. */
  readonly data: Buffer;
  readonly signature: Buffer;
}

const sha256 = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest();

export function makeSigner(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  // COSE_Key (RFC 9052 §7) of an EC2 key: kty 2, alg -7, crv 1, x, y.
  const cose = Buffer.concat([
    Buffer.from('a5010203262001215820', 'hex'),
    Buffer.from(x, 'base64url'),
    Buffer.from('225820', 'hex'),
    Buffer.from(y, 'base64url'),
  ]);
  const id = randomBytes(16).toString('base64url');
  const kept = { id, publicKey: cose.toString('base64url'), transports: ['internal'], deviceType: 'singleDevice' };
  return {
    id,
    publicKey,
    secret: JSON.stringify({ ...kept, backedUp: false, aaguid: '00000000-0000-0000-0000-000000000000' }),
    assert(challenge, origin, rpId) {
      const client = Buffer.from(JSON.stringify({ type: 'webauthn.get', challenge, origin, crossOrigin: false }));
      // User present and verified; the counter stays 0, as synced passkeys have it.
      const authenticatorData = Buffer.concat([sha256(rpId), Buffer.from([0x05, 0, 0, 0, 0])]);
      const data = Buffer.concat([authenticatorData, sha256(client)]);
      const signature = createSign('sha256').update(data).sign(privateKey);
      const response = {
        id,
        rawId: id,
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: client.toString('base64url'),
          authenticatorData: authenticatorData.toString('base64url'),
          signature: signature.toString('base64url'),
        },
      };
      return { response, data, signature };
    },
  };
}

/** The cryptographic work alone. */
export const verifyBare = (publicKey: KeyObject, { data, signature }: SignedAssertion): boolean =>
  createVerify('sha256').update(data).verify(publicKey, signature);
