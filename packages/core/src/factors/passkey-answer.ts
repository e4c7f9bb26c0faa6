import { z } from 'zod';
import type { FactorAnswer } from './factor.ts';

/** JSON text of an answer, in characters. One with attestation `none` and a long credential id has about 3,000. */
const ANSWER_LENGTH = 16_384;

/** Bounded, so that nothing is decoded that could not be of use. Members that are not asked for are dropped. */
const base64url = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[A-Za-z0-9_-]+$/);

/** WebAuthn L3 §4: a credential id has at most 1,023 bytes. */
const credentialId = base64url(1364);
const outer = { id: credentialId, rawId: credentialId, type: z.literal('public-key') };
const clientDataJSON = base64url(4096);

const assertionSchema = z.object({
  ...outer,
  response: z.object({
    clientDataJSON,
    authenticatorData: base64url(4096),
    signature: base64url(2048),
    userHandle: base64url(128).nullish(),
  }),
});

const attestationSchema = z.object({
  ...outer,
  response: z.object({
    clientDataJSON,
    attestationObject: base64url(12_288),
    transports: z.array(z.string().max(32)).max(8).catch([]).optional(),
  }),
});

/** What the browser says it did (WebAuthn L3 §5.8.1). */
const clientDataSchema = z.object({
  type: z.string(),
  challenge: base64url(128),
  origin: z.string(),
  crossOrigin: z.boolean().optional(),
  topOrigin: z.string().optional(),
});

/** An answer to a request for an assertion (`AuthenticationResponseJSON`). */
export type PasskeyAssertion = z.output<typeof assertionSchema>;
/** An answer to a request for a new credential (`RegistrationResponseJSON`). */
export type PasskeyAttestation = z.output<typeof attestationSchema>;
/** The members of `clientDataJSON` that are looked at. */
export type PasskeyClientData = z.output<typeof clientDataSchema>;

/** The assertion in an answer; null where there is none. */
export const assertionOf = (answer: FactorAnswer): PasskeyAssertion | null => parsed(assertionSchema, answer.response);

/** The new credential in an answer; null where there is none. */
export const attestationOf = (answer: FactorAnswer): PasskeyAttestation | null =>
  parsed(attestationSchema, answer.response);

/** What the browser signed of itself; null where it is no JSON of the form. */
export function clientDataOf(response: { readonly clientDataJSON: string }): PasskeyClientData | null {
  const text = Buffer.from(response.clientDataJSON, 'base64url').toString('utf8');
  return parsed(clientDataSchema, text);
}

/** Of an object, as a JSON body has it, or of JSON text, as a form's field has it. */
function parsed<T>(schema: z.ZodType<T>, value: unknown): T | null {
  if (typeof value === 'string' && value.length > ANSWER_LENGTH) return null;
  try {
    const checked = schema.safeParse(typeof value === 'string' ? JSON.parse(value) : value);
    return checked.success ? checked.data : null;
  } catch {
    // No JSON; or an object that throws where it is looked at, such as a `length` that is no number.
    return null;
  }
}
