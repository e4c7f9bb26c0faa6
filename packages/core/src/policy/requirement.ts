import type { CategoryPolicy, EffectiveSettings } from './settings.ts';
import type { Strength } from './strength.ts';

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
  /** The least strength, whatever the categories say: for account changes, that of the strongest factor enrolled. */
  readonly strength?: Strength;
  /** Kinds of factor that answer whatever their strength: recovery codes, where a lost factor is replaced. */
  readonly orFactors?: ReadonlySet<string>;
  /** The operation is signed: always one-shot, and shown to the person who approves it. */
  readonly signing?: boolean;
  /** Digest of the one operation that a one-shot proof would be bound to. */
  readonly operation?: string;
}

/**
 * The categories of a record that count on this route: declared by the guard (`'*'`: all), carried by the record (null: the
 * route itself is sensitive), marked sensitive by the workspace, and asking for this action.
 */
export function touchedCategories(
  guarded: ReadonlySet<string> | '*',
  carried: readonly string[] | null,
  settings: EffectiveSettings,
  action: string,
): CategoryPolicy[] {
  const touched: CategoryPolicy[] = [];
  if (carried === null) {
    for (const category of settings.categories.values()) {
      if ((guarded === '*' || guarded.has(category.id)) && asksFor(category, action)) touched.push(category);
    }
    return touched;
  }
  for (const id of carried) {
    if (guarded !== '*' && !guarded.has(id)) continue;
    const category = settings.categories.get(id);
    if (category !== undefined && asksFor(category, action) && !touched.includes(category)) touched.push(category);
  }
  return touched;
}

const asksFor = (category: CategoryPolicy, action: string): boolean =>
  category.actions === null || category.actions.has(action);

/** Whether one operation needs a proof of its own: its action always asks again, or a category it touches has no grace period. */
export function isOneShot(requirement: Requirement, settings: EffectiveSettings): boolean {
  if (requirement.account === true) return false;
  if (requirement.signing === true || settings.reauthentication.get(requirement.action)?.withinSeconds === 0)
    return true;
  if (!settings.enabled) return false;
  return requirement.subjects.some((subject) => subject.categories.some((category) => category.graceSeconds === 0));
}
