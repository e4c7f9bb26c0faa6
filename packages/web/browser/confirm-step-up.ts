import { countersignDialog } from './countersign-dialog.ts';
import { challengeOf, isProblem } from './problem.ts';
import type { StepUpOptions } from './step-up-fetch.ts';

/**
 * The dialog alone, for requests that do not go through `fetch`. `problem` is the parsed body of the refusal. Resolves with true where it is worth sending the request again:
 * the person has confirmed, or the challenge has ended meanwhile. False: cancelled, or not a refusal that can be confirmed here.
 */
export async function confirmStepUp(
  problem: unknown,
  options: StepUpOptions & { readonly signal?: AbortSignal } = {},
): Promise<boolean> {
  const challenge = isProblem(problem) ? challengeOf(problem, options.apiPath) : null;
  if (challenge === null) return false;
  const { fetch: send = fetch, lang, words, signal } = options;
  const outcome = await countersignDialog().ask({ challenge, send, lang, words, signal });
  return outcome !== 'cancelled';
}
