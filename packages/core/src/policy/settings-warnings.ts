import type { SettingsChoices } from './settings-change.ts';

/** A choice that is allowed and seldom meant. */
export type SettingsWarningKind =
  | 'disabled'
  | 'nothing-sensitive'
  | 'exempt-from-everything'
  | 'everybody-exempt'
  | 'nobody-must-enrol'
  | 'refused-until-enrolled';

/** One warning. `about`: the role or user it is about; null where there is none. */
export interface SettingsWarning {
  readonly kind: SettingsWarningKind;
  readonly about: string | null;
}

/** What an administrator should look at twice. `roles`: those that the host declares. */
export function settingsWarnings(
  settings: SettingsChoices,
  roles: readonly { readonly id: string; readonly clinical: boolean }[],
): SettingsWarning[] {
  if (!settings.enabled) return [{ kind: 'disabled', about: null }];
  const found: SettingsWarning[] = [];
  if (settings.categories.length === 0) found.push({ kind: 'nothing-sensitive', about: null });
  const everything = settings.exemptions.filter(
    ({ categories }) => categories === null || settings.categories.every((id) => categories.includes(id)),
  );
  const exempt = new Set(everything.filter(({ kind }) => kind === 'role').map(({ value }) => value));
  if (roles.length > 0 && roles.every(({ id }) => exempt.has(id)))
    found.push({ kind: 'everybody-exempt', about: null });
  else for (const about of exempt) found.push({ kind: 'exempt-from-everything', about });
  const asked = settings.mustEnrolRoles ?? roles.filter(({ clinical }) => clinical).map(({ id }) => id);
  if (asked.length === 0 && roles.length > 0) found.push({ kind: 'nobody-must-enrol', about: null });
  if (asked.length > 0 && settings.untilEnrolled === 'refuse')
    found.push({ kind: 'refused-until-enrolled', about: null });
  return found;
}
