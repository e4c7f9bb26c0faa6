/**
 * The dialog's look, by the same custom properties as our pages (listed at the top of `assets/countersign.css`); they reach into
 * the shadow tree from the host's `:root`. Where none are set it follows the `color-scheme` of the host's page.
 */
const colors = {
  surface: ['#ffffff', '#19212a'],
  text: ['#1b2530', '#e8edf2'],
  muted: ['#4f5b68', '#aab6c2'],
  line: ['#d8dee5', '#33404d'],
  control: ['#75818f', '#8593a1'],
  accent: ['#14589c', '#8fbdf2'],
  'on-accent': ['#ffffff', '#0b1a2b'],
  focus: ['#0b3d91', '#ffd27a'],
  error: ['#a3201a', '#ffb1a8'],
} as const;

const properties = (value: (light: string, dark: string) => string): string =>
  Object.entries(colors)
    .map(([name, [light, dark]]) => `--${name}:var(--cs-color-${name},${value(light, dark)});`)
    .join('');

export const dialogStyle = `
:host { ${properties((light) => light)} }
@supports (color: light-dark(red, red)) {
  :host { ${properties((light, dark) => `light-dark(${light},${dark})`)} }
}
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
dialog {
  width: min(calc(100vw - 1rem), var(--cs-width-narrow, 30rem));
  max-width: none;
  max-height: calc(100dvh - 1rem);
  padding: calc(1.5 * var(--cs-space, 1rem));
  overflow: auto;
  border: 1px solid var(--line);
  border-radius: var(--cs-radius, .5rem);
  background: var(--surface);
  color: var(--text);
  font: 400 var(--cs-font-size, 1rem)/1.5 var(--cs-font, system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif);
  overflow-wrap: anywhere;
  text-align: start;
}
dialog::backdrop { background: rgb(16 22 29 / 60%); }
.all, form, .about, .facts, .field, .others { display: grid; grid-template-columns: minmax(0, 1fr); gap: var(--cs-space, 1rem); }
.about { gap: .75rem; }
.field, .facts { gap: .5rem; }
.others { gap: .25rem; justify-items: start; }
h2, h3, p, dl, dd { margin: 0; }
h2 { font-size: 1.375em; line-height: 1.2; text-wrap: balance; }
h3 { font-size: 1em; }
.facts { padding: .75rem 1rem; border: 1px solid var(--line); border-radius: var(--cs-radius, .5rem); }
.facts > div { display: grid; grid-template-columns: minmax(6rem, auto) minmax(0, 1fr); gap: 0 1rem; }
dt, .hint { color: var(--muted); }
dd { font-weight: 600; white-space: pre-wrap; }
label { font-weight: 600; }
.error { color: var(--error); font-weight: 600; }
.says > p:not(:empty) { margin-block-start: .75rem; }
.wait { font-variant-numeric: tabular-nums; }
input {
  width: 100%;
  min-height: 2.75rem;
  padding: .5rem .75rem;
  border: 1px solid var(--control);
  border-radius: var(--cs-radius, .5rem);
  background: var(--surface);
  color: inherit;
  font: inherit;
}
input[aria-invalid] { border: 2px solid var(--error); }
.code { max-width: 15rem; min-height: 3.5rem; font-family: var(--cs-font-code, ui-monospace, Menlo, Consolas, monospace); font-size: 1.75em; letter-spacing: .15em; }
button, .button {
  display: inline-flex;
  align-items: center;
  justify-content: center;
  min-height: 2.75rem;
  padding: .5rem 1.5rem;
  border: 2px solid var(--accent);
  border-radius: var(--cs-radius, .5rem);
  background: var(--accent);
  color: var(--on-accent);
  font: inherit;
  font-weight: 600;
  text-decoration: none;
  cursor: pointer;
}
.second { background: var(--surface); color: var(--accent); }
.plain { padding-inline: 0; border-color: transparent; border-inline-width: 0; background: none; color: var(--accent); font-weight: 400; text-decoration: underline; text-underline-offset: .2em; }
button[aria-disabled] { cursor: progress; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
dialog:focus { outline: none; }
.actions { display: flex; flex-wrap: wrap; gap: .75rem 1rem; }
@media (forced-colors: active) { button, .button { border-color: ButtonBorder; } :focus-visible { outline-color: Highlight; } }
`;
