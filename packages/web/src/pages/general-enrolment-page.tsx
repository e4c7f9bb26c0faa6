import { format, textFor } from '../strings/format.ts';
import { type FactorError, FactorErrorText } from './factor-error.tsx';
import { errorIdOf } from './field.tsx';
import { Form } from './form.tsx';
import { Layout } from './layout.tsx';
import { Link } from './link.tsx';
import { useShell } from './shell.ts';
import { TextField } from './text-field.tsx';

export interface GeneralEnrolmentPageProps {
  readonly kind: string;
  readonly formAction: string;
  /** What to do, in the factor's own words. */
  readonly message: string;
  /** Whatever else it shows, by name: a number to compare, a key. */
  readonly facts: Readonly<Record<string, string>>;
  /** For one that is confirmed elsewhere: the fields to send once that is done. Absent: a code is typed. */
  readonly answer?: Readonly<Record<string, string>> | undefined;
  readonly error?: FactorError | undefined;
  readonly cancelHref?: string | undefined;
}

const FIELD = 'cs-enrolment-code';

/** Enrolment of a kind of factor that has no page of its own here. */
export function GeneralEnrolmentPage(props: GeneralEnrolmentPageProps) {
  const { strings } = useShell();
  const { elsewhere, enrolment, factors, generic } = strings;
  const { answer, error } = props;
  const name = textFor(strings.factorNames, props.kind, props.kind);
  const shown = error === undefined ? undefined : <FactorErrorText id={errorIdOf(FIELD)} error={error} />;
  return (
    <Layout title={format(factors.kinds.other.add, { factor: name })} error={error !== undefined}>
      {props.message !== '' && <p>{props.message}</p>}
      {Object.keys(props.facts).length > 0 && (
        <dl class="cs-facts">
          {Object.entries(props.facts).map(([fact, value]) => (
            <div key={fact}>
              <dt>{fact}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      <Form action={props.formAction}>
        {answer === undefined ? (
          <TextField
            id={FIELD}
            name="code"
            label={format(generic.label, { factor: name })}
            autocomplete="one-time-code"
            code
            focus
            error={shown}
          />
        ) : (
          <>
            {shown}
            {Object.entries(answer).map(([field, value]) => (
              <input key={field} type="hidden" name={field} value={value} />
            ))}
          </>
        )}
        <button class="cs-button" type="submit">
          {answer === undefined ? enrolment.submit : elsewhere.done}
        </button>
      </Form>
      <p class="cs-aside">
        <Link href={props.cancelHref}>{enrolment.cancel}</Link>
      </p>
    </Layout>
  );
}
