import type { ComponentChildren } from 'preact';
import { safeHref } from './safe-href.ts';

export interface LinkProps {
  readonly href: string | undefined;
  readonly children: ComponentChildren;
  /** `primary` and `secondary` look like buttons. Default `plain`. */
  readonly look?: 'plain' | 'primary' | 'secondary';
  /** It leads to the page that is shown. */
  readonly current?: boolean;
  /** It opens beside this page, which has something to keep. */
  readonly apart?: boolean;
}

/** A link; nothing at all where the address is absent or not one we link to. */
export function Link({ href, children, look = 'plain', current = false, apart = false }: LinkProps) {
  const safe = safeHref(href);
  if (safe === undefined) return null;
  const looks = { plain: 'cs-link', primary: 'cs-button', secondary: 'cs-button cs-button-secondary' };
  return (
    <a
      class={looks[look]}
      href={safe}
      aria-current={current ? 'page' : undefined}
      {...(apart ? { target: '_blank', rel: 'noopener' } : {})}
    >
      {children}
    </a>
  );
}
