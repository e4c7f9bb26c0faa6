import type { AuditEventInput } from '../audit/event.ts';
import { emergencyPeriod } from '../policy/emergency.ts';
import type { OutboxJob } from '../store/outbox.ts';
import type { EmergencyReading } from './emergency-rows.ts';
import { eventOf, type SessionPrincipal } from './services.ts';

/** What every event about one emergency access says, for whoever reads the log without its row. */
export function emergencyEvent(
  { access, content, life }: EmergencyReading,
  event: Pick<AuditEventInput, 'code'> & Partial<AuditEventInput>,
  details: Readonly<Record<string, unknown>> = {},
): AuditEventInput {
  const { purpose, patientId, workspaceId, id } = access;
  const { purposeOfUse, reopens } = content;
  const endsAt = emergencyPeriod(life).endsAt;
  return {
    outcome: 'success',
    workspaceId,
    userId: access.userId,
    patientId,
    action: 'emergency-access',
    emergencyAccessId: id,
    details: JSON.stringify({ purpose, purposeOfUse, endsAt, reopens, ...details }),
    ...event,
  };
}

/** The same, of something that a person did. Filed under whoever did it; `of` is whose access it is. */
export function personsEmergencyEvent(
  principal: SessionPrincipal,
  session: string,
  reading: EmergencyReading,
  event: Pick<AuditEventInput, 'code'> & Partial<AuditEventInput>,
  details: Readonly<Record<string, unknown>> = {},
): AuditEventInput {
  const { userId } = reading.access;
  const about = emergencyEvent(reading, event, { ...(userId === principal.userId ? {} : { of: userId }), ...details });
  return { ...eventOf(principal, session, about), userId: principal.userId };
}

/** A job that tells people of it. */
export function emergencyNotice(
  { access }: Pick<EmergencyReading, 'access'>,
  event: 'started' | 'requested' | 'reopened' | 'approved' | 'overdue',
  by: string,
  at: number,
): OutboxJob {
  const content = JSON.stringify({ event, emergencyAccessId: access.id, by, at });
  return { kind: 'emergency-notice', workspaceId: access.workspaceId, content };
}
