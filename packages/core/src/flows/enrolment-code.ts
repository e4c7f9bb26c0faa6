import { CountersignError } from '../errors/countersign-error.ts';
import { normalizedLookupCode } from '../factors/lookup-code.ts';
import type { FactorRow, StoreTransaction } from '../store/store.ts';
import { readFactorRows, signedFactorRow } from './factor-rows.ts';
import { eventOf, type Services, type SessionPrincipal } from './services.ts';

/** The kind under which an administrator's one-time codes are kept beside factors. It answers no challenge. */
export const ENROLMENT_CODE = 'enrolment-code';

/** The row of a code for a user: sealed, and unconfirmed, so that there is one at a time. */
export async function enrolmentCodeRow(
  services: Services,
  owner: { readonly workspaceId: string; readonly userId: string },
  code: string,
): Promise<FactorRow> {
  const { keyring, ids, clock, enrolment } = services.configuration;
  const sealedFor = { id: ids(), workspaceId: owner.workspaceId, userId: owner.userId };
  const now = clock.now();
  return signedFactorRow(keyring, {
    ...sealedFor,
    factor: ENROLMENT_CODE,
    label: '',
    secret: await keyring.seal(
      JSON.stringify({ code: normalizedLookupCode(code), until: now + enrolment.codeSeconds * 1000 }),
      sealedFor,
    ),
    confirmedAt: null,
    createdAt: now,
    counter: -1,
    cap: null,
    capEndsAt: null,
  });
}

/**
 * Checks an administrator's code, under the limits of attempts. The row it returns is to be removed in the transaction that the
 * code is used for, where `useEnrolmentCode` says whether it was still there. Throws `enrolment_code_refused`, `attempts_delayed`,
 * `factor_locked`.
 */
export async function checkEnrolmentCode(
  services: Services,
  principal: SessionPrincipal,
  session: string,
  typed: unknown,
): Promise<FactorRow> {
  const { configuration, state, store, audit } = services;
  const { workspaceId, userId } = principal;
  const now = configuration.clock.now();
  const refuse = async (reason: string) => {
    const event = { code: 'MFA_FAILURE', outcome: 'failure', factor: ENROLMENT_CODE, reason } as const;
    await audit.append([eventOf(principal, session, event)]);
    return new CountersignError('enrolment_code_refused', { field: 'enrolmentCode' });
  };
  const code = normalizedLookupCode(typed);
  if (code === null) throw await refuse('malformed');
  const turn = await state.takeTurn(principal.key, ENROLMENT_CODE, now);
  if (!turn.granted)
    throw new CountersignError('attempts_delayed', {
      retryAfterSeconds: Math.max(1, Math.ceil((turn.retryAt - now) / 1000)),
    });
  const reserved = await store.reserveAttempt(
    { workspaceId, userId, factor: ENROLMENT_CODE },
    configuration.attempts,
    now,
  );
  if (!reserved.granted) {
    await refuse(reserved.why === 'disabled' ? 'disabled' : 'locked');
    const seconds = reserved.why === 'window' ? Math.max(1, Math.ceil((reserved.retryAt - now) / 1000)) : 3600;
    throw new CountersignError('factor_locked', { retryAfterSeconds: seconds });
  }
  const row = (await readFactorRows(services, principal)).find((held) => held.factor === ENROLMENT_CODE);
  if (row === undefined) throw await refuse('incorrect');
  const held: { code: string; until: number } = JSON.parse(await configuration.keyring.open(row.secret, row));
  const { keyring } = configuration;
  // Compared by MAC, in constant time.
  if (!keyring.verifyMac(keyring.mac(ENROLMENT_CODE, [held.code]), ENROLMENT_CODE, [code]))
    throw await refuse('incorrect');
  if (!(now < held.until)) throw await refuse('expired');
  await state.clearTurns(principal.key, ENROLMENT_CODE);
  return row;
}

/** Uses a checked code up. False where another request has used it first. */
export async function useEnrolmentCode(transaction: StoreTransaction, row: FactorRow): Promise<boolean> {
  const { workspaceId, userId, id } = row;
  const taken = await transaction.removeFactor({ workspaceId, id });
  if (taken) await transaction.resetAttempts({ workspaceId, userId, factor: ENROLMENT_CODE });
  return taken;
}
