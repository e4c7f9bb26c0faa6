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
  readonly accessAudit: AccessAudit;
}

/** The grace periods in force at one moment; a proof keeps those it was earned under. */
export interface GraceTerms {
  readonly defaultSeconds: number;
  readonly byCategory: Readonly<Record<string, number>>;
  /** For changes of factors and settings. */
  readonly accountSeconds: number;
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
  readonly reauthenticateActions: ReadonlySet<string>;
  /** Seconds within which a one-shot proof must be used. */
  readonly oneShotSeconds: number;
  readonly limits: SessionLimits;
}
