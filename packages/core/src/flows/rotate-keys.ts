import type { AuditWriter } from '../audit/writer.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { FactorRow, SettingsProposalRow, SettingsRow, Store, StoredEmergencyAccess } from '../store/store.ts';
import { readEmergency } from './emergency-rows.ts';
import { isFactorRowIntact, signedFactorRow } from './factor-rows.ts';
import { SETTINGS_MAC, settingsMacValues } from './live-workspaces.ts';
import { PROPOSAL_MAC, proposalMacValues } from './settings-rows.ts';

/** What a key rotation works with. */
export interface KeyRotationOptions {
  readonly store: Store;
  readonly audit: AuditWriter;
  /** Holds the new key as the current one, and every key that a row may still be under. */
  readonly keyring: Keyring;
  /** Rows per commit. Default 200. */
  readonly batchSize?: number;
}

/** What a rotation did and found. */
export interface KeyRotation {
  /** Rows brought under the current key by this run. */
  readonly resealed: { readonly factors: number; readonly settings: number; readonly proposals: number };
  /** Rows whose seal fits no key: changed behind our back, or under a key that is not configured. They are left as they are. */
  readonly unreadable: number;
  /** How many rows each key still stands for, the current one included. A key that is not here can be dropped. */
  readonly inUse: ReadonlyMap<string, number>;
}

/** Another process that writes the same rows makes some of them be read again; it cannot do so forever. */
const PASSES = 10;

/**
 * Brings every secret and every seal under the current key, while the application runs: each row is replaced only if nobody has
 * written it since it was read. Can be stopped at any point and run again. Audited, with each batch, as `KEYS_ROTATED`.
 * Throws what the store throws.
 */
export async function rotateKeys(options: KeyRotationOptions): Promise<KeyRotation> {
  const resealed = { factors: 0, settings: 0, proposals: 0 };
  for (let pass = 0; pass < PASSES; pass++) {
    const factors = await rotateFactors(options);
    const settings = await rotateSettings(options);
    const proposals = await rotateProposals(options);
    resealed.factors += factors.resealed;
    resealed.settings += settings.resealed;
    resealed.proposals += proposals.resealed;
    if (factors.missed + settings.missed + proposals.missed === 0) break;
  }
  return { resealed, ...(await keysInUse(options)) };
}

/** How many rows each key stands for, and how many fit none. Changes nothing. */
export async function keysInUse({
  store,
  keyring,
  batchSize,
}: Pick<KeyRotationOptions, 'store' | 'keyring' | 'batchSize'>): Promise<Pick<KeyRotation, 'inUse' | 'unreadable'>> {
  const inUse = new Map<string, number>();
  let unreadable = 0;
  const count = (intact: boolean, made: readonly string[]) => {
    const keys = new Set(made.map((one) => keyring.keyOf(one)));
    for (const key of keys) if (key !== null) inUse.set(key, (inUse.get(key) ?? 0) + 1);
    if (!intact || keys.has(null)) unreadable += 1;
  };
  for await (const row of factorRows(store, batchSize)) count(isFactorRowIntact(keyring, row), [row.secret, row.mac]);
  for await (const row of settingsRows(store, batchSize)) count(isSettingsRowIntact(keyring, row), [row.mac]);
  for (const row of await store.settingsProposals()) count(isProposalIntact(keyring, row), [row.mac]);
  for await (const stored of unreviewedAccesses(store, batchSize)) {
    const made = [stored.access.mac, ...stored.steps.map((step) => step.mac)];
    count(readEmergency(keyring, stored) !== 'altered', made);
  }
  return { inUse, unreadable };
}

/**
 * Emergency accesses that are not signed off. Their rows are append-only, so that no other key can stand for them; once they are
 * signed off nothing depends on them any more.
 */
async function* unreviewedAccesses(store: Store, batchSize = 200): AsyncGenerator<StoredEmergencyAccess> {
  let before: { readonly openedAt: number; readonly id: string } | undefined;
  while (true) {
    const query = { lacking: ['reviewed', 'declined'], limit: batchSize, ...(before === undefined ? {} : { before }) };
    const page = await store.emergencyAccess(query);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < batchSize) return;
    before = last.access;
  }
}

interface Pass {
  readonly resealed: number;
  /** Written by somebody else in between. */
  readonly missed: number;
}

