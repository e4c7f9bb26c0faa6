// A spool is drained into a real database by processes that are killed on the way, one after the other: in the end each event and each
// row is there once, in order, and that it was drained is told once.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AuditRecord, verifyStream } from '@countersign/core';
import { migrate, openStore } from '@countersign/postgres';
import postgres from 'postgres';
import t from 'tap';
import { createDatabase } from '../support/postgres-server.ts';

const EVENTS = 1600;
const script = fileURLToPath(new URL('draining-process.mjs', import.meta.url));

t.test('processes that drain are killed', async (t) => {
  const { url } = await createDatabase();
  await migrate(url);
  const folder = join(t.testdir(), 'spool');
  const key = randomBytes(32).toString('base64');
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  t.teardown(() => sql.end());
  const drained = async () => {
    const [found] =
      await sql`select count(*)::int as events from countersign.audit_event where workspace_id = 'clinic'`;
    return Number(found?.events);
  };
  /** Whether it ended by itself, and was not killed once the database held so many events. */
  const run = async (task: string, most: number | null) => {
    const child = spawn(process.execPath, [script, task, url, folder, key, `${EVENTS}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const ended = new Promise<boolean>((resolve) => child.once('exit', (code) => resolve(code === 0)));
    if (most !== null) {
      while (child.exitCode === null && (await drained()) < most)
        await new Promise((resolve) => setTimeout(resolve, 1));
      child.kill('SIGKILL');
    }
    return await ended;
  };
  t.ok(await run('fill', null));
  const partly: number[] = [];
  for (const most of [1, EVENTS / 3, EVENTS / 2]) {
    t.notOk(await run('drain', most), 'killed');
    partly.push(await drained());
  }
  t.ok(await run('drain', null));
  t.ok(
    partly.every((events) => events > 0 && events < EVENTS),
    `killed with so many in the database: ${partly}`,
  );

  const store = await openStore(url, { migrate: false });
  t.teardown(() => store.close());
  const all: AuditRecord[] = [];
  for (const head of await store.auditStreams()) {
    const records: AuditRecord[] = [];
    for await (const record of store.auditStream(head.stream)) records.push(record);
    t.match(await verifyStream(records, head), { intact: true });
    all.push(...records);
  }
  t.strictSame(
    all.filter(({ workspaceId }) => workspaceId === 'clinic').map(({ reason }) => Number(reason)),
    Array.from({ length: EVENTS }, (_, at) => at),
  );
  t.equal(all.filter(({ code }) => code === 'AUDIT_SPOOL_DRAINED').length, 1);
  const [rows] = await sql`select count(*)::int as users, max(epoch)::int as most from countersign.epoch`;
  t.match(rows, { users: EVENTS / 20, most: 1 });
  t.strictSame(
    readdirSync(folder).filter((name) => name.includes('.spool')),
    [],
  );
});
