import { randomInt } from 'node:crypto';
import { type AuditEventInput, AuditWriter, type Store, systemClock } from '@countersign/core';
import { openStore } from '@countersign/postgres';
import postgres from 'postgres';
import { type Comparison, compare } from '../comparison.ts';
import type { BenchDatabase } from '../database.ts';
import { accessEvent } from './access-event.ts';
import { eventId } from './event-id.ts';
import { clinics, fillLog } from './fill-log.ts';

const CALLERS = 256;

interface Turn {
  readonly events: number;
  /** Bytes of write-ahead log for each event. */
  readonly walEach: number;
}

/**
 * Insertion into a log of so many rows, compared with an empty one. Each round begins with a checkpoint: then each page that is
 * touched goes to the write-ahead log as a whole, which is what a large index costs. The empty log is a new one each round.
 */
export async function benchGrowth(
  database: BenchDatabase,
  rounds: number,
  seconds: number,
  sizes: readonly number[],
): Promise<Comparison[]> {
  const logs = new Map<number, string>();
  for (const size of sizes) {
    const url = await database.create();
    await (await openStore(url)).close();
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    await fillLog(sql, size);
    await sql.end();
    logs.set(size, url);
  }

  const turns: Map<number, Turn>[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const empty = await database.create();
    await (await openStore(empty)).close();
    const contenders: [number, string][] = [[0, empty], ...logs];
    const start = round % contenders.length;
    await checkpoint(empty);
    const taken = new Map<number, Turn>();
    for (const [size, url] of [...contenders.slice(start), ...contenders.slice(0, start)])
      taken.set(size, await insertionTurn(url, seconds));
    turns.push(taken);
    process.stderr.write(`growth ${round + 1}/${rounds}\r`);
  }

  const comparisons: Comparison[] = [];
  for (const size of sizes) {
    const ratios = (of: (turn: Turn) => number) =>
      turns.map((taken) => {
        const [grown, empty] = [taken.get(size), taken.get(0)];
        return grown && empty ? of(grown) / of(empty) : Number.NaN;
      });
    const name = `${(size / 1e6).toLocaleString('en')} million rows / empty`;
    const aim = size >= 10_000_000 ? { least: 0.8 } : null;
    comparisons.push(
      compare(
        'growth, events inserted',
        name,
        ratios((turn) => turn.events),
        aim,
      ),
      compare(
        'growth, write-ahead log each',
        name,
        ratios((turn) => turn.walEach),
      ),
    );
  }
  for (const [size, url] of logs) comparisons.push(...(await examined(url, size, rounds)));
  return comparisons;
}

async function checkpoint(url: string): Promise<void> {
  const sql = postgres(url, { max: 1 });
  await sql`checkpoint`;
  await sql.end();
}

/** 256 callers, each of which writes its next event when its last one is acknowledged. */
async function insertionTurn(url: string, seconds: number): Promise<Turn> {
  const store = await openStore(url);
  const writer = new AuditWriter({ store, clock: systemClock, ids: eventId });
  const sql = postgres(url, { max: 1 });
  try {
    await insert(writer, 200);
    const walBefore = await walPosition(sql);
    const begin = performance.now();
    const written = await insert(writer, seconds * 1000);
    const took = performance.now() - begin;
    const wal = (await walPosition(sql)) - walBefore;
    return { events: (written * 1000) / took, walEach: wal / written };
  } finally {
    await writer.close();
    await store.close();
    await sql.end();
  }
}

async function insert(writer: AuditWriter, milliseconds: number): Promise<number> {
  const until = performance.now() + milliseconds;
  let events = 0;
  const caller = async () => {
    while (performance.now() < until) {
      await writer.append([drawnEvent()]);
      events += 1;
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return events;
}

/** Any patient of any clinic, each as likely as the other: harder than a day at a clinic, which is about the patients of that day. */
function drawnEvent(): AuditEventInput {
  const clinic = randomInt(clinics.workspaces);
  return {
    ...accessEvent(),
    workspaceId: `clinic-${clinic}`,
    userId: `user-${clinic}-${randomInt(clinics.usersEach)}`,
    patientId: `patient-${clinic}-${randomInt(clinics.patientsEach)}`,
  };
}

async function walPosition(sql: postgres.Sql): Promise<number> {
  const [row] = await sql<{ at: string }[]>`select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as at`;
  return Number(row?.at);
}

/** How long the pages of the examination take, and that none reads the whole table. */
async function examined(url: string, size: number, rounds: number): Promise<Comparison[]> {
  const store = await openStore(url);
  const sql = postgres(url, { max: 1 });
  try {
    const pages: Record<string, () => ReturnType<Store['auditEvents']>> = {
      'newest 100 of a workspace': () => store.auditEvents({ workspaceId: `clinic-${randomInt(clinics.workspaces)}` }),
      '100 of a patient': () => {
        const clinic = randomInt(clinics.workspaces);
        const patientId = `patient-${clinic}-${randomInt(clinics.patientsEach)}`;
        return store.auditEvents({ workspaceId: `clinic-${clinic}`, patientId });
      },
    };
    const found: Comparison[] = [];
    for (const [name, page] of Object.entries(pages)) {
      await page();
      const before = await sequentialScans(sql);
      const times: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const begin = performance.now();
        await page();
        times.push(performance.now() - begin);
      }
      const scans = (await sequentialScans(sql)) - before;
      if (scans > 0) throw new Error(`${name}: the whole table was read ${scans} times.`);
      found.push(compare('growth, ms a page', `${name}, ${(size / 1e6).toLocaleString('en')} million rows`, times));
    }
    return found;
  } finally {
    await store.close();
    await sql.end();
  }
}

/** What the sessions of the store have told the statistics comes at the latest after a second without work. */
async function sequentialScans(sql: postgres.Sql): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const [row] = await sql<{ scans: string }[]>`
    select coalesce(sum(seq_scan), 0) as scans from pg_stat_user_tables where schemaname = 'countersign' and relname like 'audit_event%'`;
  return Number(row?.scans);
}
