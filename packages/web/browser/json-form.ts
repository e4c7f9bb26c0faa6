/**
 * A refused JSON request, shown to be sent again: no form can send JSON, so this does, on a click and as it was. Where the answer
 * leads to a page, the browser goes there; else the page says what became of it.
 */
export function jsonForm(form: HTMLFormElement): void {
  const button = form.querySelector<HTMLButtonElement>('button[data-cs-json-send]');
  const status = form.querySelector<HTMLElement>('[data-cs-json-status]');
  const text = form.querySelector('textarea');
  if (button === null || status === null || text === null) return;
  const { csMethod: method = 'POST', csType: type = 'application/json', csSent = '', csRefused = '' } = form.dataset;
  form.querySelector('[data-cs-json-hint]')?.remove();
  button.hidden = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    try {
      const headers = { 'content-type': type, accept: 'application/json' };
      const answer = await fetch(form.action, { method, headers, body: text.value });
      if (answer.ok && answer.redirected) location.assign(answer.url);
      else status.textContent = answer.ok ? csSent : csRefused;
      button.disabled = answer.ok;
    } catch {
      status.textContent = csRefused;
      button.disabled = false;
    }
  });
}
