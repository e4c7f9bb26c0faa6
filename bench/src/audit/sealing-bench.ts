import { AuditWriter, CheckpointKeys, Sealer, type Store, systemClock, verifyAuditLog } from '@countersign/core';
import { openStore } from '@countersign/postgres';
import { type Comparison, compare } from '../comparison.ts';
import type { BenchDatabase } from '../database.ts';
import { accessEvent } from './access-event.ts';
import { eventId } from './event-id.ts';

const CALLERS = 256;
/** As the leader does it: a turn, and a pause. */
const PAUSE_MILLISECONDS = 300;
/** Events that are sealed and verified in a round. */
const EVENTS = 100_000;
const BATCH = 1000;

/** What is aimed at, events in a second. */
const SEALED = 50_000;
const VERIFIED = 100_000;

/**
 * The writer with a sealer beside it in the same process, compared with the writer alone, turn by turn; and how many events are
 * sealed and verified in a second, as ratios to what is aimed at: by the clock, and verification also by this process's CPU.
 */
export async function benchSealing(database: BenchDatabase, rounds: number, seconds: number): Promise<Comparison[]> {
  const keys = new CheckpointKeys({
    origin: 'bench',
    fallback: 'bench',
    key: new Uint8Array(32).fill(7),
    seeds: [],
    earlier: [],
  });
  const writing: number[] = [];
  const sealing: number[] = [];
  const verifying: number[] = [];
  const verifyingByCpu: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const store = await openStore(await database.create());
    const writer = new AuditWriter({ store, clock: systemClock, ids: eventId });
    const sealer = () => new Sealer({ seals: store.seals, keys, clock: systemClock });
    try {
      for (let written = 0; written < EVENTS; written += BATCH)
        await writer.append(Array.from({ length: BATCH }, () => accessEvent()));
      const begin = performance.now();
      const sealed = await sealAll(sealer(), store);
      sealing.push((sealed * 1000) / (performance.now() - begin) / SEALED);

      const [wall, cpu] = [performance.now(), process.cpuUsage()];
      const found = await verifyAuditLog({ store, verifiers: (origin) => keys.verifiers(origin) });
      if (found.deviation !== null || found.sealed < EVENTS) throw new Error('The log that was just sealed deviates.');
      const { user, system } = process.cpuUsage(cpu);
      verifying.push((found.sealed * 1000) / (performance.now() - wall) / VERIFIED);
      verifyingByCpu.push((found.sealed * 1e6) / (user + system) / VERIFIED);

      const turns = [() => write(writer, seconds, null), () => write(writer, seconds, sealer())];
      if (round % 2 === 1) turns.reverse();
      const rates: number[] = [];
      for (const turn of turns) rates.push(await turn());
      const [alone = Number.NaN, beside = Number.NaN] = round % 2 === 1 ? rates.reverse() : rates;
      writing.push(beside / alone);
    } finally {
      await writer.close();
      await store.close();
    }
    process.stderr.write(`sealing ${round + 1}/${rounds}\r`);
  }
  return [
    compare('sealing', `writer, ${CALLERS} callers, with sealing / without`, writing, { least: 0.9 }),
    compare('sealing', `sealed in a second / ${SEALED}`, sealing, { least: 1 }),
    compare('sealing', `verified in a second / ${VERIFIED}`, verifying),
    compare('sealing', `verified in a second of CPU / ${VERIFIED}`, verifyingByCpu, { least: 1 }),
  ];
}

async function sealAll(sealer: Sealer, store: Store): Promise<number> {
  for (;;) {
    const newest = await sealer.run();
    if ((await store.seals.unsealed(true)).length === 0) return newest?.size ?? 0;
  }
}

/** Events acknowledged in a second. */
async function write(writer: AuditWriter, seconds: number, sealer: Sealer | null): Promise<number> {
  const begin = performance.now();
  const until = begin + seconds * 1000;
  let events = 0;
  const caller = async () => {
    while (performance.now() < until) {
      await writer.append([accessEvent()]);
      events += 1;
    }
  };
  const leader = async () => {
    while (sealer !== null && performance.now() < until) {
      await sealer.run();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
    }
  };
  const leading = leader();
  await Promise.all(Array.from({ length: CALLERS }, caller));
  const rate = (events * 1000) / (performance.now() - begin);
  await leading;
  return rate;
}
