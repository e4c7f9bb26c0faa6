import type { SignedIn } from '../accounts/signed-in.ts';
import type { ListFilter } from '../policy/guarded-record.ts';

/** One emergency access, as `request.stepUp.emergencyAccess` tells it. */
export interface OpenEmergency {
  readonly id: string;
  readonly patientId: string | null;
  readonly endsAt: Date;
}

/** What a page needs to know of the person who asked for it. */
export interface Visit {
  readonly signedIn: SignedIn;
  /** The session's token, for the forms on the page. */
  readonly csrf: string;
  /** What is open for them in an emergency, for the banner of every page. */
  readonly emergencyAccess: readonly OpenEmergency[];
  /** Splits a list into what this person may see now and what is withheld. */
  readonly filter: ListFilter;
}
