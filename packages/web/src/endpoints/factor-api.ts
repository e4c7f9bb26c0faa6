import type { EnrolmentInvitation, ErrorCode, FactorSummary } from '@countersign/core';
import { z } from 'zod';
import { jsonReply } from '../http/web-reply.ts';
import { endpoint } from './endpoint.ts';
import { code, enrolmentCode, factorId, label, response, rowId } from './factor-input.ts';

const strength = z.enum(['any', 'multi-factor', 'phishing-resistant']);
const cap = z
  .object({
    full: strength,
    /** When it lifts by itself; null: an administrator's code lifts it. */
    liftsAt: z.iso.datetime().nullable(),
  })
  .nullable();

const changeErrors = [
  'step_up_required',
  'factor_required',
  'factor_not_accepted',
  'factors_changed',
  'person_required',
  'session_ended',
  'factor_unknown',
] as const satisfies readonly ErrorCode[];

/** The same flow as the pages', for hosts with their own front end: without an answer it begins, with one it confirms. */
export const enrol = endpoint({
  name: 'enrol',
  summary: 'Begins the enrolment of a factor, or with a first answer confirms it',
  method: 'POST',
  face: 'api',
  path: '/auth/mfa/enroll',
  body: z.looseObject({
    factor: factorId.default('totp'),
    code: code.optional(),
    response: response.optional(),
    label: label.optional(),
    enrolmentCode: enrolmentCode.optional(),
  }),
  output: z.looseObject({ factor: z.string(), enrolled: z.literal(true).optional() }),
  successes: { 200: 'Confirmed', 201: 'Begun, with what the factor shows; `enrolled` where it counts at once' },
  errors: [
    ...changeErrors,
    'fresh_sign_in_required',
    'enrolment_code_required',
    'enrolment_code_refused',
    'enrolment_unknown',
    'factor_limit',
    'factor_locked',
    'code_malformed',
    'code_incorrect',
    'answer_refused',
    'attempts_delayed',
  ],
  async handle({ web, principal, body }) {
    const { configuration, enrolment } = web.countersign;
    const { factor } = body;
    if (body.code === undefined && body.response === undefined) {
      const invitation = await enrolment.start(principal, factor, { enrolmentCode: body.enrolmentCode });
      const counts = configuration.factors.find((own) => own.id === factor)?.confirmedAtOnce === true;
      return jsonReply(201, { ...invited(invitation), factor, ...(counts ? { enrolled: true } : {}) });
    }
    await enrolment.finish(principal, factor, body);
    return jsonReply(200, { factor, enrolled: true });
  },
});

/** Whatever a factor shows, it does not say which factor it is or that it counts. */
const invited = ({ enrolled: _, ...invitation }: EnrolmentInvitation): Record<string, unknown> => invitation;

const factorSchema = z.object({
  id: z.string(),
  factor: z.string(),
  /** The user's own name for it; empty where none was given. */
  label: z.string(),
  enrolledAt: z.iso.datetime(),
  usable: z.boolean(),
  strength,
  cap,
  remaining: z.int().nullable(),
});

const shownFactor = (held: FactorSummary): z.output<typeof factorSchema> => ({
  ...held,
  enrolledAt: held.enrolledAt.toISOString(),
  cap: held.cap === null ? null : { full: held.cap.full, liftsAt: held.cap.liftsAt?.toISOString() ?? null },
});

export const factorList = endpoint({
  name: 'factors',
  summary: 'The principal’s own factors',
  method: 'GET',
  face: 'api',
  path: '/auth/mfa/factors',
  output: z.object({ factors: z.array(factorSchema) }),
  errors: ['factor_unknown'],
  handle: async ({ web, principal }) =>
    jsonReply(200, { factors: (await web.countersign.enrolment.list(principal)).map(shownFactor) }),
});

