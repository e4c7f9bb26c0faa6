import { z } from 'zod';
import type { Category, Configuration } from '../configuration/configuration.ts';
import type {
  CategoryPolicy,
  EffectiveSettings,
  EmergencyPolicy,
  ExemptionRule,
  ReauthenticationRule,
  SessionLimits,
} from '../policy/settings.ts';
import { categoryTerms, type SettingsBounds } from '../policy/settings-change.ts';
import { strengths } from '../policy/strength.ts';

const DAY = 86_400;

/** What is stored of a workspace's choices. What an older release did not know has the default it had then. */
export const storedSettingsSchema = z.strictObject({
  enabled: z.boolean('true or false is needed'),
  /** Ids of the categories marked sensitive. */
  categories: z.array(z.string()).max(1000),
  graceSeconds: z.int('a whole number of seconds is needed').min(0).max(DAY),
  /** By category id: stricter than the code's, or within it. */
  categoryPolicies: z
    .record(
      z.string(),
      z.strictObject({
        graceSeconds: z.int('a whole number of seconds is needed').min(0).max(DAY).optional(),
        strength: z.enum(strengths, 'any, multi-factor or phishing-resistant is needed').optional(),
        scope: z.enum(['patient', 'category'], 'patient or category is needed').optional(),
        /** The actions that ask. Absent: those that code says. */
        actions: z.array(z.string().min(1).max(200)).min(1, 'at least one action is needed').max(50).optional(),
      }),
    )
    .default({}),
  /** Actions that always ask again, besides those that code says. */
  reauthenticateActions: z.array(z.string().min(1).max(200)).max(50).default([]),
  exemptions: z
    .array(
      z.strictObject({
        kind: z.enum(
          ['role', 'provider', 'treatment-relationship'],
          'role, provider or treatment-relationship is needed',
        ),
        value: z.string().min(1).max(256).nullable().default(null),
        /** Null: all. */
        categories: z.array(z.string()).nullable().default(null),
      }),
    )
    .max(200)
    .default([]),
  /** Roles whose people must have a factor. Null: the clinical ones. */
  mustEnrolRoles: z.array(z.string().min(1).max(200)).max(200).nullable().default(null),
  untilEnrolled: z.enum(['sensitive-only', 'refuse'], 'sensitive-only or refuse is needed').default('sensitive-only'),
  /** By role. */
  roleLimits: z
    .record(
      z.string(),
      z.strictObject({
        idleSeconds: z.int('a whole number of seconds is needed').min(60).max(DAY).optional(),
        absoluteSeconds: z.int('a whole number of seconds is needed').min(60).max(DAY).optional(),
      }),
    )
    .default({}),
  secondAdministrator: z.boolean('true or false is needed').default(false),
  /** Emergency access, within what code allows. */
  emergencyAccess: z
    .strictObject({
      enabled: z.boolean('true or false is needed').default(true),
      /** Only these of the roles that may. Null: all of them. */
      roles: z.array(z.string().min(1).max(200)).max(200).nullable().default(null),
      /** Null: as long as code allows. */
      windowSeconds: z.int('a whole number of seconds is needed').min(300).max(14_400).nullable().default(null),
    })
    .prefault({}),
});

/** What an administrator chooses for a workspace. */
export type WorkspaceSettings = Readonly<z.output<typeof storedSettingsSchema>>;
/** The same as it is sent: what is left out has its default. */
export type WorkspaceSettingsInput = Readonly<z.input<typeof storedSettingsSchema>>;

/** Reads what was stored. Throws where it is not of the form that was written. */
export const parseStoredSettings = (content: string): WorkspaceSettings =>
  storedSettingsSchema.parse(JSON.parse(content));

/** The settings of a workspace that never saved any. */
export function defaultSettings(configuration: Configuration): WorkspaceSettings {
  const sensitive = [...configuration.categories.values()].filter((category) => category.sensitive);
  return {
    ...configuration.defaults,
    categories: sensitive.map((category) => category.id),
    categoryPolicies: {},
    reauthenticateActions: [],
    exemptions: [],
    mustEnrolRoles: null,
    roleLimits: {},
    emergencyAccess: { enabled: true, roles: null, windowSeconds: null },
  };
}

