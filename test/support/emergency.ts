import type { CountersignOptions } from '@countersign/core';
import type { Answer, Client } from './client.ts';
import { formTo, sendForm } from './page-form.ts';

/** Emergency access for clinicians, as most hosts set it up. */
export const emergencyAccess: NonNullable<CountersignOptions['emergencyAccess']> = { roles: ['clinician'] };

export const REASON = 'Unconscious in the emergency room, doses unknown.';
/** A request for the records of `p1`, as the API takes it. */
export const request = { patientId: 'p1', reason: REASON, purposeOfUse: 'ETREAT' };

/** The address of the link to emergency access on a page. */
export function emergencyHref(page: Answer): string {
  const href = /href="([^"]*\/step-up\/emergency\?[^"]*)"/.exec(page.text)?.[1];
  if (href === undefined) throw new Error(`The page has no link to emergency access: ${page.text.slice(0, 2000)}`);
  return href.replaceAll('&amp;', '&');
}

/** Fills the form of a page with a reason, and sends it. */
export const askOnPage = (
  client: Client,
  page: Answer,
  typed: Readonly<Record<string, string>> = {},
): Promise<Answer> =>
  sendForm(client, formTo(page.text, '/step-up/emergency'), { reason: REASON, purposeOfUse: 'ETREAT', ...typed });

/** Opens emergency access by the API. Throws where it is not open. */
export async function breakGlass(client: Client, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const answer = await client.post('/api/v1/break-glass', { json: { ...request, ...more } });
  if (answer.status !== 201) throw new Error(`Not open: ${answer.status} ${answer.text}`);
  return String(answer.json().id);
}
