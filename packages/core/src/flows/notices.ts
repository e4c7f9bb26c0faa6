import { setTimeout as pauseFor } from 'node:timers/promises';
import type { AuditWriter } from '../audit/writer.ts';
import type { Configuration } from '../configuration/configuration.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { Contact, ContactSource, Mail, MailSender, Notice } from '../notices/notice.ts';
import { writeNotice } from '../notices/write-notice.ts';

/** Waits. Rejects where the signal is raised meanwhile. */
export type Pause = (milliseconds: number, signal: AbortSignal) => Promise<unknown>;

/** Recipients that may wait or be tried again. Beyond it a notice is not told, and the audit log says so. */
const QUEUE_LIMIT = 1000;
/** Mails under way at once: a server that is slow with one holds up few others. */
const AT_ONCE = 4;
/** Between the first try and the second, and between the second and the third; milliseconds. */
const RETRY_AFTER = [2000, 60_000];
/** How long an address book or a mail server may take; milliseconds. */
const CALL_MILLISECONDS = 60_000;
/** How long `close` waits for what is under way; milliseconds. */
const CLOSE_MILLISECONDS = 5000;

/** Why a recipient was not reached, for the audit log. */
type Failure = 'no-contact' | 'contacts-unavailable' | 'mail-unavailable' | 'mail-refused' | 'backlog' | 'closed';

interface Job {
  readonly notice: Notice;
  /** Null until the administrators are looked up. */
  readonly userId: string | null;
  tries: number;
}

/**
 * Tells people what happened, by the host's mail sender. Never holds up or undoes what it tells of: `tell` only puts it in a queue
 * in memory, and what fails for good ends as NOTICE_FAILED on the audit log. A crash loses what waits.
 */
export class Notices {
  readonly #publicUrl: URL;
  readonly #contacts: ContactSource | null;
  readonly #mail: MailSender | null;
  readonly #audit: Pick<AuditWriter, 'appendBehind'>;
  readonly #pause: Pause;
  readonly #closing = new AbortController();
  readonly #queue: Job[] = [];
  /** In the queue, under way, or waiting for another try. */
  readonly #open = new Set<Job>();
  readonly #idle: (() => void)[] = [];
  #running = 0;
  #closed = false;

  constructor(
    configuration: Pick<Configuration, 'publicUrl' | 'notices'>,
    audit: Pick<AuditWriter, 'appendBehind'>,
    pause: Pause = (milliseconds, signal) => pauseFor(milliseconds, undefined, { ref: false, signal }),
  ) {
    this.#publicUrl = configuration.publicUrl;
    this.#contacts = configuration.notices?.contacts ?? null;
    this.#mail = configuration.notices?.mail ?? null;
    this.#audit = audit;
    this.#pause = pause;
  }

  /** Queues a notice; never throws. Without a mail sender nothing happens. */
  tell(notice: Notice): void {
    if (this.#mail === null || this.#closed) return;
    this.#add({ notice, userId: 'userId' in notice.to ? notice.to.userId : null, tries: 0 });
  }

  /** Tries what waits once more, without delay, and gives up after 5 s. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#closing.abort();
    if (this.#open.size > 0) {
      // A timer that holds the process: whoever closes waits for this.
      let timer: NodeJS.Timeout | undefined;
      const bound = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_MILLISECONDS);
      });
      await Promise.race([new Promise<void>((resolve) => this.#idle.push(resolve)), bound]);
      clearTimeout(timer);
    }
    this.#queue.length = 0;
    for (const job of [...this.#open]) this.#giveUp(job, 'closed');
  }

  #add(job: Job): void {
    if (this.#open.size >= QUEUE_LIMIT) {
      this.#failed(job, 'backlog');
      return;
    }
    this.#open.add(job);
    this.#queue.push(job);
    this.#pump();
  }

  #pump(): void {
    while (this.#running < AT_ONCE) {
      const job = this.#queue.shift();
      if (job === undefined) return;
      this.#running += 1;
      void this.#run(job).finally(() => {
        this.#running -= 1;
        this.#pump();
      });
    }
  }

  /** One try. Never rejects. */
  async #run(job: Job): Promise<void> {
    // Not within the request that tells it: a host's address book may well do its work before its first await.
    await Promise.resolve();
    job.tries += 1;
    let failure: Failure = 'contacts-unavailable';
    try {
      if (job.userId === null) {
        await this.#tellAdministrators(job);
        return this.#end(job);
      }
      const contact = await this.#contactOf(job.notice.workspaceId, job.userId);
      if (contact === null) return this.#giveUp(job, 'no-contact');
      failure = 'mail-unavailable';
      await this.#send(writeNotice(job.notice, contact, this.#publicUrl));
      this.#end(job);
    } catch (error) {
      if (CountersignError.is(error) && error.code === 'mail_refused') return this.#giveUp(job, 'mail-refused');
      const delay = RETRY_AFTER[job.tries - 1];
      if (delay === undefined || !this.#open.has(job)) return this.#giveUp(job, failure);
      void this.#later(job, delay);
    }
  }

  async #later(job: Job, delay: number): Promise<void> {
    // What is cut short by the end is tried once more, at once.
    if (this.#closing.signal.aborted) job.tries = RETRY_AFTER.length;
    else {
      await this.#pause(delay, this.#closing.signal).catch(() => {
        job.tries = RETRY_AFTER.length;
      });
    }
    if (!this.#open.has(job)) return;
    this.#queue.push(job);
    this.#pump();
  }

  async #tellAdministrators({ notice }: Job): Promise<void> {
    const but = 'administratorsBut' in notice.to ? notice.to.administratorsBut : null;
    const found = await this.#bounded(async () => this.#contacts?.administrators(notice.workspaceId));
    if (!Array.isArray(found) || !found.every((userId) => typeof userId === 'string')) throw new TypeError('no list');
    for (const userId of new Set(found)) if (userId !== but) this.#add({ notice, userId, tries: 0 });
  }

  async #contactOf(workspaceId: string, userId: string): Promise<Contact | null> {
    const contact = await this.#bounded(async () => this.#contacts?.contactOf(workspaceId, userId));
    return typeof contact?.email === 'string' ? contact : null;
  }

  async #send(mail: Mail): Promise<void> {
    await this.#bounded(async () => this.#mail?.send(mail));
  }

  /** What does not come to an end holds up nobody for ever. */
  async #bounded<T>(work: () => Promise<T>): Promise<T> {
    const done = new AbortController();
    const late = this.#pause(CALL_MILLISECONDS, done.signal).then(() => {
      throw new CountersignError('mail_unavailable');
    });
    // Aborted as soon as the work is done.
    late.catch(() => {});
    try {
      return await Promise.race([work(), late]);
    } finally {
      done.abort();
    }
  }

  #giveUp(job: Job, failure: Failure): void {
    // Given up by `close` already.
    if (this.#open.has(job)) this.#failed(job, failure);
    this.#end(job);
  }

  #end(job: Job): void {
    this.#open.delete(job);
    if (this.#open.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Who was not told of what; never an address, which is not ours to keep. */
  #failed({ notice, userId }: Job, reason: Failure): void {
    const { kind, workspaceId, factor } = notice;
    const details = JSON.stringify({ kind });
    const event = { code: 'NOTICE_FAILED', outcome: 'failure', workspaceId, userId, factor: factor ?? null } as const;
    // Kept while the database is away; behind all others, since nobody waits for it.
    this.#audit.appendBehind({ ...event, reason, details })?.catch(() => {});
  }
}
