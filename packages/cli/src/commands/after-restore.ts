import { readFile } from 'node:fs/promises';
import { afterRestore, CountersignError, parseCheckpoint, type Store, systemClock } from '@countersign/core';
import type { Command } from 'commander';
import type { CommandLineSurroundings } from '../command-line.ts';
import { accountName, databaseOf, keyringOf, type Outcome, withAudit, withDatabase, withKeys } from '../operator.ts';

interface Options {
  readonly database?: string;
  readonly keys?: string;
  readonly reason: string;
  readonly yes?: boolean;
  readonly checkpoint?: string;
}

/** `countersign after-restore`: takes back what a backup brings back and should not. */
export function afterRestoreCommand(program: Command, surroundings: CommandLineSurroundings, outcome: Outcome): void {
  const command = program
    .command('after-restore')
    .description(
      'After a restore from backup, while no process runs: voids recovery codes and what was under way, uses up every code of until now, ends every session and proof.',
    )
    .requiredOption('--reason <text>', 'why, in at least 10 characters; it goes on the audit log')
    .option('--checkpoint <file>', 'the newest checkpoint that was exported: says how many events are gone')
    .option('--yes', 'do it; without it, only say what would be done');
  withKeys(withDatabase(command)).action(async (options: Options) => {
    const database = databaseOf(options, surroundings);
    const keyring = await keyringOf(options, surroundings);
    const exported = options.checkpoint === undefined ? null : await checkpointIn(options.checkpoint);
    const { stdout, stderr, clock = systemClock } = surroundings;
    await withAudit(database, async ({ store, audit }) => {
      const leadership = await store.openLeadership();
      try {
        // Held until the end: a process that starts meanwhile does none of its duties on what is about to change.
        if (!(await leadership.take())) {
          stderr.write(
            'A process of the application runs on this database. Stop all of them first: what they hold in memory is of another time.\n',
          );
          outcome.status = 1;
          return;
        }
        const compared = exported === null ? null : await compare(store, exported);
        stdout.write(
          compared === null
            ? 'No checkpoint was given: how many events are gone is not known.\n'
            : `${compared.says}\n`,
        );
        if (compared?.differs === true) outcome.status = 1;
        if (options.yes !== true) {
          stdout.write('Nothing was changed. Run it again with --yes.\n');
          outcome.status = 1;
          return;
        }
        const lost = compared?.lost ?? null;
        const done = await afterRestore({
          store,
          audit,
          keyring,
          clock,
          reason: options.reason,
          account: accountName(),
          lost,
        });
        stdout.write(
          [
            `Removed ${done.voided} rows of recovery codes, enrolment codes and unfinished enrolments: those who had recovery codes make new ones.`,
            `Used up every code of until now of ${done.raised} authenticator apps: the next one counts, within a minute.`,
            `Ended ${done.emergencies} emergency accesses that were open or waited.`,
            `Ended every session and proof in ${done.workspaces} workspaces: everybody signs in again, and is asked again.`,
            'Session state in Redis holds nothing that counts any more; FLUSHDB frees its memory at once.',
            'Factors that were reset or removed since the backup are back: reset those again that were removed for cause.',
            '',
          ].join('\n'),
        );
        if (done.unreadable > 0) {
          stderr.write(
            `${done.unreadable} rows fit no key that is given, and were left as they are: they count for nothing.\n`,
          );
          outcome.status = 1;
        }
      } finally {
        await leadership.close();
      }
    });
  });
}

type Exported = ReturnType<typeof parseCheckpoint>;

async function checkpointIn(file: string): Promise<Exported> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new CountersignError('input_invalid', { field: 'checkpoint', detail: 'The checkpoint cannot be read.' });
  });
  return parseCheckpoint(text);
}

interface Comparison {
  readonly says: string;
  /** Events that the checkpoint covers and that are not there; null where that cannot be said. */
  readonly lost: number | null;
  /** The log is another than the one that was sealed. */
  readonly differs: boolean;
}

/** What the restored log has of what the checkpoint covered. */
async function compare(store: Store, exported: Exported): Promise<Comparison> {
  const newest = await store.seals.newest();
  const unsealed = (await store.seals.unsealed(true)).reduce((sum, { from, until }) => sum + until - from, 0);
  const covered = `The checkpoint covers ${exported.size} events`;
  const there = newest?.size ?? 0;
  if (newest !== null && there >= exported.size) {
    const same = await store.seals.sealOf(exported.size);
    if (same?.size !== exported.size)
      return {
        says: `${covered}, and as many are there. Run countersign audit verify --checkpoint to compare them.`,
        lost: 0,
        differs: false,
      };
    if (Buffer.compare(same.root, exported.root) === 0)
      return { says: `${covered}, and all of them are there.`, lost: 0, differs: false };
    return {
      says: `${covered}. As many are there, but they are others: run countersign audit verify.`,
      lost: null,
      differs: true,
    };
  }
  // Some of what it covered may be there, and was sealed only after the backup was made.
  const lost = Math.max(0, exported.size - there - unsealed);
  return {
    says: `${covered}; ${there} sealed ones and ${unsealed} later ones are there: at least ${lost} events are gone.`,
    lost,
    differs: false,
  };
}
