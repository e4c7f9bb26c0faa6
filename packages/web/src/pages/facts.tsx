import type { ComponentChildren } from 'preact';

/** A label and what it says; one without anything to say is left out. */
export type FactRow = readonly [label: string, value: ComponentChildren];

/** A short list of facts, each with its label. */
export function Facts({ rows }: { readonly rows: readonly FactRow[] }) {
  return (
    <dl class="cs-facts cs-facts-even">
      {rows.map(([label, value]) =>
        value === null || value === undefined || value === '' ? null : (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}
