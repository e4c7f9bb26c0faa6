/** A clock that stands still until a test moves it. */
export interface ManualClock {
  /** The wall clock, in milliseconds since 1970. */
  now(): number;
  /** Milliseconds since the clock was made, never less than before. */
  elapsed(): number;
  /** Time passes. */
  advance(seconds: number): void;
  /** Somebody sets the wall clock, forwards or (below zero) back, while no time passes. */
  set(seconds: number): void;
}

export function manualClock(start: Date | string = '2026-03-02T09:00:00.000Z'): ManualClock {
  let wall = new Date(start).getTime();
  let monotonic = 0;
  if (Number.isNaN(wall)) throw new RangeError(`Not an instant: ${start}`);
  return {
    now: () => wall,
    elapsed: () => monotonic,
    advance(seconds) {
      if (!(seconds >= 0)) throw new RangeError('Time passes forwards only; use set() to put the wall clock back.');
      wall += seconds * 1000;
      monotonic += seconds * 1000;
    },
    set(seconds) {
      wall += seconds * 1000;
    },
  };
}
