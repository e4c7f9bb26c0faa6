import {
  type AttemptTurn,
  type Epochs,
  type Grant,
  type OpenChallenge,
  type PresentedBinding,
  type Proof,
  type SessionKey,
  type SessionReading,
  type SessionStart,
  type SessionStateStore,
  sessionBounds,
  visibleUntil,
} from '@countersign/core';
import type { BoundedRedis } from './bounded-redis.ts';
import { type Script, scripts } from './scripts.ts';
import { bindingArgument, patientField, proofArguments, proofsIn, wordOf } from './session-lines.ts';

const HEAD = ['at', 'w', 'u', 'n', 'si', 'eu', 'ew', 'e', 'f', 'la', 'g', 'b', 'ob', 'obu', 'ra', 'o'] as const;
type Head = Readonly<Partial<Record<(typeof HEAD)[number], string>>>;

interface Place {
  readonly name: string;
  /** The key under whose slot a moved session still lies. */
  readonly home: string | null;
}

/**
 * One hash per session, in the slot of the key that it began under. When the host gives it another key, the hash is renamed within
 * that slot, which is the one moment at which it moves, and the new key's slot says where to look: one more call per
 * request, and no script ever touches two slots.
 *
 * Proofs count only where the session's generation is the one in a key of its own. To drop all proofs, in whatever slots, is to
 * replace that one word; it is random, so that losing it revives nothing.
 */
export class RedisSessions implements SessionStateStore {
  readonly shared = true;
  readonly #redis: BoundedRedis;
  readonly #prefix: string;
  readonly #life: number;
  readonly #randomWord: () => string;

  constructor(parts: {
    readonly redis: BoundedRedis;
    readonly prefix: string;
    /** Milliseconds. */
    readonly life: number;
    readonly randomWord: () => string;
  }) {
    this.#redis = parts.redis;
    this.#prefix = parts.prefix;
    this.#life = parts.life;
    this.#randomWord = parts.randomWord;
  }

  async read(
    key: SessionKey,
    binding: PresentedBinding,
    patientIds: readonly string[],
    now: number,
  ): Promise<SessionReading | null> {
    const fields = [...HEAD, ...patientIds.map(patientField)];
    // At the same time; a generation that is replaced between the two makes proofs invisible, never the other way round.
    const [generation, values] = await Promise.all([this.#generation(), this.#members(key, fields)]);
    if (values === null) return null;
    const head = headOf(values);
    if (head.w !== key.workspaceId || head.u !== key.userId) return null;
    const proofs: Proof[] = [];
    const until = visibleIn(head, generation, binding, now);
    if (until > 0) {
      // Also by the id itself: texts that are no Unicode share a field.
      const asked = new Set(patientIds);
      for (const lines of new Set([...values.slice(HEAD.length), head.o])) {
        proofs.push(...fullProofs(head, key, lines, until).filter(({ patientId }) => asked.has(patientId)));
      }
    }
    return {
      number: head.n ?? '',
      signedInAt: Number(head.si),
      epochs: { user: Number(head.eu), workspace: Number(head.ew) },
      endedAt: head.e === undefined ? null : Number(head.e),
      hasFactor: head.f === '1',
      lastActivityAt: head.la === undefined ? null : Number(head.la),
      proofs,
    };
  }

  async begin(key: SessionKey, start: SessionStart): Promise<void> {
    const { number, signedInAt, epochs, endedAt, hasFactor } = start;
    const facts = [number, signedInAt, epochs.user, epochs.workspace, endedAt ?? '', flag(hasFactor)];
    const [word, home] = await this.#at(scripts.begin, this.#key(key.keyHash), key, [...facts, '', '0']);
    if (word !== 'at') return;
    const [moved] = await this.#at(scripts.begin, this.#movedKey(String(home), key.keyHash), key, [...facts, '', '1']);
    // Replies `at` only where somebody began or moved a session there in between: theirs stays.
    if (moved === 'gone') await this.#at(scripts.begin, this.#key(key.keyHash), key, [...facts, String(home), '0']);
  }

  async renew(key: SessionKey, epochs: Epochs, hasFactor: boolean): Promise<void> {
    await this.#run(scripts.renew, key, [epochs.user, epochs.workspace, flag(hasFactor)]);
  }

  async carry(key: SessionKey, number: string, from: Epochs, to: Epochs, hasFactor: boolean): Promise<void> {
    const epochs = [from.user, from.workspace, to.user, to.workspace];
    await this.#run(scripts.carry, key, [number, ...epochs, flag(hasFactor)]);
  }

  async openChallenge(
    key: SessionKey,
    requirementKey: string,
    create: () => OpenChallenge,
    now: number,
  ): Promise<OpenChallenge | null> {
    const made = create();
    const words = [now, wordOf(requirementKey), wordOf(made.id), made.expiresAt];
    const [json] = await this.#run(scripts.openChallenge, key, [
      ...words,
      JSON.stringify(made),
      sessionBounds.challenges,
    ]);
    return challengeOf(json);
  }

