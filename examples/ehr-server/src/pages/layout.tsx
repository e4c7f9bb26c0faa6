import { type ComponentChildren, h } from 'preact';
import { csrfField } from '../accounts/csrf-token.ts';
import type { Visit } from '../routes/visit.ts';
import { clockTime } from './time.ts';

export type PageVisit = Pick<Visit, 'signedIn' | 'csrf' | 'emergencyAccess'>;

/** Every page: skip link, header with who is signed in, the content, and what this EHR is. */
export function Layout(props: {
  title: string;
  visit: PageVisit | null;
  current?: string;
  children: ComponentChildren;
}) {
  const { title, visit, current, children } = props;
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light" />
        <title>{`${title} · Example EHR`}</title>
        <link rel="stylesheet" href="/assets/ehr.css" />
        <link rel="icon" href="/assets/ehr.svg" type="image/svg+xml" />
        {visit !== null && <script type="module" src="/step-up/assets/emergency.js" />}
      </head>
      <body>
        <header class="header">
          <a class="skip" href="#content">
            Skip to content
          </a>
          <div class="bar">
            <a class="brand" href="/">
              Example EHR
            </a>
            {visit && <Navigation roles={visit.signedIn.roles} current={current} />}
            {visit && <Account visit={visit} />}
          </div>
        </header>
        {visit !== null && <EmergencyBanner open={visit.emergencyAccess} />}
        <main id="content" tabIndex={-1}>
          {children}
        </main>
        <footer class="footer">
          <p>A demonstration. Every patient is invented. All times are UTC.</p>
        </footer>
      </body>
    </html>
  );
}

/**
 * Countersign's element, which counts down and announces the last minutes. What stands in it is shown without a script, from what
 * the server knows.
 */
function EmergencyBanner({ open }: { open: PageVisit['emergencyAccess'] }) {
  const lines = open.map(({ id, patientId, endsAt }) => (
    <p key={id}>
      <strong>
        {patientId === null ? 'Recovery of your factors is open' : `Emergency access is open for patient ${patientId}`}
        {` until ${clockTime(endsAt)}.`}
      </strong>{' '}
      <a href={`/step-up/emergency/${id}`}>See and end it</a>
    </p>
  ));
  const content =
    lines.length === 0 ? null : (
      <section class="emergency" aria-label="Emergency access">
        {lines}
      </section>
    );
  return h('countersign-emergency', {}, content);
}

function Navigation({ roles, current }: { roles: readonly string[]; current: string | undefined }) {
  const links: (readonly [href: string, name: string])[] = [
    ['/', 'Schedule'],
    ['/step-up/factors', 'My factors'],
  ];
  if (roles.includes('clinician')) links.push(['/step-up/emergency', 'Emergency']);
  if (roles.includes('administrator')) {
    links.push(
      ['/step-up/admin/settings', 'Settings'],
      ['/step-up/admin/reviews', 'Reviews'],
      ['/step-up/admin/audit', 'Audit'],
    );
  }
  return (
    <nav class="menu" aria-label="Main">
      <ul>
        {links.map(([href, name]) => (
          <li key={href}>
            <a href={href} {...(href === current ? { 'aria-current': 'page' } : {})}>
              {name}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Account({ visit }: { visit: PageVisit }) {
  return (
    <form class="account" method="post" action="/sign-out">
      <CsrfField token={visit.csrf} />
      <span>
        <span class="visually-hidden">Signed in as </span>
        {visit.signedIn.displayName}
      </span>
      <button class="quiet" type="submit">
        Sign out
      </button>
    </form>
  );
}

export function CsrfField({ token }: { token: string }) {
  return <input type="hidden" name={csrfField} value={token} />;
}
