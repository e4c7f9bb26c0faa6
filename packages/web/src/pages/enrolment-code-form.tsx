import { textFor } from '../strings/format.ts';
import { type FactorError, FactorErrorText } from './factor-error.tsx';
import { errorIdOf } from './field.tsx';
import { Form } from './form.tsx';
import { useShell } from './shell.ts';
import { TextField } from './text-field.tsx';

export interface EnrolmentCodeFormProps {
  readonly formAction: string;
  /** The kinds of factor to choose among, posted as `factor`. Empty: nothing is chosen. */
  readonly kinds: readonly string[];
  /** What was chosen before. */
  readonly kind?: string | undefined;
  readonly error?: FactorError | undefined;
  readonly open?: boolean;
}

interface Words {
  readonly summary: string;
  readonly text: string;
  readonly submit: string;
}

/** Takes a one-time code that an administrator has handed over. */
export function EnrolmentCodeForm(props: EnrolmentCodeFormProps & Words) {
  const { strings } = useShell();
  const { factors: text, factorNames } = strings;
  const { kinds, error } = props;
  const id = kinds.length === 0 ? 'cs-lift-code' : 'cs-enrolment-code';
  const [only] = kinds;
  return (
    <details class="cs-details" open={props.open === true || error !== undefined}>
      <summary>{props.summary}</summary>
      <Form action={props.formAction}>
        <p>{props.text}</p>
        {kinds.length === 1 && <input type="hidden" name="factor" value={only} />}
        {kinds.length > 1 && (
          <fieldset class="cs-field">
            <legend class="cs-label">{text.codeKind}</legend>
            {kinds.map((kind, index) => (
              <div class="cs-choice" key={kind}>
                <input
                  type="radio"
                  id={`${id}-${kind}`}
                  name="factor"
                  value={kind}
                  checked={props.kind === undefined ? index === 0 : props.kind === kind}
                />
                <label for={`${id}-${kind}`}>{textFor(factorNames, kind, kind)}</label>
              </div>
            ))}
          </fieldset>
        )}
        <TextField
          id={id}
          name="enrolmentCode"
          label={text.codeLabel}
          hint={text.codeHint}
          code
          focus={error !== undefined}
          error={error === undefined ? undefined : <FactorErrorText id={errorIdOf(id)} error={error} />}
        />
        <button class="cs-button" type="submit">
          {props.submit}
        </button>
      </Form>
    </details>
  );
}
