import type { ErrorCode } from '../errors/codes.ts';
import type { OperationSummary } from '../operation/operation-summary.ts';
import type { Allow, Decision } from '../policy/decide.ts';
import type { EffectiveSettings } from '../policy/settings.ts';
import type { Strength } from '../policy/strength.ts';
import type { OpenChallenge } from '../session-state/open-challenge.ts';

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
  /** The least strength, whatever the categories say. */
  readonly strength?: Strength;
  readonly orFactors?: ReadonlySet<string>;
  /** The operation is signed: what the person approves, in the host's words. Part of the operation's digest by the caller. */
  readonly summary?: OperationSummary | null;
  /** Digest of the operation; called only where a one-shot proof is asked. */
  readonly operation?: (() => string) | undefined;
  /** Checked path to return to after a success; called only where a challenge is opened. */
  readonly returnTo?: (() => string | null) | undefined;
  /**
   * `judge`: only the decision, nothing opened, consumed or audited. `sift`: the same, and without looking up the principal's
   * factors, where all that matters is whether it allows. `check`: as `judge`, but what emergency access allows is audited first.
   * Default `enforce`.
   */
  readonly purpose?: 'enforce' | 'judge' | 'check' | 'sift';
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
    'must-enrol': 'factor_required',
    'no-suitable-factor': 'factor_required',
    'factor-disabled': 'factor_disabled',
  } as const;
  return codes[decision.reason];
}
