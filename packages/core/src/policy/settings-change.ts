import { type Strength, strongest } from './strength.ts';

/** A workspace's choices, as far as a change of them is judged. Members that are not here count as loosening where they differ. */
export interface SettingsChoices {
  readonly enabled: boolean;
  readonly categories: readonly string[];
  readonly graceSeconds: number;
  readonly categoryPolicies: Readonly<Record<string, CategoryChoices>>;
  readonly reauthenticateActions: readonly string[];
  readonly exemptions: readonly ExemptionChoice[];
  readonly mustEnrolRoles: readonly string[] | null;
  readonly untilEnrolled: 'sensitive-only' | 'refuse';
  readonly roleLimits: Readonly<Record<string, LimitChoices>>;
  readonly secondAdministrator: boolean;
  readonly emergencyAccess: EmergencyChoices;
}

/** Who may use emergency access, as chosen. */
export interface EmergencyChoices {
  readonly enabled: boolean;
  readonly roles: readonly string[] | null;
  readonly windowSeconds: number | null;
}

/** What a workspace chose for one category. */
export interface CategoryChoices {
  readonly graceSeconds?: number | undefined;
  readonly strength?: Strength | undefined;
  readonly scope?: 'patient' | 'category' | undefined;
  readonly actions?: readonly string[] | undefined;
}

/** One exemption, as chosen. */
export interface ExemptionChoice {
  readonly kind: 'role' | 'provider' | 'treatment-relationship';
  readonly value: string | null;
  readonly categories: readonly string[] | null;
}

/** Limits of one role, as chosen. */
export interface LimitChoices {
  readonly idleSeconds?: number | undefined;
  readonly absoluteSeconds?: number | undefined;
}

/** What code declares of a category: never to be weakened. */
export interface DeclaredCategory {
  readonly graceSeconds?: number | undefined;
  readonly strength: Strength;
  readonly scope: 'patient' | 'category';
  readonly actions?: readonly string[] | undefined;
}

/** What of the configuration a change is judged by. */
export interface SettingsBounds {
  readonly categories: ReadonlyMap<string, DeclaredCategory>;
  /** Roles that must have a factor where nobody chose. */
  readonly clinicalRoles: readonly string[];
  /** Actions that ask again whatever a workspace chooses, each time. */
  readonly alwaysAsked: ReadonlySet<string>;
  /** The limit of every session; absent: none. */
  readonly absoluteSeconds?: number | undefined;
  /** The longest window of emergency access; absent: there is none. */
  readonly emergencySeconds?: number | undefined;
}

/** In what way a change asks less of people than before. */
export type LooseningKind =
  | 'disabled'
  | 'category-removed'
  | 'grace-longer'
  | 'strength-weaker'
  | 'scope-wider'
  | 'actions-fewer'
  | 'exemption-added'
  | 'exemption-widened'
  | 'roles-removed'
  | 'until-enrolled-looser'
  | 'limit-longer'
  | 'reauthentication-removed'
  | 'second-administrator-off'
  | 'emergency-access-wider'
  | 'unrecognised';

/** One way in which a change loosens. `about`: the category, role, action, user or setting; null where the kind says it all. */
export interface Loosening {
  readonly kind: LooseningKind;
  readonly about: string | null;
}

const known: ReadonlySet<string> = new Set([
  'enabled',
  'categories',
  'graceSeconds',
  'categoryPolicies',
  'reauthenticateActions',
  'exemptions',
  'mustEnrolRoles',
  'untilEnrolled',
  'roleLimits',
  'secondAdministrator',
  'emergencyAccess',
] satisfies (keyof SettingsChoices)[]);
const knownOfCategory: ReadonlySet<string> = new Set([
  'graceSeconds',
  'strength',
  'scope',
  'actions',
] satisfies (keyof CategoryChoices)[]);
const knownOfEmergency: ReadonlySet<string> = new Set([
  'enabled',
  'roles',
  'windowSeconds',
] satisfies (keyof EmergencyChoices)[]);
const knownOfLimits: ReadonlySet<string> = new Set(['idleSeconds', 'absoluteSeconds'] satisfies (keyof LimitChoices)[]);

/**
 * Every way in which `after` asks less than `before`; empty where the change only tightens, or changes nothing that is asked. What
 * this release does not recognise counts as loosening. A change that loosens one thing and tightens another is loosening.
 */
export function isLoosening(before: SettingsChoices, after: SettingsChoices, bounds: SettingsBounds): Loosening[] {
  return [
    ...switches(before, after),
    ...categories(before, after, bounds),
    ...exemptions(before, after),
    ...enrolment(before, after, bounds),
    ...limits(before, after, bounds),
    ...emergency(before.emergencyAccess, after.emergencyAccess, bounds),
    ...missing(
      'reauthentication-removed',
      before.reauthenticateActions.filter((action) => !bounds.alwaysAsked.has(action)),
      after.reauthenticateActions,
    ),
    ...unrecognised(before, after, known, null),
  ];
}

function* switches(before: SettingsChoices, after: SettingsChoices): Generator<Loosening> {
  if (before.enabled && !after.enabled) yield { kind: 'disabled', about: null };
  if (before.secondAdministrator && !after.secondAdministrator) yield { kind: 'second-administrator-off', about: null };
  // The grace period of categories that are yet to come.
  if (after.graceSeconds > before.graceSeconds) yield { kind: 'grace-longer', about: null };
}

