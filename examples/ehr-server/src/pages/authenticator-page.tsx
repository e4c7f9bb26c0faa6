import { Layout } from './layout.tsx';

export interface DemoCode {
  readonly username: string;
  readonly displayName: string;
  /** Null: this account has no authenticator. */
  readonly code: string | null;
  readonly next: string | null;
}

export function AuthenticatorPage(props: { codes: readonly DemoCode[]; secondsLeft: number; refreshing: boolean }) {
  const { codes, secondsLeft, refreshing } = props;
  return (
    <Layout title="Demo authenticator" visit={null}>
      <div class="heading">
        <h1>Demo authenticator</h1>
        <p class="muted">
          {`Good for ${secondsLeft === 1 ? '1 second' : `${secondsLeft} seconds`} after this page opened.`}
        </p>
      </div>
      <p>In earnest, each person has these on a phone of their own. Each code is accepted once.</p>
      <ul class="codes">
        {codes.map(({ username, displayName, code, next }) => (
          <li class="card" key={username}>
            <h2>
              {username} <span class="muted">{displayName}</span>
            </h2>
            {code === null || next === null ? (
              <p class="muted">No authenticator yet: enrol one after signing in.</p>
            ) : (
              <p>
                <Digits code={code} kind="code" />
                <span class="muted">
                  then <Digits code={next} kind="next" />
                </span>
              </p>
            )}
          </li>
        ))}
      </ul>
      <p class="actions">
        <a class="button" href="/demo/authenticator">
          {refreshing ? 'Show the codes of now' : 'Keep the codes current'}
        </a>
        {refreshing && (
          <a class="button" href="/demo/authenticator?refresh=off">
            Stop reloading this page
          </a>
        )}
        <a class="button" href="/">
          Schedule
        </a>
      </p>
    </Layout>
  );
}

/** Parted for the eye by the stylesheet only, so that a copied code has no space in it. */
function Digits({ code, kind }: { code: string; kind: 'code' | 'next' }) {
  return (
    <span class={kind}>
      <span>{code.slice(0, 3)}</span>
      <span>{code.slice(3)}</span>
    </span>
  );
}
