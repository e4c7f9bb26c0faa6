import {
  type AttemptTurn,
  delayAfter,
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
import { and, desc, eq, gte, inArray, isNull, lt, not, or, type SQL, sql } from 'drizzle-orm';
import type { Queries } from '../database.ts';
import { sessionProof, sessionState } from '../schema.ts';
import { patientText, proofOf, proofRow } from './proof-rows.ts';

type Row = typeof sessionState.$inferSelect;
type Transaction = Parameters<Parameters<Queries['transaction']>[0]>[0];

interface HeldChallenge {
  readonly requirementKey: string;
  readonly challenge: OpenChallenge;
}
interface HeldCeremony {
  readonly name: string;
  readonly value: string;
  readonly expiresAt: number;
}
interface HeldTurns {
  readonly factor: string;
  readonly failures: number;
  readonly notBefore: number;
}

/** Expired rows that one write takes away: bounded, so that no request pays for all. */
const SWEEP_SESSIONS = 16;
const SWEEP_PROOFS = 256;
/** Rows of one INSERT: a statement has at most 65,535 parameters. */
const ROWS_PER_INSERT = 1000;

const ofKey = (key: SessionKey): SQL | undefined =>
  and(
    eq(sessionState.keyHash, key.keyHash),
    eq(sessionState.workspaceId, key.workspaceId),
    eq(sessionState.userId, key.userId),
  );

/** One statement per call, or one short transaction that holds the lock of the session's row. */
export class PostgresSessions implements SessionStateStore {
  readonly shared: boolean;
  readonly close: () => Promise<void>;
  readonly #queries: Queries;
  readonly #life: number;
  readonly #run: <T>(work: () => Promise<T>) => Promise<T>;
  readonly #truncate: (statement: SQL) => Promise<void>;

  constructor(parts: {
    readonly queries: Queries;
    readonly shared: boolean;
    /** Milliseconds. */
    readonly life: number;
    /** Bounds a call, and turns what it throws into one of our errors. */
    readonly run: <T>(work: () => Promise<T>) => Promise<T>;
    readonly truncate: (statement: SQL) => Promise<void>;
    readonly close: () => Promise<void>;
  }) {
    this.shared = parts.shared;
    this.close = parts.close;
    this.#queries = parts.queries;
    this.#life = parts.life;
    this.#run = parts.run;
    this.#truncate = parts.truncate;
  }

  async read(
    key: SessionKey,
    binding: PresentedBinding,
    patientIds: readonly string[],
    now: number,
  ): Promise<SessionReading | null> {
    const patients = JSON.stringify(patientIds.map(patientText));
    // Names in full: in a select of one table Drizzle writes columns without their table.
    const held = sql<string>`(
      select coalesce(json_agg(json_build_array(session_proof.content, session_proof.verified_at)), '[]')::text
      from ${sessionProof}
      where session_proof.proofs = session_state.proofs
        and session_proof.patient = any (array(select jsonb_array_elements_text(${patients}::text::jsonb))))`;
    const [found] = await this.#run(() =>
      this.#queries.select({ row: readColumns, held }).from(sessionState).where(ofKey(key)),
    );
    if (found === undefined) return null;
    const { row } = found;
    const until = visibleUntil(row, binding, now);
    const proofs = (JSON.parse(found.held) as [string, number][])
      .filter(([, verifiedAt]) => verifiedAt < until)
      .map(([content, verifiedAt]) => proofOf(key, row.number, content, verifiedAt));
    const { number, signedInAt, endedAt, hasFactor, lastActivityAt } = row;
    const epochs = { user: row.userEpoch, workspace: row.workspaceEpoch };
    return { number, signedInAt, epochs, endedAt, hasFactor, lastActivityAt, proofs };
  }

  async begin(key: SessionKey, start: SessionStart): Promise<void> {
    const { number, epochs, endedAt, hasFactor, signedInAt, now } = start;
    const values = {
      ...key,
      number,
      signedInAt,
      userEpoch: epochs.user,
      workspaceEpoch: epochs.workspace,
      endedAt,
      hasFactor,
      expiresAt: now + this.#life,
      // Nobody was seen active yet: the idle limit counts from the sign-in, so that losing state undoes no lock.
      lastActivityAt: null,
      binding: null,
      oldBinding: null,
      challenges: '[]',
      ceremonies: '[]',
      turns: '[]',
    };
    const sameUser = and(eq(sessionState.workspaceId, key.workspaceId), eq(sessionState.userId, key.userId));
    const sameSignIn = or(
      and(isNull(sessionState.endedAt), eq(sessionState.signedInAt, signedInAt)),
      gte(sessionState.endedAt, signedInAt),
    );
    await this.#transact((transaction) =>
      transaction
        .insert(sessionState)
        .values(values)
        .onConflictDoUpdate({
          target: sessionState.keyHash,
          set: { ...values, proofs: sql`gen_random_uuid()` },
          setWhere: not(sql`coalesce(${and(sameUser, sameSignIn)}, false)`),
        }),
    );
    await this.#transact((transaction) => this.#sweep(transaction, now));
  }

  async renew(key: SessionKey, epochs: Epochs, hasFactor: boolean): Promise<void> {
    await this.#change(key, undefined, async (transaction, row) => {
      await dropProofs(transaction, row);
      await write(transaction, row, {
        userEpoch: epochs.user,
        workspaceEpoch: epochs.workspace,
        hasFactor,
        ...unbound,
        challenges: '[]',
        ceremonies: '[]',
      });
    });
  }

  async carry(key: SessionKey, number: string, from: Epochs, to: Epochs, hasFactor: boolean): Promise<void> {
    await this.#transact((transaction) =>
      transaction
        .update(sessionState)
        .set({ userEpoch: to.user, workspaceEpoch: to.workspace, hasFactor })
        .where(
          and(
            ofKey(key),
            isNull(sessionState.endedAt),
            eq(sessionState.number, number),
            eq(sessionState.userEpoch, from.user),
            eq(sessionState.workspaceEpoch, from.workspace),
          ),
        ),
    );
  }

  async openChallenge(
    key: SessionKey,
    requirementKey: string,
    create: () => OpenChallenge,
    now: number,
  ): Promise<OpenChallenge | null> {
    return await this.#change(key, null, async (transaction, row) => {
      if (row.endedAt !== null) return null;
      const open = challengesOf(row).filter(({ challenge }) => now < challenge.expiresAt);
      const shared = open.find((held) => held.requirementKey === requirementKey);
      if (shared !== undefined) return shared.challenge;
      const challenge = create();
      const challenges = JSON.stringify([...open, { requirementKey, challenge }].slice(-sessionBounds.challenges));
      await write(transaction, row, { challenges, expiresAt: now + this.#life });
      return challenge;
    });
  }

  async challenge(key: SessionKey, id: string, now: number): Promise<OpenChallenge | null> {
    const { challenges } = sessionState;
    const [row] = await this.#run(() => this.#queries.select({ challenges }).from(sessionState).where(ofKey(key)));
    return row === undefined ? null : openIn(row, id, now);
  }

  async voidChallenge(key: SessionKey, id: string): Promise<void> {
    await this.#change(key, undefined, (transaction, row) => write(transaction, row, { challenges: without(row, id) }));
  }

  async grant(key: SessionKey, number: string, epochs: Epochs, grant: Grant, now: number): Promise<boolean> {
    return await this.#change(key, false, async (transaction, row) => {
      const same =
        row.endedAt === null &&
        row.number === number &&
        row.userEpoch === epochs.user &&
        row.workspaceEpoch === epochs.workspace;
      if (!same || openIn(row, grant.challengeId, now) === null) return false;
      const until = visibleUntil(row, grant.presented, now);
      if (until !== Number.POSITIVE_INFINITY) {
        const { proofs, verifiedAt } = sessionProof;
        await transaction.delete(sessionProof).where(and(eq(proofs, row.proofs), gte(verifiedAt, until)));
      }
      await addProofs(transaction, row, grant.proofs);
      const rotated = {
        binding: grant.binding,
        oldBinding: row.binding,
        oldBindingUntil: now + grant.oldBindingSeconds * 1000,
        rotatedAt: now,
      };
      await write(transaction, row, {
        challenges: without(row, grant.challengeId),
        expiresAt: now + this.#life,
        ...(grant.binding === 'bearer' ? {} : rotated),
      });
      await this.#sweep(transaction, now);
      return true;
    });
  }

  async proofs(key: SessionKey, binding: PresentedBinding, limit: number, now: number): Promise<readonly Proof[]> {
    const rows = await this.#run(() =>
      this.#queries
        .select({ row: readColumns, content: sessionProof.content, verifiedAt: sessionProof.verifiedAt })
        .from(sessionState)
        .innerJoin(sessionProof, eq(sessionProof.proofs, sessionState.proofs))
        .where(and(ofKey(key), isNull(sessionProof.operation)))
        .orderBy(desc(sessionProof.verifiedAt)),
    );
    return rows
      .filter(({ row, verifiedAt }) => verifiedAt < visibleUntil(row, binding, now))
      .slice(0, limit)
      .map(({ row, content, verifiedAt }) => proofOf(key, row.number, content, verifiedAt));
  }

  async consume(key: SessionKey, binding: PresentedBinding, operation: string, now: number): Promise<boolean> {
    return await this.#change(key, false, async (transaction, row) => {
      const until = visibleUntil(row, binding, now);
      if (until === 0) return false;
      const seen = until === Number.POSITIVE_INFINITY ? undefined : lt(sessionProof.verifiedAt, until);
      const taken = await transaction
        .delete(sessionProof)
        .where(and(eq(sessionProof.proofs, row.proofs), eq(sessionProof.operation, operation), seen))
        .returning({ patient: sessionProof.patient });
      return taken.length > 0;
    });
  }

  async keepCeremony(key: SessionKey, name: string, value: string, expiresAt: number, now: number): Promise<boolean> {
    return await this.#change(key, false, async (transaction, row) => {
      if (row.endedAt !== null) return false;
      const live = ceremoniesOf(row).filter((held) => now < held.expiresAt && held.name !== name);
      const ceremonies = JSON.stringify([...live, { name, value, expiresAt }].slice(-sessionBounds.ceremonies));
      await write(transaction, row, { ceremonies, expiresAt: now + this.#life });
      return true;
    });
  }

  async takeCeremony(key: SessionKey, name: string, now: number): Promise<string | null> {
    return await this.#change(key, null, async (transaction, row) => {
      const all = ceremoniesOf(row);
      const found = all.find((held) => held.name === name);
      if (found === undefined) return null;
      await write(transaction, row, { ceremonies: JSON.stringify(all.filter((held) => held !== found)) });
      return now < found.expiresAt ? found.value : null;
    });
  }

  async takeTurn(key: SessionKey, factor: string, now: number): Promise<AttemptTurn> {
    const unknown: AttemptTurn = { granted: false, retryAt: now + 1000 };
    return await this.#change(key, unknown, async (transaction, row): Promise<AttemptTurn> => {
      const all = turnsOf(row);
      const { failures, notBefore } = all.find((held) => held.factor === factor) ?? { failures: 0, notBefore: 0 };
      if (now < notBefore) return { granted: false, retryAt: notBefore };
      const delay = delayAfter(failures + 1);
      const turn = { factor, failures: failures + 1, notBefore: delay === 0 ? notBefore : now + delay };
      const turns = JSON.stringify([...all.filter((held) => held.factor !== factor), turn]);
      await write(transaction, row, { turns, expiresAt: now + this.#life });
      return { granted: true, failures: turn.failures };
    });
  }

  async clearTurns(key: SessionKey, factor: string): Promise<void> {
    await this.#change(key, undefined, async (transaction, row) => {
      const turns = JSON.stringify(turnsOf(row).filter((held) => held.factor !== factor));
      await write(transaction, row, { turns });
    });
  }

  async move(key: SessionKey, keyHash: string): Promise<void> {
    if (keyHash === key.keyHash) return;
    await this.#change(key, undefined, async (transaction, row) => {
      await transaction.delete(sessionState).where(eq(sessionState.keyHash, keyHash));
      await write(transaction, row, { keyHash });
    });
  }

  async end(key: SessionKey, endedAt: number): Promise<void> {
    await this.#change(key, undefined, async (transaction, row) => {
      await dropProofs(transaction, row);
      const expiresAt = endedAt + this.#life;
      await write(transaction, row, {
        ...unbound,
        challenges: '[]',
        ceremonies: '[]',
        turns: '[]',
        endedAt,
        expiresAt,
      });
    });
  }

  async dropAllProofs(): Promise<void> {
    // However many there are; whoever is reading is waited for, and sees none of them afterwards.
    await this.#run(() => this.#truncate(sql`truncate ${sessionProof}`));
  }

  /** Runs `work` while the session's row is locked; `unknown` where there is no such session. */
  #change<T>(key: SessionKey, unknown: T, work: (transaction: Transaction, row: Row) => Promise<T>): Promise<T> {
    return this.#transact(async (transaction) => {
      const [row] = await transaction.select().from(sessionState).where(ofKey(key)).for('update');
      return row === undefined ? unknown : await work(transaction, row);
    });
  }

  /** What a row that was waited for says now counts, not what it said at the beginning, whatever the host's client is set to. */
  #transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#run(() => this.#queries.transaction(work, { isolationLevel: 'read committed' }));
  }

  /** Takes away some rows that are over. Those that somebody else holds are left to the next time. */
  async #sweep(transaction: Transaction, now: number): Promise<void> {
    await transaction.execute(sql`
      delete from ${sessionState} where key_hash in (
        select key_hash from ${sessionState} where expires_at <= ${now}::bigint
        order by expires_at limit ${sql.raw(String(SWEEP_SESSIONS))} for update skip locked)`);
    await transaction.execute(sql`
      delete from ${sessionProof} where (proofs, patient, kind) in (
        select proofs, patient, kind from ${sessionProof} where expires_at <= ${now}::bigint
        order by expires_at limit ${sql.raw(String(SWEEP_PROOFS))} for update skip locked)`);
  }
}

