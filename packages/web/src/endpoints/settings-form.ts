import {
  type Configuration,
  CountersignError,
  knownActions,
  type SettingsProblem,
  validateSettings,
  type WorkspaceSettings,
} from '@countersign/core';
import type {
  CategoryValues,
  EmergencyValues,
  ExemptionValues,
  LimitValues,
  SettingsFieldError,
  SettingsValues,
} from '../pages/pages.ts';

/** A form as its parser left it. */
export type FormBody = Readonly<Record<string, unknown>>;

/** What a form says, and what of it cannot be. `settings` is null where something cannot. */
export interface ReadForm {
  readonly values: SettingsValues;
  readonly settings: WorkspaceSettings | null;
  readonly errors: ReadonlyMap<string, SettingsFieldError>;
}

/** As the schema of the settings says. */
const LEAST_WINDOW_MINUTES = 5;
/** Rows of exemptions and limits that are read. */
const MOST_ROWS = 200;

/**
 * Reads the form of the settings page: what was typed, and the settings it means. Parts of the page that the form does not have
 * (it says which by `section`) keep what is saved.
 */
export function readSettingsForm(configuration: Configuration, body: FormBody, saved: WorkspaceSettings): ReadForm {
  const values = valuesIn(configuration, body, valuesOf(configuration, saved));
  const errors = new Map<string, SettingsFieldError>();
  /** Undefined for an empty field; what is no number is an error, and counts as empty. */
  const seconds = (path: string, typed: string): number | undefined => {
    if (typed.trim() === '') return undefined;
    const read = secondsOf(typed);
    if (read === null) errors.set(path, { code: 'not-a-number' });
    return read ?? undefined;
  };
  const graceSeconds = seconds('graceSeconds', values.graceMinutes);
  if (graceSeconds === undefined) errors.set('graceSeconds', { code: 'not-a-number' });
  const meant = {
    enabled: values.enabled,
    categories: [...values.categories],
    graceSeconds: graceSeconds ?? saved.graceSeconds,
    categoryPolicies: Object.fromEntries(
      Object.entries(values.policies).map(([id, own]) => [id, policyOf(configuration, id, own, seconds)]),
    ),
    reauthenticateActions: [...values.reauthenticate],
    exemptions: values.exemptions.map(({ kind, value, all, categories }) => ({
      kind,
      value: value.trim() === '' ? null : value.trim(),
      categories: all ? null : [...categories],
    })),
    mustEnrolRoles: values.mustEnrol === 'clinical' ? null : [...values.mustEnrolRoles],
    untilEnrolled: values.untilEnrolled,
    roleLimits: limitsOf(values.limits, seconds, errors),
    secondAdministrator: values.secondAdministrator,
    emergencyAccess: {
      enabled: values.emergency.enabled,
      roles: values.emergency.who === 'all' ? null : [...values.emergency.roles],
      windowSeconds: seconds('emergencyAccess.windowSeconds', values.emergency.minutes) ?? null,
    },
  };
  try {
    const settings = validateSettings(configuration, meant);
    return { values, settings: errors.size === 0 ? settings : null, errors };
  } catch (error) {
    for (const problem of problemsOf(error))
      if (!errors.has(problem.field)) errors.set(problem.field, shown(problem, configuration));
    return { values, settings: null, errors };
  }
}

