import { once } from 'node:events';
import { type AuditEventInput, auditTextFields } from '@countersign/core';
import type { Sql } from 'postgres';
import { accessEvent } from './access-event.ts';
import { eventId } from './event-id.ts';

const stream = eventId();
let index = 0;
const hash = Buffer.alloc(32, 7);
const columns = ['stream', 'index', 'id', 'at', ...auditTextFields.map(snakeCase), 'hash'].map((name) => `"${name}"`);
const insertText = `insert into inserted (${columns}) values (${columns.map((_, at) => `$${at + 1}`)})`;

/** One row by one statement, committed by itself. */
export async function insertOne(sql: Sql): Promise<void> {
  index += 1;
  const event = accessEvent();
  const texts = auditTextFields.map((field) => event[field] ?? null);
  const values = [stream, index, eventId(), new Date().toISOString(), ...texts, hash];
  await sql.unsafe(insertText, values as string[], { prepare: true });
}

/** So many rows by one COPY: what no design over the same driver, table and indexes gets past. */
export async function copyOf(sql: Sql, size: number): Promise<void> {
  const copy = await sql.unsafe(`copy copied (${columns}) from stdin`).writable();
  const lines = Array.from({ length: size }, () => copyLine(accessEvent()));
  copy.end(lines.join(''));
  await once(copy, 'finish');
}

function copyLine(event: AuditEventInput): string {
  index += 1;
  const texts = auditTextFields.map((field) => event[field] ?? '\\N');
  const values = [stream, index, eventId(), new Date().toISOString(), ...texts, `\\\\x${hash.toString('hex')}`];
  return `${values.join('\t')}\n`;
}

function snakeCase(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
