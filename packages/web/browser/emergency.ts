// For pages of the host: says, while emergency access is open, how long it still is, with a link to the page that ends it.
import { element } from './element.ts';
import { emergencyStyle } from './emergency-style.ts';
import { type BannerWords, bannerWords } from './emergency-words.ts';
import { timeLeft } from './time-left.ts';

const NAME = 'countersign-emergency';
/** What is announced, in seconds that are left: often enough to finish, seldom enough to work. */
const ANNOUNCED = [600, 300, 60];
/** How often it is looked up again while something is open: it may have been ended elsewhere. */
const LOOK_AGAIN_MS = 60_000;

/** An emergency access, as `GET <apiPath>/break-glass` lists it. */
interface Grant {
  readonly id: string;
  readonly purpose: 'clinical' | 'administrative';
  readonly patientId: string | null;
  readonly patientLabel: string | null;
  readonly status: string;
  readonly secondsLeft: number;
  readonly url: string;
}

/** A line of the banner. */
interface Line {
  readonly grant: Grant;
  /** In the time of `performance.now()`: clocks of machines differ. */
  readonly endsAt: number;
  readonly text: HTMLElement;
}

/**
 * `<countersign-emergency>`, at the top of a page. What the host has put into it is shown until the script runs, and without one.
 * Attributes: `api-path` (default `/api/v1`), `lang` (default `<html lang>`).
 */
class EmergencyBanner extends HTMLElement {
  readonly #said = element('p', { class: 'said', role: 'status' });
  #words: BannerWords | undefined;
  #lang = 'en';
  #lines: readonly Line[] = [];
  /** Seconds left when they were last written, by grant: kept when it is looked up again, so that no announcement falls in between. */
  readonly #left = new Map<string, number>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #lookedAt = 0;
  #wasOpen = false;

  connectedCallback(): void {
    const root = this.shadowRoot ?? this.attachShadow({ mode: 'open' });
    const style = new CSSStyleSheet();
    style.replaceSync(emergencyStyle);
    // A constructed sheet is no inline style: it passes `style-src 'self'`.
    root.adoptedStyleSheets = [style];
    // The host's own, until it is known what is open.
    root.replaceChildren(document.createElement('slot'));
    const asked = (this.getAttribute('lang') ?? document.documentElement.lang) || 'en';
    const primary = asked.toLowerCase().split(/[-_]/, 1)[0] ?? '';
    const known = Object.hasOwn(bannerWords, primary);
    this.#lang = known ? asked.replaceAll('_', '-') : 'en';
    this.#words = bannerWords[known ? primary : 'en'];
    document.addEventListener('visibilitychange', this.#visible);
    addEventListener('pageshow', this.#visible);
    void this.#look();
  }

  disconnectedCallback(): void {
    clearInterval(this.#timer);
    document.removeEventListener('visibilitychange', this.#visible);
    removeEventListener('pageshow', this.#visible);
  }

  readonly #visible = (event: Event): void => {
    const fromCache = event instanceof PageTransitionEvent ? event.persisted : true;
    if (fromCache && document.visibilityState === 'visible') void this.#look();
  };

  async #look(): Promise<void> {
    this.#lookedAt = performance.now();
    const api = this.getAttribute('api-path') ?? '/api/v1';
    try {
      const response = await fetch(`${api}/break-glass`, {
        headers: { accept: 'application/json' },
        credentials: 'same-origin',
        cache: 'no-store',
      });
      if (response.ok) this.#show(((await response.json()) as { readonly own: readonly Grant[] }).own);
      else if (response.status < 500) this.#show([]);
    } catch {
      // What was open goes on being shown: its end is known.
    }
  }

  #show(own: readonly Grant[]): void {
    const open = own.filter(({ status, secondsLeft }) => status === 'open' && secondsLeft > 0);
    if (open.length === 0) {
      // What has ended stays said: this page still shows what it had opened.
      if (this.#wasOpen) this.#ended();
      else this.shadowRoot?.replaceChildren(this.#said);
      return;
    }
    this.#wasOpen = true;
    this.#lines = open.map((grant) => ({
      grant,
      endsAt: performance.now() + grant.secondsLeft * 1000,
      text: element('span', {}),
    }));
    this.#write();
    const lines = this.#lines.map(({ grant, text }) => {
      const here = encodeURIComponent(location.pathname + location.search);
      const href = `${grant.url}?returnTo=${here}`;
      return element('p', {}, text, element('a', { href }, this.#words?.end ?? ''));
    });
    this.#frame(...lines);
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#tick(), 1000);
  }

  #frame(...lines: readonly Node[]): void {
    const section = element('section', { 'aria-label': this.#words?.label, lang: this.#lang }, ...lines);
    this.shadowRoot?.replaceChildren(section, this.#said);
  }

  #tick(): void {
    this.#write();
    if (this.#lines.every(({ grant }) => this.#left.get(grant.id) === 0)) {
      this.#ended();
      return;
    }
    const due = performance.now() - this.#lookedAt >= LOOK_AGAIN_MS;
    if (due && document.visibilityState === 'visible') void this.#look();
  }

  #write(): void {
    for (const { grant, endsAt, text } of this.#lines) {
      const left = Math.max(0, Math.ceil((endsAt - performance.now()) / 1000));
      const words = this.#words?.[grant.purpose] ?? '';
      const written = words
        .replace('{time}', () => timeLeft(left, this.#lang))
        .replace('{patient}', () => grant.patientLabel ?? grant.patientId ?? '');
      if (text.textContent !== written) text.textContent = written;
      const before = this.#left.get(grant.id) ?? left;
      if (ANNOUNCED.some((seconds) => left <= seconds && before > seconds)) this.#said.textContent = written;
      this.#left.set(grant.id, left);
    }
  }

  #ended(): void {
    clearInterval(this.#timer);
    this.#lines = [];
    const ended = this.#words?.ended ?? '';
    this.#frame(element('p', {}, element('span', {}, ended)));
    // Said once, also where the server's last answer was a second behind.
    if (this.#said.textContent !== ended) this.#said.textContent = ended;
  }
}

if (customElements.get(NAME) === undefined) customElements.define(NAME, EmergencyBanner);
// A host that has not placed it gets it at the top.
if (document.querySelector(NAME) === null) document.body.prepend(document.createElement(NAME));
