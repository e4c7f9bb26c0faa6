import type { ErrorCode } from '../errors/codes.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { AuditWriter } from './writer.ts';

/** What a sink is given. */
export type SinkKind = 'checkpoints' | 'events';

/** Why a sink counts as failed: a code of ours, or one of these. Never the text of an error, which may hold what was to be sent. */
export type SinkFault = 'rejected' | 'no-answer' | 'behind' | 'missing';

/**
 * Whether a sink takes what it is given. Tells the audit log when that changes, and only then: a sink that is away for a night makes
 * two events, not thousands.
 */
export class SinkHealth {
  readonly #name: string;
  readonly #kind: SinkKind;
  readonly #audit: Pick<AuditWriter, 'appendBehind'>;
  #failing = false;

  constructor(name: string, kind: SinkKind, audit: Pick<AuditWriter, 'appendBehind'>) {
    this.#name = name;
    this.#kind = kind;
    this.#audit = audit;
  }

  get failing(): boolean {
    return this.#failing;
  }

  /** Call it for every failure. */
  failed(reason: SinkFault | ErrorCode): void {
    if (this.#failing) return;
    this.#failing = true;
    this.#tell('AUDIT_SINK_FAILED', 'failure', reason, {});
  }

  /** Call it for every success, with what is to be known of the time in between. */
  succeeded(counts: Readonly<Record<string, number>> = {}): void {
    if (!this.#failing) return;
    this.#failing = false;
    this.#tell('AUDIT_SINK_RECOVERED', 'success', null, counts);
  }

  #tell(
    code: 'AUDIT_SINK_FAILED' | 'AUDIT_SINK_RECOVERED',
    outcome: 'failure' | 'success',
    reason: string | null,
    counts: Readonly<Record<string, number>>,
  ): void {
    const details = JSON.stringify({ sink: this.#name, kind: this.#kind, ...counts });
    // Kept while the database is away; nobody waits for it.
    this.#audit.appendBehind({ code, outcome, workspaceId: null, userId: null, reason, details })?.catch(() => {});
  }
}

/** Why a call of a sink was in vain, as `reason` of the event. */
export const sinkFaultOf = (error: unknown): SinkFault | ErrorCode =>
  CountersignError.is(error) ? error.code : 'rejected';
