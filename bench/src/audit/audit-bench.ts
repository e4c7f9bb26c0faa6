import { randomBytes } from 'node:crypto';
import { AuditWriter, createCountersign, systemClock, totp } from '@countersign/core';
import { openStore } from '@countersign/postgres';
import postgres from 'postgres';
import { type Aim, type Comparison, compare } from '../comparison.ts';
import type { BenchDatabase } from '../database.ts';
import { accessEvent } from './access-event.ts';
import { ChainlessStream } from './chainless-stream.ts';
import { eventId } from './event-id.ts';
import { copyOf, insertOne } from './plain-writes.ts';

/** Writes until `until` (milliseconds, `performance.now()`); returns how many events were acknowledged after their commit. */
type Contender = (until: number) => Promise<number>;

interface Wanted {
  readonly of: string;
  readonly to: string;
  readonly aim?: Aim;
}

const wanted: readonly Wanted[] = [
  { of: 'writer, 1 caller', to: 'INSERT, 1 caller', aim: { least: 0.95 } },
  { of: 'writer, 32 callers', to: 'INSERT, 1 caller', aim: { least: 9 } },
  { of: 'writer, 32 callers', to: 'INSERT, 32 callers' },
  { of: 'writer, 256 callers', to: 'INSERT, 1 caller' },
  { of: 'writer, 256 callers', to: 'INSERT, 256 callers' },
  { of: 'writer, 256 callers', to: 'COPY of 256', aim: { least: 0.6 } },
  { of: 'writer, 1 caller, sealed', to: 'writer, 1 caller' },
  { of: 'writer, 32 callers, sealed', to: 'writer, 32 callers' },
  { of: 'writer, 256 callers, sealed', to: 'writer, 256 callers', aim: { least: 0.9 } },
  { of: 'writer, 256 callers, sealed', to: 'COPY of 256', aim: { least: 0.6 } },
  { of: 'writer, 1024 callers', to: 'INSERT, 1 caller' },
  { of: 'writer, 1024 callers', to: 'COPY of 1024', aim: { least: 0.7 } },
  { of: 'batches of 256, chained', to: 'batches of 256, not chained', aim: { least: 0.97 } },
];

/** Every contender writes the same events into a table of the same columns, indexes and constraints. */
export async function benchAudit(database: BenchDatabase, rounds: number, seconds: number): Promise<Comparison[]> {
  const url = await database.create();
  const store = await openStore(url);
  const writer = new AuditWriter({ store, clock: systemClock, ids: eventId });
  const sql = postgres(url, { max: 32, fetch_types: false, onnotice: () => {} });
  await sql.unsafe('create table inserted (like countersign.audit_event including all)');
  await sql.unsafe('create table copied (like countersign.audit_event including all)');
  const sealed = await sealingProcess(await database.create());
  const chained = await ChainlessStream.open(store, true);
  const unchained = await ChainlessStream.open(store, false);

  const contenders: Record<string, Contender> = {
    'INSERT, 1 caller': callers(1, () => insertOne(sql)),
    'INSERT, 32 callers': callers(32, () => insertOne(sql)),
    'INSERT, 256 callers': callers(256, () => insertOne(sql)),
    'COPY of 256': batches(256, () => copyOf(sql, 256)),
    'COPY of 1024': batches(1024, () => copyOf(sql, 1024)),
    'batches of 256, chained': batches(256, () => chained.append(256)),
    'batches of 256, not chained': batches(256, () => unchained.append(256)),
  };
  for (const count of [1, 32, 256, 1024]) {
    contenders[`writer, ${count} caller${count === 1 ? '' : 's'}`] = callers(count, () =>
      writer.append([accessEvent()]),
    );
  }

  for (const count of [1, 32, 256]) {
    const write = callers(count, () => sealed.audit.append([accessEvent()]));
    contenders[`writer, ${count} caller${count === 1 ? '' : 's'}, sealed`] = async (until) => {
      const events = await write(until);
      sealed.behind = true;
      return events;
    };
  }

  try {
    for (const contender of Object.values(contenders)) await rate(contender, seconds);
    const rates: Map<string, number>[] = [];
    for (let round = 0; round < rounds; round += 1) {
      rates.push(await roundOf(contenders, round, seconds, () => sealed.caughtUp()));
      process.stderr.write(`audit ${round + 1}/${rounds}\r`);
    }
    return wanted.map(({ of, to, aim }) => {
      const ratios = rates.map((found) => (found.get(of) ?? Number.NaN) / (found.get(to) ?? Number.NaN));
      return compare('audit, events', `${of} / ${to}`, ratios, aim ?? null);
    });
  } finally {
    await writer.close();
    await chained.close();
    await unchained.close();
    await sealed.close();
    await store.close();
    await sql.end();
  }
}

/** A process of the application, which seals what it writes, in this very process as always. */
async function sealingProcess(url: string) {
  const store = await openStore(url);
  const countersign = await createCountersign({
    store,
    publicUrl: 'http://localhost:3000',
    keys: { current: 'k1', all: { k1: randomBytes(32) } },
    categories: [{ id: '5', name: 'Ketamine infusion' }],
    factors: [totp({ issuer: 'Bench' })],
    ids: eventId,
  });
  const sealed = {
    audit: countersign.audit,
    behind: true,
    async caughtUp() {
      while (sealed.behind) {
        sealed.behind = (await store.seals.unsealed(true)).length > 0;
        if (sealed.behind) await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async close() {
      await countersign.close();
      await store.close();
    },
  };
  return sealed;
}

async function roundOf(
  contenders: Readonly<Record<string, Contender>>,
  round: number,
  seconds: number,
  settled: () => Promise<void>,
): Promise<Map<string, number>> {
  const entries = Object.entries(contenders);
  const start = (round * 4) % entries.length;
  const rates = new Map<string, number>();
  for (const [name, contender] of [...entries.slice(start), ...entries.slice(0, start)]) {
    rates.set(name, await rate(contender, seconds));
    // What is left to seal must not be done in the turn of another.
    await settled();
  }
  return rates;
}

/** Events per second, the last acknowledgement included. */
async function rate(contender: Contender, seconds: number): Promise<number> {
  const begin = performance.now();
  const events = await contender(begin + seconds * 1000);
  return (events * 1000) / (performance.now() - begin);
}

/** So many callers, each of which writes its next event when its last one is acknowledged. */
function callers(count: number, write: () => Promise<unknown>): Contender {
  return async (until) => {
    let events = 0;
    const caller = async () => {
      while (performance.now() < until) {
        await write();
        events += 1;
      }
    };
    await Promise.all(Array.from({ length: count }, caller));
    return events;
  };
}

/** One batch after the other. */
function batches(size: number, write: () => Promise<unknown>): Contender {
  return async (until) => {
    let events = 0;
    while (performance.now() < until) {
      await write();
      events += size;
    }
    return events;
  };
}
