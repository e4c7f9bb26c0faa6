import type { ComponentChildren } from 'preact';
import { format, textFor } from '../strings/format.ts';
import { Form } from './form.tsx';
import { instantFormatter } from './format-instant.ts';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { Notice } from './notice.tsx';
import { useShell } from './shell.ts';

/** One of the person's own factors, without anything secret. */
export interface FactorSummary {
  readonly id: string;
  /** The factor id, such as `totp`. */
  readonly kind: string;
  /** The person's own name for it. Absent: the kind's name. */
  readonly label?: string;
  readonly enrolledAt: Date;
  /** Null: never used. Absent: not told. */
  readonly lastUsedAt?: Date | null;
  readonly state: 'usable' | 'locked' | 'disabled' | 'unknown';
}

export interface FactorsPageProps {
  readonly factors: readonly FactorSummary[];
  /** Starts a TOTP enrolment by POST; `replaces` where the person has one already. */
  readonly enrolTotp?: { readonly formAction: string; readonly replaces: boolean } | undefined;
  /** What must come first; shown in place of the button. */
  readonly required?: { readonly kind: 'fresh-sign-in' | 'step-up'; readonly href: string } | undefined;
  readonly notice?: 'enrolled' | 'replaced' | 'removed' | 'renamed' | undefined;
}

/** A person's own factors. */
export function FactorsPage({ factors, enrolTotp, required, notice }: FactorsPageProps) {
  const text = useShell().strings.factors;
  return (
    <Layout title={text.title} page="factors">
      {notice !== undefined && (
        <Notice kind="success">
          <p>{text.notices[notice]}</p>
        </Notice>
      )}
      {factors.length === 0 ? (
        <p>{text.empty}</p>
      ) : (
        <>
          <p>{text.intro}</p>
          <ul class="cs-cards">
            {factors.map((factor) => (
              <Factor key={factor.id} factor={factor} />
            ))}
          </ul>
        </>
      )}
      {required !== undefined && (
        <Notice kind="info">
          <p>{required.kind === 'step-up' ? text.stepUpText : text.freshSignInText}</p>
          <p>
            <Link href={required.href} look="primary">
              {required.kind === 'step-up' ? text.stepUpLink : text.freshSignInLink}
            </Link>
          </p>
        </Notice>
      )}
      {required === undefined && enrolTotp !== undefined && (
        <Form action={enrolTotp.formAction}>
          {enrolTotp.replaces && <p class="cs-hint">{text.replaceHint}</p>}
          <button class={enrolTotp.replaces ? 'cs-button cs-button-secondary' : 'cs-button'} type="submit">
            {enrolTotp.replaces ? text.replace : text.enrol}
          </button>
        </Form>
      )}
    </Layout>
  );
}

function Factor({ factor }: { readonly factor: FactorSummary }) {
  const { lang, strings, timeZone } = useShell();
  const text = strings.factors;
  const written = instantFormatter(lang, timeZone);
  const kind = textFor(strings.factorNames, factor.kind, factor.kind);
  const name = factor.label === undefined || factor.label === '' ? kind : factor.label;
  return (
    <li class="cs-card">
      <div class="cs-card-head">
        <h2>{name}</h2>
        <span class={`cs-badge cs-badge-${factor.state === 'usable' ? 'success' : 'failure'}`}>
          {text.states[factor.state]}
        </span>
      </div>
      <Facts>
        {name !== kind && <li>{kind}</li>}
        <li>{format(text.enrolledAt, { date: written(factor.enrolledAt) })}</li>
        {factor.lastUsedAt === null && <li>{text.neverUsed}</li>}
        {factor.lastUsedAt instanceof Date && <li>{format(text.lastUsedAt, { date: written(factor.lastUsedAt) })}</li>}
      </Facts>
      {factor.state === 'disabled' && <p>{text.disabledCure}</p>}
    </li>
  );
}

function Facts({ children }: { readonly children: ComponentChildren }) {
  return <ul class="cs-inline-facts">{children}</ul>;
}
