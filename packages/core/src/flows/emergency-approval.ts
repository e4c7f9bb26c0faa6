import { CountersignError } from '../errors/countersign-error.ts';
import { emergencyStatus } from '../policy/emergency.ts';
import { emergencyEvent, emergencyNotice } from './emergency-events.ts';
import type { EmergencyGrant } from './emergency-grant.ts';
import type { EmergencyInvoker, Present } from './emergency-invoker.ts';
import type { EmergencyRecords } from './emergency-records.ts';
import type { EmergencyReading } from './emergency-rows.ts';
import type { Services, SessionPrincipal } from './services.ts';

const LONGEST_NOTE = 500;
const PAGE = 200;

/** The second eligible person, where somebody has reached the bounds. */
export class EmergencyApproval {
  readonly #services: Services;
  readonly #invoker: EmergencyInvoker;
  readonly #records: EmergencyRecords;

  constructor(services: Services, invoker: EmergencyInvoker, records: EmergencyRecords) {
    this.#services = services;
    this.#invoker = invoker;
    this.#records = records;
  }

  async approve(principal: SessionPrincipal, id: string): Promise<EmergencyGrant> {
    const present = await this.#secondPerson(principal, id);
    return await this.#records.step(principal, present, id, { mayRead: false }, (reading, now) => {
      assertWaits(reading, now);
      const endsAt = now + present.settings.emergencyAccess.windowSeconds * 1000;
      const { reason } = reading.content;
      return {
        kind: 'approved',
        content: { endsAt },
        event: { code: 'EMERGENCY_ACCESS_APPROVED' },
        // Filed under whoever it is opened for.
        further: (after) => [
          emergencyEvent(after, { code: 'EMERGENCY_ACCESS_STARTED', reason }, { approvedBy: principal.userId }),
        ],
        job: emergencyNotice(reading, 'approved', principal.userId, now),
      };
    });
  }

  async decline(principal: SessionPrincipal, id: string, note: string): Promise<EmergencyGrant> {
    if (typeof note !== 'string' || note.length > LONGEST_NOTE)
      throw new CountersignError('input_invalid', { field: 'note' });
    const present = await this.#secondPerson(principal, id);
    return await this.#records.step(principal, present, id, { mayRead: false }, (reading, now) => {
      assertWaits(reading, now);
      const event = {
        code: 'EMERGENCY_ACCESS_DECLINED',
        reason: note.trim() === '' ? 'declined' : note.trim(),
      } as const;
      return { kind: 'declined', content: { why: 'declined', note: note.trim() }, event };
    });
  }

  async waiting(principal: SessionPrincipal): Promise<readonly EmergencyGrant[]> {
    const present = await this.#invoker.present(principal);
    const { workspaceId, userId } = principal;
    const lacking = ['approved', 'declined', 'ended'];
    const { readings } = this.#records.readings(
      await this.#services.store.emergencyAccess({ workspaceId, lacking, limit: PAGE }),
    );
    const now = this.#services.configuration.clock.now();
    const found: EmergencyGrant[] = [];
    for (const reading of readings) {
      if (reading.access.userId === userId || emergencyStatus(reading.life, now) !== 'waiting') continue;
      if ((await this.#invoker.refusal(principal, present, reading.access)) === null)
        found.push(this.#records.grant(reading));
    }
    return found;
  }

  /** Somebody else who could have opened it. To whoever could not, it does not exist. */
  async #secondPerson(principal: SessionPrincipal, id: string): Promise<Present> {
    const present = await this.#invoker.present(principal, { id });
    const { access } = await this.#records.one(principal.workspaceId, id);
    const { purpose, patientId, userId } = access;
    const about = { purpose, patientId, id };
    const refusal =
      userId === principal.userId
        ? new CountersignError('emergency_not_eligible', { detail: 'Somebody else must approve this.' })
        : await this.#invoker.refusal(principal, present, about);
    return refusal === null ? present : await this.#invoker.refuse(principal, present.session, refusal, about);
  }
}

function assertWaits({ life }: EmergencyReading, now: number): void {
  if (emergencyStatus(life, now) !== 'waiting') throw new CountersignError('emergency_ended');
}
