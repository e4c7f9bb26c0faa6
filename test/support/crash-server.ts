import postgres from 'postgres';
import type { EmbeddedServer } from './embedded-server.mjs';

/** Kills the server with all its sessions: one that is busy would otherwise finish its work before it misses its parent. */
export async function crashServer(server: EmbeddedServer): Promise<void> {
  const admin = postgres(server.url, { max: 1 });
  const sessions = await admin<{ pid: number }[]>`select pid from pg_stat_activity where pid <> pg_backend_pid()`;
  await admin.end();
  const crashed = server.crash();
  for (const { pid } of sessions) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It was gone already.
    }
  }
  await crashed;
}
