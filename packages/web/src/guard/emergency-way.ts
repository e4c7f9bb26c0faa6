import { CountersignError, type EmergencyPurpose, type OpenChallenge, type SessionPrincipal } from '@countersign/core';
import type { Web } from '../web.ts';

/** What emergency access is asked for. */
export interface EmergencyAbout {
  readonly purpose: EmergencyPurpose;
  /** Null where the purpose is `administrative`. */
  readonly patientId: string | null;
}

/** What a request was judged on: kept so that whatever refuses it can name the way to emergency access. */
export interface Judged {
  readonly action: string;
  readonly patientIds: readonly string[];
}

/** Where emergency access is asked for, with what it is for and where to go on. A path, as browsers ask for it. */
export interface EmergencyWay extends EmergencyAbout {
  readonly href: string;
}

/** The address of the form. */
export function emergencyPath(web: Web, { purpose, patientId }: EmergencyAbout, returnTo: string | null): string {
  const query = new URLSearchParams({
    purpose,
    ...(patientId === null ? {} : { patient: patientId }),
    ...(returnTo === null ? {} : { returnTo }),
  });
  return `${web.path('/emergency')}?${query}`;
}

/** The way on from a challenge, or null where emergency access would not answer it or is not available to this principal. */
export async function wayFromChallenge(
  web: Web,
  principal: SessionPrincipal,
  challenge: OpenChallenge,
): Promise<EmergencyWay | null> {
  const { action, account, summary, subjects, returnTo } = challenge;
  // A signature is a factor's own doing, whatever the emergency.
  if (summary !== null) return null;
  if (account) return action === 'factors' ? await wayTo(web, principal, recovery, returnTo) : null;
  return await wayFrom(web, principal, { action, patientIds: subjects.map(({ patientId }) => patientId) }, returnTo);
}

/** The same for a request that was refused without a challenge. */
export async function wayFrom(
  web: Web,
  principal: SessionPrincipal | null,
  judged: Judged | null,
  returnTo: string | null,
): Promise<EmergencyWay | null> {
  if (principal === null || judged === null || !overridden.has(judged.action)) return null;
  for (const patientId of new Set(judged.patientIds)) {
    const way = await wayTo(web, principal, { purpose: 'clinical', patientId }, returnTo);
    if (way !== null) return way;
  }
  return null;
}

/** What clinical emergency access answers; everything else asks for a factor all the same. */
const overridden: ReadonlySet<string> = new Set(['view', 'edit']);
const recovery: EmergencyAbout = Object.freeze({ purpose: 'administrative', patientId: null });

/** Only where it is available, and not open already: nobody is shown a way that ends at a refusal. */
export async function wayTo(
  web: Web,
  principal: SessionPrincipal,
  about: EmergencyAbout,
  returnTo: string | null,
): Promise<EmergencyWay | null> {
  const way = { ...about, href: emergencyPath(web, about, returnTo) };
  try {
    const { available, open } = await web.countersign.emergency.options(principal, about);
    // One that waits is shown there: somebody may look whether it was approved.
    return available && open?.status !== 'open' ? way : null;
  } catch (error) {
    // What cannot be looked up right now is found out there: this is when it is needed most.
    if (CountersignError.is(error) && error.status === 503) return way;
    web.report(error);
    return null;
  }
}
