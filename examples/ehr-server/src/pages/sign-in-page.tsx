import { CsrfField, Layout } from './layout.tsx';

interface SignInPageProps {
  csrf: string;
  /** Whether to point out the demo accounts. */
  demo: boolean;
  returnTo: string;
  username?: string;
  failed?: boolean;
}

export function SignInPage({ csrf, demo, returnTo, username = '', failed = false }: SignInPageProps) {
  const described = failed ? { 'aria-describedby': 'sign-in-error' } : {};
  return (
    <Layout title={failed ? 'Error: Sign in' : 'Sign in'} visit={null}>
      <div class="narrow">
        <h1>Sign in</h1>
        {failed && (
          <p class="notice error" role="alert" id="sign-in-error">
            User name and password do not match.
          </p>
        )}
        <form class="card form" method="post" action="/sign-in">
          <CsrfField token={csrf} />
          <input type="hidden" name="return" value={returnTo} />
          <div class="field">
            <label for="username">User name</label>
            <input
              id="username"
              name="username"
              type="text"
              autocomplete="username"
              autocapitalize="none"
              spellcheck={false}
              value={username}
              required
              autofocus={!failed}
              {...described}
            />
          </div>
          <div class="field">
            <label for="password">Password</label>
            <input
              id="password"
              name="password"
              type="password"
              autocomplete="current-password"
              required
              autofocus={failed}
              {...described}
            />
          </div>
          <p class="actions">
            <button class="primary" type="submit">
              Sign in
            </button>
          </p>
        </form>
        {demo && (
          <p class="muted">
            Demo accounts: <code>clinician</code>, <code>clinician2</code>, <code>newcomer</code>, <code>admin</code>,
            all with the password <code>demo</code>. Their codes are on the{' '}
            <a href="/demo/authenticator">demo authenticator</a>, mails and SMS that are sent under{' '}
            <a href="/demo/messages">demo messages</a>.
          </p>
        )}
      </div>
    </Layout>
  );
}
