import { type EmergencyPurpose, isPresentPerson } from './emergency.ts';
import { graceSecondsFor, isWithin } from './grace.ts';
import { actingPerson, type Principal } from './principal.ts';
import { ACCOUNT_SUBJECT, type Proof } from './proof.ts';
import { isOneShot, type Requirement, type Subject } from './requirement.ts';
import type { CategoryPolicy, EffectiveSettings, SessionLimits } from './settings.ts';
import { type Strength, satisfiesStrength, strongest } from './strength.ts';

/** What is known of the session a request came in. */
export interface SessionFacts {
  readonly number: string;
  /** Signed out, or revoked. */
  readonly ended: boolean;
  /** Whether the person has any confirmed factor. Absent: not known, and taken as yes where it would only refuse more. */
  readonly hasFactor?: boolean;
  /** Last activity of a person; null where the session's key was unknown until now. */
  readonly lastActivityAt: number | null;
  /** The proofs that the presented binding cookie may see, for the patients asked about; one-shot ones included. */
  readonly proofs: readonly Proof[];
}

/** One of a principal's enrolled factors. */
export interface EnrolledFactor {
  readonly factor: string;
  /** The most it can answer now: capped where a weaker proof enrolled it, raised where the host can check a password beside it. */
  readonly strength: Strength;
  /** False once disabled, until it is reset. */
  readonly usable: boolean;
  /** Answers changes of the person's own factors only. */
  readonly accountOnly?: boolean;
}

/** An exemption that applies to this principal and these subjects, found by the caller. */
export interface Exemption {
  readonly kind: 'role' | 'provider' | 'treatment-relationship' | 'service';
  readonly detail: string;
}

/** Emergency access that is open for this principal. */
export interface OpenEmergencyAccess {
  readonly id: string;
  readonly purpose: EmergencyPurpose;
  /** Null for administrative. */
  readonly patientId: string | null;
  readonly endsAt: number;
}

/** Everything the decision stands on. */
export interface Facts {
  readonly principal: Principal | null;
  /** Named by policy: kinds of non-human principals that may pass on to the rules. */
  readonly servicesNamed?: boolean;
  readonly session: SessionFacts;
  readonly requirement: Requirement;
  /** `unknown` where settings could not be read or were tampered with. */
  readonly settings: EffectiveSettings | 'unknown';
  readonly exemption?: Exemption | null;
  readonly emergencyAccess?: OpenEmergencyAccess | null;
  /** `not-loaded`: rule 7 is left open, and the outcome is at best `challenge`. */
  readonly factors: readonly EnrolledFactor[] | 'not-loaded';
  /** Milliseconds. */
  readonly now: number;
}

/** Why a requirement is not met, and what would meet it. */
export interface UnmetReason {
  readonly kind: 'missing' | 'expired' | 'too-weak';
  readonly patientId: string;
  /** Null where no category but the action itself asks. */
  readonly categoryId: string | null;
  readonly strength: Strength;
  /** 0: a proof for this operation alone. */
  readonly graceSeconds: number;
}

/** What a request was allowed by. */
export type AllowBasis = 'not-sensitive' | 'disabled' | 'exemption' | 'emergency-access' | 'proof' | 'one-shot';
/** Which limit a session has passed. */
export type LockReason = 'idle' | 'absolute-limit';
/** Why nothing the principal could answer now would do. */
export type DenyReason =
  | 'no-principal'
  | 'not-a-person'
  | 'another-workspace'
  | 'settings-unknown'
  | 'operation-unknown'
  | 'session-ended'
  | 'must-enrol'
  | 'no-suitable-factor'
  | 'factor-disabled';

/** The request may go on. */
export interface Allow {
  readonly outcome: 'allow';
  readonly basis: AllowBasis;
  /** The proof that ends first among those that answered. */
  readonly proof: Proof | null;
  readonly exemption: Exemption | null;
  readonly emergencyAccess: OpenEmergencyAccess | null;
}
/** A factor is asked. */
export interface Challenge {
  readonly outcome: 'challenge';
  readonly reasons: readonly UnmetReason[];
  /** The strength that answers all reasons at once. */
  readonly strength: Strength;
  readonly oneShot: boolean;
  /** The principal's own factors that would cure it; empty while not loaded. */
  readonly factors: readonly string[];
}
/** The session is past a limit; the host's sign-in resumes it. */
export interface Locked {
  readonly outcome: 'locked';
  readonly reason: LockReason;
}
/** The request may not go on. */
export interface Deny {
  readonly outcome: 'deny';
  readonly reason: DenyReason;
  readonly reasons: readonly UnmetReason[];
}
/** What `decide` answers. */
export type Decision = Allow | Challenge | Locked | Deny;

const none: readonly UnmetReason[] = Object.freeze([]);
const denied = (reason: DenyReason, reasons = none): Deny => ({ outcome: 'deny', reason, reasons });
const allowed = (
  basis: AllowBasis,
  proof: Proof | null = null,
  exemption: Exemption | null = null,
  emergencyAccess: OpenEmergencyAccess | null = null,
): Allow => ({ outcome: 'allow', basis, proof, exemption, emergencyAccess });

