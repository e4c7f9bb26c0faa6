import { createHash, hash } from 'node:crypto';
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { COSEALG, decodeAttestationObject, parseAuthenticatorData } from '@simplewebauthn/server/helpers';
import { z } from 'zod';
import { CountersignError } from '../errors/countersign-error.ts';
import type { EnrolmentCheck, Factor, FactorCheck, FactorContext, FactorUser } from './factor.ts';
import {
  assertionOf,
  attestationOf,
  clientDataOf,
  type PasskeyAssertion,
  type PasskeyAttestation,
} from './passkey-answer.ts';
import { type PasskeySite, passkeySite, passkeySiteProblem } from './passkey-site.ts';

/** Options of {@link passkey}. */
export interface PasskeyOptions {
  /** Shown by some browsers. Default: the host of `publicUrl`. */
  readonly rpName?: string;
  /** The domain that passkeys are bound to: the host of `publicUrl` (default), or a domain above it. It cannot be changed later. */
  readonly rpId?: string;
  /** The origins whose pages may ask. Default: that of `publicUrl`. */
  readonly origins?: readonly string[];
  /**
   * The origins of other sites that may show our pages in a frame, and whose `topOrigin` the browser then names. Default: none, and
   * an answer from within such a frame is refused (WebAuthn L3 §7.2 step 14).
   */
  readonly frameOrigins?: readonly string[];
  /** Which make of device it is, is not asked. */
  readonly attestation?: 'none';
  /** How long the browser waits for the person: 30 to 300. Default 300 (WebAuthn L3 §15.1). */
  readonly timeoutSeconds?: number;
}

/** What an enrolment of {@link passkey} shows: to be handed to `navigator.credentials.create`. */
export interface PasskeyInvitation extends Readonly<Record<string, unknown>> {
  readonly options: PublicKeyCredentialCreationOptionsJSON;
}

/** What an answer with {@link passkey} needs: to be handed to `navigator.credentials.get`. */
export interface PasskeyRequest extends Readonly<Record<string, unknown>> {
  readonly options: PublicKeyCredentialRequestOptionsJSON;
}

const optionsSchema = z.strictObject({
  rpName: z.string().trim().min(1).max(100).optional(),
  rpId: z
    .string()
    .max(253)
    .regex(/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/)
    .optional(),
  origins: z.array(z.string()).min(1).max(20).optional(),
  frameOrigins: z.array(z.string()).min(1).max(20).optional(),
  attestation: z.literal('none').optional(),
  timeoutSeconds: z.int().min(30).max(300).optional(),
});

const cures: Readonly<Record<string, string>> = {
  rpName: 'Give a name of up to 100 characters.',
  rpId: 'Give a host name in lower case: ehr.example.org, or example.org.',
  origins: 'Give a list of origins: https://ehr.example.org',
  frameOrigins: 'Give a list of origins: https://portal.example.org',
  attestation: "Leave it out: only 'none' is accepted.",
  timeoutSeconds: 'Give a whole number of seconds from 30 to 300.',
};

/** 256 bits: WebAuthn L3 §13.4.3 asks for at least 128. */
const CHALLENGE_BYTES = 32;
/** Those that every authenticator has one of (WebAuthn L3 §5.4), by preference. */
const ALGORITHMS = [COSEALG.ES256, COSEALG.EdDSA, COSEALG.RS256];

const pendingSchema = z.object({
  options: z.object({
    challenge: z.string(),
    excludeCredentials: z.array(z.object({ id: z.string() })).default([]),
  }),
});

const credentialSchema = z.object({
  id: z.string(),
  /** COSE_Key, base64url. */
  publicKey: z.string(),
  transports: z.array(z.string()),
  deviceType: z.enum(['singleDevice', 'multiDevice']),
  backedUp: z.boolean(),
  aaguid: z.string(),
});
type Credential = z.output<typeof credentialSchema>;

/**
 * Passkeys and security keys (WebAuthn L3), the user verified by the device. Each is bound to this site, so that no other site can
 * pass its answer on. The signature counter, where a device has one, is the factor's counter.
 */
