import { type AnswerForm, codeForm, pageLink, passkeyButton } from './answer-forms.ts';
import type { ChallengeClient, ChallengeDescription, OfferedFactor, Reply, Verified } from './challenge-client.ts';
import { countDown } from './count-down.ts';
import { dialogAbout, textFor } from './dialog-about.ts';
import type { DialogLanguage } from './dialog-language.ts';
import { element } from './element.ts';
import type { StepUpProblem } from './problem.ts';

/**
 * How a dialog ends. `changed`: the challenge is no more (answered in another tab, expired, voided by a lock-out), so the request
 * is to be sent again, which says what is asked now.
 */
export type DialogOutcome = 'confirmed' | 'cancelled' | 'changed';

export interface DialogContext {
  readonly client: ChallengeClient;
  /** The challenge's own page. */
  readonly page: string;
  /** Where emergency access is asked for. */
  readonly emergency: string | null;
  readonly language: DialogLanguage;
  /** Said above the form when the dialog opens. */
  readonly notice: string;
  end(outcome: DialogOutcome, notice?: string): void;
}

/** Nothing that a factor could answer: the request itself, sent again, says so to the host. */
const endsSession = ['sign_in_required', 'session_ended', 'session_locked'];
const voidsChallenge = ['factor_locked', 'factor_disabled'];
/** Shown only when few are left, as on our pages. */
const FEW_ATTEMPTS = 5;

/** One challenge, from what it is about to its answer. */
export class DialogView {
  readonly element: HTMLDialogElement;
  readonly #context: DialogContext;
  readonly #about = element('div', { class: 'about', id: 'about' });
  readonly #body = element('div', {});
  readonly #others = element('div', { class: 'others' });
  readonly #error = element('p', { class: 'error', id: 'error', role: 'alert' });
  readonly #wait = element('p', { class: 'wait' });
  readonly #status = element('p', { class: 'hint', role: 'status' });
  readonly #cancel: HTMLButtonElement;
  #form: AnswerForm | null = null;
  #factor: OfferedFactor | null = null;
  #busy = false;
  /** For emergency access. */
  #left = false;
  /** A wrong code must not loop: it is sent by itself once, and never again in this dialog. */
  #autoSubmit = true;
  #stopWait: () => void = () => {};
  #stopPasskey: () => void = () => {};

