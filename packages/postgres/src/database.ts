import type { SQL } from 'drizzle-orm';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import type * as schema from './schema.ts';

/** Drizzle over either driver. Queries are written once against this. */
export type Queries = PgDatabase<PgQueryResultHKT, typeof schema>;

/** Somewhere to run statements: a pool, one connection, or one transaction. */
export interface Session {
  readonly queries: Queries;
  /** Runs a statement that the query builder cannot express. */
  rows<Row extends object>(statement: SQL): Promise<readonly Row[]>;
  /** Runs a statement of fixed text, which a server parses once per connection. Returns the number of rows it wrote. */
  write(text: string, values: readonly unknown[]): Promise<number>;
  /** Runs a text that is not ours, with its numbered parameters. Without parameters it may hold several statements. */
  run(text: string, values: readonly unknown[]): Promise<readonly object[]>;
}

/**
 * One connection of its own, for one caller at a time. Never reconnects: when the server has let go of it, with its locks, every
 * further call rejects.
 */
export interface Connection extends Session {
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Takes a named lock that ends with this connection, waiting for its holder (bounded by the driver or the caller). */
  lock(name: string): Promise<void>;
  /** Takes those of the named locks that are free; returns them. */
  tryLock(names: readonly string[]): Promise<ReadonlySet<string>>;
  unlock(names: readonly string[]): Promise<void>;
  migrate(
    folder: string,
    bookkeeping: { readonly migrationsSchema: string; readonly migrationsTable: string },
  ): Promise<void>;
  /** Lets go at once. What the server is still doing may yet be done; its locks are held until then. */
  close(): Promise<void>;
}

/** What differs between server PostgreSQL and PGlite. One file per driver implements it; nothing else knows the driver. */
export interface Database extends Session {
  /** Whether other processes can use the same data. */
  readonly shared: boolean;
  /** What to do about waits that were cut short, in a sentence. */
  readonly waitCure: string;
  /** `unhurried`: for migrations; statements may take as long as they need, locks are waited for 60 s. */
  connect(options?: { readonly unhurried?: boolean }): Promise<Connection>;
  /** Calls `wake` on each notification of the channel. Returns how to stop. */
  listen(channel: string, wake: () => void): Promise<() => Promise<void>>;
  /** Ends what this object opened; a client that the host opened stays open. */
  close(): Promise<void>;
}
