// What the pages do beyond their forms. Everything works without this file; it saves seconds.

const sixDigits = /^\d{6}$/;

/** The digits of a code as people write it: `123 456`, `123-456`, also with the spaces that phones put in. */
function tidied(text) {
  return text.normalize('NFKC').replace(/[\s\u2010-\u2015\-.\u200b-\u200f\u2060\ufeff]/g, '');
}

/**
 * A form goes off once: a second click would send a code that is used up by then. It may go again after five seconds (the
 * person stopped it, or the line broke), and when the page comes back from the browser's cache.
 */
function sendOnce(form) {
  const button = form.querySelector('button[type="submit"]');
  let sent = false;
  const reset = () => {
    sent = false;
    button?.removeAttribute('aria-disabled');
  };
  form.addEventListener('submit', (event) => {
    if (sent) {
      event.preventDefault();
      return;
    }
    sent = true;
    button?.setAttribute('aria-disabled', 'true');
    window.setTimeout(reset, 5000);
  });
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) reset();
  });
}

/**
 * Takes spaces out of a pasted or filled-in code as soon as it is whole, never while somebody is still typing. On a challenge
 * page without an error, the form is sent when the field first holds six digits: once, so that correcting one sends nothing.
 */
function easeCode(input) {
  const { form } = input;
  const hint = form?.querySelector('[data-cs-autosubmit-hint]');
  let untried = form?.hasAttribute('data-cs-autosubmit') === true;
  if (untried && hint) hint.hidden = false;
  input.addEventListener('input', (event) => {
    if (event.isComposing) return;
    const code = tidied(input.value);
    if (!sixDigits.test(code)) return;
    if (input.value !== code) input.value = code;
    if (untried) {
      untried = false;
      form.requestSubmit();
    }
  });
  form?.addEventListener('submit', () => {
    const code = tidied(input.value);
    if (sixDigits.test(code)) input.value = code;
  });
}

/** Counts the seconds of a wait down, quietly; only its end is announced. */
function countDown(element) {
  const { csCountdown, csWaiting, csOver } = element.dataset;
  const end = performance.now() + Number(csCountdown) * 1000;
  const write = (amount, unit) =>
    new Intl.NumberFormat(document.documentElement.lang, { style: 'unit', unit, unitDisplay: 'long' }).format(amount);
  const tick = () => {
    const seconds = Math.ceil((end - performance.now()) / 1000);
    if (seconds <= 0) {
      window.clearInterval(timer);
      element.setAttribute('role', 'status');
      element.textContent = csOver;
      return;
    }
    let time;
    if (seconds < 120) time = write(seconds, 'second');
    else if (seconds < 7200) time = write(Math.ceil(seconds / 60), 'minute');
    else time = write(Math.ceil(seconds / 3600), 'hour');
    const text = csWaiting.replace('{time}', time);
    if (element.textContent !== text) element.textContent = text;
  };
  const timer = window.setInterval(tick, 1000);
}

/** Shows a copy button where the browser can copy, and says when it did. */
function offerCopy(button) {
  const source = document.getElementById(button.dataset.csCopy ?? '');
  if (!source || !navigator.clipboard) return;
  const status = button.parentElement?.querySelector('[data-cs-copy-status]');
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(source.textContent.replace(/\s/g, ''));
    } catch {
      // Refused by the browser: select the key, so that it can be copied by hand.
      window.getSelection()?.selectAllChildren(source);
      return;
    }
    button.textContent = button.dataset.csCopied ?? label;
    if (status) status.textContent = button.textContent;
    window.setTimeout(() => {
      button.textContent = label;
      if (status) status.textContent = '';
    }, 3000);
  });
}

for (const form of document.querySelectorAll('form[data-cs-once]')) sendOnce(form);
for (const input of document.querySelectorAll('input[data-cs-code]')) easeCode(input);
for (const element of document.querySelectorAll('[data-cs-countdown]')) countDown(element);
for (const button of document.querySelectorAll('button[data-cs-copy]')) offerCopy(button);
