/**
 * Something to do outside the database, kept beside the rows that decided it: it is done if they were committed, and only then.
 * Jobs are not sealed: they say by ids what happened, and hold no name, reason, patient or address.
 */
export interface OutboxJob {
  /** `emergency-notice`: tell the administrators. `emergency-digest`: of several at once. `emergency-message`: one recipient, one channel. */
  readonly kind: 'emergency-notice' | 'emergency-digest' | 'emergency-message';
  readonly workspaceId: string;
  /** JSON. */
  readonly content: string;
}

/** When a job is handed over. */
export interface OutboxTiming {
  /** Whole seconds from now. Default 0: at once. */
  readonly afterSeconds?: number;
  /** Of jobs that are put in under the same name, the first alone is kept. */
  readonly once?: string;
}

/** A job in the hands of a worker. */
export interface OutboxTask {
  /** UUID. */
  readonly id: string;
  readonly job: OutboxJob;
  /** 1 for the first try. */
  readonly attempt: number;
  /** Why it was given up, where it was: then it is handed over one more time, for that to be told. Null: it is to be done. */
  readonly givenUp: string | null;
}

/** `done`, or why another try is of no use. Rejecting asks for another try, later and later, and at last gives the job up. */
export type OutboxResult = 'done' | { readonly giveUp: string };

/** How the outbox stands. */
export interface OutboxState {
  /** Jobs that are not done, those that are under way or not due yet included. */
  readonly waiting: number;
  /** How long the one that waits longest has been due; null: none is. */
  readonly oldestSeconds: number | null;
  /** Jobs that were given up within a day. */
  readonly dead: number;
}

/** Jobs that `StoreTransaction.enqueue` has put in. Any number of processes work on them; each is handed to one at a time. */
export interface Outbox {
  /** Rejects with `store_not_migrated` unless its tables are at this release's version; makes them where the store may migrate. */
  ready(): Promise<void>;
  /**
   * Hands jobs to `handler`, a few at a time: at once where this process put them in, within a second or so otherwise. A job whose
   * worker is gone is handed over again after some minutes, so that what was done and not finished is done twice.
   *
   * `close` hands over no more, and waits up to 5 s for what is under way.
   */
  work(handler: (task: OutboxTask) => Promise<OutboxResult>): Promise<{ close(): Promise<void> }>;
  state(): Promise<OutboxState>;
}
