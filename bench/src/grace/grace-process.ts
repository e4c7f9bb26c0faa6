// A child process (--expose-gc): what session state costs in memory and time.
import { memorySessionState, type Proof, type SessionKey, type SessionStateStore } from '@countersign/core';
import { quantile } from '../statistics.ts';

interface Figures {
  readonly what: string;
  readonly values: readonly number[];
  readonly aimed: boolean;
}

export interface GraceFigures {
  readonly bytes: readonly Figures[];
  /** Milliseconds. */
  readonly longestSweep: readonly number[];
  readonly lookups: readonly Figures[];
}

const BEGINNING = 1_770_000_000_000;
const LIFE = 900_000;
const epochs = { user: 0, workspace: 0 };
const terms = { defaultSeconds: 900, accountSeconds: 300, byCategory: {} };
const collect = (globalThis as unknown as { gc(): void }).gc;

const rounds = Number(process.argv[2]);
const million = 1_000_000;

const figures: GraceFigures = {
  bytes: [
    { what: '1,000 sessions with 1,000 patients each', values: bytesPerProof(1000, 1000), aimed: true },
    { what: '10,000 sessions with 100 patients each', values: bytesPerProof(10_000, 100), aimed: false },
    { what: '100,000 sessions with 10 patients each', values: bytesPerProof(100_000, 10), aimed: false },
  ],
  longestSweep: longestSweeps(),
  lookups: [
    ...[1000, 100_000, million].map((proofs) => ({
      what: `look-up among ${proofs.toLocaleString('en')} proofs / in a Map by joined text`,
      values: againstMap(proofs),
      aimed: false,
    })),
    { what: 'look-up in a session with 1,000 proofs / with 1', values: manyAgainstOne(), aimed: true },
  ],
};
process.send?.(figures, () => process.disconnect());

function keyOf(session: number): SessionKey {
  return { keyHash: `${session}`.padStart(43, 'k'), workspaceId: 'clinic', userId: `u${session}` };
}

// Made anew for each proof, as ids that come from a database are.
function patientOf(patient: number): string {
  return `patient-${patient}`;
}

function proofOf(session: number, patientId: string, verifiedAt: number): Proof {
  const { workspaceId, userId } = keyOf(session);
  const of = { workspaceId, userId, sessionNumber: `n${session}`, patientId };
  return { ...of, scope: null, factor: 'totp', strength: 'any', verifiedAt, terms };
}

function begin(state: SessionStateStore, session: number, now: number): void {
  void state.begin(keyOf(session), {
    number: `n${session}`,
    epochs,
    endedAt: null,
    hasFactor: true,
    signedInAt: now,
    now,
  });
}

