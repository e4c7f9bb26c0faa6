import { startEmbeddedServer } from '@countersign/test/embedded-server';
import postgres from 'postgres';

/** PostgreSQL with its durable defaults: a commit is on disk before it is answered. */
export interface BenchDatabase {
  /** A new, empty database's URL. */
  create(): Promise<string>;
  close(): Promise<void>;
}

export async function startDatabase(): Promise<BenchDatabase> {
  const server = await startEmbeddedServer();
  const sql = postgres(server.url, { max: 1, onnotice: () => {} });
  const [setting] = await sql<{ fsync: string }[]>`show fsync`;
  if (setting?.fsync !== 'on') throw new Error('This PostgreSQL does not sync its commits.');
  let count = 0;
  return {
    async create() {
      const url = new URL(server.url);
      count += 1;
      url.pathname = `/bench_${count}`;
      await sql.unsafe(`create database bench_${count} template template0`);
      return url.href;
    },
    async close() {
      await sql.end();
      await server.close();
    },
  };
}
