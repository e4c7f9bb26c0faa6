import { z } from 'zod';
import { parseDetails } from '../audit/details.ts';
import { randomToken } from '../configuration/sources.ts';
import type { SettingsProposalRow, SettingsRow } from '../store/store.ts';
import { storedSettingsSchema, type WorkspaceSettings } from './effective-settings.ts';
import { SETTINGS_MAC, settingsMacValues } from './live-workspaces.ts';
import type { Services } from './services.ts';

/** Settings that wait for a second administrator. */
export interface SettingsProposal {
  /** Names this very proposal: sent back with a decision, so that what was read is what is decided. */
  readonly id: string;
  /** The version it was made from; where another is in force by now, it can only be rejected or withdrawn. */
  readonly baseVersion: number;
  readonly settings: WorkspaceSettings;
  readonly proposedAt: Date;
  readonly proposedBy: string;
}

/** A proposal, with the row it was read from; `altered` where that is not what we wrote, or was decided before. */
export type ReadProposal =
  | { readonly row: SettingsProposalRow; readonly proposal: SettingsProposal }
  | 'altered'
  | null;

/** Milliseconds by which the clocks of two nodes may differ: twice what a start tolerates. */
const CLOCKS_APART = 60_000;
/** The purpose that a proposal's MAC is made for. */
export const PROPOSAL_MAC = 'settings-proposal';

export const proposalMacValues = (row: Omit<SettingsProposalRow, 'mac'>): (string | number)[] => [
  row.workspaceId,
  row.baseVersion,
  row.content,
  row.proposedAt,
  row.proposedBy,
];

/** A new row of settings, signed. */
export function settingsRow(
  { configuration }: Services,
  workspaceId: string,
  version: number,
  settings: WorkspaceSettings,
  changedBy: string,
): SettingsRow {
  const changedAt = configuration.clock.now();
  const row = { workspaceId, version, content: JSON.stringify(settings), changedAt, changedBy };
  return { ...row, mac: configuration.keyring.mac(SETTINGS_MAC, settingsMacValues(row)) };
}

/** A new row of a proposal, signed, and its id. */
export function proposalRow(
  { configuration }: Services,
  workspaceId: string,
  baseVersion: number,
  settings: WorkspaceSettings,
  proposedBy: string,
): { readonly row: SettingsProposalRow; readonly id: string } {
  const { clock, keyring, random } = configuration;
  const id = randomToken(random, 128);
  const content = JSON.stringify({ proposal: id, settings });
  const unsigned = { workspaceId, baseVersion, content, proposedAt: clock.now(), proposedBy };
  return { row: { ...unsigned, mac: keyring.mac(PROPOSAL_MAC, proposalMacValues(unsigned)) }, id };
}

/**
 * The proposal of a workspace. A row counts only where its MAC fits and the log knows it as proposed and undecided: one that was
 * decided and put back would else wait for its second administrator again.
 */
export async function readProposal({ configuration, store }: Services, workspaceId: string): Promise<ReadProposal> {
  const row = await store.settingsProposal(workspaceId);
  if (row === null) return null;
  const { keyring } = configuration;
  if (row.workspaceId !== workspaceId || !keyring.verifyMac(row.mac, PROPOSAL_MAC, proposalMacValues(row)))
    return 'altered';
  const content = contentSchema.safeParse(parseDetails(row.content));
  if (!content.success) return 'altered';
  const { proposal: id, settings } = content.data;
  const codes = ['SETTINGS_PROPOSED', 'SETTINGS_PROPOSAL_DECIDED'];
  // The event commits together with the row, so it is read after it; no clock of ours is further back than this.
  const from = row.proposedAt - CLOCKS_APART;
  const events = await store.auditEvents({ workspaceId, codes, from, limit: 100 });
  const of = events.filter((event) => aboutSchema.safeParse(parseDetails(event.details)).data?.proposal === id);
  if (of.some((event) => event.code === 'SETTINGS_PROPOSAL_DECIDED')) {
    // Decided while we read; or put back behind our back, and then it is still there.
    return (await store.settingsProposal(workspaceId))?.mac === row.mac ? 'altered' : null;
  }
  if (of.length === 0) return 'altered';
  const { baseVersion, proposedAt, proposedBy } = row;
  return { row, proposal: { id, baseVersion, settings, proposedAt: new Date(proposedAt), proposedBy } };
}

const aboutSchema = z.object({ proposal: z.string() });
const contentSchema = z.object({ proposal: z.string(), settings: storedSettingsSchema });
