import type { PasskeyOutcome, PasskeyProblem } from './passkey.ts';

/**
 * A form that a passkey fills in. `data-cs-passkey="verify"` begins an answer at `data-cs-begin` and sends it with the form;
 * `="enrol"` makes a passkey from `data-cs-options`. The answer travels in the hidden field `response`, in the form's ordinary
 * post: its CSRF field and its reply are those of every form. What it says meanwhile stands on the form, as `data-cs-text-…`.
 */
export function passkeyForm(form: HTMLFormElement): void {
  const response = form.elements.namedItem('response');
  if (!(response instanceof HTMLInputElement)) return;
  const button = form.querySelector('button[type="submit"]');
  const status = form.querySelector<HTMLElement>('[data-cs-passkey-status]');
  const say = (text: string) => {
    if (status === null) return;
    status.hidden = text === '';
    status.textContent = text;
  };
  let asking = false;
  form.addEventListener('submit', async (event) => {
    if (response.value !== '') return;
    event.preventDefault();
    if (asking) return;
    asking = true;
    button?.setAttribute('aria-disabled', 'true');
    say(form.getAttribute('data-cs-text-waiting') ?? '');
    const outcome = await (form.dataset.csPasskey === 'enrol' ? enrol(form) : verify(form));
    asking = false;
    button?.removeAttribute('aria-disabled');
    if ('problem' in outcome) {
      say(textOf(form, outcome.problem));
      return;
    }
    say('');
    response.value = JSON.stringify(outcome.response);
    form.requestSubmit();
  });
  // Back from the next page: an answer is good once.
  addEventListener('pageshow', () => {
    response.value = '';
  });
}

async function verify(form: HTMLFormElement): Promise<PasskeyOutcome> {
  const { csBegin, csChallenge } = form.dataset;
  try {
    const reply = await fetch(csBegin ?? '', {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify({ challengeId: csChallenge, factor: 'passkey' }),
    });
    // Refused: the form's own post says why, as a page.
    if (!reply.ok) return { response: {} };
    const { invitation } = await reply.json();
    const { answerPasskey } = await import('./passkey.ts');
    return await answerPasskey(invitation.options);
  } catch {
    return { problem: 'failed' };
  }
}

async function enrol(form: HTMLFormElement): Promise<PasskeyOutcome> {
  try {
    const { createPasskey } = await import('./passkey.ts');
    return await createPasskey(JSON.parse(form.dataset.csOptions ?? ''));
  } catch {
    return { problem: 'failed' };
  }
}

function textOf(form: HTMLFormElement, problem: PasskeyProblem): string {
  if (problem === 'aborted') return '';
  return form.getAttribute(`data-cs-text-${problem}`) ?? form.getAttribute('data-cs-text-failed') ?? '';
}
