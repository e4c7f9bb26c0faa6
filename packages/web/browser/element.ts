interface Attributes {
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
  readonly [attribute: string]: unknown;
}

/**
 * An element with its attributes and children. Text is only ever set as text: nothing that a server or a host says becomes markup.
 * An attribute that is `false` or undefined is left out; `true` is one without a value.
 */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes,
  ...children: readonly (Node | string | null)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  const { on = {}, ...plain } = attributes;
  for (const [key, value] of Object.entries(plain)) {
    if (value === true) made.setAttribute(key, '');
    else if (value !== false && value !== undefined) made.setAttribute(key, String(value));
  }
  for (const [type, listener] of Object.entries(on)) made.addEventListener(type, listener);
  made.append(...children.filter((child) => child !== null));
  return made;
}
