import type { EmergencyNoticeKind } from './emergency-notice.ts';
import type { NoticeKind } from './notice.ts';

/** The words of every notice in one language. */
export interface NoticeTexts {
  /** For each kind its subject and what happened, in a sentence. `{factor}` is the kind of factor, `{remaining}` what is left. */
  readonly kinds: Readonly<Record<NoticeKind, { readonly subject: string; readonly happened: string }>>;
  /** Names of kinds of factor, by id; others are called by `otherFactor`. */
  readonly factors: Readonly<Record<string, string>>;
  readonly otherFactor: string;
  readonly greeting: string;
  readonly where: string;
  readonly when: string;
  readonly byAdministrator: string;
  /** To the administrators: the user id of the one who did it. */
  readonly byUser: string;
  readonly notYou: string;
  readonly notExpected: string;
  readonly emergency: EmergencyTexts;
}

/** The words about emergency access. `{user}`: whose access; `{by}`: who approved; `{count}`: how many; `{host}`: ours. */
export interface EmergencyTexts {
  readonly happened: Readonly<Record<EmergencyNoticeKind, string>>;
  readonly subject: string;
  readonly subjectOverdue: string;
  readonly purposes: Readonly<Record<'clinical' | 'administrative', string>>;
  readonly purpose: string;
  readonly from: string;
  readonly until: string;
  /** What to do, and where. */
  readonly review: string;
  readonly approve: string;
  /** The whole of an SMS. */
  readonly sms: string;
  readonly smsReview: string;
  readonly smsApprove: string;
}
