import { readFile } from 'node:fs/promises';
import { type AuditDeviation, CountersignError, openArchivedLog, verifyAuditLog } from '@countersign/core';
import type { Command } from 'commander';
import { type TrustOptions, trustOf, withTrust } from '../checkpoint-trust.ts';
import type { CommandLineSurroundings } from '../command-line.ts';
import { databaseOf, type Outcome, withDatabase, withStore } from '../operator.ts';

interface Options extends TrustOptions {
  readonly database?: string;
  readonly checkpoint?: readonly string[];
  readonly archive?: readonly string[];
}

/** `countersign audit verify`. Status 0: intact; 1: it deviates; 2: it could not be checked. */
export function verifyCommand(audit: Command, surroundings: CommandLineSurroundings, outcome: Outcome): void {
  const command = audit
    .command('verify')
    .description('Recomputes the whole log. Exit status 0: intact; 1: it deviates; 2: it could not be checked.')
    .option('--checkpoint <file...>', 'checkpoints that were kept elsewhere: what the log is compared with')
    .option('--archive <file...>', 'what was moved out, to be checked with the rest');
  withTrust(withDatabase(command)).action(async (options: Options) => {
    const { stdout, stderr } = surroundings;
    try {
      const findings = await check(options, surroundings);
      const { deviation, sealed, unsealed, archived, compared } = findings;
      if (deviation !== null) {
        outcome.status = 1;
        stdout.write(`${sentence(deviation)}\n${sealed} events were checked up to there.\n`);
        return;
      }
      stdout.write(`Intact: ${sealed} events under seal.\n`);
      stdout.write(
        compared > 0
          ? `Compared with ${compared} checkpoints from elsewhere.\n`
          : 'Compared with no checkpoint from elsewhere: whoever has the key could have written all of it anew.\n',
      );
      if (unsealed > 0)
        stdout.write(
          `${unsealed} events behind the last seal were checked by their chains alone: nothing says where they end.\n`,
        );
      if (archived > 0)
        stdout.write(`${archived} events were moved out, and are known by their root only: give --archive.\n`);
      if (findings.checkpoint !== null) stdout.write(`\n${findings.checkpoint}`);
    } catch (error) {
      if (!CountersignError.is(error)) throw error;
      // 1 is for a log that deviates: a database that is away must not look like one.
      outcome.status = 2;
      const { cure } = error.details;
      stderr.write(`Not checked. ${error.message}${cure === undefined ? '' : ` ${cure}`} (${error.code})\n`);
    }
  });
}

async function check(options: Options, surroundings: CommandLineSurroundings) {
  const verifiers = await trustOf(options, surroundings);
  const checkpoints = await Promise.all((options.checkpoint ?? []).map(noteOf));
  const archives = await Promise.all((options.archive ?? []).map((file) => openArchivedLog(file)));
  return await withStore(databaseOf(options, surroundings), (store) =>
    verifyAuditLog({ store, verifiers, checkpoints, archives }),
  );
}

async function noteOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new CountersignError('checkpoint_invalid', { detail: 'A file of a checkpoint cannot be read.' });
  }
}

function sentence({ kind, stream, index, until, seal, detail }: AuditDeviation): string {
  const places = [
    stream === null ? null : `stream ${stream}`,
    index === null
      ? null
      : until === index + 1
        ? `index ${index}`
        : `from index ${index}${until === null ? '' : `, before ${until}`}`,
    seal === null ? (stream === null ? null : 'behind the last seal') : `seal ${seal}`,
  ].filter((place) => place !== null);
  return `Deviates: ${kind}: ${places.join(', ')}. ${detail}`;
}
