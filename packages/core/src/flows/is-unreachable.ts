import { CountersignError } from '../errors/countersign-error.ts';

/** Whether the database could not be reached, or did not answer in time. */
export const isUnreachable = (error: unknown): error is CountersignError =>
  CountersignError.is(error) && (error.code === 'store_unavailable' || error.code === 'store_wait_exceeded');
