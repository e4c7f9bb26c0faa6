import type { PluralForms } from './strings.ts';

/** Fills `{name}` placeholders; one that has no value stays as it is, so that a mistake in a translation is seen. */
export function format(template: string, values: Readonly<Record<string, string | number>>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? String(values[name]) : whole,
  );
}

/** The plural form for `count` in a language, with `{count}` and further placeholders filled. */
export function formatCount(
  forms: PluralForms,
  count: number,
  lang: string,
  values: Readonly<Record<string, string | number>> = {},
): string {
  const form = forms[new Intl.PluralRules(lang).select(count)] ?? forms.other;
  return format(form, { count: new Intl.NumberFormat(lang).format(count), ...values });
}

/** A wait in words, rounded up to a unit people would say: seconds below 2 minutes, minutes below 2 hours, else hours. */
export function formatWait(seconds: number, lang: string): string {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 120) return formatUnit(whole, 'second', lang);
  return whole < 7200
    ? formatUnit(Math.ceil(whole / 60), 'minute', lang)
    : formatUnit(Math.ceil(whole / 3600), 'hour', lang);
}

/** A set period in words, never rounded: in minutes where they are whole, else in seconds. */
export function formatPeriod(seconds: number, lang: string): string {
  return seconds % 60 === 0 ? formatUnit(seconds / 60, 'minute', lang) : formatUnit(seconds, 'second', lang);
}

function formatUnit(amount: number, unit: 'second' | 'minute' | 'hour', lang: string): string {
  return new Intl.NumberFormat(lang, { style: 'unit', unit, unitDisplay: 'long' }).format(amount);
}

/** “a, b and c”, in the page's language. */
export function formatList(items: readonly string[], lang: string): string {
  return new Intl.ListFormat(lang, { style: 'long', type: 'conjunction' }).format(items);
}

/** The text of a table of strings for a key that comes from data, or the fallback. Keys of the prototype are not found. */
export function textFor(table: Readonly<Record<string, string>>, key: string, fallback: string): string {
  return Object.hasOwn(table, key) ? (table[key] ?? fallback) : fallback;
}
