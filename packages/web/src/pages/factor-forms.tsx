import type { ComponentChildren, FunctionComponent } from 'preact';
import { format, textFor } from '../strings/format.ts';
import { CodeField } from './code-field.tsx';
import { type FactorError, FactorErrorText } from './factor-error.tsx';
import { errorIdOf } from './field.tsx';
import { Form } from './form.tsx';
import { PasskeyForm } from './passkey-form.tsx';
import { useShell } from './shell.ts';
import { TextField } from './text-field.tsx';

/** A factor that can answer a challenge, as its form needs it. */
export interface ChallengeFactor {
  readonly id: string;
  readonly formAction: string;
  /** Which general form it gets where it has none of its own. Absent: none, and it is left out. */
  readonly answeredBy?: 'code' | 'ceremony';
  /** The code counts together with the user's password only. */
  readonly withPassword?: boolean;
  /** Where the script begins the answer, by JSON, and for which challenge. */
  readonly begin?: { readonly href: string; readonly challengeId: string };
  /** It was begun on this very page: what to do now, and the fields to send once it is done. */
  readonly begun?: { readonly message: string; readonly answer: Readonly<Record<string, string>> };
}

export interface FactorFormProps {
  readonly factor: ChallengeFactor;
  readonly error?: FactorError | undefined;
  /** This form is the one in front: its first field takes the focus. */
  readonly focus: boolean;
  /** Put before every id, where a form stands on a page twice. */
  readonly idPrefix?: string;
  /** Hidden fields that travel along. */
  readonly children?: ComponentChildren;
}

/** Sent by the script when the sixth digit is in, once, and never while an error is shown: a wrong code must not loop. */
function TotpForm({ factor, error, focus, idPrefix = 'cs', children }: FactorFormProps) {
  const { password, totp } = useShell().strings;
  const withPassword = factor.withPassword === true;
  const autoSubmit = error === undefined && !withPassword;
  const atPassword = error?.code === 'password_required';
  // Which of the two was wrong is not told: that would let them be guessed one by one.
  const text = withPassword && error?.code === 'code_incorrect' ? password.incorrect : undefined;
  return (
    <Form action={factor.formAction} autoSubmit={autoSubmit}>
      {children}
      <CodeField
        id={`${idPrefix}-totp-code`}
        label={totp.label}
        error={atPassword ? undefined : error}
        errorText={text}
        focus={focus && !atPassword}
        sentAtOnce={autoSubmit}
      />
      {withPassword && (
        <PasswordField id={`${idPrefix}-totp-password`} error={atPassword ? error : undefined} focus={focus} />
      )}
      <button class="cs-button" type="submit">
        {totp.submit}
      </button>
    </Form>
  );
}

interface PasswordFieldProps {
  readonly id: string;
  readonly error: FactorError | undefined;
  readonly focus: boolean;
}

function PasswordField({ id, error, focus }: PasswordFieldProps) {
  const { password } = useShell().strings;
  return (
    <TextField
      id={id}
      name="password"
      type="password"
      label={password.label}
      hint={password.hint}
      autocomplete="current-password"
      focus={focus && error !== undefined}
      error={error === undefined ? undefined : <FactorErrorText id={errorIdOf(id)} error={error} />}
    />
  );
}

function RecoveryForm({ factor, error, focus, idPrefix = 'cs', children }: FactorFormProps) {
  const { recovery, totp } = useShell().strings;
  const texts: Readonly<Record<string, string>> = recovery.errors;
  const id = `${idPrefix}-recovery-code`;
  const text = error !== undefined && Object.hasOwn(texts, error.code) ? texts[error.code] : undefined;
  return (
    <Form action={factor.formAction}>
      {children}
      <TextField
        id={id}
        name="code"
        label={recovery.label}
        hint={recovery.hint}
        focus={focus}
        code
        error={error === undefined ? undefined : <FactorErrorText id={errorIdOf(id)} error={error} text={text} />}
      />
      <button class="cs-button" type="submit">
        {totp.submit}
      </button>
    </Form>
  );
}

/** For a kind of factor that we do not know and that a person answers by what they type. */
function CodeForm({ factor, error, focus, idPrefix = 'cs', children }: FactorFormProps) {
  const { strings } = useShell();
  const { generic, totp } = strings;
  const name = textFor(strings.factorNames, factor.id, factor.id);
  const id = `${idPrefix}-${factor.id}-code`;
  const atPassword = error?.code === 'password_required';
  const texts: Readonly<Record<string, string>> = generic.errors;
  const text = error !== undefined && Object.hasOwn(texts, error.code) ? texts[error.code] : undefined;
  const shown = atPassword ? undefined : error;
  return (
    <Form action={factor.formAction}>
      {children}
      <TextField
        id={id}
        name="code"
        label={format(generic.label, { factor: name })}
        autocomplete="one-time-code"
        focus={focus && !atPassword}
        code
        error={shown === undefined ? undefined : <FactorErrorText id={errorIdOf(id)} error={shown} text={text} />}
      />
      {factor.withPassword === true && (
        <PasswordField id={`${id}-password`} error={atPassword ? error : undefined} focus={focus} />
      )}
      <button class="cs-button" type="submit">
        {totp.submit}
      </button>
    </Form>
  );
}

/**
 * For one that is answered elsewhere, at another site or on another device. The first sending begins; where that leads to no other
 * site, the form then says what to do, and sends the fields of the answer once the person says that it is done.
 */
function ElsewhereForm({ factor, error, focus, idPrefix = 'cs', children }: FactorFormProps) {
  const { strings } = useShell();
  const { elsewhere } = strings;
  const name = textFor(strings.factorNames, factor.id, factor.id);
  const { begun } = factor;
  return (
    <Form action={factor.formAction}>
      {children}
      {error !== undefined && <FactorErrorText id={`${idPrefix}-${factor.id}-error`} error={error} />}
      {begun === undefined ? (
        <p class="cs-hint">{elsewhere.hint}</p>
      ) : (
        <p role="status">{begun.message === '' ? elsewhere.begun : begun.message}</p>
      )}
      {begun !== undefined &&
        Object.entries(begun.answer).map(([field, value]) => (
          <input key={field} type="hidden" name={field} value={value} />
        ))}
      <button class="cs-button" type="submit" autofocus={focus}>
        {begun === undefined ? format(elsewhere.begin, { factor: name }) : elsewhere.done}
      </button>
    </Form>
  );
}

const own: ReadonlyMap<string, FunctionComponent<FactorFormProps>> = new Map([
  ['totp', TotpForm],
  ['passkey', PasskeyForm],
  ['recovery-codes', RecoveryForm],
]);

/** The form of a factor: its own, or the general one of its way of being answered; null where it has neither. */
export function formOf(factor: ChallengeFactor): FunctionComponent<FactorFormProps> | null {
  const form = own.get(factor.id);
  if (form !== undefined) return form;
  if (factor.answeredBy === undefined) return null;
  return factor.answeredBy === 'code' ? CodeForm : ElsewhereForm;
}
