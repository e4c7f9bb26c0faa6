import type { AuditRecord } from '../../src/audit/event.ts';
import { CountersignError } from '../../src/errors/countersign-error.ts';
import type { Outbox, OutboxJob, OutboxResult, OutboxTask, OutboxTiming } from '../../src/store/outbox.ts';
import type {
  AttemptKey,
  AttemptLimits,
  AttemptReservation,
  AuditConnection,
  AuditCriteria,
  AuditFindings,
  AuditQuery,
  AuditSearch,
  ChangeListener,
  EmergencyAccessQuery,
  EmergencyAccessRow,
  EmergencyStepRow,
  Epochs,
  FactorRow,
  Leadership,
  SessionStanding,
  SettingsProposalRow,
  SettingsRow,
  Store,
  StoredEmergencyAccess,
  StoreTransaction,
  StreamHead,
} from '../../src/store/store.ts';
import { FakeSeals } from './fake-seals.ts';

/** Where a test can wait, fail or look: before a call takes effect, or after it did and before the caller learns of it. */
export type Moment =
  | 'sessionStanding'
  | 'factors'
  | 'settings'
  | 'emergencyAccess'
  | 'auditEvents'
  | 'openAuditConnection'
  | 'openStream'
  | 'append'
  | 'appended'
  | 'commit'
  | 'committed'
  | 'written';

interface Rows {
  readonly factors: Map<string, FactorRow>;
  readonly settings: Map<string, SettingsRow>;
  readonly proposals: Map<string, SettingsProposalRow>;
  readonly epochs: Map<string, number>;
  readonly accesses: EmergencyAccessRow[];
  readonly steps: EmergencyStepRow[];
  readonly ended: Parameters<StoreTransaction['endSession']>[0][];
  readonly attempts: Map<string, { consecutive: number; readonly ids: Set<string> }>;
  /** The outbox, in the order of putting in. */
  readonly jobs: Map<string, FakeJob>;
}

interface FakeJob {
  readonly job: OutboxJob;
  readonly timing: OutboxTiming;
  attempt: number;
  done: boolean;
  givenUp: string | null;
}

const compare = (one: unknown, other: unknown): number =>
  one === other ? 0 : (one as string | number) < (other as string | number) ? -1 : 1;

const fits = (record: AuditRecord, criteria: AuditCriteria): boolean =>
  record.workspaceId === criteria.workspaceId &&
  (criteria.from === undefined || record.at >= criteria.from) &&
  (criteria.until === undefined || record.at < criteria.until) &&
  (criteria.id === undefined || record.id === criteria.id) &&
  (criteria.userId === undefined || record.userId === criteria.userId) &&
  (criteria.person === undefined || record.userId === criteria.person || record.actorId === criteria.person) &&
  (criteria.patientId === undefined || record.patientId === criteria.patientId) &&
  (criteria.category === undefined || record.categories?.split(',').includes(criteria.category) === true) &&
  (criteria.codes === undefined || criteria.codes.includes(record.code)) &&
  (criteria.outcome === undefined || record.outcome === criteria.outcome) &&
  (criteria.emergencyAccessId === undefined || record.emergencyAccessId === criteria.emergencyAccessId);

const place = (...parts: readonly (string | null)[]): string => JSON.stringify(parts);
const copy = (rows: Rows): Rows => structuredClone(rows);

/**
 * A store in memory, with the transactions of a real one and hooks where real ones fail. It keeps rows as they are given, so
 * that a test can change them behind Countersign's back.
 */
export class FakeStore implements Store {
  readonly shared = true;
  rows: Rows = {
    factors: new Map(),
    settings: new Map(),
    proposals: new Map(),
    epochs: new Map(),
    accesses: [],
    steps: [],
    ended: [],
    attempts: new Map(),
    jobs: new Map(),
  };
  /** Every record ever committed, in order of commit. */
  readonly records: AuditRecord[] = [];
  readonly seals = new FakeSeals(this.records);
  /** How many records each `append` had, in order. */
  readonly appends: number[] = [];
  readonly listeners = new Set<ChangeListener>();
  /** Calls so far, by name. */
  readonly calls = new Map<string, number>();
  /** Streams opened, each with the one it was said to follow. */
  readonly opened: { readonly stream: string; readonly previous: string | null; alive: boolean }[] = [];
  /** How old emergency accesses are by the database's clock, by id; milliseconds. */
  readonly ages = new Map<string, number>();
  /** Whether listeners hear of commits at once. */
  tells = true;
  readonly #hooks = new Map<Moment, (records: readonly AuditRecord[]) => void | Promise<void>>();

