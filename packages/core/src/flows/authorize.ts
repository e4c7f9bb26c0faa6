import { randomToken } from '../configuration/sources.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import { type Allow, type Decision, decide, type EnrolledFactor, type Facts } from '../policy/decide.ts';
import type { Requirement } from '../policy/requirement.ts';
import type { EffectiveSettings } from '../policy/settings.ts';
import type { MaybePromise, SessionReading } from '../session-state/session-state.ts';
import { accessAudit, accessEvents, blindEvents, refusalEvents } from './authorization-events.ts';
import type { Authorization, Demand } from './demand.ts';
import { demandedRequirement } from './demanded-requirement.ts';
import { isEnrolledOutside } from './enrolled-outside.ts';
import { exempted, isTreatmentAsked, withTreatment } from './exempted.ts';
import { enrolledFactors } from './factor-rows.ts';
import { isUnreachable } from './is-unreachable.ts';
import { openChallenge } from './open-challenge.ts';
import type { Services, SessionPrincipal } from './services.ts';
import { recordSafely } from './stand-in.ts';

/** A demand that is judged without session state. */
interface BlindDemand extends Demand {
  readonly fault: CountersignError;
  /** The database is away too: by what was last known, emergency access goes on and nothing else does. */
  readonly emergencyOnly: boolean;
}

const isBlind = (demand: Demand): demand is BlindDemand => 'fault' in demand;
const isEmergency = (decision: Decision): boolean =>
  decision.outcome === 'allow' && decision.basis === 'emergency-access';
const isIdle = (decision: Decision): boolean => decision.outcome === 'locked' && decision.reason === 'idle';

/** In place of the number of a session that could not be read. */
const UNREADABLE_SESSION = 'unreadable';

/** Whatever session state throws is told apart from faults of the store: nobody is let in by it, and the request can be repeated. */
function stateFault(error: unknown): CountersignError {
  if (CountersignError.is(error)) return error;
  return new CountersignError('session_state_unavailable', { cause: error, retryAfterSeconds: 1 });
}

const noPrincipal: Authorization = Object.freeze({
  decision: Object.freeze({ outcome: 'deny', reason: 'no-principal', reasons: [] } as const),
  settings: null,
  challenge: null,
});

/**
 * Answers one request. Inside a grace period, with settings and epochs in memory and session state in this process, it answers
 * at once and without I/O. Everything else is asynchronous: first sight of a session, refusals (one awaited audit write),
 * one-shot proofs, awaited access events.
 */
export class Authorizer {
  readonly #services: Services;
  /** The newest time seen: a clock set back must not revive a proof. */
  #newest = 0;
  #dropping: MaybePromise<void> = undefined;

  constructor(services: Services) {
    this.#services = services;
  }

  authorize(principal: SessionPrincipal | null, demand: Demand): MaybePromise<Authorization> {
    if (principal === null) return noPrincipal;
    const { live, state } = this.#services;
    const now = this.#now();
    const settings = live.settings(demand.workspaceId);
    if (settings === null || this.#dropping !== undefined || principal.workspaceId !== demand.workspaceId) {
      return this.#fromScratch(principal, demand);
    }
    const reading = state.read(principal.key, principal.binding, patientsOf(demand), now);
    if (reading instanceof Promise) return this.#whenRead(reading, principal, demand, settings, now);
    if (reading === null || !this.#isCurrent(principal, reading)) return this.#fromScratch(principal, demand);
    return this.#judge(principal, demand, settings, reading, now);
  }

  /** The same, where session state is shared and answers later. */
  async #whenRead(
    pending: Promise<SessionReading | null>,
    principal: SessionPrincipal,
    demand: Demand,
    settings: EffectiveSettings,
    now: number,
  ): Promise<Authorization> {
    let reading: SessionReading | null;
    try {
      reading = await pending;
    } catch (error) {
      return await this.#withoutState(principal, demand, settings, stateFault(error));
    }
    if (this.#dropping !== undefined || reading === null || !this.#isCurrent(principal, reading)) {
      return await this.#fromScratch(principal, demand);
    }
    return await this.#judge(principal, demand, settings, reading, now);
  }

