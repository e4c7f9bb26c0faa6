import type { SignedIn } from '../accounts/signed-in.ts';
import type { ListFilter } from '../policy/guarded-record.ts';

/** What a page needs to know of the person who asked for it. */
export interface Visit {
  readonly signedIn: SignedIn;
  /** The session's token, for the forms on the page. */
  readonly csrf: string;
  /** Splits a list into what this person may see now and what is withheld. */
  readonly filter: ListFilter;
}