export const factorRename = endpoint({
  name: 'renameFactor',
  summary: 'Gives one of the principal’s factors another name',
  method: 'PATCH',
  face: 'api',
  path: '/auth/mfa/factors/:id',
  params: z.object({ id: rowId }),
  body: z.object({ label }),
  output: z.object({ id: z.string(), label: z.string() }),
  errors: changeErrors,
  async handle({ web, principal, params, body }) {
    await web.countersign.enrolment.rename(principal, params.id, body.label);
    const renamed = (await web.countersign.enrolment.list(principal)).find((held) => held.id === params.id);
    return jsonReply(200, { id: params.id, label: renamed?.label ?? body.label });
  },
});

export const factorRemove = endpoint({
  name: 'removeFactor',
  summary: 'Removes one of the principal’s factors',
  method: 'DELETE',
  face: 'api',
  path: '/auth/mfa/factors/:id',
  params: z.object({ id: rowId }),
  output: z.object({ id: z.string(), removed: z.literal(true) }),
  errors: [...changeErrors, 'last_factor'],
  async handle({ web, principal, params }) {
    await web.countersign.enrolment.remove(principal, params.id);
    return jsonReply(200, { id: params.id, removed: true });
  },
});

export const capLift = endpoint({
  name: 'liftCaps',
  summary: 'Lets capped factors count in full, by an administrator’s one-time code',
  method: 'POST',
  face: 'api',
  path: '/auth/mfa/lift',
  body: z.object({ enrolmentCode }),
  output: z.object({ lifted: z.literal(true) }),
  errors: [
    'enrolment_code_refused',
    'factors_changed',
    'attempts_delayed',
    'factor_locked',
    'person_required',
    'session_ended',
  ],
  async handle({ web, principal, body }) {
    await web.countersign.enrolment.liftCaps(principal, body.enrolmentCode);
    return jsonReply(200, { lifted: true });
  },
});

export const othersSignOut = endpoint({
  name: 'signOutOthers',
  summary: 'Ends every other session of the principal',
  method: 'POST',
  face: 'api',
  path: '/auth/session/sign-out-others',
  output: z.object({ signedOut: z.literal(true) }),
  errors: ['person_required', 'session_ended'],
  async handle({ web, principal }) {
    await web.countersign.sessions.signOutOthers(principal);
    return jsonReply(200, { signedOut: true });
  },
});

export const session = endpoint({
  name: 'session',
  summary: 'Who is signed in, the factors enrolled, and the proofs held with the seconds they have left',
  method: 'GET',
  face: 'api',
  path: '/auth/session',
  output: z.object({
    principal: z.object({
      userId: z.string(),
      workspaceId: z.string(),
      displayName: z.string(),
      roles: z.array(z.string()),
    }),
    /** By kind. */
    factors: z.array(
      z.object({ factor: z.string(), strength, usable: z.boolean(), cap, remaining: z.int().nullable() }),
    ),
    proofs: z.array(z.object({ patientId: z.string(), factor: z.string(), strength, secondsLeft: z.int() })),
    /** The workspace wants a factor of this role, and there is none. */
    mustEnrol: z.boolean(),
    /** Open by emergency access. */
    emergencyAccess: z.array(
      z.object({
        id: z.string(),
        patientId: z.string().nullable(),
        purpose: z.enum(['clinical', 'administrative']),
        secondsLeft: z.int(),
      }),
    ),
    idleSecondsLeft: z.int().nullable(),
  }),
  errors: ['session_ended', 'settings_unknown', 'factor_unknown'],
  async handle({ web, principal }) {
    const { sessions, enrolment } = web.countersign;
    const status = await sessions.status(principal);
    const held = (await enrolment.list(principal)).map(shownFactor);
    const factors = status.factors.map(({ factor, strength: counts, usable }) => {
      const own = held.filter((one) => one.factor === factor);
      // One that is not capped lets the kind count in full.
      const capped = own.length > 0 && own.every((one) => one.cap !== null);
      return {
        factor,
        strength: counts,
        usable,
        cap: capped ? (own[0]?.cap ?? null) : null,
        remaining: own[0]?.remaining ?? null,
      };
    });
    return jsonReply(200, { ...status, factors, emergencyAccess: [...status.emergencyAccess] });
  },
});