const {
  number,
  signedInAt,
  userEpoch,
  workspaceEpoch,
  endedAt,
  lastActivityAt,
  hasFactor,
  binding,
  oldBinding,
  oldBindingUntil,
  rotatedAt,
} = sessionState;
const readColumns = {
  number,
  signedInAt,
  userEpoch,
  workspaceEpoch,
  endedAt,
  lastActivityAt,
  hasFactor,
  binding,
  oldBinding,
  oldBindingUntil,
  rotatedAt,
};

/** No binding, and another set of proofs: one that comes late finds nobody who sees it. */
const unbound = { binding: null, oldBinding: null, proofs: sql`gen_random_uuid()` };

async function write(
  transaction: Transaction,
  row: Row,
  change: Partial<{ [Name in keyof Row]: Row[Name] | SQL }>,
): Promise<void> {
  await transaction.update(sessionState).set(change).where(eq(sessionState.keyHash, row.keyHash));
}

async function dropProofs(transaction: Transaction, row: Row): Promise<void> {
  await transaction.delete(sessionProof).where(eq(sessionProof.proofs, row.proofs));
}

async function addProofs(transaction: Transaction, row: Row, proofs: readonly Proof[]): Promise<void> {
  // One statement must not meet the same row twice.
  const rows = [
    ...new Map(proofs.map((proof) => proofRow(row.proofs, proof)).map((one) => [one.id, one.row])).values(),
  ];
  for (let at = 0; at < rows.length; at += ROWS_PER_INSERT) {
    await transaction
      .insert(sessionProof)
      .values(rows.slice(at, at + ROWS_PER_INSERT))
      .onConflictDoUpdate({
        target: [sessionProof.proofs, sessionProof.patient, sessionProof.kind],
        set: { verifiedAt: sql`excluded.verified_at`, expiresAt: sql`excluded.expires_at` },
      });
  }
  if (!rows.some(({ operation }) => operation !== null)) return;
  const { kind, operation, patient, proofs: set, verifiedAt } = sessionProof;
  const oneShots = and(eq(set, row.proofs), sql`${operation} is not null`);
  const over = await transaction
    .select({ patient, kind })
    .from(sessionProof)
    .where(oneShots)
    .orderBy(desc(verifiedAt))
    .offset(sessionBounds.oneShots);
  if (over.length === 0) return;
  // Kinds of one-shots name the patient as well.
  const kinds = over.map((one) => one.kind);
  await transaction.delete(sessionProof).where(and(oneShots, inArray(kind, kinds)));
}

const challengesOf = (row: Pick<Row, 'challenges'>): readonly HeldChallenge[] => JSON.parse(row.challenges);
const ceremoniesOf = (row: Row): readonly HeldCeremony[] => JSON.parse(row.ceremonies);
const turnsOf = (row: Row): readonly HeldTurns[] => JSON.parse(row.turns);

function openIn(row: Pick<Row, 'challenges'>, id: string, now: number): OpenChallenge | null {
  const challenge = challengesOf(row).find((held) => held.challenge.id === id)?.challenge;
  return challenge !== undefined && now < challenge.expiresAt ? challenge : null;
}

const without = (row: Row, id: string): string =>
  JSON.stringify(challengesOf(row).filter(({ challenge }) => challenge.id !== id));
