import type { ErrorCode } from '../errors/codes.ts';
import type { EmergencyPurpose, EmergencyStatus } from '../policy/emergency.ts';

/** What somebody says who needs emergency access. */
export interface EmergencyRequest {
  readonly purpose: EmergencyPurpose;
  /** Whose records: needed for clinical, null for administrative. */
  readonly patientId: string | null;
  /** At least 20 visible characters, at most 2,000, and not one repeated. */
  readonly reason: string;
  /** One of those configured: `ETREAT`, `BTG`. */
  readonly purposeOfUse: string;
  /** The medical personnel to whom disclosure is made (42 CFR 2.51(c)), where it is asked; at most 200 characters, as the next two. */
  readonly recipient?: string | undefined;
  /** Their health care facility. */
  readonly facility?: string | undefined;
  /** The nature of the emergency. */
  readonly nature?: string | undefined;
}

/** One emergency access, as people see it. */
export interface EmergencyGrant {
  readonly id: string;
  readonly workspaceId: string;
  readonly userId: string;
  readonly purpose: EmergencyPurpose;
  readonly patientId: string | null;
  /** `waiting`: for a second eligible person. `declined` also where nobody answered in time, or it was withdrawn. */
  readonly status: EmergencyStatus;
  /** When it was asked for: what lists are ordered by. */
  readonly requestedAt: Date;
  /** The same, but where a second person approved it: when that was. */
  readonly openedAt: Date;
  /** Of one that waits: until when it waits. */
  readonly endsAt: Date;
  readonly endedAt: Date | null;
  readonly endedBy: 'time' | 'person' | null;
  /** The second person, where it took one. */
  readonly approvedBy: string | null;
  readonly reason: string;
  readonly purposeOfUse: string;
  readonly recipient: string | null;
  readonly facility: string | null;
  readonly nature: string | null;
  /** The earlier access of the same person to the same patient that this one opens again: its reviewers are told. */
  readonly reopens: string | null;
  /** The latest word of a reviewer. One that was escalated still waits to be signed off. */
  readonly review: {
    readonly outcome: 'signed-off' | 'escalated';
    readonly note: string;
    readonly by: string;
    readonly at: Date;
  } | null;
  readonly reviewDueAt: Date;
  /** Whether it should have been signed off by now. */
  readonly overdue: boolean;
}

/** Whether a field is asked, and must be filled; null: not asked. */
export type EmergencyFieldRule = 'required' | 'optional' | null;

/** What a principal can do here, before anything is done. */
export interface EmergencyOptions {
  readonly available: boolean;
  /**
   * Why not: `emergency_unavailable`, `emergency_not_eligible`, `emergency_review_overdue`, `person_required` (acting as somebody
   * else, a token without a person, a service), or the fault of the session or the settings.
   */
  readonly refusal: ErrorCode | null;
  readonly purposes: readonly EmergencyPurpose[];
  readonly purposesOfUse: readonly string[];
  readonly fields: {
    readonly recipient: EmergencyFieldRule;
    readonly facility: EmergencyFieldRule;
    readonly nature: EmergencyFieldRule;
  };
  readonly windowSeconds: number;
  /** One for this patient (or administrative) that is open or waits. */
  readonly open: EmergencyGrant | null;
  /** Beyond the bounds: a second eligible person has to approve. */
  readonly needsApproval: boolean;
}

/** What a patient may be told of an emergency access to their records. */
export interface PatientEmergencyRecord {
  readonly who: string;
  readonly from: Date;
  readonly until: Date;
  readonly why: string;
  readonly purposeOfUse: string;
  readonly recipient: string | null;
  readonly facility: string | null;
  readonly nature: string | null;
  /** What was opened, in the order of time. */
  readonly opened: readonly {
    readonly at: Date;
    readonly action: string | null;
    /** Category ids. */
    readonly categories: readonly string[];
    /** The route's template. */
    readonly route: string | null;
  }[];
}
