import { CountersignError } from '@countersign/core';
import {
  AuthorizationResponseError,
  allowInsecureRequests,
  ClientError,
  ClientSecretPost,
  type Configuration,
  discovery,
  enableNonRepudiationChecks,
  ResponseBodyError,
} from 'openid-client';
import type { ResolvedRecheckOptions } from './recheck-options.ts';

/** How long what the provider says of itself is kept. Its keys are fetched anew by themselves where an unknown one signs. */
const DISCOVERY_SECONDS = 3600;
/** Before a provider that was away is asked again: nobody else waits for its time-out meanwhile. */
const PAUSE_SECONDS = 5;

/** One provider: what it says of itself, asked for once and kept. */
export class Provider {
  readonly #options: ResolvedRecheckOptions;
  #known: { readonly configuration: Configuration; readonly at: number } | null = null;
  #asking: Promise<Configuration> | null = null;
  #failedAt: number | null = null;

  constructor(options: ResolvedRecheckOptions) {
    this.#options = options;
  }

  /** Throws `identity_provider_unavailable`. */
  async configuration(now: number): Promise<Configuration> {
    const known = this.#known;
    if (known !== null && Math.abs(now - known.at) < DISCOVERY_SECONDS * 1000) return known.configuration;
    if (this.#failedAt !== null && Math.abs(now - this.#failedAt) < PAUSE_SECONDS * 1000) {
      if (known !== null) return known.configuration;
      throw unavailable('away');
    }
    this.#asking ??= this.#discover(now).finally(() => {
      this.#asking = null;
    });
    try {
      return await this.#asking;
    } catch (error) {
      // Out of date, and still better than nothing: whoever signs is checked all the same.
      if (known !== null) return known.configuration;
      throw error;
    }
  }

  async #discover(now: number): Promise<Configuration> {
    const { issuer, clientId, clientSecret, clientAuthentication, timeoutSeconds, allowInsecure } = this.#options;
    try {
      const configuration = await discovery(
        new URL(issuer),
        clientId,
        undefined,
        clientAuthentication ?? ClientSecretPost(clientSecret),
        {
          timeout: timeoutSeconds,
          // The signature too, though the token comes straight from the provider (OpenID Connect Core 1.0 §3.1.3.7).
          execute: [enableNonRepudiationChecks, ...(allowInsecure ? [allowInsecureRequests] : [])],
        },
      );
      this.#known = { configuration, at: now };
      this.#failedAt = null;
      return configuration;
    } catch (error) {
      this.#failedAt = now;
      throw unavailable(kindOf(error));
    }
  }
}

/** What a failed exchange of a code means: a refusal's reason for the audit log; throws where the provider is at fault. */
export function refusalReason(error: unknown): string {
  if (error instanceof AuthorizationResponseError) return answers.get(error.error) ?? 'provider-error';
  if (error instanceof ResponseBodyError) {
    if (error.error === 'invalid_grant') return 'code-refused';
    throw unavailable(error.error);
  }
  if (error instanceof ClientError && !faults.has(error.code ?? '')) return 'id-token-refused';
  throw unavailable(kindOf(error));
}

/** What a provider may say in place of a code (RFC 6749 §4.1.2.1, OpenID Connect Core 1.0 §3.1.2.6): the ones worth telling apart. */
const answers: ReadonlyMap<string, string> = new Map([
  ['access_denied', 'access-denied'],
  ['login_required', 'login-required'],
  ['interaction_required', 'interaction-required'],
  ['unmet_authentication_requirements', 'unmet-authentication-requirements'],
]);

/** Errors of openid-client that tell of the provider or the network, and nothing of the answer. */
const faults: ReadonlySet<string> = new Set([
  '',
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
  'OAUTH_UNSUPPORTED_OPERATION',
  'OAUTH_HTTP_REQUEST_FORBIDDEN',
]);

/** For the host's log: what kind of failure, and nothing that was sent. */
const kindOf = (error: unknown): string =>
  error instanceof ClientError ? (error.code ?? 'failed') : error instanceof Error ? error.name : 'failed';

function unavailable(kind: string): CountersignError {
  const cause = new Error(`OpenID Connect: ${/^\w{1,60}$/.test(kind) ? kind : 'failed'}`);
  return new CountersignError('identity_provider_unavailable', { retryAfterSeconds: PAUSE_SECONDS, cause });
}
