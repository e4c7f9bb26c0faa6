import { CountersignError } from '../errors/countersign-error.ts';
import { emergencyPurposes, emergencyStatus, needsApproval } from '../policy/emergency.ts';
import type { StoredEmergencyAccess } from '../store/store.ts';
import type { Administration } from './administration.ts';
import { emergencyEvent, emergencyNotice, personsEmergencyEvent } from './emergency-events.ts';
import type { EmergencyGrant, EmergencyOptions, EmergencyRequest } from './emergency-grant.ts';
import type { EmergencyInvoker, EmergencySubject, Present } from './emergency-invoker.ts';
import { type CheckedRequest, checkedRequest } from './emergency-request.ts';
import { type EmergencyReading, emergencyRow, emergencyStep, grantOf, readEmergency } from './emergency-rows.ts';
import { isAllowedRole } from './live-emergency-access.ts';
import type { Services, SessionPrincipal } from './services.ts';
import { accessRow, jobRow, type SpooledEmergency, stepRow } from './spooled-rows.ts';
import { recordSafely, type StandIn } from './stand-in.ts';

const DAY = 86_400_000;
/** How long telling administrators may keep a clinician waiting; milliseconds. */
const TELL_MILLISECONDS = 5000;

/**
 * Emergency access while the database is away: for records of a patient alone, on this node alone, by what was last known. Its
 * events and rows are on disk before anything is open, and come into the database later.
 */
export class EmergencyAway {
  readonly #services: Services;
  readonly #standIn: StandIn;
  readonly #invoker: EmergencyInvoker;
  readonly #administration: Administration;
  /** What was opened here in the last day while the database was away, by its id. */
  readonly #made = new Map<string, EmergencyReading>();
  /** Requests of one person, one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(services: Services, standIn: StandIn, invoker: EmergencyInvoker, administration: Administration) {
    this.#services = services;
    this.#standIn = standIn;
    this.#invoker = invoker;
    this.#administration = administration;
  }

  /** What an earlier process spooled is open again, for what is left of its time. */
  restore(found: readonly SpooledEmergency[]): void {
    const { clock, keyring } = this.#services.configuration;
    for (const { access, steps } of found) {
      const stored = { access, steps, age: Math.max(0, clock.now() - access.openedAt) };
      if (readEmergency(keyring, stored) !== 'altered') this.#learn(stored, clock.elapsed());
    }
  }

  async options(principal: SessionPrincipal, about: EmergencySubject): Promise<EmergencyOptions> {
    const { purposesOfUse = [], fields = {}, windowSeconds = 0 } = this.#services.configuration.emergencyAccess ?? {};
    const { recipient = null, facility = null, nature = null } = fields;
    const base = {
      purposes: emergencyPurposes.filter((purpose) => purpose === 'clinical'),
      ...{ purposesOfUse, fields: { recipient, facility, nature }, windowSeconds, open: null, needsApproval: false },
    };
    const present = await this.#invoker.find(principal);
    if (typeof present === 'string') return { ...base, available: false, refusal: present };
    const within = { ...base, windowSeconds: present.settings.emergencyAccess.windowSeconds };
    if (about.purpose !== 'clinical') return { ...within, available: false, refusal: 'store_unavailable' };
    const refusal = await this.#refusal(principal, present, about);
    if (refusal !== null) return { ...within, available: false, refusal };
    const open = this.#own(principal).find((one) => isOpenFor(one, about.patientId, this.#now)) ?? null;
    const beyond = open === null && this.#retryAt(principal) !== null;
    return {
      ...within,
      available: !beyond,
      // Nobody can be asked for a second opinion now.
      refusal: beyond ? 'attempts_delayed' : null,
      open: open === null ? null : this.#grant(open),
    };
  }

  async start(principal: SessionPrincipal, request: EmergencyRequest): Promise<EmergencyGrant> {
    const subject = { purpose: request.purpose, patientId: request.patientId };
    const present = await this.#invoker.present(principal, subject);
    const asked = await this.#checked(principal, present, request);
    // Factors are rows of the database: without it there is none to enrol.
    if (asked.purpose !== 'clinical') throw new CountersignError('store_unavailable', { retryAfterSeconds: 5 });
    const refusal = await this.#refusal(principal, present, asked);
    if (refusal !== null) return await this.#invoker.refuse(principal, present.session, refusal, asked);
    return await this.#inTurn(principal, () => this.#open(principal, present, asked));
  }

