import type { Strength } from './strength.ts';

/** Whether an allowed access to a record of a category waits for its audit event (`awaited`), is written behind the response (`batched`), or is not written (`none`). */
export type AccessAudit = 'batched' | 'awaited' | 'none';

/** What a workspace asks for one category, code and administrators' choices taken together. */
export interface CategoryPolicy {
  readonly id: string;
  readonly name: string;
  /** Seconds. 0: every operation asks, with a one-shot proof. */
  readonly graceSeconds: number;
  readonly strength: Strength;
  /** `patient`: any proof for the patient counts. `category`: only one earned for this category and patient. */
  readonly scope: 'patient' | 'category';
  /** The actions that ask for this category; null: every one. */
  readonly actions: ReadonlySet<string> | null;
  readonly accessAudit: AccessAudit;
}

/** The grace periods in force at one moment; a proof keeps those it was earned under. */
export interface GraceTerms {
  readonly defaultSeconds: number;
  readonly byCategory: Readonly<Record<string, number>>;
  /** For changes of factors and settings. */
  readonly accountSeconds: number;
}

/** What an action asks whatever the grace period says. */
export interface ReauthenticationRule {
  /** A proof for the patient not older than this. 0 (default): a proof for this operation alone. */
  readonly withinSeconds: number;
  readonly strength: Strength;
}

/** Who is not asked for sensitive categories. Answers `view` and `edit` only, and each application is audited. */
export interface ExemptionRule {
  readonly kind: 'role' | 'provider' | 'treatment-relationship';
  /** The role, or the provider's user id; null for a treatment relationship, which the host's resolver tells. */
  readonly value: string | null;
  /** The categories it is for; null: all. */
  readonly categories: ReadonlySet<string> | null;
}

/** Whose job takes a second factor. */
export interface EnrolmentPolicy {
  readonly roles: ReadonlySet<string>;
  /**
   * Until they have enrolled: `sensitive-only` refuses what needs a factor and lets the rest of the host be used; `refuse` refuses
   * every guarded request, with the way to enrol.
   */
  readonly until: 'sensitive-only' | 'refuse';
}

/** Who may use emergency access in a workspace, within what code allows. */
export interface EmergencyPolicy {
  /** False also where the configuration knows no emergency access. */
  readonly enabled: boolean;
  /** Of those who may by code, only these roles may; null: all of them. */
  readonly roles: ReadonlySet<string> | null;
  /** Longest window. */
  readonly windowSeconds: number;
}

/** Limits of the host's session in a workspace. Absent: not enforced. */
export interface SessionLimits {
  readonly idleSeconds?: number;
  readonly absoluteSeconds?: number;
}

/** A workspace's settings in the form the decision reads. Frozen; replaced whole when an administrator saves. */
export interface EffectiveSettings {
  readonly workspaceId: string;
  /** 0 while nothing was ever saved. */
  readonly version: number;
  readonly enabled: boolean;
  /** The categories this workspace has marked sensitive, by id. */
  readonly categories: ReadonlyMap<string, CategoryPolicy>;
  readonly grace: GraceTerms;
  /** Actions that ask again whatever the grace period says. */
  readonly reauthentication: ReadonlyMap<string, ReauthenticationRule>;
  /** What signing an operation asks (DEA 21 CFR 1311.115: two of know, have and are). */
  readonly signingStrength: Strength;
  readonly exemptions: readonly ExemptionRule[];
  readonly enrolment: EnrolmentPolicy;
  readonly emergencyAccess: EmergencyPolicy;
  /** Seconds within which a one-shot proof must be used. */
  readonly oneShotSeconds: number;
  readonly limits: SessionLimits;
  /** The shorter ones of single roles. */
  readonly roleLimits: ReadonlyMap<string, SessionLimits>;
}
