/** A mail as it is handed to a sender: plain text, one recipient. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/**
 * Sends mail. Rejects where it could not be handed over; then it is tried again, at most twice, and the failure audited at the
 * end. A `CountersignError` with the code `mail_refused` says that another try is of no use.
 */
export interface MailSender {
  send(mail: Mail): Promise<void>;
}

/** An SMS as it is handed to a sender. */
export interface Sms {
  /** As the address book has it, best in E.164: `+14155550100`. */
  readonly to: string;
  readonly text: string;
}

/**
 * Sends SMS. Rejects where it could not be handed over; then it is tried again for more than an hour, and the failure audited at
 * the end. A `CountersignError` with the code `sms_refused` says that another try is of no use.
 */
export interface SmsSender {
  send(sms: Sms): Promise<void>;
}

/** How to reach somebody. */
export interface Contact {
  readonly email: string;
  /** For SMS about emergency access. */
  readonly phone?: string;
  /** BCP 47; default `en`. */
  readonly language?: string;
}

/** The host's address book. */
export interface ContactSource {
  /** Null where the user cannot be reached by mail. */
  contactOf(workspaceId: string, userId: string): Contact | null | Promise<Contact | null>;
  /** User ids of a workspace's administrators. */
  administrators(workspaceId: string): readonly string[] | Promise<readonly string[]>;
}

/** What happened, for the person it concerns or the administrators of a workspace. */
export type NoticeKind =
  | 'factor-enrolled'
  | 'factor-removed'
  | 'factor-renamed'
  | 'factor-reset'
  | 'factor-locked'
  | 'factor-disabled'
  | 'recovery-codes-made'
  | 'recovery-code-used'
  | 'enrolment-code-issued'
  | 'settings-changed'
  | 'settings-proposed'
  | 'settings-proposal-decided';

/** A notice to be told. It carries no secret, no code and no patient. */
export interface Notice {
  readonly kind: NoticeKind;
  readonly workspaceId: string;
  /** One person, or every administrator of the workspace but the one who did it. */
  readonly to: { readonly userId: string } | { readonly administratorsBut: string };
  /** The kind of factor, where it is about one. */
  readonly factor?: string;
  /** Who did it, where it was not the person told. */
  readonly by?: string;
  readonly remaining?: number;
  readonly at: number;
}
