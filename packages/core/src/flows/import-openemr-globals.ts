import { z } from 'zod';
import type { AuditWriter } from '../audit/writer.ts';
import { parseCategoryList } from '../configuration/category-list.ts';
import type { Clock } from '../configuration/sources.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { Store } from '../store/store.ts';
import { parseStoredSettings, storedSettingsSchema, type WorkspaceSettings } from './effective-settings.ts';
import { SETTINGS_MAC, settingsMacValues } from './live-workspaces.ts';

const rowsSchema = z.array(z.object({ gl_name: z.string(), gl_value: z.string().nullable() }));

/** The three globals of OpenEMR's step-up module, as they were found; absent where they were not. */
export interface OpenEmrGlobals {
  readonly enabled?: boolean;
  readonly categories?: readonly string[];
  readonly graceSeconds?: number;
}

/**
 * Reads `stepup_mfa_enabled` (`0` or `1`), `stepup_mfa_categories` (`5,8,12`) and `stepup_mfa_timeout` (seconds) from an export of
 * the table `globals`: JSON rows of `gl_name` and `gl_value`, or lines of name, tab and value as `mysql --batch` prints them.
 * Throws `input_invalid`, naming the global.
 */
export function readOpenEmrGlobals(text: string): OpenEmrGlobals {
  const values = new Map(namesAndValues(text));
  const enabled = values.get('stepup_mfa_enabled')?.trim();
  if (enabled !== undefined && enabled !== '0' && enabled !== '1')
    throw invalid('stepup_mfa_enabled', 'is neither 0 nor 1');
  const timeout = values.get('stepup_mfa_timeout')?.trim();
  if (timeout !== undefined && (!/^\d{1,5}$/.test(timeout) || Number(timeout) > 86_400))
    throw invalid('stepup_mfa_timeout', 'is no whole number of seconds up to 86400');
  const categories = values.get('stepup_mfa_categories');
  if (enabled === undefined && timeout === undefined && categories === undefined)
    throw invalid('globals', 'hold none of stepup_mfa_enabled, stepup_mfa_categories, stepup_mfa_timeout');
  return {
    ...(enabled === undefined ? {} : { enabled: enabled === '1' }),
    ...(categories === undefined ? {} : { categories: parseCategoryList(categories) }),
    ...(timeout === undefined ? {} : { graceSeconds: Number(timeout) }),
  };
}

/**
 * Saves them as a workspace's settings, over those it has; what OpenEMR does not know stays. Code's catalogue and bounds hold on
 * top, as for every saved setting. Audited as `SETTINGS_CHANGED` with both. Throws `settings_unknown` where the row at hand was
 * altered, `settings_conflict` where somebody saves at the same moment.
 */
export async function importOpenEmrGlobals(imported: {
  readonly store: Store;
  readonly audit: AuditWriter;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly workspaceId: string;
  readonly globals: OpenEmrGlobals;
}): Promise<{ readonly version: number; readonly settings: WorkspaceSettings }> {
  const { store, audit, keyring, clock, workspaceId, globals } = imported;
  const held = await store.settings(workspaceId);
  if (held !== null && !keyring.verifyMac(held.mac, SETTINGS_MAC, settingsMacValues(held)))
    throw new CountersignError('settings_unknown');
  const before = held === null ? null : parseStoredSettings(held.content);
  const base = before ?? { enabled: true, categories: [], graceSeconds: 900 };
  const settings = storedSettingsSchema.parse({ ...base, ...globals });
  const row = {
    workspaceId,
    version: (held?.version ?? 0) + 1,
    content: JSON.stringify(settings),
    changedAt: clock.now(),
    changedBy: 'command-line',
  };
  const mac = keyring.mac(SETTINGS_MAC, settingsMacValues(row));
  const saved = await audit.transact(async (transaction) => {
    if (!(await transaction.putSettings({ ...row, mac }))) return { value: false, events: [] };
    const details = JSON.stringify({ version: row.version, before, after: settings });
    const reason = 'imported from OpenEMR';
    const event = { code: 'SETTINGS_CHANGED', outcome: 'success', workspaceId, userId: null, reason, details } as const;
    return { value: true, events: [event] };
  });
  if (!saved) throw new CountersignError('settings_conflict');
  return { version: row.version, settings };
}

function namesAndValues(text: string): [string, string][] {
  const trimmed = text.trim();
  if (trimmed.startsWith('[')) {
    try {
      const rows = rowsSchema.parse(JSON.parse(trimmed));
      return rows.map(({ gl_name, gl_value }) => [gl_name, gl_value ?? '']);
    } catch {
      throw invalid('globals', 'are no list of rows with gl_name and gl_value');
    }
  }
  return trimmed.split(/\r?\n/).flatMap((line) => {
    const [name, value] = line.split('\t');
    return name === undefined || value === undefined ? [] : [[name.trim(), value] as [string, string]];
  });
}

const invalid = (field: string, problem: string): CountersignError =>
  new CountersignError('input_invalid', { field, detail: `${field} ${problem}.` });
