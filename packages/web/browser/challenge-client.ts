import type { Challenge, StepUpProblem } from './problem.ts';

/** A factor that can answer. */
export interface OfferedFactor {
  readonly factor: string;
  /** The code counts only together with the person's password. */
  readonly withPassword: boolean;
  readonly answeredBy: 'code' | 'ceremony';
}

/** What a challenge is for: `GET {api}/auth/mfa/challenges/:id`. */
export interface ChallengeDescription {
  /** What it asks is met by now: the request can be sent again. */
  readonly met: boolean;
  readonly action: string;
  readonly categoryNames: readonly string[];
  readonly patientLabel?: string | null;
  readonly summary?: {
    readonly title: string;
    readonly lines: readonly { readonly label: string; readonly value: string }[];
  } | null;
  readonly factors: readonly OfferedFactor[];
}

export type Reply<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: StepUpProblem };

export interface Begun {
  readonly invitation?: { readonly options?: unknown };
}

export interface Verified {
  readonly verified: true;
  /** What is left of a factor that is used up. */
  readonly remaining?: number;
}

/** Our JSON API, as far as one challenge needs it. Nothing here throws: what fails is a problem too. */
export class ChallengeClient {
  readonly #challenge: Challenge;
  readonly #fetch: typeof fetch;
  readonly #signal: AbortSignal;

  constructor(challenge: Challenge, send: typeof fetch, signal: AbortSignal) {
    this.#challenge = challenge;
    this.#fetch = send;
    this.#signal = signal;
  }

  describe(): Promise<Reply<ChallengeDescription>> {
    return this.#send(`/auth/mfa/challenges/${encodeURIComponent(this.#challenge.id)}`, { method: 'GET' });
  }

  begin(factor: string): Promise<Reply<Begun>> {
    return this.#verify({ factor });
  }

  answer(factor: string, members: Readonly<Record<string, unknown>>): Promise<Reply<Verified>> {
    return this.#verify({ ...members, factor });
  }

  #verify<T>(members: Readonly<Record<string, unknown>>): Promise<Reply<T>> {
    return this.#send('/auth/mfa/verify', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...members, challengeId: this.#challenge.id }),
    });
  }

  async #send<T>(path: string, init: RequestInit & { headers?: Record<string, string> }): Promise<Reply<T>> {
    const send = this.#fetch;
    try {
      const response = await send(`${this.#challenge.api}${path}`, {
        ...init,
        headers: { ...init.headers, accept: 'application/json' },
        credentials: 'same-origin',
        cache: 'no-store',
        redirect: 'error',
        signal: this.#signal,
      });
      const value = await response.json();
      return response.ok ? { ok: true, value } : { ok: false, problem: value };
    } catch {
      return { ok: false, problem: { code: 'unreachable', status: 0 } };
    }
  }
}
