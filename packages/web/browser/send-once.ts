/**
 * A form goes off once: a second click would send a code that is used up by then. It may go again after five seconds (the
 * person stopped it, or the line broke), and when the page comes back from the browser's cache.
 */
export function sendOnce(form: HTMLFormElement): void {
  const button = form.querySelector('button[type="submit"]');
  let sent = false;
  const reset = () => {
    sent = false;
    button?.removeAttribute('aria-disabled');
  };
  form.addEventListener('submit', (event) => {
    // A passkey form is stopped first, and sent when the passkey has answered.
    if (event.defaultPrevented) return;
    if (sent) {
      event.preventDefault();
      return;
    }
    sent = true;
    button?.setAttribute('aria-disabled', 'true');
    setTimeout(reset, 5000);
  });
  addEventListener('pageshow', (event) => {
    if (event.persisted) reset();
  });
}
