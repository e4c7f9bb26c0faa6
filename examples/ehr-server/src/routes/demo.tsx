import { generate } from 'otplib';
import { type DemoAccount, demoPassword } from '../accounts/demo-accounts.ts';
import type { DemoMessages } from '../accounts/demo-messages.ts';
import { AuthenticatorPage } from '../pages/authenticator-page.tsx';
import { MessagesPage } from '../pages/messages-page.tsx';
import { json, page, type Reply } from './reply.ts';

const periodSeconds = 30;

/** What only a demonstration may show. Not there at all in production. */
export interface Demo {
  accounts(): Reply;
  /** `?refresh=off` for a page that stays as it is. */
  authenticator(query: unknown): Promise<Reply>;
  /** Mails and SMS that were sent. */
  messages(): Reply;
}

export function createDemo(accounts: readonly DemoAccount[], messages: DemoMessages, now: () => Date): Demo {
  return {
    accounts() {
      return json(
        accounts.map(({ username, totpSecret, roles }) => ({ username, password: demoPassword, totpSecret, roles })),
      );
    },

    messages() {
      return page(<MessagesPage messages={messages.latest()} />);
    },

    async authenticator(query) {
      const seconds = Math.floor(now().getTime() / 1000);
      const secondsLeft = periodSeconds - (seconds % periodSeconds);
      const codes = await Promise.all(
        accounts.map(async ({ username, displayName, totpSecret: secret }) => ({
          username,
          displayName,
          code: secret === null ? null : await generate({ secret, epoch: seconds }),
          next: secret === null ? null : await generate({ secret, epoch: seconds + periodSeconds }),
        })),
      );
      const refreshing = !(
        typeof query === 'object' &&
        query !== null &&
        'refresh' in query &&
        query.refresh === 'off'
      );
      // As a header, it works without a script and under our policy. The codes end by themselves, which is what makes this
      // time limit essential (WCAG 2.2.1), and the page offers to stop it (2.2.2).
      const headers = refreshing ? { refresh: String(secondsLeft) } : undefined;
      return page(<AuthenticatorPage codes={codes} secondsLeft={secondsLeft} refreshing={refreshing} />, 200, headers);
    },
  };
}
