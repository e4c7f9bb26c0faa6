import { CountersignError } from '../errors/countersign-error.ts';
import type { AuditPlace } from '../store/store.ts';

/** A place in a search, and which way it goes on from there. */
export interface AuditCursor {
  readonly towards: 'next' | 'previous';
  readonly place: AuditPlace;
}

const BYTES = 1 + 8 + 16;
/** The last instant of the year 9999, which every database can hold. */
const LATEST = 253_402_300_799_999;

/**
 * As opaque text. It holds nothing but the place of a record: no value of it, no filter and no workspace, so that a forged one leads to
 * some other page of what the administrator may see anyway.
 */
export function writeAuditCursor({ towards, place }: AuditCursor): string {
  const bytes = Buffer.alloc(BYTES);
  bytes.writeUInt8(towards === 'next' ? 1 : 0, 0);
  bytes.writeBigInt64BE(BigInt(place.at), 1);
  bytes.write(place.id.replaceAll('-', ''), 9, 'hex');
  return bytes.toString('base64url');
}

/** Throws `input_invalid`. */
export function readAuditCursor(text: string): AuditCursor {
  const bytes = Buffer.from(text, 'base64url');
  // Decoding passes over what is no base64: written anew it must be the same.
  if (bytes.length !== BYTES || bytes.toString('base64url') !== text) throw invalid();
  const towards = bytes.readUInt8(0);
  const at = Number(bytes.readBigInt64BE(1));
  if (towards > 1 || at < 0 || at > LATEST) throw invalid();
  const hex = bytes.toString('hex', 9);
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { towards: towards === 1 ? 'next' : 'previous', place: { at, id } };
}

const invalid = (): CountersignError =>
  new CountersignError('input_invalid', { field: 'cursor', detail: 'cursor: is none of ours.' });
