import type { ManualClock } from './clock.ts';

/** A clock that goes on by itself, for tests against what has a clock of its own. It can be moved all the same. */
export function runningClock(): ManualClock {
  let set = 0;
  let passed = 0;
  return {
    now: () => Date.now() + set,
    elapsed: () => performance.now() + passed,
    advance(seconds) {
      set += seconds * 1000;
      passed += seconds * 1000;
    },
    set(seconds) {
      set += seconds * 1000;
    },
  };
}
