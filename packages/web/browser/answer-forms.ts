import type { OfferedFactor } from './challenge-client.ts';
import { textFor } from './dialog-about.ts';
import type { DialogWords } from './dialog-words.ts';
import { easeCode } from './ease-code.ts';
import { element } from './element.ts';

/** A form of the dialog: what it shows, where the focus goes, and what it says after a refusal. */
export interface AnswerForm {
  readonly element: HTMLElement;
  readonly focus: HTMLElement;
  /** Empties what must be typed anew, and marks it wrong. */
  refused?(): void;
}

type Answer = (members: Readonly<Record<string, string>>) => void;

/** A code that is typed; six digits where it is an authenticator app's. */
export function codeForm(
  { factor, withPassword }: OfferedFactor,
  words: DialogWords,
  autoSubmit: boolean,
  answer: Answer,
): AnswerForm {
  const sixDigits = factor === 'totp';
  // With a password there are two fields: sent when the person says so.
  const sentAtOnce = sixDigits && !withPassword && autoSubmit;
  const hint = element('p', { class: 'hint', id: 'hint' }, words.codeHint, sentAtOnce ? ` ${words.sentAtOnce}` : null);
  const code = element('input', {
    id: 'code',
    name: 'code',
    class: sixDigits ? 'code' : undefined,
    type: 'text',
    inputmode: sixDigits ? 'numeric' : undefined,
    autocomplete: sixDigits ? 'one-time-code' : 'off',
    autocapitalize: 'off',
    autocorrect: 'off',
    spellcheck: 'false',
    enterkeyhint: 'done',
    required: true,
    'aria-describedby': sixDigits ? 'error hint' : 'error',
  });
  const password = element('input', {
    id: 'password',
    name: 'password',
    type: 'password',
    autocomplete: 'current-password',
    required: true,
  });
  const form = element(
    'form',
    { novalidate: true, autocomplete: 'off' },
    element(
      'div',
      { class: 'field' },
      element('label', { for: 'code' }, labelOf(factor, words)),
      sixDigits ? hint : null,
      code,
    ),
    withPassword
      ? element('div', { class: 'field' }, element('label', { for: 'password' }, words.password), password)
      : null,
    element('div', { class: 'actions' }, element('button', { type: 'submit' }, words.confirm)),
  );
  if (sixDigits) easeCode(code, sentAtOnce);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (code.value.trim() === '') code.focus();
    else if (withPassword && password.value === '') password.focus();
    else answer({ code: code.value, ...(withPassword ? { password: password.value } : {}) });
  });
  return {
    element: form,
    focus: code,
    refused() {
      // Which of the two was wrong is not told.
      code.value = '';
      password.value = '';
      hint.textContent = words.codeHint;
      code.setAttribute('aria-invalid', 'true');
    },
  };
}

function labelOf(factor: string, words: DialogWords): string {
  if (factor === 'totp') return words.codeLabel;
  if (factor === 'recovery-codes') return words.recoveryLabel;
  return words.otherLabel.replace('{factor}', textFor(words.factorNames, factor) ?? factor);
}

/** One button: a passkey is used by one click, or by the Enter key where the focus already is. */
export function passkeyButton(words: DialogWords, use: () => void): AnswerForm {
  const button = element('button', { type: 'submit' }, words.usePasskey);
  const form = element('form', { novalidate: true }, element('div', { class: 'actions' }, button));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    use();
  });
  return { element: form, focus: button };
}

/** A factor that takes a page of its own (an identity provider, a kind this script does not know): confirmed there, looked up here. */
export function pageLink(page: string, words: DialogWords, check: () => void): AnswerForm {
  const link = element('a', { class: 'button', href: page, target: '_blank', rel: 'noopener' }, words.openPage);
  const checkAgain = element('button', { type: 'button', class: 'second', on: { click: check } }, words.checkAgain);
  const panel = element(
    'form',
    {},
    element('p', { class: 'hint' }, words.openPageHint),
    element('div', { class: 'actions' }, link, checkAgain),
  );
  return { element: panel, focus: link };
}
