import { createHash } from 'node:crypto';
import { CountersignError } from '../errors/countersign-error.ts';
import type { OperationSummary } from './operation-summary.ts';

/** What a one-shot proof is bound to. */
export interface Operation {
  /** Method and original URL, or a name the host gives (resolvers, batch entries, jobs). */
  readonly name: string;
  readonly contentType?: string | null;
  /** The content as the handler receives it. */
  readonly content?: unknown;
  /** A top-level field of the content that changes with every rendering, such as a CSRF token. */
  readonly leftOut?: readonly string[];
  /** What the person was shown of it, where it is signed: another wording is another operation. */
  readonly summary?: OperationSummary | null;
}

const DEEPEST = 64;

/**
 * SHA-256 over name, content type, canonical content and, where it is signed, the summary: field order does not matter, nor how line ends are written, and nothing
 * else is forgiven. Throws `body_unreadable` for content that has no canonical form.
 */
export function operationDigest(operation: Operation): string {
  const content = canonicalContent(operation.content, operation.leftOut ?? [], 0);
  const parts: unknown[] = ['countersign operation 1', operation.name, operation.contentType ?? null, content];
  // A fifth part is there only where something is signed; nested lists of texts leave no doubt which is which.
  if (operation.summary != null) parts.push(summaryParts(operation.summary));
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

const summaryParts = ({ title, lines }: OperationSummary): unknown => [
  title,
  lines.map(({ label, value }) => [label, value]),
];

function canonicalContent(value: unknown, leftOut: readonly string[], depth: number): string {
  if (depth > DEEPEST) throw unreadable();
  switch (typeof value) {
    case 'undefined':
      return 'u';
    case 'number':
      // JSON would write NaN and Infinity as null.
      if (!Number.isFinite(value)) throw unreadable();
      return JSON.stringify(value);
    case 'boolean':
      return JSON.stringify(value);
    case 'bigint':
      return `${value}n`;
    case 'string':
      // Form fields carry CR LF, the same text sent as JSON may not.
      return JSON.stringify(value.replace(/\r\n?/g, '\n'));
    case 'object':
      break;
    default:
      throw unreadable();
  }
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return `b${createHash('sha256').update(value).digest('base64url')}`;
  if (value instanceof Date) return `d${value.getTime()}`;
  if (Array.isArray(value)) return `[${Array.from(value, (item) => canonicalContent(item, [], depth + 1)).join(',')}]`;
  // Maps, streams, class instances: their content is not in their own fields.
  if (!isPlain(value)) throw unreadable();
  const fields = Object.entries(value)
    .filter(([name, field]) => field !== undefined && !leftOut.includes(name))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonicalContent(field, [], depth + 1)}`);
  return `{${fields.join(',')}}`;
}

/** Written as `{}`, or made without a prototype; parsers of forms have an empty one, since that is faster to make. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return true;
  if (typeof prototype !== 'object') return false;
  return Object.getPrototypeOf(prototype) === null && Reflect.ownKeys(prototype).length === 0;
}

const unreadable = (): CountersignError =>
  new CountersignError('body_unreadable', {
    cure: 'Give options.content: a function that returns what is being approved, as plain data.',
  });
