import { z } from 'zod';
import { parseDetails } from '../audit/details.ts';
import type { AuditEventInput } from '../audit/event.ts';
import type { AuditWriter } from '../audit/writer.ts';
import type { Configuration } from '../configuration/configuration.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { EmergencyNotice, NoticeChannel } from '../notices/emergency-notice.ts';
import type { Contact } from '../notices/notice.ts';
import { writeEmergencyMail, writeEmergencySms } from '../notices/write-emergency-notice.ts';
import type { OutboxJob, OutboxResult, OutboxTask } from '../store/outbox.ts';
import type { Store, StoreTransaction } from '../store/store.ts';
import { AddressBook } from './address-book.ts';
import { bounded } from './bounded.ts';
import { type EmergencyFacts, emergencyFacts, emergencyGathering, GATHERING } from './emergency-notice-facts.ts';

/** How long a mail server or SMS service may take; milliseconds. With the address book's time, well below a worker's. */
const SEND_MILLISECONDS = 30_000;
/** How long those may take that are told directly, with a person waiting; milliseconds. */
const DIRECT_MILLISECONDS = 10_000;
/** Between one look at which workspaces' administrators are to be known and the next; milliseconds. */
const REFRESH_MILLISECONDS = 15_000;

const aboutSchema = z.object({
  event: z.enum(['started', 'reopened', 'requested', 'approved', 'overdue', 'gathered']),
  /** Null for `gathered`. */
  emergencyAccessId: z.string().nullable(),
  by: z.string(),
  at: z.number(),
});
type About = z.output<typeof aboutSchema>;
const messageSchema = aboutSchema.extend({ to: z.string(), channel: z.enum(['mail', 'sms']) });
type Message = z.output<typeof messageSchema>;

/** Who was reached by a direct notice, and who was not. */
export interface DirectNotice {
  readonly reached: readonly { readonly userId: string; readonly channel: NoticeChannel }[];
  readonly failed: readonly { readonly userId: string; readonly channel: NoticeChannel; readonly reason: string }[];
}

/**
 * Tells every administrator of a workspace of emergency access, whoever invoked it among them, by mail and by SMS, through the
 * outbox: what was committed with the access is told, also after a crash. A job for the access becomes one for each recipient and
 * channel, so that one that fails holds up no other. Each that is delivered, and each that is given up, is on the audit log.
 */
export class EmergencyNotices {
  readonly #configuration: Configuration;
  readonly #store: Store;
  readonly #audit: AuditWriter;
  readonly #book: AddressBook;
  readonly #workspaces: () => Iterable<string>;
  #worker: { close(): Promise<void> } | null = null;
  #timer: NodeJS.Timeout | undefined;

  /** `workspaces`: those in use, whose administrators are kept in memory for when the database is away. */
  constructor(configuration: Configuration, store: Store, audit: AuditWriter, workspaces: () => Iterable<string>) {
    this.#configuration = configuration;
    this.#store = store;
    this.#audit = audit;
    this.#book = new AddressBook(configuration.notices?.contacts ?? null, configuration.clock);
    this.#workspaces = workspaces;
  }