/** What one category asks: the stricter of code's and the workspace's. */
export function categoryTerms(declared: DeclaredCategory, own: CategoryChoices, graceSeconds: number) {
  const { strength = 'any' } = own;
  return {
    graceSeconds: Math.min(declared.graceSeconds ?? graceSeconds, own.graceSeconds ?? graceSeconds, graceSeconds),
    strength: strongest(declared.strength, strength),
    scope: declared.scope === 'category' || own.scope === 'category' ? ('category' as const) : ('patient' as const),
    /** Null: every action asks. Those that code names always do; a workspace may add to them. */
    actions: own.actions === undefined ? (declared.actions ?? null) : [...(declared.actions ?? []), ...own.actions],
  };
}

function* categories(before: SettingsChoices, after: SettingsChoices, bounds: SettingsBounds): Generator<Loosening> {
  // One that code declares no longer asks nothing, whatever was chosen for it.
  const had = before.categories.filter((id) => bounds.categories.has(id));
  yield* missing('category-removed', had, after.categories);
  for (const id of before.categories) {
    const declared = bounds.categories.get(id);
    const [own = {}, chosen = {}] = [before.categoryPolicies[id], after.categoryPolicies[id]];
    yield* unrecognised(own, chosen, knownOfCategory, id);
    if (declared === undefined || !after.categories.includes(id)) continue;
    const was = categoryTerms(declared, own, before.graceSeconds);
    const is = categoryTerms(declared, chosen, after.graceSeconds);
    if (is.graceSeconds > was.graceSeconds) yield { kind: 'grace-longer', about: id };
    if (strongest(is.strength, was.strength) !== is.strength) yield { kind: 'strength-weaker', about: id };
    if (was.scope === 'category' && is.scope === 'patient') yield { kind: 'scope-wider', about: id };
    const fewer = is.actions !== null && (was.actions === null || isMissing(was.actions, is.actions));
    if (fewer) yield { kind: 'actions-fewer', about: id };
  }
}

function* exemptions(before: SettingsChoices, after: SettingsChoices): Generator<Loosening> {
  for (const rule of after.exemptions) {
    const same = before.exemptions.filter(({ kind, value }) => kind === rule.kind && value === rule.value);
    // By one rule: a record that touches two categories is exempt only where one rule names both.
    if (same.some((had) => covers(had.categories, rule.categories))) continue;
    const about = rule.value ?? rule.kind;
    yield { kind: same.length === 0 ? 'exemption-added' : 'exemption-widened', about };
  }
}

const covers = (had: readonly string[] | null, has: readonly string[] | null): boolean =>
  had === null || (has !== null && !isMissing(has, had));

function* enrolment(before: SettingsChoices, after: SettingsChoices, bounds: SettingsBounds): Generator<Loosening> {
  const { clinicalRoles } = bounds;
  yield* missing('roles-removed', before.mustEnrolRoles ?? clinicalRoles, after.mustEnrolRoles ?? clinicalRoles);
  if (before.untilEnrolled === 'refuse' && after.untilEnrolled !== 'refuse')
    yield { kind: 'until-enrolled-looser', about: null };
}

function* limits(before: SettingsChoices, after: SettingsChoices, bounds: SettingsBounds): Generator<Loosening> {
  const never = Number.POSITIVE_INFINITY;
  for (const [role, had] of Object.entries(before.roleLimits)) {
    const has = after.roleLimits[role] ?? {};
    const absolute = (chosen: LimitChoices) =>
      Math.min(chosen.absoluteSeconds ?? never, bounds.absoluteSeconds ?? never);
    if (absolute(has) > absolute(had) || (has.idleSeconds ?? never) > (had.idleSeconds ?? never))
      yield { kind: 'limit-longer', about: role };
    yield* unrecognised(had, has, knownOfLimits, role);
  }
}

function* emergency(had: EmergencyChoices, has: EmergencyChoices, bounds: SettingsBounds): Generator<Loosening> {
  yield* unrecognised(had, has, knownOfEmergency, 'emergencyAccess');
  const longest = bounds.emergencySeconds;
  if (longest === undefined || !has.enabled) return;
  const window = ({ windowSeconds }: EmergencyChoices) => Math.min(windowSeconds ?? longest, longest);
  if (!had.enabled || !covers(had.roles, has.roles) || window(has) > window(had))
    yield { kind: 'emergency-access-wider', about: null };
}

const isMissing = (had: readonly string[], has: readonly string[]): boolean => had.some((one) => !has.includes(one));

const missing = (kind: LooseningKind, had: readonly string[], has: readonly string[]): Loosening[] =>
  had.filter((one) => !has.includes(one)).map((about) => ({ kind, about }));

/** What a later release may have stored, and this one cannot judge. */
function* unrecognised(
  before: object,
  after: object,
  recognised: ReadonlySet<string>,
  about: string | null,
): Generator<Loosening> {
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (recognised.has(name)) continue;
    if (JSON.stringify(Reflect.get(before, name)) !== JSON.stringify(Reflect.get(after, name)))
      yield { kind: 'unrecognised', about: about ?? name };
  }
}
