import type { Strength } from '@countersign/core';
import { formatList, formatPeriod } from '../strings/format.ts';
import type { Shell } from './shell.ts';

/** A category an administrator can choose, as the code declares it. */
export interface SettingsCategory {
  readonly id: string;
  readonly name: string;
  readonly strength: Strength;
  /** A grace period that the code fixes, in seconds; null where the workspace's own applies. */
  readonly fixedGraceSeconds: number | null;
}

/** What is chosen, or was typed: `graceMinutes` is text, so that a slip comes back as it was. */
export interface SettingsValues {
  readonly enabled: boolean;
  /** Ids of the chosen categories. */
  readonly categories: readonly string[];
  readonly graceMinutes: string;
}

/** On or off, in words. */
export function enabledText(enabled: boolean, { strings }: Shell): string {
  return enabled ? strings.settings.on : strings.settings.off;
}

/** Category names in words; an id that is no longer declared is shown as it is. */
export function categoriesText(ids: readonly string[], declared: readonly SettingsCategory[], shell: Shell): string {
  if (ids.length === 0) return shell.strings.settings.noneChosen;
  const names = ids.map((id) => declared.find((category) => category.id === id)?.name ?? id);
  return formatList(names, shell.lang);
}

/** A grace period in words. Text that is no number is shown as it was typed. */
export function graceText(minutes: string | number, { lang, strings }: Shell): string {
  const number = typeof minutes === 'number' ? minutes : /^\s*\d+\s*$/.test(minutes) ? Number(minutes) : Number.NaN;
  if (!Number.isFinite(number)) return String(minutes);
  return number === 0 ? strings.settings.everyTime : formatPeriod(number * 60, lang);
}
