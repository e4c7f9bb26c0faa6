import type { EmergencyPurpose, Strength } from '@countersign/core';
import type { ComponentChildren } from 'preact';
import type { KeptDraft } from '../http/draft.ts';
import { format, formatCount, formatList, formatWait, textFor } from '../strings/format.ts';
import { DraftNotice } from './draft-notice.tsx';
import { errorText, type FactorError } from './factor-error.tsx';
import { type ChallengeFactor, formOf } from './factor-forms.tsx';
import { Form } from './form.tsx';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { Notice } from './notice.tsx';
import { useShell } from './shell.ts';

/** What the person is confirming for, so that they can tell it is their own request. */
export interface ChallengeAbout {
  /** `view`, `edit`, …; for account changes `factors` or `settings`. One without a sentence of its own gets the general one. */
  readonly action: string;
  /** A label the host chose to show. Countersign itself knows no names. */
  readonly patientLabel?: string;
  readonly categoryNames: readonly string[];
}

export interface ChallengePageProps {
  /** The factors that can answer, the preferred first. Those that have no form (`formOf`) are left out. */
  readonly factors: readonly ChallengeFactor[];
  readonly about: ChallengeAbout;
  /** What is approved, where the operation is signed: a block of its own above the form. */
  readonly summary?: ComponentChildren;
  /** What became of a form that was refused: it travels in every form of this page, sealed, or it was not kept. */
  readonly draft?: KeptDraft | undefined;
  /** What is asked, where the person has confirmed already with something weaker. */
  readonly tooWeak?: Strength | undefined;
  readonly error?: FactorError | undefined;
  /** Where a draft goes once the challenge has ended: it is shown, and can be sent for another one. */
  readonly resendAction?: string;
  /** Where to start over once the challenge has ended: the page that was wanted. */
  readonly restartHref?: string | undefined;
  /** Where somebody finds a way on who has none of these factors at hand: codes from an administrator. */
  readonly helpHref?: string | undefined;
  /** Where somebody goes whose patient cannot wait, or who has lost their factors. */
  readonly emergency?: EmergencyWay | undefined;
  /** Where to go without confirming. */
  readonly cancelHref?: string | undefined;
}

/** The way to emergency access. */
export interface EmergencyWay {
  readonly href: string;
  readonly purpose: EmergencyPurpose;
}

const endings: ReadonlySet<string> = new Set(['challenge_unknown', 'factor_locked', 'factor_disabled']);

