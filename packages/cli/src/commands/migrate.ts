import { grantApplicationRole, migrate } from '@countersign/postgres';
import type { Command } from 'commander';
import type { CommandLineSurroundings } from '../command-line.ts';
import { databaseOf, withDatabase } from '../operator.ts';

/** `countersign migrate`: brings the schema to this release's version, and grants the application's role its rights. */
export function migrateCommand(program: Command, surroundings: CommandLineSurroundings): void {
  const command = program
    .command('migrate')
    .description('Brings the schema to this release. Run it as the role that owns the schema.')
    .option('--application-role <name>', 'the role that the application connects as: given its rights, and no others');
  withDatabase(command).action(async (options: { database?: string; applicationRole?: string }) => {
    const database = databaseOf(options, surroundings);
    await migrate(database);
    surroundings.stdout.write('The schema is at the version of this release.\n');
    if (options.applicationRole === undefined) return;
    await grantApplicationRole(database, options.applicationRole);
    surroundings.stdout.write(`${options.applicationRole} has the rights of the application, and no others.\n`);
  });
}
