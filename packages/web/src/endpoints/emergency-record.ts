import type { AuditRecord, PatientEmergencyRecord, SessionPrincipal } from '@countersign/core';
import { z } from 'zod';
import type { AccessRow } from '../pages/pages.ts';
import type { Web } from '../web.ts';

/** What a patient may be given: no review, no note, nobody but who opened it. */
export const emergencyRecordSchema = z.object({
  emergencyAccessId: z.string(),
  patientId: z.string().nullable(),
  who: z.string(),
  from: z.iso.datetime(),
  until: z.iso.datetime(),
  why: z.string(),
  purposeOfUse: z.string(),
  recipient: z.string().nullable(),
  facility: z.string().nullable(),
  nature: z.string().nullable(),
  opened: z.array(
    z.object({
      at: z.iso.datetime(),
      action: z.string().nullable(),
      /** Names; ids of those that are no longer declared. */
      categories: z.array(z.string()),
      /** The route's template. */
      route: z.string().nullable(),
    }),
  ),
});

export type EmergencyRecord = z.output<typeof emergencyRecordSchema>;

/** What happened under an emergency access, oldest first, with the categories' names. */
export async function accessRows(web: Web, principal: SessionPrincipal, id: string): Promise<readonly AccessRow[]> {
  const events = await web.countersign.emergency.accesses(principal, id);
  const row = (event: AuditRecord): AccessRow => ({
    id: event.id,
    at: new Date(event.at),
    code: event.code,
    action: event.action,
    categories: namesOf(web, event.categories?.split(',') ?? []),
    route: event.route === null ? null : `${event.method ?? ''} ${event.route}`.trim(),
  });
  return events.map(row).reverse();
}

/** The record of a clinical emergency access, as it leaves. On the log before it does: whoever takes a part of it away leaves a trace. */
export async function takeRecord(
  web: Web,
  principal: SessionPrincipal,
  id: string,
  format: 'page' | 'csv' | 'json',
): Promise<EmergencyRecord> {
  const { audit, emergency } = web.countersign;
  const record = await emergency.patientRecord(principal, id);
  const { patientId } = await emergency.find(principal, id);
  const { workspaceId, userId, actor } = principal;
  const who = { workspaceId, userId, actorId: actor?.userId ?? null, ...principal.request };
  const details = JSON.stringify({ format, record: 'emergency-access' });
  const event = { code: 'AUDIT_EXPORTED', outcome: 'success', patientId, emergencyAccessId: id, details } as const;
  await audit.append([{ ...who, ...event }]);
  return recordOf(web, id, patientId, record);
}

function recordOf(web: Web, id: string, patientId: string | null, record: PatientEmergencyRecord): EmergencyRecord {
  return {
    emergencyAccessId: id,
    patientId,
    ...record,
    from: record.from.toISOString(),
    until: record.until.toISOString(),
    opened: record.opened.map(({ at, categories, ...access }) => ({
      ...access,
      at: at.toISOString(),
      categories: namesOf(web, categories),
    })),
  };
}

const namesOf = (web: Web, ids: readonly string[]): string[] =>
  ids.map((id) => web.countersign.configuration.categories.get(id)?.name ?? id);

/** One line per access, each with what is common to all, so that a line alone says everything. */
export function recordCsv({ opened, ...common }: EmergencyRecord): string {
  const names = [...Object.keys(common), 'openedAt', 'action', 'categories', 'route'];
  const lines = opened.map(({ at, action, categories, route }) => [
    ...Object.values(common),
    at,
    action,
    categories.join('; '),
    route,
  ]);
  return `${[names, ...lines].map((cells) => cells.map(cellOf).join(',')).join('\r\n')}\r\n`;
}

/** RFC 4180 §2. What a spreadsheet would take for a formula gets an apostrophe in front. */
function cellOf(value: string | null): string {
  const text = value ?? '';
  const inert = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}
