import type { AuditEventInput } from '../audit/event.ts';
import { randomToken } from '../configuration/sources.ts';
import type { ErrorCode } from '../errors/codes.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import {
  type Allow,
  type Challenge,
  type Decision,
  decide,
  type EnrolledFactor,
  type Facts,
} from '../policy/decide.ts';
import { isOneShot, type Requirement, touchedCategories } from '../policy/requirement.ts';
import type { AccessAudit, CategoryPolicy, EffectiveSettings } from '../policy/settings.ts';
import type { OpenChallenge } from '../session-state/open-challenge.ts';
import type { MaybePromise, SessionReading } from '../session-state/session-state.ts';
import { enrolledFactors } from './factor-rows.ts';
import { digest, eventOf, type Services, type SessionPrincipal } from './services.ts';

/** What a caller wants to do, before the workspace's settings have turned it into a requirement. */
export interface Demand {
  readonly workspaceId: string;
  readonly action: string;
  /** The categories this guard is about. */
  readonly guarded: ReadonlySet<string> | '*';
  /** Whose records, and the category ids they carry (null: the route itself is sensitive). */
  readonly subjects: readonly { readonly patientId: string; readonly carried: readonly string[] | null }[];
  /** A change of factors or settings. */
  readonly account?: boolean;
  /** Digest of the operation; called only where a one-shot proof is asked. */
  readonly operation?: (() => string) | undefined;
  /** Checked path to return to after a success; called only where a challenge is opened. */
  readonly returnTo?: (() => string | null) | undefined;
  /**
   * `judge`: only the decision, nothing opened, consumed or audited. `sift`: the same, and without looking up the principal's
   * factors, where all that matters is whether it allows. Default `enforce`.
   */
  readonly purpose?: 'enforce' | 'judge' | 'sift';
}

/** A decision, with what was opened for it. */
export interface Authorization {
  readonly decision: Decision;
  readonly settings: EffectiveSettings | null;
  readonly challenge: OpenChallenge | null;
}

