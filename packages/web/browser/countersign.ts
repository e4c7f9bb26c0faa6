// What our own pages do beyond their forms. Every page works without this file, except where a passkey answers; it saves seconds.
import { countDown } from './count-down.ts';
import { easeCode } from './ease-code.ts';
import { jsonForm } from './json-form.ts';
import { offerCopy, offerPrint, offerSave } from './keep-codes.ts';
import { passkeyForm } from './passkey-form.ts';
import { sendOnce } from './send-once.ts';

const each = <E extends Element>(selector: string, enhance: (element: E) => void): void =>
  document.querySelectorAll<E>(selector).forEach(enhance);

// Before sendOnce: it stops the submission that sendOnce would count.
each<HTMLFormElement>('form[data-cs-passkey]', passkeyForm);
each<HTMLFormElement>('form[data-cs-once]', sendOnce);
each<HTMLFormElement>('form[data-cs-json]', jsonForm);
each<HTMLInputElement>('input[data-cs-code]', (input) => {
  const sentAtOnce = input.form?.hasAttribute('data-cs-autosubmit') === true;
  const hint = input.form?.querySelector<HTMLElement>('[data-cs-autosubmit-hint]');
  if (sentAtOnce && hint) hint.hidden = false;
  easeCode(input, sentAtOnce);
});
each<HTMLElement>('[data-cs-countdown]', (element) => {
  const { csCountdown, csWaiting = '', csOver = '' } = element.dataset;
  countDown(element, {
    seconds: Number(csCountdown),
    lang: document.documentElement.lang,
    waiting: csWaiting,
    over: csOver,
  });
});
each<HTMLButtonElement>('button[data-cs-copy]', offerCopy);
each<HTMLButtonElement>('button[data-cs-save]', offerSave);
each<HTMLButtonElement>('button[data-cs-print]', offerPrint);
