import type { PasskeyInvitation, PasskeyRequest } from '@countersign/core';
import { type CredentialJson, SoftwareAuthenticator } from '../../packages/core/test/factors/software-authenticator.ts';
import type { Answer, Client } from './client.ts';
import type { Host } from './hosts.ts';

export { SoftwareAuthenticator };

type Ceremony = Parameters<SoftwareAuthenticator['get']>[0];
/** What a device does otherwise than it should. */
export type Misbehaviour = Partial<Ceremony>;

const ENROL = '/api/v1/auth/mfa/enroll';
const VERIFY = '/api/v1/auth/mfa/verify';

/** The site as browsers see a test host. */
export const siteOf = (host: Host) => ({ rpId: 'localhost', origin: host.baseUrl });

/** Enrols a passkey through the API. The account's own step-up must have been passed where one is asked. */
export async function enrolPasskey(
  host: Host,
  client: Client,
  device: SoftwareAuthenticator = new SoftwareAuthenticator(),
): Promise<SoftwareAuthenticator> {
  const begun = await client.post(ENROL, { json: { factor: 'passkey' } });
  if (begun.status !== 201) throw new Error(`Enrolment failed: ${begun.status} ${begun.text}`);
  const { options } = begun.json() as PasskeyInvitation & Record<string, unknown>;
  const response = device.create(options, { ...siteOf(host), challenge: options.challenge });
  const confirmed = await client.post(ENROL, { json: { factor: 'passkey', response } });
  if (confirmed.status !== 200) throw new Error(`Enrolment failed: ${confirmed.status} ${confirmed.text}`);
  return device;
}

/** Enrols recovery codes through the API, and returns them. */
export async function makeRecoveryCodes(client: Client): Promise<readonly string[]> {
  const made = await client.post(ENROL, { json: { factor: 'recovery-codes' } });
  if (made.status !== 201) throw new Error(`Enrolment failed: ${made.status} ${made.text}`);
  return made.json().codes as readonly string[];
}

/** The challenge that opening this page asks for. */
export async function challengeOf(client: Client, path = '/visits/v1'): Promise<string> {
  const refused = await client.get(path);
  if (refused.status !== 401) throw new Error(`Nothing was asked: ${refused.status} ${refused.text}`);
  return String(refused.json().challengeId);
}

/** Begins to answer a challenge with a passkey: the request for the device. */
export async function beginPasskey(client: Client, challengeId: string): Promise<PasskeyRequest['options']> {
  const begun = await client.post(VERIFY, { json: { challengeId, factor: 'passkey' } });
  if (begun.status !== 200) throw new Error(`Nothing was begun: ${begun.status} ${begun.text}`);
  return (begun.json().invitation as PasskeyRequest).options;
}

export const sendPasskey = (client: Client, challengeId: string, response: CredentialJson): Promise<Answer> =>
  client.post(VERIFY, { json: { challengeId, factor: 'passkey', response } });

/** Begins, asks the device and sends its answer. */
export async function answerByPasskey(
  host: Host,
  client: Client,
  device: SoftwareAuthenticator,
  challengeId: string,
  misbehaviour: Misbehaviour = {},
): Promise<Answer> {
  const { challenge } = await beginPasskey(client, challengeId);
  return await sendPasskey(client, challengeId, device.get({ ...siteOf(host), challenge, ...misbehaviour }));
}

export const answerByCode = (client: Client, challengeId: string, factor: string, code: string): Promise<Answer> =>
  client.post(VERIFY, { json: { challengeId, factor, code } });

/** The step-up that a change of the user's own factors asks for. */
export async function accountChallenge(client: Client, factor: string): Promise<string> {
  const asked = await client.post(ENROL, { json: { factor } });
  if (asked.json().code !== 'step_up_required') throw new Error(`Nothing was asked: ${asked.status} ${asked.text}`);
  return String(asked.json().challengeId);
}
