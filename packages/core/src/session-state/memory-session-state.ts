import { CountersignError } from '../errors/countersign-error.ts';
import type { Proof } from '../policy/proof.ts';
import type { GraceTerms } from '../policy/settings.ts';
import type { Strength } from '../policy/strength.ts';
import type { Epochs } from '../store/store.ts';
import type { OpenChallenge } from './open-challenge.ts';
import { delayAfter, proofLife, sessionBounds } from './session-bounds.ts';
import type {
  AttemptTurn,
  Grant,
  PresentedBinding,
  SessionKey,
  SessionReading,
  SessionStart,
  SessionStateStore,
} from './session-state.ts';
import { visibleUntil } from './visible-until.ts';

/** Bounds of {@link memorySessionState}. */
export interface MemorySessionStateOptions {
  /** Sessions remembered; the longest unused by a step-up makes room. Default 100,000. */
  readonly sessions?: number;
  /** Proofs remembered over all sessions. Default 1,000,000. */
  readonly proofs?: number;
}

/**
 * Proofs of one session that differ in nothing but patient and moment. The entries are in order of their moment, so that the
 * expired ones are at the head; a patient and a number is all that one proof costs.
 */
interface Bucket {
  readonly scope: string | null;
  readonly factor: string;
  readonly strength: Strength;
  readonly terms: GraceTerms;
  /** Milliseconds after which no demand can be answered any more. */
  readonly life: number;
  readonly verifiedAt: Map<string, number>;
}

interface Turns {
  failures: number;
  notBefore: number;
}

interface Session {
  readonly number: string;
  readonly workspaceId: string;
  readonly userId: string;
  readonly signedInAt: number;
  epochs: Epochs;
  endedAt: number | null;
  lastActivityAt: number | null;
  hasFactor: boolean;
  binding: string | null;
  oldBinding: string | null;
  oldBindingUntil: number;
  /** Proofs from this moment on are invisible to the old binding. */
  rotatedAt: number;
  buckets: Bucket[];
  oneShots: Proof[] | null;
  challenges: Map<string, { readonly requirementKey: string; readonly challenge: OpenChallenge }> | null;
  ceremonies: Map<string, { readonly value: string; readonly expiresAt: number }> | null;
  turns: Map<string, Turns> | null;
}

/** Entries looked at in one step of expiry: bounded, so that no request pays for a full scan. */
const SWEEP_ENTRIES = 64;

/** Session state in this process's memory. No timers; expired entries go a few at a time, as others are written. */
export function memorySessionState(options: MemorySessionStateOptions = {}): SessionStateStore {
  return new MemorySessionState(
    bound('sessions', options.sessions ?? 100_000),
    bound('proofs', options.proofs ?? 1_000_000),
  );
}

/** `"10"`, NaN or 0 would be no bound at all. */
function bound(option: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
  throw new CountersignError('configuration_invalid', {
    field: `memorySessionState.${option}`,
    detail: `memorySessionState: ${option} (a ${typeof value}) is no whole number above 0.`,
    cure: 'Leave it out for the default.',
  });
}

class MemorySessionState implements SessionStateStore {
  readonly shared = false;
  readonly #maxSessions: number;
  readonly #maxProofs: number;
  /** In the order of their last grant or beginning: the first one makes room. */
  readonly #sessions = new Map<string, Session>();
  #proofs = 0;
  #sweep: Iterator<Session>;

  constructor(maxSessions: number, maxProofs: number) {
    this.#maxSessions = maxSessions;
    this.#maxProofs = maxProofs;
    this.#sweep = this.#sessions.values();
  }

