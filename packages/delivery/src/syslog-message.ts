import type { AuditRecord, CheckpointAbout } from '@countersign/core';
import { eventFields } from './event-fields.ts';

/** Who sends: parts of the header (RFC 5424 §6.2), printable ASCII each. */
export interface SyslogHeader {
  readonly hostname: string;
  readonly appName: string;
  /** The name of our structured data: `countersign@` and a private enterprise number (RFC 5424 §7.2.2). */
  readonly sdId: string;
}

/** log audit (RFC 5424 §6.2.1). */
const FACILITY = 13;
const NOTICE = 5;
const WARNING = 4;

/** An event as one message: its code as MSGID, its fields as structured data, no free text. */
export function eventMessage(event: AuditRecord, header: SyslogHeader): string {
  const severity = event.outcome === 'success' ? NOTICE : WARNING;
  const data = eventFields(event).map(([name, value]) => `${name}="${escaped(value)}"`);
  return message(severity, event.at, event.code, data.join(' '), header);
}

/** A checkpoint as one message; its lines are parted by `\\n`. */
export function checkpointMessage(checkpoint: string, { size, at }: CheckpointAbout, header: SyslogHeader): string {
  const data = `size="${size}" checkpoint="${escaped(checkpoint)}"`;
  return message(NOTICE, at.getTime(), 'CHECKPOINT', data, header);
}

/** With its length before it (RFC 5425 §4.3), so that no content can begin another message. */
export function framed(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([Buffer.from(`${bytes.length} `, 'ascii'), bytes]);
}

function message(severity: number, at: number, id: string, data: string, header: SyslogHeader): string {
  const { hostname, appName, sdId } = header;
  const timestamp = new Date(at).toISOString();
  return `<${FACILITY * 8 + severity}>1 ${timestamp} ${hostname} ${appName} ${process.pid} ${id} [${sdId} ${data}]`;
}

/**
 * RFC 5424 §6.3.3 escapes `"`, `\` and `]`. Control characters and line separators besides, as `\n` or `\u{…}`, since receivers write
 * a message to a line.
 */
function escaped(value: string): string {
  return value
    .toWellFormed()
    .replace(/[\\"\]]/g, '\\$&')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) =>
      char === '\n' ? '\\n' : `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
    );
}

/** Printable ASCII without spaces, and so short; `-` stands for nothing (RFC 5424 §6.2). */
export const headerPart = (value: string, most: number): string =>
  value.replace(/[^\x21-\x7e]/g, '_').slice(0, most) || '-';
