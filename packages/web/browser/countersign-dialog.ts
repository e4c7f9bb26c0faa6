import { ChallengeClient } from './challenge-client.ts';
import { type DialogWordOverrides, dialogLanguage } from './dialog-language.ts';
import { dialogStyle } from './dialog-style.ts';
import { type DialogOutcome, DialogView } from './dialog-view.ts';
import type { Challenge } from './problem.ts';

const NAME = 'countersign-dialog';

export interface Ask {
  readonly challenge: Challenge;
  readonly send: typeof fetch;
  readonly lang?: string | undefined;
  readonly words?: DialogWordOverrides | undefined;
  readonly signal?: AbortSignal | null | undefined;
}

interface Waiting extends Ask {
  resolve(outcome: DialogOutcome): void;
}

export interface CountersignDialog extends HTMLElement {
  /** How often the person has confirmed in this page: whoever was refused before the last time asks the server first. */
  readonly confirmations: number;
  /** Asks, after those that are asked already. Rejects with the signal's reason where it is aborted. */
  ask(ask: Ask): Promise<DialogOutcome>;
}

/** The page's one dialog: the host's own `<countersign-dialog>`, or one at the end of its body. Defines the element. */
export function countersignDialog(): CountersignDialog {
  if (customElements.get(NAME) === undefined) customElements.define(NAME, dialogClass());
  const found = document.querySelector(NAME) ?? document.body.appendChild(document.createElement(NAME));
  return found as CountersignDialog;
}

// Made when it is needed, so that importing this module needs no DOM (server-side rendering).
function dialogClass(): CustomElementConstructor {
  return class extends HTMLElement implements CountersignDialog {
    confirmations = 0;
    readonly #waiting: Waiting[] = [];
    #view: DialogView | null = null;
    /** The challenge in the view. */
    #shown: Challenge | null = null;
    #abort = new AbortController();
    #notice = '';

    constructor() {
      super();
      const root = this.attachShadow({ mode: 'open' });
      const style = new CSSStyleSheet();
      style.replaceSync(dialogStyle);
      // A constructed sheet is no inline style: it passes `style-src 'self'`.
      root.adoptedStyleSheets = [style];
    }

    ask(ask: Ask): Promise<DialogOutcome> {
      const { signal } = ask;
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const aborted = () => {
          reject(signal?.reason);
          this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
          this.#next();
        };
        const waiting: Waiting = {
          ...ask,
          resolve: (outcome) => {
            signal?.removeEventListener('abort', aborted);
            resolve(outcome);
          },
        };
        signal?.addEventListener('abort', aborted, { once: true });
        this.#waiting.push(waiting);
        this.#next();
      });
    }

    disconnectedCallback(): void {
      // Moved is not removed: it is connected again by then.
      queueMicrotask(() => {
        if (!this.isConnected && this.#view !== null) this.#end('cancelled');
      });
    }

    /** Shows the first that waits, unless what it asks is shown already. */
    #next(): void {
      const shown = this.#waiting.find((it) => it.challenge.id === this.#shown?.id);
      if (shown !== undefined) return;
      this.#close();
      const [first] = this.#waiting;
      if (first === undefined) return;
      const view = new DialogView({
        client: new ChallengeClient(first.challenge, first.send, this.#abort.signal),
        page: first.challenge.page,
        emergency: first.challenge.emergency,
        language: dialogLanguage(first.lang, first.words),
        notice: this.#notice,
        end: (outcome, notice = '') => {
          if (this.#view !== view) return;
          this.#notice = notice;
          this.#end(outcome);
        },
      });
      this.#view = view;
      this.#shown = first.challenge;
      this.#notice = '';
      this.shadowRoot?.replaceChildren(view.element);
      addEventListener('focus', this.#lookAgain);
      void view.open();
    }

    /** Everybody learns of it: one confirmation may have answered several, and whoever cancels means all that was asked. */
    #end(outcome: DialogOutcome): void {
      if (outcome === 'confirmed') this.confirmations++;
      const shownId = this.#shown?.id;
      const all = this.#waiting.splice(0);
      this.#close();
      // The first of the challenge's askers was answered; with a one-shot proof that is good for it alone.
      const owner = all.find((it) => it.challenge.id === shownId);
      for (const it of all) it.resolve(it === owner || outcome === 'cancelled' ? outcome : 'changed');
    }

    #close(): void {
      const view = this.#view;
      this.#view = null;
      this.#shown = null;
      removeEventListener('focus', this.#lookAgain);
      this.#abort.abort();
      this.#abort = new AbortController();
      view?.close();
      view?.element.remove();
    }

    readonly #lookAgain = (): void => {
      if (this.#view?.waitsForPage === true) void this.#view.check(true);
    };
  };
}
