import { CountersignError } from '../errors/countersign-error.ts';
import type { OpenEmergencyAccess } from '../policy/decide.ts';
import { APPROVAL_WAIT, emergencyPurposes, emergencyStatus, isOverdue, needsApproval } from '../policy/emergency.ts';
import type { Principal } from '../policy/principal.ts';
import type { AuditRecord, StoreTransaction } from '../store/store.ts';
import type { Administration } from './administration.ts';
import type { Authorizer } from './authorize.ts';
import { EmergencyApproval } from './emergency-approval.ts';
import type { EmergencyAway } from './emergency-away.ts';
import { emergencyNotice, personsEmergencyEvent } from './emergency-events.ts';
import type { EmergencyGrant, EmergencyOptions, EmergencyRequest, PatientEmergencyRecord } from './emergency-grant.ts';
import { EmergencyInvoker, type EmergencySubject, type Present, refusedEvent } from './emergency-invoker.ts';
import { EmergencyRecords } from './emergency-records.ts';
import { type CheckedRequest, checkedRequest } from './emergency-request.ts';
import { EmergencyReview } from './emergency-review.ts';
import { type EmergencyReading, emergencyRow } from './emergency-rows.ts';
import { isUnreachable } from './is-unreachable.ts';
import type { Services, SessionPrincipal } from './services.ts';

/** Which emergency accesses of a workspace, newest first. */
export interface EmergencyQueueQuery {
  /**
   * `to-review`: ended and not signed off, those that were escalated among them. `reviewed`: signed off. `open`: open, or waiting for
   * a second person.
   */
  readonly state: 'to-review' | 'reviewed' | 'open' | 'all';
  /** Continue after this one: its `requestedAt` in milliseconds, and its id. */
  readonly before?: { readonly openedAt: number; readonly id: string };
  /** Default 50, at most 200. */
  readonly limit?: number;
}

/** What became of a request, decided under the lock of whoever asks. */
type Opening =
  | { readonly kind: 'refused'; readonly error: CountersignError }
  /** Open or waiting already: the same again, and not a second longer. */
  | { readonly kind: 'held'; readonly reading: EmergencyReading }
  | { readonly kind: 'opened'; readonly reading: EmergencyReading };

/**
 * Emergency access: past what a factor guards, for a person who is present and among those who may, with a reason, for one patient
 * (or to a new factor of their own), for a while, announced, and reviewed afterwards. Every method throws `emergency_unavailable`
 * where it is not configured, `person_required`, `session_ended`, `session_locked` and `settings_unknown`; each refusal is audited.
 */
export class EmergencyAccess {
  readonly #services: Services;
  readonly #invoker: EmergencyInvoker;
  readonly #records: EmergencyRecords;
  readonly #approval: EmergencyApproval;
  readonly #review: EmergencyReview;
  /** How it goes while the database is away; null: not at all. */
  readonly #away: EmergencyAway | null;

  constructor(services: Services, authorizer: Authorizer, administration: Administration, away: EmergencyAway | null) {
    this.#services = services;
    this.#invoker = new EmergencyInvoker(services, authorizer);
    this.#records = new EmergencyRecords(services, administration);
    this.#approval = new EmergencyApproval(services, this.#invoker, this.#records);
    this.#review = new EmergencyReview(services, administration, this.#invoker, this.#records);
    this.#away = away;
  }

