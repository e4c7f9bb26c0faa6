import { type Configuration, reachable } from '../configuration/configuration.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import { type Strength, satisfiesStrength } from '../policy/strength.ts';
import { storedSettingsSchema, type WorkspaceSettings } from './effective-settings.ts';

/** What can be wrong with a setting; closed. */
export type SettingsProblemCode =
  | 'malformed'
  | 'category-unknown'
  | 'role-unknown'
  | 'action-unknown'
  | 'grace-out-of-bounds'
  | 'strength-unreachable'
  | 'value-missing'
  | 'value-superfluous'
  | 'categories-missing'
  | 'resolver-missing'
  | 'limit-out-of-bounds'
  | 'idle-above-absolute'
  | 'too-large';

/** One field at fault. */
export interface SettingsProblem {
  /** Path in the settings, joined by dots: `exemptions.0.value`. */
  readonly field: string;
  readonly code: SettingsProblemCode;
  /** What is wrong and the cure, as a sentence without its full stop. */
  readonly problem: string;
  /** The bounds, in seconds, where it is about one. */
  readonly least?: number;
  readonly most?: number;
}

/** Longest settings as JSON: both sides of a change have to fit into one audit event. */
const LONGEST = 24_000;

/** What a change is validated against, besides the form of settings. */
interface Declared {
  readonly roles: ReadonlySet<string>;
  readonly actions: ReadonlySet<string>;
  readonly strongest: Strength;
}

/**
 * Settings as they will be stored: within what code declares, in one spelling (the catalogue's order, each once), so that the
 * same choice is always the same text. Throws `input_invalid` with every field at fault in `details.extra.problems`.
 */
export function validateSettings(configuration: Configuration, input: unknown): WorkspaceSettings {
  const parsed = read(input);
  const problems = parsed.success
    ? [...problemsOf(parsed.data, configuration)]
    : parsed.error.issues.map((issue): SettingsProblem => {
        const field = issue.path.join('.') || 'settings';
        if (issue.code !== 'unrecognized_keys') return { field, code: 'malformed', problem: issue.message };
        return { field, code: 'malformed', problem: 'has a member that is no setting; leave it out' };
      });
  const [first] = problems;
  if (parsed.success && first === undefined) return inOneSpelling(parsed.data, configuration);
  throw new CountersignError('input_invalid', {
    ...(first === undefined ? {} : { field: first.field, detail: `${first.field}: ${first.problem}.` }),
    extra: { problems },
  });
}

/** Zod compares lengths before it looks at types: an object whose `length` is one too makes it throw. */
function read(input: unknown): ReturnType<typeof storedSettingsSchema.safeParse> {
  try {
    return storedSettingsSchema.safeParse(input);
  } catch {
    throw new CountersignError('input_invalid', { field: 'settings', detail: 'settings: cannot be read.' });
  }
}

/** Every action that administrators can name. */
export function knownActions(configuration: Configuration): ReadonlySet<string> {
  const declared = [...configuration.categories.values()].flatMap((category) => category.actions ?? []);
  return new Set([...configuration.actions, ...configuration.reauthentication.keys(), ...declared]);
}

/** The most that anybody here could prove. */
export const strongestReachable = ({ factors, checkPassword }: Configuration): Strength =>
  reachable(factors, checkPassword !== undefined);

function* problemsOf(settings: WorkspaceSettings, configuration: Configuration): Generator<SettingsProblem> {
  const declared: Declared = {
    roles: new Set(configuration.roles.map((role) => role.id)),
    actions: knownActions(configuration),
    strongest: strongestReachable(configuration),
  };
  yield* graceProblem('graceSeconds', settings.graceSeconds, configuration);
  yield* unknown('categories', 'category-unknown', settings.categories, configuration.categories);
  yield* categoryProblems(settings, configuration, declared);
  yield* unknown('reauthenticateActions', 'action-unknown', settings.reauthenticateActions, declared.actions);
  yield* exemptionProblems(settings, configuration, declared);
  yield* roleProblems('mustEnrolRoles', settings.mustEnrolRoles ?? [], declared);
  yield* limitProblems(settings, configuration, declared);
  yield* emergencyProblems(settings, configuration, declared);
  if (JSON.stringify(settings).length > LONGEST) {
    yield {
      field: 'settings',
      code: 'too-large',
      problem: 'is more than can be kept; choose fewer exemptions or roles',
    };
  }
}

