import type { AuditRecord } from '../audit/event.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { AuditCriteria, AuditFindings, AuditSearch, AuditSort } from '../store/store.ts';
import { readAuditCursor, writeAuditCursor } from './audit-cursor.ts';
import { eventOf, type Services, type SessionPrincipal } from './services.ts';

/** What an administrator searches for in their own workspace. */
export interface AuditExamination extends Omit<AuditCriteria, 'workspaceId' | 'userId'> {
  /** Default: newest first. */
  readonly sort?: AuditSort;
  /** Default 100, at most 1,000. */
  readonly limit?: number;
  /** `next` or `previous` of a page. */
  readonly cursor?: string;
}

/** A page of the log. */
export interface AuditPage {
  readonly events: readonly AuditRecord[];
  /** The page that follows, as a cursor; null: there is none. Also where the search has found less than a page so far. */
  readonly next: string | null;
  readonly previous: string | null;
  /** How far was looked, where that was too much for one page; null: to the end, or until the page was full. */
  readonly lookedUntil: Date | null;
}

/** Who opened a patient's records. */
export interface PatientReport {
  readonly patientId: string;
  /** Newest first, at most 2,000: `ACCESS_ALLOWED`, `EXEMPTION_APPLIED`, and emergency access that was opened or has ended. */
  readonly accesses: readonly AuditRecord[];
  /** There are older ones: the period has to be shorter. */
  readonly more: boolean;
  /** By person, the most accesses first. */
  readonly people: readonly PatientReader[];
}

/** Somebody who opened a patient's records. */
export interface PatientReader {
  readonly userId: string | null;
  /** Under impersonation: the real person. */
  readonly actorId: string | null;
  readonly accesses: number;
  /** Of those: under emergency access. */
  readonly emergency: number;
  readonly first: Date;
  readonly last: Date;
}

/** What was opened, and under which basis. */
const ACCESSES = ['ACCESS_ALLOWED', 'EXEMPTION_APPLIED'] as const;
const EMERGENCIES = ['EMERGENCY_ACCESS_STARTED', 'EMERGENCY_ACCESS_ENDED'] as const;
const MOST_ACCESSES = 2000;
const PAGE = 1000;

/** A page of the principal's own workspace. Throws `input_invalid` (`cursor`), `audit_sort_too_wide`. */
export async function examineAudit(
  { store }: Services,
  { workspaceId }: SessionPrincipal,
  { cursor, ...asked }: AuditExamination,
): Promise<AuditPage> {
  const from = cursor === undefined ? null : readAuditCursor(cursor);
  const search: AuditSearch = {
    ...asked,
    workspaceId,
    ...(from === null ? {} : from.towards === 'next' ? { after: from.place } : { before: from.place }),
  };
  const found = await store.searchAudit(search);
  const { events } = found;
  const limit = search.limit ?? 100;
  const backwards = from?.towards === 'previous';
  // What lies on the side we come from is known to be there; where nothing is on this page, there is no record to go back from.
  const [first, last] = [events[0], events.at(-1)];
  const onwards = found.further && writeAuditCursor({ towards: backwards ? 'previous' : 'next', place: found.further });
  const back = backwards
    ? last && writeAuditCursor({ towards: 'next', place: last })
    : from && first && writeAuditCursor({ towards: 'previous', place: first });
  return {
    events,
    next: (backwards ? back : onwards) ?? null,
    previous: (backwards ? onwards : back) ?? null,
    lookedUntil: found.further !== null && events.length < limit ? new Date(found.further.at) : null,
  };
}

/** One event of the principal's own workspace. Throws `not_found`. */
export async function examineEvent(
  { store }: Services,
  { workspaceId }: SessionPrincipal,
  id: string,
): Promise<AuditRecord> {
  const known = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(id);
  const [event] = known ? await store.auditEvents({ workspaceId, id, limit: 1 }) : [];
  if (event === undefined) throw new CountersignError('not_found');
  return event;
}

/** Reads who opened a patient's records, and writes that it was read. */
export async function patientReport(
  { audit, store }: Services,
  principal: SessionPrincipal,
  asked: Pick<AuditCriteria, 'from' | 'until'> & { readonly patientId: string },
): Promise<PatientReport> {
  const { workspaceId } = principal;
  const { patientId, from, until } = asked;
  const accesses: AuditRecord[] = [];
  let further: AuditFindings['further'] = null;
  do {
    const limit = Math.min(PAGE, MOST_ACCESSES - accesses.length);
    const codes = [...ACCESSES, ...EMERGENCIES];
    const found = await store.searchAudit({ ...asked, workspaceId, codes, limit, ...(further && { after: further }) });
    accesses.push(...found.events);
    further = found.further;
  } while (further !== null && accesses.length < MOST_ACCESSES);
  const period = { from: isoOf(from), until: isoOf(until), accesses: accesses.length };
  const event = { code: 'AUDIT_EXAMINED', outcome: 'success', patientId, action: 'patient-report' } as const;
  await audit.append([eventOf(principal, null, { ...event, details: JSON.stringify(period) })]);
  return { patientId, accesses, more: further !== null, people: readersIn(accesses) };
}

/** Who stands behind accesses, newest first. Pure. */
export function readersIn(accesses: readonly AuditRecord[]): PatientReader[] {
  const readers = new Map<string, PatientReader>();
  for (const { code, at, userId, actorId, emergencyAccessId } of accesses) {
    if (!(ACCESSES as readonly string[]).includes(code)) continue;
    const key = JSON.stringify([userId, actorId]);
    const held = readers.get(key) ?? {
      userId,
      actorId,
      accesses: 0,
      emergency: 0,
      first: new Date(at),
      last: new Date(at),
    };
    readers.set(key, {
      ...held,
      accesses: held.accesses + 1,
      emergency: held.emergency + (emergencyAccessId === null ? 0 : 1),
      first: new Date(Math.min(held.first.getTime(), at)),
      last: new Date(Math.max(held.last.getTime(), at)),
    });
  }
  return [...readers.values()].sort((one, other) => other.accesses - one.accesses);
}

const isoOf = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());
