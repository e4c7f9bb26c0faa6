import { CountersignError } from '@countersign/core';
import { z } from 'zod';
import type { Database } from './database.ts';

/** A client of postgres.js (`postgres(…)`), by what is used of it. Countersign never closes it. */
export interface PostgresJsClient {
  readonly options: object;
  readonly unsafe: (...args: never[]) => unknown;
  readonly begin: (...args: never[]) => unknown;
  readonly reserve: (...args: never[]) => unknown;
}

/** An instance of PGlite, by what is used of it. Countersign never closes it. */
export interface PGliteClient {
  readonly waitReady: Promise<void>;
  readonly query: (...args: never[]) => unknown;
  readonly transaction: (...args: never[]) => unknown;
  readonly listen: (...args: never[]) => unknown;
}

/**
 * Where the data is: `postgres://…` or `postgresql://…`, a server; any other text, a folder for the embedded PGlite
 * (`memory://`: nothing is kept); or a client that the host has.
 */
export type StoreTarget = string | PostgresJsClient | PGliteClient;

const serverUrl = /^postgres(ql)?:\/\//i;

/** What `openStore` can be told. Unknown members are refused, so that none that is misspelt is ignored. */
const storeOptions = z.strictObject({
  /** Connections in the pool of our own; the audit writer and LISTEN each take one more. Default 10. */
  maxConnections: z.int().min(1).default(10),
  /**
   * A URL past the transaction pooler (PgBouncer, Supavisor, …) that the main one goes through. LISTEN, the audit writer's lock
   * and migrations need sessions of their own. With it, the pool sends no start-up settings, which poolers refuse.
   */
  listenUrl: z.string().regex(serverUrl, 'expected a postgres:// URL').optional(),
  /** Seconds after which a call that waits for the database is given up. Default 5; more than 0, at most 300. */
  waitSeconds: z.number().positive().max(300).default(5),
  /**
   * Apply pending migrations before the store is given out. Default true; needs no rights where nothing is pending. With false,
   * `ready()` says whether the schema fits.
   */
  migrate: z.boolean().default(true),
});

/** Options of `openStore`, all with defaults. Unknown members are refused. */
export type StoreOptions = z.input<typeof storeOptions>;
export type CheckedOptions = z.output<typeof storeOptions>;

/** The options with their defaults. @throws CountersignError `configuration_invalid`, naming the option. */
export function checkOptions(options: StoreOptions): CheckedOptions {
  const checked = storeOptions.safeParse(options);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const field = issue?.path.join('.') || 'options';
  throw new CountersignError('configuration_invalid', { field, detail: `${field}: ${issue?.message}.` });
}

/** The drivers are loaded only where they are used: a host needs one of the two packages. */
export async function openDatabase(target: StoreTarget, options: CheckedOptions): Promise<Database> {
  checkTarget(target);
  if (isServer(target)) {
    const { serverDatabase } = await needing('postgres', () => import('./server-database.ts'));
    return serverDatabase(target as Parameters<typeof serverDatabase>[0], options);
  }
  const { embeddedDatabase } = await needing('@electric-sql/pglite', () => import('./embedded-database.ts'));
  return await embeddedDatabase(target as Parameters<typeof embeddedDatabase>[0]);
}

const isServer = (target: StoreTarget): boolean =>
  typeof target === 'string' ? serverUrl.test(target) : typeof target === 'function' && 'unsafe' in target;

function checkTarget(target: StoreTarget): void {
  const refuse = (detail: string, cure: string) =>
    new CountersignError('configuration_invalid', { field: 'target', detail, cure });
  const isPglite = typeof target === 'object' && target !== null && 'query' in target && 'waitReady' in target;
  if (isServer(target) || isPglite) return;
  if (typeof target !== 'string' || target.trim() === '') {
    throw refuse(
      'It is not said where the data is.',
      'Give a postgres:// URL, a folder, a postgres.js client or a PGlite instance.',
    );
  }
  // A misspelt URL would otherwise become a folder, and an empty one: every setting and factor would seem gone.
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(target) && !target.startsWith('memory://')) {
    throw refuse(
      'This kind of URL is not known.',
      'Give a URL that begins with postgres:// or postgresql://, or a folder.',
    );
  }
}

async function needing<Module>(driver: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')) throw cause;
    throw new CountersignError('configuration_invalid', {
      field: 'target',
      detail: `The package ${driver} is not installed.`,
      cure: `Run: npm install ${driver}`,
      cause,
    });
  }
}
