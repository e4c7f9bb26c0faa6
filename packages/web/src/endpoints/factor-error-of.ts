import { CountersignError, type ErrorCode } from '@countersign/core';
import type { FactorError } from '../pages/pages.ts';

const shown: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'code_malformed',
  'code_incorrect',
  'code_already_used',
  'answer_refused',
  'password_required',
  'enrolment_code_refused',
  'attempts_delayed',
  'factor_locked',
  'factor_disabled',
  'factor_not_accepted',
  'identity_provider_unavailable',
]);
/** Shown only when few are left: a number that is always there is read by nobody. */
const FEW = 5;

/** A refused answer as the page that asked shows it; null for errors that need a page of their own. */
export function factorErrorOf(error: unknown, factor: string): FactorError | null {
  if (!CountersignError.is(error)) return null;
  // What the input schema refuses is a slip in the same field.
  const code = error.code === 'input_invalid' && error.details.field === 'code' ? 'code_malformed' : error.code;
  if (!shown.has(code)) return null;
  const { retryAfterSeconds, extra } = error.details;
  const left = extra?.attemptsLeft;
  return {
    code,
    factor,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...(typeof left === 'number' && left <= FEW ? { attemptsLeft: left } : {}),
  };
}