  async challenge(key: SessionKey, id: string, now: number): Promise<OpenChallenge | null> {
    const [json] = await this.#run(scripts.challenge, key, [now, wordOf(id)]);
    return challengeOf(json);
  }

  async voidChallenge(key: SessionKey, id: string): Promise<void> {
    await this.#run(scripts.voidChallenge, key, [wordOf(id)]);
  }

  async grant(key: SessionKey, number: string, epochs: Epochs, grant: Grant, now: number): Promise<boolean> {
    // Twice as long as what it is about, so that it never goes before.
    const made = await this.#redis.script(
      scripts.generation,
      [this.#generationKey()],
      [this.#randomWord(), this.#life * 2],
    );
    const { challengeId, presented, binding, oldBindingSeconds, proofs } = grant;
    const [granted] = await this.#run(scripts.grant, key, [
      number,
      epochs.user,
      epochs.workspace,
      now,
      wordOf(challengeId),
      bindingArgument(presented),
      binding === 'bearer' ? '' : bindingArgument(binding),
      now + oldBindingSeconds * 1000,
      String(made[1]),
      sessionBounds.oneShots,
      ...proofs.flatMap(proofArguments),
    ]);
    return granted === 1;
  }

  async proofs(key: SessionKey, binding: PresentedBinding, limit: number, now: number): Promise<readonly Proof[]> {
    const whole = (name: string) => this.#redis.run((commands) => commands.hGetAll(name));
    const [generation, here] = await Promise.all([this.#generation(), whole(this.#key(key.keyHash))]);
    const session = here.at === undefined ? here : await whole(this.#movedKey(here.at, key.keyHash));
    if (session.w !== key.workspaceId || session.u !== key.userId) return [];
    const until = visibleIn(session, generation, binding, now);
    if (until === 0) return [];
    return Object.entries(session)
      .flatMap(([field, lines]) => (field.startsWith('p:') ? fullProofs(session, key, lines, until) : []))
      .sort((one, other) => other.verifiedAt - one.verifiedAt)
      .slice(0, limit);
  }

  async consume(key: SessionKey, binding: PresentedBinding, operation: string, now: number): Promise<boolean> {
    const generation = await this.#generation();
    if (generation === null) return false;
    const values = [bindingArgument(binding), wordOf(operation), now, generation];
    const [taken] = await this.#run(scripts.consume, key, values);
    return taken === 1;
  }

  async keepCeremony(key: SessionKey, name: string, value: string, expiresAt: number, now: number): Promise<boolean> {
    const values = [wordOf(name), JSON.stringify(value), expiresAt, now, sessionBounds.ceremonies];
    const [kept] = await this.#run(scripts.keepCeremony, key, values);
    return kept === 1;
  }

  async takeCeremony(key: SessionKey, name: string, now: number): Promise<string | null> {
    const [json] = await this.#run(scripts.takeCeremony, key, [wordOf(name), now]);
    return typeof json === 'string' ? (JSON.parse(json) as string) : null;
  }

  async takeTurn(key: SessionKey, factor: string, now: number): Promise<AttemptTurn> {
    const bounds = [sessionBounds.freeFailures, sessionBounds.longestDelaySeconds];
    const [granted, count] = await this.#run(scripts.takeTurn, key, [wordOf(factor), now, ...bounds]);
    return granted === 1 ? { granted: true, failures: Number(count) } : { granted: false, retryAt: Number(count) };
  }

  async clearTurns(key: SessionKey, factor: string): Promise<void> {
    await this.#run(scripts.clearTurns, key, [wordOf(factor)]);
  }

  async move(key: SessionKey, keyHash: string): Promise<void> {
    if (keyHash === key.keyHash) return;
    const from = await this.#place(key);
    if (from === null) return;
    const home = from.home ?? key.keyHash;
    const point = () => this.#at(scripts.point, this.#key(keyHash), key, [home]);
    const to = keyHash === home ? this.#key(home) : this.#movedKey(home, keyHash);
    // First where to look, then the move itself: between the two the session is found under the old key, and after it under the new.
    const [, before] = keyHash === home ? [] : await point();
    const [, moved] = await this.#redis.script(scripts.rename, [from.name, to], this.#who(key));
    if (moved !== 1) {
      if (keyHash !== home) await this.#at(scripts.unpoint, this.#key(keyHash), key, [home]);
      return;
    }
    // Somebody may have begun a session under the new key while nothing was there.
    if (keyHash !== home) await point();
    if (from.home !== null) await this.#at(scripts.unpoint, this.#key(key.keyHash), key, [home]);
    if (typeof before === 'string') await this.#forget(before, keyHash);
  }

  async end(key: SessionKey, endedAt: number): Promise<void> {
    await this.#run(scripts.end, key, [endedAt]);
  }

  async dropAllProofs(): Promise<void> {
    await this.#redis.run((commands) =>
      commands.set(this.#generationKey(), this.#randomWord(), { PX: this.#life * 2 }),
    );
  }

  close(): void {
    this.#redis.close();
  }

  #generation(): Promise<string | null> {
    return this.#redis.run((commands) => commands.get(this.#generationKey()));
  }

  async #members(key: SessionKey, fields: readonly string[]): Promise<readonly (string | null)[] | null> {
    const here = await this.#redis.run((commands) => commands.hmGet(this.#key(key.keyHash), fields));
    const [home] = here;
    if (home == null) return here;
    return await this.#redis.run((commands) => commands.hmGet(this.#movedKey(home, key.keyHash), fields));
  }

  /** Where the session is; null where it is unknown. */
  async #place(key: SessionKey): Promise<Place | null> {
    const own = this.#key(key.keyHash);
    const [word, found] = await this.#at(scripts.find, own, key, []);
    if (word !== 'at') return found === 1 ? { name: own, home: null } : null;
    const name = this.#movedKey(String(found), key.keyHash);
    const [, there] = await this.#at(scripts.find, name, key, []);
    return there === 1 ? { name, home: String(found) } : null;
  }

  /** Runs a script about a session, wherever it lies. */
  async #run(script: Script, key: SessionKey, values: readonly (string | number)[]): Promise<readonly unknown[]> {
    const [word, ...reply] = await this.#at(script, this.#key(key.keyHash), key, values);
    if (word !== 'at') return reply;
    const name = this.#movedKey(String(reply[0]), key.keyHash);
    const [, ...moved] = await this.#at(script, name, key, values);
    return moved;
  }

  #at(script: Script, name: string, key: SessionKey, values: readonly (string | number)[]) {
    return this.#redis.script(script, [name], [...this.#who(key), ...values]);
  }

  /** What lay under a key that another session was moved to. Nobody can reach it any more; this only tidies. */
  async #forget(home: string, keyHash: string): Promise<void> {
    await this.#redis.script(scripts.forget, [this.#movedKey(home, keyHash)], []).catch(() => {});
  }

  #who(key: SessionKey): (string | number)[] {
    return [key.workspaceId, key.userId, this.#life];
  }

  // The braces are Redis Cluster's hash tag: what is inside decides the slot.
  #key(keyHash: string): string {
    return `{${this.#prefix}:${keyHash}}`;
  }

  #movedKey(home: string, keyHash: string): string {
    return `${this.#key(home)}:${keyHash}`;
  }

  #generationKey(): string {
    return `{${this.#prefix}:}generation`;
  }
}

