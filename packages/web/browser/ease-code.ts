import { tidiedCode } from './tidied-code.ts';

/**
 * Takes spaces out of a pasted or filled-in code as soon as it is whole, never while somebody is still typing. Where `submitOnce`
 * is set, the form is sent when the field first holds six digits: once, so that correcting one sends nothing.
 */
export function easeCode(input: HTMLInputElement, submitOnce: boolean): void {
  const { form } = input;
  let untried = submitOnce;
  input.addEventListener('input', (event) => {
    if (event instanceof InputEvent && event.isComposing) return;
    const code = tidiedCode(input.value);
    if (code === null) return;
    if (input.value !== code) input.value = code;
    if (untried) {
      untried = false;
      form?.requestSubmit();
    }
  });
  form?.addEventListener('submit', () => {
    input.value = tidiedCode(input.value) ?? input.value;
  });
}
