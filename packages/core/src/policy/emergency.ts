import { isImpersonated, type Principal } from './principal.ts';

/**
 * `clinical`: past what makes one patient's records sensitive, to view and edit them. `administrative`: to a new factor of one's
 * own where none is at hand, and to no record.
 */
export type EmergencyPurpose = 'clinical' | 'administrative';
export const emergencyPurposes = ['clinical', 'administrative'] as const satisfies readonly EmergencyPurpose[];

/** v3-ActReason codes for use in an emergency: emergency treatment, break the glass. */
export const emergencyPurposesOfUse = ['ETREAT', 'BTG'] as const;

/** What bounds emergency access. Durations in seconds. */
export interface EmergencyBounds {
  /** How long one lasts. */
  readonly windowSeconds: number;
  /** How many one person may have open at once before a second one approves. */
  readonly mostOpen: number;
  /** How many one person may open in 24 hours before a second one approves. */
  readonly mostPerDay: number;
  /** How soon after its end one has to be signed off. */
  readonly reviewSeconds: number;
}

/** What happened to one emergency access, as far as it is judged. Instants in milliseconds. */
export interface EmergencyLife {
  readonly openedAt: number;
  /** Its end; of one that waits for a second person, until when it waits. */
  readonly endsAt: number;
  /** Whether a second person had to approve it. */
  readonly waits: boolean;
  readonly approved: { readonly at: number; readonly endsAt: number } | null;
  readonly declinedAt: number | null;
  readonly endedAt: number | null;
  readonly signedOffAt: number | null;
}

/** `waiting`: for a second person. `declined`: by that person, by whoever asked, or because nobody answered in time. */
export type EmergencyStatus = 'waiting' | 'open' | 'ended' | 'declined';

/** How long one waits for a second person; milliseconds. */
export const APPROVAL_WAIT = 900_000;
const DAY = 86_400_000;
const LEAST_CHARACTERS = 20;

/**
 * Whether this is somebody present who acts for themself: no service, nobody who acts as somebody else, and by a token only where
 * the host says in so many words that a person sent it (an access token is no proof of presence, NIST SP 800-63B-4).
 */
export function isPresentPerson(principal: Principal): boolean {
  if (isImpersonated(principal)) return false;
  return principal.credential === 'bearer'
    ? principal.kind === 'person'
    : principal.kind === undefined || principal.kind === 'person';
}

/** Whether a reason can be one: at least 20 visible characters, blanks in a row counting as one, and not all the same. */
export function isSufficientReason(reason: string): boolean {
  // What is not seen (format characters, controls, lone surrogates) is no reason.
  const visible = reason
    .replace(/\p{C}+/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim();
  const characters = [...visible];
  if (characters.length < LEAST_CHARACTERS) return false;
  return new Set(characters.filter((character) => character !== ' ')).size > 1;
}

/** From when until when it is, or would be, open. */
export function emergencyPeriod({ openedAt, endsAt, waits, approved }: EmergencyLife): {
  readonly openedAt: number;
  readonly endsAt: number;
} {
  return waits && approved !== null ? { openedAt: approved.at, endsAt: approved.endsAt } : { openedAt, endsAt };
}

/** Where it stands. `now < endsAt` alone is open: an unreadable instant (NaN) has ended. */
export function emergencyStatus(life: EmergencyLife, now: number): EmergencyStatus {
  if (life.declinedAt !== null) return 'declined';
  if (life.waits && life.approved === null) return now < life.endsAt ? 'waiting' : 'declined';
  if (life.endedAt !== null) return 'ended';
  return now < emergencyPeriod(life).endsAt ? 'open' : 'ended';
}

/** When its review is due: so long after the end of its window, however early it was ended. */
export function reviewDueAt(life: EmergencyLife, { reviewSeconds }: EmergencyBounds): number {
  return emergencyPeriod(life).endsAt + reviewSeconds * 1000;
}

/** Whether it was used, has not been signed off, and should have been. */
export function isOverdue(life: EmergencyLife, bounds: EmergencyBounds, now: number): boolean {
  const used = emergencyStatus(life, now) === 'ended' || emergencyStatus(life, now) === 'open';
  return used && life.signedOffAt === null && !(now < reviewDueAt(life, bounds));
}

/** Which reminder is due: the first when the review is overdue, then one each day; 0: none. */
export function reminderDue(life: EmergencyLife, bounds: EmergencyBounds, now: number): number {
  if (!isOverdue(life, bounds, now)) return 0;
  return Math.floor((now - reviewDueAt(life, bounds)) / DAY) + 1;
}

/** Whether one more takes a second person. `own`: the person's earlier ones, of any purpose and patient. */
export function needsApproval(own: readonly EmergencyLife[], bounds: EmergencyBounds, now: number): boolean {
  const used = own.filter((life) => ['open', 'ended'].includes(emergencyStatus(life, now)));
  const open = used.filter((life) => emergencyStatus(life, now) === 'open').length;
  // One that a faster clock has put into the future counts as well.
  const today = used.filter((life) => now < emergencyPeriod(life).openedAt + DAY).length;
  return open >= bounds.mostOpen || today >= bounds.mostPerDay;
}
