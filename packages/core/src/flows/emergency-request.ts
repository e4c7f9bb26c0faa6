import { z } from 'zod';
import type { Configuration } from '../configuration/configuration.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import { emergencyPurposes, isSufficientReason } from '../policy/emergency.ts';
import { refuseUnclearPatient } from './demanded-requirement.ts';
import type { EmergencySubject } from './emergency-invoker.ts';
import type { EmergencyContent } from './emergency-rows.ts';

const LONGEST_REASON = 2000;

const words = z.string().max(200).optional();
const requestSchema = z.object({
  purpose: z.enum(emergencyPurposes),
  patientId: z.string().nullable(),
  reason: z.string(),
  purposeOfUse: z.string(),
  recipient: words,
  facility: words,
  nature: words,
});
const fields = ['recipient', 'facility', 'nature'] as const;

/** What was asked, checked. */
export type CheckedRequest = EmergencySubject & Omit<EmergencyContent, 'reopens' | 'waits'>;

/**
 * Reads a request. Throws `input_invalid`, `patient_unresolved`, `emergency_reason_insufficient`, `emergency_field_required`, each with
 * its field.
 */
export function checkedRequest({ emergencyAccess }: Configuration, input: unknown): CheckedRequest {
  const parsed = requestSchema.safeParse(input);
  if (!parsed.success) throw invalid(String(parsed.error.issues[0]?.path[0] ?? 'purpose'));
  const { purpose, patientId, reason, purposeOfUse } = parsed.data;
  if (purpose === 'clinical') refuseUnclearPatient(patientId ?? '');
  else if (patientId !== null) throw invalid('patientId');
  if (emergencyAccess?.purposesOfUse.some((code) => code === purposeOfUse) !== true) throw invalid('purposeOfUse');
  if (reason.length > LONGEST_REASON || !isSufficientReason(reason))
    throw new CountersignError('emergency_reason_insufficient', { field: 'reason' });
  const said = {
    recipient: filled(parsed.data.recipient),
    facility: filled(parsed.data.facility),
    nature: filled(parsed.data.nature),
  };
  for (const field of fields) {
    if (emergencyAccess.fields[field] === 'required' && said[field] === null)
      throw new CountersignError('emergency_field_required', { field });
  }
  return { purpose, patientId, reason: reason.trim(), purposeOfUse, ...said };
}

/** What the patient could be told, or null where nothing was said. */
const filled = (text: string | undefined): string | null =>
  text === undefined || text.trim() === '' ? null : text.trim();

const invalid = (field: string): CountersignError => new CountersignError('input_invalid', { field });
