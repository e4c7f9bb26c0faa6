import { readFile } from 'node:fs/promises';
import { CountersignError, importOpenEmrGlobals, readOpenEmrGlobals, systemClock } from '@countersign/core';
import type { Command } from 'commander';
import type { CommandLineSurroundings } from '../command-line.ts';
import { databaseOf, keyringOf, withAudit, withDatabase, withKeys } from '../operator.ts';

interface Options {
  readonly database?: string;
  readonly keys?: string;
  readonly workspace: string;
  readonly dryRun?: boolean;
}

/** `countersign import-openemr-globals`: takes over the settings of OpenEMR's step-up module. */
export function importCommand(program: Command, surroundings: CommandLineSurroundings): void {
  const command = program
    .command('import-openemr-globals')
    .description(
      'Takes over stepup_mfa_enabled, stepup_mfa_categories and stepup_mfa_timeout (seconds) from an export of globals.',
    )
    .argument('<file>', 'JSON rows of gl_name and gl_value, or lines of name, tab and value')
    .requiredOption('--workspace <id>', 'the workspace that gets them')
    .option('--dry-run', 'only say what was read');
  withKeys(withDatabase(command)).action(async (file: string, options: Options) => {
    const text = await readFile(file, 'utf8').catch(() => {
      throw new CountersignError('input_invalid', { field: 'file', detail: 'The file cannot be read.' });
    });
    const globals = readOpenEmrGlobals(text);
    surroundings.stdout.write(`Read: ${JSON.stringify(globals)}\n`);
    if (options.dryRun === true) return;
    const database = databaseOf(options, surroundings);
    const keyring = await keyringOf(options, surroundings);
    const { workspace: workspaceId } = options;
    await withAudit(database, async ({ store, audit }) => {
      const saved = await importOpenEmrGlobals({ store, audit, keyring, clock: systemClock, workspaceId, globals });
      surroundings.stdout.write(`Saved as version ${saved.version} of ${workspaceId}.\n`);
    });
  });
}
