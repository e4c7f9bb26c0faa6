import type { SessionPrincipal } from '@countersign/core';
import { h } from 'preact';
import { z } from 'zod';
import { DRAFT_BODY_LIMIT, type Draft, openDraft } from '../http/draft.ts';
import type { WebReply } from '../http/web-reply.ts';
import type { WebRequest } from '../http/web-request.ts';
import { ResendPage, type ResendPageProps } from '../pages/pages.ts';
import type { Web } from '../web.ts';
import { endpoint } from './endpoint.ts';
import { catalogueOf } from './settings.ts';
import { readSettingsForm } from './settings-form.ts';

/** A sealed draft, as forms carry it; whether it is one is found out by opening it. */
export const draftField = z.string('a draft is text').max(DRAFT_BODY_LIMIT, 'a draft is shorter');

/** Shows what a refused form post would send, and a button that sends it. Changes nothing, and needs no proof. */
export const resend = endpoint({
  name: 'resend',
  summary: 'The page from which a refused form is sent again',
  method: 'POST',
  face: 'page',
  path: '/resend',
  bodyLimit: DRAFT_BODY_LIMIT,
  body: z.looseObject({ draft: draftField }),
  async handle({ web, request, principal, body }) {
    return await resendReply(web, request, principal, await openDraft(web, principal, body.draft), 'kept');
  },
});

/**
 * @param after what came before it
 * @param remaining what is left of a factor that is used up (recovery codes)
 */
export async function resendReply(
  web: Web,
  request: WebRequest,
  principal: SessionPrincipal,
  { method, url, content }: Draft,
  after: ResendPageProps['after'],
  remaining: number | null = null,
): Promise<WebReply> {
  const settings = await settingsMeant(web, principal, url, content);
  const page = h(ResendPage, {
    action: url,
    content: content.kind === 'form' ? content : { ...content, method, text: readable(content.text) },
    after,
    ...(settings === null ? {} : { settings }),
    ...(remaining === null ? {} : { remaining }),
    cancelHref: web.homePath,
  });
  return web.page(request, principal, page);
}

/** What the form of our own settings page would change, so that it can be said in words; null for every other form. */
async function settingsMeant(
  web: Web,
  principal: SessionPrincipal,
  url: string,
  content: Draft['content'],
): Promise<NonNullable<ResendPageProps['settings']> | null> {
  const { administration, configuration } = web.countersign;
  if (url !== web.path('/admin/settings') || content.kind !== 'form') return null;
  if (!administration.isAdministrator(principal)) return null;
  const body: Record<string, string[]> = {};
  for (const [name, value] of content.fields) {
    body[name] ??= [];
    body[name].push(value);
  }
  const single = Object.entries(body).map(([name, values]) => [name, values.length === 1 ? values[0] : values]);
  try {
    const { settings: before } = await administration.settings(principal);
    const { settings: after } = readSettingsForm(configuration, Object.fromEntries(single), before);
    return after === null ? null : { before, after, catalogue: catalogueOf(web) };
  } catch {
    // It is shown as it was typed: the proof that was just given must not be lost over words.
    return null;
  }
}

/** The same JSON on several lines; order and values stay. */
const readable = (text: string): string => JSON.stringify(JSON.parse(text), null, 2);
