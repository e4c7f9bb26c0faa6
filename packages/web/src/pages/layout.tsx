import type { ComponentChildren } from 'preact';
import { format } from '../strings/format.ts';
import { Link } from './link.tsx';
import { safeHref } from './safe-href.ts';
import { type NavigationLink, useShell } from './shell.ts';

export interface LayoutProps {
  readonly title: string;
  readonly children: ComponentChildren;
  /** An error is shown: the title says so first, which is what a screen reader reads first. */
  readonly error?: boolean;
  /** `narrow` for one question, `wide` for tables. Default `narrow`. */
  readonly width?: 'narrow' | 'wide';
  /** Which of our pages this is; shows the navigation. Absent: no navigation, nothing to wander off to. */
  readonly page?: NavigationLink['page'];
}

/** The document around every page. */
export function Layout({ title, children, error = false, width = 'narrow', page }: LayoutProps) {
  const { lang, strings, assetsPath, assetsVersion, theme, navigation } = useShell();
  const { common } = strings;
  const organisation = theme?.organisation;
  const plain = error ? format(common.errorTitle, { title }) : title;
  const themeHref = safeHref(theme?.cssHref);
  const logoHref = safeHref(theme?.logoHref);
  const links = page === undefined ? [] : (navigation ?? []);
  const asset = (name: string) =>
    `${assetsPath}/${name}${assetsVersion === undefined ? '' : `?v=${encodeURIComponent(assetsVersion)}`}`;
  return (
    <html lang={lang}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>
          {organisation === undefined ? plain : format(common.organisationTitle, { title: plain, organisation })}
        </title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href={asset('countersign.css')} />
        {themeHref !== undefined && <link rel="stylesheet" href={themeHref} />}
        <script type="module" src={asset('countersign.js')} />
      </head>
      <body class={`cs-body cs-body-${width}`}>
        {links.length > 0 && (
          <a class="cs-skip" href="#cs-content">
            {common.skipToContent}
          </a>
        )}
        {(organisation !== undefined || logoHref !== undefined || links.length > 0) && (
          <header class="cs-header">
            <div class="cs-header-inner">
              {logoHref !== undefined && <img class="cs-logo" src={logoHref} alt="" />}
              {organisation !== undefined && <span class="cs-organisation">{organisation}</span>}
              {links.length > 0 && (
                <nav class="cs-navigation" aria-label={common.navigation}>
                  <ul>
                    {links.map((link) => (
                      <li key={link.page} class={link.page === page ? 'cs-current' : undefined}>
                        <Link href={link.href} current={link.page === page}>
                          {strings.navigation[link.page]}
                        </Link>
                      </li>
                    ))}
                  </ul>
                </nav>
              )}
            </div>
          </header>
        )}
        <main class={`cs-main cs-main-${width}`} id="cs-content" tabindex={-1}>
          <h1 class="cs-heading">{title}</h1>
          {children}
        </main>
      </body>
    </html>
  );
}
