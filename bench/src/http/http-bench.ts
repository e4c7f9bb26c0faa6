import { setPriority } from 'node:os';
import { type Aim, type Comparison, compare } from '../comparison.ts';
import type { BenchDatabase } from '../database.ts';
import { ServerChild, type Turn } from './server-child.ts';
import { type VariantName, variantNames } from './variants.ts';

/** Of 0 (as the servers have it) to 19 (the lowest). */
const LOAD_PRIORITY = 10;
/** Until the compiler has seen enough. */
const WARM_UP_SECONDS = 3;

interface Wanted {
  readonly of: VariantName;
  readonly to: VariantName;
  /** Of requests per second; CPU per request is the more reliable of the two. */
  readonly requests?: Aim;
  readonly cpu?: Aim;
}

const wanted: readonly Wanted[] = [
  ...(['fastify', 'express'] as const).flatMap((framework): Wanted[] => [
    { of: `${framework} session`, to: `${framework} bare` },
    { of: `${framework} session, defaults`, to: `${framework} session` },
    { of: `${framework} guarded, no access audit`, to: `${framework} bare` },
    {
      of: `${framework} guarded, no access audit`,
      to: `${framework} session`,
      requests: { least: 0.95 },
      cpu: { most: 1.05 },
    },
    { of: `${framework} guarded, batched audit`, to: `${framework} session`, requests: { least: 0.88 } },
    { of: `${framework} guarded, awaited audit`, to: `${framework} session`, cpu: { most: 1.2 } },
  ]),
  { of: 'fastify guarded, no access audit', to: 'home-made check' },
  { of: 'fastify guarded, batched audit', to: 'home-made check and audit', requests: { least: 2.8 } },
  { of: 'fastify guarded, awaited audit', to: 'home-made check and audit' },
  { of: 'fastify guarded, batched audit', to: 'better-auth', requests: { least: 7.5 } },
  { of: 'fastify guarded, batched audit', to: 'better-auth, cookie cache', requests: { least: 4.5 } },
];

/** Every variant has its turn in every round; a ratio is of two turns of the same round. */
export async function benchHttp(database: BenchDatabase, rounds: number, seconds: number): Promise<Comparison[]> {
  const children = new Map<VariantName, ServerChild>();
  try {
    for (const name of variantNames) children.set(name, await ServerChild.start(name, await database.create()));
    // The load gives way to the servers and the database; those were started before, and do not inherit it.
    setPriority(LOAD_PRIORITY);
    for (const child of children.values()) await child.turn(WARM_UP_SECONDS);
    const turns: Map<VariantName, Turn>[] = [];
    for (let round = 0; round < rounds; round += 1) {
      turns.push(await roundOf(children, round, seconds));
      process.stderr.write(`http ${round + 1}/${rounds}\r`);
    }
    return comparisonsOf(turns);
  } finally {
    for (const child of children.values()) await child.stop();
  }
}

/** Who goes first moves on from round to round, so that nobody always follows the same neighbour's garbage. */
async function roundOf(
  children: ReadonlyMap<VariantName, ServerChild>,
  round: number,
  seconds: number,
): Promise<Map<VariantName, Turn>> {
  const entries = [...children];
  const start = (round * 5) % entries.length;
  const turns = new Map<VariantName, Turn>();
  for (const [name, child] of [...entries.slice(start), ...entries.slice(0, start)]) {
    turns.set(name, await child.turn(seconds));
  }
  return turns;
}

function comparisonsOf(rounds: readonly ReadonlyMap<VariantName, Turn>[]): Comparison[] {
  return wanted.flatMap(({ of, to, requests, cpu }) => {
    const ratios = (field: keyof Turn) =>
      rounds.map((turns) => (turns.get(of)?.[field] ?? Number.NaN) / (turns.get(to)?.[field] ?? Number.NaN));
    const what = `${of} / ${to}`;
    return [
      compare('http, requests', what, ratios('requests'), requests ?? null),
      compare('http, CPU', what, ratios('cpu'), cpu ?? null),
    ];
  });
}
