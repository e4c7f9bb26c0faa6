/** What administrators are told of emergency access; `gathered`: that the same person did it several times more. */
export type EmergencyNoticeKind = 'started' | 'reopened' | 'requested' | 'approved' | 'overdue' | 'gathered';

/** How a person is told. */
export type NoticeChannel = 'mail' | 'sms';

/** What is told of an emergency access. No patient, no reason, no category. */
export interface EmergencyNotice {
  readonly kind: EmergencyNoticeKind;
  /** Whose access it is. */
  readonly userId: string;
  /** Who did what is told: for `approved` the second person. */
  readonly by: string;
  /** Null where it cannot be read any more. */
  readonly purpose: 'clinical' | 'administrative' | null;
  /** When it began, or was asked for; for `gathered` the first of them. Milliseconds. */
  readonly from: number;
  /** When it ends; for `gathered` when the last of them began. Null: not known, or nothing has begun. */
  readonly until: number | null;
  /** For `gathered`: how many. */
  readonly count: number;
}
