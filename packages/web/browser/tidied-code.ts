const sixDigits = /^\d{6}$/;

/**
 * The six digits of a code as people write it: `123 456`, `123-456`, also with the spaces that phones put in. Null while it is
 * none yet.
 */
export function tidiedCode(text: string): string | null {
  const code = text.normalize('NFKC').replace(/[\s\u2010-\u2015\-.\u200b-\u200f\u2060\ufeff]/g, '');
  return sixDigits.test(code) ? code : null;
}
