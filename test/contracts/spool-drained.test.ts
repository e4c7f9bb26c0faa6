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
  /** Whether it ended by itself. */
  const run = (task: string, killAfter: number | null) =>
    new Promise<boolean>((resolve) => {
      const child = spawn(process.execPath, [script, task, url, folder, key, `${EVENTS}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      child.stdout.once('data', () => {
        if (killAfter !== null) setTimeout(() => child.kill('SIGKILL'), killAfter);
      });
      child.once('exit', (code) => resolve(code === 0));
    });
  t.ok(await run('fill', null));
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  t.teardown(() => sql.end());
  const partly: number[] = [];
  for (let kill = 0; kill < 3; kill += 1) {
    if (await run('drain', 200 + Math.random() * 600)) break;
    const [found] =
      await sql`select count(*)::int as events from countersign.audit_event where workspace_id = 'clinic'`;
    partly.push(Number(found?.events));
  }
  t.ok(await run('drain', null));
  t.ok(partly.length > 0, `killed with so many in the database: ${partly}`);

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