async function rotateFactors({ store, audit, keyring, batchSize = 200 }: KeyRotationOptions): Promise<Pass> {
  const total = { resealed: 0, missed: 0 };
  let batch: { readonly row: FactorRow; readonly next: FactorRow }[] = [];
  const flush = async () => {
    const replaced = await audit.transact(async (transaction) => {
      let done = 0;
      for (const { row, next } of batch) if (await transaction.replaceFactor(row, next)) done += 1;
      return { value: done, events: done === 0 ? [] : [rotated(keyring, 'factor', done)] };
    });
    total.resealed += replaced;
    total.missed += batch.length - replaced;
    batch = [];
  };
  for await (const row of factorRows(store, batchSize)) {
    if (keyring.keyOf(row.secret) === keyring.current && keyring.keyOf(row.mac) === keyring.current) continue;
    const next = await resealed(keyring, row);
    if (next !== null) batch.push({ row, next });
    if (batch.length >= batchSize) await flush();
  }
  if (batch.length > 0) await flush();
  return total;
}

/** The same factor under the current key; null where the row is not as we wrote it: sealing it anew would make it look so. */
async function resealed(keyring: Keyring, row: FactorRow): Promise<FactorRow | null> {
  if (!isFactorRowIntact(keyring, row)) return null;
  try {
    return signedFactorRow(keyring, { ...row, secret: await keyring.seal(await keyring.open(row.secret, row), row) });
  } catch {
    return null;
  }
}

async function rotateSettings({ store, audit, keyring, batchSize = 200 }: KeyRotationOptions): Promise<Pass> {
  const total = { resealed: 0, missed: 0 };
  for await (const row of settingsRows(store, batchSize)) {
    if (keyring.keyOf(row.mac) === keyring.current || !isSettingsRowIntact(keyring, row)) continue;
    const done = await audit.transact(async (transaction) => {
      const value = await transaction.resealSettings(row, keyring.mac(SETTINGS_MAC, settingsMacValues(row)));
      return { value, events: value ? [rotated(keyring, 'settings', 1, row.workspaceId)] : [] };
    });
    if (done) total.resealed += 1;
    else total.missed += 1;
  }
  return total;
}

/** Settings that wait for a second administrator. */
async function rotateProposals({ store, audit, keyring }: KeyRotationOptions): Promise<Pass> {
  const total = { resealed: 0, missed: 0 };
  for (const row of await store.settingsProposals()) {
    if (keyring.keyOf(row.mac) === keyring.current || !isProposalIntact(keyring, row)) continue;
    const done = await audit.transact(async (transaction) => {
      if (!(await transaction.takeSettingsProposal(row))) return { value: false, events: [] };
      await transaction.putSettingsProposal({ ...row, mac: keyring.mac(PROPOSAL_MAC, proposalMacValues(row)) });
      return { value: true, events: [rotated(keyring, 'settings-proposal', 1, row.workspaceId)] };
    });
    if (done) total.resealed += 1;
    else total.missed += 1;
  }
  return total;
}

const isProposalIntact = (keyring: Keyring, row: SettingsProposalRow): boolean =>
  keyring.verifyMac(row.mac, PROPOSAL_MAC, proposalMacValues(row));

const isSettingsRowIntact = (keyring: Keyring, row: SettingsRow): boolean =>
  keyring.verifyMac(row.mac, SETTINGS_MAC, settingsMacValues(row));

const rotated = (keyring: Keyring, what: string, rows: number, workspaceId: string | null = null) =>
  ({
    code: 'KEYS_ROTATED',
    outcome: 'success',
    workspaceId,
    userId: null,
    details: JSON.stringify({ what, rows, key: keyring.current }),
  }) as const;

async function* factorRows(store: Store, batchSize = 200): AsyncGenerator<FactorRow> {
  let after: FactorRow | null = null;
  while (true) {
    const page: readonly FactorRow[] = await store.factorPage(after, batchSize);
    yield* page;
    after = page.at(-1) ?? null;
    if (after === null || page.length < batchSize) return;
  }
}

async function* settingsRows(store: Store, batchSize = 200): AsyncGenerator<SettingsRow> {
  let after: string | null = null;
  while (true) {
    const page: readonly SettingsRow[] = await store.settingsPage(after, batchSize);
    yield* page;
    after = page.at(-1)?.workspaceId ?? null;
    if (after === null || page.length < batchSize) return;
  }
}
