import { resetFactorsAsOperator } from '@countersign/core';
import type { Command } from 'commander';
import type { CommandLineSurroundings } from '../command-line.ts';
import { accountName, databaseOf, withAudit, withDatabase } from '../operator.ts';

interface Options {
  readonly database?: string;
  readonly workspace: string;
  readonly user: string;
  readonly factor?: string;
  readonly reason: string;
}

/** `countersign reset-factors`: for the last administrator, whom nobody else could reset. */
export function resetCommand(program: Command, surroundings: CommandLineSurroundings): void {
  const command = program
    .command('reset-factors')
    .description('Removes a user’s factors, so that they can be enrolled anew. On the audit log, with your account.')
    .requiredOption('--workspace <id>', 'the workspace')
    .requiredOption('--user <id>', 'the user')
    .option('--factor <kind>', 'one kind, such as totp; without it, all')
    .requiredOption('--reason <text>', 'why, in at least 10 characters; it goes on the audit log');
  withDatabase(command).action(async (options: Options) => {
    const database = databaseOf(options, surroundings);
    const { workspace: workspaceId, user: userId, factor, reason } = options;
    const account = accountName();
    await withAudit(database, async ({ store, audit }) => {
      const about = { store, audit, workspaceId, userId, factor: factor ?? null, reason, account };
      const removed = await resetFactorsAsOperator(about);
      surroundings.stdout.write(`Removed ${removed} of ${userId}. They can enrol again after a fresh sign-in.\n`);
    });
  });
}
