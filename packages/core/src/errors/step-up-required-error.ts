import type { Decision } from '../policy/decide.ts';
import type { OpenChallenge } from '../session-state/open-challenge.ts';
import type { ErrorCode } from './codes.ts';
import { CountersignError, type ErrorDetails } from './countersign-error.ts';

/** Thrown by `enforce` and by flows that need a fresh proof: the decision, and the challenge that was opened for it. */
export class StepUpRequiredError extends CountersignError {
  override readonly name = 'StepUpRequiredError';
  readonly decision: Decision;
  readonly challenge: OpenChallenge | null;

  constructor(code: ErrorCode, decision: Decision, challenge: OpenChallenge | null, details: ErrorDetails = {}) {
    super(code, details);
    this.decision = decision;
    this.challenge = challenge;
  }
}
