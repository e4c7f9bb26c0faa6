import { AuditWriter, CheckpointKeys, Sealer, type Store, systemClock, verifyAuditLog } from '@countersign/core';
import { openStore } from '@countersign/postgres';
import { type Comparison, compare } from '../comparison.ts';
import type { BenchDatabase } from '../database.ts';
import { accessEvent } from './access-event.ts';
import { eventId } from './event-id.ts';

/** Events that are sealed and verified in a round. */
const EVENTS = 100_000;
const BATCH = 1000;

/** What is aimed at, events in a second. */
const SEALED = 50_000;
const VERIFIED = 100_000;

/**
 * How many events are sealed, and verified, in a second, as ratios to what is aimed at: by the clock, with the database on the same
 * machine, and verification also by this process's CPU. What sealing costs the writer is measured with the writer.
 */
export async function benchSealing(database: BenchDatabase, rounds: number): Promise<Comparison[]> {
  const keys = new CheckpointKeys({
    origin: 'bench',
    fallback: 'bench',
    key: new Uint8Array(32).fill(7),
    seeds: [],
    earlier: [],
  });
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
    } finally {
      await writer.close();
      await store.close();
    }
    process.stderr.write(`sealing ${round + 1}/${rounds}\r`);
  }
  return [
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
