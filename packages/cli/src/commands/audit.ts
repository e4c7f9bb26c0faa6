import { readFile } from 'node:fs/promises';
import {
  archiveAuditLog,
  CountersignError,
  parseCheckpoint,
  parseProof,
  proofJson,
  proveConsistency,
  proveInclusion,
  systemClock,
  verifyProof,
} from '@countersign/core';
import type { Command } from 'commander';
import { checkpointKeysOf, type TrustOptions, trustOf, withCheckpointKeys, withTrust } from '../checkpoint-trust.ts';
import type { CommandLineSurroundings } from '../command-line.ts';
import { databaseOf, type Outcome, withAudit, withDatabase, withStore } from '../operator.ts';
import { verifyCommand } from './audit-verify.ts';

interface Options extends TrustOptions {
  readonly database?: string;
}

/** `countersign audit …`: checks the log, prints checkpoints and keys, makes and checks proofs, moves old events out. */
export function auditCommand(program: Command, surroundings: CommandLineSurroundings, outcome: Outcome): void {
  const { stdout, stderr } = surroundings;
  const audit = program.command('audit').description('Checks the audit log, proves from it, moves old events out.');
  verifyCommand(audit, surroundings, outcome);

  const checkpoint = audit.command('checkpoint').description('Prints the newest checkpoint, to be kept elsewhere.');
  withDatabase(checkpoint).action(async (options: Options) => {
    const newest = await withStore(databaseOf(options, surroundings), (store) => store.seals.newest());
    if (newest === null) outcome.status = 1;
    if (newest === null) stderr.write('Nothing is sealed yet.\n');
    else stdout.write(newest.checkpoint);
  });

  const key = audit
    .command('key')
    .description(
      'Prints what checks the signatures of checkpoints (vkey): of the key that signs now first, then of older ones.',
    );
  withCheckpointKeys(withDatabase(key)).action(async (options: Options) => {
    const keys = await checkpointKeysOf(options, surroundings);
    if (keys === null) {
      throw new CountersignError('checkpoint_key_invalid', {
        detail: 'No key is given.',
        cure: 'Give --keys or --checkpoint-key, or set COUNTERSIGN_KEYS.',
      });
    }
    const named = options.origin ?? (await originOf(databaseOf(options, surroundings)));
    if (named === null) {
      throw new CountersignError('checkpoint_key_invalid', {
        detail: 'Nothing is sealed yet, so that the log has no name.',
        cure: 'Give --origin: host and path of publicUrl, or audit.origin where it is configured.',
      });
    }
    for (const { vkey } of keys.verifiers(named)) stdout.write(`${vkey}\n`);
  });

  const inclusion = audit
    .command('prove-inclusion <event-id>')
    .description('Prints the proof, as JSON, that an event is in the log.');
  withDatabase(inclusion).action(async (id: string, options: Options) => {
    const proof = await withStore(databaseOf(options, surroundings), (store) => proveInclusion(store.seals, id));
    if (proof === null) outcome.status = 1;
    if (proof === null) stderr.write('This event is not sealed yet.\n');
    else stdout.write(proofJson(proof));
  });

  const consistency = audit
    .command('prove-consistency <file>')
    .description('Prints the proof, as JSON, that the log of today begins with all that this checkpoint covers.');
  withDatabase(consistency).action(async (file: string, options: Options) => {
    const note = await textOf(file, 'checkpoint_invalid');
    const proof = await withStore(databaseOf(options, surroundings), (store) => proveConsistency(store.seals, note));
    stdout.write(proofJson(proof));
  });

  const verifyIt = audit
    .command('verify-proof <file>')
    .description('Checks a proof, without a database. Exit status 1 where it proves nothing.');
  withTrust(verifyIt).action(async (file: string, options: Options) => {
    const verifiers = await trustOf(options, surroundings);
    const proof = parseProof(await textOf(file, 'audit_proof_invalid'));
    const isProved = verifyProof(proof, verifiers(parseCheckpoint(proof.checkpoint).origin));
    if (!isProved) outcome.status = 1;
    stdout.write(isProved ? 'The proof holds.\n' : 'The proof does not hold.\n');
  });

  const archive = audit
    .command('archive')
    .description('Moves sealed events into a file, as the owner of the tables, and leaves their seals.')
    .requiredOption('--before <date>', 'only what is older: a month (2026-01) or a day (2026-01-15), in UTC')
    .requiredOption('--to <file>', 'a file that is not there yet');
  withDatabase(archive).action(async (options: Options & { readonly before: string; readonly to: string }) => {
    const before = instantOf(options.before);
    const part = await withAudit(databaseOf(options, surroundings), ({ store, audit: writer }) =>
      archiveAuditLog({ store, audit: writer, clock: surroundings.clock ?? systemClock, before, file: options.to }),
    );
    if (part === null) {
      outcome.status = 1;
      stderr.write('No seal is old enough: nothing was moved out.\n');
      return;
    }
    stdout.write(`Seals ${part.firstSeal} to ${part.lastSeal}, ${part.records} events. SHA-256 ${part.digest}\n`);
  });
}

async function originOf(database: string): Promise<string | null> {
  const newest = await withStore(database, (store) => store.seals.newest());
  return newest === null ? null : parseCheckpoint(newest.checkpoint).origin;
}

async function textOf(file: string, code: 'checkpoint_invalid' | 'audit_proof_invalid'): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new CountersignError(code, { detail: 'The file cannot be read.' });
  }
}

function instantOf(text: string): number {
  const [, year, month, day = '01'] = /^(\d{4})-(\d{2})(?:-(\d{2}))?$/.exec(text) ?? [];
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  // 30 February would be 2 March.
  if (year !== undefined && date.toJSON()?.startsWith(`${year}-${month}-${day}`)) return date.getTime();
  throw new CountersignError('input_invalid', {
    field: 'before',
    detail: '--before is neither a month nor a day.',
    cure: 'Write 2026-01 or 2026-01-15.',
  });
}
