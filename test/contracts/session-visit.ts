import { randomUUID } from 'node:crypto';
import type {
  GraceTerms,
  Grant,
  OpenChallenge,
  Proof,
  SessionKey,
  SessionStart,
  SessionStateStore,
} from '@countersign/core';

export const NOW = Date.parse('2026-03-02T09:00:00.000Z');
export const TERMS: GraceTerms = { defaultSeconds: 900, byCategory: { 5: 900 }, accountSeconds: 300 };
export const EPOCHS = { user: 0, workspace: 0 };

/** One session of one person, with the calls a test makes over and over. */
export class Visit {
  readonly state: SessionStateStore;
  readonly key: SessionKey;
  readonly number = randomUUID();

  constructor(state: SessionStateStore, key: Partial<SessionKey> = {}) {
    this.state = state;
    this.key = { keyHash: randomUUID(), workspaceId: 'clinic', userId: 'ana', ...key };
  }

  async begin(start: Partial<SessionStart> = {}): Promise<this> {
    await this.state.begin(this.key, {
      number: this.number,
      epochs: EPOCHS,
      endedAt: null,
      hasFactor: false,
      signedInAt: NOW,
      now: NOW,
      ...start,
    });
    return this;
  }

  async read(binding: string | null | 'bearer' = null, patientIds: readonly string[] = ['p1', 'p2'], now = NOW) {
    return await this.state.read(this.key, binding, patientIds, now);
  }

  /** The patients whose proofs a binding sees, in order. */
  async seen(
    binding: string | null | 'bearer',
    now = NOW,
    patientIds: readonly string[] = ['p1', 'p2', 'p3'],
  ): Promise<string[]> {
    return ((await this.read(binding, patientIds, now))?.proofs ?? []).map(({ patientId }) => patientId).sort();
  }

  async open(requirement: string = randomUUID(), changes: Partial<OpenChallenge> = {}, now = NOW) {
    return await this.state.openChallenge(
      this.key,
      requirement,
      () => challengeOf({ createdAt: now, expiresAt: now + 600_000, ...changes }),
      now,
    );
  }

  proof(patientId = 'p1', changes: Partial<Proof> = {}): Proof {
    const { workspaceId, userId } = this.key;
    return {
      workspaceId,
      userId,
      sessionNumber: this.number,
      patientId,
      scope: null,
      factor: 'totp',
      strength: 'any',
      verifiedAt: NOW,
      terms: TERMS,
      ...changes,
    };
  }

  /** Opens a challenge and passes it. */
  async pass(proofs: readonly Proof[], grant: Partial<Grant> = {}, now = NOW): Promise<boolean> {
    const challenge = await this.open(randomUUID(), {}, now);
    const given = {
      proofs,
      presented: null,
      binding: 'b1',
      oldBindingSeconds: 10,
      challengeId: challenge?.id ?? '',
      ...grant,
    };
    return await this.state.grant(this.key, this.number, EPOCHS, given, now);
  }
}

function challengeOf(changes: Partial<OpenChallenge> = {}): OpenChallenge {
  return {
    id: randomUUID(),
    createdAt: NOW,
    expiresAt: NOW + 600_000,
    action: 'view',
    subjects: [{ patientId: 'p1', categoryIds: ['5'] }],
    account: false,
    strength: 'any',
    orFactors: [],
    operation: null,
    summary: null,
    reasons: [{ kind: 'missing', patientId: 'p1', categoryId: '5', strength: 'any', graceSeconds: 900 }],
    returnTo: '/appointments/1',
    method: 'GET',
    route: '/appointments/:id',
    ...changes,
  };
}

/** What passes a challenge: one proof, for a browser that gets its binding by it. */
export function grantOf(visit: Visit, challengeId = '', changes: Partial<Grant> = {}): Grant {
  return { proofs: [visit.proof()], presented: null, binding: 'b1', oldBindingSeconds: 10, challengeId, ...changes };
}