  /** The session's reading, after its state was begun or renewed from the durable tables where that is needed. */
  async reading(principal: SessionPrincipal, patientIds: readonly string[]): Promise<SessionReading> {
    const { live, state, store, configuration } = this.#services;
    await this.#dropping;
    const { key, binding } = principal;
    let reading: SessionReading | null;
    try {
      reading = await state.read(key, binding, patientIds, this.#now());
    } catch (error) {
      throw stateFault(error);
    }
    if (reading !== null && this.#isCurrent(principal, reading)) return reading;
    const signedInAt = principal.signedInAt.getTime();
    const standing = await store.sessionStanding({ ...key, signedInAt });
    live.learn(key.workspaceId, key.userId, standing.epochs);
    const { epochs } = standing;
    // Only where something was raised: an epoch that this process had merely forgotten ends nothing.
    const raised =
      reading !== null && (reading.epochs.user !== epochs.user || reading.epochs.workspace !== epochs.workspace);
    const hasFactor = standing.hasFactor || (await isEnrolledOutside(this.#services, principal));
    if (raised) await state.renew(key, epochs, hasFactor);
    const now = this.#now();
    // An end before this sign-in was another session's, under the same key of the host.
    const endedAt = standing.endedAt !== null && signedInAt <= standing.endedAt ? standing.endedAt : null;
    await state.begin(key, {
      number: randomToken(configuration.random, 128),
      epochs: standing.epochs,
      endedAt,
      hasFactor,
      signedInAt,
      now,
    });
    if (endedAt !== null) await state.end(key, endedAt);
    reading = await state.read(key, binding, patientIds, now);
    if (reading !== null) this.#services.standIn?.known.saw(principal, reading);
    if (reading === null) throw new CountersignError('store_unavailable', { retryAfterSeconds: 1 });
    return reading;
  }

  /** The session's reading; where session state is away, what the durable tables know of it. */
  async readingOrStanding(principal: SessionPrincipal): Promise<SessionReading> {
    try {
      return await this.reading(principal, []);
    } catch (error) {
      if (!CountersignError.is(error) || error.code !== 'session_state_unavailable')
        return this.#lastKnown(principal, error);
    }
    try {
      return await this.#standing(principal);
    } catch (error) {
      return this.#lastKnown(principal, error);
    }
  }

  async #standing(principal: SessionPrincipal): Promise<SessionReading> {
    const { live, standIn, store } = this.#services;
    const signedInAt = principal.signedInAt.getTime();
    const { epochs, endedAt, hasFactor } = await store.sessionStanding({ ...principal.key, signedInAt });
    live.learn(principal.key.workspaceId, principal.key.userId, epochs);
    const reading: SessionReading = {
      number: UNREADABLE_SESSION,
      signedInAt,
      epochs,
      endedAt: endedAt !== null && signedInAt <= endedAt ? endedAt : null,
      hasFactor: hasFactor || (await isEnrolledOutside(this.#services, principal)),
      lastActivityAt: null,
      proofs: [],
    };
    standIn?.known.saw(principal, reading);
    return reading;
  }

  /** What was last known of the session, where the fault is that the database is away; throws it where nothing was. */
  #lastKnown(principal: SessionPrincipal, fault: unknown): SessionReading {
    const { standIn } = this.#services;
    if (standIn === null || !isUnreachable(fault)) throw fault;
    const reading = standIn.known.standing(principal);
    if (reading === null) throw fault;
    standIn.lost();
    return reading;
  }

  /** The time that decisions stand on: never earlier than what was seen, but for a clock that was set back. */
  get now(): number {
    return this.#now();
  }

  /** Audited, so that nobody has to guess why everybody is asked again. */
  #now(): number {
    const now = this.#services.configuration.clock.now();
    // Slewing by NTP goes back a little at a time; a step is more than a second.
    if (now < this.#newest - 1000) {
      const seconds = Math.round((this.#newest - now) / 1000);
      const { audit, state } = this.#services;
      const dropping = state.dropAllProofs();
      if (dropping instanceof Promise) {
        const newest = this.#newest;
        this.#dropping = dropping
          .catch((error: unknown) => {
            // Not dropped: the next request sees the step again, and until then none is answered.
            this.#newest = newest;
            throw stateFault(error);
          })
          .finally(() => {
            this.#dropping = undefined;
          });
        this.#dropping.catch(() => {});
      }
      audit
        .appendBehind({
          code: 'CLOCK_SET_BACK',
          outcome: 'failure',
          workspaceId: null,
          userId: null,
          reason: `${seconds} s`,
        })
        // Under back-pressure there is a promise, and here nobody is left to tell of its rejection.
        ?.catch(() => {});
      this.#newest = now;
    } else if (now > this.#newest) {
      this.#newest = now;
    }
    return this.#newest;
  }

  #isCurrent(principal: SessionPrincipal, reading: SessionReading): boolean {
    const { live } = this.#services;
    const { workspaceId, userId } = principal.key;
    const signedInAt = principal.signedInAt.getTime();
    // Another sign-in under the same key of the host, perhaps after somebody else's: it begins anew, without proofs.
    if (reading.endedAt === null ? reading.signedInAt !== signedInAt : reading.endedAt < signedInAt) return false;
    if (reading.endedAt === null && live.hasSignInEnded(workspaceId, userId, signedInAt)) return false;
    return live.isCurrent(workspaceId, userId, reading.epochs);
  }

  async #fromScratch(principal: SessionPrincipal, demand: Demand): Promise<Authorization> {
    const settings = await this.#services.live.load(principal.workspaceId);
    let reading: SessionReading;
    try {
      reading = await this.reading(principal, patientsOf(demand));
    } catch (error) {
      if (isUnreachable(error)) return await this.#asLastKnown(principal, demand, settings, error);
      if (!CountersignError.is(error) || error.code !== 'session_state_unavailable') throw error;
      return await this.#withoutState(principal, demand, settings, error);
    }
    return await this.#judge(principal, demand, settings, reading, this.#now());
  }

  /**
   * Session state is away: no proof counts, and what the durable tables know of the session does. What asks for a proof all the
   * same, or would be locked for an activity that nobody can look up, is refused with the fault.
   */
  async #withoutState(
    principal: SessionPrincipal,
    demand: Demand,
    settings: EffectiveSettings | 'unknown',
    fault: CountersignError,
  ): Promise<Authorization> {
    let reading: SessionReading;
    try {
      reading = await this.#standing(principal);
    } catch (error) {
      return await this.#asLastKnown(principal, demand, settings, error);
    }
    const blind: BlindDemand = { ...demand, fault, emergencyOnly: false };
    return await this.#judge(principal, blind, settings, reading, this.#now());
  }

  /** The database is away. Whoever it last knew goes on under emergency access; everything else is refused with the fault. */
  async #asLastKnown(
    principal: SessionPrincipal,
    demand: Demand,
    settings: EffectiveSettings | 'unknown',
    error: unknown,
  ): Promise<Authorization> {
    const reading = this.#lastKnown(principal, error);
    const fault = CountersignError.is(error) ? error : new CountersignError('store_unavailable');
    const blind: BlindDemand = { ...demand, fault, emergencyOnly: true };
    return await this.#judge(principal, blind, settings, reading, this.#now());
  }

  #judge(
    principal: SessionPrincipal,
    demand: Demand,
    settings: EffectiveSettings | 'unknown',
    reading: SessionReading,
    now: number,
  ): MaybePromise<Authorization> {
    const { configuration } = this.#services;
    const requirement = demandedRequirement(configuration, demand, settings);
    const facts: Facts = {
      principal,
      session: {
        number: reading.number,
        ended: reading.endedAt !== null,
        hasFactor: reading.hasFactor,
        lastActivityAt: reading.lastActivityAt,
        proofs: this.#services.live.confirmed ? reading.proofs : [],
      },
      requirement,
      settings,
      factors: 'not-loaded',
      now,
    };
    if (settings === 'unknown') return this.#refuse(principal, demand, facts, decide(facts));
    const { emergency, live } = this.#services;
    const patientId = onlyPatient(requirement);
    const open = patientId === null ? null : emergency.openFor(principal, patientId, settings, now);
    if (open === null) return this.#decide(principal, demand, facts, settings);
    const { confirmed } = live;
    if (emergency.isCertain(open, reading.epochs, confirmed))
      return this.#decide(principal, demand, { ...facts, emergencyAccess: open }, settings);
    return emergency
      .confirm(open, principal, reading.epochs, confirmed, this.#services.standIn)
      .then((counts) =>
        this.#decide(principal, demand, counts ? { ...facts, emergencyAccess: open } : facts, settings),
      );
  }

  #decide(
    principal: SessionPrincipal,
    demand: Demand,
    facts: Facts,
    settings: EffectiveSettings,
  ): MaybePromise<Authorization> {
    const { configuration } = this.#services;
    const judged = exempted(configuration, principal, facts, settings);
    const decision = decide(judged);
    if (isBlind(demand) && demand.emergencyOnly && !isEmergency(decision)) throw demand.fault;
    if (decision.outcome === 'allow') return this.#settle(principal, demand, judged, settings, decision);
    // The host is asked last: a proof at hand answers without it.
    if (!isTreatmentAsked(configuration, principal, facts, settings))
      return this.#refuse(principal, demand, judged, decision);
    return this.#askForTreatment(principal, demand, facts, settings);
  }

