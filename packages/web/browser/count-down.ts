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
  const write = (amount: number, unit: string) =>
    new Intl.NumberFormat(lang, { style: 'unit', unit, unitDisplay: 'long' }).format(amount);
  const tick = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    if (left <= 0) {
      clearInterval(timer);
      element.setAttribute('role', 'status');
      element.textContent = over;
      return;
    }
    let time: string;
    if (left < 120) time = write(left, 'second');
    else if (left < 7200) time = write(Math.ceil(left / 60), 'minute');
    else time = write(Math.ceil(left / 3600), 'hour');
    const text = waiting.replace('{time}', time);
    if (element.textContent !== text) element.textContent = text;
  };
  const timer = setInterval(tick, 1000);
  tick();
  return () => clearInterval(timer);
}
