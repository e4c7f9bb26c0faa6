import { mkdir } from 'node:fs/promises';
import { lockFolder } from '@countersign/core';
import { PGlite, type Transaction } from '@electric-sql/pglite';
import type { SQL } from 'drizzle-orm';
import { drizzle, type PgliteDatabase } from 'drizzle-orm/pglite';
import { migrate } from 'drizzle-orm/pglite/migrator';
import type { Connection, Database, Session } from './database.ts';
import * as schema from './schema.ts';
import { ConnectionLost } from './store-error.ts';

/**
 * PGlite: a folder (locked against other processes), `memory://`, or an instance that the host has. For development, tests and
 * single-process installations that can lose the last moments: PGlite does not sync on commit.
 */
export async function embeddedDatabase(target: string | PGlite): Promise<Database> {
  if (typeof target !== 'string') return overPglite(target, async () => {});
  if (target.startsWith('memory://')) {
    const client = await PGlite.create(target);
    return overPglite(client, () => client.close());
  }
  await mkdir(target, { recursive: true });
  // Two processes in one folder would each overwrite what the other wrote: PGlite itself lets them.
  const unlock = await lockFolder(target, { place: (folder) => `${folder}.lock`, code: 'store_folder_in_use' });
  try {
    const client = await PGlite.create(target);
    return overPglite(client, () => client.close().finally(unlock));
  } catch (error) {
    await unlock();
    throw error;
  }
}

function overPglite(client: PGlite, close: () => Promise<void>): Database {
  // PGlite has one session, in which an advisory lock would be granted to everybody.
  const locks = new NamedLocks();
  return {
    shared: false,
    waitCure:
      'The embedded database has one connection: do not call Countersign while a transaction of your own holds it.',
    ...pgliteSession(client),
    connect: async () => pgliteConnection(client, locks),
    listen: (channel, wake) => client.listen(channel, wake),
    close,
  };
}

function pgliteSession(client: PGlite | Transaction): Session & { readonly queries: PgliteDatabase<typeof schema> } {
  // Drizzle itself hands a transaction where a client is declared.
  const queries = drizzle({ client: client as PGlite, schema });
  return {
    queries,
    rows: async <Row extends object>(statement: SQL) =>
      (await queries.execute(statement)).rows as readonly object[] as readonly Row[],
    write: async (text, values) => (await client.query(text, [...values])).affectedRows ?? 0,
    run: async (text, values) =>
      values.length > 0
        ? (await client.query<object>(text, [...values])).rows
        : (((await client.exec(text)).at(-1)?.rows as object[] | undefined) ?? []),
  };
}

function pgliteConnection(client: PGlite, locks: NamedLocks): Connection {
  const session = pgliteSession(client);
  const owner = Symbol('connection');
  const running = new Set<Promise<unknown>>();
  let closed = false;
  const track = async <T>(work: () => Promise<T>): Promise<T> => {
    if (closed) throw new ConnectionLost('The connection to the database was closed.');
    const run = work();
    running.add(run);
    try {
      return await run;
    } finally {
      running.delete(run);
    }
  };
  return {
    queries: session.queries,
    rows: (statement) => track(() => session.rows(statement)),
    write: (text, values) => track(() => session.write(text, values)),
    run: (text, values) => track(() => session.run(text, values)),
    transaction: (work) =>
      track(() =>
        client.transaction((transaction) => {
          // It may have waited for a transaction of the host's for longer than its caller did.
          if (closed) throw new ConnectionLost('The connection to the database was closed.');
          return work(pgliteSession(transaction));
        }),
      ),
    lock: (name) => locks.take(name, owner, () => closed),
    tryLock: async (names) => new Set(names.filter((name) => locks.tryTake(name, owner))),
    unlock: async (names) => {
      for (const name of names) locks.release(name, owner);
    },
    migrate: (migrationsFolder, bookkeeping) =>
      track(() => migrate(session.queries, { migrationsFolder, ...bookkeeping })),
    close: async () => {
      closed = true;
      // As on a server, locks are held until what was begun is over.
      void Promise.allSettled(running).then(() => locks.releaseAll(owner));
    },
  };
}

/** Named locks within this process. */
class NamedLocks {
  readonly #owners = new Map<string, symbol>();
  readonly #waiting = new Map<string, (() => void)[]>();

  tryTake(name: string, owner: symbol): boolean {
    const holder = this.#owners.get(name);
    if (holder !== undefined && holder !== owner) return false;
    this.#owners.set(name, owner);
    return true;
  }

  async take(name: string, owner: symbol, givenUp: () => boolean): Promise<void> {
    while (!givenUp() && !this.tryTake(name, owner)) {
      await new Promise<void>((resolve) => {
        this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), resolve]);
      });
    }
  }

  release(name: string, owner: symbol): void {
    if (this.#owners.get(name) !== owner) return;
    this.#owners.delete(name);
    const waiting = this.#waiting.get(name) ?? [];
    this.#waiting.delete(name);
    for (const wake of waiting) wake();
  }

  releaseAll(owner: symbol): void {
    for (const [name, holder] of [...this.#owners]) if (holder === owner) this.release(name, owner);
  }
}
