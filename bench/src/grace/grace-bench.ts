import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type Comparison, compare } from '../comparison.ts';
import type { GraceFigures } from './grace-process.ts';

/** In a process of its own, whose heap is swept before each measurement. */
export async function benchGrace(rounds: number): Promise<Comparison[]> {
  const child = fork(new URL('./grace-process.js', import.meta.url), [String(rounds)], {
    execArgv: ['--expose-gc', '--max-old-space-size=3000'],
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`The grace bench ended with ${code}.`);
  });
  ended.catch(() => {});
  const [figures] = (await Promise.race([once(child, 'message'), ended])) as [GraceFigures];
  return [
    ...figures.bytes.map(({ what, values, aimed }) =>
      compare('grace, bytes per proof', what, values, aimed ? { most: 130 } : null),
    ),
    compare('grace, ms', 'longest write while 1,000,000 expired proofs go', figures.longestSweep, { most: 1 }),
    ...figures.lookups.map(({ what, values, aimed }) =>
      compare('grace, time', what, values, aimed ? { most: 1.05 } : null),
    ),
  ];
}