/** What the form shows of saved settings. */
export function valuesOf(configuration: Configuration, settings: WorkspaceSettings): SettingsValues {
  const policies = [...configuration.categories.values()].map(({ id, actions }): [string, CategoryValues] => {
    const own = settings.categoryPolicies[id] ?? {};
    const usual = actions === undefined ? [...knownActions(configuration)] : [];
    return [
      id,
      {
        graceMinutes: minutesOf(own.graceSeconds),
        strength: own.strength ?? '',
        scope: own.scope ?? '',
        actions: own.actions ?? usual,
      },
    ];
  });
  return {
    enabled: settings.enabled,
    categories: settings.categories,
    graceMinutes: minutesOf(settings.graceSeconds),
    policies: Object.fromEntries(policies),
    reauthenticate: settings.reauthenticateActions,
    exemptions: settings.exemptions.map(({ kind, value, categories }) => ({
      kind,
      value: value ?? '',
      all: categories === null,
      categories: categories ?? [],
    })),
    mustEnrol: settings.mustEnrolRoles === null ? 'clinical' : 'chosen',
    mustEnrolRoles: settings.mustEnrolRoles ?? [],
    untilEnrolled: settings.untilEnrolled,
    limits: Object.entries(settings.roleLimits).map(([role, { idleSeconds, absoluteSeconds }]) => ({
      role,
      idleMinutes: minutesOf(idleSeconds),
      absoluteMinutes: minutesOf(absoluteSeconds),
    })),
    secondAdministrator: settings.secondAdministrator,
    emergency: {
      enabled: settings.emergencyAccess.enabled,
      who: settings.emergencyAccess.roles === null ? 'all' : 'chosen',
      roles: settings.emergencyAccess.roles ?? [],
      minutes: minutesOf(settings.emergencyAccess.windowSeconds ?? undefined),
    },
  };
}

function valuesIn(configuration: Configuration, body: FormBody, saved: SettingsValues): SettingsValues {
  const text = (name: string): string => listOf(body, name)[0] ?? '';
  const sections = new Set(listOf(body, 'section'));
  const has = <T>(section: string, read: () => T, otherwise: T): T => (sections.has(section) ? read() : otherwise);
  const ids = [...configuration.categories.keys()];
  const rows = <T>(read: (index: number) => T | null): T[] =>
    Array.from({ length: MOST_ROWS }, (_, index) => read(index)).filter((row) => row !== null);
  return {
    enabled: text('enabled') === 'on',
    categories: listOf(body, 'categories'),
    graceMinutes: text('graceMinutes'),
    policies: has(
      'categories',
      () =>
        Object.fromEntries(
          ids.map((id): [string, CategoryValues] => [
            id,
            {
              graceMinutes: text(`grace.${id}`),
              strength: text(`strength.${id}`),
              scope: text(`scope.${id}`),
              actions: listOf(body, `actions.${id}`),
            },
          ]),
        ),
      saved.policies,
    ),
    reauthenticate: has('reauthentication', () => listOf(body, 'reauthenticate'), saved.reauthenticate),
    exemptions: has(
      'exemptions',
      () =>
        rows((index): ExemptionValues | null => {
          const kind = text(`exemption.${index}.kind`);
          const chosen = listOf(body, `exemption.${index}.categories`);
          // A row of nobody is no exemption, whatever else stands in it: so one is taken away.
          if (kind === '') return null;
          const value = text(`exemption.${index}.value`);
          return { kind, value, all: chosen.includes('*'), categories: chosen.filter((id) => id !== '*') };
        }),
      saved.exemptions,
    ),
    mustEnrol: has('enrolment', () => (text('mustEnrol') === 'chosen' ? 'chosen' : 'clinical'), saved.mustEnrol),
    mustEnrolRoles: has('enrolment', () => linesOf(body, 'mustEnrolRoles'), saved.mustEnrolRoles),
    untilEnrolled: has('enrolment', () => text('untilEnrolled'), saved.untilEnrolled),
    limits: has(
      'limits',
      () =>
        rows((index): LimitValues | null => {
          const role = text(`limit.${index}.role`).trim();
          const idleMinutes = text(`limit.${index}.idleMinutes`);
          const absoluteMinutes = text(`limit.${index}.absoluteMinutes`);
          return idleMinutes.trim() === '' && absoluteMinutes.trim() === ''
            ? null
            : { role, idleMinutes, absoluteMinutes };
        }),
      saved.limits,
    ),
    secondAdministrator: has(
      'second-administrator',
      () => text('secondAdministrator') === 'on',
      saved.secondAdministrator,
    ),
    emergency: has(
      'emergency',
      (): EmergencyValues => ({
        enabled: text('emergency') === 'on',
        who: text('emergencyFor') === 'chosen' ? 'chosen' : 'all',
        roles: linesOf(body, 'emergencyRoles'),
        minutes: text('emergencyMinutes'),
      }),
      saved.emergency,
    ),
  };
}

