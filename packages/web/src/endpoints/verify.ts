import { CountersignError, type SessionPrincipal } from '@countersign/core';
import { z } from 'zod';
import { jsonReply } from '../http/web-reply.ts';
import type { Web } from '../web.ts';
import { answerErrors, isMet, passedReply, passedSchema } from './challenge.ts';
import { endpoint } from './endpoint.ts';
import { challengeId, code, factorId, password, response } from './factor-input.ts';

const strength = z.enum(['any', 'multi-factor', 'phishing-resistant']);

/** The members of a request for an answer that are not the answer itself. */
const about: ReadonlySet<string> = new Set(['challengeId', 'factor']);

/** The same flow as the challenge page's, for hosts with their own front end. */
export const verify = endpoint({
  name: 'verify',
  summary: 'Answers a challenge with a factor; without an answer it begins one, where the factor takes that',
  method: 'POST',
  face: 'api',
  path: '/auth/mfa/verify',
  body: z.looseObject({
    challengeId,
    factor: factorId.default('totp'),
    code: code.optional(),
    password: password.optional(),
    response: response.optional(),
  }),
  output: z.union([
    passedSchema,
    z.object({
      challengeId: z.string(),
      factor: z.string(),
      /** What the device (`options`) or another site (`redirectTo`) needs; others have a `message` and an `answer` to send. */
      invitation: z.record(z.string(), z.unknown()),
    }),
  ]),
  errors: answerErrors,
  async handle({ web, stepUp, principal, body }) {
    const { countersign } = web;
    const factor = countersign.configuration.factors.find((candidate) => candidate.id === body.factor);
    const hasAnswer = Object.keys(body).some((name) => !about.has(name));
    if (factor?.answeredBy === 'ceremony' && !hasAnswer) {
      const callbackUrl = new URL(web.url(`/recheck/${factor.id}`));
      const invitation = await countersign.beginAnswer(principal, body.challengeId, factor.id, callbackUrl);
      return jsonReply(200, { challengeId: body.challengeId, factor: factor.id, invitation });
    }
    if (factor?.answeredBy !== 'ceremony' && body.code === undefined) throw missing('code');
    const passed = await countersign.answerChallenge(principal, body.challengeId, body.factor, body);
    return await passedReply(web, stepUp, passed, (answer) => jsonReply(200, answer));
  },
});

function missing(field: string): CountersignError {
  const problem = `a ${field} is needed, as text`;
  return new CountersignError('input_invalid', {
    field,
    detail: `${field}: ${problem}.`,
    extra: { problems: [{ field, problem }] },
  });
}

const challengeSchema = z.object({
  challengeId: z.string(),
  action: z.string(),
  /** Empty where categories are not told before the step-up. */
  categoryNames: z.array(z.string()),
  patientLabel: z.string().optional(),
  /** What is approved, where the operation is signed. */
  summary: z
    .object({ title: z.string(), lines: z.array(z.object({ label: z.string(), value: z.string() })) })
    .nullable(),
  strength,
  reasons: z.array(z.enum(['missing', 'expired', 'too-weak'])),
  /** Those that can answer, the preferred first. */
  factors: z.array(
    z.object({ factor: z.string(), withPassword: z.boolean(), answeredBy: z.enum(['code', 'ceremony']) }),
  ),
  /** What it asks is met by now, by an answer in another tab or by emergency access: the request can be sent again. */
  met: z.boolean(),
  expiresAt: z.iso.datetime(),
  returnTo: z.string().nullable(),
});

export const challengeInfo = endpoint({
  name: 'challenge',
  summary: 'An open challenge of this session, and the factors that can answer it',
  method: 'GET',
  face: 'api',
  path: '/auth/mfa/challenges/:id',
  params: z.object({ id: challengeId }),
  output: challengeSchema,
  errors: ['challenge_unknown', 'factor_unknown', 'session_ended'],
  handle: async ({ web, principal, params }) => jsonReply(200, await described(web, principal, params.id)),
});

async function described(web: Web, principal: SessionPrincipal, id: string): Promise<z.output<typeof challengeSchema>> {
  const { countersign } = web;
  const challenge = await countersign.challenge(principal, id);
  const { factors } = countersign.configuration;
  const answering = await countersign.answeringFactors(principal, challenge);
  const { categoryNames, patientLabel } = await web.aboutChallenge(principal, challenge);
  return {
    challengeId: challenge.id,
    action: challenge.action,
    categoryNames: [...categoryNames],
    ...(patientLabel === undefined ? {} : { patientLabel }),
    summary: challenge.summary && { ...challenge.summary, lines: [...challenge.summary.lines] },
    strength: challenge.strength,
    reasons: [...new Set(challenge.reasons.map((reason) => reason.kind))],
    factors: answering.map(({ factor, withPassword }) => ({
      factor,
      withPassword,
      answeredBy: factors.find((own) => own.id === factor)?.answeredBy ?? 'code',
    })),
    met: await isMet(countersign, principal, challenge),
    expiresAt: new Date(challenge.expiresAt).toISOString(),
    returnTo: challenge.returnTo,
  };
}
