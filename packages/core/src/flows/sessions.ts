import { CountersignError } from '../errors/countersign-error.ts';
import type { EmergencyPurpose } from '../policy/emergency.ts';
import { secondsLeft } from '../policy/grace.ts';
import { ACCOUNT_SUBJECT } from '../policy/proof.ts';
import type { SessionReading } from '../session-state/session-state.ts';
import { refuseImpersonation } from './account-authority.ts';
import type { Administration } from './administration.ts';
import type { Authorizer } from './authorize.ts';
import { carryOn } from './carry-on.ts';
import { enrolledFactors } from './factor-rows.ts';
import { eventOf, type Services, type SessionPrincipal } from './services.ts';

/** What a front end may show of the session it is in. */
export interface SessionStatus {
  readonly principal: {
    readonly userId: string;
    readonly workspaceId: string;
    readonly displayName: string;
    readonly roles: readonly string[];
  };
  readonly factors: readonly { readonly factor: string; readonly strength: string; readonly usable: boolean }[];
  readonly proofs: readonly {
    readonly patientId: string;
    readonly factor: string;
    readonly strength: string;
    readonly secondsLeft: number;
  }[];
  /** Whether the workspace wants a factor of this principal's role, and there is none yet. */
  readonly mustEnrol: boolean;
  /** What is open for this principal by emergency access. */
  readonly emergencyAccess: readonly {
    readonly id: string;
    readonly patientId: string | null;
    readonly purpose: EmergencyPurpose;
    readonly secondsLeft: number;
  }[];
  /** Null where no idle limit is set. */
  readonly idleSecondsLeft: number | null;
}

const PROOFS_SHOWN = 200;
/** Ends every session of a user: the key under which the durable tables keep it. */
const ALL_SESSIONS = '*';
/** Ends them but for one sign-in, which follows in milliseconds. */
const ALL_SESSIONS_BUT = '*-';

/** The life of sessions, as far as it is ours: what they hold, and their end. */
export class Sessions {
  readonly #services: Services;
  readonly #authorizer: Authorizer;
  readonly #administration: Administration;

  constructor(services: Services, authorizer: Authorizer, administration: Administration) {
    this.#services = services;
    this.#authorizer = authorizer;
    this.#administration = administration;
  }

