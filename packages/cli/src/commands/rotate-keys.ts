import { type KeyRotation, type Keyring, keysInUse, rotateKeys } from '@countersign/core';
import type { Command } from 'commander';
import type { CommandLineSurroundings } from '../command-line.ts';
import { databaseOf, keyringOf, type Outcome, withAudit, withDatabase, withKeys } from '../operator.ts';

interface Options {
  readonly database?: string;
  readonly keys?: string;
  readonly check?: boolean;
  readonly drop?: string;
}

/** `countersign rotate-keys`: brings every secret under the current key while the application runs. */
export function rotateKeysCommand(program: Command, surroundings: CommandLineSurroundings, outcome: Outcome): void {
  const command = program
    .command('rotate-keys')
    .description(
      'Brings every secret and seal under the current key. Can be stopped and run again; the application stays up.',
    )
    .option('--check', 'only say which keys are in use')
    .option('--drop <key id>', 'afterwards say whether this key can be dropped: exit status 1 while a row is under it');
  withKeys(withDatabase(command)).action(async (options: Options) => {
    const database = databaseOf(options, surroundings);
    const keyring = await keyringOf(options, surroundings);
    await withAudit(database, async ({ store, audit }) => {
      if (options.check === true) {
        outcome.status = report(await keysInUse({ store, keyring }), keyring, options, surroundings);
        return;
      }
      const rotation = await rotateKeys({ store, audit, keyring });
      const { factors, settings, proposals } = rotation.resealed;
      surroundings.stdout.write(
        `Brought under ${keyring.current}: ${factors} factor rows, ${settings} settings rows, ${proposals} proposals.\n`,
      );
      outcome.status = report(rotation, keyring, options, surroundings);
    });
  });
}

function report(
  { inUse, unreadable }: Pick<KeyRotation, 'inUse' | 'unreadable'>,
  keyring: Keyring,
  { drop }: Options,
  { stdout, stderr }: CommandLineSurroundings,
): number {
  for (const [key, rows] of inUse) stdout.write(`${key}: ${rows} rows${key === keyring.current ? ' (current)' : ''}\n`);
  if (unreadable > 0)
    stderr.write(
      `${unreadable} rows fit no key that is given, and were left as they are: they were altered, or their key is missing.\n`,
    );
  if (drop === undefined) return unreadable > 0 ? 1 : 0;
  if (drop === keyring.current) {
    stderr.write(`${drop} is the current key: it cannot be dropped.\n`);
    return 1;
  }
  const rows = inUse.get(drop) ?? 0;
  if (rows > 0 || unreadable > 0) {
    stderr.write(
      `${drop} must stay: ${rows} rows are under it${unreadable > 0 ? ', and some rows cannot be read' : ''}.\n`,
    );
    return 1;
  }
  stdout.write(`${drop} can be dropped: no row is under it.\n`);
  return 0;
}
