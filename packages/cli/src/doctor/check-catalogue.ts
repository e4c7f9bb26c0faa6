import { storedSettingsSchema } from '@countersign/core';
import { z } from 'zod';
import type { Check, Patient } from './examination.ts';
import { type Finding, notAsked, warning, well } from './finding.ts';

const PAGE = 500;
const applied = z.object({ categories: z.array(z.object({ id: z.string() })) });

/** Categories in saved settings that code does not declare: nothing is asked for them. */
export const catalogueCheck: Check = {
  subject: 'Categories',
  async look(patient) {
    const catalogue = patient.catalogue ?? (await ofNewestStart(patient));
    if (catalogue === null)
      return [
        notAsked('No process has started on this database yet, and no catalogue was given.', 'Give --catalogue.'),
      ];
    const declared = new Set(catalogue);
    const findings: Finding[] = [];
    let workspaces = 0;
    let after: string | null = null;
    while (true) {
      const rows: readonly { readonly workspaceId: string; readonly content: string }[] =
        await patient.store.settingsPage(after, PAGE);
      for (const { workspaceId, content } of rows) {
        workspaces += 1;
        const named = categoriesIn(content);
        const unknown = named?.filter((id) => !declared.has(id)) ?? [];
        if (named === null)
          findings.push(
            warning(`The settings of ${workspaceId} cannot be read.`, 'Save them anew on the settings page.'),
          );
        else if (unknown.length > 0)
          findings.push(
            warning(
              `The settings of ${workspaceId} name categories that code does not declare: ${unknown.join(', ')}.`,
              'Declare them in categories, or take them out on the settings page: an id that nobody declares asks for nothing.',
            ),
          );
      }
      after = rows.at(-1)?.workspaceId ?? null;
      if (rows.length < PAGE) break;
    }
    return findings.length > 0
      ? findings
      : [well(`Every category in the settings of ${workspaces} workspaces is declared.`)];
  },
};

/** What the newest start of a process has declared. */
async function ofNewestStart({ inspection }: Patient): Promise<readonly string[] | null> {
  const [event] = await inspection.systemEvents(['CONFIGURATION_APPLIED'], 1);
  if (event === undefined || event.details === null) return null;
  return applied.parse(JSON.parse(event.details)).categories.map(({ id }) => id);
}

function categoriesIn(content: string): readonly string[] | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch {
    return null;
  }
  const read = storedSettingsSchema.safeParse(parsed);
  if (!read.success) return null;
  const { categories, categoryPolicies, exemptions } = read.data;
  return [
    ...new Set([...categories, ...Object.keys(categoryPolicies), ...exemptions.flatMap((one) => one.categories ?? [])]),
  ];
}
