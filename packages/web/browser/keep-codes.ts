/** What is to be kept: a list's items, one a line, or a key without the spaces that make it readable. */
function textOf(source: Element): string {
  const items = [...source.querySelectorAll('li')].map((item) => item.textContent.trim());
  return items.length > 0 ? `${items.join('\n')}\n` : source.textContent.replace(/\s/g, '');
}

const sourceOf = (id: string | undefined): HTMLElement | null => document.getElementById(id ?? '');

/** Shows a copy button where the browser can copy, and says when it did. */
export function offerCopy(button: HTMLButtonElement): void {
  const source = sourceOf(button.dataset.csCopy);
  if (!source || !navigator.clipboard) return;
  const status = button.parentElement?.querySelector('[data-cs-copy-status]');
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(textOf(source));
    } catch {
      // Refused by the browser: select it, so that it can be copied by hand.
      getSelection()?.selectAllChildren(source);
      return;
    }
    button.textContent = button.dataset.csCopied ?? label;
    if (status) status.textContent = button.textContent;
    setTimeout(() => {
      button.textContent = label;
      if (status) status.textContent = '';
    }, 3000);
  });
}

/** Shows a button that saves the codes as a text file. They never leave the page on another way. */
export function offerSave(button: HTMLButtonElement): void {
  const source = sourceOf(button.dataset.csSave);
  if (!source) return;
  button.hidden = false;
  button.addEventListener('click', () => {
    const address = URL.createObjectURL(new Blob([textOf(source)], { type: 'text/plain' }));
    const link = document.createElement('a');
    link.href = address;
    link.download = button.dataset.csFile ?? 'codes.txt';
    link.click();
    // The browser has taken the address by then, and nobody else should.
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  });
}

export function offerPrint(button: HTMLButtonElement): void {
  button.hidden = false;
  button.addEventListener('click', () => print());
}
