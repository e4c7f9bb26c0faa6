import { type ErrorCode, errorCodes } from './codes.ts';

/** Facts that travel with an error. All of them are safe to show. */
export interface ErrorDetails {
  /** The option or field that is at fault. */
  readonly field?: string;
  /** What to do about it, in a sentence. */
  readonly cure?: string;
  /** Seconds to wait; becomes `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** Further members of the problem document. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/**
 * The one class of errors that Countersign throws. Told apart by `code`, never by the text of the message.
 * `detail` is safe to show; `cause` is not, and goes to no client.
 */
export class CountersignError extends Error {
  override readonly name: string = 'CountersignError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails & { readonly detail?: string; readonly cause?: unknown } = {}) {
    const { detail, cause, ...rest } = details;
    const sentence = detail ?? errorCodes[code].message;
    super(rest.cure === undefined ? sentence : `${sentence} ${rest.cure}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = errorCodes[code].status;
    this.details = rest;
  }

  /** Where this code is explained, relative to the documentation's root. */
  get help(): string {
    return `docs/error-codes.md#${this.code}`;
  }

  /** Whether a value is one of ours, also when two copies of the package are loaded. */
  static is(value: unknown): value is CountersignError {
    return (
      value instanceof Error &&
      'code' in value &&
      typeof value.code === 'string' &&
      Object.hasOwn(errorCodes, value.code) &&
      'details' in value
    );
  }
}
