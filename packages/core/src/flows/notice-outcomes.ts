import { parseDetails } from '../audit/details.ts';
import type { AuditRecord } from '../audit/event.ts';
import type { NoticeChannel } from '../notices/emergency-notice.ts';

/** What became of one notice to one person. */
export interface NoticeOutcome {
  /** Null where nobody could be found to tell. */
  readonly userId: string | null;
  /** Null: none at all. */
  readonly channel: NoticeChannel | null;
  /** `emergency-access-started`, … */
  readonly kind: string;
  readonly at: Date;
  /** Why it was given up; null: it was delivered. */
  readonly failure: string | null;
}

/**
 * The notices among the events of an emergency access (`countersign.emergency.accesses`), for whoever reviews it: those that were
 * handed over, and those that were given up.
 */
export function noticeOutcomes(records: readonly AuditRecord[]): readonly NoticeOutcome[] {
  return records.flatMap((record) => {
    const { code, userId, at, reason } = record;
    if (code !== 'NOTICE_DELIVERED' && code !== 'NOTICE_FAILED') return [];
    const details = parseDetails(record.details);
    const { kind, channel } = (typeof details === 'object' && details !== null ? details : {}) as Record<
      string,
      unknown
    >;
    return [
      {
        userId,
        channel: channel === 'mail' || channel === 'sms' ? channel : null,
        kind: typeof kind === 'string' ? kind : '',
        at: new Date(at),
        failure: code === 'NOTICE_FAILED' ? (reason ?? 'internal') : null,
      },
    ];
  });
}
