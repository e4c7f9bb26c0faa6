import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './countersign-api.generated.ts';

type Challenge = components['schemas']['ChallengeReply'];
type Problem = components['schemas']['Problem'];

/** @param baseUrl the `apiUrl` of refusals, such as `/api/v1` */
export const countersignApi = (baseUrl: string, fetch?: typeof globalThis.fetch): Client<paths> =>
  createClient<paths>({ baseUrl, ...(fetch === undefined ? {} : { fetch }) });

/** Sends a request. Where a step-up is asked, it asks the person for a code, answers, and sends the request once more. */
export async function sendConfirmed(
  api: Client<paths>,
  send: () => Promise<Response>,
  askCode: (challenge: Challenge) => Promise<string | null>,
): Promise<Response> {
  const refused = await send();
  if (refused.status !== 401) return refused;
  const { code: why, challengeId } = (await refused.clone().json()) as Problem;
  if (why !== 'step_up_required' || challengeId === undefined) return refused;

  const params = { path: { id: challengeId } };
  const { data: challenge } = await api.GET('/auth/mfa/challenges/{id}', { params });
  const factor = challenge?.factors.find((one) => one.answeredBy === 'code' && !one.withPassword)?.factor;
  if (challenge === undefined || factor === undefined) return refused;
  const code = await askCode(challenge);
  if (code === null) return refused;

  const answer = await api.POST('/auth/mfa/verify', { body: { challengeId, factor, code } });
  // By its code and not by its text: `code_incorrect`, `attempts_delayed`, `challenge_unknown`, …
  if (answer.error !== undefined) throw new Error(answer.error.code);
  return await send();
}
