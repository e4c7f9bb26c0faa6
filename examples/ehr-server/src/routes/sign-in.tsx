import { z } from 'zod';
import { demoPassword } from '../accounts/demo-accounts.ts';
import { checkPassword } from '../accounts/password.ts';
import type { SignedIn } from '../accounts/signed-in.ts';
import { SignInPage } from '../pages/sign-in-page.tsx';
import type { Records } from '../records/repository.ts';
import { page, type Reply } from './reply.ts';
import { safeReturnPath } from './return-path.ts';

export interface SignIn {
  form(csrf: string, query: unknown): Reply;
  /** Checks a posted form whose CSRF token has been checked. The server file starts a new session for the person. */
  attempt(csrf: string, body: unknown): Promise<{ signedIn: SignedIn; returnTo: string } | { refused: Reply }>;
}

const credentials = z.object({
  username: z
    .string()
    .min(1)
    .max(100)
    .regex(/^\P{Cc}*$/u),
  password: z.string().min(1).max(1000),
});

export function createSignIn(records: Records, options: { readonly demo: boolean; readonly now: () => Date }): SignIn {
  const { demo } = options;
  return {
    form(csrf, query) {
      return page(<SignInPage csrf={csrf} demo={demo} returnTo={returnToOf(query)} />);
    },

    async attempt(csrf, body) {
      const parsed = credentials.safeParse(body);
      const username = parsed.success ? parsed.data.username : '';
      const account = parsed.success ? await records.account(username) : null;
      // Its password is in the documentation: outside a demonstration it opens nothing.
      const known = !demo && parsed.success && parsed.data.password === demoPassword;
      const correct =
        !known && parsed.success && (await checkPassword(parsed.data.password, account?.passwordHash ?? null));
      if (!correct || account === null) {
        const props = { csrf, demo, returnTo: returnToOf(body), username, failed: true };
        return { refused: page(<SignInPage {...props} />, 401) };
      }
      const { displayName, roles } = account;
      const signedIn = { userId: account.username, displayName, roles, signedInAt: options.now().getTime() };
      return { signedIn, returnTo: returnToOf(body) };
    },
  };
}

function returnToOf(given: unknown): string {
  return safeReturnPath(typeof given === 'object' && given !== null && 'return' in given ? given.return : null);
}
