import { readFile } from 'node:fs/promises';
import { CheckpointKeys, CountersignError, NoteVerifier } from '@countersign/core';
import type { Command } from 'commander';
import type { CommandLineSurroundings } from './command-line.ts';
import { keyringOf, withKeys } from './operator.ts';

/** What says which keys sign checkpoints. */
export interface TrustOptions {
  readonly keys?: string;
  readonly checkpointKey?: string;
  readonly origin?: string;
  readonly vkey?: readonly string[];
}

/** The options of commands that need the key of the checkpoints itself. */
export function withCheckpointKeys(command: Command): Command {
  return withKeys(command)
    .option('--checkpoint-key <file>', 'PKCS#8 PEM or seed of the key that signs, where it is not derived from --keys')
    .option('--origin <name>', 'name of the log, where nothing is sealed yet or it was configured');
}

/** The options of commands that check signatures: a `vkey` is enough, and no secret. */
export function withTrust(command: Command): Command {
  return withCheckpointKeys(command).option(
    '--vkey <vkey...>',
    'what checks the signatures, as `countersign audit key` printed it; several where the key was changed',
  );
}

/** Keys by the secrets that were given; null: none were. Throws `configuration_invalid`, `checkpoint_key_invalid`. */
export async function checkpointKeysOf(
  options: TrustOptions,
  surroundings: CommandLineSurroundings,
): Promise<CheckpointKeys | null> {
  const { checkpointKey, origin, keys } = options;
  const isGiven = keys !== undefined || (surroundings.env.COUNTERSIGN_KEYS ?? '') !== '';
  const keyring = isGiven ? await keyringOf(options, surroundings) : null;
  const key = checkpointKey === undefined ? null : await readKey(checkpointKey);
  if (keyring === null && key === null) return null;
  const seeds = keyring === null ? [] : [...keyring.checkpointSeeds.values()];
  return new CheckpointKeys({ origin: origin ?? null, fallback: origin ?? 'countersign', key, seeds, earlier: [] });
}

/** Who may have signed. Throws `checkpoint_key_invalid`, also where nothing was given. */
export async function trustOf(
  options: TrustOptions,
  surroundings: CommandLineSurroundings,
): Promise<(origin: string) => readonly NoteVerifier[]> {
  const named = (options.vkey ?? []).map((vkey) => NoteVerifier.parse(vkey));
  // Who names vkeys trusts these, and nothing that happens to lie in the environment.
  const keys =
    named.length > 0 && options.keys === undefined && options.checkpointKey === undefined
      ? null
      : await checkpointKeysOf(options, surroundings);
  if (keys === null && named.length === 0) {
    throw new CountersignError('checkpoint_key_invalid', {
      detail: 'Nothing says whose signatures count.',
      cure: 'Give --vkey with what `countersign audit key` printed, or --keys.',
    });
  }
  return (origin) => [...named, ...(keys?.verifiers(origin) ?? [])];
}

/** The file of a key, as a host gives it to `audit.checkpointKey`. */
async function readKey(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new CountersignError('checkpoint_key_invalid', { detail: 'The file of the key cannot be read.' });
  }
}
