import type { CheckpointAbout, CheckpointSink } from '@countersign/core';
import { refusal, required } from './endpoint-url.ts';

/** An object to be stored under a lock. */
export interface LockedObject {
  /** `<prefix>00000000000000001234.txt`: the size, so that names sort as checkpoints do. */
  readonly key: string;
  readonly body: string;
  /** Until then the store must let nobody change or delete it. */
  readonly retainUntil: Date;
}

/** Options of {@link objectLockCheckpoints}. */
export interface ObjectLockCheckpointsOptions {
  /**
   * Stores an object, by whichever client you have: for S3 a PutObject with `ObjectLockMode: 'COMPLIANCE'`,
   * `ObjectLockRetainUntilDate` and `IfNoneMatch: '*'`. Reject where it is not stored; an object of that key that is there already is
   * no failure.
   */
  readonly put: (object: LockedObject) => Promise<unknown>;
  /** Days that an object is kept from changes. Default 2557, seven years. */
  readonly retainDays?: number;
  /** Before each key. Default `countersign/checkpoints/`. */
  readonly prefix?: string;
  /** Default `object-lock`. */
  readonly name?: string;
}

/** Brings each checkpoint to an object of its own in a store that lets nobody change it for some years, its owner included. */
export function objectLockCheckpoints(options: ObjectLockCheckpointsOptions): CheckpointSink {
  const { put, retainDays = 2557, prefix = 'countersign/checkpoints/' } = options;
  if (typeof put !== 'function')
    throw refusal('objectLockCheckpoints.put', 'is no function', 'Give one that stores an object.');
  if (!Number.isInteger(retainDays) || retainDays < 1 || retainDays > 36_525)
    throw refusal(
      'objectLockCheckpoints.retainDays',
      'is no whole number from 1 to 36525',
      'Leave it out, or correct it.',
    );
  return {
    name: required(options.name ?? 'object-lock', 'objectLockCheckpoints.name'),
    async deliver(body: string, { size, at }: CheckpointAbout) {
      const retainUntil = new Date(at.getTime() + retainDays * 86_400_000);
      await put({ key: `${prefix}${String(size).padStart(20, '0')}.txt`, body, retainUntil });
    },
  };
}
