import { english } from './english.ts';
import { spanish } from './spanish.ts';

/** Plural forms of one sentence; `other` is used where a language's form is absent. */
export interface PluralForms {
  readonly zero?: string;
  readonly one?: string;
  readonly two?: string;
  readonly few?: string;
  readonly many?: string;
  readonly other: string;
}

type StringsOf<T> = {
  readonly [K in keyof T]: T[K] extends string
    ? string
    : T[K] extends { readonly one: string; readonly other: string }
      ? PluralForms
      : StringsOf<T[K]>;
};

/** Every visible word of the pages; its shape is that of `english`. */
export type Strings = StringsOf<typeof english>;

type PartOf<T> = T extends string ? string : { readonly [K in keyof T]?: PartOf<T[K]> };

/** Any part of the strings, to replace what ships. Tables keyed by a code or action may also gain keys of the host's own. */
export type StringOverrides = PartOf<Omit<Strings, 'actions' | 'factorNames'>> & {
  readonly actions?: Readonly<Record<string, string>>;
  readonly factorNames?: Readonly<Record<string, string>>;
};

const shipped: Readonly<Record<string, Strings>> = { en: english, es: spanish };

/** The languages that ship, the default first: what a host negotiates against, so that `lang` names the language that is shown. */
export const shippedLanguages: readonly string[] = Object.keys(shipped);

/**
 * The strings of a language (BCP 47; `es-MX` falls back to `es`, an unknown one to English) with the host's own words laid
 * over them. Make it once per language at start-up: the result is frozen and can be shared.
 */
export function resolveStrings(lang: string, overrides: StringOverrides = {}): Strings {
  const primary = lang.toLowerCase().split(/[-_]/)[0] ?? 'en';
  const base = Object.hasOwn(shipped, primary) ? shipped[primary] : undefined;
  return overlay(base ?? english, overrides) as Strings;
}

function overlay(base: object, over: object): object {
  const merged = new Map<string, unknown>(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    if (value !== undefined) merged.set(key, value);
  }
  const originals = new Map<string, unknown>(Object.entries(base));
  for (const [key, value] of merged) {
    const original = originals.get(key);
    if (isObject(value)) merged.set(key, overlay(isObject(original) ? original : {}, value));
    else if (isObject(original)) merged.set(key, overlay(original, {}));
  }
  return Object.freeze(Object.fromEntries(merged));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
