/** Time in words, rounded up: seconds below two minutes, minutes below two hours, else hours. */
export function timeLeft(seconds: number, lang: string): string {
  const write = (amount: number, unit: string) =>
    new Intl.NumberFormat(lang, { style: 'unit', unit, unitDisplay: 'long' }).format(amount);
  if (seconds < 120) return write(seconds, 'second');
  return seconds < 7200 ? write(Math.ceil(seconds / 60), 'minute') : write(Math.ceil(seconds / 3600), 'hour');
}
