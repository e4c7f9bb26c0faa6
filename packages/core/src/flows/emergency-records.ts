import type { AuditEventInput } from '../audit/event.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { EmergencyBounds } from '../policy/emergency.ts';
import type { OutboxJob } from '../store/outbox.ts';
import type { EmergencyAccessRow, StoredEmergencyAccess } from '../store/store.ts';
import type { Administration } from './administration.ts';
import { personsEmergencyEvent } from './emergency-events.ts';
import type { EmergencyGrant } from './emergency-grant.ts';
import { type Present, refusedEvent } from './emergency-invoker.ts';
import { type EmergencyReading, emergencyStep, grantOf, readEmergency } from './emergency-rows.ts';
import type { Services, SessionPrincipal } from './services.ts';

const DAY = 86_400_000;
const unbounded: EmergencyBounds = { windowSeconds: 0, mostOpen: 0, mostPerDay: 0, reviewSeconds: 0 };

/** Emergency accesses that were read: those that are as we wrote them, and how many of the last 24 hours are not. */
export interface EmergencyReadings {
  readonly readings: readonly EmergencyReading[];
  readonly altered: number;
}

/** What happens to an emergency access by a person's doing. */
export interface EmergencyDoing {
  readonly kind: 'approved' | 'declined' | 'ended' | 'escalated' | 'reviewed';
  readonly content: Readonly<Record<string, unknown>>;
  readonly event: Pick<AuditEventInput, 'code'> & Partial<AuditEventInput>;
  readonly details?: Readonly<Record<string, unknown>>;
  /** Further events about it as it is then. */
  readonly further?: (after: EmergencyReading) => readonly AuditEventInput[];
  readonly job?: OutboxJob;
}

/** The stored emergency accesses: read, shown, and taken one step further. */
export class EmergencyRecords {
  readonly #services: Services;
  readonly #administration: Administration;

  constructor(services: Services, administration: Administration) {
    this.#services = services;
    this.#administration = administration;
  }

  get bounds(): EmergencyBounds {
    return this.#services.configuration.emergencyAccess ?? unbounded;
  }

  /** The newest of one person, at most 1,000. */
  async ofPerson(workspaceId: string, userId: string): Promise<EmergencyReadings> {
    return this.readings(await this.#services.store.emergencyAccess({ workspaceId, userId, limit: 1000 }));
  }

  /** Those that are as we wrote them; the rest is told to the log, once. */
  readings(stored: readonly StoredEmergencyAccess[]): EmergencyReadings {
    const readings: EmergencyReading[] = [];
    let altered = 0;
    for (const one of stored) {
      const reading = readEmergency(this.#services.configuration.keyring, one);
      if (reading !== 'altered') readings.push(reading);
      else {
        this.#services.emergency.tellAltered(one);
        if (one.age < DAY) altered += 1;
      }
    }
    return { readings, altered };
  }

  /** What we have just written. */
  reading(stored: StoredEmergencyAccess): EmergencyReading {
    const reading = readEmergency(this.#services.configuration.keyring, stored);
    if (reading === 'altered') throw new CountersignError('internal');
    return reading;
  }

  grant(reading: EmergencyReading): EmergencyGrant {
    return grantOf(reading, this.bounds, this.#services.configuration.clock.now());
  }

  /** One of the principal's workspace, for whoever opened it and for administrators. Throws `not_found`. */
  async read(principal: SessionPrincipal, id: string): Promise<EmergencyReading> {
    const reading = await this.one(principal.workspaceId, id);
    if (this.#mayRead(principal, reading)) return reading;
    throw new CountersignError('not_found');
  }

  /** One of a workspace. Throws `not_found`, also where it is not as we wrote it: nothing is known of it then. */
  async one(workspaceId: string, id: string): Promise<EmergencyReading> {
    const found = await this.#services.store.emergencyAccess({ workspaceId, ids: [id] });
    const [reading] = this.readings(found).readings;
    if (reading === undefined) throw new CountersignError('not_found');
    return reading;
  }

  /**
   * Takes one a step further: under the lock of whoever opened it, so that what `judge` sees is what holds when it is written, and
   * with its event and job in one commit. `judge` throws where it may not be.
   */
  async step(
    principal: SessionPrincipal,
    { session }: Present,
    id: string,
    { mayRead }: { readonly mayRead: boolean },
    judge: (reading: EmergencyReading, now: number) => Promise<EmergencyDoing> | EmergencyDoing,
  ): Promise<EmergencyGrant> {
    const { audit, configuration, emergency } = this.#services;
    const { workspaceId, userId } = principal;
    const { access } = mayRead ? await this.read(principal, id) : await this.one(workspaceId, id);
    const elapsed = configuration.clock.elapsed();
    const after = await this.#audited(principal, session, access, () =>
      audit.transact(async (transaction) => {
        const own = this.readings(await transaction.emergencyAccessOf(workspaceId, access.userId));
        const reading = own.readings.find((one) => one.access.id === id) ?? (await this.one(workspaceId, id));
        const now = configuration.clock.now();
        const { kind, content, event, details, further, job } = await judge(reading, now);
        const step = emergencyStep(
          configuration.keyring,
          { emergencyAccessId: id, kind, at: now, byUserId: userId },
          content,
        );
        if (!(await transaction.putEmergencyStep(step))) throw new CountersignError('emergency_ended');
        if (job !== undefined) await transaction.enqueue(job);
        const age = kind === 'approved' ? 0 : reading.age;
        const value = this.reading({ access: reading.access, steps: [...reading.stored.steps, step], age });
        const events = [personsEmergencyEvent(principal, session, value, event, details), ...(further?.(value) ?? [])];
        return { value, events };
      }),
    );
    emergency.learn(after.stored, elapsed);
    return this.grant(after);
  }

  /** A step that may not be taken is a refusal, and on the log as one. */
  async #audited<T>(
    principal: SessionPrincipal,
    session: string,
    { id, purpose, patientId }: EmergencyAccessRow,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (CountersignError.is(error) && error.code.startsWith('emergency_'))
        await this.#services.audit.append([refusedEvent(principal, session, error.code, { id, purpose, patientId })]);
      throw error;
    }
  }

  #mayRead(principal: SessionPrincipal, { access }: EmergencyReading): boolean {
    return access.userId === principal.userId || this.#administration.isAdministrator(principal);
  }
}
