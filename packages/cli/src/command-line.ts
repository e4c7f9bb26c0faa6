import { type Clock, CountersignError } from '@countersign/core';
import { Command, CommanderError } from 'commander';
import { afterRestoreCommand } from './commands/after-restore.ts';
import { auditCommand } from './commands/audit.ts';
import { doctorCommand } from './commands/doctor.ts';
import { importCommand } from './commands/import-openemr-globals.ts';
import { migrateCommand } from './commands/migrate.ts';
import { resetCommand } from './commands/reset-factors.ts';
import { rotateKeysCommand } from './commands/rotate-keys.ts';

/** What a command reads and writes, so that tests can give their own. */
export interface CommandLineSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  /** Default: the system's. */
  readonly clock?: Clock;
}

/**
 * Runs one command of `countersign` and resolves with its exit status: 0 done, 1 refused or found wanting, 2 called wrongly.
 * Nothing secret is printed.
 */
export async function runCommandLine(args: readonly string[], surroundings: CommandLineSurroundings): Promise<number> {
  const { stdout, stderr } = surroundings;
  const outcome = { status: 0 };
  const program = new Command('countersign')
    .description('Operates Countersign: step-up MFA for sensitive encounters.')
    .exitOverride()
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) });
  for (const add of [
    migrateCommand,
    rotateKeysCommand,
    importCommand,
    resetCommand,
    doctorCommand,
    afterRestoreCommand,
    auditCommand,
  ])
    add(program, surroundings, outcome);
  // Commands that were added have output settings of their own.
  for (const command of program.commands) {
    command.copyInheritedSettings(program);
    for (const below of command.commands) below.copyInheritedSettings(program);
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
    return outcome.status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!CountersignError.is(error)) {
      stderr.write('Something went wrong on our side. Nothing more is said here, since it might be secret.\n');
      return 1;
    }
    const { cure } = error.details;
    stderr.write(`${error.message}${cure === undefined ? '' : ` ${cure}`} (${error.code})\n`);
    return 1;
  }
}