/**
 * The decision: pure, total, in a fixed order of rules. Anything unknown refuses.
 *
 * The order is part of the contract: principal, session, sensitivity, exemption, emergency access, proof, factors, challenge.
 */
export function decide(facts: Facts): Decision {
  const { principal, session, settings, requirement, now } = facts;

  // 1. Who asks, and do we know enough to answer.
  if (principal === null) return denied('no-principal');
  if (principal.kind !== undefined && principal.kind !== 'person' && facts.servicesNamed !== true) {
    return denied('not-a-person');
  }
  if (settings === 'unknown') return denied('settings-unknown');
  if (principal.workspaceId !== requirement.workspaceId || settings.workspaceId !== requirement.workspaceId) {
    return denied('another-workspace');
  }

  // 2. Is the session itself still good, also where nothing sensitive is touched.
  if (session.ended) return denied('session-ended');
  const lock = lockOf(principal, session, settings, now);
  if (lock !== null) return { outcome: 'locked', reason: lock };
  const forced =
    requirement.account === true || requirement.signing === true || settings.reauthentication.has(requirement.action);
  const emergency = forced ? null : emergencyFor(facts);
  // Whoever has no factor yet is kept from no patient in an emergency.
  if (emergency === null && mustEnrolFirst(facts, principal, settings)) return denied('must-enrol');

  // 3. Does anything ask.
  const sensitive = settings.enabled && requirement.subjects.some((subject) => subject.categories.length > 0);
  if (!forced && !sensitive) return allowed(settings.enabled ? 'not-sensitive' : 'disabled');

  // 4., 5. Exemptions and emergency access answer category requirements for view and edit, and nothing else.
  if (!forced && (requirement.action === 'view' || requirement.action === 'edit')) {
    const exemption = facts.exemption ?? null;
    if (exemption !== null) return allowed('exemption', null, exemption);
    if (emergency !== null) return allowed('emergency-access', null, null, emergency);
  }

  // Nothing that follows can be answered without a person.
  if (principal.kind !== undefined && principal.kind !== 'person') return denied('not-a-person');

  // 6. A proof that matches, is fresh and strong enough.
  const oneShot = isOneShot(requirement, settings);
  if (oneShot && requirement.operation === undefined) return denied('operation-unknown');
  const unmet: UnmetReason[] = [];
  let answer: Proof | null = null;
  for (const subject of requirement.subjects) {
    for (const demand of demandsOf(requirement, subject, settings, oneShot)) {
      const found = answerTo(demand, facts, principal, settings);
      if (typeof found === 'string') unmet.push(unmetReason(found, demand));
      else if (answer === null || found.verifiedAt < answer.verifiedAt) answer = found;
    }
  }
  if (unmet.length === 0 && answer !== null) return allowed(oneShot ? 'one-shot' : 'proof', answer);

  // 7., 8. What the principal could answer with: never a weaker factor than asked.
  const strength = unmet.reduce<Strength>((most, reason) => strongest(most, reason.strength), 'any');
  if (facts.factors === 'not-loaded') return { outcome: 'challenge', reasons: unmet, strength, oneShot, factors: [] };
  const suitable = facts.factors.filter(
    (factor) =>
      (factor.accountOnly !== true || requirement.account === true) &&
      (satisfiesStrength(factor.strength, strength) || requirement.orFactors?.has(factor.factor) === true),
  );
  const factors = suitable.filter((factor) => factor.usable).map((factor) => factor.factor);
  if (factors.length === 0) return denied(suitable.length === 0 ? 'no-suitable-factor' : 'factor-disabled', unmet);
  return { outcome: 'challenge', reasons: unmet, strength, oneShot, factors };
}

/** Clinical, before its end, and for the patient of every subject: it answers `view` and `edit`, for a person who acts for themself. */
function emergencyFor({ principal, requirement, emergencyAccess, now }: Facts): OpenEmergencyAccess | null {
  const { action, subjects } = requirement;
  const open = emergencyAccess ?? null;
  if (open === null || principal === null || !isPresentPerson(principal)) return null;
  if (open.purpose !== 'clinical' || !(now < open.endsAt) || (action !== 'view' && action !== 'edit')) return null;
  return subjects.length > 0 && subjects.every((subject) => subject.patientId === open.patientId) ? open : null;
}

/** Whose role takes a factor and who has none, where the workspace lets nothing guarded be used until then. */
function mustEnrolFirst({ session, requirement }: Facts, principal: Principal, settings: EffectiveSettings): boolean {
  const { enrolment } = settings;
  if (enrolment.until !== 'refuse' || !settings.enabled || requirement.account === true) return false;
  if (principal.kind !== undefined && principal.kind !== 'person') return false;
  return session.hasFactor === false && principal.roles.some((role) => enrolment.roles.has(role));
}

