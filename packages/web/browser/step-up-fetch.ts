import { type CountersignDialog, countersignDialog } from './countersign-dialog.ts';
import type { DialogWordOverrides } from './dialog-language.ts';
import { challengeOf, problemOf, type StepUpProblem } from './problem.ts';

export interface StepUpOptions {
  /** Path of Countersign's JSON API on this origin. Default: as the refusal says. */
  readonly apiPath?: string;
  /** BCP 47. Default: `<html lang>`. English and Spanish ship. */
  readonly lang?: string;
  /** Words of the host's own, over those that ship. */
  readonly words?: DialogWordOverrides;
  /** Sends the request, and the dialog's own: for a host that adds a header to each, such as its CSRF token. Default: `fetch`. */
  readonly fetch?: typeof fetch;
  /**
   * Told of a refusal that no dialog cures, before its response is returned: `factor_required` (go to `enrolmentUrl`),
   * `session_locked`, `sign_in_required` and others. See the page of error codes.
   */
  readonly onRefused?: (problem: StepUpProblem) => void;
}

/** Against a server that refuses without end: none of ours does. */
const MOST_SENDS = 6;

/**
 * `fetch`, with a dialog where the server asks for a second factor: after the answer the request goes out once more, with the
 * method, headers and body it had, and its response is the result. Cancelled, the result is the refusal (401). Whatever else the
 * server answers is returned untouched.
 *
 * Rejects as `fetch` does; with the signal's reason when aborted, also while the dialog is open; and with a TypeError for a
 * stream as `body`, which cannot be sent twice.
 */
export async function stepUpFetch(
  input: RequestInfo | URL,
  init?: RequestInit,
  options: StepUpOptions = {},
): Promise<Response> {
  if (init?.body instanceof ReadableStream) {
    throw new TypeError(
      'stepUpFetch may have to send the body twice: give a Blob or an ArrayBuffer in place of a stream.',
    );
  }
  const { fetch: send = fetch, lang, words } = options;
  const signal = init?.signal ?? (input instanceof Request ? input.signal : null);
  // A Request's body is read by sending it: a copy goes out, and the original stays for the next time.
  const sendAgain = () => send(input instanceof Request ? input.clone() : input, init);
  let last = false;
  for (let sends = 1; ; sends++) {
    const before = confirmations();
    const response = await sendAgain();
    const problem = await problemOf(response);
    if (problem === null) return response;
    const challenge = challengeOf(problem, options.apiPath);
    if (challenge === null) {
      if (isRefusal(problem)) options.onRefused?.(problem);
      return response;
    }
    if (last || sends >= MOST_SENDS) return response;
    // Confirmed while this request was on its way: perhaps for it too.
    if (confirmations() !== before) continue;
    const outcome = await countersignDialog().ask({ challenge, send, lang, words, signal });
    if (outcome === 'cancelled') return response;
    last = outcome === 'confirmed';
  }
}

const isRefusal = ({ status }: StepUpProblem): boolean => status === 401 || status === 403 || status === 429;

const confirmations = (): number => document.querySelector<CountersignDialog>('countersign-dialog')?.confirmations ?? 0;
