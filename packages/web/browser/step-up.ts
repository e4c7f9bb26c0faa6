/**
 * For pages of the host: `stepUpFetch` in place of `fetch`. Nothing happens on import; the dialog's element is defined when it is
 * first needed.
 */
export { confirmStepUp } from './confirm-step-up.ts';
export type { DialogWords, PluralText } from './dialog-words.ts';
export type { StepUpProblem } from './problem.ts';
export { type StepUpOptions, stepUpFetch } from './step-up-fetch.ts';
