import { z } from 'zod';
import { CountersignError } from '../errors/countersign-error.ts';
import type { AnswerInvitation, Factor, FactorAnswer } from '../factors/factor.ts';
import { type Strength, satisfiesStrength } from '../policy/strength.ts';
import { factorContext } from './factor-context.ts';
import { combines, readFactorRows, rowStrength } from './factor-rows.ts';
import type { Services, SessionPrincipal } from './services.ts';

const ceremonySchema = z.object({ purpose: z.string(), state: z.string() });

/** What a factor kept between the beginning of an answer and the answer. */
export type Ceremony = Readonly<z.output<typeof ceremonySchema>>;

/** How long a begun answer may take, in seconds: WebAuthn L3 §15.1 recommends 300 to 600 where a user is verified. */
const CEREMONY_SECONDS = 300;

/** Begins an answer: the device or the other site is told what to confirm. Throws `factor_not_accepted` where nothing is begun. */
export async function beginCeremony(
  services: Services,
  principal: SessionPrincipal,
  factor: Factor,
  purpose: string,
  demanded: Strength,
  callbackUrl: URL,
): Promise<AnswerInvitation> {
  const { configuration, state } = services;
  if (factor.begin === undefined) throw new CountersignError('factor_not_accepted', { field: 'factor' });
  const now = configuration.clock.now();
  const rows = (await readFactorRows(services, principal)).filter(
    (row) =>
      row.factor === factor.id &&
      row.confirmedAt !== null &&
      // One of several that counts for too little now would only be refused.
      (combines(configuration, factor) || satisfiesStrength(rowStrength(factor, row, now), demanded)),
  );
  const held = await Promise.all(rows.map((row) => configuration.keyring.open(row.secret, row)));
  const context = factorContext(services, principal, now);
  const begun = await factor.begin({ ...context, demanded, callbackUrl }, held);
  const value = JSON.stringify({ purpose, state: begun.state } satisfies Ceremony);
  const name = `${factor.id}:${begun.ceremony}`;
  if (!(await state.keepCeremony(principal.key, name, value, now + CEREMONY_SECONDS * 1000, now)))
    throw new CountersignError('session_ended');
  // What comes back from another site names neither challenge nor page: the address it comes back to is registered there, one for all.
  if (typeof begun.invitation.redirectTo === 'string')
    await state.keepCeremony(principal.key, `purpose:${name}`, purpose, now + CEREMONY_SECONDS * 1000, now);
  return begun.invitation;
}

/** The challenge that another site's answer is for, told once; null where none was begun, or it was told before. */
export async function purposeOf(
  services: Services,
  principal: SessionPrincipal,
  factor: Factor,
  answer: FactorAnswer,
): Promise<string | null> {
  const name = factor.ceremonyOf?.(answer) ?? null;
  if (name === null) return null;
  const now = services.configuration.clock.now();
  return await services.state.takeCeremony(principal.key, `purpose:${factor.id}:${name}`, now);
}

/** What was begun for an answer, given once; null where nothing was, or where it was answered before. */
export async function takeCeremony(
  services: Services,
  principal: SessionPrincipal,
  factor: Factor,
  answer: FactorAnswer,
  now: number,
): Promise<Ceremony | null> {
  const name = factor.ceremonyOf?.(answer) ?? null;
  if (factor.begin === undefined || name === null) return null;
  const value = await services.state.takeCeremony(principal.key, `${factor.id}:${name}`, now);
  return value === null ? null : ceremonySchema.parse(JSON.parse(value));
}