function grant(state: SessionStateStore, session: number, patientIds: readonly string[], now: number): void {
  const key = keyOf(session);
  const challenge = {
    id: 'c',
    createdAt: now,
    expiresAt: now + 600_000,
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
  void state.openChallenge(key, 'k', () => challenge, now);
  const proofs = patientIds.map((patientId) => proofOf(session, patientId, now));
  const given = { proofs, presented: 'bearer', binding: 'bearer', oldBindingSeconds: 10, challengeId: 'c' } as const;
  if (state.grant(key, `n${session}`, epochs, given, now) !== true) throw new Error('Nothing was granted.');
}

/** Each session passes once for each of its patients, a millisecond apart. */
function filled(sessions: number, patients: number): SessionStateStore {
  const state = memorySessionState({ sessions: sessions + 10, proofs: sessions * patients + 10 });
  for (let session = 0; session < sessions; session += 1) begin(state, session, BEGINNING);
  for (let patient = 0; patient < patients; patient += 1) {
    for (let session = 0; session < sessions; session += 1) {
      grant(state, session, [patientOf(session * patients + patient)], BEGINNING + patient);
    }
  }
  return state;
}

function bytesPerProof(sessions: number, patients: number): number[] {
  collect();
  const before = process.memoryUsage().heapUsed;
  const state = filled(sessions, patients);
  collect();
  const bytes = (process.memoryUsage().heapUsed - before) / (sessions * patients);
  void state.close();
  return [bytes];
}

/**
 * All proofs are over; each write clears some away. The machine stops us now and then, the sweep stops at the same write each
 * time: so the shortest of three times counts for each write, and of those the longest.
 */
function longestSweeps(): number[] {
  const shortest: number[] = [];
  for (let time = 0; time < 3; time += 1) {
    const state = filled(1000, 1000);
    collect();
    for (let write = 0; write < 20_000; write += 1) {
      const started = performance.now();
      grant(state, write % 1000, [patientOf(write)], BEGINNING + LIFE + 2000 + write);
      const took = performance.now() - started;
      shortest[write] = Math.min(shortest[write] ?? took, took);
    }
    void state.close();
  }
  return [quantile(shortest, 1)];
}

/** Nanoseconds for one call, over enough of them. */
function timeOf(calls: number, call: (at: number) => unknown): number {
  let kept = 0;
  const started = performance.now();
  for (let at = 0; at < calls; at += 1) if (call(at) !== undefined) kept += 1;
  const took = performance.now() - started;
  if (kept !== calls) throw new Error('Something was not found.');
  return (took * 1e6) / calls;
}

/** The same look-ups in the same, scattered order; every text is made before. */
function againstMap(proofs: number): number[] {
  const patients = Math.min(1000, proofs / 100);
  const sessions = proofs / patients;
  const state = filled(sessions, patients);
  const joined = new Map<string, number>();
  for (let session = 0; session < sessions; session += 1) {
    const { keyHash, workspaceId, userId } = keyOf(session);
    for (let patient = 0; patient < patients; patient += 1) {
      const name = `${workspaceId}\n${userId}\n${keyHash}\n5\n${patientOf(session * patients + patient)}`;
      joined.set(name, BEGINNING + patient);
    }
  }
  const calls = 200_000;
  const asked = Array.from({ length: 5000 }, (_, at) => {
    const session = (at * 7919) % sessions;
    return { key: keyOf(session), session, patientIds: [patientOf(session * patients + ((at * 104_729) % patients))] };
  });
  const now = BEGINNING + 5000;
  const ours = (at: number) => {
    const one = asked[at % asked.length]!;
    return (state.read(one.key, 'bearer', one.patientIds, now) as { proofs: readonly Proof[] }).proofs[0];
  };
  const theirs = (at: number) => {
    const { key, patientIds } = asked[at % asked.length]!;
    return joined.get(`${key.workspaceId}\n${key.userId}\n${key.keyHash}\n5\n${patientIds[0]}`);
  };
  const ratios: number[] = [];
  for (let round = 0; round <= rounds; round += 1) ratios.push(timeOf(calls, ours) / timeOf(calls, theirs));
  void state.close();
  return ratios.slice(1);
}

function manyAgainstOne(): number[] {
  const state = memorySessionState();
  for (const session of [0, 1]) begin(state, session, BEGINNING);
  for (let patient = 0; patient < 1000; patient += 1) grant(state, 0, [patientOf(patient)], BEGINNING);
  grant(state, 1, [patientOf(0)], BEGINNING);
  const many = Array.from({ length: 1000 }, (_, at) => [patientOf((at * 377) % 1000)]);
  const one = Array.from({ length: 1000 }, () => [patientOf(0)]);
  const lookUp = (session: number, asked: readonly string[][]) => {
    const key = keyOf(session);
    return (at: number) =>
      (state.read(key, 'bearer', asked[at % 1000]!, BEGINNING + 1) as { proofs: readonly Proof[] }).proofs[0];
  };
  const ratios: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    ratios.push(timeOf(500_000, lookUp(0, many)) / timeOf(500_000, lookUp(1, one)));
  }
  void state.close();
  return ratios.slice(1);
}
