import { memorySessionState, type SessionKey, type SessionStateStore } from '@countersign/core';
import { postgresSessionState } from '@countersign/postgres';
import { redisSessionState } from '@countersign/redis';
import { type Comparison, compare } from '../comparison.ts';
import type { BenchDatabase } from '../database.ts';

const NOW = 1_770_000_000_000;
const epochs = { user: 0, workspace: 0 };
const terms = { defaultSeconds: 900, accountSeconds: 300, byCategory: { 5: 900, 8: 300 } };
const keyOf = (session: number): SessionKey => ({
  keyHash: `bench-${session}`.padStart(43, 'k'),
  workspaceId: 'clinic',
  userId: `u${session}`,
});
const SESSIONS = 50;
const PATIENTS = 20;
/** Reads of one round, for each state; of the one in memory a hundred times as many. */
const READS = 200;

interface Measured {
  readonly what: string;
  readonly state: SessionStateStore;
  readonly reads: number;
  readonly microseconds: number[];
}

/**
 * What a guarded request asks of session state inside its grace period: one read that finds a proof, awaited, one after another, with
 * everything on this machine. States take turns, round by round. Redis: COUNTERSIGN_BENCH_REDIS_URL, or the machine's own; its line
 * is left out where none answers.
 */
export async function benchState(database: BenchDatabase, rounds: number): Promise<Comparison[]> {
  const states: Measured[] = [
    { what: 'memory', state: memorySessionState(), reads: READS * 100, microseconds: [] },
    {
      what: 'table in PostgreSQL',
      state: await postgresSessionState(await database.create()),
      reads: READS,
      microseconds: [],
    },
  ];
  const redis = await reachableRedis();
  if (redis === null) console.error('No Redis answers: its line is left out.');
  else states.push({ what: 'Redis', state: redis, reads: READS, microseconds: [] });
  try {
    for (const { state } of states) await fill(state);
    for (let round = 0; round <= rounds; round += 1) {
      for (const { state, reads, microseconds } of states) {
        const took = await timeOf(state, reads);
        // The first round warms up.
        if (round > 0) microseconds.push(took);
      }
    }
  } finally {
    for (const { state } of states) await state.close();
  }
  return states.map(({ what, microseconds }) =>
    compare('state, µs', `read with a proof among ${PATIENTS} per session: ${what}`, microseconds),
  );
}

async function reachableRedis(): Promise<SessionStateStore | null> {
  const url = process.env.COUNTERSIGN_BENCH_REDIS_URL ?? 'redis://127.0.0.1:6379';
  const state = redisSessionState({ url, prefix: `bench.${process.pid}`, sessionSeconds: 600 });
  try {
    await state.read(keyOf(0), 'bearer', [], NOW);
    return state;
  } catch {
    await state.close();
    return null;
  }
}

async function fill(state: SessionStateStore): Promise<void> {
  for (let session = 0; session < SESSIONS; session += 1) {
    const key = keyOf(session);
    const number = `n${session}`;
    await state.begin(key, { number, epochs, endedAt: null, hasFactor: true, signedInAt: NOW, now: NOW });
    const challenge = {
      id: 'c',
      createdAt: NOW,
      expiresAt: NOW + 600_000,
      action: 'view',
      subjects: [],
      account: false,
      strength: 'any',
      orFactors: [],
      operation: null,
      summary: null,
      reasons: [],
      returnTo: null,
      method: null,
      route: null,
    } as const;
    await state.openChallenge(key, 'k', () => challenge, NOW);
    const { workspaceId, userId } = key;
    const proofs = Array.from({ length: PATIENTS }, (_, patient) => ({
      workspaceId,
      userId,
      sessionNumber: number,
      patientId: `patient-${patient}`,
      scope: null,
      factor: 'totp',
      strength: 'any' as const,
      verifiedAt: NOW,
      terms,
    }));
    const grant = { proofs, presented: null, binding: 'b', oldBindingSeconds: 10, challengeId: 'c' };
    if (!(await state.grant(key, number, epochs, grant, NOW))) throw new Error('Nothing was granted.');
  }
}

/** Microseconds for one read. */
async function timeOf(state: SessionStateStore, reads: number): Promise<number> {
  let found = 0;
  const started = performance.now();
  for (let at = 0; at < reads; at += 1) {
    const patient = `patient-${(at * 7) % PATIENTS}`;
    const pending = state.read(keyOf(at % SESSIONS), 'b', [patient], NOW + 1000);
    // As the guard does: what is there at once is not waited for.
    const reading = pending instanceof Promise ? await pending : pending;
    found += reading?.proofs.length ?? 0;
  }
  const took = performance.now() - started;
  if (found !== reads) throw new Error('Something was not found.');
  return (took * 1000) / reads;
}
