// Evaluated while building (scripts/build-browser.mjs): what reaches the browser is the words alone, not all of the strings.
import { english } from '../src/strings/english.ts';
import { spanish } from '../src/strings/spanish.ts';

/** One sentence in the plural forms of its language; `{count}` is filled in. */
export type PluralText = { readonly [K in Intl.LDMLPluralRule]?: string } & { readonly other: string };

/** Every word of the dialog. Tables are keyed by what the server says: an action, a kind of factor, an error code. */
export interface DialogWords {
  readonly title: string;
  readonly actions: Readonly<Record<string, string>>;
  readonly factorNames: Readonly<Record<string, string>>;
  readonly patient: string;
  readonly categories: PluralText;
  readonly useInstead: string;
  readonly noFactor: string;
  readonly tryAgainIn: string;
  readonly tryAgainNow: string;
  readonly nextCodeIn: string;
  readonly nextCodeNow: string;
  readonly attemptsLeft: PluralText;
  readonly codeLabel: string;
  readonly codeHint: string;
  readonly sentAtOnce: string;
  readonly confirm: string;
  readonly errorLabel: string;
  readonly errors: Readonly<Record<string, string>>;
  /** The same by kind of factor, where they are said in other words; `other` for one that has no words of its own. */
  readonly factorErrors: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly recoveryLabel: string;
  readonly otherLabel: string;
  readonly signing: string;
  readonly usePasskey: string;
  readonly password: string;
  readonly working: string;
  readonly cancel: string;
  readonly emergency: string;
  readonly continue: string;
  readonly retry: string;
  readonly codesLeft: PluralText;
  readonly openPage: string;
  readonly openPageHint: string;
  readonly checkAgain: string;
  readonly notYet: string;
  readonly ended: string;
  readonly unreachable: string;
  readonly passkeyProblems: Readonly<Record<string, string>>;
}

/** What an answer can be refused with; anything else is told as `internal`. */
const errorCodes = [
  'sign_in_required',
  'session_ended',
  'session_locked',
  'factor_not_accepted',
  'factor_locked',
  'factor_disabled',
  'factor_unknown',
  'challenge_unknown',
  'code_malformed',
  'code_incorrect',
  'code_already_used',
  'answer_refused',
  'password_required',
  'attempts_delayed',
  'cross_site_refused',
  'store_unavailable',
  'session_state_unavailable',
  'identity_provider_unavailable',
  'internal',
];

function wordsOf(strings: typeof spanish): DialogWords {
  const { challenge, totp, passkey, password, recovery, elsewhere, generic, browser, common } = strings;
  const { actions, factorNames } = strings;
  const errors: Readonly<Record<string, string>> = strings.errors;
  return {
    title: challenge.title,
    actions,
    factorNames,
    patient: challenge.patient,
    categories: challenge.categories,
    useInstead: challenge.useInstead,
    noFactor: challenge.noFactor,
    tryAgainIn: challenge.tryAgainIn,
    tryAgainNow: challenge.tryAgainNow,
    nextCodeIn: challenge.nextCodeIn,
    nextCodeNow: challenge.nextCodeNow,
    attemptsLeft: challenge.attemptsLeft,
    codeLabel: totp.label,
    codeHint: totp.hint,
    sentAtOnce: totp.sentAtOnce,
    confirm: totp.submit,
    errorLabel: common.errorLabel,
    errors: Object.fromEntries(Object.entries(errors).filter(([code]) => errorCodes.includes(code))),
    factorErrors: {
      password: { code_incorrect: password.incorrect },
      passkey: passkey.errors,
      'recovery-codes': recovery.errors,
      other: generic.errors,
    },
    recoveryLabel: recovery.label,
    otherLabel: generic.label,
    signing: challenge.signing,
    usePasskey: passkey.confirm,
    password: password.label,
    checkAgain: elsewhere.done,
    emergency: challenge.emergency,
    ...browser,
    passkeyProblems: { ...browser.passkeyProblems, cancelled: passkey.cancelled },
  };
}

/** The languages that ship, by primary subtag. */
export const dialogWords: Readonly<Record<string, DialogWords>> = { en: wordsOf(english), es: wordsOf(spanish) };