  /** Calls back at a moment. Throw there to fail, await there to wait. */
  at(moment: Moment, hook: ((records: readonly AuditRecord[]) => void | Promise<void>) | null): this {
    if (hook === null) this.#hooks.delete(moment);
    else this.#hooks.set(moment, hook);
    return this;
  }

  /** The same, for the next time only. */
  once(moment: Moment, hook: (records: readonly AuditRecord[]) => void | Promise<void>): this {
    return this.at(moment, (records) => {
      this.at(moment, null);
      return hook(records);
    });
  }

  /** Stops the next call at a moment: `reached` once it is there, until `open`. */
  hold(moment: Moment): { readonly reached: Promise<void>; open(): void } {
    const arrival = gate();
    const departure = gate();
    this.once(moment, async () => {
      arrival.open();
      await departure.passed;
    });
    return { reached: arrival.passed, open: () => departure.open() };
  }

  confirm(): void {
    for (const listener of this.listeners) listener.confirmed();
  }

  async ready(): Promise<void> {}

  async sessionStanding({
    workspaceId,
    userId,
    keyHash,
    signedInAt,
  }: Parameters<Store['sessionStanding']>[0]): Promise<SessionStanding> {
    const endings = this.rows.ended
      .filter((row) => row.workspaceId === workspaceId && row.userId === userId)
      .filter(
        (row) =>
          row.keyHash === keyHash ||
          (row.signedInAt === signedInAt && !row.keyHash.startsWith('*-')) ||
          (row.keyHash === '*' && signedInAt <= row.endedAt) ||
          (row.keyHash.startsWith('*-') && row.keyHash !== `*-${signedInAt}` && signedInAt <= row.endedAt),
      )
      .map(({ endedAt }) => endedAt);
    const standing = {
      epochs: this.#epochs(workspaceId, userId),
      hasFactor: [...this.rows.factors.values()].some(
        (row) => row.workspaceId === workspaceId && row.userId === userId && row.confirmedAt !== null,
      ),
      endedAt: endings.length === 0 ? null : Math.max(...endings),
    };
    // Read before the hook: what a test lets happen there comes after the snapshot.
    await this.#moment('sessionStanding');
    return standing;
  }

  async factors(workspaceId: string, userId: string): Promise<readonly FactorRow[]> {
    await this.#moment('factors');
    return [...this.rows.factors.values()].filter((row) => row.workspaceId === workspaceId && row.userId === userId);
  }

  async attempts(
    workspaceId: string,
    userId: string,
  ): Promise<ReadonlyMap<string, { readonly consecutive: number; readonly retryAt: number | null }>> {
    const own = new Map<string, { readonly consecutive: number; readonly retryAt: number | null }>();
    for (const [key, { consecutive }] of this.rows.attempts) {
      const [workspace, user, factor] = JSON.parse(key) as string[];
      if (workspace === workspaceId && user === userId && factor !== undefined)
        own.set(factor, { consecutive, retryAt: null });
    }
    return own;
  }

  async reserveAttempt(
    { workspaceId, userId, factor }: AttemptKey,
    limits: AttemptLimits,
    now: number,
  ): Promise<AttemptReservation> {
    const key = place(workspaceId, userId, factor);
    const held = this.rows.attempts.get(key) ?? { consecutive: 0, ids: new Set<string>() };
    if (held.consecutive >= limits.consecutive) return { granted: false, why: 'disabled' };
    if (held.ids.size >= limits.perWindow)
      return { granted: false, why: 'window', retryAt: now + limits.windowSeconds * 1000 };
    const id = `attempt ${held.ids.size}`;
    held.ids.add(id);
    held.consecutive += 1;
    this.rows.attempts.set(key, held);
    return { granted: true, id, consecutive: held.consecutive, inWindow: held.ids.size };
  }

  async settings(workspaceId: string): Promise<SettingsRow | null> {
    const row = this.rows.settings.get(workspaceId) ?? null;
    await this.#moment('settings');
    return row;
  }

  async settingsProposal(workspaceId: string): Promise<SettingsProposalRow | null> {
    return this.rows.proposals.get(workspaceId) ?? null;
  }

  async settingsProposals(): Promise<readonly SettingsProposalRow[]> {
    return [...this.rows.proposals.values()];
  }

