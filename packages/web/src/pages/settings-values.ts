import type { SettingsProblemCode, Strength } from '@countersign/core';
import { textFor } from '../strings/format.ts';
import type { Shell } from './shell.ts';

/** A category an administrator can choose, as the code declares it. */
export interface SettingsCategory {
  readonly id: string;
  readonly name: string;
  readonly strength: Strength;
  /** A grace period that the code fixes, in seconds; null where the workspace's own applies. */
  readonly fixedGraceSeconds: number | null;
  readonly scope: 'patient' | 'category';
  /** The actions that code lets ask; null: every one. */
  readonly actions: readonly string[] | null;
}

/** What code declares, and administrators choose among. */
export interface SettingsCatalogue {
  readonly categories: readonly SettingsCategory[];
  readonly roles: readonly { readonly id: string; readonly name: string; readonly clinical: boolean }[];
  readonly actions: readonly string[];
  /** Actions that ask again by code, whatever is chosen here. */
  readonly reauthenticated: readonly string[];
  /** The strengths that the configured factors can reach, the weakest first. */
  readonly strengths: readonly Strength[];
  /** Whether the host can say who treats whom. */
  readonly treatment: boolean;
  /** Minutes that code allows. */
  readonly graceBounds: { readonly minMinutes: number; readonly maxMinutes: number };
  /** Every session's limit; null: none. */
  readonly mostMinutes: number | null;
  /** The roles that code lets use emergency access (empty: it does not say) and its longest window; null: code knows none. */
  readonly emergencyAccess: { readonly roles: readonly string[]; readonly mostMinutes: number } | null;
}

/** What is chosen for one category, or was typed. Empty text: as everywhere. */
export interface CategoryValues {
  readonly graceMinutes: string;
  readonly strength: string;
  readonly scope: string;
  readonly actions: readonly string[];
}

/** One row of the exemptions. */
export interface ExemptionValues {
  readonly kind: string;
  readonly value: string;
  readonly all: boolean;
  readonly categories: readonly string[];
}

/** One row of the limits. */
export interface LimitValues {
  readonly role: string;
  readonly idleMinutes: string;
  readonly absoluteMinutes: string;
}

/** What is chosen for emergency access. */
export interface EmergencyValues {
  readonly enabled: boolean;
  readonly who: 'all' | 'chosen';
  readonly roles: readonly string[];
  /** Empty: as long as code allows. */
  readonly minutes: string;
}

/** What is chosen, or was typed: numbers are text, so that a slip comes back as it was. */
export interface SettingsValues {
  readonly enabled: boolean;
  /** Ids of the chosen categories. */
  readonly categories: readonly string[];
  readonly graceMinutes: string;
  /** By category id. */
  readonly policies: Readonly<Record<string, CategoryValues>>;
  readonly reauthenticate: readonly string[];
  readonly exemptions: readonly ExemptionValues[];
  readonly mustEnrol: 'clinical' | 'chosen';
  readonly mustEnrolRoles: readonly string[];
  readonly untilEnrolled: string;
  readonly limits: readonly LimitValues[];
  readonly secondAdministrator: boolean;
  readonly emergency: EmergencyValues;
}

/** What is wrong with a field. */
export interface SettingsFieldError {
  readonly code: SettingsProblemCode | 'not-a-number' | 'role-missing' | 'window-out-of-bounds';
  /** Bounds in minutes, where it is about one. */
  readonly least?: number | undefined;
  readonly most?: number | undefined;
}

/** By the setting's path: `graceSeconds`, `exemptions.0.value`. */
export type SettingsErrors = ReadonlyMap<string, SettingsFieldError>;

/** What an action is called. */
export const actionText = (action: string, { strings }: Shell): string =>
  textFor(strings.audit.actionNames, action, action);

/** What a role is called; one that is not declared is shown as it is. */
export const roleText = (role: string, { roles }: SettingsCatalogue): string =>
  roles.find(({ id }) => id === role)?.name ?? role;

/** What a category is called; one that is no longer declared is shown as it is. */
export const categoryText = (id: string, { categories }: SettingsCatalogue): string =>
  categories.find((category) => category.id === id)?.name ?? id;

/** The id of the control that a setting's path belongs to: what an error at the top of the page links to. */
export const controlId = (path: string): string =>
  `cs-${path.replaceAll(/[^A-Za-z0-9-]/g, (character) => `_${character.codePointAt(0)?.toString(16)}`)}`;
