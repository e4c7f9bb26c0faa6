import {
  type AuditCriteria,
  type AuditFindings,
  type AuditPlace,
  type AuditRecord,
  type AuditSearch,
  type AuditSort,
  type AuditSortField,
  CountersignError,
} from '@countersign/core';
import { and, asc, type Column, desc, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { instantOf, recordColumns, toRecord } from './audit-records.ts';
import type { Session } from './database.ts';
import { auditEvent, isMark, markCodes } from './schema.ts';

const DEFAULT_LIMIT = 100;
const GREATEST_LIMIT = 1000;
/** Rows that one call looks at: what a server reads in a fraction of `waitSeconds`, however long the log is. */
export const MOST_LOOKED_AT = 100_000;

const NEWEST_FIRST: AuditSort = { field: 'at', descending: true };

export const limitOf = (limit: number | undefined): number =>
  Math.max(1, Math.min(Math.trunc(limit ?? DEFAULT_LIMIT), GREATEST_LIMIT));

/** The criteria that an index answers: they narrow what has to be looked at. */
export function indexedConditions(criteria: AuditCriteria): SQL[] {
  const { workspaceId, from, until, id, patientId, emergencyAccessId, codes } = criteria;
  const conditions: SQL[] = [eq(auditEvent.workspaceId, workspaceId)];
  if (from !== undefined) conditions.push(sql`${auditEvent.at} >= ${instantOf(from)}`);
  if (until !== undefined) conditions.push(sql`${auditEvent.at} < ${instantOf(until)}`);
  if (id !== undefined) conditions.push(eq(auditEvent.id, id));
  if (patientId !== undefined) conditions.push(eq(auditEvent.patientId, patientId));
  if (emergencyAccessId !== undefined) conditions.push(eq(auditEvent.emergencyAccessId, emergencyAccessId));
  if (codes?.every((code) => markCodes.has(code))) conditions.push(inArray(auditEvent.code, [...codes]), isMark);
  return conditions;
}

/** The criteria for which each row has to be looked at. */
export function otherConditions(criteria: AuditCriteria): SQL[] {
  const { userId, person, category, codes, outcome } = criteria;
  const conditions: SQL[] = [];
  if (userId !== undefined) conditions.push(eq(auditEvent.userId, userId));
  if (person !== undefined)
    conditions.push(sql`(${auditEvent.userId} = ${person} or ${auditEvent.actorId} = ${person})`);
  if (category !== undefined) conditions.push(sql`${category} = any(string_to_array(${auditEvent.categories}, ','))`);
  if (codes?.every((code) => markCodes.has(code)) === false) conditions.push(inArray(auditEvent.code, [...codes]));
  if (outcome !== undefined) conditions.push(eq(auditEvent.outcome, outcome));
  return conditions;
}

/** A page of the log in any order. Looks at a bounded number of rows. */
export async function searchEvents(session: Session, search: AuditSearch): Promise<AuditFindings> {
  const sort = search.sort ?? NEWEST_FIRST;
  const place = search.after ?? search.before ?? null;
  // The page before a record is the first one behind it in the opposite order, turned round.
  const backwards = search.after === undefined && search.before !== undefined;
  const walk = { session, search, place, backwards, descending: sort.descending !== backwards };
  const found = sort.field === 'at' ? await walkInTime(walk) : await walkSorted(walk, sort.field);
  return backwards ? { ...found, events: [...found.events].reverse() } : found;
}

interface Walk {
  readonly session: Session;
  readonly search: AuditSearch;
  readonly place: AuditPlace | null;
  readonly backwards: boolean;
  readonly descending: boolean;
}

const inTime = sql`(${auditEvent.at}, ${auditEvent.id})`;
const rowOf = ({ at, id }: AuditPlace) => sql`(${instantOf(at)}, ${id}::uuid)`;
const beyond = (descending: boolean) => (descending ? sql`<` : sql`>`);
const directed = (value: SQL | Column, descending: boolean) => (descending ? desc(value) : asc(value));
const byTime = (descending: boolean) => [directed(auditEvent.at, descending), directed(auditEvent.id, descending)];

/** Along the index, until the page is full or enough was looked at. */
async function walkInTime({ session, search, place, descending }: Walk): Promise<AuditFindings> {
  const limit = limitOf(search.limit);
  const range = indexedConditions(search);
  if (place !== null) range.push(sql`${inTime} ${beyond(descending)} ${rowOf(place)}`);
  const others = otherConditions(search);
  // Where every row that is looked at fits, a full page is the bound.
  const edge = others.length === 0 ? null : await lastLookedAt(session, range, descending);
  if (edge !== null) range.push(sql`not (${inTime} ${beyond(descending)} ${rowOf(edge)})`);
  const events = await select(session, and(...range, ...others), byTime(descending), limit + 1);
  const more = events.length > limit;
  return { events: more ? events.slice(0, limit) : events, further: more ? placeOf(events[limit - 1]) : edge };
}

/** The last row that may be looked at; null where there are fewer. */
async function lastLookedAt(session: Session, range: readonly SQL[], descending: boolean): Promise<AuditPlace | null> {
  const [row] = await session.queries
    .select({ at: recordColumns.at, id: auditEvent.id })
    .from(auditEvent)
    .where(and(...range))
    .orderBy(...byTime(descending))
    .offset(MOST_LOOKED_AT - 1)
    .limit(1);
  return row ?? null;
}

/** By a field that has no index: everything that the indexes leave is sorted, so there must not be too much of it. */
async function walkSorted(walk: Walk, field: AuditSortField): Promise<AuditFindings> {
  const { session, search, place, backwards, descending } = walk;
  const range = indexedConditions(search);
  if ((await lastLookedAt(session, range, true)) !== null) {
    throw new CountersignError('audit_sort_too_wide', { field: 'sort' });
  }
  const limit = limitOf(search.limit);
  const column: Column | undefined = auditEvent[field];
  if (column === undefined) throw new CountersignError('input_invalid', { field: 'sort' });
  // The same order on every database, whatever its locale.
  const value = column.getSQLType() === 'text' ? sql`${column} collate "C"` : sql`${column}`;
  if (place !== null) range.push(await beyondPlace(walk, place, column, value));
  const order = [directed(sql`(${column} is null)`, backwards), directed(value, descending), ...byTime(descending)];
  const events = await select(session, and(...range, ...otherConditions(search)), order, limit + 1);
  const more = events.length > limit;
  return { events: events.slice(0, limit), further: more ? placeOf(events[limit - 1]) : null };
}

/** What comes behind a record. Its value stays in the database: a cursor that carried it would grow with it, and could be forged. */
async function beyondPlace(
  { session, search, backwards, descending }: Walk,
  place: AuditPlace,
  column: Column,
  value: SQL,
): Promise<SQL> {
  const own = and(
    eq(auditEvent.workspaceId, search.workspaceId),
    eq(auditEvent.id, place.id),
    sql`${auditEvent.at} = ${instantOf(place.at)}`,
  );
  const [row] = await session.queries
    .select({ empty: sql<boolean>`${column} is null` })
    .from(auditEvent)
    .where(own)
    .limit(1);
  if (row === undefined) throw new CountersignError('input_invalid', { field: 'cursor' });
  const later = sql`${inTime} ${beyond(descending)} ${rowOf(place)}`;
  if (row.empty) {
    const empty = sql`(${column} is null and ${later})`;
    return backwards ? sql`(${column} is not null or ${empty})` : empty;
  }
  const held = sql`(select ${value} from ${auditEvent} where ${own})`;
  const filled = sql`(${value} ${beyond(descending)} ${held} or (${value} = ${held} and ${later}))`;
  return backwards ? sql`(${column} is not null and ${filled})` : sql`(${column} is null or ${filled})`;
}

async function select(
  session: Session,
  condition: SQL | undefined,
  order: readonly SQL[],
  count: number,
): Promise<readonly AuditRecord[]> {
  const rows = await session.queries
    .select(recordColumns)
    .from(auditEvent)
    .where(condition)
    .orderBy(...order)
    .limit(count);
  return rows.map(toRecord);
}

const placeOf = (record: AuditRecord | undefined): AuditPlace | null =>
  record === undefined ? null : { at: record.at, id: record.id };
