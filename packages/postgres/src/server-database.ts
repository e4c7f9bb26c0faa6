import { createHash } from 'node:crypto';
import { type SQL, sql } from 'drizzle-orm';
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres, { type Sql } from 'postgres';
import type { Connection, Database, Session } from './database.ts';
import type { CheckedOptions } from './open-database.ts';
import * as schema from './schema.ts';
import {
  type ClientOptions,
  hostClient,
  type OwnClient,
  ownClient,
  renewedPool,
  type Statements,
} from './server-client.ts';
import { ConnectionLost } from './store-error.ts';

/** Server PostgreSQL by postgres.js: a pool of our own for a URL, or the host's client. */
export function serverDatabase(target: string | Sql, options: CheckedOptions): Database {
  const { waitSeconds, listenUrl, maxConnections } = options;
  const bounds = sessionSettings(waitSeconds, waitSeconds);
  const own = (max: number, connection: Readonly<Record<string, string | number>>): ClientOptions => ({
    max,
    fetch_types: false,
    connect_timeout: waitSeconds,
    // The driver's own delays grow to 20 s; a database that is back should be noticed within a second.
    backoff: (attempt: number) => Math.min(0.05 * 2 ** attempt, 1) * (0.5 + Math.random() / 2),
    onnotice: () => {},
    // Types of the driver ask for the settings they know; the server takes any.
    connection: { application_name: 'countersign', ...connection } as NonNullable<ClientOptions['connection']>,
  });

  const ownPool = (url: string) => {
    // A transaction pooler refuses start-up settings and is recognised by `listenUrl`: there, only our own timer bounds a call.
    const options = own(maxConnections, listenUrl === undefined ? bounds : {});
    return renewedPool((more) => postgres(url, { ...options, ...more }), waitSeconds);
  };
  const pool = typeof target === 'string' ? ownPool(target) : { ...hostClient(target), close: async () => {} };

  /** A client of one connection, past any pooler, that lives until it is ended. */
  const direct = (settings: Readonly<Record<string, string | number>>, more: ClientOptions = {}): Sql => {
    const lasting = { ...own(1, { ...settings, ...keepAlive }), idle_timeout: 0, max_lifetime: null, ...more };
    if (typeof target === 'string' || listenUrl !== undefined)
      return postgres(listenUrl ?? (target as string), lasting);
    // As postgres.js itself does for LISTEN: options that were parsed once are taken as they are.
    const { connection, ...rest } = lasting;
    const parsed = target.options;
    return postgres({
      ...parsed,
      ...rest,
      connection: { ...parsed.connection, ...connection },
    } as unknown as ClientOptions);
  };

  const listener = direct(bounds);

  return {
    shared: true,
    waitCure:
      'All connections may be busy, or a lock may be held. Do not call Countersign while a transaction holds the last connection of the pool.',
    ...serverSession(pool),
    connect: async ({ unhurried = false } = {}) => {
      const client = ownClient(
        (more) => direct(unhurried ? sessionSettings(0, 60) : bounds, more),
        // postgres.js would connect again for the next statement, without the locks of this session.
        () => void client.end({ timeout: 0 }),
      );
      const connection = serverConnection(client);
      // An audit event that is acknowledged before it is on disk could vanish with the server.
      await connection.rows(
        sql`select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'`,
      );
      return connection;
    },
    listen: async (channel, wake) => {
      const subscription = await listener.listen(channel, wake);
      return () => subscription.unlisten();
    },
    close: async () => {
      await Promise.all([listener.end({ timeout: 0 }), pool.close()]);
    },
  };
}