/** What clients are told of a decision that refuses. */
export function refusalCode(decision: Exclude<Decision, Allow>): ErrorCode {
  if (decision.outcome === 'challenge') return 'step_up_required';
  if (decision.outcome === 'locked') return 'session_locked';
  const codes = {
    'no-principal': 'sign_in_required',
    'not-a-person': 'person_required',
    'another-workspace': 'not_found',
    'settings-unknown': 'settings_unknown',
    'operation-unknown': 'operation_required',
    'session-ended': 'session_ended',
    'no-suitable-factor': 'factor_required',
    'factor-disabled': 'factor_disabled',
  } as const;
  return codes[decision.reason];
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
    if (reading instanceof Promise) return this.#fromScratch(principal, demand);
    if (reading === null || !this.#isCurrent(principal, reading)) return this.#fromScratch(principal, demand);
    return this.#judge(principal, demand, settings, reading, now);
  }

  /** The session's reading, after its state was begun or renewed from the durable tables where that is needed. */
  async reading(principal: SessionPrincipal, patientIds: readonly string[]): Promise<SessionReading> {
    const { live, state, store, configuration } = this.#services;
    await this.#dropping;
    const { key, binding } = principal;
    let reading = await state.read(key, binding, patientIds, this.#now());
    if (reading !== null && this.#isCurrent(principal, reading)) return reading;
    const signedInAt = principal.signedInAt.getTime();
    const standing = await store.sessionStanding({ ...key, signedInAt });
    live.learn(key.workspaceId, key.userId, standing.epochs);
    const { epochs } = standing;
    // Only where something was raised: an epoch that this process had merely forgotten ends nothing.
    const raised =
      reading !== null && (reading.epochs.user !== epochs.user || reading.epochs.workspace !== epochs.workspace);
    if (raised) await state.renew(key, epochs);
    const now = this.#now();
    // An end before this sign-in was another session's, under the same key of the host.
    const endedAt = standing.endedAt !== null && signedInAt <= standing.endedAt ? standing.endedAt : null;
    await state.begin(key, {
      number: randomToken(configuration.random, 128),
      epochs: standing.epochs,
      endedAt,
      signedInAt,
      now,
    });
    if (endedAt !== null) await state.end(key, endedAt);
    reading = await state.read(key, binding, patientIds, now);
    if (reading === null) throw new CountersignError('store_unavailable', { retryAfterSeconds: 1 });
    return reading;
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
            throw error;
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
    const { workspaceId, userId } = principal;
    const signedInAt = principal.signedInAt.getTime();
    // Another sign-in under the same key of the host, perhaps after somebody else's: it begins anew, without proofs.
    if (reading.endedAt === null ? reading.signedInAt !== signedInAt : reading.endedAt < signedInAt) return false;
    if (reading.endedAt === null && live.hasSignInEnded(workspaceId, userId, signedInAt)) return false;
    return live.isCurrent(workspaceId, userId, reading.epochs);
  }

  async #fromScratch(principal: SessionPrincipal, demand: Demand): Promise<Authorization> {
    const settings = await this.#services.live.load(principal.workspaceId);
    const reading = await this.reading(principal, patientsOf(demand));
    return await this.#judge(principal, demand, settings, reading, this.#now());
  }

  #judge(
    principal: SessionPrincipal,
    demand: Demand,
    settings: EffectiveSettings | 'unknown',
    reading: SessionReading,
    now: number,
  ): MaybePromise<Authorization> {
    const requirement = this.#requirement(demand, settings);
    const facts: Facts = {
      principal,
      session: {
        number: reading.number,
        ended: reading.endedAt !== null,
        lastActivityAt: reading.lastActivityAt,
        proofs: this.#services.live.confirmed ? reading.proofs : [],
      },
      requirement,
      settings,
      factors: 'not-loaded',
      now,
    };
    const decision = decide(facts);
    if (settings === 'unknown') return this.#refuse(principal, demand, facts, decision);
    if (decision.outcome !== 'allow') return this.#refuse(principal, demand, facts, decision);
    if (
      decision.basis === 'not-sensitive' ||
      decision.basis === 'disabled' ||
      (demand.purpose ?? 'enforce') !== 'enforce'
    ) {
      return { decision, settings, challenge: null };
    }
    if (decision.basis === 'one-shot') return this.#consume(principal, demand, facts, settings, decision);
    return this.#allow(principal, facts, settings, decision);
  }

  #requirement(demand: Demand, settings: EffectiveSettings | 'unknown'): Requirement {
    const { workspaceId, action } = demand;
    const subjects = demand.subjects.map(({ patientId, carried }) => {
      if (demand.account !== true) refuseUnclearPatient(patientId);
      if (carried !== null) this.#refuseUnknown(carried);
      return {
        patientId,
        categories:
          settings === 'unknown' || demand.account === true ? [] : touchedCategories(demand.guarded, carried, settings),
      };
    });
    const requirement: Requirement = {
      workspaceId,
      action,
      subjects,
      ...(demand.account === true ? { account: true } : {}),
    };
    if (settings === 'unknown' || demand.operation === undefined || !isOneShot(requirement, settings))
      return requirement;
    return { ...requirement, operation: demand.operation() };
  }

  /** A misspelt category would otherwise be an ordinary one. */
  #refuseUnknown(carried: readonly string[]): void {
    const { categories, unknownCategories } = this.#services.configuration;
    if (unknownCategories === 'ordinary') return;
    for (const id of carried) {
      if (!categories.has(id)) {
        throw new CountersignError('resource_invalid', {
          field: 'categories',
          cure: "Declare every category a record can carry (sensitive: false for ordinary ones), or set unknownCategories: 'ordinary'.",
        });
      }
    }
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
    const mode = accessAudit(touched);
    if (mode === 'none') return authorization;
    const events = accessEvents(principal, facts, decision);
    const { audit } = this.#services;
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
    if (demand.purpose === 'judge') return { decision, settings: known, challenge: null };
    const challenge = decision.outcome === 'challenge' ? await this.#open(principal, demand, facts, decision) : null;
    await this.#services.audit.append(refusalEvents(principal, facts, decision, challenge));
    return { decision, settings: known, challenge };
  }

  async #open(principal: SessionPrincipal, demand: Demand, facts: Facts, decision: Challenge): Promise<OpenChallenge> {
    const { configuration, state } = this.#services;
    const { requirement, now } = facts;
    const { method, route } = principal.request;
    const returnTo = demand.returnTo?.() ?? null;
    const subjects = requirement.subjects.map((subject) => ({
      patientId: subject.patientId,
      categoryIds: subject.categories.map((category) => category.id),
    }));
    const operation = decision.oneShot ? (requirement.operation ?? null) : null;
    const account = requirement.account === true;
    const requirementKey = digest(
      JSON.stringify([requirement.action, subjects, operation, account, decision.strength, returnTo]),
    );
    const create = (): OpenChallenge => ({
      id: randomToken(configuration.random, 128),
      createdAt: now,
      expiresAt: now + configuration.challengeSeconds * 1000,
      action: requirement.action,
      subjects,
      account,
      strength: decision.strength,
      operation,
      reasons: decision.reasons,
      returnTo,
      method,
      route,
    });
    const challenge = await state.openChallenge(principal.key, requirementKey, create, now);
    // The session ended while we were deciding.
    if (challenge === null) throw new CountersignError('session_ended');
    return challenge;
  }
}