/** Which limit the session has passed; null: none. */
export function lockOf(
  principal: Principal,
  session: SessionFacts,
  settings: EffectiveSettings,
  now: number,
): LockReason | null {
  const { idleSeconds, absoluteSeconds } = limitsFor(settings, principal.roles);
  if (idleSeconds === undefined && absoluteSeconds === undefined) return null;
  const signedInAt = principal.signedInAt.getTime();
  // Written so that an unreadable instant (NaN) locks.
  if (absoluteSeconds !== undefined && !(now < signedInAt + absoluteSeconds * 1000)) return 'absolute-limit';
  // A key we do not know is as idle as its sign-in is old: losing state never undoes a lock.
  const activeAt = session.lastActivityAt ?? signedInAt;
  if (idleSeconds !== undefined && !(now < activeAt + idleSeconds * 1000)) return 'idle';
  return null;
}

/** The shortest limits among the workspace's and those of the principal's roles. */
export function limitsFor(settings: EffectiveSettings, roles: readonly string[]): SessionLimits {
  if (settings.roleLimits.size === 0) return settings.limits;
  let { idleSeconds, absoluteSeconds } = settings.limits;
  for (const role of roles) {
    const limits = settings.roleLimits.get(role);
    if (limits?.idleSeconds !== undefined)
      idleSeconds = Math.min(idleSeconds ?? limits.idleSeconds, limits.idleSeconds);
    if (limits?.absoluteSeconds !== undefined)
      absoluteSeconds = Math.min(absoluteSeconds ?? limits.absoluteSeconds, limits.absoluteSeconds);
  }
  return {
    ...(idleSeconds === undefined ? {} : { idleSeconds }),
    ...(absoluteSeconds === undefined ? {} : { absoluteSeconds }),
  };
}

/** One thing a proof has to answer: a category of a patient, or the action itself (`category` null). */
interface Demand {
  readonly patientId: string;
  readonly category: CategoryPolicy | null;
  readonly strength: Strength;
  /** The operation a one-shot proof must carry; null where a grace period answers. */
  readonly operation: string | null;
  /** The freshness asked where no category says it. */
  readonly seconds: number;
}

function demandsOf(
  requirement: Requirement,
  subject: Subject,
  settings: EffectiveSettings,
  oneShot: boolean,
): Demand[] {
  const operation = oneShot ? (requirement.operation ?? null) : null;
  const categories = settings.enabled ? subject.categories : [];
  const rule = requirement.account === true ? undefined : settings.reauthentication.get(requirement.action);
  const least = [rule?.strength ?? 'any', requirement.signing === true ? settings.signingStrength : 'any'].reduce(
    strongest,
    requirement.strength ?? 'any',
  );
  const within = rule === undefined ? Number.POSITIVE_INFINITY : rule.withinSeconds;
  const demands: Demand[] = categories.map((category) => ({
    patientId: subject.patientId,
    category,
    strength: strongest(category.strength, least),
    operation,
    seconds: Math.min(category.graceSeconds, within),
  }));
  if (demands.length === 0 && (oneShot || rule !== undefined || requirement.account === true)) {
    const seconds = requirement.account === true ? settings.grace.accountSeconds : oneShot ? 0 : within;
    demands.push({ patientId: subject.patientId, category: null, strength: least, operation, seconds });
  }
  return demands;
}

/** The newest proof that answers, or why none does: the kindest reason found (too weak, then expired, then missing). */
function answerTo(
  demand: Demand,
  facts: Facts,
  principal: Principal,
  settings: EffectiveSettings,
): Proof | UnmetReason['kind'] {
  const { now, session } = facts;
  const person = actingPerson(principal);
  let why: UnmetReason['kind'] = 'missing';
  let best: Proof | null = null;
  for (const proof of session.proofs) {
    if (
      proof.workspaceId !== principal.workspaceId ||
      proof.userId !== person ||
      proof.sessionNumber !== session.number ||
      proof.patientId !== demand.patientId ||
      (proof.operation ?? null) !== demand.operation
    ) {
      continue;
    }
    if (demand.category?.scope === 'category' && demand.operation === null && proof.scope !== demand.category.id)
      continue;
    if (!isWithin(proof.verifiedAt, secondsOf(proof, demand, settings), now)) {
      if (why === 'missing') why = 'expired';
    } else if (
      !satisfiesStrength(proof.strength, demand.strength) &&
      facts.requirement.orFactors?.has(proof.factor) !== true
    ) {
      why = 'too-weak';
    } else if (best === null || proof.verifiedAt > best.verifiedAt) {
      best = proof;
    }
  }
  return best ?? why;
}

function secondsOf(proof: Proof, demand: Demand, settings: EffectiveSettings): number {
  if (demand.operation !== null) return settings.oneShotSeconds;
  if (demand.patientId === ACCOUNT_SUBJECT) return Math.min(proof.terms.accountSeconds, demand.seconds);
  if (demand.category === null) return demand.seconds;
  return Math.min(graceSecondsFor(proof, demand.category), demand.seconds);
}

function unmetReason(kind: UnmetReason['kind'], demand: Demand): UnmetReason {
  return {
    kind,
    patientId: demand.patientId,
    categoryId: demand.category?.id ?? null,
    strength: demand.strength,
    graceSeconds: demand.operation === null ? demand.seconds : 0,
  };
}
