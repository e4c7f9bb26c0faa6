import type { ComponentChildren } from 'preact';

export interface NoticeProps {
  readonly kind: 'info' | 'success' | 'error';
  readonly heading?: string;
  readonly children: ComponentChildren;
}

/** A boxed message above the content. Errors are announced at once, others politely. */
export function Notice({ kind, heading, children }: NoticeProps) {
  return (
    <div class={`cs-notice cs-notice-${kind}`} role={kind === 'error' ? 'alert' : 'status'}>
      {heading !== undefined && <h2 class="cs-notice-heading">{heading}</h2>}
      {children}
    </div>
  );
}
