import { z } from 'zod';
import type { Configuration } from '../configuration/configuration.ts';
import type { CategoryPolicy, EffectiveSettings } from '../policy/settings.ts';

const storedSchema = z.strictObject({
  enabled: z.boolean(),
  categories: z.array(z.string()),
  graceSeconds: z.int().min(0),
});

/** What an administrator chooses for a workspace. */
export type WorkspaceSettings = Readonly<z.output<typeof storedSchema>>;

/** Reads what was stored. Throws where it is not of the form that was written. */
export const parseStoredSettings = (content: string): WorkspaceSettings => storedSchema.parse(JSON.parse(content));

/** The settings of a workspace that never saved any. */
export function defaultSettings(configuration: Configuration): WorkspaceSettings {
  const sensitive = [...configuration.categories.values()].filter((category) => category.sensitive);
  return { ...configuration.defaults, categories: sensitive.map((category) => category.id) };
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
    if (declared === undefined) continue;
    const { name, strength, scope, accessAudit } = declared;
    const least = Math.min(declared.graceSeconds ?? graceSeconds, graceSeconds);
    categories.set(id, Object.freeze({ id, name, strength, scope, accessAudit, graceSeconds: least }));
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
    reauthenticateActions: new Set(configuration.reauthenticateActions),
    oneShotSeconds: configuration.oneShotSeconds,
    limits: absoluteSeconds === undefined ? {} : { absoluteSeconds },
  });
}
