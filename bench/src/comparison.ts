import { median, quantile } from './statistics.ts';

/** What is hoped of a figure: at least, or at most, so much. */
export interface Aim {
  readonly least?: number;
  readonly most?: number;
}

/** One line of the report: a ratio, by rounds. */
export interface Comparison {
  readonly part: string;
  readonly what: string;
  readonly median: number;
  /** The middle half of the rounds. */
  readonly low: number;
  readonly high: number;
  readonly rounds: number;
  readonly aim: Aim | null;
  /** Null where nothing is aimed at. */
  readonly met: boolean | null;
}

/** `ratios`: one for each round, each of two measurements of the same round. */
export function compare(part: string, what: string, ratios: readonly number[], aim: Aim | null = null): Comparison {
  const middle = median(ratios);
  const met = aim === null ? null : middle >= (aim.least ?? -Infinity) && middle <= (aim.most ?? Infinity);
  return {
    part,
    what,
    median: middle,
    low: quantile(ratios, 0.25),
    high: quantile(ratios, 0.75),
    rounds: ratios.length,
    aim,
    met,
  };
}

const figure = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

const aimText = (aim: Aim | null): string =>
  aim === null ? '' : aim.least === undefined ? `≤ ${aim.most}` : `≥ ${aim.least}`;

/** The report as a table of Markdown. */
export function tableOf(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map(({ part, what, median: middle, low, high, aim, met }) => [
    part,
    what,
    figure(middle),
    `${figure(low)}–${figure(high)}`,
    aimText(aim),
    met === null ? '' : met ? 'met' : 'missed',
  ]);
  const lines = [
    ['part', 'what', 'median', 'middle half', 'aim', ''],
    ['---', '---', '---', '---', '---', '---'],
    ...rows,
  ];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
