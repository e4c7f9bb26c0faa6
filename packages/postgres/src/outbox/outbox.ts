import { CountersignError, type Outbox, type OutboxResult, type OutboxState, type OutboxTask } from '@countersign/core';
import { sql } from 'drizzle-orm';
import type { BoundedCalls } from '../bounded-calls.ts';
import { connectBounded } from '../connect-bounded.ts';
import type { Database } from '../database.ts';
import { finishJob, giveUpJob, jobQueue, queues, retryJob, takeJobs } from './job-queue.ts';
import { applyJobs, assertJobs } from './job-schema.ts';

/** Jobs of one process under way at once: a mail server that is slow with one holds up few others. */
const AT_ONCE = 8;
const POLL_MILLISECONDS = 1000;
/** Jobs whose worker is gone are put back, and old ones put away. */
const MAINTENANCE_MILLISECONDS = 60_000;
const CLOSE_MILLISECONDS = 5000;

type Handler = (task: OutboxTask) => Promise<OutboxResult>;

/** The outbox, and how whoever has committed a job wakes it. */
export interface WakableOutbox extends Outbox {
  wake(): void;
  close(): Promise<void>;
}

export function openOutbox(database: Database, calls: BoundedCalls, mayMigrate: boolean): WakableOutbox {
  const workers = new Set<Worker>();
  let prepared: Promise<void> | null = null;

  const ready = async () => {
    // The tables may take longer to make than a call of the store may last.
    prepared ??= mayMigrate ? applyJobs(database) : calls.run(() => assertJobs(database));
    try {
      await prepared;
    } catch (error) {
      prepared = null;
      throw error;
    }
  };
  return {
    ready,
    work: async (handler) => {
      await ready();
      if (calls.closed) throw new CountersignError('store_closed');
      const worker = new Worker(database, calls, handler);
      workers.add(worker);
      worker.wake();
      return {
        close: async () => {
          workers.delete(worker);
          await worker.close();
        },
      };
    },
    state: () => calls.run(() => readState(database)),
    wake: () => {
      for (const worker of workers) worker.wake();
    },
    close: async () => {
      await Promise.all([...workers].map((worker) => worker.close()));
    },
  };
}

/** Looks for jobs each second, and when it is woken. Its timers keep no process alive. */
class Worker {
  readonly #database: Database;
  readonly #calls: BoundedCalls;
  readonly #handler: Handler;
  readonly #running = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> | null = null;
  #wokenMeanwhile = false;
  #maintainedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(database: Database, calls: BoundedCalls, handler: Handler) {
    this.#database = database;
    this.#calls = calls;
    this.#handler = handler;
  }

  wake(): void {
    this.#wokenMeanwhile = true;
    if (this.#turn !== null || this.#closed) return;
    clearTimeout(this.#timer);
    this.#turn = this.#look().finally(() => {
      this.#turn = null;
      if (!this.#closed) this.#timer = setTimeout(() => this.wake(), POLL_MILLISECONDS).unref();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#turn;
    if (this.#running.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const bound = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MILLISECONDS);
    });
    await Promise.race([Promise.all(this.#running), bound]);
    clearTimeout(timer);
  }

  async #look(): Promise<void> {
    while (this.#wokenMeanwhile && !this.#closed) {
      this.#wokenMeanwhile = false;
      try {
        await this.#maintain();
        const room = AT_ONCE - this.#running.size;
        if (room === 0) return;
        const tasks = await this.#calls.run(() => takeJobs(this.#database, room));
        for (const task of tasks) this.#start(task);
        if (tasks.length === room) this.#wokenMeanwhile = true;
      } catch {
        // The database is away, or does not answer: what waits is found when it is back.
      }
    }
  }

  async #maintain(): Promise<void> {
    if (performance.now() - this.#maintainedAt < MAINTENANCE_MILLISECONDS) return;
    const connection = await connectBounded(this.#database, this.#calls);
    try {
      await this.#calls.run(() =>
        connection.transaction(async (session) => {
          await (await jobQueue(session)).maintain();
        }),
      );
      this.#maintainedAt = performance.now();
    } finally {
      await connection.close();
    }
  }

  #start(task: OutboxTask): void {
    const run = this.#run(task).finally(() => {
      this.#running.delete(run);
      this.wake();
    });
    this.#running.add(run);
  }

  /** Never rejects. What cannot be written down here is found again when its worker counts as gone. */
  async #run(task: OutboxTask): Promise<void> {
    const write = (work: () => Promise<unknown>) => this.#calls.run(work).catch(() => {});
    let result: OutboxResult;
    try {
      result = await this.#handler(task);
    } catch (error) {
      const reason = CountersignError.is(error) ? error.code : 'internal';
      await write(() => retryJob(this.#database, task, reason));
      return;
    }
    // Done already, where the handler has finished it in a transaction of its own.
    if (result === 'done') await write(() => finishJob(this.#database, task));
    else await write(() => giveUpJob(this.#database, task, result.giveUp));
  }
}

async function readState(database: Database): Promise<OutboxState> {
  const [table] = await database.rows<{ there: boolean }>(
    sql`select to_regclass('countersign_jobs.job') is not null as there`,
  );
  if (table?.there !== true) return { waiting: 0, oldestSeconds: null, dead: 0 };
  const isOpen = sql`name = ${queues.due} and state < 'completed'`;
  const [row] = await database.rows<{
    waiting: string | number;
    oldest: string | number | null;
    dead: string | number;
  }>(
    sql`select count(*) filter (where ${isOpen}) as waiting, count(*) filter (where name = ${queues.dead}) as dead,
      floor(extract(epoch from now() - min(case state when 'created' then start_after else created_on end)
        filter (where ${isOpen} and (state <> 'created' or start_after <= now())))) as oldest
      from countersign_jobs.job`,
  );
  const oldest = row?.oldest ?? null;
  return {
    waiting: Number(row?.waiting),
    oldestSeconds: oldest === null ? null : Math.max(0, Number(oldest)),
    dead: Number(row?.dead),
  };
}
