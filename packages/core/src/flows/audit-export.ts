import type { AuditRecord } from '../audit/event.ts';
import { type AuditExportFormat, auditExportWriter } from '../audit-export/export-formats.ts';
import type { AuditSearch } from '../store/store.ts';
import { demandAccountProof } from './account-authority.ts';
import type { AuditExamination } from './audit-examination.ts';
import type { Authorizer } from './authorize.ts';
import { eventOf, type Services, type SessionPrincipal } from './services.ts';

/** An export that has begun: it is on the log already. */
export interface AuditExport {
  readonly mediaType: string;
  readonly fileName: string;
  /**
   * The text, piece by piece, read from the database as it is taken. Take it once. Where it is left before its end, or the database
   * goes away, that is on the log too.
   */
  readonly body: AsyncIterable<string>;
}

export interface AuditExportOptions extends Omit<AuditExamination, 'limit' | 'cursor'> {
  readonly format: AuditExportFormat;
}

/** Events read at once, and so the most that are in memory. */
const PAGE = 500;
/** A piece is handed on when it is as long as this, in UTF-16 units. */
const PIECE = 65_536;

/** What an export asks: a fresh proof, as a change of settings does. Throws `StepUpRequiredError`. */
export async function demandExportProof(
  services: Services,
  authorizer: Authorizer,
  principal: SessionPrincipal,
  returnTo: string | null,
): Promise<void> {
  await demandAccountProof(services, authorizer, principal, { action: 'audit-export', returnTo });
}

/** Writes that the export begins, and gives its text. The caller has demanded a proof. */
export async function beginExport(
  { audit, configuration, store }: Services,
  principal: SessionPrincipal,
  { format, ...asked }: AuditExportOptions,
): Promise<AuditExport> {
  const { clock, ids, publicUrl } = configuration;
  const now = clock.now();
  const writer = auditExportWriter(format, publicUrl);
  const { sort, ...criteria } = asked;
  // What happens from here on is no part of it, or an export from the oldest on would never end.
  const search = { ...asked, workspaceId: principal.workspaceId, until: Math.min(asked.until ?? now + 1, now + 1) };
  const about = { export: ids(), format, filter: criteria, sort: sort ?? null };
  const tell = (outcome: 'success' | 'failure', reason: string, count: number | null) =>
    audit.append([
      eventOf(principal, null, {
        code: 'AUDIT_EXPORTED',
        outcome,
        action: 'audit-export',
        patientId: asked.patientId ?? null,
        reason,
        details: JSON.stringify(count === null ? about : { ...about, count }),
      }),
    ]);

  async function* written(): AsyncGenerator<string> {
    let count = 0;
    let end: 'finished' | 'aborted' | 'failed' = 'aborted';
    try {
      let piece = writer.begin;
      for await (const record of eventsOf(search)) {
        piece += writer.event(record, count === 0);
        count += 1;
        if (piece.length < PIECE) continue;
        yield piece;
        piece = '';
      }
      // The end is on the log before the reader has it: whoever holds a whole export, its count is known.
      await tell('success', 'finished', count);
      end = 'finished';
      yield piece + writer.end;
    } catch (error) {
      end = 'failed';
      throw error;
    } finally {
      if (end !== 'finished') await tell('failure', end, count).catch(() => {});
    }
  }

  async function* eventsOf(first: AuditSearch): AsyncGenerator<AuditRecord> {
    let search: AuditSearch = { ...first, limit: PAGE };
    while (true) {
      const { events, further } = await store.searchAudit(search);
      yield* events;
      if (further === null) return;
      search = { ...search, after: further };
    }
  }

  await tell('success', 'begun', null);
  const pieces = written();
  // The first piece is made before the reply begins: a database that is away is still an answer of its own then. It also makes the
  // generator one that knows when it is left.
  let held: IteratorResult<string> | null = await pieces.next();
  const body: AsyncIterable<string> = {
    [Symbol.asyncIterator]: () => ({
      async next() {
        const first = held;
        held = null;
        return first ?? (await pieces.next());
      },
      return: () => pieces.return(undefined),
    }),
  };
  const day = new Date(now).toISOString().slice(0, 10);
  return { mediaType: writer.mediaType, fileName: `audit-${day}.${writer.extension}`, body };
}
