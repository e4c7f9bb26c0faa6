const DEEPEST = 16;

/**
 * The fields of a form, from the object that a parser has made of them: written out again, they make the same object. Repeated
 * names stay repeated and in order; nested ones (`a[b]`, from qs) get their brackets back; what a schema has coerced is written as
 * text. `unreadable` for what no form can carry, `too-large` beyond so many bytes of UTF-8, two of them counted for each field.
 */
export function formFieldsOf(body: unknown, mostBytes: number): [string, string][] | 'unreadable' | 'too-large' {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'unreadable';
  const fields: [string, string][] = [];
  let bytes = 0;
  for (const [name, value] of entriesOf(body)) {
    for (const field of fieldsOf(name, value, 0)) {
      if (field === null) return 'unreadable';
      // HTML can hold no NUL, and browsers send no field without a name.
      if (field[0] === '' || field.some((text) => text.includes('\0'))) return 'unreadable';
      bytes += Buffer.byteLength(field[0]) + Buffer.byteLength(field[1]) + 2;
      if (bytes > mostBytes) return 'too-large';
      fields.push(field);
    }
  }
  return fields;
}

/** One member as fields; null in place of what is none. */
function* fieldsOf(name: string, value: unknown, depth: number): Generator<[string, string] | null> {
  if (value === undefined) return;
  if (value === null) yield [name, ''];
  else if (typeof value === 'string') yield [name, value];
  else if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    yield [name, String(value)];
  else if (depth >= DEEPEST || typeof value !== 'object' || isOpaque(value)) yield null;
  else if (Array.isArray(value)) yield* itemsOf(name, value, depth);
  else for (const [key, member] of entriesOf(value)) yield* fieldsOf(`${name}[${key}]`, member, depth + 1);
}

/** A name sent twice makes a list with every parser; a list of one comes from `name[]` alone. */
function* itemsOf(name: string, items: readonly unknown[], depth: number): Generator<[string, string] | null> {
  const nested = items.some((item) => typeof item === 'object' && item !== null);
  for (const [at, item] of items.entries()) {
    yield* fieldsOf(nested ? `${name}[${at}]` : items.length === 1 ? `${name}[]` : name, item, depth + 1);
  }
}

const entriesOf = (value: object): [string, unknown][] => Object.entries(value);

/** Dates, maps, buffers, files: not made by a parser of forms. */
function isOpaque(value: object): boolean {
  if (Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return false;
  return typeof prototype !== 'object' || Object.getPrototypeOf(prototype) !== null;
}