  #settle(
    principal: SessionPrincipal,
    demand: Demand,
    facts: Facts,
    settings: EffectiveSettings,
    decision: Allow,
  ): MaybePromise<Authorization> {
    const purpose = demand.purpose ?? 'enforce';
    // What a check lets be seen under emergency access is on the log first; of a list, whoever sifts it writes.
    const written = purpose === 'enforce' || (purpose === 'check' && decision.basis === 'emergency-access');
    if (decision.basis === 'not-sensitive' || decision.basis === 'disabled' || !written) {
      return { decision, settings, challenge: null };
    }
    if (decision.basis === 'one-shot') return this.#consume(principal, demand, facts, settings, decision);
    return this.#allow(principal, facts, settings, decision);
  }

  async #askForTreatment(
    principal: SessionPrincipal,
    demand: Demand,
    facts: Facts,
    settings: EffectiveSettings,
  ): Promise<Authorization> {
    const asked = await withTreatment(this.#services.configuration, principal, facts, settings);
    const decision = decide(asked);
    if (decision.outcome === 'allow') return await this.#settle(principal, demand, asked, settings, decision);
    return await this.#refuse(principal, demand, asked, decision);
  }

  /** Takes the one-shot proof: of two requests for the same operation, one is allowed and the other asked. */
  async #consume(
    principal: SessionPrincipal,
    demand: Demand,
    facts: Facts,
    settings: EffectiveSettings,
    decision: Allow,
  ): Promise<Authorization> {
    const operation = facts.requirement.operation ?? '';
    if (await this.#services.state.consume(principal.key, principal.binding, operation, facts.now)) {
      return await this.#allow(principal, facts, settings, decision);
    }
    const without: Facts = { ...facts, session: { ...facts.session, proofs: [] } };
    return await this.#refuse(principal, demand, without, decide(without));
  }

  #allow(
    principal: SessionPrincipal,
    facts: Facts,
    settings: EffectiveSettings,
    decision: Allow,
  ): MaybePromise<Authorization> {
    const authorization: Authorization = { decision, settings, challenge: null };
    const { subjects } = facts.requirement;
    const [only] = subjects;
    const touched =
      subjects.length === 1 && only !== undefined ? only.categories : subjects.flatMap((subject) => subject.categories);
    // What was allowed in spite of the policy, and what was signed, is always on the log.
    const exempt = decision.basis === 'exemption';
    const always = exempt || facts.requirement.signing === true;
    const chosen = always && accessAudit(touched) === 'none' ? 'batched' : accessAudit(touched);
    const mode = decision.basis === 'emergency-access' ? 'awaited' : chosen;
    if (mode === 'none') return authorization;
    const events = accessEvents(principal, facts, decision);
    const { audit } = this.#services;
    if (decision.basis === 'emergency-access') return recordSafely(this.#services, events).then(() => authorization);
    if (mode === 'awaited') return audit.append(events).then(() => authorization);
    const waits = events.map((event) => audit.appendBehind(event)).filter((wait) => wait !== undefined);
    return waits.length === 0 ? authorization : Promise.all(waits).then(() => authorization);
  }

  async #refuse(principal: SessionPrincipal, demand: Demand, facts: Facts, first: Decision): Promise<Authorization> {
    const { settings } = facts;
    const known = settings === 'unknown' ? null : settings;
    if (demand.purpose === 'sift') return { decision: first, settings: known, challenge: null };
    let decision = first;
    let factors: readonly EnrolledFactor[] = [];
    if (first.outcome === 'challenge') {
      factors = await enrolledFactors(this.#services, principal);
      decision = decide({ ...facts, factors });
    }
    if (demand.purpose === 'judge' || demand.purpose === 'check') return { decision, settings: known, challenge: null };
    if (isBlind(demand) && (decision.outcome === 'challenge' || isIdle(decision))) {
      const { fault } = demand;
      await this.#services.audit.append(blindEvents(principal, facts, fault));
      throw fault;
    }
    const challenge =
      decision.outcome === 'challenge' ? await openChallenge(this.#services, principal, demand, facts, decision) : null;
    await this.#services.audit.append(refusalEvents(principal, facts, decision, challenge));
    return { decision, settings: known, challenge };
  }
}

/** The patient that every subject is about; null where there is none, or several. */
function onlyPatient({ subjects }: Requirement): string | null {
  const [first] = subjects;
  return first !== undefined && subjects.every(({ patientId }) => patientId === first.patientId)
    ? first.patientId
    : null;
}

function patientsOf(demand: Demand): readonly string[] {
  const [only] = demand.subjects;
  return demand.subjects.length === 1 && only !== undefined
    ? [only.patientId]
    : demand.subjects.map((subject) => subject.patientId);
}