function* categoryProblems(
  { categoryPolicies }: WorkspaceSettings,
  configuration: Configuration,
  { actions, strongest }: Declared,
): Generator<SettingsProblem> {
  for (const [id, own] of Object.entries(categoryPolicies)) {
    const field = `categoryPolicies.${id}`;
    const category = configuration.categories.get(id);
    if (category === undefined) {
      yield { field, code: 'category-unknown', problem: 'is for a category that is not declared; leave it out' };
      continue;
    }
    if (own.graceSeconds !== undefined)
      yield* graceProblem(`${field}.graceSeconds`, own.graceSeconds, configuration, category.graceSeconds);
    if (own.strength !== undefined && !satisfiesStrength(strongest, own.strength)) {
      const problem = `cannot be reached with the factors that are configured; choose at most ${strongest}`;
      yield { field: `${field}.strength`, code: 'strength-unreachable', problem };
    }
    yield* unknown(`${field}.actions`, 'action-unknown', own.actions ?? [], actions);
  }
}

function* graceProblem(
  field: string,
  seconds: number,
  { bounds }: Configuration,
  own: number | undefined = undefined,
): Generator<SettingsProblem> {
  const most = Math.min(own ?? bounds.mostGraceSeconds, bounds.mostGraceSeconds);
  // A category that code holds below the least anybody may choose has just that.
  const least = Math.min(bounds.leastGraceSeconds, most);
  if (seconds >= least && seconds <= most) return;
  const problem = seconds < least ? `at least ${least} seconds are needed` : `at most ${most} seconds are allowed`;
  yield { field, code: 'grace-out-of-bounds', problem, least, most };
}

function* exemptionProblems(
  { exemptions }: WorkspaceSettings,
  { categories, treatmentRelationship }: Configuration,
  declared: Declared,
): Generator<SettingsProblem> {
  for (const [index, { kind, value, categories: ids }] of exemptions.entries()) {
    const field = `exemptions.${index}`;
    if (kind === 'treatment-relationship') {
      const problem = 'needs the option treatmentRelationship, which is not configured; leave this exemption out';
      if (treatmentRelationship === undefined) yield { field: `${field}.kind`, code: 'resolver-missing', problem };
      const superfluous = 'is decided by the host for each patient; leave the value out';
      if (value !== null) yield { field: `${field}.value`, code: 'value-superfluous', problem: superfluous };
    } else if (value === null || value.trim() === '') {
      const what = kind === 'role' ? 'role' : 'user id';
      yield { field: `${field}.value`, code: 'value-missing', problem: `name the ${what} that is exempt` };
    } else if (kind === 'role') {
      yield* roleProblems(`${field}.value`, [value], declared);
    }
    const none = 'name at least one category, or null for all';
    if (ids?.length === 0) yield { field: `${field}.categories`, code: 'categories-missing', problem: none };
    yield* unknown(`${field}.categories`, 'category-unknown', ids ?? [], categories);
  }
}