  /** What the session holds now: at most 200 proofs, and no one-shot ones. Throws `session_ended`, `settings_unknown`. */
  async status(principal: SessionPrincipal): Promise<SessionStatus> {
    const { configuration, emergency, live, state } = this.#services;
    const reading = await this.#authorizer.reading(principal, []);
    if (reading.endedAt !== null) throw new CountersignError('session_ended');
    const settings = await live.load(principal.workspaceId);
    if (settings === 'unknown') throw new CountersignError('settings_unknown');
    const now = configuration.clock.now();
    const held = live.confirmed ? await state.proofs(principal.key, principal.binding, PROOFS_SHOWN, now) : [];
    const proofs = held
      .filter((proof) => proof.scope === null && proof.patientId !== ACCOUNT_SUBJECT)
      .map((proof) => ({
        patientId: proof.patientId,
        factor: proof.factor,
        strength: proof.strength,
        secondsLeft: secondsLeft(proof, settings, now),
      }))
      .filter((proof) => proof.secondsLeft > 0);
    const { userId, workspaceId, displayName, roles } = principal;
    const { idleSeconds } = settings.limits;
    const factors = await enrolledFactors(this.#services, principal);
    const asked = settings.enabled && roles.some((role) => settings.enrolment.roles.has(role));
    return {
      principal: { userId, workspaceId, displayName, roles },
      factors,
      proofs,
      mustEnrol: asked && factors.length === 0,
      emergencyAccess: emergency.open(principal, settings, now).map(({ id, patientId, purpose, endsAt }) => ({
        id,
        patientId,
        purpose,
        secondsLeft: Math.floor((endsAt - now) / 1000),
      })),
      idleSecondsLeft:
        idleSeconds === undefined
          ? null
          : Math.max(
              0,
              Math.floor(
                ((reading.lastActivityAt ?? principal.signedInAt.getTime()) + idleSeconds * 1000 - now) / 1000,
              ),
            ),
    };
  }

  /**
   * The internal number of this session: random, the same through every rotation of the host's session id and of our cookie, on
   * the audit log, and good for nothing but to tell sessions apart. Throws `session_ended`.
   */
  async numberOf(principal: SessionPrincipal): Promise<string> {
    const reading = await this.#authorizer.reading(principal, []);
    if (reading.endedAt !== null) throw new CountersignError('session_ended');
    return reading.number;
  }

  /**
   * Ends this session on our side: to be called by the host's sign-out, before it drops its own session. The end is durable, so
   * that a stateless session cookie that is replayed later stays refused.
   */
  async signOut(principal: SessionPrincipal): Promise<void> {
    const { configuration, audit, live, standIn, state, store } = this.#services;
    const reading = await this.#readingOrNull(principal);
    const signedInAt = principal.signedInAt.getTime();
    // Ended in memory is not enough to stop at: the earlier call may have failed before the end was durable.
    if (reading?.endedAt != null && (await store.sessionStanding({ ...principal.key, signedInAt })).endedAt !== null)
      return;
    const endedAt = configuration.clock.now();
    standIn?.known.ended(principal.key, endedAt);
    // First in session state: a verification that is under way must not find the session alive.
    const forgotten = reading !== null && (await isDone(() => state.end(principal.key, endedAt)));
    const { workspaceId, userId } = principal.key;
    const epoch = await audit.transact(async (transaction) => {
      await transaction.endSession({ ...principal.key, signedInAt, endedAt });
      // Session state that is away comes back with the session in it: what was raised makes every node look up its end.
      const value = forgotten ? null : await transaction.raiseEpoch(workspaceId, userId);
      const event = { code: 'SESSION_SIGNED_OUT', outcome: 'success' } as const;
      return { value, events: [eventOf(principal, reading?.number ?? null, event)] };
    });
    if (epoch !== null) live.raise(workspaceId, userId, epoch);
    // A copy of a stateless cookie, from before our id was in it, has a session of its own of the same sign-in.
    live.endSignIn(principal.key.workspaceId, principal.key.userId, signedInAt);
  }

  /** Ends all sessions of a user in the principal's workspace, on every node within a second, and every proof in them. */
  async signOutEverywhere(principal: SessionPrincipal, userId: string = principal.userId): Promise<void> {
    const { configuration, audit, live } = this.#services;
    if (userId !== principal.userId) await this.#administration.assertAdministrator(principal);
    const { workspaceId } = principal;
    const endedAt = configuration.clock.now();
    const epoch = await audit.transact(async (transaction) => {
      await transaction.endSession({ workspaceId, userId, keyHash: ALL_SESSIONS, signedInAt: endedAt, endedAt });
      const raised = await transaction.raiseEpoch(workspaceId, userId);
      const event = { code: 'SESSIONS_REVOKED', outcome: 'success', details: JSON.stringify({ userId }) } as const;
      return { value: raised, events: [eventOf(principal, null, event)] };
    });
    live.learn(workspaceId, userId, { user: epoch, workspace: 0 });
  }

  /**
   * Ends every other session of the principal, on every node within a second, with every proof in them; the sign-in that asks for
   * it goes on. What is offered after a change of factors (ASVS 7.4.3). Throws `person_required` while acting as somebody else.
   */
  async signOutOthers(principal: SessionPrincipal): Promise<void> {
    const { configuration, audit } = this.#services;
    refuseImpersonation(principal);
    const reading = await this.#authorizer.reading(principal, []);
    if (reading.endedAt !== null) throw new CountersignError('session_ended');
    const { workspaceId, userId } = principal;
    const endedAt = configuration.clock.now();
    // Named by its sign-in, since the host may give this session another key.
    const keyHash = `${ALL_SESSIONS_BUT}${principal.signedInAt.getTime()}`;
    const epoch = await audit.transact(async (transaction) => {
      await transaction.endSession({ workspaceId, userId, keyHash, signedInAt: endedAt, endedAt });
      const raised = await transaction.raiseEpoch(workspaceId, userId);
      const details = JSON.stringify({ userId });
      const event = { code: 'SESSIONS_REVOKED', outcome: 'success', reason: 'others', details } as const;
      return { value: raised, events: [eventOf(principal, reading.number, event)] };
    });
    await carryOn(this.#services, principal, reading, epoch);
  }

  /** Null where session state is away: a person must be able to sign out all the same. */
  async #readingOrNull(principal: SessionPrincipal): Promise<SessionReading | null> {
    try {
      return await this.#authorizer.reading(principal, []);
    } catch (error) {
      if (CountersignError.is(error) && error.code === 'session_state_unavailable') return null;
      throw error;
    }
  }

  /** The host has given this session another key (session id rotation): proofs and open challenges move along. */
  async moved(from: SessionPrincipal, to: SessionPrincipal): Promise<void> {
    await this.#services.state.move(from.key, to.key.keyHash);
  }

  /** Ends every proof of a user, or with `userId` null of a whole workspace: for the host to call when roles change. */
  async revokeProofs(workspaceId: string, userId: string | null, reason: string): Promise<void> {
    const epoch = await this.#services.audit.transact(async (transaction) => {
      const raised = await transaction.raiseEpoch(workspaceId, userId);
      const details = JSON.stringify({ userId });
      return {
        value: raised,
        events: [{ code: 'SESSIONS_REVOKED', outcome: 'success', workspaceId, userId: null, reason, details }],
      };
    });
    this.#services.live.raise(workspaceId, userId, epoch);
  }
}

async function isDone(work: () => unknown): Promise<boolean> {
  try {
    await work();
    return true;
  } catch {
    return false;
  }
}
