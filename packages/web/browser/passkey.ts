// The WebAuthn part, apart from the rest: loaded when a passkey is really asked for.
import {
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  startAuthentication,
  startRegistration,
  WebAuthnAbortService,
} from '@simplewebauthn/browser';

/** Why there is no answer. `aborted`: we stopped it ourselves, and nothing is to be said. */
export type PasskeyProblem =
  | 'aborted'
  | 'cancelled'
  | 'already-added'
  | 'unsuitable'
  | 'unsupported'
  | 'insecure'
  | 'failed';

export type PasskeyOutcome = { readonly response: object } | { readonly problem: PasskeyProblem };

/** Answers a challenge with a passkey. `options`: `invitation.options` of our API. Never throws. */
export const answerPasskey = (options: unknown): Promise<PasskeyOutcome> =>
  ceremony(() => startAuthentication({ optionsJSON: options as PublicKeyCredentialRequestOptionsJSON }));

/** Makes a passkey. `options`: what the enrolment's invitation holds. Never throws. */
export const createPasskey = (options: unknown): Promise<PasskeyOutcome> =>
  ceremony(() => startRegistration({ optionsJSON: options as PublicKeyCredentialCreationOptionsJSON }));

/** Takes back what the browser is asking, where it is asking anything. */
export const stopPasskey = (): void => WebAuthnAbortService.cancelCeremony();

async function ceremony(start: () => Promise<object>): Promise<PasskeyOutcome> {
  if (!window.isSecureContext) return { problem: 'insecure' };
  if (typeof PublicKeyCredential !== 'function') return { problem: 'unsupported' };
  try {
    return { response: await start() };
  } catch (error) {
    return { problem: problemOf(error instanceof Error ? error.name : '') };
  }
}

/** WebAuthn L3 §5.1.3 and §5.1.4: what the browser's errors mean to a person. */
function problemOf(name: string): PasskeyProblem {
  switch (name) {
    // Declined, timed out, or no passkey: browsers do not tell these apart, on purpose (§14.5).
    case 'NotAllowedError':
      return 'cancelled';
    case 'AbortError':
      return 'aborted';
    case 'InvalidStateError':
      return 'already-added';
    case 'ConstraintError':
    case 'NotSupportedError':
      return 'unsuitable';
    case 'SecurityError':
      return 'insecure';
    default:
      return 'failed';
  }
}