function* limitProblems(
  { roleLimits }: WorkspaceSettings,
  { limits }: Configuration,
  declared: Declared,
): Generator<SettingsProblem> {
  const most = limits.absoluteSeconds;
  for (const [role, { idleSeconds, absoluteSeconds }] of Object.entries(roleLimits)) {
    const field = `roleLimits.${role}`;
    yield* roleProblems(field, [role], declared);
    for (const [name, seconds] of Object.entries({ idleSeconds, absoluteSeconds })) {
      if (most === undefined || seconds === undefined || seconds <= most) continue;
      const problem = `at most ${most} seconds are allowed, which is every session’s limit`;
      yield { field: `${field}.${name}`, code: 'limit-out-of-bounds', problem, most };
    }
    if (idleSeconds !== undefined && absoluteSeconds !== undefined && absoluteSeconds < idleSeconds) {
      const problem = 'is longer than the longest session; make it shorter';
      yield { field: `${field}.idleSeconds`, code: 'idle-above-absolute', problem };
    }
  }
}

/** Settings narrow what code allows. */
function* emergencyProblems(
  { emergencyAccess: { roles, windowSeconds } }: WorkspaceSettings,
  { emergencyAccess }: Configuration,
  declared: Declared,
): Generator<SettingsProblem> {
  const byRole = emergencyAccess?.eligible === undefined ? emergencyAccess?.roles : undefined;
  const known = byRole === undefined ? declared.roles : new Set(byRole);
  yield* roleProblems('emergencyAccess.roles', roles ?? [], { ...declared, roles: known });
  const most = emergencyAccess?.windowSeconds;
  if (most === undefined || windowSeconds === null || windowSeconds <= most) return;
  const problem = `at most ${most} seconds are allowed`;
  yield { field: 'emergencyAccess.windowSeconds', code: 'limit-out-of-bounds', problem, most };
}

/** Only where the host said which roles it has: else every one may be named. */
function* roleProblems(field: string, roles: readonly string[], declared: Declared): Generator<SettingsProblem> {
  if (declared.roles.size > 0) yield* unknown(field, 'role-unknown', roles, declared.roles);
}

const kinds = { 'category-unknown': 'category', 'role-unknown': 'role', 'action-unknown': 'action' } as const;

function* unknown(
  field: string,
  code: keyof typeof kinds,
  named: readonly string[],
  declared: { has(id: string): boolean },
): Generator<SettingsProblem> {
  if (named.every((id) => declared.has(id))) return;
  yield { field, code, problem: `names a ${kinds[code]} that is not declared; leave it out, or declare it` };
}

function inOneSpelling(settings: WorkspaceSettings, configuration: Configuration): WorkspaceSettings {
  const ids = [...configuration.categories.keys()];
  const inOrder = (chosen: readonly string[]) => ids.filter((id) => chosen.includes(id));
  const once = (values: readonly string[]) => [...new Set(values)];
  const filled = <T extends object>(members: T) =>
    Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T;
  const policies = inOrder(Object.keys(settings.categoryPolicies)).flatMap((id) => {
    const own = filled(settings.categoryPolicies[id] ?? {});
    return Object.keys(own).length === 0 ? [] : [[id, own.actions ? { ...own, actions: once(own.actions) } : own]];
  });
  const exemptions = settings.exemptions.map((rule) => ({
    ...rule,
    categories: rule.categories === null ? null : inOrder(rule.categories),
  }));
  const limits = Object.entries(settings.roleLimits).map(([role, chosen]) => [role, filled(chosen)] as const);
  return {
    ...settings,
    categories: inOrder(settings.categories),
    categoryPolicies: Object.fromEntries(policies),
    reauthenticateActions: once(settings.reauthenticateActions),
    exemptions: exemptions.filter(
      (rule, at) => exemptions.findIndex((one) => JSON.stringify(one) === JSON.stringify(rule)) === at,
    ),
    mustEnrolRoles: settings.mustEnrolRoles === null ? null : once(settings.mustEnrolRoles),
    emergencyAccess: {
      ...settings.emergencyAccess,
      roles: settings.emergencyAccess.roles === null ? null : once(settings.emergencyAccess.roles),
    },
    roleLimits: Object.fromEntries(limits.filter(([, chosen]) => Object.keys(chosen).length > 0)),
  };
}
