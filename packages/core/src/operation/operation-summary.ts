import { CountersignError } from '../errors/countersign-error.ts';

/**
 * Exactly what a person approves by signing an operation, in the host's words (DEA 21 CFR 1311.120(b)(9)): shown with the
 * challenge, and part of the digest that the proof is bound to. Plain text; kept in session state only, never on the audit log.
 */
export interface OperationSummary {
  /** At most 200 characters. */
  readonly title: string;
  /** At most 50; a label has at most 100 characters, a value 2,000. */
  readonly lines: readonly { readonly label: string; readonly value: string }[];
}

const LONGEST = { title: 200, label: 100, value: 2000 } as const;
const MOST_LINES = 50;
/** Controls and separators of lines could show a person something else than is signed; half a surrogate pair is no text. */
const UNSHOWABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u;

/**
 * A frozen copy of a summary: what is shown, digested and kept is one and the same, whatever the host does to its object later.
 * Throws `resource_invalid` for what is out of bounds, is no plain text, or holds control characters (line breaks too).
 */
export function operationSummary(value: unknown): OperationSummary {
  const { title, lines } = membersOf(value);
  if (!Array.isArray(lines) || lines.length > MOST_LINES) throw refused('lines');
  return Object.freeze({
    title: textOf(title, 'title'),
    lines: Object.freeze(
      Array.from(lines, (line: unknown) => {
        const { label, value: text } = membersOf(line);
        return Object.freeze({ label: textOf(label, 'label'), value: textOf(text, 'value') });
      }),
    ),
  });
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused('');
  return value as Readonly<Record<string, unknown>>;
}

function textOf(value: unknown, field: keyof typeof LONGEST): string {
  if (typeof value !== 'string' || value.length > LONGEST[field] || UNSHOWABLE.test(value)) throw refused(field);
  if (field !== 'value' && value.trim() === '') throw refused(field);
  return value;
}

const refused = (field: string): CountersignError =>
  new CountersignError('resource_invalid', {
    field: field === '' ? 'approval' : `approval.${field}`,
    cure: 'approval returns { title, lines: [{ label, value }] }: text without control characters, of at most 200, 100 and 2,000 characters, and at most 50 lines.',
  });
