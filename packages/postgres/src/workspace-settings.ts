import type { SettingsProposalRow, SettingsRow } from '@countersign/core';
import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { announceChange } from './changes.ts';
import type { Session } from './database.ts';
import { settings, settingsProposal } from './schema.ts';

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

/** Puts a row's MAC anew, if nobody has written it since it was read. Its version stays: nothing changed. */
export async function resealSettings(session: Session, row: SettingsRow, mac: string): Promise<boolean> {
  const written = await session.queries
    .update(settings)
    .set({ mac })
    .where(and(eq(settings.workspaceId, row.workspaceId), eq(settings.version, row.version), eq(settings.mac, row.mac)))
    .returning({ workspaceId: settings.workspaceId });
  return written.length === 1;
}

/** Rows of every workspace, for work that goes over all of them. */
export async function readSettingsPage(
  session: Session,
  after: string | null,
  limit: number,
): Promise<readonly SettingsRow[]> {
  const rows = await session.queries
    .select()
    .from(settings)
    .where(after === null ? undefined : gt(settings.workspaceId, after))
    .orderBy(asc(settings.workspaceId))
    .limit(limit);
  return rows.map(({ writtenAt: _, ...saved }) => saved);
}

export async function readSettingsProposal(session: Session, workspaceId: string): Promise<SettingsProposalRow | null> {
  const [row] = await session.queries
    .select()
    .from(settingsProposal)
    .where(eq(settingsProposal.workspaceId, workspaceId));
  return row ?? null;
}

/** Few at any time: each waits for a person. */
export async function readSettingsProposals(session: Session): Promise<readonly SettingsProposalRow[]> {
  return await session.queries.select().from(settingsProposal).orderBy(asc(settingsProposal.workspaceId));
}

export async function putSettingsProposal(session: Session, row: SettingsProposalRow): Promise<void> {
  await session.queries
    .insert(settingsProposal)
    .values(row)
    .onConflictDoUpdate({ target: settingsProposal.workspaceId, set: row });
}

/** Of two administrators who decide at once, one takes it. */
export async function takeSettingsProposal(session: Session, row: SettingsProposalRow): Promise<boolean> {
  const taken = await session.queries
    .delete(settingsProposal)
    .where(and(eq(settingsProposal.workspaceId, row.workspaceId), eq(settingsProposal.mac, row.mac)))
    .returning({ workspaceId: settingsProposal.workspaceId });
  return taken.length === 1;
}