/** Code's catalogue and bounds and a workspace's choices, taken together. The bounds of today hold for choices of yesterday. */
export function effectiveSettings(
  configuration: Configuration,
  workspaceId: string,
  version: number,
  chosen: WorkspaceSettings,
): EffectiveSettings {
  const { leastGraceSeconds, mostGraceSeconds } = configuration.bounds;
  const { absoluteSeconds } = configuration.limits;
  const graceSeconds = Math.min(Math.max(chosen.graceSeconds, leastGraceSeconds), mostGraceSeconds);
  const categories = new Map<string, CategoryPolicy>();
  for (const id of chosen.categories) {
    const declared = configuration.categories.get(id);
    if (declared !== undefined) categories.set(id, categoryPolicy(declared, chosen, graceSeconds));
  }
  const byCategory = Object.fromEntries(
    [...categories.values()].map((category) => [category.id, category.graceSeconds]),
  );
  return Object.freeze({
    workspaceId,
    version,
    enabled: chosen.enabled,
    categories,
    grace: Object.freeze({
      defaultSeconds: graceSeconds,
      byCategory: Object.freeze(byCategory),
      accountSeconds: configuration.accountGraceSeconds,
    }),
    reauthentication: reauthentication(configuration, chosen),
    signingStrength: configuration.signing.strength,
    exemptions: Object.freeze(chosen.exemptions.map(exemptionRule)),
    enrolment: Object.freeze({
      roles: new Set(chosen.mustEnrolRoles ?? clinicalRoles(configuration)),
      until: chosen.untilEnrolled,
    }),
    emergencyAccess: emergencyPolicy(configuration, chosen),
    oneShotSeconds: configuration.oneShotSeconds,
    limits: absoluteSeconds === undefined ? {} : { absoluteSeconds },
    roleLimits: new Map(Object.entries(chosen.roleLimits).map(([role, limits]) => [role, enforcedLimits(limits)])),
  });
}

/** What a change of settings is judged by. */
export const settingsBounds = (configuration: Configuration): SettingsBounds => ({
  categories: configuration.categories,
  clinicalRoles: clinicalRoles(configuration),
  alwaysAsked: new Set(
    [...configuration.reauthentication].filter(([, rule]) => rule.withinSeconds === 0).map(([action]) => action),
  ),
  absoluteSeconds: configuration.limits.absoluteSeconds,
  emergencySeconds: configuration.emergencyAccess?.windowSeconds,
});

const clinicalRoles = (configuration: Configuration): string[] =>
  configuration.roles.filter((role) => role.clinical).map((role) => role.id);

/** Never wider than code: fewer people, a shorter window, or nobody. */
function emergencyPolicy({ emergencyAccess }: Configuration, chosen: WorkspaceSettings): EmergencyPolicy {
  const { enabled, roles, windowSeconds } = chosen.emergencyAccess;
  const longest = emergencyAccess?.windowSeconds ?? 0;
  return Object.freeze({
    enabled: enabled && emergencyAccess !== undefined,
    roles: roles === null ? null : new Set(roles),
    windowSeconds: Math.min(windowSeconds ?? longest, longest),
  });
}

/** What a workspace adds asks each time; where code asks too, the stricter of both in each respect. */
function reauthentication(
  configuration: Configuration,
  chosen: WorkspaceSettings,
): ReadonlyMap<string, ReauthenticationRule> {
  const rules = new Map(configuration.reauthentication);
  for (const action of chosen.reauthenticateActions) {
    rules.set(action, { withinSeconds: 0, strength: rules.get(action)?.strength ?? 'any' });
  }
  return rules;
}

/** Never weaker than code: a shorter grace period, a stronger factor, a narrower scope, more actions. */
function categoryPolicy(declared: Category, chosen: WorkspaceSettings, graceSeconds: number): CategoryPolicy {
  const terms = categoryTerms(declared, chosen.categoryPolicies[declared.id] ?? {}, graceSeconds);
  const { id, name, accessAudit } = declared;
  const actions = terms.actions === null ? null : new Set(terms.actions);
  return Object.freeze({ id, name, accessAudit, ...terms, actions });
}

const exemptionRule = (rule: WorkspaceSettings['exemptions'][number]): ExemptionRule =>
  Object.freeze({ ...rule, categories: rule.categories === null ? null : new Set(rule.categories) });

/** The idle limit is kept with the settings; without a heartbeat it would lock people who are active. */
const enforcedLimits = ({ absoluteSeconds }: WorkspaceSettings['roleLimits'][string]): SessionLimits =>
  absoluteSeconds === undefined ? {} : { absoluteSeconds };
