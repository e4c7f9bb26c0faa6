import type { SettingsRow } from '@countersign/core';
import { and, eq, sql } from 'drizzle-orm';
import { announceChange } from './changes.ts';
import type { Session } from './database.ts';
import { settings } from './schema.ts';

export async function readSettings(session: Session, workspaceId: string): Promise<SettingsRow | null> {
  const [row] = await session.queries.select().from(settings).where(eq(settings.workspaceId, workspaceId));
  if (row === undefined) return null;
  const { writtenAt: _, ...saved } = row;
  return saved;
}

/** Saves version n over version n - 1, and over nothing else. */
export async function putSettings(session: Session, row: SettingsRow): Promise<boolean> {
  const { workspaceId, version } = row;
  const written =
    version === 1
      ? await session.queries
          .insert(settings)
          .values(row)
          .onConflictDoNothing()
          .returning({ workspaceId: settings.workspaceId })
      : await session.queries
          .update(settings)
          .set({ ...row, writtenAt: sql`clock_timestamp()` })
          .where(and(eq(settings.workspaceId, workspaceId), eq(settings.version, version - 1)))
          .returning({ workspaceId: settings.workspaceId });
  if (written.length === 0) return false;
  await announceChange(session);
  return true;
}
