// Evaluated while building (scripts/build-browser.mjs): what reaches the browser is the words alone, not all of the strings.
import { english } from '../src/strings/english.ts';
import { spanish } from '../src/strings/spanish.ts';

/** Every word of the banner. */
export interface BannerWords {
  readonly label: string;
  readonly clinical: string;
  readonly administrative: string;
  readonly end: string;
  readonly ended: string;
}

const wordsOf = ({ emergency }: typeof spanish): BannerWords => ({ label: emergency.title, ...emergency.banner });

/** The languages that ship, by primary subtag. */
export const bannerWords: Readonly<Record<string, BannerWords>> = { en: wordsOf(english), es: wordsOf(spanish) };
