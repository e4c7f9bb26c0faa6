import type { Clock } from '../configuration/sources.ts';
import { CountersignError } from '../errors/countersign-error.ts';
import type { Contact, ContactSource } from '../notices/notice.ts';
import { bounded } from './bounded.ts';

/** Somebody to be told. */
export interface Recipient {
  readonly userId: string;
  readonly contact: Contact;
}

/** How long the host's address book may take; milliseconds. */
const CALL_MILLISECONDS = 30_000;
/** After so long what is known of a workspace is asked for again; milliseconds. */
const FRESH_MILLISECONDS = 300_000;
/** Workspaces, and administrators of each, that are kept in memory. */
const WORKSPACES = 1000;
const ADMINISTRATORS = 1000;

/**
 * The host's address book, and what it last said: where it reads from the database that is away, an emergency must be told all
 * the same. Addresses are in memory alone.
 */
export class AddressBook {
  readonly #contacts: ContactSource | null;
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #known = new Map<string, { readonly recipients: readonly Recipient[]; readonly at: number }>();
  readonly #asking = new Set<string>();

  constructor(contacts: ContactSource | null, clock: Pick<Clock, 'elapsed'>) {
    this.#contacts = contacts;
    this.#clock = clock;
  }

  /** User ids, each once. Rejects with `contacts_unavailable`. */
  async administrators(workspaceId: string): Promise<readonly string[]> {
    const found = await this.#ask((contacts) => contacts.administrators(workspaceId));
    if (!Array.isArray(found) || !found.every((userId) => typeof userId === 'string'))
      throw new CountersignError('contacts_unavailable');
    return [...new Set<string>(found)];
  }

  /** Null where the user cannot be reached at all. Rejects with `contacts_unavailable`. */
  async contactOf(workspaceId: string, userId: string): Promise<Contact | null> {
    const contact = await this.#ask((contacts) => contacts.contactOf(workspaceId, userId));
    return typeof contact?.email === 'string' ? contact : null;
  }

  /** The administrators as they were when they were last read, null where they never were. */
  lastKnown(workspaceId: string): readonly Recipient[] | null {
    return this.#known.get(workspaceId)?.recipients ?? null;
  }

  /** The administrators now. Rejects with `contacts_unavailable`, and leaves what was known. */
  async read(workspaceId: string): Promise<readonly Recipient[]> {
    const userIds = (await this.administrators(workspaceId)).slice(0, ADMINISTRATORS);
    const recipients: Recipient[] = [];
    for (const userId of userIds) {
      const contact = await this.contactOf(workspaceId, userId);
      if (contact !== null) recipients.push({ userId, contact });
    }
    this.#known.delete(workspaceId);
    this.#known.set(workspaceId, { recipients, at: this.#clock.elapsed() });
    const [oldest] = this.#known.keys();
    if (this.#known.size > WORKSPACES && oldest !== undefined) this.#known.delete(oldest);
    return recipients;
  }

  /** Reads what is not known, or not fresh any more. Never rejects: what cannot be read is asked for again the next time. */
  async refresh(workspaceIds: Iterable<string>): Promise<void> {
    for (const workspaceId of workspaceIds) {
      const known = this.#known.get(workspaceId);
      if (this.#asking.has(workspaceId)) continue;
      if (known !== undefined && this.#clock.elapsed() - known.at < FRESH_MILLISECONDS) continue;
      this.#asking.add(workspaceId);
      await this.read(workspaceId).catch(() => {});
      this.#asking.delete(workspaceId);
    }
  }

  async #ask<T>(call: (contacts: ContactSource) => T | Promise<T>): Promise<T> {
    const contacts = this.#contacts;
    if (contacts === null) throw new CountersignError('contacts_unavailable');
    try {
      return await bounded(CALL_MILLISECONDS, () => call(contacts));
    } catch {
      // Its own error may name people.
      throw new CountersignError('contacts_unavailable');
    }
  }
}
