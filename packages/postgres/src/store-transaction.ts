import type { StoreTransaction } from '@countersign/core';
import { resetAttempts, settleAttempt } from './attempts.ts';
import type { BoundedCalls } from './bounded-calls.ts';
import type { Session } from './database.ts';
import { distrustSessions } from './distrust-sessions.ts';
import { emergencyAccessOf, putEmergencyAccess, putEmergencyStep } from './emergency-access.ts';
import { moveFactorCounter, putFactor, removeFactor, replaceFactor } from './factors.ts';
import { finishJob, putJob } from './outbox/job-queue.ts';
import { endSession, raiseEpoch } from './revocation.ts';
import { putSettings, putSettingsProposal, resealSettings, takeSettingsProposal } from './workspace-settings.ts';

/** The writes of one transaction, each bounded; `assertSound` throws the first error that any of them met. */
export function storeTransaction(
  session: Session,
  calls: BoundedCalls,
): { readonly writes: StoreTransaction; readonly enqueued: boolean; assertSound(): void } {
  let enqueued = false;
  let failure: { readonly error: unknown } | null = null;
  const run = async <T>(write: () => Promise<T>): Promise<T> => {
    try {
      return await calls.run(write);
    } catch (error) {
      failure ??= { error };
      throw error;
    }
  };
  return {
    writes: {
      putFactor: (row) => run(() => putFactor(session, row)),
      moveFactorCounter: (row, next) => run(() => moveFactorCounter(session, row, next)),
      replaceFactor: (row, next) => run(() => replaceFactor(session, row, next)),
      removeFactor: (key) => run(() => removeFactor(session, key)),
      settleAttempt: (key, reservationId) => run(() => settleAttempt(session, key, reservationId)),
      resetAttempts: (key) => run(() => resetAttempts(session, key)),
      putSettings: (row) => run(() => putSettings(session, row)),
      resealSettings: (row, mac) => run(() => resealSettings(session, row, mac)),
      putSettingsProposal: (row) => run(() => putSettingsProposal(session, row)),
      takeSettingsProposal: (row) => run(() => takeSettingsProposal(session, row)),
      raiseEpoch: (workspaceId, userId) => run(() => raiseEpoch(session, workspaceId, userId)),
      emergencyAccessOf: (workspaceId, userId) => run(() => emergencyAccessOf(session, workspaceId, userId)),
      putEmergencyAccess: (row) => run(() => putEmergencyAccess(session, row)),
      putEmergencyStep: (row) => run(() => putEmergencyStep(session, row)),
      distrustSessions: (at) => run(() => distrustSessions(session, at)),
      endSession: (ended) => run(() => endSession(session, ended)),
      enqueue: (job, timing) => {
        enqueued = true;
        return run(() => putJob(session, job, timing));
      },
      finishJob: (task) => run(() => finishJob(session, task)),
    },
    get enqueued() {
      return enqueued;
    },
    assertSound() {
      if (failure !== null) throw failure.error;
    },
  };
}