export function passkey(options: PasskeyOptions = {}): Factor {
  assertOptions(options);
  const timeout = (options.timeoutSeconds ?? 300) * 1000;
  const siteOf = ({ publicUrl }: FactorContext): PasskeySite => passkeySite(options, publicUrl);

  return Object.freeze({
    id: 'passkey',
    strength: 'phishing-resistant',
    answeredBy: 'ceremony',
    several: true,
    problemAt: (publicUrl) => passkeySiteProblem(options, publicUrl),
    async invite(context, held) {
      const { rpId, rpName } = siteOf(context);
      const { user } = context;
      const creation = await generateRegistrationOptions({
        rpID: rpId,
        rpName,
        userID: userHandle(user),
        // A name to tell accounts apart by; no identifier of ours leaves the server.
        userName: user.displayName || rpName,
        userDisplayName: user.displayName,
        challenge: challengeOf(context),
        timeout,
        attestationType: 'none',
        supportedAlgorithmIDs: ALGORITHMS,
        authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
        excludeCredentials: held.map(descriptorOf),
      });
      const invitation: PasskeyInvitation = { options: creation };
      return { secret: JSON.stringify(invitation), invitation };
    },
    invitation: (_context, secret) => JSON.parse(secret) as PasskeyInvitation,
    async confirm(answer, secret, context) {
      const response = attestationOf(answer);
      if (response === null) return { result: 'incorrect', reason: 'malformed' };
      const { challenge, excludeCredentials } = pendingSchema.parse(JSON.parse(secret)).options;
      const held = excludeCredentials.map(({ id }) => id);
      return await confirmed(response, challenge, held, siteOf(context));
    },
    async begin(context, held) {
      const request = await generateAuthenticationOptions({
        rpID: siteOf(context).rpId,
        challenge: challengeOf(context),
        timeout,
        userVerification: 'required',
        allowCredentials: held.map(descriptorOf),
      });
      const invitation: PasskeyRequest = { options: request };
      return { invitation, ceremony: request.challenge, state: request.challenge };
    },
    ceremonyOf(answer) {
      const response = assertionOf(answer)?.response;
      return response === undefined ? null : (clientDataOf(response)?.challenge ?? null);
    },
    isWellFormed: (answer) => assertionOf(answer) !== null,
    selects: (answer, secret) => assertionOf(answer)?.id === credentialOf(secret).id,
    async check(answer, { secret, counter, state }, context) {
      const response = assertionOf(answer);
      if (response === null) return { result: 'incorrect', reason: 'malformed' };
      return await checked(response, credentialOf(secret), counter, state, siteOf(context), context.user);
    },
  } satisfies Factor);
}

/** WebAuthn L3 §7.1. Every refusal has its reason before the library is asked, so that none is read from a message. */
async function confirmed(
  response: PasskeyAttestation,
  challenge: string,
  held: readonly string[],
  site: PasskeySite,
): Promise<EnrolmentCheck> {
  const problem = clientProblem(response.response, 'webauthn.create', challenge, site);
  if (problem !== null) return { result: 'incorrect', reason: problem };
  try {
    const attestation = decodeAttestationObject(bytesOf(response.response.attestationObject));
    // Only what "none" lets through: nothing, or the new key's own signature. Certificates of makers are not looked at.
    const format = attestation.get('fmt');
    if (format !== 'none' && !(format === 'packed' && attestation.get('attStmt').get('x5c') === undefined))
      return { result: 'incorrect', reason: 'attestation-unwanted' };
    const device = deviceProblem(attestation.get('authData'), site);
    if (device !== null) return { result: 'incorrect', reason: device };
    const verified = await verifyRegistrationResponse({
      response: { ...response, response: withTransports(response.response), clientExtensionResults: {} },
      expectedChallenge: challenge,
      expectedOrigin: [...site.origins],
      expectedRPID: site.rpId,
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    });
    if (!verified.verified) return { result: 'incorrect', reason: 'bad-signature' };
    const { credential, credentialDeviceType, credentialBackedUp, aaguid } = verified.registrationInfo;
    if (credential.id !== response.id) return { result: 'incorrect', reason: 'malformed' };
    if (held.includes(credential.id)) return { result: 'incorrect', reason: 'enrolled-before' };
    const kept: Credential = {
      id: credential.id,
      publicKey: Buffer.from(credential.publicKey).toString('base64url'),
      transports: credential.transports ?? [],
      deviceType: credentialDeviceType,
      backedUp: credentialBackedUp,
      aaguid,
    };
    const label = credentialDeviceType === 'multiDevice' ? 'Synced passkey' : 'Passkey on one device';
    return { result: 'correct', counter: credential.counter, secret: JSON.stringify(kept), label };
  } catch {
    return { result: 'incorrect', reason: 'malformed' };
  }
}