  /** Only where emergency access is configured. Rejects with `store_not_migrated` where there is no outbox. Repeatable. */
  async start(): Promise<void> {
    if (this.#configuration.emergencyAccess === undefined) return;
    // First: the address book may answer while the database does not.
    if (this.#configuration.notices !== undefined) {
      this.#timer ??= setInterval(() => void this.#book.refresh([...this.#workspaces()]), REFRESH_MILLISECONDS).unref();
    }
    this.#worker ??= await this.#store.outbox().work((task) => this.#handle(task));
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#worker?.close();
  }

  /**
   * Tells the administrators now, without the database: those that the address book names, or where it does not answer those that
   * it named last. Resolves with who was reached; never rejects.
   */
  async tellNow(workspaceId: string, notice: EmergencyNotice): Promise<DirectNotice> {
    const recipients = await bounded(DIRECT_MILLISECONDS / 3, () => this.#book.read(workspaceId)).catch(
      () => this.#book.lastKnown(workspaceId) ?? [],
    );
    const tries = recipients.flatMap(({ userId, contact }) =>
      this.#channels.map(async (channel) => {
        const reason = await this.#send(notice, contact, channel, DIRECT_MILLISECONDS).catch(reasonOf);
        return { userId, channel, reason };
      }),
    );
    const results = await Promise.all(tries);
    return {
      reached: results.flatMap(({ userId, channel, reason }) => (reason === null ? [{ userId, channel }] : [])),
      failed: results.flatMap(({ reason, ...rest }) => (reason === null ? [] : [{ ...rest, reason }])),
    };
  }

  get #channels(): readonly NoticeChannel[] {
    return this.#configuration.notices?.sms === undefined ? ['mail'] : ['mail', 'sms'];
  }

  async #handle(task: OutboxTask): Promise<OutboxResult> {
    const { kind, content } = task.job;
    const value = parseDetails(content);
    const message = kind === 'emergency-message' ? messageSchema.safeParse(value) : null;
    const read = message ?? aboutSchema.safeParse(value);
    // Not of our writing: nobody can be told what it says.
    if (!read.success) return task.givenUp === null ? { giveUp: 'unreadable' } : 'done';
    if (task.givenUp !== null) return await this.#tellOfFailure(task, read.data, task.givenUp);
    return message?.success === true ? await this.#deliver(task, message.data) : await this.#spread(task, read.data);
  }

  /** One job for each recipient and channel; or, of the same person again within a quarter of an hour, one for all at its end. */
  async #spread(task: OutboxTask, about: About): Promise<OutboxResult> {
    const { workspaceId } = task.job;
    if (this.#configuration.notices === undefined) return { giveUp: 'not-configured' };
    const facts = await this.#facts(workspaceId, about);
    if (facts !== null && ['started', 'reopened', 'approved'].includes(about.event)) {
      const gathering = emergencyGathering(await this.#begunBy(workspaceId, facts.userId), facts.beganAt ?? about.at);
      if (gathering !== null) return await this.#gather(task, facts.userId, gathering);
    }
    const administrators = await this.#book.administrators(workspaceId);
    if (administrators.length === 0) return { giveUp: 'no-administrators' };
    return await this.#finish(task, async (transaction) => {
      for (const to of administrators) {
        for (const channel of this.#channels)
          await transaction.enqueue({
            kind: 'emergency-message',
            workspaceId,
            content: JSON.stringify({ ...about, to, channel }),
          });
      }
      return [];
    });
  }

  async #gather(task: OutboxTask, userId: string, until: number): Promise<OutboxResult> {
    const { workspaceId } = task.job;
    const content = JSON.stringify({ event: 'gathered', emergencyAccessId: null, by: userId, at: until });
    const job: OutboxJob = { kind: 'emergency-digest', workspaceId, content };
    const afterSeconds = Math.max(0, Math.ceil((until - this.#configuration.clock.now()) / 1000));
    const once = JSON.stringify(['emergency-digest', workspaceId, userId, until]);
    return await this.#finish(task, async (transaction) => {
      await transaction.enqueue(job, { afterSeconds, once });
      return [];
    });
  }

  async #deliver(task: OutboxTask, message: Message): Promise<OutboxResult> {
    const { workspaceId } = task.job;
    const { to, channel } = message;
    const contact = await this.#book.contactOf(workspaceId, to);
    if (contact === null) return { giveUp: 'no-contact' };
    const told = await this.#toldOf(workspaceId, message);
    if (told.notice === null) return 'done';
    try {
      const reason = await this.#send(told.notice, contact, channel, SEND_MILLISECONDS);
      if (reason !== null) return { giveUp: reason };
    } catch (error) {
      if (CountersignError.is(error) && isFinal(error)) return { giveUp: reasonOf(error) };
      throw error;
    }
    return await this.#finish(task, async () =>
      told.ids.map((id) =>
        eventOf(workspaceId, message, id, { code: 'NOTICE_DELIVERED', outcome: 'success', reason: null }),
      ),
    );
  }

  /** Sends it, or says why there is no way to. */
  async #send(
    notice: EmergencyNotice,
    contact: Contact,
    channel: NoticeChannel,
    milliseconds: number,
  ): Promise<string | null> {
    const { notices, publicUrl } = this.#configuration;
    if (channel === 'mail') {
      const mail = writeEmergencyMail(notice, contact, publicUrl);
      await bounded(milliseconds, () => notices?.mail.send(mail)).catch(asUnavailable('mail_unavailable'));
      return null;
    }
    const { phone } = contact;
    if (typeof phone !== 'string' || phone === '') return 'no-contact';
    const sms = { to: phone, text: writeEmergencySms(notice, contact, publicUrl) };
    await bounded(milliseconds, () => notices?.sms?.send(sms)).catch(asUnavailable('sms_unavailable'));
    return null;
  }

  async #tellOfFailure(task: OutboxTask, about: About | Message, reason: string) {
    const { workspaceId } = task.job;
    const { ids } = await this.#toldOf(workspaceId, about);
    const failure = { code: 'NOTICE_FAILED', outcome: 'failure', reason: reason.replaceAll('_', '-') } as const;
    return await this.#finish(task, async () => ids.map((id) => eventOf(workspaceId, about, id, failure)));
  }

  /** What is to be told, and of which accesses; nothing where what was gathered is not there any more. */
  async #toldOf(
    workspaceId: string,
    about: About,
  ): Promise<{ readonly notice: EmergencyNotice | null; readonly ids: readonly (string | null)[] }> {
    const { event: kind, by, at, emergencyAccessId } = about;
    if (kind === 'gathered') {
      const begun = await this.#begunBy(workspaceId, by);
      const gathered = begun.filter((one) => one.beganAt !== null && emergencyGathering(begun, one.beganAt) === at);
      const times = gathered.flatMap(({ beganAt }) => (beganAt === null ? [] : [beganAt])).sort((a, b) => a - b);
      const [from = at - GATHERING] = times;
      const notice = { kind, userId: by, by, purpose: null, from, until: times.at(-1) ?? null, count: gathered.length };
      return { notice: gathered.length === 0 ? null : notice, ids: gathered.map(({ id }) => id) };
    }
    const facts = await this.#facts(workspaceId, about);
    const notice = {
      kind,
      userId: facts?.userId ?? by,
      by,
      purpose: facts?.purpose ?? null,
      from: facts?.beganAt ?? at,
      until: facts === null || facts.beganAt === null ? null : facts.endsAt,
      count: 1,
    };
    return { notice, ids: [emergencyAccessId] };
  }

  async #facts(workspaceId: string, { emergencyAccessId }: About): Promise<EmergencyFacts | null> {
    if (emergencyAccessId === null) return null;
    const [stored] = await this.#store.emergencyAccess({ workspaceId, ids: [emergencyAccessId] });
    return stored === undefined ? null : emergencyFacts(this.#configuration.keyring, stored);
  }

  async #begunBy(workspaceId: string, userId: string): Promise<readonly EmergencyFacts[]> {
    const stored = await this.#store.emergencyAccess({ workspaceId, userId, limit: 100 });
    return stored.flatMap((one) => emergencyFacts(this.#configuration.keyring, one) ?? []);
  }

  /** The job's end, what follows from it and the events of it in one commit, once. */
  async #finish(
    task: OutboxTask,
    work: (transaction: StoreTransaction) => Promise<readonly AuditEventInput[]>,
  ): Promise<OutboxResult> {
    await this.#audit.transact(async (transaction) => {
      const isOurs = await transaction.finishJob(task);
      return { value: null, events: isOurs ? await work(transaction) : [] };
    });
    return 'done';
  }
}

function eventOf(
  workspaceId: string,
  about: About | Message,
  emergencyAccessId: string | null,
  outcome: Pick<AuditEventInput, 'code' | 'outcome' | 'reason'>,
): AuditEventInput {
  const channel = 'to' in about ? about.channel : null;
  const details = JSON.stringify({ kind: `emergency-access-${about.event}`, channel });
  return { workspaceId, userId: 'to' in about ? about.to : null, emergencyAccessId, details, ...outcome };
}

const isFinal = (error: CountersignError): boolean => error.code === 'mail_refused' || error.code === 'sms_refused';

/** A sender of the host's may reject with anything; what it says may name people. */
const asUnavailable =
  (code: 'mail_unavailable' | 'sms_unavailable') =>
  (error: unknown): never => {
    throw CountersignError.is(error) ? error : new CountersignError(code);
  };

const reasonOf = (error: unknown): string =>
  CountersignError.is(error) ? error.code.replaceAll('_', '-') : 'internal';
