/**
 * A place that checkpoints are brought to, so that what they cover can be proved without trusting the database: one that its
 * administrators cannot write to, or cannot change what was written.
 */
export interface CheckpointSink {
  /** Names it in audit events, in its lag and in what an operator reads. No address and no secret. */
  readonly name: string;
  /**
   * Brings one checkpoint there: a signed note (C2SP tlog-checkpoint), text that ends with a new line. One call at a time; where the
   * sink is slower than checkpoints are made, the newest is brought next, and those between are left out. A rejection is told on
   * the log once, and the newest is tried again. Give up after a bounded time: nothing else ends a call.
   */
  deliver(checkpoint: string, about: CheckpointAbout): Promise<void>;
}

/** What a checkpoint covers. */
export interface CheckpointAbout {
  /** Events in the tree. A greater size covers all of a smaller one. */
  readonly size: number;
  /** When it was signed. */
  readonly at: Date;
}

/** How far a sink is behind. */
export interface CheckpointSinkState {
  readonly name: string;
  /** `failing`: the last delivery was rejected, or lasts for longer than a minute. */
  readonly state: 'unused' | 'current' | 'behind' | 'failing';
  /** Size and time of the newest checkpoint that was brought there by this process. */
  readonly delivered: CheckpointAbout | null;
  /** Age, in seconds, of the oldest checkpoint that is newer than what was delivered; 0 where there is none. */
  readonly lagSeconds: number;
}
