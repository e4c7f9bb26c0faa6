import type { WorkspaceSettings } from '@countersign/core';
import { format, formatList, formatPeriod, textFor } from '../strings/format.ts';
import { actionText, categoryText, roleText, type SettingsCatalogue } from './settings-values.ts';
import type { Shell } from './shell.ts';

/** One setting in words. */
export interface SettingWords {
  /** Stable, so that two settings can be compared. */
  readonly key: string;
  readonly label: string;
  readonly text: string;
}

/** One setting that differs; `from` is null where there was none. */
export interface SettingDifference {
  readonly key: string;
  readonly label: string;
  readonly from: string | null;
  readonly to: string;
}

/** A workspace's settings in words, whole. */
export function settingsInWords(
  settings: WorkspaceSettings,
  catalogue: SettingsCatalogue,
  shell: Shell,
): SettingWords[] {
  const { lang, strings } = shell;
  const text = strings.settings;
  const list = (items: readonly string[]) => (items.length === 0 ? text.noneChosen : formatList(items, lang));
  // Their parts have commas and an “and” of their own.
  const parts = (items: readonly string[]) => (items.length === 0 ? text.noneChosen : items.join('; '));
  const words = (key: keyof typeof text.fields, value: string): SettingWords => ({
    key,
    label: text.fields[key],
    text: value,
  });
  return [
    words('enabled', settings.enabled ? text.on : text.off),
    words('categories', list(settings.categories.map((id) => categoryText(id, catalogue)))),
    words('graceMinutes', graceText(settings.graceSeconds, shell)),
    ...categoryWords(settings, catalogue, shell),
    words('reauthenticate', list(settings.reauthenticateActions.map((action) => actionText(action, shell)))),
    words('exemptions', parts(settings.exemptions.map((rule) => exemptionText(rule, catalogue, shell)))),
    words(
      'mustEnrol',
      settings.mustEnrolRoles === null
        ? text.enrolment.clinical
        : list(settings.mustEnrolRoles.map((role) => roleText(role, catalogue))),
    ),
    words('untilEnrolled', text.enrolment.until[settings.untilEnrolled]),
    words(
      'limits',
      parts(
        Object.entries(settings.roleLimits).map(([role, { idleSeconds, absoluteSeconds }]) => {
          const idle =
            idleSeconds === undefined ? [] : [format(text.limits.idleIs, { time: period(idleSeconds, lang) })];
          const most =
            absoluteSeconds === undefined ? [] : [format(text.limits.mostIs, { time: period(absoluteSeconds, lang) })];
          return format(text.limits.ofRole, { role: roleText(role, catalogue), limits: [...idle, ...most].join(', ') });
        }),
      ),
    ),
    ...(catalogue.emergencyAccess === null ? [] : [words('emergency', emergencyText(settings, catalogue, shell))]),
    words('secondAdministrator', settings.secondAdministrator ? text.on : text.off),
  ];
}

/** What is not the same on both sides. */
export function settingsDifference(
  before: WorkspaceSettings | null,
  after: WorkspaceSettings,
  catalogue: SettingsCatalogue,
  shell: Shell,
): SettingDifference[] {
  const had = new Map((before === null ? [] : settingsInWords(before, catalogue, shell)).map((one) => [one.key, one]));
  const has = settingsInWords(after, catalogue, shell);
  const gone = [...had.values()].filter(({ key }) => !has.some((one) => one.key === key));
  const nothing = shell.strings.settings.noneChosen;
  return [
    ...has
      .filter(({ key, text }) => had.get(key)?.text !== text && (before === null || had.has(key) || text !== nothing))
      .map(({ key, label, text }) => ({ key, label, from: had.get(key)?.text ?? null, to: text })),
    ...gone.map(({ key, label, text }) => ({ key, label, from: text, to: nothing })),
  ];
}

/** A grace period in words. */
export const graceText = (seconds: number, { lang, strings }: Shell): string =>
  seconds === 0 ? strings.settings.everyTime : formatPeriod(seconds, lang);

const period = (seconds: number, lang: string): string => formatPeriod(seconds, lang);

/** What is chosen for single categories, each a setting of its own. */
function categoryWords(settings: WorkspaceSettings, catalogue: SettingsCatalogue, shell: Shell): SettingWords[] {
  const { lang, strings } = shell;
  const text = strings.settings.category;
  return Object.entries(settings.categoryPolicies).map(([id, own]) => {
    const actions = own.actions?.map((action) => actionText(action, shell)) ?? [];
    const parts = [
      ...(own.graceSeconds === undefined ? [] : [graceText(own.graceSeconds, shell)]),
      ...(own.strength === undefined ? [] : [text.strengths[own.strength]]),
      ...(own.scope === undefined ? [] : [text.scopes[own.scope]]),
      ...(own.actions === undefined ? [] : [format(text.onlyFor, { actions: formatList(actions, lang) })]),
    ];
    return { key: `category ${id}`, label: categoryText(id, catalogue), text: parts.join('; ') };
  });
}

function emergencyText(
  { emergencyAccess: { enabled, roles, windowSeconds } }: WorkspaceSettings,
  catalogue: SettingsCatalogue,
  { lang, strings }: Shell,
): string {
  const { emergency: text, off, noneChosen } = strings.settings;
  if (!enabled) return off;
  const named = roles?.map((role) => roleText(role, catalogue)) ?? [];
  const chosen = named.length === 0 ? noneChosen : formatList(named, lang);
  const seconds = windowSeconds ?? (catalogue.emergencyAccess?.mostMinutes ?? 0) * 60;
  return `${roles === null ? text.all : chosen}; ${period(seconds, lang)}`;
}

function exemptionText(
  rule: WorkspaceSettings['exemptions'][number],
  catalogue: SettingsCatalogue,
  shell: Shell,
): string {
  const { lang, strings } = shell;
  const text = strings.settings.exemptions;
  const who = rule.kind === 'role' ? roleText(rule.value ?? '', catalogue) : (rule.value ?? '');
  const names = (rule.categories ?? []).map((id) => categoryText(id, catalogue));
  return format(textFor(text.kindWith, rule.kind, '{who}: {categories}'), {
    who,
    categories: rule.categories === null ? text.allCategories : formatList(names, lang),
  });
}