/** “Confirm that it is you”: one question, the field in focus, a wrong answer costs no more than typing the next code. */
export function ChallengePage(props: ChallengePageProps) {
  const { lang, strings } = useShell();
  const { challenge, passkey } = strings;
  const { error } = props;
  // A lock-out has voided the challenge: answering it with anything else would only be refused.
  const ended = error !== undefined && endings.has(error.code);
  const usable = ended ? [] : props.factors.filter((factor) => formOf(factor) !== null);
  const front = usable.find((factor) => factor.id === error?.factor || factor.begun !== undefined) ?? usable[0];
  const others = usable.filter((factor) => factor !== front);
  const errorInForm = error !== undefined && front !== undefined && (error.factor ?? front.id) === front.id;
  const [next] = others;
  return (
    <Layout title={challenge.title} error={error !== undefined}>
      {props.draft !== undefined && <DraftNotice notKept={props.draft.notKept} />}
      <About about={props.about} />
      {props.summary}
      {props.tooWeak !== undefined && props.tooWeak !== 'any' && error === undefined && (
        <Notice kind="info">
          <p>{challenge.tooWeak[props.tooWeak]}</p>
        </Notice>
      )}
      {error !== undefined && !errorInForm && (
        <Notice kind="error">
          <p>{errorText(strings, error.code)}</p>
          {error.retryAfterSeconds !== undefined && (
            <p>{format(challenge.tryAgainIn, { time: formatWait(error.retryAfterSeconds, lang) })}</p>
          )}
          {ended && props.draft?.sealed != null && props.resendAction !== undefined && (
            <Form action={props.resendAction}>
              <input type="hidden" name="draft" value={props.draft.sealed} />
              <button class="cs-button" type="submit">
                {strings.resend.continue}
              </button>
            </Form>
          )}
          {ended && props.draft?.sealed == null && props.restartHref !== undefined && (
            <p>
              <Link href={props.restartHref} look="primary">
                {challenge.restart}
              </Link>
            </p>
          )}
        </Notice>
      )}
      {error === undefined && front === undefined && (
        <Notice kind="error">
          <p>{challenge.noFactor}</p>
        </Notice>
      )}
      {front !== undefined && (
        <FactorForm factor={front} error={errorInForm ? error : undefined} focus draft={props.draft} />
      )}
      {front?.id === 'passkey' && (
        <noscript>
          <div class="cs-section-plain">
            <Notice kind="info">
              <p>{passkey.needsScript}</p>
            </Notice>
            {next !== undefined && <FactorForm factor={next} focus draft={props.draft} idPrefix="cs-plain" />}
          </div>
        </noscript>
      )}
      {others.map((factor) => (
        // Without a script the next one stands open above, and a passkey could not be used.
        <details
          class={`cs-details${factor === next && front?.id === 'passkey' ? ' cs-when-script' : ''}`}
          key={factor.id}
        >
          <summary>
            {format(challenge.useInstead, { factor: textFor(strings.factorNames, factor.id, factor.id) })}
          </summary>
          <FactorForm factor={factor} focus={false} draft={props.draft} />
        </details>
      ))}
      {props.emergency !== undefined && <Emergency way={props.emergency} draft={props.draft} />}
      {(props.cancelHref !== undefined || props.helpHref !== undefined) && (
        <p class="cs-aside cs-actions">
          <Link href={props.cancelHref}>{challenge.cancel}</Link>
          {front !== undefined && <Link href={props.helpHref}>{challenge.help}</Link>}
        </p>
      )}
    </Layout>
  );
}

/** One click: a link, or with a draft a form, since what was typed must not be lost by an emergency either. */
function Emergency({ way, draft }: { readonly way: EmergencyWay; readonly draft: ChallengePageProps['draft'] }) {
  const { challenge } = useShell().strings;
  const label = way.purpose === 'clinical' ? challenge.emergency : challenge.recovery;
  if (draft?.sealed == null) {
    return (
      <p class="cs-emergency">
        <Link href={way.href} look="secondary">
          {label}
        </Link>
      </p>
    );
  }
  return (
    <Form action={way.href} class="cs-form cs-emergency">
      <input type="hidden" name="draft" value={draft.sealed} />
      <input type="hidden" name="do" value="show" />
      <button class="cs-button cs-button-secondary" type="submit">
        {label}
      </button>
    </Form>
  );
}

interface FactorProps {
  readonly factor: ChallengeFactor;
  readonly error?: FactorError | undefined;
  readonly focus: boolean;
  readonly draft: ChallengePageProps['draft'];
  readonly idPrefix?: string;
}

function FactorForm({ factor, error, focus, draft, idPrefix }: FactorProps) {
  const Body = formOf(factor);
  if (Body === null) return null;
  return (
    <Body factor={factor} error={error} focus={focus} {...(idPrefix === undefined ? {} : { idPrefix })}>
      {draft?.sealed != null && <input type="hidden" name="draft" value={draft.sealed} />}
    </Body>
  );
}

function About({ about }: { readonly about: ChallengeAbout }) {
  const { lang, strings } = useShell();
  const { categoryNames, patientLabel } = about;
  return (
    <div class="cs-about">
      <p>{textFor(strings.actions, about.action, strings.actions.other)}</p>
      {(patientLabel !== undefined || categoryNames.length > 0) && (
        <dl class="cs-facts">
          {patientLabel !== undefined && (
            <div>
              <dt>{strings.challenge.patient}</dt>
              <dd>{patientLabel}</dd>
            </div>
          )}
          {categoryNames.length > 0 && (
            <div>
              <dt>{formatCount(strings.challenge.categories, categoryNames.length, lang)}</dt>
              <dd>{formatList(categoryNames, lang)}</dd>
            </div>
          )}
        </dl>
      )}
    </div>
  );
}