  async end(principal: SessionPrincipal, id: string): Promise<EmergencyGrant> {
    const { session } = await this.#invoker.present(principal, { id });
    const { keyring } = this.#services.configuration;
    const reading = this.#readable(principal, id);
    if (emergencyStatus(reading.life, this.#now) !== 'open') throw new CountersignError('emergency_ended');
    const at = this.#now;
    const row = { emergencyAccessId: id, kind: 'ended', at, byUserId: principal.userId };
    const step = emergencyStep(keyring, row, { by: 'person' });
    const { access, steps, age } = reading.stored;
    // Over at once, whatever becomes of the record of it.
    const after = this.#learn({ access, steps: [...steps, step], age }, this.#services.configuration.clock.elapsed());
    const event = personsEmergencyEvent(principal, session, after, {
      code: 'EMERGENCY_ACCESS_ENDED',
      reason: 'person',
    });
    await this.#standIn.append([event], [stepRow(step)]);
    return this.#grant(after);
  }

  async own(principal: SessionPrincipal): Promise<readonly EmergencyGrant[]> {
    await this.#invoker.present(principal);
    const open = this.#own(principal).filter(({ life }) => emergencyStatus(life, this.#now) === 'open');
    return open.map((reading) => this.#grant(reading));
  }

  async find(principal: SessionPrincipal, id: string): Promise<EmergencyGrant> {
    await this.#invoker.present(principal, { id });
    return this.#grant(this.#readable(principal, id));
  }

  /** Writes down the end of those whose time is over, of those that were opened here. The others are ended by whichever node leads. */
  async endDue(): Promise<void> {
    const { configuration, emergency } = this.#services;
    for (const { stored, access } of emergency.due(this.#now)) {
      if (!this.#made.has(access.id)) continue;
      const at = Math.min(this.#now, access.endsAt);
      const row = { emergencyAccessId: access.id, kind: 'ended', at, byUserId: null };
      const step = emergencyStep(configuration.keyring, row, { by: 'time' });
      const reading = this.#reading({ ...stored, steps: [...stored.steps, step] });
      const event = emergencyEvent(reading, { code: 'EMERGENCY_ACCESS_ENDED', reason: 'time' });
      await this.#standIn.append([event], [stepRow(step)]);
      this.#learn(reading.stored, configuration.clock.elapsed());
    }
  }

  async #open(principal: SessionPrincipal, { session, settings }: Present, asked: CheckedRequest) {
    const { clock, ids, keyring } = this.#services.configuration;
    const { workspaceId, userId } = principal;
    const now = this.#now;
    const { purpose, patientId, ...said } = asked;
    const own = this.#own(principal);
    const held = own.find((one) => isOpenFor(one, patientId, now));
    if (held !== undefined) return this.#grant(held);
    const retryAt = this.#retryAt(principal);
    if (retryAt !== null) {
      const retryAfterSeconds = Math.max(1, Math.ceil((retryAt - now) / 1000));
      const error = new CountersignError('attempts_delayed', { retryAfterSeconds });
      return await this.#invoker.refuse(principal, session, error, asked);
    }
    const reopens = own.find(({ access }) => access.patientId === patientId)?.access.id ?? null;
    const endsAt = now + settings.emergencyAccess.windowSeconds * 1000;
    const row = { id: ids(), workspaceId, userId, purpose, patientId, openedAt: now, endsAt };
    const access = emergencyRow(keyring, row, { ...said, reopens, waits: false });
    const elapsed = clock.elapsed();
    const reading = this.#reading({ access, steps: [], age: 0 });
    const { reason, recipient, facility, nature } = reading.content;
    const event = { code: 'EMERGENCY_ACCESS_STARTED', reason } as const;
    const details = { recipient, facility, nature, away: true };
    const job = emergencyNotice(reading, reopens === null ? 'started' : 'reopened', userId, now);
    const events = [personsEmergencyEvent(principal, session, reading, event, details)];
    await this.#standIn.append(events, [accessRow(access), jobRow(job)]);
    await this.#tell(reading);
    this.#learn(reading.stored, elapsed);
    return this.#grant(reading);
  }

  /** For a while: a mail server that does not answer keeps nobody from a patient, and the outbox tells them later all the same. */
  async #tell(reading: EmergencyReading): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const bound = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, TELL_MILLISECONDS);
    });
    await Promise.race([this.#tellNow(reading).catch(() => {}), bound]);
    clearTimeout(timer);
  }

  async #tellNow({ access, content, life }: EmergencyReading): Promise<void> {
    const { id, workspaceId, userId, purpose } = access;
    const kind = content.reopens === null ? 'started' : 'reopened';
    const told = { kind, userId, by: userId, purpose, from: life.openedAt, until: life.endsAt, count: 1 } as const;
    const { reached, failed } = await this.#services.emergencyNotices.tellNow(workspaceId, told);
    const event = (to: string, channel: string) => ({
      ...{ workspaceId, userId: to, emergencyAccessId: id },
      details: JSON.stringify({ kind: `emergency-access-${kind}`, channel, direct: true }),
    });
    await recordSafely(this.#services, [
      ...reached.map((one) => ({
        ...event(one.userId, one.channel),
        ...({ code: 'NOTICE_DELIVERED', outcome: 'success' } as const),
      })),
      ...failed.map((one) => ({
        ...event(one.userId, one.channel),
        ...({ code: 'NOTICE_FAILED', outcome: 'failure', reason: one.reason } as const),
      })),
    ]);
  }

  async #refusal(principal: SessionPrincipal, { settings }: Present, about: EmergencySubject) {
    const rules = settings.emergencyAccess;
    if (!rules.enabled) return 'emergency_unavailable';
    const eligible = isAllowedRole(principal, rules) && (await this.#standIn.isEligible(principal, about));
    return eligible ? null : 'emergency_not_eligible';
  }

  async #checked(principal: SessionPrincipal, { session }: Present, request: EmergencyRequest) {
    try {
      return checkedRequest(this.#services.configuration, request);
    } catch (error) {
      if (!CountersignError.is(error)) throw error;
      return await this.#invoker.refuse(principal, session, error, {});
    }
  }

  /** When one more may be opened; null: now. What is counted is what is known here. */
  #retryAt({ workspaceId, userId }: SessionPrincipal): number | null {
    const bounds = this.#services.configuration.emergencyAccess;
    const lives = this.#ofPerson(workspaceId, userId).map(({ life }) => life);
    if (bounds === undefined || !needsApproval(lives, bounds, this.#now)) return null;
    const moments = lives.flatMap((life) => [life.endsAt, life.openedAt + DAY]).filter((at) => at > this.#now);
    return Math.min(...moments, this.#now + DAY);
  }

  #own({ workspaceId, userId }: SessionPrincipal): readonly EmergencyReading[] {
    return this.#ofPerson(workspaceId, userId).filter(({ access }) => access.purpose === 'clinical');
  }

  /** Those known here, newest first: held in memory, and those opened here that have ended. */
  #ofPerson(workspaceId: string, userId: string): readonly EmergencyReading[] {
    for (const [id, { access }] of this.#made) if (access.openedAt + DAY < this.#now) this.#made.delete(id);
    const all = new Map(this.#services.emergency.heldBy(workspaceId, userId).map((one) => [one.access.id, one]));
    for (const [id, { access, life, ...rest }] of this.#made) {
      if (all.has(id) || access.workspaceId !== workspaceId || access.userId !== userId) continue;
      // Not held any more: somebody has ended it, here or in the database.
      all.set(id, { ...rest, access, life: { ...life, endedAt: life.endedAt ?? Math.min(life.endsAt, this.#now) } });
    }
    return [...all.values()].sort((one, other) => other.access.openedAt - one.access.openedAt);
  }

  /** Throws `not_found`, also for what is merely not known here. */
  #readable(principal: SessionPrincipal, id: string): EmergencyReading {
    const reading = this.#services.emergency.held(id) ?? this.#made.get(id);
    const isTheirs =
      reading?.access.workspaceId === principal.workspaceId &&
      (reading.access.userId === principal.userId || this.#administration.isAdministrator(principal));
    if (reading === undefined || !isTheirs) throw new CountersignError('not_found');
    return reading;
  }

  #learn(stored: StoredEmergencyAccess, elapsed: number): EmergencyReading {
    const reading = this.#reading(stored);
    if (this.#made.has(stored.access.id) || this.#services.emergency.held(stored.access.id) === undefined)
      this.#made.set(stored.access.id, reading);
    this.#services.emergency.learn(stored, elapsed);
    return reading;
  }

  #reading(stored: StoredEmergencyAccess): EmergencyReading {
    const reading = readEmergency(this.#services.configuration.keyring, stored);
    if (reading === 'altered') throw new CountersignError('internal');
    return reading;
  }

  #grant(reading: EmergencyReading): EmergencyGrant {
    const { emergencyAccess } = this.#services.configuration;
    const none = { windowSeconds: 0, mostOpen: 0, mostPerDay: 0, reviewSeconds: 0 };
    return grantOf(reading, emergencyAccess ?? none, this.#now);
  }

  async #inTurn<T>({ workspaceId, userId }: SessionPrincipal, work: () => Promise<T>): Promise<T> {
    const name = JSON.stringify([workspaceId, userId]);
    const turn = (this.#turns.get(name) ?? Promise.resolve()).then(work, work);
    this.#turns.set(name, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(name) === turn) this.#turns.delete(name);
    }
  }

  get #now(): number {
    return this.#services.configuration.clock.now();
  }
}

const isOpenFor = ({ access, life }: EmergencyReading, patientId: string | null, now: number): boolean =>
  access.patientId === patientId && emergencyStatus(life, now) === 'open';