const flag = (value: boolean): string => (value ? '1' : '0');

function headOf(values: readonly (string | null)[]): Head {
  const head: Partial<Record<(typeof HEAD)[number], string>> = {};
  HEAD.forEach((field, index) => {
    const value = values[index];
    if (value != null) head[field] = value;
  });
  return head;
}

function visibleIn(head: Head, generation: string | null, presented: PresentedBinding, now: number): number {
  if (generation === null || head.g !== generation) return 0;
  return visibleUntil(
    {
      binding: bindingOf(head.b),
      oldBinding: bindingOf(head.ob),
      oldBindingUntil: Number(head.obu ?? 0),
      rotatedAt: Number(head.ra ?? 0),
    },
    presented,
    now,
  );
}

/** As `bindingArgument` wrote it. */
const bindingOf = (member: string | undefined): string | null => member?.slice(1) ?? null;

function fullProofs(head: Head, key: SessionKey, lines: string | null | undefined, until: number): Proof[] {
  const { workspaceId, userId } = key;
  return proofsIn(lines, until).map(({ verifiedAt, proof: { operation, ...proof } }) => ({
    workspaceId,
    userId,
    sessionNumber: head.n ?? '',
    ...proof,
    verifiedAt,
    ...(operation === undefined ? {} : { operation }),
  }));
}

const challengeOf = (json: unknown): OpenChallenge | null =>
  typeof json === 'string' ? (JSON.parse(json) as OpenChallenge) : null;
