import type { AuditRecord } from './event.ts';

/**
 * A place outside the database where events go after their commit: a log server, a file, a webhook. It never holds up the event or
 * its row, and what it could not take is read from the table later.
 */
export interface EventSink {
  /** Tells it from the others, on the audit log. Up to 64 characters. */
  readonly name: string;
  /**
   * Takes committed events of one stream, in its order and without gaps; at most 500, never two calls at once. Resolve once all are
   * safe; reject where any may not be. Then the same ones come again, together with later ones, as they do after 30 s without an
   * answer: an event can come twice (tell them apart by `id`, or by `stream` and `index`), and is never left out.
   */
  deliver(events: readonly AuditRecord[]): Promise<void>;
}