/** WebAuthn L3 §7.2. */
async function checked(
  response: PasskeyAssertion,
  credential: Credential,
  counter: number,
  state: string | null,
  site: PasskeySite,
  user: FactorUser,
): Promise<FactorCheck> {
  const refused = (reason: string): FactorCheck => ({ result: 'incorrect', reason });
  if (state === null) return refused('unknown-ceremony');
  if (response.id !== credential.id) return refused('unknown-credential');
  const { userHandle: handle, ...rest } = response.response;
  const problem = clientProblem(response.response, 'webauthn.get', state, site);
  if (problem !== null) return refused(problem);
  if (handle != null && handle !== Buffer.from(userHandle(user)).toString('base64url')) return refused('wrong-user');
  try {
    const data = bytesOf(rest.authenticatorData);
    const device = deviceProblem(data, site);
    if (device !== null) return refused(device);
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: { ...response, response: rest, clientExtensionResults: {} },
      expectedChallenge: state,
      expectedOrigin: [...site.origins],
      expectedTopOrigin: [...site.frameOrigins],
      expectedRPID: site.rpId,
      requireUserVerification: true,
      // The counter is judged below, by a signature that is known to be the credential's: a lower one means a copy of it.
      credential: { id: credential.id, publicKey: bytesOf(credential.publicKey), counter: 0 },
    });
    if (!verified) return refused('bad-signature');
    // §7.2 step 20: whether a passkey can be backed up is decided when it is made.
    if (authenticationInfo.credentialDeviceType !== credential.deviceType) return refused('backup-eligibility-changed');
    const { newCounter } = authenticationInfo;
    if ((newCounter > 0 || counter > 0) && newCounter <= counter) return refused('counter-regressed');
    return { result: 'correct', counter: newCounter };
  } catch {
    return refused('malformed');
  }
}

/** What is wrong with what the browser says of the page and the request. */
function clientProblem(
  response: { readonly clientDataJSON: string },
  type: 'webauthn.create' | 'webauthn.get',
  challenge: string,
  { origins, frameOrigins }: PasskeySite,
): string | null {
  const client = clientDataOf(response);
  if (client === null) return 'malformed';
  if (client.type !== type) return 'wrong-type';
  if (client.challenge !== challenge) return 'wrong-challenge';
  if (!origins.includes(client.origin)) return 'wrong-origin';
  // Not every browser sends `topOrigin` with `crossOrigin`; either tells of a frame, and one that is not named is nobody's.
  const framed = client.crossOrigin === true || client.topOrigin !== undefined;
  return framed && !(client.topOrigin !== undefined && frameOrigins.includes(client.topOrigin)) ? 'cross-origin' : null;
}

/** What is wrong with what the device says of the site and the person. Throws where it is no authenticator data. */
function deviceProblem(data: Uint8Array<ArrayBuffer>, { rpId }: PasskeySite): string | null {
  const { flags, rpIdHash } = parseAuthenticatorData(data);
  if (!Buffer.from(rpIdHash).equals(createHash('sha256').update(rpId).digest())) return 'wrong-rp';
  if (!flags.up) return 'user-not-present';
  return flags.uv ? null : 'user-not-verified';
}

/**
 * The WebAuthn user id (§5.4.3, at most 64 bytes): the same for every passkey of a user, and nothing that could be read (§14.6.1).
 */
const userHandle = ({ workspaceId, userId }: FactorUser): Uint8Array<ArrayBuffer> =>
  new Uint8Array(hash('sha256', JSON.stringify(['countersign passkey', workspaceId, userId]), 'buffer'));

const challengeOf = ({ random }: FactorContext): Uint8Array<ArrayBuffer> => new Uint8Array(random(CHALLENGE_BYTES));
const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, 'base64url'));
const credentialOf = (secret: string): Credential => credentialSchema.parse(JSON.parse(secret));

function descriptorOf(secret: string): { id: string; transports?: AuthenticatorTransports } {
  const { id, transports } = credentialOf(secret);
  return { id, transports: transports as AuthenticatorTransports };
}

type AuthenticatorTransports = NonNullable<
  NonNullable<PublicKeyCredentialRequestOptionsJSON['allowCredentials']>[number]['transports']
>;

const withTransports = ({ transports, ...response }: PasskeyAttestation['response']) =>
  transports === undefined ? response : { ...response, transports };

function assertOptions(options: PasskeyOptions): void {
  const parsed = optionsSchema.safeParse(options);
  if (parsed.success) return;
  const [issue] = parsed.error.issues;
  const name = issue?.code === 'unrecognized_keys' ? (issue.keys[0] ?? '') : String(issue?.path[0] ?? '');
  throw new CountersignError('configuration_invalid', {
    field: `passkey.${name}`,
    detail: `passkey.${name} is not as it should be.`,
    cure: cures[name] ?? 'There is no such option. Check the spelling, or remove it.',
  });
}
