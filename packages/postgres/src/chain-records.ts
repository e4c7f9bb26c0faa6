import { auditTextFields, CANONICAL_VERSION, type ChainRecord } from '@countersign/core';
import type { Session } from './database.ts';
import { auditEvent } from './schema.ts';

/** Signature, flags, and an extension of no bytes (PostgreSQL manual, COPY, binary format). */
const HEADER = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const TEXTS = auditTextFields.length;
const FIXED = 49;

const columns = ['stream', 'index', 'id', 'at', ...auditTextFields, 'hash']
  .map((field) =>
    field === 'at' ? '(extract(epoch from at) * 1000)::bigint' : `"${auditEvent[field as keyof Columns].name}"`,
  )
  .join(', ');
type Columns = Pick<typeof auditEvent, 'stream' | 'index' | 'id' | 'hash' | (typeof auditTextFields)[number]>;

/**
 * Records as COPY sends them in binary: a length and the bytes for each field, as in our canonical encoding, so that nothing is
 * decoded on the way to the hash. Measured against rows of the query builder: five times the records in a second.
 */
export async function readChain(
  session: Session,
  stream: string,
  from: number | null,
  until: number | null,
  limit: number,
): Promise<readonly ChainRecord[]> {
  // COPY takes no parameters.
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(stream))
    throw new RangeError('A stream is named by a UUID.');
  const whole = [from ?? 0, until ?? 0, limit];
  if (!whole.every(Number.isSafeInteger)) throw new RangeError('Indexes are whole numbers.');
  const bounds = [from === null ? '' : ` and index >= ${from}`, until === null ? '' : ` and index < ${until}`].join('');
  return parse(
    await session.copy(
      `copy (select ${columns} from countersign.audit_event where stream = '${stream}'${bounds} order by index limit ${limit}) to`,
    ),
  );
}

function parse(bytes: Buffer): readonly ChainRecord[] {
  if (bytes.length === 0) return [];
  if (!bytes.subarray(0, HEADER.length).equals(HEADER)) throw new RangeError('COPY answered in an unknown form.');
  const records: ChainRecord[] = [];
  let at = HEADER.length;
  while (bytes.readInt16BE(at) !== -1) {
    at += 2;
    const start = at;
    // stream, index, id and instant: never null, each with its length before it.
    const texts = start + 4 + 16 + 4 + 8 + 4 + 16 + 4 + 8;
    at = texts;
    for (let text = 0; text < TEXTS; text += 1) {
      const length = bytes.readInt32BE(at);
      at += length === -1 ? 4 : 4 + length;
    }
    const canonical = Buffer.allocUnsafe(FIXED + at - texts);
    canonical[0] = CANONICAL_VERSION;
    bytes.copy(canonical, 1, start + 4, start + 20);
    bytes.copy(canonical, 17, start + 24, start + 32);
    bytes.copy(canonical, 25, start + 36, start + 52);
    bytes.copy(canonical, 41, start + 56, start + 64);
    bytes.copy(canonical, FIXED, texts, at);
    const length = Math.max(0, bytes.readInt32BE(at));
    records.push({ bytes: canonical, hash: bytes.subarray(at + 4, at + 4 + length) });
    at += 4 + length;
  }
  return records;
}
