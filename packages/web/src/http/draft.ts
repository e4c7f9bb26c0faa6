import { CountersignError, type SessionPrincipal } from '@countersign/core';
import type { Web } from '../web.ts';
import { formFieldsOf } from './form-fields.ts';
import { CSRF_FIELD, isSameOrigin } from './same-site.ts';
import { hasContent, mediaType, type WebRequest } from './web-request.ts';

/** What was posted, as it can be sent again. */
export type DraftContent =
  | { readonly kind: 'form'; readonly fields: readonly (readonly [name: string, value: string])[] }
  | { readonly kind: 'json'; readonly type: string; readonly text: string };

/** A refused post that can be sent again. */
export interface Draft {
  readonly method: string;
  /** Own path and query, as browsers ask for it. */
  readonly url: string;
  readonly content: DraftContent;
}

/** What became of a refused post: sealed, or why it was not. */
export type KeptDraft =
  | { readonly sealed: string; readonly notKept: null }
  | { readonly sealed: null; readonly notKept: 'too-large' | 'files' | 'unreadable' };

/** Content that is kept: names and values in UTF-8, with two bytes for each field, or JSON text. */
export const MOST_DRAFT_BYTES = 65_536;
/** Room for the form of a challenge with a draft in it: the content, base64url of its encryption, and an answer. */
export const DRAFT_BODY_LIMIT = 102_400;
const DRAFT_SECONDS = 600;
const PURPOSE = 'draft';

/**
 * Seals what a page has posted into the page that refuses it; the server keeps nothing. Bound to the acting person, the internal
 * session number, method and URL: all of it, with the content, is under one authenticated encryption (A256GCM), whose tag is the
 * content's digest. Only where the browser says that the post came from our own origin, or we would make a forged post look like
 * the person's own work.
 */
export async function sealDraft(web: Web, request: WebRequest, principal: SessionPrincipal): Promise<KeptDraft> {
  if (!isSameOrigin(web.paths.origin, request.headers)) return notKept('unreadable');
  const url = web.paths.returnPath(web.paths.fromSeen(request.url));
  // Encoded by now, it may have become longer than what was asked for.
  if (url === null || url.length > 2000) return notKept('unreadable');
  const content = contentOf(web, request);
  if (typeof content === 'string') return notKept(content);
  const { configuration } = web.countersign;
  const text = written({ method: request.method, url, content }, configuration.clock.now() + DRAFT_SECONDS * 1000);
  const owner = await ownerOf(web, principal);
  return { sealed: await configuration.keyring.sealTicket(PURPOSE, text, owner), notKept: null };
}

/** Opens what {@link sealDraft} made for this person and session. Throws `draft_refused`, on the log with its reason, for all else. */
export async function openDraft(web: Web, principal: SessionPrincipal, sealed: string): Promise<Draft> {
  const { configuration } = web.countersign;
  const opened = await configuration.keyring.openTicket(PURPOSE, sealed, await ownerOf(web, principal));
  if (opened.result !== 'opened') throw await refused(web, principal, `draft-${opened.result}`);
  const { draft, endsAt } = read(opened.text);
  if (configuration.clock.now() >= endsAt) throw await refused(web, principal, 'draft-expired');
  return draft;
}

const notKept = (why: NonNullable<KeptDraft['notKept']>): KeptDraft => ({ sealed: null, notKept: why });

/** Whose drafts open here. Not by the host's session id: it may be rotated by the very success that the draft waits for. */
async function ownerOf(web: Web, principal: SessionPrincipal) {
  const id = await web.countersign.sessions.numberOf(principal);
  return { workspaceId: principal.key.workspaceId, userId: principal.key.userId, id };
}

function contentOf(web: Web, request: WebRequest): DraftContent | NonNullable<KeptDraft['notKept']> {
  const { headers, body } = request;
  const type = mediaType(headers);
  if (!hasContent(headers)) return { kind: 'form', fields: [] };
  if (type?.startsWith('multipart/') === true) return 'files';
  if (body === undefined) return 'unreadable';
  if (type === 'application/x-www-form-urlencoded') {
    const fields = formFieldsOf(body, MOST_DRAFT_BYTES);
    if (typeof fields === 'string') return fields;
    // Tokens of forms are made anew for the form that is sent again.
    const tokens = new Set([CSRF_FIELD, ...web.hostCsrfFields]);
    return { kind: 'form', fields: fields.map(([name, value]) => [name, tokens.has(name) ? '' : value]) };
  }
  if (type === null || !/^application\/(?:[\w.-]+\+)?json$/.test(type)) return 'unreadable';
  const text = jsonOf(body);
  if (text === null) return 'unreadable';
  return Buffer.byteLength(text) > MOST_DRAFT_BYTES ? 'too-large' : { kind: 'json', type, text };
}

function jsonOf(body: unknown): string | null {
  try {
    return JSON.stringify(body) ?? null;
  } catch {
    return null;
  }
}

/** One line of JSON about the post, then the content as it is: NUL, which no form field may hold, parts the fields. */
function written({ method, url, content }: Draft, endsAt: number): string {
  const about = { method, url, endsAt, kind: content.kind, ...(content.kind === 'json' ? { type: content.type } : {}) };
  return `${JSON.stringify(about)}\n${content.kind === 'json' ? content.text : content.fields.flat().join('\0')}`;
}

/** Reads what was authenticated as our own writing. */
function read(text: string): { readonly draft: Draft; readonly endsAt: number } {
  const end = text.indexOf('\n');
  const about = JSON.parse(text.slice(0, end)) as {
    readonly method: string;
    readonly url: string;
    readonly endsAt: number;
    readonly kind: 'form' | 'json';
    readonly type?: string;
  };
  const rest = text.slice(end + 1);
  const { method, url, endsAt } = about;
  if (about.kind === 'json')
    return { endsAt, draft: { method, url, content: { kind: 'json', type: about.type ?? '', text: rest } } };
  const parts = rest.split('\0');
  const fields: [string, string][] = [];
  for (let at = 0; at + 1 < parts.length; at += 2) fields.push([parts[at] ?? '', parts[at + 1] ?? '']);
  return { endsAt, draft: { method, url, content: { kind: 'form', fields } } };
}

/** Awaited: a draft that does not belong here may have been planted. */
async function refused(web: Web, principal: SessionPrincipal, reason: string): Promise<CountersignError> {
  const { workspaceId, userId, actor, request } = principal;
  const who = { workspaceId, userId, actorId: actor?.userId ?? null, ...request };
  await web.countersign.audit.append([{ ...who, code: 'ACCESS_DENIED', outcome: 'refused', reason }]);
  return new CountersignError('draft_refused');
}
