import { hash } from 'node:crypto';
import { type AuditEventInput, type AuditRecord, auditTextFields } from './event.ts';

/** Version of the canonical encoding: the first byte of each record's bytes. */
export const CANONICAL_VERSION = 1;
/** What the first record of a stream is chained to. */
export const CHAIN_START: Uint8Array = new Uint8Array(32);

const NULL_LENGTH = 0xffffffff;
/** Longest text of a field, in UTF-16 units. Longer text is cut, and ends in `…`. */
const BOUND = 512;

/** Makes text storable and unambiguous: well-formed UTF-16, no NUL (PostgreSQL has none), within its bound. */
function storable(text: string, bound: number): string {
  let clean = text.length > bound ? `${text.slice(0, bound - 1)}…` : text;
  if (clean.includes('\u0000')) clean = clean.replaceAll('\u0000', '\ufffd');
  return clean.isWellFormed() ? clean : clean.toWellFormed();
}

/** The event with every field present and storable. */
export function normaliseEvent(input: AuditEventInput): Required<AuditEventInput> {
  return {
    code: input.code,
    outcome: input.outcome,
    workspaceId: text(input.workspaceId),
    userId: text(input.userId),
    actorId: text(input.actorId),
    session: text(input.session),
    patientId: text(input.patientId),
    categories: text(input.categories, 2000),
    action: text(input.action),
    method: text(input.method),
    route: text(input.route),
    factor: text(input.factor),
    reason: text(input.reason, 4000),
    challengeId: text(input.challengeId),
    emergencyAccessId: text(input.emergencyAccessId),
    ip: text(input.ip),
    userAgent: text(input.userAgent),
    requestId: text(input.requestId),
    details: text(input.details, 65_536),
  };
}

const text = (value: string | null | undefined, bound = BOUND): string | null =>
  value === undefined || value === null ? null : storable(value, bound);

/**
 * The canonical bytes of a record, without its hash:
 * version byte, stream (16 bytes), index (8, big-endian), id (16), milliseconds since 1970 (8), then each text field as a
 * four-byte length and its UTF-8 bytes (0xFFFFFFFF and none: null). Every field carries its length, so that no two records
 * share their bytes.
 */
export function canonicalBytes(record: Omit<AuditRecord, 'hash'>): Uint8Array {
  let units = 49;
  for (const field of auditTextFields) units += 4 + (record[field]?.length ?? 0) * 3;
  const buffer = Buffer.allocUnsafe(units);
  let at = buffer.writeUInt8(CANONICAL_VERSION, 0);
  at += writeUuid(buffer, record.stream, at);
  at = writeInteger(buffer, record.index, at);
  at += writeUuid(buffer, record.id, at);
  at = writeInteger(buffer, record.at, at);
  for (const field of auditTextFields) {
    const value = record[field];
    if (value === null) {
      at = buffer.writeUInt32BE(NULL_LENGTH, at);
    } else {
      const length = writeText(buffer, value, at + 4);
      buffer.writeUInt32BE(length, at);
      at += 4 + length;
    }
  }
  return buffer.subarray(0, at);
}

/** Eight bytes, big-endian. */
function writeInteger(buffer: Buffer, value: number, at: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError('Indexes and instants of audit events are whole numbers.');
  return buffer.writeUInt32BE(value % 2 ** 32, buffer.writeUInt32BE(Math.floor(value / 2 ** 32), at));
}

/** UTF-8. Most text is short ASCII, for which a call into the encoder takes longer than a loop. Returns the number of bytes. */
function writeText(buffer: Buffer, text: string, at: number): number {
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) return buffer.write(text, at, 'utf8');
    buffer[at + index] = unit;
  }
  return text.length;
}

/** What is no UUID would leave some of its 16 bytes to chance. */
function writeUuid(buffer: Buffer, uuid: string, at: number): number {
  const written = uuid.length === 36 ? buffer.write(uuid.replaceAll('-', ''), at, 16, 'hex') : 0;
  if (written !== 16) throw new RangeError('Ids of audit events and streams are UUIDs.');
  return written;
}

/** The hash that puts a record on its stream's chain. */
export function chainHash(previous: Uint8Array, record: Omit<AuditRecord, 'hash'>): Uint8Array {
  return hash('sha256', Buffer.concat([previous, canonicalBytes(record)]), 'buffer');
}
