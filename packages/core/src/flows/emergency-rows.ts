import { z } from 'zod';
import { parseDetails } from '../audit/details.ts';
import type { Keyring } from '../keys/keyring.ts';
import {
  type EmergencyBounds,
  type EmergencyLife,
  emergencyPeriod,
  emergencyStatus,
  isOverdue,
  reviewDueAt,
} from '../policy/emergency.ts';
import type { EmergencyAccessRow, EmergencyStepRow, StoredEmergencyAccess } from '../store/store.ts';
import type { EmergencyGrant } from './emergency-grant.ts';

/** The purposes that the MACs of the two kinds of rows are made for. */
const ACCESS_MAC = 'emergency-access';
const STEP_MAC = 'emergency-access-step';

const contentSchema = z.object({
  reason: z.string(),
  purposeOfUse: z.string(),
  recipient: z.string().nullable(),
  facility: z.string().nullable(),
  nature: z.string().nullable(),
  reopens: z.string().nullable(),
  /** Whether it waits for a second person. */
  waits: z.boolean(),
});
/** What is written of an emergency access besides its columns. */
export type EmergencyContent = Readonly<z.output<typeof contentSchema>>;

const approvedSchema = z.object({ endsAt: z.number() });
const noteSchema = z.object({ note: z.string() });
const endedSchema = z.object({ by: z.enum(['time', 'person']) });

/** An emergency access as it was read: known to be what we wrote. */
export interface EmergencyReading {
  readonly stored: StoredEmergencyAccess;
  readonly access: EmergencyAccessRow;
  readonly content: EmergencyContent;
  readonly life: EmergencyLife;
  readonly endedBy: 'time' | 'person' | null;
  readonly approvedBy: string | null;
  readonly review: EmergencyGrant['review'];
  readonly age: number;
}

/** A new row, signed. */
export function emergencyRow(
  keyring: Keyring,
  row: Omit<EmergencyAccessRow, 'content' | 'mac'>,
  content: EmergencyContent,
): EmergencyAccessRow {
  const unsigned = { ...row, content: JSON.stringify(content) };
  return { ...unsigned, mac: keyring.mac(ACCESS_MAC, accessValues(unsigned)) };
}

/** A new step, signed. */
export function emergencyStep(
  keyring: Keyring,
  step: Omit<EmergencyStepRow, 'content' | 'mac'>,
  content: Readonly<Record<string, unknown>> = {},
): EmergencyStepRow {
  const unsigned = { ...step, content: JSON.stringify(content) };
  return { ...unsigned, mac: keyring.mac(STEP_MAC, stepValues(unsigned)) };
}

/** Reads what is stored; `altered` where any row of it is not as we wrote it: then nothing is known, and nothing is opened by it. */
export function readEmergency(keyring: Keyring, stored: StoredEmergencyAccess): EmergencyReading | 'altered' {
  const { access, steps, age } = stored;
  if (!keyring.verifyMac(access.mac, ACCESS_MAC, accessValues(access))) return 'altered';
  const genuine = (step: EmergencyStepRow) =>
    step.emergencyAccessId === access.id && keyring.verifyMac(step.mac, STEP_MAC, stepValues(step));
  if (!steps.every(genuine)) return 'altered';
  const content = contentSchema.safeParse(parseDetails(access.content));
  if (!content.success) return 'altered';
  const step = (kind: string) => steps.find((one) => one.kind === kind) ?? null;
  const [approved, ended, signedOff] = [step('approved'), step('ended'), step('reviewed')];
  const approval = approved === null ? null : approvedSchema.safeParse(parseDetails(approved.content));
  const end = ended === null ? null : endedSchema.safeParse(parseDetails(ended.content));
  if (approval?.success === false || end?.success === false) return 'altered';
  return {
    stored,
    access,
    content: content.data,
    life: {
      openedAt: access.openedAt,
      endsAt: access.endsAt,
      waits: content.data.waits,
      approved: approved === null || approval === null ? null : { at: approved.at, endsAt: approval.data.endsAt },
      declinedAt: step('declined')?.at ?? null,
      endedAt: ended?.at ?? null,
      signedOffAt: signedOff?.at ?? null,
    },
    endedBy: end?.data.by ?? null,
    approvedBy: approved?.byUserId ?? null,
    review: reviewOf(signedOff ?? step('escalated')),
    age,
  };
}

function reviewOf(step: EmergencyStepRow | null): EmergencyGrant['review'] {
  if (step === null) return null;
  const note = noteSchema.safeParse(parseDetails(step.content)).data?.note ?? '';
  const outcome = step.kind === 'reviewed' ? 'signed-off' : 'escalated';
  return { outcome, note, by: step.byUserId ?? '', at: new Date(step.at) };
}

/** The same as people see it. */
export function grantOf(reading: EmergencyReading, bounds: EmergencyBounds, now: number): EmergencyGrant {
  const { access, content, life, endedBy, approvedBy, review } = reading;
  const { id, workspaceId, userId, purpose, patientId } = access;
  const { reason, purposeOfUse, recipient, facility, nature, reopens } = content;
  const { openedAt, endsAt } = emergencyPeriod(life);
  const status = emergencyStatus(life, now);
  // Over, and nobody has written it down yet.
  const ended = status === 'ended' ? (life.endedAt ?? endsAt) : null;
  return {
    ...{ id, workspaceId, userId, purpose, patientId, status },
    requestedAt: new Date(life.openedAt),
    openedAt: new Date(openedAt),
    endsAt: new Date(endsAt),
    endedAt: ended === null ? null : new Date(ended),
    endedBy: ended === null ? null : (endedBy ?? 'time'),
    approvedBy,
    ...{ reason, purposeOfUse, recipient, facility, nature, reopens, review },
    reviewDueAt: new Date(reviewDueAt(life, bounds)),
    overdue: isOverdue(life, bounds, now),
  };
}

const accessValues = (row: Omit<EmergencyAccessRow, 'mac'>): (string | number | null)[] => [
  row.id,
  row.workspaceId,
  row.userId,
  row.purpose,
  row.patientId,
  row.openedAt,
  row.endsAt,
  row.content,
];

const stepValues = (step: Omit<EmergencyStepRow, 'mac'>): (string | number | null)[] => [
  step.emergencyAccessId,
  step.kind,
  step.at,
  step.byUserId,
  step.content,
];