  read(key: SessionKey, binding: PresentedBinding, patientIds: readonly string[], now: number): SessionReading | null {
    const session = this.#find(key);
    if (session === null) return null;
    const proofs: Proof[] = [];
    const until = visibleUntil(session, binding, now);
    if (until > 0) {
      for (const patientId of patientIds) {
        for (const bucket of session.buckets) {
          const verifiedAt = bucket.verifiedAt.get(patientId);
          if (verifiedAt !== undefined && verifiedAt < until)
            proofs.push(proofOf(session, bucket, patientId, verifiedAt));
        }
      }
      if (session.oneShots !== null) {
        for (const proof of session.oneShots) {
          if (proof.verifiedAt < until && patientIds.includes(proof.patientId)) proofs.push(proof);
        }
      }
    }
    const { number, signedInAt, epochs, endedAt, hasFactor, lastActivityAt } = session;
    return { number, signedInAt, epochs, endedAt, hasFactor, lastActivityAt, proofs };
  }

  begin(key: SessionKey, start: SessionStart): void {
    const held = this.#find(key);
    const stays = held?.endedAt == null ? held?.signedInAt === start.signedInAt : start.signedInAt <= held.endedAt;
    if (held !== null && stays) return;
    this.#forget(key.keyHash);
    this.#sessions.set(key.keyHash, {
      number: start.number,
      workspaceId: key.workspaceId,
      userId: key.userId,
      signedInAt: start.signedInAt,
      epochs: start.epochs,
      endedAt: start.endedAt,
      // Nobody was seen active yet: the idle limit counts from the sign-in, so that losing state undoes no lock.
      lastActivityAt: null,
      hasFactor: start.hasFactor,
      binding: null,
      oldBinding: null,
      oldBindingUntil: 0,
      rotatedAt: 0,
      buckets: [],
      oneShots: null,
      challenges: null,
      ceremonies: null,
      turns: null,
    });
    this.#makeRoom(start.now);
  }

  carry(key: SessionKey, number: string, from: Epochs, to: Epochs, hasFactor: boolean): void {
    const session = this.#find(key);
    if (session === null || session.endedAt !== null || session.number !== number) return;
    if (session.epochs.user !== from.user || session.epochs.workspace !== from.workspace) return;
    session.epochs = to;
    session.hasFactor = hasFactor;
  }

  keepCeremony(key: SessionKey, name: string, value: string, expiresAt: number, now: number): boolean {
    const session = this.#find(key);
    if (session === null || session.endedAt !== null) return false;
    session.ceremonies ??= new Map();
    for (const [held, { expiresAt: end }] of session.ceremonies) if (end <= now) session.ceremonies.delete(held);
    session.ceremonies.set(name, { value, expiresAt });
    if (session.ceremonies.size > sessionBounds.ceremonies) {
      for (const oldest of session.ceremonies.keys()) {
        session.ceremonies.delete(oldest);
        break;
      }
    }
    return true;
  }

  takeCeremony(key: SessionKey, name: string, now: number): string | null {
    const session = this.#find(key);
    const held = session?.ceremonies?.get(name);
    if (held === undefined) return null;
    session?.ceremonies?.delete(name);
    return now < held.expiresAt ? held.value : null;
  }

  renew(key: SessionKey, epochs: Epochs, hasFactor: boolean): void {
    const session = this.#find(key);
    if (session === null) return;
    session.epochs = epochs;
    session.hasFactor = hasFactor;
    session.ceremonies = null;
    this.#dropProofs(session);
    session.binding = null;
    session.oldBinding = null;
    session.challenges = null;
  }

  openChallenge(
    key: SessionKey,
    requirementKey: string,
    create: () => OpenChallenge,
    now: number,
  ): OpenChallenge | null {
    const session = this.#find(key);
    if (session === null || session.endedAt !== null) return null;
    session.challenges ??= new Map();
    for (const [id, held] of session.challenges) {
      if (held.challenge.expiresAt <= now) session.challenges.delete(id);
      else if (held.requirementKey === requirementKey) return held.challenge;
    }
    const challenge = create();
    session.challenges.set(challenge.id, { requirementKey, challenge });
    if (session.challenges.size > sessionBounds.challenges) {
      for (const oldest of session.challenges.keys()) {
        session.challenges.delete(oldest);
        break;
      }
    }
    return challenge;
  }

  challenge(key: SessionKey, id: string, now: number): OpenChallenge | null {
    const held = this.#find(key)?.challenges?.get(id);
    return held === undefined || held.challenge.expiresAt <= now ? null : held.challenge;
  }

  voidChallenge(key: SessionKey, id: string): void {
    this.#find(key)?.challenges?.delete(id);
  }

  grant(key: SessionKey, number: string, epochs: Epochs, grant: Grant, now: number): boolean {
    const session = this.#find(key);
    if (
      session === null ||
      session.endedAt !== null ||
      session.number !== number ||
      session.epochs.user !== epochs.user ||
      session.epochs.workspace !== epochs.workspace ||
      this.challenge(key, grant.challengeId, now) === null
    ) {
      return false;
    }
    session.challenges?.delete(grant.challengeId);
    this.#dropInvisible(session, visibleUntil(session, grant.presented, now));
    for (const proof of grant.proofs) this.#add(session, proof);
    if (grant.binding !== 'bearer') {
      session.oldBinding = session.binding;
      session.oldBindingUntil = now + grant.oldBindingSeconds * 1000;
      session.rotatedAt = now;
      session.binding = grant.binding;
    }
    this.#sessions.delete(key.keyHash);
    this.#sessions.set(key.keyHash, session);
    this.#makeRoom(now);
    return true;
  }

  proofs(key: SessionKey, binding: PresentedBinding, limit: number, now: number): readonly Proof[] {
    const session = this.#find(key);
    if (session === null) return [];
    const until = visibleUntil(session, binding, now);
    const found: Proof[] = [];
    for (const bucket of session.buckets) {
      for (const [patientId, verifiedAt] of bucket.verifiedAt) {
        if (verifiedAt < until) found.push(proofOf(session, bucket, patientId, verifiedAt));
      }
    }
    return found.sort((one, other) => other.verifiedAt - one.verifiedAt).slice(0, limit);
  }

  consume(key: SessionKey, binding: PresentedBinding, operation: string, now: number): boolean {
    const session = this.#find(key);
    if (session === null || session.oneShots === null) return false;
    const until = visibleUntil(session, binding, now);
    const kept = session.oneShots.filter((proof) => proof.operation !== operation || proof.verifiedAt >= until);
    const taken = kept.length < session.oneShots.length;
    session.oneShots = kept.length === 0 ? null : kept;
    return taken;
  }

  takeTurn(key: SessionKey, factor: string, now: number): AttemptTurn {
    const session = this.#find(key);
    if (session === null) return { granted: false, retryAt: now + 1000 };
    session.turns ??= new Map();
    const turns = session.turns.get(factor) ?? { failures: 0, notBefore: 0 };
    if (now < turns.notBefore) return { granted: false, retryAt: turns.notBefore };
    turns.failures += 1;
    const delay = delayAfter(turns.failures);
    if (delay > 0) turns.notBefore = now + delay;
    session.turns.set(factor, turns);
    return { granted: true, failures: turns.failures };
  }

  clearTurns(key: SessionKey, factor: string): void {
    this.#find(key)?.turns?.delete(factor);
  }

  move(key: SessionKey, keyHash: string): void {
    const session = this.#find(key);
    if (session === null || keyHash === key.keyHash) return;
    this.#forget(keyHash);
    this.#sessions.delete(key.keyHash);
    this.#sessions.set(keyHash, session);
  }

  end(key: SessionKey, endedAt: number): void {
    const session = this.#find(key);
    if (session === null) return;
    this.#dropProofs(session);
    session.binding = null;
    session.oldBinding = null;
    session.challenges = null;
    session.ceremonies = null;
    session.turns = null;
    session.endedAt = endedAt;
  }

  dropAllProofs(): void {
    for (const session of this.#sessions.values()) this.#dropProofs(session);
  }

  close(): void {
    this.#sessions.clear();
    this.#proofs = 0;
  }

  #find(key: SessionKey): Session | null {
    const session = this.#sessions.get(key.keyHash);
    return session !== undefined && session.userId === key.userId && session.workspaceId === key.workspaceId
      ? session
      : null;
  }

  #add(session: Session, proof: Proof): void {
    if (proof.operation !== undefined) {
      session.oneShots = [...(session.oneShots ?? []), proof].slice(-sessionBounds.oneShots);
      return;
    }
    const { scope, factor, strength, terms } = proof;
    let bucket = session.buckets.find(
      (held) => held.scope === scope && held.factor === factor && held.strength === strength && held.terms === terms,
    );
    if (bucket === undefined) {
      bucket = { scope, factor, strength, terms, life: proofLife(terms), verifiedAt: new Map() };
      session.buckets.push(bucket);
    }
    // Deleted first, so that the order of entries stays the order of their moments.
    if (bucket.verifiedAt.delete(proof.patientId)) this.#proofs -= 1;
    bucket.verifiedAt.set(proof.patientId, proof.verifiedAt);
    this.#proofs += 1;
  }

  /** Drops what a binding does not see, so that the binding which replaces it never sees it either. */
  #dropInvisible(session: Session, until: number): void {
    if (until === Number.POSITIVE_INFINITY) return;
    for (const bucket of session.buckets) {
      for (const [patientId, verifiedAt] of bucket.verifiedAt) {
        if (verifiedAt < until) continue;
        bucket.verifiedAt.delete(patientId);
        this.#proofs -= 1;
      }
    }
    session.oneShots = session.oneShots?.filter((proof) => proof.verifiedAt < until) ?? null;
  }

  #dropProofs(session: Session): void {
    for (const bucket of session.buckets) this.#proofs -= bucket.verifiedAt.size;
    session.buckets = [];
    session.oneShots = null;
  }

  #forget(keyHash: string): void {
    const session = this.#sessions.get(keyHash);
    if (session === undefined) return;
    this.#dropProofs(session);
    this.#sessions.delete(keyHash);
  }

  #makeRoom(now: number): void {
    // Twice: each write puts one session behind the iterator's end, and it has to gain on them to go round.
    this.#expireSome(now);
    this.#expireSome(now);
    while (this.#sessions.size > this.#maxSessions || this.#proofs > this.#maxProofs) {
      const oldest = this.#sessions.entries().next();
      if (oldest.done === true) return;
      const [keyHash, session] = oldest.value;
      if (this.#sessions.size > 1) this.#forget(keyHash);
      else this.#dropOldest(session, this.#proofs - this.#maxProofs);
    }
  }

  #dropOldest(session: Session, count: number): void {
    let left = count;
    for (const bucket of session.buckets) {
      for (const patientId of bucket.verifiedAt.keys()) {
        if (left <= 0) return;
        bucket.verifiedAt.delete(patientId);
        this.#proofs -= 1;
        left -= 1;
      }
    }
  }

  /** Looks at the heads of the next session's buckets; the iterator goes round, also while sessions come and go. */
  #expireSome(now: number): void {
    let next = this.#sweep.next();
    if (next.done === true) {
      this.#sweep = this.#sessions.values();
      next = this.#sweep.next();
    }
    if (next.done === true) return;
    const session = next.value;
    let looked = 0;
    for (const bucket of session.buckets) {
      for (const [patientId, verifiedAt] of bucket.verifiedAt) {
        looked += 1;
        if (looked > SWEEP_ENTRIES || now < verifiedAt + bucket.life) break;
        bucket.verifiedAt.delete(patientId);
        this.#proofs -= 1;
      }
    }
    if (session.buckets.some((bucket) => bucket.verifiedAt.size === 0)) {
      session.buckets = session.buckets.filter((bucket) => bucket.verifiedAt.size > 0);
    }
  }
}

function proofOf(session: Session, bucket: Bucket, patientId: string, verifiedAt: number): Proof {
  return {
    workspaceId: session.workspaceId,
    userId: session.userId,
    sessionNumber: session.number,
    patientId,
    scope: bucket.scope,
    factor: bucket.factor,
    strength: bucket.strength,
    verifiedAt,
    terms: bucket.terms,
  };
}