  async factorPage(
    after: { readonly workspaceId: string; readonly id: string } | null,
    limit: number,
  ): Promise<readonly FactorRow[]> {
    const order = (row: { readonly workspaceId: string; readonly id: string }) => place(row.workspaceId, row.id);
    return [...this.rows.factors.values()]
      .filter((row) => after === null || order(row) > order(after))
      .sort((one, other) => (order(one) < order(other) ? -1 : 1))
      .slice(0, limit);
  }

  async settingsPage(after: string | null, limit: number): Promise<readonly SettingsRow[]> {
    return [...this.rows.settings.values()]
      .filter((row) => after === null || row.workspaceId > after)
      .sort((one, other) => (one.workspaceId < other.workspaceId ? -1 : 1))
      .slice(0, limit);
  }

  async emergencyAccess(query: EmergencyAccessQuery): Promise<readonly StoredEmergencyAccess[]> {
    const found = this.#emergencyAccess(query);
    await this.#moment('emergencyAccess');
    return found;
  }

  #emergencyAccess(query: EmergencyAccessQuery): readonly StoredEmergencyAccess[] {
    const { accesses, steps } = this.rows;
    const order = ({ openedAt, id }: { readonly openedAt: number; readonly id: string }) =>
      `${String(openedAt).padStart(20, '0')} ${id}`;
    const has = (id: string, kinds: readonly string[]) =>
      steps.some((step) => step.emergencyAccessId === id && kinds.includes(step.kind));
    return accesses
      .filter(
        (row) =>
          (query.workspaceId === undefined || row.workspaceId === query.workspaceId) &&
          (query.userId === undefined || row.userId === query.userId) &&
          (query.ids === undefined || query.ids.includes(row.id)) &&
          (query.having === undefined || has(row.id, query.having)) &&
          (query.lacking === undefined || !has(row.id, query.lacking)) &&
          (query.openedUntil === undefined || row.openedAt < query.openedUntil) &&
          (query.before === undefined || order(row) < order(query.before)),
      )
      .sort((one, other) => (order(one) < order(other) ? 1 : -1))
      .slice(0, query.limit ?? 100)
      .map((access) => ({
        access,
        steps: steps.filter((step) => step.emergencyAccessId === access.id),
        age: this.ages.get(access.id) ?? 0,
      }));
  }

  async openAuditConnection(): Promise<AuditConnection> {
    await this.#moment('openAuditConnection');
    const own: string[] = [];
    let closed = false;
    const assertOpen = () => {
      if (closed) throw new CountersignError('store_closed');
    };
    return {
      openStream: async (stream, previous) => {
        assertOpen();
        await this.#moment('openStream');
        const heads = this.#heads();
        this.opened.push({ stream, previous, alive: true });
        own.push(stream);
        return heads;
      },
      append: async (records) => {
        assertOpen();
        this.appends.push(records.length);
        await this.#moment('append', records);
        this.records.push(...records);
        await this.#moment('appended', records);
      },
      transact: async (work) => {
        assertOpen();
        const before = copy(this.rows);
        let committed = false;
        try {
          const { value, records } = await work(this.#transaction());
          await this.#moment('commit', records);
          this.records.push(...records);
          committed = true;
          await this.#moment('committed', records);
          if (this.tells) this.#tell(before);
          return value;
        } catch (error) {
          // What was thrown after the commit is an outcome that nobody knows: the rows stay.
          if (!committed) this.rows = before;
          throw error;
        }
      },
      written: async (ids) => {
        assertOpen();
        await this.#moment('written');
        const all = new Set(this.records.map(({ id }) => id));
        return new Set(ids.filter((id) => all.has(id)));
      },
      close: async () => {
        closed = true;
        for (const opened of this.opened) if (own.includes(opened.stream)) opened.alive = false;
      },
    };
  }

  /** Who leads; null: nobody. */
  leader: Leadership | null = null;

  async openLeadership(): Promise<Leadership> {
    const leadership: Leadership = {
      take: async () => {
        this.leader ??= leadership;
        return this.leader === leadership;
      },
      close: async () => {
        if (this.leader === leadership) this.leader = null;
      },
    };
    return leadership;
  }

  #worker: ((task: OutboxTask) => Promise<OutboxResult>) | null = null;

  outbox(): Outbox {
    return {
      ready: async () => {},
      work: async (handler) => {
        this.#worker = handler;
        return {
          close: async () => {
            this.#worker = null;
          },
        };
      },
      state: async () => {
        const all = [...this.rows.jobs.values()];
        const waiting = all.filter(({ done }) => !done).length;
        return {
          waiting,
          oldestSeconds: waiting === 0 ? null : 0,
          dead: all.filter(({ givenUp }) => givenUp !== null).length,
        };
      },
    };
  }

  /** Hands jobs over until none is left but those that failed this time, or are for later than `afterSeconds`. */
  async handOver(afterSeconds = 0, tries = 12): Promise<void> {
    const failed = new Set<string>();
    const next = () =>
      [...this.rows.jobs].find(
        ([id, { done, timing }]) => !done && !failed.has(id) && (timing.afterSeconds ?? 0) <= afterSeconds,
      );
    for (let found = next(); found !== undefined && this.#worker !== null; found = next()) {
      const [id, held] = found;
      held.attempt += 1;
      const task: OutboxTask = { id, job: held.job, attempt: held.attempt, givenUp: held.givenUp };
      const giveUp = (givenUp: string) => {
        this.rows.jobs.set(id, { ...held, done: true });
        this.rows.jobs.set(`${id} given up`, { ...held, attempt: 0, done: false, givenUp });
      };
      try {
        const result = await this.#worker(task);
        if (result === 'done') this.rows.jobs.set(id, { ...held, done: true });
        else giveUp(result.giveUp);
      } catch (error) {
        if (held.attempt >= tries) giveUp(CountersignError.is(error) ? error.code : 'internal');
        else {
          this.rows.jobs.set(id, held);
          failed.add(id);
        }
      }
    }
  }

  async auditEvents(query: AuditQuery): Promise<readonly AuditRecord[]> {
    await this.#moment('auditEvents');
    return this.records
      .filter((record) => fits(record, query))
      .reverse()
      .slice(0, query.limit ?? 100);
  }

  async searchAudit(search: AuditSearch): Promise<AuditFindings> {
    await this.#moment('auditEvents');
    const { field, descending } = search.sort ?? { field: 'at', descending: true };
    const sign = descending ? -1 : 1;
    const order = (one: AuditRecord, other: AuditRecord): number =>
      Number(one[field] === null) - Number(other[field] === null) ||
      sign * (compare(one[field], other[field]) || compare(one.at, other.at) || compare(one.id, other.id));
    const all = this.records.filter((record) => fits(record, search)).sort(order);
    const { after, before, limit = 100 } = search;
    const at = all.findIndex(({ id }) => id === (after ?? before)?.id);
    const place = (record: AuditRecord | undefined) => (record === undefined ? null : { at: record.at, id: record.id });
    if (before !== undefined) {
      const events = all.slice(Math.max(0, at - limit), at);
      return { events, further: at > limit ? place(events[0]) : null };
    }
    const events = all.slice(at + 1, at + 1 + limit);
    return { events, further: at + 1 + limit < all.length ? place(events.at(-1)) : null };
  }

  async *auditStream(stream: string, from = 0): AsyncIterable<AuditRecord> {
    yield* this.records.filter((record) => record.stream === stream && record.index >= from);
  }

  async auditStreams(): Promise<readonly StreamHead[]> {
    return this.#heads();
  }

  async watch(listener: ChangeListener): Promise<{ close(): Promise<void> }> {
    this.listeners.add(listener);
    return {
      close: async () => {
        this.listeners.delete(listener);
      },
    };
  }

  async now(): Promise<number> {
    return Date.now();
  }

  async close(): Promise<void> {}

  /** Codes of the committed events, in order, without those of the streams themselves. */
  codes(): string[] {
    return this.records.map(({ code }) => code).filter((code) => !/^(?:AUDIT_STREAM|CONFIGURATION)_/.test(code));
  }

  async #moment(name: Moment, records: readonly AuditRecord[] = []): Promise<void> {
    this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
    await this.#hooks.get(name)?.(records);
  }

  #epochs(workspaceId: string, userId: string): Epochs {
    const { epochs } = this.rows;
    return { user: epochs.get(place(workspaceId, userId)) ?? 0, workspace: epochs.get(place(workspaceId, null)) ?? 0 };
  }

  #heads(): StreamHead[] {
    const last = new Map<string, StreamHead>();
    for (const { stream, index, hash } of this.records) last.set(stream, { stream, index, hash });
    return [...last.values()];
  }

  #tell(before: Rows): void {
    for (const listener of this.listeners) {
      for (const [key, epoch] of this.rows.epochs) {
        const [workspaceId = '', userId = null] = JSON.parse(key) as (string | null)[];
        if (before.epochs.get(key) !== epoch) listener.epochRaised(workspaceId ?? '', userId, epoch);
      }
      for (const [workspaceId, { version }] of this.rows.settings) {
        if (before.settings.get(workspaceId)?.version !== version) listener.settingsChanged(workspaceId, version);
      }
      for (const { id, workspaceId } of this.rows.accesses) {
        const count = (rows: Rows) => rows.steps.filter((step) => step.emergencyAccessId === id).length;
        const known = before.accesses.some((row) => row.id === id);
        if (!known || count(before) !== count(this.rows)) listener.emergencyChanged(workspaceId, id, count(this.rows));
      }
    }
  }

  #transaction(): StoreTransaction {
    const { rows } = this;
    const attemptsOf = ({ workspaceId, userId, factor }: AttemptKey) =>
      rows.attempts.get(place(workspaceId, userId, factor));
    return {
      async putFactor(row) {
        for (const [id, held] of rows.factors) {
          if (held.confirmedAt === null && held.userId === row.userId && held.factor === row.factor)
            rows.factors.delete(id);
        }
        rows.factors.set(row.id, row);
      },
      async moveFactorCounter(row, next) {
        const held = rows.factors.get(row.id);
        if (held === undefined || held.counter !== row.counter || held.mac !== row.mac) return false;
        rows.factors.set(row.id, { ...held, ...next });
        return true;
      },
      async replaceFactor(row, next) {
        const held = rows.factors.get(row.id);
        if (held === undefined || held.mac !== row.mac) return false;
        rows.factors.set(row.id, next);
        return true;
      },
      removeFactor: async ({ id }) => rows.factors.delete(id),
      async settleAttempt(key, reservationId) {
        const held = attemptsOf(key);
        held?.ids.delete(reservationId);
        if (held !== undefined) held.consecutive = 0;
      },
      async resetAttempts({ workspaceId, userId, factor }) {
        rows.attempts.delete(place(workspaceId, userId, factor));
      },
      async putSettings(row) {
        if ((rows.settings.get(row.workspaceId)?.version ?? 0) !== row.version - 1) return false;
        rows.settings.set(row.workspaceId, row);
        return true;
      },
      async resealSettings(row, mac) {
        const held = rows.settings.get(row.workspaceId);
        if (held === undefined || held.mac !== row.mac) return false;
        rows.settings.set(row.workspaceId, { ...held, mac });
        return true;
      },
      async putSettingsProposal(row) {
        rows.proposals.set(row.workspaceId, row);
      },
      async takeSettingsProposal(row) {
        const held = rows.proposals.get(row.workspaceId);
        return held?.mac === row.mac && rows.proposals.delete(row.workspaceId);
      },
      async raiseEpoch(workspaceId, userId) {
        const epoch = (rows.epochs.get(place(workspaceId, userId)) ?? 0) + 1;
        rows.epochs.set(place(workspaceId, userId), epoch);
        return epoch;
      },
      emergencyAccessOf: async (workspaceId, userId) => this.#emergencyAccess({ workspaceId, userId, limit: 1000 }),
      async putEmergencyAccess(row) {
        rows.accesses.push(row);
      },
      async putEmergencyStep(row) {
        const held = rows.steps.some(
          ({ emergencyAccessId, kind }) => emergencyAccessId === row.emergencyAccessId && kind === row.kind,
        );
        if (!held) rows.steps.push(row);
        return !held;
      },
      async distrustSessions(at) {
        const users = [...rows.factors.values()];
        for (const { workspaceId, userId } of users)
          rows.ended.push({ workspaceId, userId, keyHash: '*', signedInAt: at, endedAt: at });
        for (const [key, epoch] of rows.epochs) rows.epochs.set(key, epoch + 1_000_000_000);
        const workspaces = [...new Set(users.map(({ workspaceId }) => workspaceId))];
        for (const workspaceId of workspaces) {
          const key = place(workspaceId, null);
          if (!rows.epochs.has(key)) rows.epochs.set(key, 1_000_000_000);
        }
        return workspaces;
      },
      async endSession(session) {
        rows.ended.push(session);
      },
      async enqueue(job, timing = {}) {
        const id = timing.once ?? `job ${rows.jobs.size}`;
        if (!rows.jobs.has(id)) rows.jobs.set(id, { job, timing, attempt: 0, done: false, givenUp: null });
      },
      async finishJob({ id }) {
        const held = rows.jobs.get(id);
        if (held === undefined || held.done) return false;
        rows.jobs.set(id, { ...held, done: true });
        return true;
      },
    };
  }
}

/** A promise that a test opens when it is time. */
export function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open() };
}
