import { hash } from 'node:crypto';
import type { OutboxJob, OutboxTask, OutboxTiming } from '@countersign/core';
import type PgBoss from 'pg-boss';
import type { Session } from '../database.ts';

/** The schema that pg-boss keeps its tables in. Beside ours, since its releases bring migrations of their own. */
export const JOBS_SCHEMA = 'countersign_jobs';
/** Jobs to do, and jobs that were given up. */
export const queues = { due: 'outbox', dead: 'outbox-dead' } as const;

/** The second try after 2 to 4 seconds, each next one after twice that: the twelfth and last comes 68 to 136 minutes after the first. */
const retries = { retryLimit: 11, retryDelay: 2, retryBackoff: true } as const;
/** After so long a worker that has said nothing counts as gone. A try ends well before. */
const WORKER_SECONDS = 180;
const DAY_SECONDS = 86_400;

/**
 * pg-boss over one of our sessions. Of it the queue alone is used: its workers would end the process where the database is away
 * when a job is done, and its timers would keep the process alive.
 */
export async function jobQueue(session: Session): Promise<PgBoss> {
  // Loaded only where there is an outbox: it brings a driver of its own along.
  const { default: Library } = await import('pg-boss');
  return new Library({
    db: databaseOf(session),
    schema: JOBS_SCHEMA,
    supervise: false,
    schedule: false,
    archiveCompletedAfterSeconds: DAY_SECONDS,
    archiveFailedAfterSeconds: DAY_SECONDS,
  });
}

function databaseOf(session: Session): PgBoss.Db {
  return {
    executeSql: async (text: string, values?: readonly unknown[]) => {
      // A script of the library's is a transaction of its own making. It runs in one of ours, which ends whatever happens in it.
      const script = /^\s*BEGIN;(?<body>[\s\S]*)COMMIT;\s*$/.exec(text)?.groups?.body;
      return { rows: [...(await session.run(script ?? text, values ?? []))] };
    },
  };
}

export async function putJob(session: Session, job: OutboxJob, timing: OutboxTiming = {}): Promise<void> {
  const queue = await jobQueue(session);
  const { once, afterSeconds } = timing;
  await queue.send(queues.due, dataOf(job), {
    ...retries,
    expireInSeconds: WORKER_SECONDS,
    deadLetter: queues.dead,
    ...(once === undefined ? {} : { id: idOf(once) }),
    ...(afterSeconds === undefined ? {} : { startAfter: afterSeconds }),
  });
}

/** Whether it was still a worker's, and is done now. */
export async function finishJob(session: Session, task: OutboxTask): Promise<boolean> {
  const queue = await jobQueue(session);
  // Its declared result is void; how many rows it changed is what it returns.
  const done: unknown = await queue.complete(queueOf(task), task.id);
  return typeof done === 'object' && done !== null && Reflect.get(done, 'affected') === 1;
}

/** Takes jobs that are due; each is this caller's alone, for as long as it may take. */
export async function takeJobs(session: Session, most: number): Promise<readonly OutboxTask[]> {
  const due = await take(session, queues.due, most);
  if (due.length === most) return due;
  try {
    return [...due, ...(await take(session, queues.dead, most - due.length))];
  } catch (error) {
    // What was taken before is in nobody's hands but ours.
    if (due.length > 0) return due;
    throw error;
  }
}

async function take(session: Session, name: string, most: number): Promise<readonly OutboxTask[]> {
  let failure: { readonly error: unknown } | null = null;
  const watched: Session = {
    ...session,
    run: async (text, values) => {
      try {
        return await session.run(text, values);
      } catch (error) {
        failure = { error };
        throw error;
      }
    },
  };
  const queue = await jobQueue(watched);
  const rows = await queue.fetch<object>(name, { batchSize: most, includeMetadata: true });
  // The library keeps errors of this call to itself.
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
  return rows.map((row) => taskOf(name, row));
}

/** Another try later, or where there are none left the end: then pg-boss puts it among the dead. */
export async function retryJob(session: Session, task: OutboxTask, reason: string): Promise<void> {
  await (await jobQueue(session)).fail(queueOf(task), task.id, { reason });
}

/** No more tries. Repeatable: a crash between its two writes leaves the job to be given up again. */
export async function giveUpJob(session: Session, task: OutboxTask, reason: string): Promise<void> {
  const queue = await jobQueue(session);
  await queue.send(queues.dead, { ...dataOf(task.job), reason }, { ...retries, id: idOf(`given up ${task.id}`) });
  await finishJob(session, task);
}

const queueOf = (task: OutboxTask): string => (task.givenUp === null ? queues.due : queues.dead);

/** As text within the JSON, since jsonb refuses some of what a text may hold. */
const dataOf = (job: OutboxJob): { readonly job: string } => ({ job: JSON.stringify(job) });

function taskOf(name: string, row: PgBoss.JobWithMetadata): OutboxTask {
  const { job, reason } = objectOf(row.data);
  return {
    id: row.id,
    job: JSON.parse(String(job)) as OutboxJob,
    attempt: Number(row.retryCount) + 1,
    // Without a reason it is pg-boss that gave up: its last worker never came back.
    givenUp: name === queues.dead ? String(reason ?? objectOf(row.output).reason ?? 'worker-lost') : null,
  };
}

/** A host's client may leave JSON as text. */
function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  const parsed: unknown = typeof value === 'string' ? JSON.parse(value) : value;
  return typeof parsed === 'object' && parsed !== null ? (parsed as Readonly<Record<string, unknown>>) : {};
}

/** A UUID (RFC 9562 §5.8) that is the same for the same name. */
function idOf(name: string): string {
  const bytes = hash('sha256', `countersign outbox ${name}`, 'buffer').subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
