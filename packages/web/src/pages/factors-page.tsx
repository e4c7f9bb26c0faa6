import type { ErrorCode, Strength } from '@countersign/core';
import { format, textFor } from '../strings/format.ts';
import { EnrolmentCodeForm, type EnrolmentCodeFormProps } from './enrolment-code-form.tsx';
import { FactorCard } from './factor-card.tsx';
import { errorText } from './factor-error.tsx';
import { Form } from './form.tsx';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { Notice } from './notice.tsx';
import { OthersOffer } from './others-offer.tsx';
import { useShell } from './shell.ts';

/** One of the person's own factors, without anything secret. */
export interface FactorSummary {
  readonly id: string;
  /** The factor id, such as `totp`. */
  readonly kind: string;
  /** The person's own name for it. Absent: the kind's name. */
  readonly label?: string;
  readonly enrolledAt: Date;
  readonly state: 'usable' | 'disabled';
  /** What it counts for now. */
  readonly strength?: Strength;
  readonly cap?: { readonly full: Strength; readonly liftsAt: Date | null } | null;
  /** How many answers are left of one that is used up. */
  readonly remaining?: number | null;
  readonly renameAction?: string;
  readonly removeAction?: string;
}

export interface FactorsPageProps {
  readonly factors: readonly FactorSummary[];
  /** The kinds that can be added, each by a POST; `replaces` where it takes the place of an earlier one. */
  readonly add: readonly { readonly kind: string; readonly formAction: string; readonly replaces: boolean }[];
  /** What must come first where there is no factor yet: a fresh sign-in, or a code from an administrator. */
  readonly required?:
    | { readonly kind: 'fresh-sign-in'; readonly href: string | undefined }
    | { readonly kind: 'administrator-code' }
    | undefined;
  /** Adds a factor by an administrator's one-time code; always offered. */
  readonly withCode?: EnrolmentCodeFormProps | undefined;
  /** Lets capped factors count in full, by the same kind of code. */
  readonly lift?: EnrolmentCodeFormProps | undefined;
  /** Ends the other sessions; offered after a change. */
  readonly othersAction?: string | undefined;
  readonly notice?: 'removed' | 'renamed' | 'lifted' | 'others' | undefined;
  /** A change that was refused: at one factor, or above all. */
  readonly error?: { readonly code: ErrorCode; readonly id?: string } | undefined;
  /** A name that was typed before a step-up came in between. */
  readonly typed?: { readonly id: string; readonly label: string } | undefined;
  /** Back to what the person wanted before they came here. */
  readonly continueHref?: string | undefined;
}

/** A person's own factors. */
export function FactorsPage(props: FactorsPageProps) {
  const { strings } = useShell();
  const text = strings.factors;
  const { factors, required, notice, error, withCode, lift } = props;
  const blocked = required !== undefined;
  return (
    <Layout title={text.title} page="factors" error={error !== undefined}>
      {notice !== undefined && (
        <Notice kind="success">
          <p>{text.notices[notice]}</p>
        </Notice>
      )}
      {(notice === 'removed' || notice === 'lifted') && <OthersOffer formAction={props.othersAction} />}
      {error !== undefined && error.id === undefined && (
        <Notice kind="error">
          <p>{errorText(strings, error.code)}</p>
        </Notice>
      )}
      {factors.length === 0 ? (
        <p>{text.empty}</p>
      ) : (
        <>
          <p>{text.intro}</p>
          <ul class="cs-cards">
            {factors.map((factor) => (
              <FactorCard
                key={factor.id}
                factor={factor}
                error={error?.id === factor.id ? error.code : undefined}
                typed={props.typed?.id === factor.id ? props.typed.label : undefined}
              />
            ))}
          </ul>
        </>
      )}
      {required !== undefined && (
        <Notice kind="info">
          <p>{required.kind === 'fresh-sign-in' ? text.freshSignInText : text.administratorCodeText}</p>
          {required.kind === 'fresh-sign-in' && required.href !== undefined && (
            <p>
              <Link href={required.href} look="primary">
                {text.freshSignInLink}
              </Link>
            </p>
          )}
        </Notice>
      )}
      {!blocked && props.add.length > 0 && (
        <section class="cs-section" aria-labelledby="cs-add">
          <h2 id="cs-add">{text.addHeading}</h2>
          {props.add.map((kind, index) => (
            <AddForm key={kind.kind} {...kind} first={index === 0 && factors.length === 0} />
          ))}
        </section>
      )}
      {lift !== undefined && (
        <EnrolmentCodeForm {...lift} summary={text.liftSummary} text={text.liftText} submit={text.liftSubmit} />
      )}
      {withCode !== undefined && (
        <EnrolmentCodeForm
          {...withCode}
          open={withCode.open === true || required?.kind === 'administrator-code'}
          summary={text.codeSummary}
          text={text.codeText}
          submit={text.codeSubmit}
        />
      )}
      {props.continueHref !== undefined && factors.length > 0 && (
        <p class="cs-aside">
          <Link href={props.continueHref}>{strings.confirmed.continue}</Link>
        </p>
      )}
    </Layout>
  );
}

interface AddFormProps {
  readonly kind: string;
  readonly formAction: string;
  readonly replaces: boolean;
  /** The one to begin with. */
  readonly first: boolean;
}

function AddForm({ kind, formAction, replaces, first }: AddFormProps) {
  const { strings } = useShell();
  const { factors: text, factorNames } = strings;
  const kinds: Readonly<Record<string, Readonly<Record<'add' | 'replace' | 'about' | 'aboutReplace', string>>>> =
    text.kinds;
  const own = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  const words = own ?? text.kinds.other;
  const name = textFor(factorNames, kind, kind);
  const about = format(replaces ? words.aboutReplace : words.about, { factor: name });
  return (
    <Form action={formAction} class="cs-form cs-add">
      {about !== '' && (
        <p class="cs-hint" id={`cs-add-${kind}`}>
          {about}
        </p>
      )}
      <button
        class={first ? 'cs-button' : 'cs-button cs-button-secondary'}
        type="submit"
        aria-describedby={about === '' ? undefined : `cs-add-${kind}`}
      >
        {format(replaces ? words.replace : words.add, { factor: name })}
      </button>
    </Form>
  );
}
