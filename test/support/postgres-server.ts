import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import t from 'tap';
import { type EmbeddedServer, startEmbeddedServer } from './embedded-server.mjs';

/** Not for tests of durability: those start a server of their own. */
const SHARED_SETTINGS = { fsync: 'off', full_page_writes: 'off' };

let own: Promise<EmbeddedServer> | undefined;

/**
 * The server that scripts/test.mjs started for the whole run; where a test file is run alone, one of its own, which
 * ends with the file.
 */
async function sharedServerUrl(): Promise<string> {
  const given = process.env.COUNTERSIGN_TEST_POSTGRES_URL;
  if (given) return given;
  if (!own) {
    own = startEmbeddedServer({ settings: SHARED_SETTINGS });
    t.teardown(async () => (await own)?.close());
  }
  return (await own).url;
}

export interface TestDatabase {
  /** `postgres://…`, as a superuser. */
  readonly url: string;
  readonly name: string;
  /** Deletes it, whoever is connected. */
  drop(): Promise<void>;
}

/** An empty database of its own on the shared server, dropped at the end of the test file. */
export async function createDatabase(): Promise<TestDatabase> {
  const server = await sharedServerUrl();
  const name = `test_${randomBytes(8).toString('hex')}`;
  await administer(server, `create database ${name} template template0`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const database = {
    url: url.href,
    name,
    drop: () => administer(server, `drop database if exists ${name} with (force)`),
  };
  t.teardown(database.drop);
  return database;
}

/** A server for one test that stops or kills it: durable settings, closed at the end of the test file. */
export async function startServer(settings: Readonly<Record<string, string>> = {}): Promise<EmbeddedServer> {
  const server = await startEmbeddedServer({ settings });
  t.teardown(() => server.close());
  return server;
}

async function administer(url: string, statement: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}
