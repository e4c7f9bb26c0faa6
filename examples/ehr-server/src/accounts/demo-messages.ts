import type { Contact, ContactSource, MailSender, SmsSender } from '@countersign/core';
import type { DemoAccount } from './demo-accounts.ts';

/** A mail or an SMS that a real host would have handed over. */
export interface DemoMessage {
  readonly channel: 'mail' | 'sms';
  readonly to: string;
  /** Of a mail. */
  readonly subject: string | null;
  readonly text: string;
  readonly at: Date;
}

/** What the demonstration has sent, newest first, in the memory of this process. */
export interface DemoMessages {
  readonly notices: { readonly mail: MailSender; readonly sms: SmsSender; readonly contacts: ContactSource };
  latest(): readonly DemoMessage[];
}

const KEPT = 100;

/** Takes mails and SMS in place of a mail server and an SMS service, so that a person can see what somebody would be told. */
export function demoMessages(accounts: readonly DemoAccount[], now: () => Date): DemoMessages {
  const messages: DemoMessage[] = [];
  const keep = (message: Omit<DemoMessage, 'at'>) => {
    messages.unshift({ ...message, at: now() });
    messages.length = Math.min(messages.length, KEPT);
  };
  const contactOf = (_workspaceId: string, userId: string): Contact | null => {
    const index = accounts.findIndex(({ username }) => username === userId);
    // Numbers that are kept for fiction.
    return index === -1 ? null : { email: `${userId}@example.org`, phone: `+1202555010${index}` };
  };
  return {
    notices: {
      mail: { send: async ({ to, subject, text }) => keep({ channel: 'mail', to, subject, text }) },
      sms: { send: async ({ to, text }) => keep({ channel: 'sms', to, subject: null, text }) },
      contacts: {
        contactOf,
        administrators: () =>
          accounts.filter(({ roles }) => roles.includes('administrator')).map(({ username }) => username),
      },
    },
    latest: () => [...messages],
  };
}