  constructor(context: DialogContext) {
    this.#context = context;
    const { words, lang } = context.language;
    const cancel = () => context.end('cancelled');
    this.#cancel = element('button', { type: 'button', class: 'second', on: { click: cancel } }, words.cancel);
    this.element = element(
      'dialog',
      { lang, 'aria-labelledby': 'title', 'aria-describedby': 'about' },
      element(
        'div',
        { class: 'all' },
        element('h2', { id: 'title' }, words.title),
        // What speaks up is there before it says anything: a region that appears with its text is not announced everywhere.
        element('div', { class: 'says' }, this.#about, this.#status, this.#error, this.#wait),
        this.#body,
        this.#others,
        element('div', { class: 'actions' }, this.#cancel, this.#emergency(words.emergency)),
      ),
    );
    this.element.addEventListener('cancel', (event) => {
      event.preventDefault();
      cancel();
    });
    // A browser may close it without asking, on a second Esc.
    this.element.addEventListener('close', cancel);
  }

  /** Asks what the challenge is about, then opens: nobody is asked for a code without being told for what. */
  async open(): Promise<void> {
    const description = await this.#context.client.describe();
    if (!description.ok && endsOrUnknown(description.problem)) {
      this.#context.end('changed');
      return;
    }
    // It may have been cancelled, or its page left, meanwhile.
    if (!this.element.isConnected) return;
    this.element.showModal();
    this.#status.textContent = this.#context.notice;
    if (description.ok) this.#describe(description.value);
    else this.#failed(description.problem);
  }

  close(): void {
    this.#stopWait();
    this.#stopPasskey();
    this.element.close();
  }

  /** The person may have been to the challenge's page in another tab, and confirmed there. */
  async check(quietly: boolean): Promise<void> {
    if (this.#busy) return;
    const reply = await this.#context.client.describe();
    if (reply.ok ? reply.value.met : endsOrUnknown(reply.problem)) this.#context.end('changed');
    else if (!quietly) this.#say(reply.ok ? this.#context.language.words.notYet : this.#sentence(reply.problem));
  }

  /** Whether something is done on a page of its own: the factor in front, or emergency access. */
  get waitsForPage(): boolean {
    if (this.#left) return true;
    return this.#factor !== null && this.#factor.answeredBy === 'ceremony' && this.#factor.factor !== 'passkey';
  }

  /** In a tab of its own: this page, and what is typed in it, stays. */
  #emergency(label: string): HTMLElement | null {
    const { emergency } = this.#context;
    if (emergency === null) return null;
    const leave = () => {
      this.#left = true;
    };
    const link = { class: 'button plain', href: emergency, target: '_blank', rel: 'noopener', on: { click: leave } };
    return element('a', link, label);
  }

  #describe(description: ChallengeDescription): void {
    const { language } = this.#context;
    this.#about.replaceChildren(...dialogAbout(description, language));
    const rank = ({ factor }: OfferedFactor) => (factor === 'passkey' && canUsePasskeys() ? 0 : 1);
    const factors = [...description.factors].sort((one, other) => rank(one) - rank(other));
    const [first] = factors;
    if (first === undefined) {
      this.#error.textContent = language.words.noFactor;
      this.#cancel.focus();
    } else this.#show(first, factors);
  }

  /** Puts one factor in front, and offers the others below. */
  #show(factor: OfferedFactor, all: readonly OfferedFactor[]): void {
    const { page, language } = this.#context;
    const { words } = language;
    this.#factor = factor;
    if (factor.factor === 'passkey') this.#form = passkeyButton(words, () => void this.#usePasskey(factor));
    else if (factor.answeredBy === 'code') {
      const answer = (members: Readonly<Record<string, string>>) => void this.#answer(factor, members);
      this.#form = codeForm(factor, words, this.#autoSubmit, answer);
    } else this.#form = pageLink(page, words, () => void this.check(false));
    this.#body.replaceChildren(this.#form.element);
    const others = all.filter((other) => other !== factor);
    this.#others.hidden = others.length === 0;
    this.#others.replaceChildren(
      ...others.map((other) => {
        const name = textFor(words.factorNames, other.factor) ?? other.factor;
        const use = () => {
          this.#stopPasskey();
          this.#busy = false;
          this.#clear();
          this.#show(other, all);
        };
        return element(
          'button',
          { type: 'button', class: 'plain', on: { click: use } },
          words.useInstead.replace('{factor}', name),
        );
      }),
    );
    this.#form.focus.focus();
  }

