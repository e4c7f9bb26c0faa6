import { CountersignError } from '@countersign/core';
import { storeError } from './store-error.ts';

/** Calls that wait for the database at one time, beyond which further ones are refused at once: memory stays bounded. */
const MOST_WAITING = 1000;

/** Runs calls to the database so that each ends within `waitSeconds`, as one of our errors where it fails. */
export interface BoundedCalls {
  run<T>(work: () => Promise<T>): Promise<T>;
  readonly closed: boolean;
  /** From now on calls reject with `store_closed`. */
  close(): void;
}

export function boundedCalls(waitSeconds: number, waitCure: string): BoundedCalls {
  let closed = false;
  let waiting = 0;
  const waitExceeded = (detail: string) => new CountersignError('store_wait_exceeded', { detail, cure: waitCure });
  const closedError = () => new CountersignError('store_closed');

  return {
    get closed() {
      return closed;
    },
    close() {
      closed = true;
    },
    run(work) {
      if (closed) return Promise.reject(closedError());
      if (waiting >= MOST_WAITING) {
        return Promise.reject(waitExceeded(`${MOST_WAITING} calls are waiting for the database already.`));
      }
      waiting += 1;
      return new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(waitExceeded(`The database did not answer within ${waitSeconds} s.`)),
          waitSeconds * 1000,
        );
        // A call that was given up is counted until the driver has let go of it.
        const settled = () => {
          clearTimeout(timer);
          waiting -= 1;
        };
        started(work).then(
          (value) => {
            settled();
            resolve(value);
          },
          (error: unknown) => {
            settled();
            reject(closed ? closedError() : storeError(error, waitCure));
          },
        );
      });
    },
  };
}

/** Also what `work` throws before its first await becomes a rejection. */
async function started<T>(work: () => Promise<T>): Promise<T> {
  return await work();
}
