import { format, formatCount, formatList, formatWait, textFor } from '../strings/format.ts';
import { errorText, type FactorError } from './factor-error.tsx';
import { factorForms } from './factor-forms.tsx';
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
  /** The factors that can answer, the preferred first. Those without a form in `factorForms` are left out. */
  readonly factors: readonly { readonly id: string; readonly formAction: string }[];
  readonly about: ChallengeAbout;
  readonly error?: FactorError | undefined;
  /** A form post was refused, and its fields were not kept: says to go back and send again. */
  readonly resubmitNotice?: boolean;
  /** Where to start over once the challenge has ended: the page that was wanted. */
  readonly restartHref?: string | undefined;
  /** Where to go without confirming. */
  readonly cancelHref?: string | undefined;
}

const endings: ReadonlySet<string> = new Set(['challenge_unknown', 'factor_locked', 'factor_disabled']);

/** “Confirm that it is you”: one question, the field in focus, a wrong answer costs no more than typing the next code. */
export function ChallengePage(props: ChallengePageProps) {
  const { lang, strings } = useShell();
  const { challenge } = strings;
  const { error } = props;
  // A lock-out has voided the challenge: answering it with anything else would only be refused.
  const ended = error !== undefined && endings.has(error.code);
  const usable = ended ? [] : props.factors.filter((factor) => factorForms.has(factor.id));
  const front = usable.find((factor) => factor.id === error?.factor) ?? usable[0];
  const others = usable.filter((factor) => factor !== front);
  const errorInForm = error !== undefined && front !== undefined && (error.factor ?? front.id) === front.id;
  return (
    <Layout title={challenge.title} error={error !== undefined}>
      {props.resubmitNotice === true && (
        <Notice kind="info">
          <p>{challenge.resubmit}</p>
        </Notice>
      )}
      <About about={props.about} />
      {error !== undefined && !errorInForm && (
        <Notice kind="error">
          <p>{errorText(strings, error.code)}</p>
          {error.retryAfterSeconds !== undefined && (
            <p>{format(challenge.tryAgainIn, { time: formatWait(error.retryAfterSeconds, lang) })}</p>
          )}
          {ended && props.restartHref !== undefined && (
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
      {front !== undefined && <FactorForm factor={front} error={errorInForm ? error : undefined} focus />}
      {others.map((factor) => (
        <details class="cs-details" key={factor.id}>
          <summary>
            {format(challenge.useInstead, { factor: textFor(strings.factorNames, factor.id, factor.id) })}
          </summary>
          <FactorForm factor={factor} focus={false} />
        </details>
      ))}
      {props.cancelHref !== undefined && (
        <p class="cs-aside">
          <Link href={props.cancelHref}>{challenge.cancel}</Link>
        </p>
      )}
    </Layout>
  );
}

interface FactorProps {
  readonly factor: ChallengePageProps['factors'][number];
  readonly error?: FactorError | undefined;
  readonly focus: boolean;
}

function FactorForm({ factor, error, focus }: FactorProps) {
  const Body = factorForms.get(factor.id);
  return Body === undefined ? null : <Body formAction={factor.formAction} error={error} focus={focus} />;
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