  /** What this principal can do here. Writes nothing, and throws only where it cannot be found out. */
  options(principal: SessionPrincipal, about: EmergencySubject): Promise<EmergencyOptions> {
    return this.#reaching(
      () => this.#options(principal, about),
      (away) => away.options(principal, about),
    );
  }

  async #options(principal: SessionPrincipal, about: EmergencySubject): Promise<EmergencyOptions> {
    const { configuration } = this.#services;
    const { windowSeconds = 0, purposesOfUse = [], fields = {} } = configuration.emergencyAccess ?? {};
    const { recipient = null, facility = null, nature = null } = fields;
    const base = {
      purposes: emergencyPurposes,
      purposesOfUse,
      fields: { recipient, facility, nature },
      windowSeconds,
      open: null,
      needsApproval: false,
    };
    const present = await this.#invoker.find(principal);
    if (typeof present === 'string') return { ...base, available: false, refusal: present };
    const within = { ...base, windowSeconds: present.settings.emergencyAccess.windowSeconds };
    const refusal = await this.#invoker.refusal(principal, present, about);
    if (refusal !== null) return { ...within, available: false, refusal };
    const own = await this.#records.ofPerson(principal.workspaceId, principal.userId);
    const now = configuration.clock.now();
    const open = own.readings.find((one) => isAbout(one, about) && isHeld(one, now)) ?? null;
    const overdue = about.purpose === 'administrative' && this.#hasOverdue(own.readings, now);
    return {
      ...within,
      available: !overdue,
      refusal: overdue ? 'emergency_review_overdue' : null,
      open: open === null ? null : this.#records.grant(open),
      needsApproval: open === null && this.#needsApproval(own, now),
    };
  }

  /**
   * Opens emergency access, or asks a second person to where the bounds are reached (`waiting`). Where one is open or waits for the
   * same, that one is returned as it is. Row, event and notice commit together, before this resolves. Throws `input_invalid`,
   * `patient_unresolved`, `emergency_reason_insufficient`, `emergency_field_required`, `emergency_not_eligible`,
   * `emergency_review_overdue`, `attempts_delayed` where as many wait already as may be open.
   */
  start(principal: SessionPrincipal, request: EmergencyRequest): Promise<EmergencyGrant> {
    return this.#reaching(
      () => this.#start(principal, request),
      (away) => away.start(principal, request),
    );
  }

  async #start(principal: SessionPrincipal, request: EmergencyRequest): Promise<EmergencyGrant> {
    const { audit, configuration, emergency } = this.#services;
    const subject = { purpose: request.purpose, patientId: request.patientId };
    const present = await this.#invoker.present(principal, subject);
    const asked = await this.#checked(principal, present, request);
    const refusal = await this.#invoker.refusal(principal, present, asked);
    if (refusal !== null) return await this.#invoker.refuse(principal, present.session, refusal, asked);
    const elapsed = configuration.clock.elapsed();
    const opening = await audit.transact<Opening>(async (transaction) => {
      const value = await this.#open(transaction, principal, present, asked);
      if (value.kind === 'held') return { value, events: [] };
      if (value.kind === 'refused')
        return { value, events: [refusedEvent(principal, present.session, value.error.code, asked)] };
      const { waits, reason, recipient, facility, nature } = value.reading.content;
      const code = waits ? 'EMERGENCY_ACCESS_REQUESTED' : 'EMERGENCY_ACCESS_STARTED';
      const said = { recipient, facility, nature };
      return {
        value,
        events: [personsEmergencyEvent(principal, present.session, value.reading, { code, reason }, said)],
      };
    });
    if (opening.kind === 'refused') throw opening.error;
    emergency.learn(opening.reading.stored, elapsed);
    return this.#records.grant(opening.reading);
  }

  /**
   * Ends one early, or withdraws one that waits: by whoever opened it, or by an administrator. On every node within a second. Throws
   * `not_found`, `emergency_ended`.
   */
  end(principal: SessionPrincipal, id: string): Promise<EmergencyGrant> {
    return this.#reaching(
      () => this.#end(principal, id),
      (away) => away.end(principal, id),
    );
  }

  async #end(principal: SessionPrincipal, id: string): Promise<EmergencyGrant> {
    const present = await this.#invoker.present(principal, { id });
    return await this.#records.step(principal, present, id, { mayRead: true }, async (reading, now) => {
      const status = emergencyStatus(reading.life, now);
      if (status === 'waiting') {
        const event = { code: 'EMERGENCY_ACCESS_DECLINED', reason: 'withdrawn' } as const;
        return { kind: 'declined', content: { why: 'withdrawn' }, event };
      }
      if (status !== 'open') throw new CountersignError('emergency_ended');
      return { kind: 'ended', content: { by: 'person' }, event: { code: 'EMERGENCY_ACCESS_ENDED', reason: 'person' } };
    });
  }

  /**
   * Approves one that waits, as a second eligible person: it is open from here on, for its whole window. Throws `not_found`,
   * `emergency_not_eligible` (also to whoever asked for it), `emergency_ended`.
   */
  approve(principal: SessionPrincipal, id: string): Promise<EmergencyGrant> {
    return this.#approval.approve(principal, id);
  }

  /** Declines one that waits. `note`: at most 500 characters. Throws as `approve`. */
  decline(principal: SessionPrincipal, id: string, note: string): Promise<EmergencyGrant> {
    return this.#approval.decline(principal, id, note);
  }

  /** Those of the principal that are open or wait, newest first. */
  own(principal: SessionPrincipal): Promise<readonly EmergencyGrant[]> {
    return this.#reaching(
      () => this.#own(principal),
      (away) => away.own(principal),
    );
  }

  async #own(principal: SessionPrincipal): Promise<readonly EmergencyGrant[]> {
    await this.#invoker.present(principal);
    const { readings } = await this.#records.ofPerson(principal.workspaceId, principal.userId);
    const now = this.#services.configuration.clock.now();
    return readings.filter((one) => isHeld(one, now)).map((one) => this.#records.grant(one));
  }

  /**
   * What is open for this principal now, from memory: for a page that tells so. Empty where the settings of the workspace are not in
   * memory yet; what it allows is decided elsewhere.
   */
  current(principal: Principal): readonly OpenEmergencyAccess[] {
    const { configuration, emergency, live } = this.#services;
    const settings = live.settings(principal.workspaceId);
    return settings === null ? [] : emergency.open(principal, settings, configuration.clock.now());
  }

  /** Those of others that wait for a second person, for whoever is eligible; else none. */
  waitingForApproval(principal: SessionPrincipal): Promise<readonly EmergencyGrant[]> {
    // With the database away nothing waits that could be approved.
    return this.#reaching(
      () => this.#approval.waiting(principal),
      async () => [],
    );
  }

  /** One, for whoever opened it and for administrators. Throws `not_found`, also for one of another workspace. */
  find(principal: SessionPrincipal, id: string): Promise<EmergencyGrant> {
    return this.#reaching(
      () => this.#find(principal, id),
      (away) => away.find(principal, id),
    );
  }

  async #find(principal: SessionPrincipal, id: string): Promise<EmergencyGrant> {
    await this.#invoker.present(principal, { id });
    return this.#records.grant(await this.#records.read(principal, id));
  }

  /** Those of the workspace, newest first. Administrators only (`administrator_required`). */
  queue(principal: SessionPrincipal, query: EmergencyQueueQuery): Promise<readonly EmergencyGrant[]> {
    return this.#review.queue(principal, query);
  }

  /**
   * Signs one off, or escalates it: by an administrator other than whoever opened it (`emergency_own_review`), once it has ended
   * (`emergency_still_open`). One that was escalated can be signed off later; everything else happens once
   * (`emergency_already_reviewed`). `note`: 10 to 2,000 characters (`input_invalid`).
   */
  review(
    principal: SessionPrincipal,
    id: string,
    review: { readonly outcome: 'signed-off' | 'escalated'; readonly note: string },
  ): Promise<EmergencyGrant> {
    return this.#review.review(principal, id, review);
  }

  /** The events that carry its id, newest first, at most 1,000: what was opened under it, and what was done about it. */
  accesses(principal: SessionPrincipal, id: string): Promise<readonly AuditRecord[]> {
    return this.#review.accesses(principal, id);
  }

  /**
   * What the patient may be told of a clinical one: who opened their records when and why, and what was opened. Administrators
   * only; throws `not_found` for one that is administrative or was never open.
   */
  patientRecord(principal: SessionPrincipal, id: string): Promise<PatientEmergencyRecord> {
    return this.#review.patientRecord(principal, id);
  }

  /** By the database; where that is away, and something stands in for it, by what was last known. */
  async #reaching<T>(work: () => Promise<T>, without: (away: EmergencyAway) => Promise<T>): Promise<T> {
    const { standIn } = this.#services;
    if (standIn === null || this.#away === null) return await work();
    if (!standIn.isAway) {
      try {
        return await work();
      } catch (error) {
        if (isUnreachable(error)) standIn.lost();
        // Found away on the way: a refusal may come of records of the host's that are away with it.
        else if (!standIn.isAway) throw error;
      }
    }
    return await without(this.#away);
  }

  async #checked(
    principal: SessionPrincipal,
    { session }: Present,
    request: EmergencyRequest,
  ): Promise<CheckedRequest> {
    try {
      return checkedRequest(this.#services.configuration, request);
    } catch (error) {
      if (!CountersignError.is(error)) throw error;
      return await this.#invoker.refuse(principal, session, error, {});
    }
  }

  /** Under the lock of whoever asks: of requests that race, each sees what those before it have opened. */
  async #open(
    transaction: StoreTransaction,
    principal: SessionPrincipal,
    { settings }: Present,
    asked: CheckedRequest,
  ): Promise<Opening> {
    const { clock, ids, keyring } = this.#services.configuration;
    const { workspaceId, userId } = principal;
    const own = this.#records.readings(await transaction.emergencyAccessOf(workspaceId, userId));
    const now = clock.now();
    const held = own.readings.find((one) => isAbout(one, asked) && isHeld(one, now));
    if (held !== undefined) return { kind: 'held', reading: held };
    if (asked.purpose === 'administrative' && this.#hasOverdue(own.readings, now))
      return { kind: 'refused', error: new CountersignError('emergency_review_overdue') };
    const waits = this.#needsApproval(own, now);
    const waiting = own.readings.filter(({ life }) => emergencyStatus(life, now) === 'waiting');
    const [soonest] = waiting.map(({ life }) => life.endsAt).sort((one, other) => one - other);
    if (waits && soonest !== undefined && waiting.length >= this.#bounds.mostOpen) {
      const retryAfterSeconds = Math.max(1, Math.ceil((soonest - now) / 1000));
      return { kind: 'refused', error: new CountersignError('attempts_delayed', { retryAfterSeconds }) };
    }
    const { purpose, patientId, ...said } = asked;
    const earlier = own.readings.find((one) => patientId !== null && isAbout(one, asked) && wasUsed(one, now));
    const reopens = earlier?.access.id ?? null;
    const endsAt = now + (waits ? APPROVAL_WAIT : settings.emergencyAccess.windowSeconds * 1000);
    const row = { id: ids(), workspaceId, userId, purpose, patientId, openedAt: now, endsAt };
    const access = emergencyRow(keyring, row, { ...said, reopens, waits });
    await transaction.putEmergencyAccess(access);
    const event = waits ? 'requested' : reopens === null ? 'started' : 'reopened';
    await transaction.enqueue(emergencyNotice({ access }, event, userId, now));
    return { kind: 'opened', reading: this.#records.reading({ access, steps: [], age: 0 }) };
  }

  get #bounds() {
    return this.#records.bounds;
  }

  /** One that cannot be read counts as open and as opened today. */
  #needsApproval(
    own: { readonly readings: readonly EmergencyReading[]; readonly altered: number },
    now: number,
  ): boolean {
    const { mostOpen, mostPerDay } = this.#bounds;
    const bounds = { ...this.#bounds, mostOpen: mostOpen - own.altered, mostPerDay: mostPerDay - own.altered };
    return needsApproval(
      own.readings.map(({ life }) => life),
      bounds,
      now,
    );
  }

  #hasOverdue(own: readonly EmergencyReading[], now: number): boolean {
    return own.some(({ life }) => isOverdue(life, this.#bounds, now));
  }
}

const isAbout = ({ access }: EmergencyReading, { purpose, patientId }: EmergencySubject): boolean =>
  access.purpose === purpose && access.patientId === patientId;

const isHeld = ({ life }: EmergencyReading, now: number): boolean =>
  ['open', 'waiting'].includes(emergencyStatus(life, now));

const wasUsed = ({ life }: EmergencyReading, now: number): boolean => emergencyStatus(life, now) === 'ended';
