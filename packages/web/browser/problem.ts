/** A problem document (RFC 9457) of Countersign. The members that are not listed are there too. */
export interface StepUpProblem {
  /** Stable: see the page of error codes. */
  readonly code: string;
  readonly status: number;
  /** For a developer, in English. */
  readonly detail?: string;
  readonly retryAfterSeconds?: number;
  readonly attemptsLeft?: number;
  /** With `factor_required`: where to add one. */
  readonly enrolmentUrl?: string;
  readonly challengeId?: string;
  /** The page of the challenge. */
  readonly challengeUrl?: string;
  /** Where emergency access is asked for, where this person may. */
  readonly emergencyUrl?: string;
  /** The base of Countersign's JSON API. */
  readonly apiUrl?: string;
}

/** The problem that a response of our own origin holds, or null. The response itself stays unread. */
export async function problemOf(response: Response): Promise<StepUpProblem | null> {
  const { status, headers, url } = response;
  // A response that a service worker or a test made has no address, and is the page's own.
  const ours = url === '' || isOurs(url);
  if (status < 400 || !ours || !/^application\/problem\+json\b/i.test(headers.get('content-type') ?? '')) return null;
  if (response.bodyUsed) return null;
  try {
    const problem: unknown = await response.clone().json();
    return isProblem(problem) ? problem : null;
  } catch {
    return null;
  }
}

/** Whether a parsed body is a problem document of ours. */
export const isProblem = (value: unknown): value is StepUpProblem =>
  typeof value === 'object' && value !== null && 'code' in value && typeof value.code === 'string';

/** An open challenge, as a refusal names it. */
export interface Challenge {
  readonly id: string;
  readonly page: string;
  readonly api: string;
  readonly emergency: string | null;
}

/**
 * Where a refused request can be confirmed; null where the refusal names no challenge, or one of another origin: a code is
 * typed for this site alone, whatever a response says.
 */
export function challengeOf(problem: StepUpProblem, apiPath?: string): Challenge | null {
  const { code, challengeId, challengeUrl, emergencyUrl } = problem;
  const api = apiPath ?? problem.apiUrl;
  if (code !== 'step_up_required' || typeof challengeId !== 'string') return null;
  if (typeof challengeUrl !== 'string' || typeof api !== 'string') return null;
  if (!isOurs(challengeUrl) || !isOurs(api)) return null;
  return {
    id: challengeId,
    page: challengeUrl,
    api: new URL(api, location.href).href.replace(/\/$/, ''),
    emergency: typeof emergencyUrl === 'string' && isOurs(emergencyUrl) ? emergencyUrl : null,
  };
}

const isOurs = (url: string): boolean => {
  const parsed = URL.canParse(url, location.href) ? new URL(url, location.href) : null;
  return parsed?.origin === location.origin && /^https?:$/.test(parsed.protocol);
};