function serverSession(
  client: Pick<Statements, 'unsafe' | 'typed'> & Partial<Statements>,
): Session & { readonly queries: PostgresJsDatabase<typeof schema> } {
  // drizzle() replaces the parsers and serializers of the client it is given, and a host's own queries would find text where
  // they found dates. It gets a stand-in with the two methods it calls; the tables are declared so that no parser matters.
  const standIn = { unsafe: client.unsafe, begin: client.begin, options: { parsers: {}, serializers: {} } };
  const queries = drizzle({ client: standIn as unknown as Sql, schema });
  return {
    queries,
    rows: async <Row extends object>(statement: SQL) =>
      (await queries.execute(statement)) as readonly object[] as readonly Row[],
    write: async (text, values) => (await client.unsafe(text, [...values] as string[], { prepare: true })).count,
    run: async (text, values) => {
      const rows = await client.unsafe(text, values.map((value) => asText(client, value)) as string[]);
      return [...rows];
    },
  };
}

/** PostgreSQL's `unknown`: the server reads the text as whatever belongs there. */
const UNKNOWN = 705;

/** As the text that PostgreSQL reads: how a host's client writes dates, lists and JSON must not matter. */
function asText(client: Pick<Statements, 'typed'>, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  const text =
    value instanceof Date
      ? value.toISOString()
      : Array.isArray(value)
        ? `{${value.map((each) => JSON.stringify(String(each))).join(',')}}`
        : typeof value === 'object'
          ? JSON.stringify(value)
          : String(value);
  return client.typed(text as never, UNKNOWN);
}

function serverConnection(client: OwnClient): Connection {
  const session = serverSession(client);
  const held = async <T>(work: () => Promise<T>): Promise<T> => {
    if (client.closings > 0) throw new ConnectionLost('The connection to the database was lost.');
    return await work();
  };
  const connection: Connection = {
    queries: session.queries,
    rows: (statement) => held(() => session.rows(statement)),
    write: (text, values) => held(() => session.write(text, values)),
    run: (text, values) => held(() => session.run(text, values)),
    transaction: (work) => held(() => client.begin((transaction) => work(serverSession(transaction)))),
    lock: async (name) => {
      await connection.rows(sql`select pg_advisory_lock(${lockKey(name)}::bigint)`);
    },
    tryLock: async (names) => {
      const taken = await connection.rows<{ name: string }>(
        sql`select name from ${lockTable(names)} where pg_try_advisory_lock(key)`,
      );
      return new Set(taken.map(({ name }) => name));
    },
    unlock: async (names) => {
      await connection.rows(sql`select pg_advisory_unlock(key) from ${lockTable(names)}`);
    },
    migrate: (migrationsFolder, bookkeeping) =>
      held(() => migrate(session.queries, { migrationsFolder, ...bookkeeping })),
    close: () => client.end({ timeout: 0 }),
  };
  return connection;
}

/** Advisory locks are 64-bit numbers shared by everyone in a database: ours are hashes of names, which meet nobody's. */
function lockKey(name: string): string {
  return createHash('sha256').update(`countersign:${name}`).digest().readBigInt64BE().toString();
}

function lockTable(names: readonly string[]): SQL {
  const keys = JSON.stringify(names.map((name) => ({ name, key: lockKey(name) })));
  return sql`json_to_recordset(${keys}::text::json) as locks(name text, key bigint)`;
}

function sessionSettings(statementSeconds: number, lockSeconds: number): Readonly<Record<string, string | number>> {
  const milliseconds = (seconds: number) => Math.ceil(seconds * 1000);
  return {
    statement_timeout: milliseconds(statementSeconds),
    lock_timeout: milliseconds(lockSeconds),
    idle_in_transaction_session_timeout: milliseconds(lockSeconds),
    // Each statement sees what is committed: conditional writes count on it.
    default_transaction_isolation: 'read committed',
  };
}

/** A peer that vanished is noticed by the server within half a minute, and its locks are free; ignored on Unix sockets. */
const keepAlive = {
  tcp_keepalives_idle: 10,
  tcp_keepalives_interval: 5,
  tcp_keepalives_count: 3,
  idle_session_timeout: 0,
};
