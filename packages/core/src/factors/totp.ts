import { generateURI, ScureBase32Plugin, verifySync } from 'otplib';
import { CountersignError } from '../errors/countersign-error.ts';
import type { Factor, FactorCheck } from './factor.ts';

/** What an enrolment of {@link totp} shows. */
export interface TotpInvitation extends Readonly<Record<string, unknown>> {
  /** `otpauth://…` for an authenticator app. */
  readonly uri: string;
  /** The key for typing by hand, in base32. */
  readonly manualKey: string;
  readonly issuer: string;
  readonly account: string;
}

/** Options of {@link totp}. */
export interface TotpOptions {
  /** Shown in the authenticator app. A colon is replaced: it separates issuer and account there. */
  readonly issuer: string;
  /** Steps of 30 s accepted on either side of now: 1 (default), or 0 (strict: ASVS 6.5.5). */
  readonly drift?: 0 | 1;
}

/** The kind, as it is stored. */
export const TOTP = 'totp';
const PERIOD_SECONDS = 30;
/** 160 bits: RFC 4226 §4 R6 recommends it; NIST SP 800-63B-4 asks 112. */
const SECRET_BYTES = 20;

/**
 * Time-based one-time passwords (RFC 6238: SHA-1, six digits, 30 s), which every authenticator app speaks.
 * A step is accepted once (RFC 6238 §5.2): its number is the factor's counter.
 */
export function totp(options: TotpOptions): Factor {
  const issuer = typeof options?.issuer === 'string' ? labelled(options.issuer) : '';
  const drift = options?.drift ?? 1;
  if (issuer === '') throw refusal('issuer', 'is empty', 'Give the name that clinicians know your EHR by.');
  if (drift !== 0 && drift !== 1)
    throw refusal('drift', 'is neither 0 nor 1', 'Use 1, or 0 to accept the current code only.');
  const base32 = new ScureBase32Plugin();

  const invitation = (account: string, secret: string): TotpInvitation => {
    const label = labelled(account) || 'account';
    return { uri: generateURI({ issuer, label, secret }), manualKey: secret, issuer, account: label };
  };

  const check = (typed: unknown, secret: string, counter: number, now: number): FactorCheck => {
    const token = codeOf(typed);
    if (token === null) return { result: 'incorrect' };
    const epoch = Math.floor(now / 1000);
    const checked = verifySync({
      secret,
      token,
      epoch,
      period: PERIOD_SECONDS,
      epochTolerance: drift * PERIOD_SECONDS,
    });
    if (!checked.valid || !('timeStep' in checked)) return { result: 'incorrect' };
    if (checked.timeStep > counter) return { result: 'correct', counter: checked.timeStep };
    // The next code that can be accepted is the one of the step after the last accepted.
    return { result: 'already-used', retryAfterSeconds: Math.max(1, (counter + 1) * PERIOD_SECONDS - epoch) };
  };

  return Object.freeze({
    id: TOTP,
    strength: 'any',
    combinesWithPassword: true,
    invite({ user, random }) {
      const secret = base32.encode(random(SECRET_BYTES), { padding: false });
      return { secret, invitation: invitation(user.displayName, secret) };
    },
    invitation: ({ user }, secret) => invitation(user.displayName, secret),
    confirm(answer, secret, { now }) {
      const checked = check(answer.code, secret, -1, now);
      // Confirmed with the counter of this very code, so that it opens nothing else.
      return checked.result === 'correct' ? { result: 'correct', counter: checked.counter } : { result: 'incorrect' };
    },
    isSecret(secret) {
      // 112 bits are the least that NIST SP 800-63B-4 §3.1.4 allows.
      return /^[A-Z2-7]{24,128}$/.test(secret) && base32.decode(secret).length * 8 >= 112;
    },
    isWellFormed: (answer) => codeOf(answer.code) !== null,
    check: (answer, { secret, counter }, { now }) => check(answer.code, secret, counter, now),
  } satisfies Factor);
}

/** The step up to which every code counts as used, where none of until now may be taken again: with it the drift is used up too. */
export const totpStepAfter = (now: number): number => Math.floor(now / 1000 / PERIOD_SECONDS) + 1;

/** The six digits of what was typed or pasted (`123 456`, `123-456`); null where it is something else. */
function codeOf(typed: unknown): string | null {
  if (typeof typed !== 'string' || typed.length > 32) return null;
  const digits = typed.replace(/[\s\u00a0\u2007\u202f-]/g, '');
  return /^\d{6}$/.test(digits) ? digits : null;
}

/** Short enough for a QR code, and well-formed: a lone surrogate has no place in a URI. */
const labelled = (text: string): string => text.replaceAll(':', ' ').trim().slice(0, 100).toWellFormed();

const refusal = (field: string, problem: string, cure: string): CountersignError =>
  new CountersignError('configuration_invalid', { field: `totp.${field}`, detail: `totp.${field} ${problem}.`, cure });
