import type { CategoryPolicy, EffectiveSettings } from './settings.ts';

/** A record's owner and the sensitive categories it touches. Creates and edits may have two: what is and what would become. */
export interface Subject {
  readonly patientId: string;
  readonly categories: readonly CategoryPolicy[];
}

/** What is asked of the principal. */
export interface Requirement {
  readonly workspaceId: string;
  /** `view`, `edit`, `export`, `delete`, `payment`, or one of the host's own. */
  readonly action: string;
  /** At least one. For changes of factors or settings: the account subject, without categories. */
  readonly subjects: readonly Subject[];
  /** True for changes of factors and settings: always asks, whatever the settings say. */
  readonly account?: boolean;
  /** Digest of the one operation that a one-shot proof would be bound to. */
  readonly operation?: string;
}

/**
 * The categories of a record that count on this route: declared by the guard (`'*'`: all), carried by the record (null: the
 * route itself is sensitive), and marked sensitive by the workspace.
 */
export function touchedCategories(
  guarded: ReadonlySet<string> | '*',
  carried: readonly string[] | null,
  settings: EffectiveSettings,
): CategoryPolicy[] {
  const touched: CategoryPolicy[] = [];
  if (carried === null) {
    for (const category of settings.categories.values()) {
      if (guarded === '*' || guarded.has(category.id)) touched.push(category);
    }
    return touched;
  }
  for (const id of carried) {
    if (guarded !== '*' && !guarded.has(id)) continue;
    const category = settings.categories.get(id);
    if (category !== undefined && !touched.includes(category)) touched.push(category);
  }
  return touched;
}

/** Whether one operation needs a proof of its own: its action always asks again, or a category it touches has no grace period. */
export function isOneShot(requirement: Requirement, settings: EffectiveSettings): boolean {
  if (requirement.account === true) return false;
  if (settings.reauthenticateActions.has(requirement.action)) return true;
  if (!settings.enabled) return false;
  return requirement.subjects.some((subject) => subject.categories.some((category) => category.graceSeconds === 0));
}
