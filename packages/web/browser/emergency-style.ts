/**
 * The banner's look: in the flow of the page, so that it covers nothing; the same in light and dark, so that it is known at a
 * glance. White on it has a contrast of 8.9:1. `--cs-color-emergency` and `--cs-color-on-emergency` change it.
 */
export const emergencyStyle = `
:host { display: block; }
:host([hidden]) { display: none; }
*, ::before, ::after { box-sizing: border-box; }
section {
  padding: .5rem 1rem;
  background: var(--cs-color-emergency, #8c1a12);
  color: var(--cs-color-on-emergency, #ffffff);
  font: 400 var(--cs-font-size, 1rem)/1.5 var(--cs-font, system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif);
  text-align: start;
}
p { display: flex; flex-wrap: wrap; gap: 0 1rem; align-items: center; max-width: var(--cs-width-wide, 80rem); margin: 0 auto; }
span { font-weight: 600; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
a { display: inline-flex; align-items: center; min-height: 2.75rem; color: inherit; text-underline-offset: .2em; }
a:focus-visible { outline: 3px solid currentcolor; outline-offset: 2px; }
.said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (forced-colors: active) { section { border: 2px solid Highlight; } }
@media print { section { border: 2px solid; } }
`;