/** Names sent one by one, or as the lines of a text. */
const linesOf = (body: FormBody, name: string): string[] =>
  listOf(body, name)
    .flatMap((lines) => lines.split(/\r?\n/))
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** A name sent once is text, and sent twice a list. */
function listOf(body: FormBody, name: string): string[] {
  const value = Object.hasOwn(body, name) ? body[name] : undefined;
  return (Array.isArray(value) ? value : [value]).filter((one): one is string => typeof one === 'string');
}

type ReadSeconds = (path: string, typed: string) => number | undefined;

function policyOf(configuration: Configuration, id: string, own: CategoryValues, seconds: ReadSeconds) {
  const declared = configuration.categories.get(id)?.actions;
  const known = [...knownActions(configuration)];
  // Every box ticked, or where code says which ask none more: nothing was chosen, and later actions ask too.
  const usual =
    declared === undefined ? known.every((action) => own.actions.includes(action)) : own.actions.length === 0;
  return {
    graceSeconds: seconds(`categoryPolicies.${id}.graceSeconds`, own.graceMinutes),
    ...(own.strength === '' ? {} : { strength: own.strength }),
    ...(own.scope === '' ? {} : { scope: own.scope }),
    ...(usual ? {} : { actions: [...own.actions] }),
  };
}

function limitsOf(limits: readonly LimitValues[], seconds: ReadSeconds, errors: Map<string, SettingsFieldError>) {
  const named = limits.flatMap(({ role, idleMinutes, absoluteMinutes }, index) => {
    if (role === '') errors.set(`roleLimits.(${index}).role`, { code: 'role-missing' });
    const path = role === '' ? `roleLimits.(${index})` : `roleLimits.${role}`;
    const idleSeconds = seconds(`${path}.idleSeconds`, idleMinutes);
    const absoluteSeconds = seconds(`${path}.absoluteSeconds`, absoluteMinutes);
    return role === '' ? [] : [[role, { idleSeconds, absoluteSeconds }] as const];
  });
  return Object.fromEntries(named);
}

/** Minutes as they were typed, in whole seconds: `15`, or `1.5` where what is saved is no whole minute. */
function secondsOf(minutes: string): number | null {
  const typed = /^\s*(\d{1,6}(?:[.,]\d{1,2})?)\s*$/.exec(minutes)?.[1];
  return typed === undefined ? null : Math.round(Number(typed.replace(',', '.')) * 60);
}

const minutesOf = (seconds: number | undefined): string =>
  seconds === undefined ? '' : String(Math.round((seconds / 60) * 100) / 100);

/** The problems that `input_invalid` of a change carries. */
export function problemsOf(error: unknown): readonly SettingsProblem[] {
  const problems = CountersignError.is(error) && error.code === 'input_invalid' ? error.details.extra?.problems : null;
  if (!Array.isArray(problems)) throw error;
  return problems as readonly SettingsProblem[];
}

function shown({ field, code, least, most }: SettingsProblem, configuration: Configuration): SettingsFieldError {
  if (field === 'emergencyAccess.windowSeconds') {
    const longest = configuration.emergencyAccess?.windowSeconds ?? 0;
    return { code: 'window-out-of-bounds', least: LEAST_WINDOW_MINUTES, most: Math.floor(longest / 60) };
  }
  return {
    code,
    least: least === undefined ? undefined : Math.ceil(least / 60),
    most: most === undefined ? undefined : Math.floor(most / 60),
  };
}