  async #answer(factor: OfferedFactor, members: Readonly<Record<string, unknown>>): Promise<void> {
    if (!this.#begin()) return;
    const form = this.#form;
    this.#autoSubmit = false;
    const reply = await this.#context.client.answer(factor.factor, members);
    if (form === this.#form) this.#settle(reply);
  }

  async #usePasskey(factor: OfferedFactor): Promise<void> {
    if (!this.#begin()) return;
    const form = this.#form;
    const { client, language } = this.#context;
    const begun = await client.begin(factor.factor);
    if (form !== this.#form) return;
    if (!begun.ok) {
      this.#settle(begun);
      return;
    }
    const passkeys = await import('./passkey.ts').catch(() => null);
    this.#stopPasskey = () => passkeys?.stopPasskey();
    const outcome = await (passkeys?.answerPasskey(begun.value.invitation?.options) ?? { problem: 'failed' as const });
    // Another factor was chosen, or the dialog left, while the browser asked.
    if (form !== this.#form || !this.element.open) return;
    if ('response' in outcome) {
      this.#settle(await client.answer(factor.factor, { response: outcome.response }));
      return;
    }
    this.#busy = false;
    this.#clear();
    if (outcome.problem !== 'aborted') {
      this.#error.textContent = textFor(language.words.passkeyProblems, outcome.problem) ?? '';
    }
    form?.focus.focus();
  }

  /** One answer at a time: a second click would send a code that is used up by then. */
  #begin(): boolean {
    if (this.#busy) return false;
    this.#busy = true;
    this.#clear();
    this.#say(this.#context.language.words.working);
    return true;
  }

  #settle(reply: Reply<Verified>): void {
    this.#busy = false;
    this.#say('');
    const { end, language } = this.#context;
    if (!reply.ok) {
      this.#refused(reply.problem);
      return;
    }
    const { remaining } = reply.value;
    if (typeof remaining !== 'number') {
      end('confirmed');
      return;
    }
    this.#about.replaceChildren();
    this.#others.hidden = true;
    this.#cancel.hidden = true;
    this.#say(language.count(language.words.codesLeft, remaining));
    this.#button(language.words.continue, () => end('confirmed'));
  }

  #refused(problem: StepUpProblem): void {
    const { end, language } = this.#context;
    const { words } = language;
    const { code, retryAfterSeconds = 0, attemptsLeft } = problem;
    if (endsOrUnknown(problem)) {
      end('changed', code === 'challenge_unknown' ? words.ended : '');
      return;
    }
    const few = attemptsLeft !== undefined && attemptsLeft <= FEW_ATTEMPTS;
    this.#error.replaceChildren(
      `${words.errorLabel} ${this.#sentence(problem)}`,
      few ? ` ${language.count(words.attemptsLeft, attemptsLeft)}` : '',
    );
    if (retryAfterSeconds > 0) {
      const used = code === 'code_already_used';
      this.#stopWait = countDown(this.#wait, {
        seconds: retryAfterSeconds,
        lang: language.lang,
        waiting: used ? words.nextCodeIn : words.tryAgainIn,
        over: used ? words.nextCodeNow : words.tryAgainNow,
      });
    }
    if (voidsChallenge.includes(code)) {
      this.#others.hidden = true;
      this.#button(words.retry, () => end('changed'));
      return;
    }
    // What never reached the check may be sent again as it is.
    if (problem.status > 0 && problem.status < 500) this.#form?.refused?.();
    this.#form?.focus.focus();
  }

  /** It cannot be said what this is about: nothing to type here, only to try again. */
  #failed(problem: StepUpProblem): void {
    const { language } = this.#context;
    this.#error.textContent = `${language.words.errorLabel} ${this.#sentence(problem)}`;
    this.#button(language.words.retry, async () => {
      if (!this.#begin()) return;
      const description = await this.#context.client.describe();
      this.#busy = false;
      this.#clear();
      if (description.ok) this.#describe(description.value);
      else if (endsOrUnknown(description.problem)) this.#context.end('changed');
      else this.#failed(description.problem);
    });
  }

  #button(label: string, click: () => void): void {
    const button = element('button', { type: 'button', on: { click } }, label);
    this.#form = { element: button, focus: button };
    this.#body.replaceChildren(element('div', { class: 'actions' }, button));
    button.focus();
  }

  #clear(): void {
    this.#stopWait();
    this.#wait.removeAttribute('role');
    for (const text of [this.#error, this.#wait, this.#status]) text.textContent = '';
  }

  #say(text: string): void {
    this.#status.textContent = text;
  }

  #sentence({ code }: StepUpProblem): string {
    const { words } = this.#context.language;
    const { factor = 'totp', withPassword = false } = this.#factor ?? {};
    if (code === 'unreachable') return words.unreachable;
    const table = withPassword ? 'password' : Object.hasOwn(words.factorErrors, factor) ? factor : 'other';
    const own = factor === 'totp' && !withPassword ? undefined : textFor(words.factorErrors[table] ?? {}, code);
    return own ?? textFor(words.errors, code) ?? words.errors.internal ?? '';
  }
}

const endsOrUnknown = ({ code }: StepUpProblem): boolean => code === 'challenge_unknown' || endsSession.includes(code);

const canUsePasskeys = (): boolean => typeof PublicKeyCredential === 'function';
