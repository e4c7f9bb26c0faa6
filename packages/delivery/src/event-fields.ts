import { type AuditRecord, auditTextFields } from '@countersign/core';

/** An event's fields as text, in the order of the log, those that are null left out; the time in ISO 8601, the hash in hex. */
export function eventFields(event: AuditRecord): readonly (readonly [name: string, value: string])[] {
  const own = auditTextFields.flatMap((name) => {
    const value = event[name];
    return value === null ? [] : [[name, value] as const];
  });
  return [
    ['id', event.id],
    ['at', new Date(event.at).toISOString()],
    ['stream', event.stream],
    ['index', String(event.index)],
    ['hash', Buffer.from(event.hash).toString('hex')],
    ...own,
  ];
}
