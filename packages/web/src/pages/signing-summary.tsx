import type { OperationSummary } from '@countersign/core';
import { useShell } from './shell.ts';

/** Exactly what is approved by confirming, in the host's words (DEA 21 CFR 1311.120(b)(9)): whole, above the form. */
export function SigningSummary({ summary }: { readonly summary: OperationSummary }) {
  const { challenge } = useShell().strings;
  return (
    <section class="cs-signing" aria-labelledby="cs-signing">
      <p class="cs-hint">{challenge.signing}</p>
      <h2 class="cs-subheading" id="cs-signing">
        <bdi>{summary.title}</bdi>
      </h2>
      {summary.lines.length > 0 && (
        <dl class="cs-resend">
          {summary.lines.map(({ label, value }) => (
            <div>
              <dt>
                <bdi>{label}</bdi>
              </dt>
              <dd>
                <bdi class="cs-resend-text">{value}</bdi>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}
