import { CountersignError, type EmergencyGrant, type SessionPrincipal } from '@countersign/core';
import { z } from 'zod';
import type { EmergencyAbout } from '../guard/emergency-way.ts';
import { emergencyPath } from '../guard/emergency-way.ts';
import type { Web } from '../web.ts';

/** The id of an emergency access, as we make them. */
export const emergencyId = z.uuid('this is no emergency access');
export const emergencyPurpose = z.enum(['clinical', 'administrative'], 'clinical or administrative is needed');
export const patientId = z
  .string('a patient id is needed, as text')
  .min(1, 'a patient id is needed')
  .max(256, 'a patient id is shorter');
/** Longer than what is accepted, which the flow says; shorter than what would be worth sending in bulk. */
export const emergencyText = z.string('text is needed').max(20_000, 'the text is shorter');

/** What a page's query asks about; null where it names neither a purpose nor a patient. */
export function aboutOf(query: {
  readonly purpose?: 'clinical' | 'administrative' | undefined;
  readonly patient?: string | undefined;
}): EmergencyAbout | null {
  if (query.purpose === 'administrative') return { purpose: 'administrative', patientId: null };
  return query.patient === undefined ? null : { purpose: 'clinical', patientId: query.patient };
}

/** The page of one emergency access. */
export const grantPath = (web: Web, id: string): string => web.path(`/emergency/${id}`);

/** The form, for another one like it. */
export const againPath = (web: Web, { purpose, patientId: patient }: EmergencyGrant, returnTo: string | null): string =>
  emergencyPath(web, { purpose, patientId: patient }, returnTo);

/** Whole seconds until it ends; 0 where it is not open. */
export function secondsLeft(web: Web, { status, endsAt }: EmergencyGrant): number {
  if (status !== 'open') return 0;
  return Math.max(0, Math.ceil((endsAt.getTime() - web.countersign.configuration.clock.now()) / 1000));
}

/** What waits for this person's approval; while that cannot be looked up, nothing: their own emergency goes on without the database. */
export async function waitingOrNone(web: Web, principal: SessionPrincipal): Promise<readonly EmergencyGrant[]> {
  try {
    return await web.countersign.emergency.waitingForApproval(principal);
  } catch (error) {
    if (!CountersignError.is(error) || error.status !== 503) throw error;
    return [];
  }
}

/** Whether an error has one of these codes. */
export const isRefusal = (error: unknown, ...codes: readonly CountersignError['code'][]): error is CountersignError =>
  CountersignError.is(error) && codes.includes(error.code);
