import { type DialogWords, dialogWords, type PluralText } from './dialog-words.ts';

/** A host's own words: any part of them. */
export type DialogWordOverrides = {
  readonly [K in keyof DialogWords]?: DialogWords[K] extends string ? string : Partial<DialogWords[K]>;
};

/** Words, and the language they are in. */
export interface DialogLanguage {
  readonly lang: string;
  readonly words: DialogWords;
  /** The plural form for `count`. */
  count(forms: PluralText, count: number): string;
  /** “a, b and c”. */
  list(items: readonly string[]): string;
}

/** By `<html lang>` unless `lang` is given. A language without words is shown, and named, as English. */
export function dialogLanguage(
  lang: string = document.documentElement.lang,
  overrides: DialogWordOverrides = {},
): DialogLanguage {
  const primary = lang.toLowerCase().split(/[-_]/, 1)[0] ?? '';
  const shipped = Object.hasOwn(dialogWords, primary) ? dialogWords[primary] : undefined;
  const base = shipped ?? dialogWords.en;
  if (base === undefined) throw new RangeError('There are no words in English.');
  const known = shipped !== undefined || Object.keys(overrides).length > 0;
  const tag = known && isTag(lang) ? lang : 'en';
  const merged = Object.entries(base).map(([key, value]): [string, unknown] => {
    const over: unknown = Object.hasOwn(overrides, key) ? Reflect.get(overrides, key) : undefined;
    if (over === undefined) return [key, value];
    return [key, typeof over === 'object' ? { ...value, ...over } : over];
  });
  return {
    lang: tag,
    words: Object.fromEntries(merged) as unknown as DialogWords,
    count: (forms, count) =>
      (forms[new Intl.PluralRules(tag).select(count)] ?? forms.other).replace(
        '{count}',
        new Intl.NumberFormat(tag).format(count),
      ),
    list: (items) => new Intl.ListFormat(tag, { type: 'conjunction' }).format(items),
  };
}

function isTag(lang: string): boolean {
  try {
    return Intl.getCanonicalLocales(lang).length > 0;
  } catch {
    return false;
  }
}