function patientsOf(demand: Demand): readonly string[] {
  const [only] = demand.subjects;
  return demand.subjects.length === 1 && only !== undefined
    ? [only.patientId]
    : demand.subjects.map((subject) => subject.patientId);
}

/** An id with control characters could pass for the account's own subject, or break a line somewhere. */
function refuseUnclearPatient(patientId: string): void {
  if (typeof patientId !== 'string' || patientId.length === 0 || patientId.length > 256 || /\p{Cc}/u.test(patientId)) {
    throw new CountersignError('patient_unresolved', { field: 'patientId' });
  }
}

/** The most careful choice among the categories touched; `batched` where the action alone asked. */
export function accessAudit(categories: readonly CategoryPolicy[]): AccessAudit {
  if (categories.some((category) => category.accessAudit === 'awaited')) return 'awaited';
  return categories.length > 0 && categories.every((category) => category.accessAudit === 'none') ? 'none' : 'batched';
}

function accessEvents(principal: SessionPrincipal, facts: Facts, decision: Allow): AuditEventInput[] {
  return facts.requirement.subjects.map((subject) =>
    eventOf(principal, facts.session.number, {
      code: decision.basis === 'exemption' ? 'EXEMPTION_APPLIED' : 'ACCESS_ALLOWED',
      outcome: 'success',
      patientId: facts.requirement.account === true ? null : subject.patientId,
      categories: subject.categories.length === 0 ? null : subject.categories.map((category) => category.id).join(','),
      action: facts.requirement.action,
      factor: decision.proof?.factor ?? null,
      reason: decision.basis,
      emergencyAccessId: decision.emergencyAccess?.id ?? null,
    }),
  );
}

function refusalEvents(
  principal: SessionPrincipal,
  facts: Facts,
  decision: Decision,
  challenge: OpenChallenge | null,
): AuditEventInput[] {
  const code =
    decision.outcome === 'challenge'
      ? 'MFA_REQUIRED'
      : decision.outcome === 'locked'
        ? 'SESSION_LOCKED'
        : 'ACCESS_DENIED';
  return facts.requirement.subjects.map((subject) =>
    eventOf(principal, facts.session.number, {
      code,
      outcome: 'refused',
      patientId: facts.requirement.account === true ? null : subject.patientId,
      categories: subject.categories.length === 0 ? null : subject.categories.map((category) => category.id).join(','),
      action: facts.requirement.action,
      reason: reasonText(decision, subject.patientId),
      challengeId: challenge?.id ?? null,
    }),
  );
}

function reasonText(decision: Decision, patientId: string): string | null {
  if (decision.outcome === 'allow') return decision.basis;
  if (decision.outcome !== 'challenge') return decision.reason;
  const kinds = decision.reasons.filter((reason) => reason.patientId === patientId).map((reason) => reason.kind);
  return [...new Set(kinds)].join(',');
}
