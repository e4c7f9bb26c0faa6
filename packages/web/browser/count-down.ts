import { timeLeft } from './time-left.ts';

export interface CountDown {
  readonly seconds: number;
  /** BCP 47. */
  readonly lang: string;
  /** With a `{time}`. */
  readonly waiting: string;
  readonly over: string;
}

/** Counts the seconds of a wait down, quietly; only its end is announced. Returns what stops it. */
export function countDown(element: HTMLElement, { seconds, lang, waiting, over }: CountDown): () => void {
  const end = performance.now() + seconds * 1000;
  const tick = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    if (left <= 0) {
      clearInterval(timer);
      element.setAttribute('role', 'status');
      element.textContent = over;
      return;
    }
    const text = waiting.replace('{time}', timeLeft(left, lang));
    if (element.textContent !== text) element.textContent = text;
  };
  const timer = setInterval(tick, 1000);
  tick();
  return () => clearInterval(timer);
}
