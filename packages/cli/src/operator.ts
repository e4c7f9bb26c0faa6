import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { AuditWriter, CountersignError, Keyring, type Store, systemClock, timeOrderedIds } from '@countersign/core';
import { openStore } from '@countersign/postgres';
import type { Command } from 'commander';
import { z } from 'zod';
import type { CommandLineSurroundings } from './command-line.ts';

const keysSchema = z.strictObject({ current: z.string(), all: z.record(z.string(), z.string()) });

/** A command's own status, where it did what it was asked and found something wanting. */
export interface Outcome {
  status: number;
}

/** The option that every command has. */
export function withDatabase(command: Command): Command {
  return command.option(
    '--database <url>',
    'postgres://… of the server, or the folder of the embedded database; without it, COUNTERSIGN_DATABASE_URL',
  );
}

/** The option of commands that open secrets or seal rows. */
export function withKeys(command: Command): Command {
  return command.option(
    '--keys <file>',
    'JSON file { "current": "k2", "all": { "k1": "…", "k2": "…" } }; without it, COUNTERSIGN_KEYS holds the same text',
  );
}

/** The address that was given. Throws `configuration_invalid`. */
export function databaseOf({ database }: { readonly database?: string }, { env }: CommandLineSurroundings): string {
  const url = database ?? env.COUNTERSIGN_DATABASE_URL;
  if (url !== undefined && url !== '') return url;
  throw new CountersignError('configuration_invalid', {
    field: 'database',
    detail: 'No database is named.',
    cure: 'Give --database, or set COUNTERSIGN_DATABASE_URL.',
  });
}

/** The keyring that was given. Throws `configuration_invalid`; no key is repeated. */
export async function keyringOf(
  { keys }: { readonly keys?: string },
  { env }: CommandLineSurroundings,
): Promise<Keyring> {
  const refuse = (detail: string) =>
    new CountersignError('configuration_invalid', {
      field: 'keys',
      detail,
      cure: 'Give --keys with a file, or set COUNTERSIGN_KEYS, to {"current":"k2","all":{"k1":"…","k2":"…"}}.',
    });
  let text = env.COUNTERSIGN_KEYS;
  if (keys !== undefined) {
    text = await readFile(keys, 'utf8').catch(() => {
      throw refuse('The file of the keys cannot be read.');
    });
  }
  if (text === undefined || text === '') throw refuse('No keys are given.');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw refuse('The keys are no JSON.');
  }
  const checked = keysSchema.safeParse(parsed);
  if (!checked.success) throw refuse('The keys have not the form that is needed.');
  return new Keyring(checked.data);
}

/** Opens the store and an audit stream for one piece of work, and closes both. The schema is not migrated on the way. */
export async function withAudit<T>(
  database: string,
  work: (opened: { readonly store: Store; readonly audit: AuditWriter }) => Promise<T>,
): Promise<T> {
  const store = await openStore(database, { migrate: false });
  try {
    await store.ready();
    const audit = new AuditWriter({ store, clock: systemClock, ids: timeOrderedIds() });
    try {
      return await work({ store, audit });
    } finally {
      await audit.close();
    }
  } finally {
    await store.close();
  }
}

/** Who runs the command, for the audit log. In containers an account may have a number and no name. */
export function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** Opens the store for one piece of work that only reads, and closes it. */
export async function withStore<T>(database: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore(database, { migrate: false });
  try {
    await store.ready();
    return await work(store);
  } finally {
    await store.close();
  }
}
