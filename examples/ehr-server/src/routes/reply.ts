import type { VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';

/** An answer without a framework; each server file sends it in its own way. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The policy of every page. The one script is Countersign's, which asks its API what is open. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "connect-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const always = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  // Not `no-referrer`: that would send form posts with `Origin: null`, and origin checks need the real one.
  'referrer-policy': 'same-origin',
};

export function page(content: VNode, status = 200, headers: Readonly<Record<string, string>> = {}): Reply {
  return {
    status,
    headers: {
      ...always,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': contentSecurityPolicy,
      ...headers,
    },
    body: `<!doctype html>${renderToString(content)}`,
  };
}

export function json(value: unknown, status = 200, contentType = 'application/json'): Reply {
  const headers = { ...always, 'content-type': `${contentType}; charset=utf-8` };
  return { status, headers, body: JSON.stringify(value) };
}

/** RFC 9457. `errors` holds one message a field. */
export function problem(status: number, title: string, more: { detail?: string; errors?: FieldErrors } = {}): Reply {
  return json({ type: 'about:blank', title, status, ...more }, status, 'application/problem+json');
}

export function seeOther(location: string): Reply {
  return { status: 303, headers: { ...always, location }, body: '' };
}

export type FieldErrors = Readonly<Record<string, string>>;
