/**
 * `well`: looked at, and as it should be. `fault`: to be cured. `warning`: may be meant, or could not be looked at. `not-asked`:
 * nobody said where to look.
 */
export type Verdict = 'well' | 'warning' | 'fault' | 'not-asked';

/** One thing that was looked at. Holds no secret and nothing of a record. */
export interface Finding {
  readonly verdict: Verdict;
  /** A sentence. */
  readonly says: string;
  /** What to do about it, in a sentence; null where nothing is. */
  readonly cure: string | null;
}

export const well = (says: string): Finding => ({ verdict: 'well', says, cure: null });
export const warning = (says: string, cure: string): Finding => ({ verdict: 'warning', says, cure });
export const fault = (says: string, cure: string): Finding => ({ verdict: 'fault', says, cure });
export const notAsked = (says: string, cure: string): Finding => ({ verdict: 'not-asked', says, cure });

/** `1 event`, `2 events`. */
export const counted = (count: number, one: string, more = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : more}`;

/** A duration for people: whole seconds, minutes, hours or days, the largest that fits. */
export function lasting(milliseconds: number): string {
  const seconds = Math.round(Math.abs(milliseconds) / 1000);
  if (seconds < 120) return counted(seconds, 'second');
  if (seconds < 7200) return counted(Math.round(seconds / 60), 'minute');
  if (seconds < 172_800) return counted(Math.round(seconds / 3600), 'hour');
  return counted(Math.round(seconds / 86_400), 'day');
}
