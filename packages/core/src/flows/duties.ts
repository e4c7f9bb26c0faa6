import type { Leadership, Store } from '../store/store.ts';

/** Work that one process does for all, again and again: sealing, ending what is over, reminding. */
export interface Duty {
  readonly name: string;
  /**
   * Does what is due by now. May run in two processes at once where leadership has just changed hands: what it writes must be
   * refused the second time by the database itself. Rejections are told to `onFailure` and it is called again at its next turn.
   */
  run(): Promise<void>;
}

/** Between one turn and the next; milliseconds. What is due each second comes within a second. */
const TURN_MILLISECONDS = 300;

/** Does the duties of this process while it leads, and tries to lead while it does not. Its timer keeps no process alive. */
export class Duties {
  readonly #store: Store;
  readonly #duties: readonly Duty[];
  readonly #onFailure: (duty: string, error: unknown) => void;
  #leadership: Leadership | null = null;
  #leads = false;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(store: Store, duties: readonly Duty[], onFailure: (duty: string, error: unknown) => void) {
    this.#store = store;
    this.#duties = duties;
    this.#onFailure = onFailure;
  }

  /** Whether this process led at its last turn. */
  get leads(): boolean {
    return this.#leads;
  }

  start(): void {
    if (this.#duties.length > 0) this.#schedule();
  }

  /** Ends after the turn that is under way, and lets another process lead. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running;
    await this.#letGo();
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#running = this.#turn().finally(() => {
        this.#running = null;
        if (!this.#closed) this.#schedule();
      });
    }, TURN_MILLISECONDS).unref();
  }

  async #turn(): Promise<void> {
    try {
      this.#leadership ??= await this.#store.openLeadership();
      this.#leads = await this.#leadership.take();
    } catch {
      // The database is away, and whoever else leads has lost it too.
      await this.#letGo();
    }
    if (!this.#leads) return;
    for (const duty of this.#duties) {
      if (this.#closed) return;
      await duty.run().catch((error: unknown) => this.#onFailure(duty.name, error));
    }
  }

  async #letGo(): Promise<void> {
    this.#leads = false;
    await this.#leadership?.close().catch(() => {});
    this.#leadership = null;
  }
}
